//! The chain's side of the service: which chain, which contract, which keys; and the lanes that work on it.

mod beside;
mod probes;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use catalog::account::Account;
use catalog::chance::Chance;
use catalog::clock::Clock;
use catalog::crash_point;
use catalog::db::{Db, DbError, DbKind};
use catalog::journal::Occasion;
use minting::chain::{Chain, ChainError, Role};
use minting::deployment::{self, DeployError, DeploymentPlan};
use minting::devchain::{self, DevChain, DevChainError};
use minting::fees::FeePolicy;
use minting::image_store::ImageStore;
use minting::pipeline::{Lane, OpenLaneError, Pipeline, PipelineSettings};
use minting::providers::Providers;
use minting::rpc::{Finality, RpcChain};
use minting::signer::{KeystoreError, SigningKey};
use minting::worker::{self, Rhythm, Wake};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use self::beside::Beside;
use crate::binding::{self, Binding, BindingError};
use crate::config::{MintingSettings, SecretsDir, Settings, anvil_search_path};
use crate::readiness::Probe;
use crate::secrets::{self, Secrets, SecretsError};
use crate::state::ChainFacts;

/// The collection's name and symbol on chain.
const COLLECTION: (&str, &str) = ("Colophon Prints", "PRINT");
/// Tips below this are refused by many pools, in wei.
const MIN_TIP: u128 = 1;
/// The first and the longest pause while the chain is not heard at the start.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A lane has at most so many transactions that wait for a block, however much room blocks have.
const MOST_WAITING: usize = 128;

/// Why the chain's side cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ChainSideError {
    /// A setting is missing.
    #[error("`{0}` must be given together with `rpc_urls`")]
    SettingMissing(&'static str),
    /// PostgreSQL needs a chain that all its processes reach.
    #[error("`rpc_urls` must be given with PostgreSQL: the embedded chain belongs to one data directory")]
    EmbeddedChainWithPostgres,
    /// Secrets are missing where we must not make them.
    #[error("`secrets_dir` must be given with PostgreSQL or `rpc_urls`, and hold the secrets")]
    SecretsMissing,
    /// No node answers with the chain id that was set.
    #[error("no node in `rpc_urls` answers as chain {chain_id}: one is chain {found}")]
    WrongChain {
        /// The setting.
        chain_id: u64,
        /// What was found.
        found: u64,
    },
    /// No node answers at all.
    #[error("no node in `rpc_urls` answers")]
    NoNode,
    /// An address of a node is none.
    #[error("`rpc_urls` holds an address that is none")]
    OddUrl,
    /// The public address is none.
    #[error("`public_base_url` is no address")]
    OddBaseUrl,
    /// The database was never used by a service.
    #[error("this database belongs to no chain yet")]
    NotBound,
    /// There is no contract.
    #[error(
        "the chain has no contract at {0}: nothing was sent; restore the chain's state, or check `contract` and `rpc_urls`"
    )]
    ContractMissing(Account),
    /// The secrets cannot be used.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// A key cannot be used.
    #[error(transparent)]
    Key(#[from] KeystoreError),
    /// The development chain cannot be had.
    #[error(transparent)]
    DevChain(#[from] DevChainError),
    /// The chain did not answer.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The contract could not be deployed.
    #[error("the contract could not be deployed")]
    Deploy(#[from] DeployError),
    /// This process does not belong to the database.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// A lane cannot be opened.
    #[error(transparent)]
    Lane(#[from] OpenLaneError),
    /// The database failed.
    #[error("the books could not be read or written")]
    Db(#[from] DbError),
}

impl ChainSideError {
    /// True where the chain was not heard, so that it may be heard later.
    #[must_use]
    pub fn is_silence(&self) -> bool {
        match self {
            Self::NoNode => true,
            Self::Chain(error) | Self::Lane(OpenLaneError::Chain(error)) => {
                error.is_of_the_provider()
                    || matches!(error, ChainError::NoProvider { .. } | ChainError::NoAgreement { .. })
            }
            _ => false,
        }
    }
}

/// Tries again, ever more slowly and as long as the settings say, while the chain is not heard.
pub async fn patiently<T, F>(settings: &Settings, attempt: impl FnMut() -> F) -> Result<T, ChainSideError>
where
    F: Future<Output = Result<T, ChainSideError>>,
{
    let patience = settings.chain.patience;
    let pauses = ExponentialBuilder::default()
        .with_min_delay(FIRST_PAUSE.min(patience))
        .with_max_delay(LONGEST_PAUSE.min(patience))
        .without_max_times()
        .with_total_delay(Some(patience))
        .with_jitter();
    let tell = |error: &ChainSideError, pause: Duration| {
        let error = crate::error::chain(error);
        tracing::warn!(error, ?pause, "the chain is not heard yet: waiting");
    };
    attempt.retry(pauses).sleep(tokio::time::sleep).when(ChainSideError::is_silence).notify(tell).await
}

/// The chain as it was reached: embedded and started by us, or given.
pub struct Reached {
    /// The node that we started or took over, if it is the embedded one.
    pub devchain: Option<DevChain>,
    /// Its address.
    pub url: url::Url,
    /// Its id.
    pub chain_id: u64,
}

/// The chain's side, ready to work.
pub struct ChainSide {
    /// Which chain, which contract.
    pub facts: ChainFacts,
    /// Everything secret.
    pub secrets: Secrets,
    /// The chain, behind all its providers.
    pub chain: Arc<Providers>,
    /// The node that we keep, if it is the embedded one.
    pub devchain: Option<DevChain>,
}

/// What of the service the chain's side is opened with.
pub struct Ground<'a> {
    /// Settings.
    pub settings: &'a Settings,
    /// The database.
    pub db: &'a Db,
    /// The image store.
    pub images: &'a ImageStore,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives random bytes.
    pub chance: Arc<dyn Chance>,
}

fn fee_policy(minting: &MintingSettings) -> FeePolicy {
    FeePolicy {
        max_fee_cap: minting.max_fee_per_gas_wei,
        min_tip: MIN_TIP,
        max_tip: minting.max_priority_fee_per_gas_wei,
    }
}

fn finality(minting: &MintingSettings) -> Finality {
    minting.finality_depth.map_or(Finality::Tag, Finality::Depth)
}

/// The configured addresses of the chain's providers.
fn addresses(settings: &Settings) -> Result<Vec<url::Url>, ChainSideError> {
    let parse = |address: &SecretString| address.expose_secret().parse();
    settings.chain.rpc_urls.iter().map(parse).collect::<Result<_, _>>().map_err(|_| ChainSideError::OddUrl)
}

/// Reaches the chain that the settings name, or starts the embedded one.
pub async fn reach(settings: &Settings) -> Result<Reached, ChainSideError> {
    if settings.chain.rpc_urls.is_empty() {
        let anvil = devchain::find_anvil(settings.chain.anvil.as_deref(), anvil_search_path().as_deref())?;
        let devchain = DevChain::start(&settings.data_dir, &anvil).await?;
        let url = devchain.url().clone();
        return Ok(Reached { devchain: Some(devchain), url, chain_id: devchain::CHAIN_ID });
    }
    let chain_id = settings.chain.chain_id.ok_or(ChainSideError::SettingMissing("chain_id"))?;
    let mut found = None;
    for url in addresses(settings)? {
        let node = RpcChain::new(url.clone(), Account::from_bytes([0; 20]), Finality::Tag)?;
        match node.chain_id().await {
            Ok(id) if id == chain_id => return Ok(Reached { devchain: None, url, chain_id }),
            Ok(id) => found = Some(id),
            Err(error) => tracing::warn!(%error, "a node does not answer"),
        }
    }
    Err(found.map_or(ChainSideError::NoNode, |found| ChainSideError::WrongChain { chain_id, found }))
}

/// Opens the chain's side: reaches the chain, reads or makes the secrets, deploys the contract on a first embedded
/// start, and binds the database to all of it.
pub async fn open(ground: &Ground<'_>) -> Result<ChainSide, ChainSideError> {
    let Ground { settings, db, images, clock, chance } = ground;
    let embedded_chain = settings.chain.rpc_urls.is_empty();
    if embedded_chain && db.kind() == DbKind::Postgres {
        return Err(ChainSideError::EmbeddedChainWithPostgres);
    }
    let recorded = binding::bound(db).await?;
    let dir = settings.secrets_dir.path();
    if recorded.is_none() && embedded_chain {
        Secrets::make_missing(dir, chance.as_ref())?;
    } else if matches!(settings.secrets_dir, SecretsDir::Embedded(_)) && !dir.is_dir() {
        return Err(ChainSideError::SecretsMissing);
    }
    let secrets = Secrets::load(dir)?;
    crash_point!("start.secrets");
    let Reached { devchain, url, chain_id } = reach(settings).await?;
    crash_point!("start.chain");
    if let Some(devchain) = &devchain {
        devchain.endow(&secrets.signers()).await?;
    }
    let contract = match (settings.chain.contract, &recorded, &devchain) {
        (Some(contract), ..) => contract,
        (None, Some(recorded), _) => recorded.contract,
        (None, None, Some(devchain)) => deploy_embedded(settings, &secrets, devchain).await?,
        (None, None, None) => return Err(ChainSideError::SettingMissing("contract")),
    };
    let urls = if embedded_chain { vec![url] } else { addresses(settings)? };
    let (clock, chance) = (Arc::clone(clock), Arc::clone(chance));
    let (at, luck) = (clock.now(), Arc::clone(&chance));
    let chain =
        Providers::connect(urls, contract, finality(&settings.minting), chain_id, clock, chance).await?;
    if !chain.contract_exists().await? {
        return Err(ChainSideError::ContractMissing(contract));
    }
    let key_checks = secrets.check_values();
    let image_store_id = images.id().to_string();
    let binding = Binding { chain_id, contract, image_store_id, key_checks };
    binding::bind(db, &binding, &Occasion::by_service(at, "a start", luck.as_ref())).await?;
    let vault = secrets.account(Role::Vault).ok_or(ChainSideError::SecretsMissing)?;
    let signers = secrets.signers();
    let facts = ChainFacts { chain_id, contract, royalty_receiver: vault, vault, signers };
    Ok(ChainSide { facts, secrets, chain, devchain })
}

async fn deploy_embedded(
    settings: &Settings,
    secrets: &Secrets,
    devchain: &DevChain,
) -> Result<Account, ChainSideError> {
    let admin = SigningKey::open(settings.secrets_dir.path(), secrets::ADMIN)?;
    devchain.endow(&[admin.account()]).await?;
    let contract = deploy(settings, secrets, &admin, devchain.url()).await?;
    crash_point!("start.deployed");
    // Before the database is bound to it: a chain that dies now must come back with the contract.
    devchain.saved(&settings.data_dir).await?;
    tracing::info!(%contract, "contract deployed on the development chain");
    Ok(contract)
}

/// Deploys the contract with the roles that the secrets name.
pub async fn deploy(
    settings: &Settings,
    secrets: &Secrets,
    admin: &SigningKey,
    url: &url::Url,
) -> Result<Account, ChainSideError> {
    let account = |role| secrets.account(role).ok_or(ChainSideError::SecretsMissing);
    let (name, symbol) = COLLECTION;
    let minters = secrets.lanes.iter().filter(|(_, role, _)| *role == Role::Minter);
    let plan = DeploymentPlan {
        name: name.to_owned(),
        symbol: symbol.to_owned(),
        public_base_url: settings.public_base_url.clone(),
        admin: admin.account(),
        curator: account(Role::Curator)?,
        minters: minters.map(|(_, _, key)| key.account()).collect(),
        registrar: account(Role::Registrar)?,
        vault: account(Role::Vault)?,
        hourly_mint_cap: settings.minting.hourly_cap,
    };
    Ok(deployment::deploy(url.clone(), admin, &plan, fee_policy(&settings.minting)).await?)
}

/// The lanes at work, and the way to stop them.
pub struct Lanes {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Lanes {
    /// Tells every lane to take no new nonce and to stop after its present pass.
    pub fn tell_to_stop(&self) {
        // Fails only when no lane is left to hear it.
        let _ = self.stop.send(true);
    }

    /// Stops every lane after its present pass, and waits for it.
    pub async fn stop(self) {
        self.tell_to_stop();
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a lane ended badly");
            }
        }
    }
}

/// Names this process in leases.
fn holder(chance: &dyn Chance) -> String {
    format!("{}-{}", std::process::id(), hex::encode(chance.bytes::<8>()))
}

impl ChainSide {
    /// Opens a lane for each key and sets it to work.
    pub async fn start_lanes(
        &self,
        settings: &MintingSettings,
        db: &Db,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Chance>,
        wake: &Wake,
    ) -> Result<Lanes, ChainSideError> {
        let pipeline = Arc::new(Pipeline {
            db: db.clone(),
            chain: Arc::clone(&self.chain) as Arc<dyn Chain>,
            chain_id: self.facts.chain_id,
            contract: self.facts.contract,
            clock,
            holder: holder(chance.as_ref()),
            chance,
            settings: PipelineSettings {
                fees: fee_policy(settings),
                daily_budget: settings.daily_gas_budget,
                gas_ceiling: settings.group_gas_ceiling,
                most_waiting: MOST_WAITING,
                lease: settings.lease,
                resend_after: settings.poll_interval.saturating_mul(4).max(Duration::from_secs(2)),
                resend_missing_after: settings.poll_interval / 2,
                bump_after: settings.bump_after,
                park: Duration::from_secs(30),
                count_every: Duration::from_mins(1),
            },
        });
        let (stop, stopped) = watch::channel(false);
        let rhythm = Rhythm { busy: settings.poll_interval / 4, idle: settings.poll_interval };
        let mut lanes = Vec::new();
        for (_, role, key) in &self.secrets.lanes {
            lanes.push(Lane::open(Arc::clone(&pipeline), key.clone(), *role).await?);
        }
        let work = |lane| worker::spawn(lane, wake.clone(), rhythm, stopped.clone());
        Ok(Lanes { stop, tasks: lanes.into_iter().map(work).collect() })
    }

    /// What `/readyz` asks of the chain.
    #[must_use]
    pub fn probes(&self, min_balance: u128) -> Vec<Arc<dyn Probe>> {
        probes::of(&self.chain, &self.facts, min_balance)
    }
}
