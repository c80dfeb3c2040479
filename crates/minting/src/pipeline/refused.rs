//! What the contract refuses before a nonce is taken for it: calls that go alone, and of which the chain can tell
//! whether they are done, in vain, or only too early.

use super::{Lane, PassError};
use crate::call::Call;
use crate::contract::WholeCallRefusal;
use crate::departure;
use crate::ending::{CallEnd, Ended};
use crate::store::{self, WaitingCall};

impl Lane {
    /// Follows what the contract says of a call that waits and goes alone.
    pub(super) async fn follow_refusal(
        &self,
        waiting: &WaitingCall,
        refusal: WholeCallRefusal,
        fence: i64,
    ) -> Result<(), PassError> {
        match refusal {
            WholeCallRefusal::EditionAlreadyOpen => self.settle_open_edition(waiting, fence).await,
            WholeCallRefusal::TokenLocked => self.postpone(waiting, "the token is locked", fence).await,
            WholeCallRefusal::NotInVault => self.settle_departed(waiting, fence).await,
            WholeCallRefusal::BadRecipient => {
                self.end_unsent(waiting, CallEnd::Refused("bad_recipient"), fence).await
            }
            WholeCallRefusal::Paused | WholeCallRefusal::RoleMissing | WholeCallRefusal::Other => {
                self.park(waiting.call.kind(), &format!("the contract refuses it: {refusal:?}"));
                Ok(())
            }
        }
    }

    /// The edition is open already: by us, before the books were restored, when the terms are the same. While the block
    /// that opened it is not final, the call waits.
    async fn settle_open_edition(&self, waiting: &WaitingCall, fence: i64) -> Result<(), PassError> {
        let Call::OpenEdition { edition, terms } = &waiting.call else { return Ok(()) };
        let chain = &self.pipeline.chain;
        let finalized = chain.finalized().await?.number;
        let Some(on_chain) = chain.edition_terms(u64::from(edition.get()), Some(finalized)).await? else {
            return Ok(());
        };
        let end = if on_chain == *terms {
            CallEnd::Done
        } else {
            CallEnd::Review("the edition was opened with other terms".to_owned())
        };
        self.end_unsent(waiting, end, fence).await
    }

    /// The vault does not hold the token: how it left decides, once that is final.
    async fn settle_departed(&self, waiting: &WaitingCall, fence: i64) -> Result<(), PassError> {
        let Some(token_id) = waiting.call.token_id() else { return Ok(()) };
        let chain = &self.pipeline.chain;
        let finalized = chain.finalized().await?;
        let mut ways = Vec::new();
        for departure in chain.departures(token_id, self.signer()).await? {
            if self.is_final(departure.block, finalized).await? {
                ways.push(departure.way);
            }
        }
        match departure::end_of(&waiting.call, &ways) {
            Some(end) => self.end_unsent(waiting, end, fence).await,
            None => self.postpone(waiting, "the vault does not hold the token", fence).await,
        }
    }

    async fn postpone(
        &self,
        waiting: &WaitingCall,
        reason: &'static str,
        fence: i64,
    ) -> Result<(), PassError> {
        let now = self.pipeline.clock.now();
        let not_before = now.plus(self.pipeline.settings.park);
        tracing::info!(signer = %self.signer(), call_id = %waiting.call_id, reason, "a call waits");
        let mut tx = self.hold(fence).await?;
        store::postpone_call(&mut tx, &waiting.call_id, reason, not_before, now).await?;
        Ok(tx.commit().await?)
    }

    /// Writes the end of a call that needs no transaction of ours.
    async fn end_unsent(&self, waiting: &WaitingCall, end: CallEnd, fence: i64) -> Result<(), PassError> {
        let WaitingCall { call_id, call, .. } = waiting;
        let ended = Ended { call_id: call_id.clone(), call: call.clone(), end };
        let occasion = self.occasion();
        let mut tx = self.hold(fence).await?;
        self.write_ends(&mut tx, &occasion, None, &[ended]).await?;
        Ok(tx.commit().await?)
    }
}
