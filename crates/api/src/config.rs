//! Settings: typed and checked at the start. This module alone reads the environment.

mod load;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use catalog::account::Account;
use catalog::db::DbUrl;
use minting::purse::Gwei;
use secrecy::SecretString;
use url::Url;

use crate::feed::ChannelName;
use crate::outbox::endpoint_url::Reach;
use crate::policy::Policies;
use crate::throttle::ThrottleSettings;

pub use load::{Layers, SettingError, environment};

/// Where the system looks for programs.
#[must_use]
pub fn anvil_search_path() -> Option<std::ffi::OsString> {
    std::env::var_os("PATH")
}

/// What a test wants to happen where: see `catalog::crash`.
#[cfg(feature = "failpoints")]
#[must_use]
pub fn failpoints() -> String {
    std::env::var_os("FAILPOINTS").and_then(|plan| plan.into_string().ok()).unwrap_or_default()
}

/// Everything that can be set, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the embedded database, images, chain and secrets lie.
    pub data_dir: PathBuf,
    /// Where the service listens.
    pub listen: SocketAddr,
    /// How the outside names the service, without a slash at the end: it stands in token metadata.
    pub public_base_url: String,
    /// The database.
    pub database_url: DbUrl,
    /// Where the secrets lie.
    pub secrets_dir: SecretsDir,
    /// The chain.
    pub chain: ChainSettings,
    /// Logs.
    pub log: LogSettings,
    /// Claims.
    pub claims: ClaimSettings,
    /// When claims open and tokens settle, by the day of the sale.
    pub policies: Policies,
    /// How much is taken in.
    pub limits: Limits,
    /// How much may fail, and whose word is taken about who asks.
    pub throttle: ThrottleSettings,
    /// How calls reach the chain.
    pub minting: MintingSettings,
    /// The audit log.
    pub audit: AuditSettings,
    /// How order feeds are worked on.
    pub feeds: FeedSettings,
    /// The shops that feed us, by name.
    pub channels: BTreeMap<ChannelName, ChannelSettings>,
    /// Events out.
    pub outbox: OutboxSettings,
}

/// How events are sent.
#[derive(Debug, Clone)]
pub struct OutboxSettings {
    /// Where they may go.
    pub reach: Reach,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// The pause after each attempt that failed; after the last one a delivery is given up.
    pub schedule: Vec<Duration>,
    /// How long an endpoint may fail without a success until nothing is sent any more.
    pub disable_after: Duration,
}

/// How the audit log is told outside the database.
#[derive(Debug, Clone)]
pub struct AuditSettings {
    /// The file that tells the end of the sealed journal.
    pub head_file: PathBuf,
}

/// How order feeds are worked on.
#[derive(Debug, Clone, Copy)]
pub struct FeedSettings {
    /// How long an event waits for its sale, or for what comes before it, until it is parked.
    pub patience: Duration,
}

/// A shop that feeds us.
#[derive(Debug, Clone)]
pub struct ChannelSettings {
    /// Its name.
    pub name: ChannelName,
    /// Files of the secrets that its deliveries are signed with, below `secrets_dir` where they are not absolute.
    pub webhook_secrets: Vec<PathBuf>,
    /// The newest version of the platform's API whose texts are read: `2026-10`.
    pub api_version: String,
    /// The root of the platform's API.
    pub api_url: Url,
    /// File of the token that opens it.
    pub access_token: Option<PathBuf>,
}

/// Where the secrets lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretsDir {
    /// In the data directory, where a first start may make them.
    Embedded(PathBuf),
    /// Where the operator keeps them; nothing is ever made there.
    Given(PathBuf),
}

impl SecretsDir {
    /// The folder.
    #[must_use]
    pub fn path(&self) -> &std::path::Path {
        match self {
            Self::Embedded(path) | Self::Given(path) => path,
        }
    }
}

/// Which chain, and which contract on it.
#[derive(Debug, Clone)]
pub struct ChainSettings {
    /// JSON-RPC addresses in order of preference; none: the embedded development chain. An address may hold a
    /// provider's key, so `Debug` hides it.
    pub rpc_urls: Vec<SecretString>,
    /// The chain's id (EIP-155); with RPC addresses it must be given.
    pub chain_id: Option<u64>,
    /// The contract; with RPC addresses it must be given.
    pub contract: Option<Account>,
    /// How long a start waits for the chain to answer.
    pub patience: Duration,
    /// The program of the embedded development chain, where it is not found by itself.
    pub anvil: Option<PathBuf>,
}

/// How logs are written.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// One JSON object a line, or plain text.
    pub format: LogFormat,
    /// Filter, for example `info` or `info,sqlx=warn`.
    pub level: String,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Plain,
    /// For programs.
    Json,
}

/// When claims expire.
#[derive(Debug, Clone)]
pub struct ClaimSettings {
    /// After how long an open claim expires; none: never.
    pub expire_after: Option<Duration>,
}

/// The event that opens a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenOn {
    /// As soon as the sale is written.
    Sale,
    /// When the sheet leaves the house.
    Shipment,
    /// When the sheet has arrived.
    Delivery,
}

impl OpenOn {
    /// The word in settings and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Shipment => "shipment",
            Self::Delivery => "delivery",
        }
    }
}

/// How long returns take.
#[derive(Debug, Clone, Copy)]
pub struct ReturnSettings {
    /// How long after delivery a buyer may ask for a return.
    pub window: Duration,
    /// How long a return takes from asking to inspection.
    pub processing: Duration,
    /// The longest transit, counted while no delivery is known.
    pub transit: Duration,
    /// Whether a token is settled as soon as its return window has closed with no return open.
    pub settle_early: bool,
}

/// How much is taken in.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Largest JSON body in bytes.
    pub json_bytes: u64,
    /// Largest delivery of a shop's platform in bytes.
    pub webhook_bytes: u64,
    /// Largest image file in bytes.
    pub image_bytes: u64,
    /// Largest image in pixels.
    pub image_pixels: u64,
    /// Images that are decoded at once.
    pub image_decodes: NonZeroUsize,
    /// Requests that are worked on at once; more get 503.
    pub requests_at_once: usize,
    /// Connections that are open at once; more wait.
    pub connections: usize,
    /// Longest time until a request is answered.
    pub request_time: Duration,
    /// Longest time until an image is taken in.
    pub upload_time: Duration,
}

/// How calls reach the chain.
#[derive(Debug, Clone)]
pub struct MintingSettings {
    /// Mints that the contract lets the minter make in a clock hour; written at deployment.
    pub hourly_cap: u32,
    /// Most gas that one transaction may ask for.
    pub group_gas_ceiling: u64,
    /// Blocks after which a block counts as final on chains without a finalized tag; none: use the tag.
    pub finality_depth: Option<u64>,
    /// Highest fee for a unit of gas, in wei.
    pub max_fee_per_gas_wei: u128,
    /// Highest tip for a unit of gas, in wei.
    pub max_priority_fee_per_gas_wei: u128,
    /// What all signers together may spend on gas in a day (UTC); none: no budget.
    pub daily_gas_budget: Option<Gwei>,
    /// Pause between two passes of a worker.
    pub poll_interval: Duration,
    /// How long an attempt may wait before its fee is raised.
    pub bump_after: Duration,
    /// How long a lease on a signer lasts.
    pub lease: Duration,
    /// Balance of a signer, in wei, below which readiness fails.
    pub min_signer_balance_wei: u128,
}

impl Settings {
    /// The public address of a path that begins with a slash.
    #[must_use]
    pub fn public_url(&self, path: &str) -> String {
        format!("{}{path}", self.public_base_url)
    }
}
