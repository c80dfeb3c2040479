//! From a nonce and its calls to stored bytes.

use catalog::crash_point;
use catalog::db::{Tx, retrying};

use super::gas_need::GasError;
use super::{Lane, PassError, Pipeline};
use crate::attempt::Attempt;
use crate::call::Call;
use crate::chain::DryRunError;
use crate::contract;
use crate::fees::Fees;
use crate::gas;
use crate::purse::{self, CannotPay, Gwei};
use crate::signer::{SignedBytes, Unsigned};
use crate::store;
use crate::transaction::{Signed, Transaction, TransactionId};
use crate::under_way::UnderWay;

/// Gas of a plain transfer: what a nonce without calls is spent on.
const TRANSFER_GAS: u64 = 21_000;

/// A group that was bound whole, while nothing is signed for it. Memory only spares a look at what the books say.
#[derive(Debug)]
pub(super) struct BoundGroup {
    pub(super) transaction_id: TransactionId,
    /// The gas that it gets.
    pub(super) gas_limit: u64,
    pub(super) calls: Vec<Call>,
}

/// What came of an attempt that was to be stored.
pub(super) enum Stored {
    /// It is in the books.
    Yes(Signed, Attempt),
    /// The lane is frozen, and nothing was signed at this nonce: it waits.
    Frozen,
    /// Nobody can pay for it now.
    Unpaid(CannotPay),
}

impl Lane {
    /// Signs one more attempt for `fees` and commits it, if that is allowed and can be paid for.
    pub(super) async fn store_attempt(
        &mut self,
        under_way: &UnderWay,
        fees: Fees,
        fence: i64,
    ) -> Result<Stored, PassError> {
        let transaction = &under_way.transaction;
        match transaction.state.signed() {
            None => self.store_first(transaction, fees, fence).await,
            Some(signed) => self.store_further(transaction, signed, fees, fence).await,
        }
    }

    /// Promises what an attempt costs at worst, in the database transaction that stores it.
    async fn promise(
        &self,
        tx: &mut Tx,
        transaction: &Transaction,
        gas_limit: u64,
        fees: Fees,
    ) -> Result<Result<(), CannotPay>, PassError> {
        let day = purse::day_of(self.pipeline.clock.now());
        let worst = Gwei::at_least(purse::worst(gas_limit, fees.max_fee));
        let spent = store::hold_day(tx, day, &transaction.transaction_id).await?;
        if let Err(reason) = purse::within_budget(spent, worst, self.pipeline.settings.daily_budget) {
            return Ok(Err(reason));
        }
        store::promise(tx, &transaction.transaction_id, day, worst).await?;
        crash_point!("purse.promised");
        Ok(Ok(()))
    }

    /// The first attempt fixes what the nonce carries, for ever.
    async fn store_first(
        &mut self,
        transaction: &Transaction,
        fees: Fees,
        fence: i64,
    ) -> Result<Stored, PassError> {
        // The chain is asked outside the database transaction; the group may only shrink after it.
        let known = self.bound.take().filter(|bound| bound.transaction_id == transaction.transaction_id);
        let (enough, calls) = match known {
            Some(BoundGroup { gas_limit, calls, .. }) => (gas_limit, calls),
            None => (self.need_of(transaction).await?, Vec::new()),
        };
        let whole = self.sign_first(transaction, &calls, enough, fees)?;
        let this = &*self;
        retrying(|| this.try_store_first(transaction, &calls, &whole, enough, fees, fence)).await
    }

    /// The first attempt of a transaction that carries `calls`.
    fn sign_first(
        &self,
        transaction: &Transaction,
        calls: &[Call],
        enough: u64,
        fees: Fees,
    ) -> Result<(Signed, Attempt), PassError> {
        let gas_limit =
            if calls.is_empty() { TRANSFER_GAS } else { gas::limit(transaction.kind, calls.len(), enough) };
        let signed = Signed { calldata: call_bytes(calls)?, gas_limit };
        let attempt = self.attempt(transaction.nonce, &signed, fees)?;
        Ok((signed, attempt))
    }

    /// The gas that the members of a bound transaction need.
    async fn need_of(&mut self, transaction: &Transaction) -> Result<u64, PassError> {
        let mut tx = self.pipeline.db.begin_read().await?;
        let members = store::members(&mut tx, &transaction.transaction_id).await?;
        drop(tx);
        let calls: Vec<Call> = members.into_iter().map(|member| member.call).collect();
        if calls.is_empty() {
            return Ok(0);
        }
        match self.try_group(transaction.kind, &calls).await {
            Ok(limit) => Ok(limit),
            Err(GasError::Unfit(unfit)) => Err(unfit.into()),
            Err(GasError::DryRun(DryRunError::Chain(error))) => Err(error.into()),
            // The nonce is bound: it must be used. The receipt will tell, and the calls go back into the queue.
            Err(GasError::DryRun(DryRunError::Refused(_) | DryRunError::InsufficientFunds)) => Ok(0),
        }
    }

    /// Stores the attempt that carries `calls`, `whole`, where they are what is bound; else one that carries what is.
    async fn try_store_first(
        &self,
        transaction: &Transaction,
        calls: &[Call],
        whole: &(Signed, Attempt),
        enough: u64,
        fees: Fees,
        fence: i64,
    ) -> Result<Stored, PassError> {
        let Pipeline { db, clock, holder, .. } = self.pipeline.as_ref();
        let mut tx = db.begin_write().await?;
        let held = store::hold_lane(&mut tx, self.signer(), holder, fence).await?;
        if held.ok_or(PassError::LeaseLost)?.frozen_reason.is_some() {
            return Ok(Stored::Frozen);
        }
        // Members only ever leave: as many as were bound are the same.
        let bound = store::lock_members(&mut tx, &transaction.transaction_id).await?;
        let (signed, attempt) = if bound == calls.len() {
            whole.clone()
        } else {
            let members = store::members(&mut tx, &transaction.transaction_id).await?;
            let calls: Vec<Call> = members.into_iter().map(|member| member.call).collect();
            self.sign_first(transaction, &calls, enough, fees)?
        };
        crash_point!("sign.signed");
        if let Err(reason) = self.promise(&mut tx, transaction, signed.gas_limit, fees).await? {
            return Ok(Stored::Unpaid(reason));
        }
        store::set_signed(&mut tx, &transaction.transaction_id, &signed, fence, clock.now()).await?;
        store::insert_attempt(&mut tx, &transaction.transaction_id, &attempt, fence).await?;
        crash_point!("store");
        tx.commit().await?;
        crash_point!("store.committed");
        Ok(Stored::Yes(signed, attempt))
    }

    async fn store_further(
        &self,
        transaction: &Transaction,
        signed: &Signed,
        fees: Fees,
        fence: i64,
    ) -> Result<Stored, PassError> {
        let attempt = self.attempt(transaction.nonce, signed, fees)?;
        crash_point!("bump.signed");
        retrying(|| async {
            let mut tx = self.hold(fence).await?;
            if let Err(reason) = self.promise(&mut tx, transaction, signed.gas_limit, fees).await? {
                return Ok(Stored::Unpaid(reason));
            }
            store::insert_attempt(&mut tx, &transaction.transaction_id, &attempt, fence).await?;
            crash_point!("bump.store");
            tx.commit().await?;
            crash_point!("bump.store.committed");
            Ok::<_, PassError>(Stored::Yes(signed.clone(), attempt.clone()))
        })
        .await
    }

    fn attempt(&self, nonce: u64, signed: &Signed, fees: Fees) -> Result<Attempt, PassError> {
        // A nonce whose calls were all withdrawn is spent on a transfer of nothing to ourselves.
        let to = if signed.calldata.is_empty() { self.signer() } else { self.pipeline.contract };
        let bytes: SignedBytes = self.key.sign(&Unsigned {
            chain_id: self.pipeline.chain_id,
            nonce,
            to: Some(to),
            data: &signed.calldata,
            gas_limit: signed.gas_limit,
            fees,
        })?;
        Ok(Attempt { signed: bytes, fees, signed_at: self.pipeline.clock.now() })
    }
}

/// Calldata of a group, or nothing for an empty one.
fn call_bytes(calls: &[Call]) -> Result<Vec<u8>, PassError> {
    if calls.is_empty() { Ok(Vec::new()) } else { Ok(contract::calldata(calls)?) }
}
