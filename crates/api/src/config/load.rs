//! Reading settings: the commented defaults, a file, the environment, the flags; then every value is checked.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use catalog::clock::Timestamp;
use catalog::db::DbUrl;
use config::{Config, Environment, File, FileFormat};
use minting::purse::Gwei;
use minting::wallet;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::{
    AuditSettings, ChainSettings, ClaimSettings, Limits, LogFormat, LogSettings, MintingSettings, OpenOn,
    ReturnSettings, SecretsDir, Settings,
};

use crate::policy::{Policies, Policy};

mod channels;
mod outbox;
mod policies;
mod problem;
mod throttle;

pub use problem::SettingError;

/// Every setting with its meaning and default.
const DEFAULTS: &str = include_str!("../../../../config.default.toml");
/// What the environment's names begin with.
const PREFIX: &str = "COLOPHON_";
/// Names with the prefix that are no settings: the file's own name, and what our tests are told.
const NO_SETTINGS: [&str; 2] = ["COLOPHON_CONFIG", "COLOPHON_TEST_"];
const DAY: u64 = 24 * 3600;
/// Every question for evidence goes to each provider.
const MOST_PROVIDERS: usize = 9;

/// Where settings come from, the later fields winning.
#[derive(Debug, Default)]
pub struct Layers {
    /// The text of the operator's file.
    pub file: Option<String>,
    /// The environment, as [`environment`] gives it.
    pub environment: HashMap<String, String>,
    /// Flags: a setting's full name and its text.
    pub flags: Vec<(&'static str, String)>,
    /// `--rpc-url`, as often as it was given.
    pub rpc_urls: Vec<String>,
}

/// The settings in this process's environment, and the path in `COLOPHON_CONFIG`.
pub fn environment() -> Result<(HashMap<String, String>, Option<PathBuf>), SettingError> {
    let file = std::env::var_os("COLOPHON_CONFIG").map(PathBuf::from);
    let mut settings = HashMap::new();
    for (name, value) in std::env::vars_os() {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
        if NO_SETTINGS.iter().any(|other| name.starts_with(other)) {
            continue;
        }
        let value = value.into_string().map_err(|_| SettingError::new(name, "is not UTF-8 text"))?;
        settings.insert(name.to_owned(), value);
    }
    Ok((settings, file))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    data_dir: PathBuf,
    listen: String,
    public_base_url: Option<String>,
    database_url: Option<String>,
    rpc_urls: Vec<String>,
    chain_id: Option<u64>,
    contract: Option<String>,
    chain_patience_seconds: u64,
    secrets_dir: Option<PathBuf>,
    anvil: Option<PathBuf>,
    log: RawLog,
    policies: Option<PathBuf>,
    claims: RawClaims,
    returns: RawReturns,
    limits: RawLimits,
    throttle: throttle::RawThrottle,
    minting: RawMinting,
    audit: RawAudit,
    outbox: outbox::RawOutbox,
    feeds: channels::RawFeeds,
    #[serde(default)]
    channels: BTreeMap<String, channels::RawChannel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLog {
    format: String,
    level: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawClaims {
    open_on: String,
    expire_after_days: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawReturns {
    window_days: u64,
    processing_days: u64,
    transit_days: u64,
    settle_early: bool,
    wording: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLimits {
    json_bytes: u64,
    webhook_bytes: u64,
    image_bytes: u64,
    image_pixels: u64,
    image_decodes: u64,
    requests_at_once: u64,
    connections: u64,
    request_seconds: u64,
    upload_seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAudit {
    head_file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMinting {
    hourly_cap: u64,
    group_gas_ceiling: u64,
    finality_depth: Option<u64>,
    max_fee_per_gas_wei: u64,
    max_priority_fee_per_gas_wei: u64,
    daily_gas_budget_gwei: Option<u64>,
    poll_interval_ms: u64,
    bump_after_seconds: u64,
    lease_seconds: u64,
    min_signer_balance_wei: u64,
}

/// The number, if it lies in `range`.
fn within<T: TryFrom<u64>>(
    setting: &'static str,
    number: u64,
    range: std::ops::RangeInclusive<u64>,
) -> Result<T, SettingError> {
    let (least, most) = (*range.start(), *range.end());
    let number = range.contains(&number).then(|| T::try_from(number).ok()).flatten();
    number.ok_or_else(|| SettingError::new(setting, format!("must be a number from {least} to {most}")))
}

fn days(setting: &'static str, number: u64) -> Result<Duration, SettingError> {
    within(setting, number, 0..=3650).map(|days: u64| Duration::from_secs(days * DAY))
}

fn seconds(setting: &'static str, number: u64) -> Result<Duration, SettingError> {
    within(setting, number, 1..=86_400).map(Duration::from_secs)
}

fn http_url(setting: &'static str, text: &str) -> Result<Url, SettingError> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| SettingError::new(setting, "must begin with http:// or https:// and name a host"))
}

impl Settings {
    /// Reads and checks settings. The first problem is told, in one sentence that names the setting.
    pub fn load(layers: Layers) -> Result<Self, SettingError> {
        let mut builder = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(text) = &layers.file {
            builder = builder.add_source(File::from_str(text, FileFormat::Toml));
        }
        let environment = Environment::with_prefix("COLOPHON")
            .prefix_separator("_")
            .separator("__")
            .try_parsing(true)
            .list_separator(",")
            .with_list_parse_key("rpc_urls")
            .with_list_parse_key("outbox.retry_seconds")
            .with_list_parse_key("throttle.trusted_proxies")
            .source(Some(layers.environment));
        builder = builder.add_source(environment);
        for (setting, text) in layers.flags {
            builder = builder.set_override(setting, text).map_err(|error| problem::of(&error))?;
        }
        if !layers.rpc_urls.is_empty() {
            builder =
                builder.set_override("rpc_urls", layers.rpc_urls).map_err(|error| problem::of(&error))?;
        }
        let raw: Raw =
            builder.build().and_then(Config::try_deserialize).map_err(|error| problem::of(&error))?;
        Self::check(raw)
    }

    fn check(raw: Raw) -> Result<Self, SettingError> {
        let listen: SocketAddr = raw.listen.parse().map_err(|_| {
            SettingError::new("listen", "must be an address with a port, such as 127.0.0.1:8020")
        })?;
        let public_base_url = match &raw.public_base_url {
            None => format!("http://{listen}"),
            Some(text) => base_url(text)?,
        };
        let database_url = match &raw.database_url {
            None => DbUrl::Sqlite(raw.data_dir.join("colophon.db")),
            Some(text) => DbUrl::from_str(text)
                .map_err(|problem| SettingError::new("database_url", format!("is {problem}")))?,
        };
        let secrets_dir = match raw.secrets_dir {
            None => SecretsDir::Embedded(raw.data_dir.join("secrets")),
            Some(path) => SecretsDir::Given(path),
        };
        Ok(Self {
            listen,
            public_base_url,
            database_url,
            secrets_dir,
            chain: ChainSettings {
                anvil: raw.anvil,
                patience: seconds("chain_patience_seconds", raw.chain_patience_seconds)?,
                ..chain(raw.rpc_urls, raw.chain_id, raw.contract.as_deref())?
            },
            log: raw.log.check()?,
            policies: match &raw.policies {
                Some(path) => policies::read(path)?,
                None => Policies::always(Policy {
                    holds_from: Timestamp::EPOCH,
                    open_on: policies::open_on("claims.open_on", &raw.claims.open_on)?,
                    wording: policies::wording("returns.wording", &raw.returns.wording)?,
                    returns: raw.returns.check()?,
                }),
            },
            claims: raw.claims.check()?,
            limits: raw.limits.check()?,
            throttle: raw.throttle.check()?,
            minting: raw.minting.check()?,
            outbox: raw.outbox.check()?,
            audit: AuditSettings {
                head_file: raw.audit.head_file.unwrap_or_else(|| raw.data_dir.join("audit-head.json")),
            },
            feeds: raw.feeds.check()?,
            channels: channels::check(raw.channels)?,
            data_dir: raw.data_dir,
        })
    }
}

fn base_url(text: &str) -> Result<String, SettingError> {
    let url = http_url("public_base_url", text)?;
    // It stands in texts that wallets sign, whose grammar is ASCII (EIP-4361).
    if !text.is_ascii() {
        return Err(SettingError::new("public_base_url", "must be ASCII; write the host in Punycode"));
    }
    if text.ends_with('/') || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty()
    {
        let problem = "must end without a slash and hold no user, `?` or `#`";
        return Err(SettingError::new("public_base_url", problem));
    }
    Ok(text.to_owned())
}

fn chain(
    rpc_urls: Vec<String>,
    chain_id: Option<u64>,
    contract: Option<&str>,
) -> Result<ChainSettings, SettingError> {
    for url in &rpc_urls {
        http_url("rpc_urls", url)?;
    }
    // Each is a voice of its own; the same one twice would be a majority with itself.
    if rpc_urls.iter().enumerate().any(|(place, url)| rpc_urls[..place].contains(url)) {
        return Err(SettingError::new("rpc_urls", "must not name the same address twice"));
    }
    if rpc_urls.len() > MOST_PROVIDERS {
        return Err(SettingError::new("rpc_urls", format!("must name at most {MOST_PROVIDERS} addresses")));
    }
    if !rpc_urls.is_empty() && chain_id.is_none() {
        return Err(SettingError::new("chain_id", "must be given together with `rpc_urls`"));
    }
    // SQL keeps it as a signed 64-bit number.
    let chain_id = chain_id.map(|id| within("chain_id", id, 1..=i64::MAX.unsigned_abs())).transpose()?;
    let account = |text| {
        wallet::parse_account(text).map_err(|problem| SettingError::new("contract", problem.to_string()))
    };
    Ok(ChainSettings {
        rpc_urls: rpc_urls.into_iter().map(SecretString::from).collect(),
        chain_id,
        contract: contract.map(account).transpose()?,
        anvil: None,
        patience: Duration::ZERO,
    })
}

/// The value that the setting's word stands for.
fn word<T: Copy>(setting: &'static str, word: &str, known: &[(&'static str, T)]) -> Result<T, SettingError> {
    known.iter().find(|(name, _)| *name == word).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = known.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        SettingError::new(setting, format!("must be one of {}", names.join(", ")))
    })
}

impl RawLog {
    fn check(self) -> Result<LogSettings, SettingError> {
        let formats = [("plain", LogFormat::Plain), ("json", LogFormat::Json)];
        Ok(LogSettings { format: word("log.format", &self.format, &formats)?, level: self.level })
    }
}

impl RawClaims {
    fn check(self) -> Result<ClaimSettings, SettingError> {
        let name = "claims.expire_after_days";
        let expire_after = self
            .expire_after_days
            .map(|number| within(name, number, 1..=36_500).map(|days: u64| Duration::from_secs(days * DAY)));
        Ok(ClaimSettings { expire_after: expire_after.transpose()? })
    }
}

impl RawReturns {
    fn check(self) -> Result<ReturnSettings, SettingError> {
        let returns = ReturnSettings {
            window: days("returns.window_days", self.window_days)?,
            processing: days("returns.processing_days", self.processing_days)?,
            transit: days("returns.transit_days", self.transit_days)?,
            settle_early: self.settle_early,
        };
        // The contract refuses a token that would settle more than 90 days ahead (DESIGN §5).
        if self.window_days + self.processing_days + self.transit_days > 89 {
            let problem = "and `processing_days` and `transit_days` together must not exceed 89";
            return Err(SettingError::new("returns.window_days", problem));
        }
        Ok(returns)
    }
}

impl RawLimits {
    fn check(self) -> Result<Limits, SettingError> {
        let decodes: usize = within("limits.image_decodes", self.image_decodes, 1..=64)?;
        Ok(Limits {
            json_bytes: within("limits.json_bytes", self.json_bytes, 1_024..=16 << 20)?,
            webhook_bytes: within("limits.webhook_bytes", self.webhook_bytes, 1_024..=64 << 20)?,
            image_bytes: within("limits.image_bytes", self.image_bytes, 1..=minting::image::MAX_BYTES)?,
            image_pixels: within("limits.image_pixels", self.image_pixels, 1..=minting::image::MAX_PIXELS)?,
            image_decodes: NonZeroUsize::new(decodes).unwrap_or(NonZeroUsize::MIN),
            requests_at_once: within("limits.requests_at_once", self.requests_at_once, 1..=100_000)?,
            connections: within("limits.connections", self.connections, 1..=100_000)?,
            request_time: seconds("limits.request_seconds", self.request_seconds)?,
            upload_time: seconds("limits.upload_seconds", self.upload_seconds)?,
        })
    }
}

impl RawMinting {
    fn check(self) -> Result<MintingSettings, SettingError> {
        let finality_depth =
            self.finality_depth.map(|depth| within("minting.finality_depth", depth, 1..=100_000));
        if self.max_priority_fee_per_gas_wei > self.max_fee_per_gas_wei {
            let problem = "must not exceed `minting.max_fee_per_gas_wei`";
            return Err(SettingError::new("minting.max_priority_fee_per_gas_wei", problem));
        }
        let poll: u64 = within("minting.poll_interval_ms", self.poll_interval_ms, 10..=600_000)?;
        let lease = within("minting.lease_seconds", self.lease_seconds, 5..=3_600)?;
        Ok(MintingSettings {
            hourly_cap: within("minting.hourly_cap", self.hourly_cap, 1..=1_000_000)?,
            // The upper bound is the one of EIP-7825.
            group_gas_ceiling: within(
                "minting.group_gas_ceiling",
                self.group_gas_ceiling,
                1_000_000..=16_777_216,
            )?,
            finality_depth: finality_depth.transpose()?,
            max_fee_per_gas_wei: self.max_fee_per_gas_wei.into(),
            max_priority_fee_per_gas_wei: self.max_priority_fee_per_gas_wei.into(),
            daily_gas_budget: self.daily_gas_budget_gwei.map(Gwei::new),
            poll_interval: Duration::from_millis(poll),
            bump_after: seconds("minting.bump_after_seconds", self.bump_after_seconds)?,
            lease: Duration::from_secs(lease),
            min_signer_balance_wei: self.min_signer_balance_wei.into(),
        })
    }
}

#[cfg(test)]
mod tests;
