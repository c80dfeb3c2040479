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
mod newest_blocks;
mod opening;
mod perform;
mod refused;
mod send;
mod sign;
mod told;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use catalog::account::Account;
use catalog::chance::Chance;
use catalog::clock::{Clock, Timestamp};
use catalog::crash_point;
use catalog::db::{Db, DbError, DbKind};
use catalog::journal::Occasion;
use tokio::sync::watch;

use self::gas_need::GasNeed;
pub use self::opening::OpenLaneError;
use self::sign::BoundGroup;
use self::told::Told;
use crate::call::CallKind;
use crate::chain::{B256, Chain, ChainError, Role};
use crate::fees::FeePolicy;
use crate::purse::{CannotPay, Gwei};
use crate::signer::{KeystoreError, SigningKey};
use crate::store;
use crate::transaction::TransactionId;
use crate::under_way::{LastSend, Rules};

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
    /// No lane has more transactions under way that are not in a block than this, nor more than a few blocks have room for.
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
    sent: HashMap<TransactionId, Sent>,
    /// The height up to which the blocks were looked into.
    read_up_to: Option<u64>,
    told: Told,
    costs: HashMap<B256, u128>,
    cannot_pay: bool,
    gas_need: GasNeed,
    bound: Option<BoundGroup>,
    stop: watch::Receiver<bool>,
}

/// What is remembered of the newest attempt of a transaction.
#[derive(Debug, Clone, Copy)]
struct Sent {
    attempt_hash: B256,
    signed_at: Timestamp,
    last_send: LastSend,
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

impl Lane {
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
        self.read_up_to = None;
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
        self.told = Told::default();
        self.compare_with_chain(fence).await?;
        self.recover(fence, report).await?;
        Box::pin(self.confirm(fence, report)).await?;
        self.send_waiting(fence, report).await
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

    fn rules(&self) -> Rules {
        let PipelineSettings { fees, resend_after, resend_missing_after, bump_after, .. } =
            self.pipeline.settings;
        Rules { fees, resend_after, resend_missing_after, bump_after }
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
