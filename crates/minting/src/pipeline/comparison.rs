//! Whether the chain still fits the books.

use catalog::clock::Timestamp;
use catalog::crash_point;
use catalog::journal;

use super::{Lane, PassError};
use crate::chain::{Block, ChainError, CountAt};
use crate::event::MintingEvent;
use crate::store;

impl Lane {
    /// Stops the lane, until an operator has looked, when the chain counts more transactions of the signer than the
    /// books bound (somebody else uses the key, or the books are old), or when it no longer has the final block of
    /// the newest one (it came back from an old state, or was reorganized past finality), or when the signer runs code:
    /// its key signed a delegation (EIP-7702), which takes a nonce without a transaction, and that code may take more.
    pub(super) async fn compare_with_chain(&mut self, fence: i64) -> Result<(), PassError> {
        match self.compare(fence).await {
            // A new holder does not begin before it has compared; later it may go on for a while.
            Err(PassError::Chain(ChainError::NoAgreement { about })) if self.counted_at.is_some() => {
                tracing::warn!(signer = %self.signer(), about, "not compared with the chain: the providers do not agree");
                Ok(())
            }
            compared => compared,
        }
    }

    async fn compare(&mut self, fence: i64) -> Result<(), PassError> {
        let now = self.pipeline.clock.now();
        let due = |counted: Timestamp| now.is_over(counted, self.pipeline.settings.count_every);
        if !self.counted_at.is_none_or(due) {
            return Ok(());
        }
        let signer = self.signer();
        let chain = &self.pipeline.chain;
        let on_chain = chain.transaction_count(signer, CountAt::Latest).await?;
        let is_delegated = chain.has_code(signer).await?;
        let mut tx = self.pipeline.db.begin_read().await?;
        let last_final = store::last_final_block(&mut tx, signer).await?;
        drop(tx);
        let lost = match last_final {
            Some(block) if chain.block_hash(block.number).await? != Some(block.hash) => Some(block),
            _ => None,
        };
        let mut tx = self.pipeline.db.begin_write().await?;
        let held = store::hold_lane(&mut tx, signer, &self.pipeline.holder, fence).await?;
        let held = held.ok_or(PassError::LeaseLost)?;
        let in_books = store::next_nonce(&mut tx, signer, held.first_nonce).await?;
        let reason = if let Some(Block { number, hash }) = lost {
            Some(format!("the chain no longer has the final block {number} with hash {hash}"))
        } else if is_delegated {
            Some("the signer's account is delegated to code (EIP-7702)".to_owned())
        } else if on_chain > in_books {
            Some(format!("the chain counts {on_chain} transactions of this signer, the books {in_books}"))
        } else {
            None
        };
        if let Some(reason) = reason
            && store::freeze_lane(&mut tx, signer, &reason, now).await?
        {
            tracing::error!(%signer, reason, "lane frozen");
            metrics::counter!("colophon_lanes_frozen_total").increment(1);
            let event = MintingEvent::LaneFrozen { signer, reason };
            journal::append(&mut tx, &self.occasion(), &event)?;
            crash_point!("lane.frozen");
        }
        tx.commit().await?;
        self.counted_at = Some(now);
        Ok(())
    }
}
