//! One pass over a lane: recover, confirm, send. Idempotent and without input: the same code runs after a crash as
//! on a good day.
//!
//! *Invariant: bytes before wire.* An attempt is committed before its first byte leaves.
//!
//! *Invariant: one nonce, one list of calls.* What a transaction carries is fixed with its first stored attempt;
//! whatever a node answers, the same bytes are sent again or the same calls at the same nonce for a higher fee.
//!
//! *Invariant: fenced.* Every statement that binds a nonce or stores bytes follows a lock of the lane's row that
//! fails once another process holds the lease.

mod comparison;
mod confirm;
mod ends;
mod gas_need;
mod perform;
mod refused;
mod send;
mod sign;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use catalog::account::Account;
use catalog::chance::Chance;
use catalog::clock::{Clock, Timestamp};
use catalog::crash_point;
use catalog::db::{Db, DbError, DbKind};
use catalog::journal::{self, Occasion};
use tokio::sync::watch;

use self::gas_need::GasNeed;
use crate::call::CallKind;
use crate::chain::{B256, Chain, ChainError, CountAt, FeeHistory, Receipt, Role};
use crate::event::MintingEvent;
use crate::fees::FeePolicy;
use crate::purse::{CannotPay, Gwei};
use crate::recovery;
use crate::signer::{KeystoreError, SigningKey};
use crate::store;
use crate::under_way::LastSend;

/// Why a pass changes anything.
const REASON: &str = "a pass of a signer's lane";

/// What a pass needs to know besides the chain.
#[derive(Debug, Clone, Copy)]
pub struct PipelineSettings {
    /// Bounds on fees.
    pub fees: FeePolicy,
    /// What all lanes together may spend on a day (UTC); none: no budget.
    pub daily_budget: Option<Gwei>,
    /// No transaction asks for more gas than this.
    pub gas_ceiling: u64,
    /// No lane has more transactions under way that are not in a block than this.
    pub most_waiting: usize,
    /// A lease lasts so long without renewal.
    pub lease: Duration,
    /// Bytes without a receipt are sent again after this.
    pub resend_after: Duration,
    /// Bytes that the nodes' pools do not count are sent again after this.
    pub resend_missing_after: Duration,
    /// A transaction without a receipt gets a higher fee after this.
    pub bump_after: Duration,
    /// A call that was passed over waits so long before it is tried again.
    pub park: Duration,
    /// The chain's count of a signer's transactions is compared with the books this often.
    pub count_every: Duration,
}

/// What all lanes of a process share.
#[derive(Debug)]
pub struct Pipeline {
    /// The database.
    pub db: Db,
    /// The chain.
    pub chain: Arc<dyn Chain>,
    /// Its id.
    pub chain_id: u64,
    /// Our contract on it.
    pub contract: Account,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of ids.
    pub chance: Arc<dyn Chance>,
    /// Bounds and intervals.
    pub settings: PipelineSettings,
    /// Names this process in leases.
    pub holder: String,
}

/// A lane and what this process remembers of it. Memory only spares questions: losing it is harmless.
#[derive(Debug)]
pub struct Lane {
    pipeline: Arc<Pipeline>,
    key: SigningKey,
    role: Role,
    fence: Option<i64>,
    renewed_at: Option<Timestamp>,
    counted_at: Option<Timestamp>,
    sent: HashMap<B256, LastSend>,
    /// The nodes' count of the signer's transactions with those that wait, as it was told in this pass.
    waiting_count: Option<u64>,
    /// What the market asks for and how much gas a block takes, as it was told in this pass.
    market: Option<(FeeHistory, u64)>,
    costs: HashMap<B256, u128>,
    /// Of transactions in blocks that are not final.
    receipts: HashMap<B256, Receipt>,
    cannot_pay: bool,
    gas_need: GasNeed,
    stop: watch::Receiver<bool>,
}

/// What a pass did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PassReport {
    /// Whether the lane is worked by this process.
    pub held: bool,
    /// Transactions whose first bytes were stored.
    pub signed: usize,
    /// Attempts handed to the node, repetitions included.
    pub sent: usize,
    /// Transactions whose end became known.
    pub ended: usize,
    /// Transactions still under way.
    pub under_way: usize,
    /// Of these, those that are not in a block.
    pub waiting: usize,
}

/// A pass that stopped half-way. The next one takes up where it stopped.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// The database failed.
    #[error("the books could not be read or written")]
    Db(#[from] DbError),
    /// The chain did not answer.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The key could not sign.
    #[error(transparent)]
    Key(#[from] KeystoreError),
    /// Another process has the lease now.
    #[error("the lease on the lane went to another process")]
    LeaseLost,
    /// The calls of a transaction do not fit together: somebody else wrote the books.
    #[error(transparent)]
    UnfitGroup(#[from] crate::contract::UnfitGroup),
}

impl catalog::db::Retryable for PassError {
    fn is_passing_conflict(&self) -> bool {
        matches!(self, Self::Db(error) if error.is_passing_conflict())
    }
}

/// The kinds of call that a role may make.
#[must_use]
pub fn kinds_of(role: Role) -> &'static [CallKind] {
    match role {
        Role::Curator => &[CallKind::OpenEdition],
        Role::Minter => &[CallKind::Mint],
        // A void ends a risk; settling only ends a wait.
        Role::Registrar => &[CallKind::Void, CallKind::Settle],
        // It makes no other call, ever: what it keeps is the buyers'.
        Role::Vault => &[CallKind::Surrender, CallKind::Release],
    }
}

/// A lane that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenLaneError {
    /// The signer lacks the role on chain.
    #[error("the {} key {signer} does not hold the {} role of the contract", role.as_str(), role.as_str())]
    RoleMissing {
        /// The account.
        signer: Account,
        /// The role.
        role: Role,
    },
    /// The vault's signer could do more than keep tokens.
    #[error(
        "the vault key {signer} holds another role of the contract too: the vault must hold its own alone"
    )]
    RoleNotAlone {
        /// The account.
        signer: Account,
    },
    /// A new lane's signer has transactions under way that we know nothing of.
    #[error("the {} key {signer} has unfinished transactions: wait until they are final", role.as_str())]
    Unsettled {
        /// The account.
        signer: Account,
        /// The role.
        role: Role,
    },
    /// The chain did not answer.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The database failed.
    #[error("the books could not be read or written")]
    Db(#[from] DbError),
}

/// True when the vault's signer holds a role besides its own.
async fn holds_more(chain: &dyn Chain, signer: Account) -> Result<bool, ChainError> {
    for role in Role::ALL {
        if role != Role::Vault && chain.has_role(role, signer).await? {
            return Ok(true);
        }
    }
    chain.governs(signer).await
}

impl Lane {
    /// Opens the lane of `key`: checks the role on chain, and stores the first nonce when the lane is new.
    pub async fn open(pipeline: Arc<Pipeline>, key: SigningKey, role: Role) -> Result<Self, OpenLaneError> {
        let signer = key.account();
        if !pipeline.chain.has_role(role, signer).await? {
            return Err(OpenLaneError::RoleMissing { signer, role });
        }
        if role == Role::Vault && holds_more(pipeline.chain.as_ref(), signer).await? {
            return Err(OpenLaneError::RoleNotAlone { signer });
        }
        let mut tx = pipeline.db.begin_read().await?;
        let known = store::list_lanes(&mut tx).await?.iter().any(|lane| lane.signer == signer);
        drop(tx);
        if !known {
            let finalized = pipeline.chain.finalized().await?;
            let chain = &pipeline.chain;
            let final_count = chain.transaction_count(signer, CountAt::Height(finalized.number)).await?;
            let latest = chain.transaction_count(signer, CountAt::Latest).await?;
            let pending = chain.transaction_count(signer, CountAt::Pending).await?;
            if latest != final_count || pending != final_count {
                return Err(OpenLaneError::Unsettled { signer, role });
            }
            let occasion = Occasion::by_service(pipeline.clock.now(), "a start", pipeline.chance.as_ref());
            let mut tx = pipeline.db.begin_write().await?;
            if store::create_lane(&mut tx, signer, role, final_count, occasion.at).await? {
                let (word, first_nonce) = (role.as_str(), final_count);
                let event = MintingEvent::LaneOpened { signer, role: word, first_nonce };
                journal::append(&mut tx, &occasion, &event)?;
                // A key that was used before belongs to other books: an operator says that these take their place.
                if final_count > 0 {
                    let reason = recovery::used_before(role, final_count);
                    store::freeze_lane(&mut tx, signer, &reason, occasion.at).await?;
                    tracing::error!(%signer, reason, "lane frozen");
                    metrics::counter!("colophon_lanes_frozen_total").increment(1);
                    let event = MintingEvent::LaneFrozen { signer, reason };
                    journal::append(&mut tx, &occasion, &event)?;
                }
            }
            crash_point!("lane.made");
            tx.commit().await?;
            crash_point!("lane.made.committed");
        }
        let lane = Self {
            pipeline,
            key,
            role,
            fence: None,
            renewed_at: None,
            counted_at: None,
            sent: HashMap::new(),
            waiting_count: None,
            market: None,
            costs: HashMap::new(),
            receipts: HashMap::new(),
            cannot_pay: false,
            gas_need: GasNeed::default(),
            // Of a sender that is gone: never told to stop.
            stop: watch::channel(false).1,
        };
        Ok(lane)
    }

    /// The account whose nonces these are.
    #[must_use]
    pub fn signer(&self) -> Account {
        self.key.account()
    }

    /// The role of this lane.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Takes no new nonce once `stop` is true.
    pub(crate) fn heed(&mut self, stop: watch::Receiver<bool>) {
        self.stop = stop;
    }

    fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Forgets what it remembers of the lane, as a new process would: after a pass that ended nobody knows where.
    pub(crate) fn forget(&mut self) {
        self.fence = None;
        self.renewed_at = None;
        self.counted_at = None;
        self.sent.clear();
        self.costs.clear();
        self.receipts.clear();
    }

    /// One pass.
    pub async fn pass(&mut self) -> Result<PassReport, PassError> {
        let mut report = PassReport::default();
        let Some(fence) = self.renew_lease().await? else { return Ok(report) };
        report.held = true;
        let passed = self.work(fence, &mut report).await;
        if matches!(passed, Err(PassError::LeaseLost)) {
            self.renewed_at = None;
            crash_point!("lease.lost");
        }
        passed.map(|()| report)
    }

    async fn work(&mut self, fence: i64, report: &mut PassReport) -> Result<(), PassError> {
        self.market = None;
        self.compare_with_chain(fence).await?;
        self.recover(fence, report).await?;
        Box::pin(self.confirm(fence, report)).await?;
        self.send_waiting(fence, report).await
    }

    /// What gas costs, and how much of it a block takes: asked once a pass.
    async fn market(&mut self) -> Result<(FeeHistory, u64), ChainError> {
        let market = match self.market {
            Some(known) => known,
            None => (self.pipeline.chain.fee_history().await?, self.pipeline.chain.block_gas_limit().await?),
        };
        self.market = Some(market);
        Ok(market)
    }

    /// Lets go of the lane, for a quick take-over.
    pub async fn release(&mut self) -> Result<(), DbError> {
        let Some(fence) = self.fence.take() else { return Ok(()) };
        let mut tx = self.pipeline.db.begin_write().await?;
        store::release_lease(&mut tx, self.signer(), &self.pipeline.holder, fence).await?;
        crash_point!("lease.given_back");
        tx.commit().await
    }

    /// Tells the operator that money is missing: once, until it is there again.
    fn cannot_pay(&mut self, reason: &CannotPay) {
        if std::mem::replace(&mut self.cannot_pay, true) {
            return;
        }
        let signer = self.signer();
        tracing::error!(%signer, %reason, "no new transaction, and no higher fee, until it can be paid for");
        metrics::counter!("colophon_cannot_pay_total", "reason" => reason.as_str()).increment(1);
        metrics::gauge!("colophon_cannot_pay", "signer" => signer.to_string()).set(1.0);
    }

    fn can_pay(&mut self) {
        if std::mem::take(&mut self.cannot_pay) {
            let signer = self.signer();
            tracing::info!(%signer, "can pay again");
            metrics::gauge!("colophon_cannot_pay", "signer" => signer.to_string()).set(0.0);
        }
    }

    fn occasion(&self) -> Occasion<'_> {
        Occasion::by_service(self.pipeline.clock.now(), REASON, self.pipeline.chance.as_ref())
    }

    /// Takes the lease, or renews it when a third of it has passed: every statement that matters checks it anyway.
    async fn renew_lease(&mut self) -> Result<Option<i64>, DbError> {
        let Pipeline { db, settings, holder, clock, .. } = self.pipeline.as_ref();
        let now = clock.now();
        let fresh = |renewed| !now.is_over(renewed, settings.lease / 3);
        if self.fence.is_some() && self.renewed_at.is_some_and(fresh) {
            return Ok(self.fence);
        }
        // The data directory's lock leaves room for one process on SQLite: whoever held the lease is dead.
        let sole = db.kind() == DbKind::Sqlite;
        let mut tx = db.begin_write().await?;
        let fence = store::take_lease(&mut tx, self.signer(), holder, settings.lease, sole).await?;
        crash_point!("lease.taken");
        tx.commit().await?;
        self.renewed_at = fence.map(|_| now);
        if fence == self.fence {
            crash_point!("lease.renewed");
        } else {
            crash_point!("lease.taken.committed");
            // A new holder knows nothing: it counts and sends again.
            self.counted_at = None;
            self.sent.clear();
            self.fence = fence;
        }
        Ok(fence)
    }
}
