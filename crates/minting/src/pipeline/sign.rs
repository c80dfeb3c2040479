//! From a nonce and its calls to stored bytes.

use catalog::db::retrying;

use super::{Lane, PassError, Pipeline};
use crate::attempt::Attempt;
use crate::call::Call;
use crate::chain::DryRunError;
use crate::contract;
use crate::fees::Fees;
use crate::gas;
use crate::signer::{SignedBytes, Unsigned};
use crate::store;
use crate::transaction::{Signed, Transaction};

/// Gas of a plain transfer: what a nonce without calls is spent on.
const TRANSFER_GAS: u64 = 21_000;

impl Lane {
    /// Signs one more attempt for `fees` and commits it. None while the lane is frozen and nothing was signed at this
    /// nonce: it waits, unsigned.
    pub(super) async fn store_attempt(
        &self,
        transaction: &Transaction,
        fees: Fees,
        fence: i64,
    ) -> Result<Option<(Signed, Attempt)>, PassError> {
        match transaction.state.signed() {
            None => self.store_first(transaction, fees, fence).await,
            Some(signed) => self.store_further(transaction, signed, fees, fence).await.map(Some),
        }
    }

    /// The first attempt fixes what the nonce carries, for ever.
    async fn store_first(
        &self,
        transaction: &Transaction,
        fees: Fees,
        fence: i64,
    ) -> Result<Option<(Signed, Attempt)>, PassError> {
        // The estimate is asked for outside the database transaction; the group may only shrink after it.
        let mut tx = self.pipeline.db.begin_read().await?;
        let members = store::members(&mut tx, &transaction.transaction_id).await?;
        drop(tx);
        let calls: Vec<Call> = members.into_iter().map(|member| member.call).collect();
        let estimate = match self.pipeline.chain.dry_run(self.signer(), &call_bytes(&calls)?).await {
            Ok(gas) => gas,
            Err(DryRunError::Chain(error)) => return Err(error.into()),
            // The nonce is bound: it must be used. The receipt will tell, and the calls go back into the queue.
            Err(DryRunError::Refused(_) | DryRunError::InsufficientFunds) => 0,
        };
        retrying(|| self.try_store_first(transaction, estimate, fees, fence)).await
    }

    async fn try_store_first(
        &self,
        transaction: &Transaction,
        estimate: u64,
        fees: Fees,
        fence: i64,
    ) -> Result<Option<(Signed, Attempt)>, PassError> {
        let Pipeline { db, clock, holder, .. } = self.pipeline.as_ref();
        let mut tx = db.begin_write().await?;
        let held = store::hold_lane(&mut tx, self.signer(), holder, fence).await?;
        if held.ok_or(PassError::LeaseLost)?.frozen_reason.is_some() {
            return Ok(None);
        }
        let members = store::lock_members(&mut tx, &transaction.transaction_id).await?;
        let calls: Vec<Call> = members.into_iter().map(|member| member.call).collect();
        let gas_limit = if calls.is_empty() {
            TRANSFER_GAS
        } else {
            gas::limit(transaction.kind, calls.len(), estimate.saturating_add(estimate / 8))
        };
        let signed = Signed { calldata: call_bytes(&calls)?, gas_limit };
        let attempt = self.attempt(transaction.nonce, &signed, fees)?;
        store::set_signed(&mut tx, &transaction.transaction_id, &signed, fence, clock.now()).await?;
        store::insert_attempt(&mut tx, &transaction.transaction_id, &attempt, fence).await?;
        tx.commit().await?;
        Ok(Some((signed, attempt)))
    }

    async fn store_further(
        &self,
        transaction: &Transaction,
        signed: &Signed,
        fees: Fees,
        fence: i64,
    ) -> Result<(Signed, Attempt), PassError> {
        let attempt = self.attempt(transaction.nonce, signed, fees)?;
        retrying(|| async {
            let mut tx = self.hold(fence).await?;
            store::insert_attempt(&mut tx, &transaction.transaction_id, &attempt, fence).await?;
            Ok::<_, PassError>(tx.commit().await?)
        })
        .await?;
        Ok((signed.clone(), attempt))
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
