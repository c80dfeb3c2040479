//! From a bound nonce to stored bytes, and from stored bytes to the node.

use catalog::db::retrying;

use super::{Lane, PassError, PassReport, Pipeline};
use crate::attempt::Attempt;
use crate::call::Call;
use crate::chain::DryRunError;
use crate::contract;
use crate::fees::{self, Fees};
use crate::gas;
use crate::send_error::SendRefusal;
use crate::signer::{SignedBytes, Unsigned};
use crate::store;
use crate::transaction::{Signed, Transaction, TransactionState};

/// Gas of a plain transfer: what a nonce without calls is spent on.
const TRANSFER_GAS: u64 = 21_000;

impl Lane {
    /// Takes up what a pass before this one left: nonces without bytes, and bytes that nobody may have seen.
    pub(super) async fn recover(&mut self, fence: i64, report: &mut PassReport) -> Result<(), PassError> {
        let mut tx = self.pipeline.db.begin_read().await?;
        let unsettled = store::unsettled(&mut tx, self.signer()).await?;
        drop(tx);
        for transaction in unsettled {
            let is_signed = match transaction.state {
                TransactionState::Bound => {
                    let is_signed = self.sign_first(&transaction, fence).await?.is_some();
                    report.signed += usize::from(is_signed);
                    is_signed
                }
                TransactionState::Signed(_) => true,
                _ => false,
            };
            if is_signed {
                report.sent += self.send_latest(&transaction).await?;
            }
        }
        Ok(())
    }

    /// Signs and stores the first attempt of a bound transaction. None while the market is above the cap or the lane
    /// is frozen: the nonce waits, unsigned.
    pub(super) async fn sign_first(
        &self,
        transaction: &Transaction,
        fence: i64,
    ) -> Result<Option<SignedBytes>, PassError> {
        let history = self.pipeline.chain.fee_history().await?;
        let fees = match fees::quote(history, self.pipeline.settings.fees) {
            Ok(fees) => fees,
            Err(above) => {
                tracing::warn!(signer = %self.signer(), %above, "parked");
                return Ok(None);
            }
        };
        retrying(|| async { self.try_sign_first(transaction, fees, fence).await }).await
    }

    async fn try_sign_first(
        &self,
        transaction: &Transaction,
        fees: Fees,
        fence: i64,
    ) -> Result<Option<SignedBytes>, PassError> {
        let Pipeline { db, clock, holder, chain, .. } = self.pipeline.as_ref();
        // The estimate is asked for outside the database transaction; the group may only shrink after it.
        let mut tx = db.begin_write().await?;
        let members = store::members(&mut tx, &transaction.transaction_id).await?;
        tx.commit().await?;
        let calls: Vec<Call> = members.iter().map(|member| member.call.clone()).collect();
        let estimate = match chain.dry_run(self.signer(), &call_bytes(&calls)?).await {
            Ok(gas) => gas,
            Err(DryRunError::Chain(error)) => return Err(error.into()),
            // The nonce is bound: it must be used. The receipt will tell, and the calls go back into the queue.
            Err(DryRunError::Refused(_) | DryRunError::InsufficientFunds) => 0,
        };

        let mut tx = db.begin_write().await?;
        let held = store::hold_lane(&mut tx, self.signer(), holder, fence).await?;
        if held.ok_or(PassError::LeaseLost)?.frozen_reason.is_some() {
            return Ok(None);
        }
        let members = store::members(&mut tx, &transaction.transaction_id).await?;
        let calls: Vec<Call> = members.into_iter().map(|member| member.call).collect();
        let gas_limit = if calls.is_empty() {
            TRANSFER_GAS
        } else {
            gas::limit(transaction.kind, calls.len(), estimate.saturating_add(estimate / 8))
        };
        let signed = Signed { calldata: call_bytes(&calls)?, gas_limit };
        let bytes = self.sign(transaction.nonce, &signed, fees)?;
        let now = clock.now();
        let attempt = Attempt { signed: bytes.clone(), fees, signed_at: now };
        store::set_signed(&mut tx, &transaction.transaction_id, &signed, fence, now).await?;
        store::insert_attempt(&mut tx, &transaction.transaction_id, &attempt, fence).await?;
        tx.commit().await?;
        Ok(Some(bytes))
    }

    fn sign(&self, nonce: u64, signed: &Signed, fees: Fees) -> Result<SignedBytes, PassError> {
        // A nonce whose calls were all voided is spent on a transfer of nothing to ourselves.
        let to = if signed.calldata.is_empty() { self.signer() } else { self.pipeline.contract };
        Ok(self.key.sign(&Unsigned {
            chain_id: self.pipeline.chain_id,
            nonce,
            to: Some(to),
            data: &signed.calldata,
            gas_limit: signed.gas_limit,
            fees,
        })?)
    }

    /// Stores one more attempt at the same nonce with the same calls, for a higher fee.
    pub(super) async fn bump(
        &self,
        transaction: &Transaction,
        signed: &Signed,
        previous: Fees,
        fence: i64,
    ) -> Result<bool, PassError> {
        let history = self.pipeline.chain.fee_history().await?;
        let Some(fees) = fees::bump(previous, history, self.pipeline.settings.fees) else {
            tracing::warn!(signer = %self.signer(), nonce = transaction.nonce, "fee cap reached: held as it is");
            return Ok(false);
        };
        let bytes = self.sign(transaction.nonce, signed, fees)?;
        let attempt = Attempt { signed: bytes, fees, signed_at: self.pipeline.clock.now() };
        retrying(|| async {
            let mut tx = self.pipeline.db.begin_write().await?;
            let held = store::hold_lane(&mut tx, self.signer(), &self.pipeline.holder, fence).await?;
            held.ok_or(PassError::LeaseLost)?;
            store::insert_attempt(&mut tx, &transaction.transaction_id, &attempt, fence).await?;
            Ok::<_, PassError>(tx.commit().await?)
        })
        .await?;
        Ok(true)
    }

    /// Hands the newest attempt to the node, unless that was done a moment ago. Every answer leaves the bytes
    /// standing; receipts alone decide.
    pub(super) async fn send_latest(&mut self, transaction: &Transaction) -> Result<usize, PassError> {
        let Pipeline { db, chain, clock, settings, .. } = self.pipeline.as_ref();
        let mut tx = db.begin_read().await?;
        let attempts = store::attempts_of(&mut tx, &transaction.transaction_id).await?;
        drop(tx);
        let Some(attempt) = attempts.last() else { return Ok(0) };
        let now = clock.now();
        let recently = |sent| now.since(sent) < settings.resend_after;
        if self.sent_at.get(&attempt.signed.hash).copied().is_some_and(recently) {
            return Ok(0);
        }
        match chain.send(&attempt.signed.raw).await {
            Ok(()) | Err(SendRefusal::AlreadyKnown) => {}
            Err(refusal @ (SendRefusal::InsufficientFunds | SendRefusal::OverLimit(_))) => {
                tracing::error!(signer = %self.key.account(), nonce = transaction.nonce, %refusal, "not sent");
                metrics::counter!("colophon_send_alarms_total").increment(1);
            }
            Err(refusal) => {
                tracing::info!(signer = %self.key.account(), nonce = transaction.nonce, %refusal, "sent, unclear");
            }
        }
        if matches!(transaction.state, TransactionState::Bound | TransactionState::Signed(_)) {
            let mut tx = db.begin_write().await?;
            store::set_live(&mut tx, &transaction.transaction_id, now).await?;
            tx.commit().await?;
        }
        self.sent_at.insert(attempt.signed.hash, now);
        Ok(1)
    }
}

/// Calldata of a group, or nothing for an empty one.
fn call_bytes(calls: &[Call]) -> Result<Vec<u8>, PassError> {
    if calls.is_empty() { Ok(Vec::new()) } else { Ok(contract::calldata(calls)?) }
}
