//! Reads from the chain what became of the transactions under way.

use catalog::db::{Tx, retrying};
use catalog::journal;

use super::{Lane, PassError, PassReport, Pipeline};
use crate::attempt::Attempt;
use crate::call::{Call, CallId, Member};
use crate::chain::{Block, CountAt, Receipt};
use crate::event::MintingEvent;
use crate::outcome::{self, Outcome};
use crate::store;
use crate::token::TokenState;
use crate::transaction::{Finding, Inclusion, SeenReceipt, Sighting, Transaction, judge};

/// What a call becomes, with everything asked that must be asked.
struct Ended {
    call_id: CallId,
    call: Call,
    becomes: Becomes,
}

enum Becomes {
    Done,
    Void,
    Refused(String),
    Review(String),
    Again { reason: String, spoiled: bool },
}

impl Lane {
    /// Judges each transaction under way, and sends again what has no receipt.
    pub(super) async fn confirm(&mut self, fence: i64, report: &mut PassReport) -> Result<(), PassError> {
        let mut tx = self.pipeline.db.begin_read().await?;
        let unsettled = store::unsettled(&mut tx, self.signer()).await?;
        drop(tx);
        report.under_way = unsettled.len();
        if unsettled.is_empty() {
            self.sent_at.clear();
            return Ok(());
        }
        let chain = self.pipeline.chain.clone();
        let finalized = chain.finalized().await?;
        // Before the receipts: what is counted here and is ours has a receipt by now. A node that no longer has
        // the state of that block cannot count, and then nothing is given up.
        let at = CountAt::Height(finalized.number);
        let finalized_count = chain.transaction_count(self.signer(), at).await.ok();
        for transaction in unsettled {
            let mut tx = self.pipeline.db.begin_read().await?;
            let attempts = store::attempts_of(&mut tx, &transaction.transaction_id).await?;
            drop(tx);
            let receipt = self.find_receipt(&attempts).await?;
            let seen = match &receipt {
                Some(receipt) => Some(self.weigh(receipt, finalized).await?),
                None => None,
            };
            let sighting = Sighting { finalized_count, receipt: seen };
            let finding = judge(&transaction.state, transaction.nonce, sighting);
            let ended = self.follow(&transaction, finding, receipt.as_ref(), fence).await?;
            report.ended += usize::from(ended);
            report.under_way -= usize::from(ended);
            if receipt.is_none() && !ended {
                report.sent += self.press(&transaction, attempts.last(), fence).await?;
            }
        }
        Ok(())
    }

    async fn find_receipt(&self, attempts: &[Attempt]) -> Result<Option<Receipt>, PassError> {
        for attempt in attempts.iter().rev() {
            let receipt = self.pipeline.chain.receipt(attempt.signed.hash).await?;
            if receipt.is_some() {
                return Ok(receipt);
            }
        }
        Ok(None)
    }

    /// A receipt is final when its block is at or below the finalized head and is the canonical one of its height.
    async fn weigh(&self, receipt: &Receipt, finalized: Block) -> Result<SeenReceipt, PassError> {
        let Block { number, hash } = receipt.block;
        let is_final =
            number <= finalized.number && self.pipeline.chain.block_hash(number).await? == Some(hash);
        let inclusion = Inclusion { attempt_hash: receipt.attempt_hash, block: receipt.block };
        Ok(SeenReceipt { inclusion, succeeded: receipt.succeeded, is_final })
    }

    /// Sends again what the chain does not show, for a higher fee after a while.
    async fn press(
        &mut self,
        transaction: &Transaction,
        newest: Option<&Attempt>,
        fence: i64,
    ) -> Result<usize, PassError> {
        let Some(newest) = newest else { return Ok(0) };
        let Pipeline { clock, settings, .. } = self.pipeline.as_ref();
        let waited = clock.now().since(newest.signed_at);
        if let Some(signed) = transaction.state.signed()
            && waited >= settings.bump_after
        {
            self.bump(transaction, signed, newest.fees, fence).await?;
        }
        self.send_latest(transaction).await
    }

    /// Writes what a finding means; true when the transaction's end is known.
    async fn follow(
        &self,
        transaction: &Transaction,
        finding: Finding,
        receipt: Option<&Receipt>,
        fence: i64,
    ) -> Result<bool, PassError> {
        let id = &transaction.transaction_id;
        let now = self.pipeline.clock.now();
        match (finding, receipt) {
            (Finding::Unchanged, _) => Ok(false),
            (Finding::Included(inclusion), _) => {
                let mut tx = self.hold(fence).await?;
                store::set_included(&mut tx, id, &inclusion, now).await?;
                tx.commit().await?;
                Ok(false)
            }
            (Finding::FellOut, _) => {
                tracing::warn!(signer = %self.signer(), nonce = transaction.nonce, "a reorg took it out");
                metrics::counter!("colophon_reorged_total").increment(1);
                let mut tx = self.hold(fence).await?;
                store::set_fell_out(&mut tx, id, now).await?;
                tx.commit().await?;
                Ok(false)
            }
            (Finding::Confirmed(inclusion), Some(receipt)) => {
                let Some(ended) = self.outcomes(transaction, receipt).await? else { return Ok(false) };
                retrying(|| self.end(transaction, Some(inclusion), &ended, fence)).await?;
                Ok(true)
            }
            (Finding::Reverted(inclusion), _) => {
                let ended = self.put_back(transaction, "the transaction reverted", true).await?;
                retrying(|| self.end_reverted(transaction, inclusion, &ended, fence)).await?;
                Ok(true)
            }
            (Finding::Displaced | Finding::Confirmed(_), _) => {
                tracing::error!(signer = %self.signer(), nonce = transaction.nonce, "displaced by another");
                metrics::counter!("colophon_displaced_total").increment(1);
                let ended = self.put_back(transaction, "another transaction took its nonce", false).await?;
                retrying(|| self.end(transaction, None, &ended, fence)).await?;
                Ok(true)
            }
        }
    }

    async fn hold(&self, fence: i64) -> Result<Tx, PassError> {
        let mut tx = self.pipeline.db.begin_write().await?;
        let held = store::hold_lane(&mut tx, self.signer(), &self.pipeline.holder, fence).await?;
        held.ok_or(PassError::LeaseLost)?;
        Ok(tx)
    }

    async fn members(&self, transaction: &Transaction) -> Result<Vec<Member>, PassError> {
        let mut tx = self.pipeline.db.begin_write().await?;
        let members = store::members(&mut tx, &transaction.transaction_id).await?;
        tx.commit().await?;
        Ok(members)
    }

    /// What each call became; none when the receipt does not tell of every one, which no honest receipt does.
    async fn outcomes(
        &self,
        transaction: &Transaction,
        receipt: &Receipt,
    ) -> Result<Option<Vec<Ended>>, PassError> {
        let mut ended = Vec::new();
        for Member { call_id, call, .. } in self.members(transaction).await? {
            let becomes = match outcome::outcome(&call, &receipt.events) {
                Outcome::Done => Becomes::Done,
                Outcome::Void => Becomes::Void,
                Outcome::Refused(reason) => Becomes::Refused(reason.to_owned()),
                Outcome::Again(reason) => Becomes::Again { reason: reason.to_owned(), spoiled: false },
                Outcome::MintedBefore => match self.minted_before(&call).await? {
                    Some(becomes) => becomes,
                    None => return Ok(None),
                },
                Outcome::NotTold => {
                    tracing::error!(nonce = transaction.nonce, %call_id, "a receipt without its item: not believed");
                    return Ok(None);
                }
            };
            ended.push(Ended { call_id, call, becomes });
        }
        Ok(Some(ended))
    }

    /// The id was minted by an earlier transaction: ours, if the recipient is ours.
    async fn minted_before(&self, call: &Call) -> Result<Option<Becomes>, PassError> {
        let Call::Mint { token_id, recipient, .. } = call else { return Ok(None) };
        let first = self.pipeline.chain.first_mint(*token_id).await?;
        Ok(first.map(|first| {
            if first.recipient == *recipient {
                Becomes::Done
            } else {
                Becomes::Review(format!("the token was minted by somebody else, to {}", first.recipient))
            }
        }))
    }

    /// The calls of a transaction that did not carry them go back into the queue. One that stood alone in a
    /// reverted transaction for the second time goes to review.
    async fn put_back(
        &self,
        transaction: &Transaction,
        reason: &str,
        reverted: bool,
    ) -> Result<Vec<Ended>, PassError> {
        let members = self.members(transaction).await?;
        let alone = reverted && members.len() == 1;
        let again = |spoiled| Becomes::Again { reason: reason.to_owned(), spoiled };
        let mut ended = Vec::new();
        for Member { call_id, call, setbacks } in members {
            let becomes =
                if alone && setbacks > 0 { Becomes::Review(reason.to_owned()) } else { again(reverted) };
            ended.push(Ended { call_id, call, becomes });
        }
        Ok(ended)
    }

    async fn end(
        &self,
        transaction: &Transaction,
        inclusion: Option<Inclusion>,
        ended: &[Ended],
        fence: i64,
    ) -> Result<(), PassError> {
        let now = self.pipeline.clock.now();
        let mut tx = self.hold(fence).await?;
        match inclusion {
            Some(inclusion) => {
                store::set_confirmed(&mut tx, &transaction.transaction_id, &inclusion, now).await?;
            }
            None => store::set_displaced(&mut tx, &transaction.transaction_id, now).await?,
        }
        self.write_ends(&mut tx, inclusion, ended).await?;
        Ok(tx.commit().await?)
    }

    async fn end_reverted(
        &self,
        transaction: &Transaction,
        inclusion: Inclusion,
        ended: &[Ended],
        fence: i64,
    ) -> Result<(), PassError> {
        tracing::error!(signer = %self.signer(), nonce = transaction.nonce, "reverted");
        metrics::counter!("colophon_reverted_total").increment(1);
        let mut tx = self.hold(fence).await?;
        let now = self.pipeline.clock.now();
        store::set_reverted(&mut tx, &transaction.transaction_id, &inclusion, now).await?;
        self.write_ends(&mut tx, Some(inclusion), ended).await?;
        Ok(tx.commit().await?)
    }

    /// Writes the end of each call, its token, and the event, in the database transaction that ends theirs.
    async fn write_ends(
        &self,
        tx: &mut Tx,
        inclusion: Option<Inclusion>,
        ended: &[Ended],
    ) -> Result<(), PassError> {
        let occasion = self.occasion();
        let now = occasion.at;
        for Ended { call_id, call, becomes } in ended {
            let (state, reason) = match becomes {
                Becomes::Again { reason, spoiled } => {
                    let until = now.plus(self.pipeline.settings.park);
                    store::requeue_call(tx, call_id, reason, until, *spoiled, now).await?;
                    let event = MintingEvent::CallRequeued {
                        call_id: call_id.clone(),
                        business_key: call.business_key(),
                        reason: reason.clone(),
                    };
                    journal::append(tx, &occasion, &event).await?;
                    continue;
                }
                Becomes::Done => ("done", None),
                Becomes::Void => ("void", None),
                Becomes::Refused(reason) => ("refused", Some(reason.as_str())),
                Becomes::Review(reason) => ("review", Some(reason.as_str())),
            };
            store::end_call(tx, call_id, state, reason, now).await?;
            if let (Some(token_id), Some(token_state)) = (call.token_id(), token_state(call, becomes)) {
                store::set_token_state(tx, token_id, token_state, now).await?;
            }
            if let Some(Inclusion { attempt_hash, block }) = inclusion {
                let (id, key) = (call_id.clone(), call.business_key());
                let reason = reason.map(ToOwned::to_owned);
                let event = MintingEvent::call_ended(id, key, state, reason, attempt_hash, block);
                journal::append(tx, &occasion, &event).await?;
            }
            metrics::counter!("colophon_calls_ended_total", "kind" => call.kind().as_str(), "state" => state)
                .increment(1);
        }
        Ok(())
    }
}

/// What a call that ended makes of its token.
fn token_state(call: &Call, becomes: &Becomes) -> Option<TokenState> {
    match (call, becomes) {
        (Call::Mint { .. }, Becomes::Done) => Some(TokenState::Bound),
        (Call::Mint { .. }, Becomes::Void) | (Call::Void { .. }, Becomes::Done) => Some(TokenState::Voided),
        (Call::Settle { .. }, Becomes::Done) => Some(TokenState::Settled),
        _ => None,
    }
}
