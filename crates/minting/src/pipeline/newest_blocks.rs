//! What the newest blocks hold: one question a block tells of everything that came into it, where one a transaction would.
//! It only hastens what receipts decide.

use std::collections::HashMap;

use super::{Lane, PassError};
use crate::attempt::Attempt;
use crate::chain::{B256, Block, ChainError, CountAt};
use crate::store::Place;
use crate::transaction::Inclusion;

/// No more blocks are read at once. What is in older ones is found by its receipt.
const MOST_BLOCKS: u64 = 16;

/// What the blocks hold that came since the last look.
#[derive(Debug, Default)]
pub(super) struct NewestBlocks {
    block_of: HashMap<B256, Block>,
    /// How many transactions of the signer are in blocks; none when the nodes do not tell.
    count: Option<u64>,
}

impl NewestBlocks {
    /// Which of these attempts is in one of them.
    pub(super) fn inclusion(&self, attempts: &[Attempt]) -> Option<Inclusion> {
        attempts.iter().rev().find_map(|attempt| {
            let attempt_hash = attempt.signed.hash;
            self.block_of.get(&attempt_hash).map(|block| Inclusion { attempt_hash, block: *block })
        })
    }
}

impl Lane {
    /// Reads the blocks that are new to this process. What the providers do not agree on is left for the next pass.
    pub(super) async fn newest_blocks(&mut self) -> Result<NewestBlocks, PassError> {
        let chain = self.pipeline.chain.clone();
        let head = chain.head().await?.number;
        let unread = self.read_up_to.map_or(head, |read| read.saturating_add(1));
        let mut newest = NewestBlocks::default();
        for number in unread.max(head.saturating_sub(MOST_BLOCKS - 1))..=head {
            let (hash, transactions) = match chain.block_transactions(number).await {
                Ok(Some(block)) => block,
                Ok(None) | Err(ChainError::NoAgreement { .. }) => break,
                Err(error) => return Err(error.into()),
            };
            newest.block_of.extend(transactions.into_iter().map(|of| (of, Block { number, hash })));
            self.read_up_to = Some(number);
        }
        newest.count = chain.transaction_count(self.signer(), CountAt::Latest).await.ok();
        Ok(newest)
    }

    /// Whether there is nothing to do for a transaction in no block: a node has its bytes and counts it among what waits,
    /// no block holds its nonce, and it is too early to send again or to pay more.
    pub(super) fn is_at_rest(&self, place: &Place, newest: &NewestBlocks) -> bool {
        let Some(sent) = self.sent.get(&place.transaction_id) else { return false };
        let in_no_block = newest.count.is_some_and(|count| count <= place.nonce);
        let waits = self.told.waiting_count.is_some_and(|count| count > place.nonce);
        let now = self.pipeline.clock.now();
        in_no_block
            && waits
            && !newest.block_of.contains_key(&sent.attempt_hash)
            && self.rules().are_at_rest(now, sent.signed_at, sent.last_send)
    }
}
