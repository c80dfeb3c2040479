//! What every handler can reach.

use std::sync::Arc;

use catalog::account::Account;
use catalog::chance::Chance;
use catalog::clock::Clock;
use catalog::db::Db;
use catalog::journal::{Actor, Occasion};
use metrics_exporter_prometheus::PrometheusHandle;
use minting::chain::Chain;
use minting::image_intake::ImageIntake;
use minting::image_store::ImageStore;
use minting::metadata::Home;
use minting::wallet::WalletJudge;
use minting::worker::Wake;
use tokio::sync::Notify;

use crate::claim::code::ClaimPepper;
use crate::config::Settings;
use crate::encryption::ContactKey;
use crate::error::ApiError;
use crate::feed::Channels;
use crate::outbox::endpoint_url::Reach;
use crate::outbox::resolver::{Guard, SystemLookup};
use crate::outbox::secret::WebhookKey;
use crate::readiness::Readiness;
use crate::redeeming::Terms;
use crate::telemetry;
use crate::throttle::Throttles;

/// The application's state, shared by all requests. Cheap to clone.
pub type AppState = Arc<App>;

/// The parts that the routes work with. Tests hand in their own.
pub struct App {
    /// The database.
    pub db: Db,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives random bytes.
    pub chance: Arc<dyn Chance>,
    /// Checked settings.
    pub settings: Settings,
    /// The chain and the contract that this database is bound to.
    pub chain: ChainFacts,
    /// That chain, to be asked.
    pub on_chain: Arc<dyn Chain>,
    /// The secret that claim codes are kept under.
    pub claim_pepper: ClaimPepper,
    /// The key that what names buyers is encrypted with.
    pub contact_key: ContactKey,
    /// Judges whether wallets signed.
    pub wallets: WalletJudge,
    /// What events are sent with.
    pub outbox: Outbox,
    /// The image store.
    pub images: ImageStore,
    /// The one way by which print images come into the store.
    pub intake: ImageIntake,
    /// What `/readyz` asks.
    pub readiness: Readiness,
    /// Turns away who fails too often.
    pub throttles: Throttles,
    /// Wakes the lanes after work was committed.
    pub wake: Wake,
    /// The shops that feed us.
    pub channels: Channels,
    /// Says that there is something in the inbox.
    pub inbox_bell: Notify,
    /// Renders `/metrics`.
    pub metrics: PrometheusHandle,
}

/// What events are sent with.
pub struct Outbox {
    /// The key that webhook secrets are derived from.
    pub key: WebhookKey,
    /// Where names may lead.
    pub guard: Guard,
}

impl Outbox {
    /// With the system's own resolver.
    #[must_use]
    pub fn new(key: WebhookKey, reach: Reach) -> Self {
        Self { key, guard: Guard::new(Arc::new(SystemLookup), reach) }
    }
}

/// The chain and the contract, as they stand from the first start on.
#[derive(Debug, Clone)]
pub struct ChainFacts {
    /// The chain's id (EIP-155).
    pub chain_id: u64,
    /// The contract's address.
    pub contract: Account,
    /// Who receives royalties of editions that name nobody.
    pub royalty_receiver: Account,
    /// The vault: keeps tokens in the names of buyers without a wallet.
    pub vault: Account,
    /// The accounts that sign for us. No buyer's token goes to one of them.
    pub signers: Vec<Account>,
}

impl ChainFacts {
    /// All accounts of the issuer: the contract and those that sign.
    #[must_use]
    pub fn issuer_accounts(&self) -> Vec<Account> {
        self.signers.iter().copied().chain([self.contract]).collect()
    }
}

impl App {
    /// Where the tokens of this service live.
    pub fn home(&self) -> Result<Home, ApiError> {
        let site = self.settings.public_base_url.parse();
        let site =
            site.map_err(|error: url::ParseError| ApiError::internal("reading the public base URL", error))?;
        Home::new(site, self.chain.chain_id, self.chain.contract)
            .map_err(|error| ApiError::internal("naming where tokens live", error))
    }

    /// By which rules claims open, tokens settle, and where they live.
    pub(crate) fn terms<'a>(&'a self, home: &'a Home) -> Terms<'a> {
        Terms { claims: &self.settings.claims, policies: &self.settings.policies, home }
    }

    /// The circumstances of a change that `actor` makes now, in the present request.
    #[must_use]
    pub fn occasion(&self, actor: Actor) -> Occasion<'_> {
        Occasion {
            at: self.clock.now(),
            actor,
            reason: telemetry::operation().into(),
            request_id: telemetry::request_id(),
            chance: self.chance.as_ref(),
        }
    }
}
