//! Reads from the chain what became of the transactions under way.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use catalog::crash_point;
use catalog::db::{DbError, Tx};

use super::newest_blocks::NewestBlocks;
use super::{Lane, PassError, PassReport};
use crate::attempt::Attempt;
use crate::chain::{B256, Block, ChainError, CountAt, Receipt};
use crate::store;
use crate::transaction::{Inclusion, SeenReceipt, Sighting, Transaction, TransactionId, TransactionState};
use crate::under_way::{Event, UnderWay};

impl Lane {
    /// Takes up what a pass before this one left: nonces without bytes, and bytes that nobody may have seen.
    pub(super) async fn recover(&mut self, fence: i64, report: &mut PassReport) -> Result<(), PassError> {
        let mut tx = self.pipeline.db.begin_read().await?;
        let unsent = store::unsent(&mut tx, self.signer()).await?;
        let unsent = with_attempts(&mut tx, unsent).await?;
        drop(tx);
        for under_way in unsent {
            let visit = Event::Visited(self.visit(&under_way));
            self.play(under_way, visit, fence, report).await?;
        }
        Ok(())
    }

    /// Looks for each transaction under way on the chain, and visits what the chain does not show.
    pub(super) async fn confirm(&mut self, fence: i64, report: &mut PassReport) -> Result<(), PassError> {
        let mut tx = self.pipeline.db.begin_read().await?;
        let places = store::places(&mut tx, self.signer()).await?;
        drop(tx);
        report.under_way = places.len();
        let some_wait = places.iter().any(|place| place.block.is_none());
        self.told.waiting_count = if some_wait { self.count_waiting().await } else { None };
        if places.is_empty() {
            self.sent.clear();
            self.costs.clear();
            return Ok(());
        }
        let chain = self.pipeline.chain.clone();
        let finalized = chain.finalized().await?;
        // Before the receipts: what is counted here and is ours has a receipt by now. A node that no longer has
        // the state of that block cannot count, and then nothing is given up.
        let at = CountAt::Height(finalized.number);
        let finalized_count = chain.transaction_count(self.signer(), at).await.ok();
        let newest = if some_wait { self.newest_blocks().await? } else { NewestBlocks::default() };
        let mut canonical = HashMap::new();
        for place in places {
            if let Some(block) = place.block
                && block.number > finalized.number
                && self.still_stands(block, &mut canonical).await?
            {
                // Nothing can have changed for it, and nothing can end yet.
                continue;
            }
            if place.block.is_none() && self.is_at_rest(&place, &newest) {
                report.waiting += 1;
                continue;
            }
            let Some(transaction) = self.load(&place.transaction_id).await? else { continue };
            if let Some(inclusion) = newest.inclusion(&transaction.attempts)
                && inclusion.block.number > finalized.number
            {
                // What came of its calls is asked for once the block is final.
                let receipt = SeenReceipt { inclusion, succeeded: true, is_final: false, events: vec![] };
                let sighted = Event::Sighted(Sighting { finalized_count, receipt: Some(receipt) });
                self.play(transaction, sighted, fence, report).await?;
                continue;
            }
            let found = self.find_receipt(&transaction.attempts).await;
            if matches!(found, Err(PassError::Chain(ChainError::NoAgreement { .. }))) {
                // Nothing is decided on what providers do not agree on; the bytes are sent again meanwhile.
                let visit = Event::Visited(self.visit(&transaction));
                self.play(transaction, visit, fence, report).await?;
                report.waiting += 1;
                continue;
            }
            let found = found?;
            if let Some(receipt) = &found {
                crash_point!("receipt.read");
                self.costs.insert(receipt.attempt_hash, receipt.cost);
            }
            let receipt = match found {
                Some(receipt) => Some(self.seen(receipt, finalized).await?),
                None => None,
            };
            let is_shown = receipt.is_some();
            let ended_before = report.ended;
            let sighted = Event::Sighted(Sighting { finalized_count, receipt });
            let after = self.play(transaction, sighted, fence, report).await?;
            let has_ended = report.ended > ended_before;
            report.under_way -= usize::from(has_ended);
            report.waiting +=
                usize::from(!has_ended && !matches!(after.transaction.state, TransactionState::Included(..)));
            if !is_shown && !has_ended {
                let visit = Event::Visited(self.visit(&after));
                self.play(after, visit, fence, report).await?;
            }
        }
        Ok(())
    }

    /// One question finds out about every transaction that a pool has dropped. Without an answer they are sent again by time.
    async fn count_waiting(&self) -> Option<u64> {
        self.pipeline.chain.transaction_count(self.signer(), CountAt::Pending).await.ok()
    }

    /// Whether the block is the canonical one of its height; each height is asked for once a pass.
    async fn still_stands(
        &self,
        block: Block,
        canonical: &mut HashMap<u64, Option<B256>>,
    ) -> Result<bool, PassError> {
        let hash = match canonical.entry(block.number) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(place) => {
                let told = match self.pipeline.chain.block_hash(block.number).await {
                    Err(ChainError::NoAgreement { .. }) => None,
                    told => told?,
                };
                *place.insert(told)
            }
        };
        Ok(hash == Some(block.hash))
    }

    async fn load(&self, transaction_id: &TransactionId) -> Result<Option<UnderWay>, PassError> {
        let mut tx = self.pipeline.db.begin_read().await?;
        let found = store::find_transaction(&mut tx, transaction_id).await?;
        Ok(with_attempts(&mut tx, found.into_iter().collect()).await?.pop())
    }

    pub(super) async fn under_way(&self) -> Result<Vec<UnderWay>, PassError> {
        let mut tx = self.pipeline.db.begin_read().await?;
        let unsettled = store::unsettled(&mut tx, self.signer()).await?;
        Ok(with_attempts(&mut tx, unsettled).await?)
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

    async fn seen(&self, receipt: Receipt, finalized: Block) -> Result<SeenReceipt, PassError> {
        let Receipt { attempt_hash, block, succeeded, events, .. } = receipt;
        let is_final = self.is_final(block, finalized).await?;
        let inclusion = Inclusion { attempt_hash, block };
        Ok(SeenReceipt { inclusion, succeeded, is_final, events })
    }
}

async fn with_attempts(tx: &mut Tx, transactions: Vec<Transaction>) -> Result<Vec<UnderWay>, DbError> {
    let mut under_way = Vec::with_capacity(transactions.len());
    for transaction in transactions {
        let attempts = store::attempts_of(tx, &transaction.transaction_id).await?;
        under_way.push(UnderWay { transaction, attempts });
    }
    Ok(under_way)
}
