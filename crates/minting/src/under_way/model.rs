//! A chain as small as a chain can be that drops, reorders, reorganizes and lies, with a contract that mints and voids.

use std::collections::{BTreeMap, BTreeSet};

use catalog::account::Account;

use crate::call::Call;
use crate::chain::{B256, Block, FirstMint};
use crate::contract::{ItemEvent, MintSkip, VoidSkip};
use crate::fees::Fees;
use crate::send_error::SendRefusal;
use crate::token::TokenId;

/// Blocks that are not final yet.
pub(super) const FINALITY: usize = 6;

/// What signed bytes stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bytes {
    pub(super) hash: B256,
    pub(super) nonce: u64,
    pub(super) fees: Fees,
    /// None of our books: the key is used elsewhere too.
    pub(super) foreign: bool,
    pub(super) calls: Vec<Call>,
}

#[derive(Debug, Clone)]
pub(super) struct Mined {
    pub(super) bytes: Bytes,
    pub(super) succeeded: bool,
    pub(super) events: Vec<ItemEvent>,
}

/// What the chain knows after a block.
#[derive(Debug, Clone, Default)]
struct State {
    count: u64,
    minted: BTreeMap<TokenId, FirstMint>,
    tombstones: BTreeSet<TokenId>,
}

#[derive(Debug, Clone)]
struct Sealed {
    block: Block,
    mined: Vec<Mined>,
    after: State,
}

#[derive(Debug)]
pub(super) struct ChainModel {
    sealed: Vec<Sealed>,
    pool: BTreeMap<B256, Bytes>,
    hashes: u64,
    /// False for a contract that mints every item, whatever its id: only the books are left as a barrier.
    one_time_ids: bool,
    /// While false, mints are passed over for a reason that can pass.
    pub(super) cap_open: bool,
    /// While true, whole calls revert.
    pub(super) paused: bool,
}

impl ChainModel {
    pub(super) fn new(one_time_ids: bool) -> Self {
        let genesis = Block { number: 0, hash: B256::ZERO };
        let sealed = vec![Sealed { block: genesis, mined: vec![], after: State::default() }];
        Self { sealed, pool: BTreeMap::new(), hashes: 0, one_time_ids, cap_open: true, paused: false }
    }

    pub(super) fn fresh_hash(&mut self) -> B256 {
        self.hashes += 1;
        B256::left_padding_from(&self.hashes.to_be_bytes())
    }

    fn head(&self) -> &Sealed {
        self.sealed.last().expect("genesis")
    }

    pub(super) fn height(&self) -> u64 {
        self.head().block.number
    }

    pub(super) fn finalized(&self) -> Block {
        self.sealed[self.sealed.len().saturating_sub(FINALITY + 1)].block
    }

    pub(super) fn count_at(&self, height: u64) -> u64 {
        self.sealed[usize::try_from(height).expect("small")].after.count
    }

    /// The count of our transactions with those that wait without a gap, as a node with a pool like geth's tells it.
    pub(super) fn waiting_count(&self) -> u64 {
        let waits = |nonce: &u64| self.pool.values().any(|bytes| bytes.nonce == *nonce);
        let first = self.head().after.count;
        let most = first + self.pool.len() as u64;
        (first..most).find(|nonce| !waits(nonce)).unwrap_or(most)
    }

    pub(super) fn is_canonical(&self, block: Block) -> bool {
        let at = usize::try_from(block.number).expect("small");
        self.sealed.get(at).is_some_and(|sealed| sealed.block == block)
    }

    pub(super) fn find(&self, hash: B256) -> Option<(Block, &Mined)> {
        let in_block = |sealed: &&Sealed| sealed.mined.iter().any(|mined| mined.bytes.hash == hash);
        let sealed = self.sealed.iter().rev().find(in_block)?;
        sealed.mined.iter().find(|mined| mined.bytes.hash == hash).map(|mined| (sealed.block, mined))
    }

    pub(super) fn first_mint(&self, token_id: TokenId) -> Option<FirstMint> {
        self.head().after.minted.get(&token_id).copied()
    }

    pub(super) fn final_mint(&self, token_id: TokenId) -> Option<FirstMint> {
        let finalized = usize::try_from(self.finalized().number).expect("small");
        self.sealed[finalized].after.minted.get(&token_id).copied()
    }

    /// All that was carried out on the canonical chain.
    pub(super) fn mined(&self) -> impl Iterator<Item = (Block, &Mined)> {
        self.sealed.iter().flat_map(|sealed| sealed.mined.iter().map(move |mined| (sealed.block, mined)))
    }

    /// What a node with a pool like geth's answers.
    pub(super) fn receive(&mut self, bytes: Bytes) -> Result<(), SendRefusal> {
        if bytes.nonce < self.head().after.count {
            return Err(SendRefusal::NonceTooLow);
        }
        if self.pool.contains_key(&bytes.hash) {
            return Err(SendRefusal::AlreadyKnown);
        }
        if let Some(rival) = self.pool.values().find(|rival| rival.nonce == bytes.nonce).cloned() {
            let tenth_more = |old: u128, new: u128| new * 10 >= old * 11;
            let pays = tenth_more(rival.fees.max_fee, bytes.fees.max_fee)
                && tenth_more(rival.fees.max_priority_fee, bytes.fees.max_priority_fee);
            if !pays {
                return Err(SendRefusal::ReplacementUnderpriced);
            }
            self.pool.remove(&rival.hash);
        }
        self.pool.insert(bytes.hash, bytes);
        Ok(())
    }

    /// Forgets about every `nth` of the pool.
    pub(super) fn drop_from_pool(&mut self, nth: usize) {
        let mut place = 0;
        self.pool.retain(|_, _| {
            place += 1;
            place % nth.max(1) != 0
        });
    }

    /// One more block, with at most `most` transactions of the pool.
    pub(super) fn mine(&mut self, most: usize) {
        let mut after = self.head().after.clone();
        let block = Block { number: self.sealed.len() as u64, hash: self.fresh_hash() };
        let mut mined = vec![];
        while mined.len() < most {
            let Some(bytes) = self.pool.values().find(|bytes| bytes.nonce == after.count).cloned() else {
                break;
            };
            self.pool.remove(&bytes.hash);
            mined.push(self.carry_out(bytes, &mut after, block));
        }
        self.pool.retain(|_, bytes| bytes.nonce >= after.count);
        self.sealed.push(Sealed { block, mined, after });
    }

    fn carry_out(&self, bytes: Bytes, after: &mut State, block: Block) -> Mined {
        after.count += 1;
        let succeeded = !self.paused || bytes.calls.is_empty();
        let events = if succeeded { self.items(&bytes.calls, after, block) } else { vec![] };
        Mined { bytes, succeeded, events }
    }

    fn items(&self, calls: &[Call], after: &mut State, block: Block) -> Vec<ItemEvent> {
        let item = |call: &Call| match call {
            Call::Mint { token_id: id, recipient, .. } => {
                let skip = |reason| ItemEvent::MintSkipped { token_id: id.get(), reason };
                if self.one_time_ids && after.tombstones.contains(id) {
                    skip(MintSkip::Tombstone)
                } else if self.one_time_ids && after.minted.contains_key(id) {
                    skip(MintSkip::AlreadyIssued)
                } else if !self.cap_open {
                    skip(MintSkip::CapReached)
                } else {
                    after.minted.entry(*id).or_insert(FirstMint { recipient: *recipient, block });
                    ItemEvent::Minted { token_id: id.get(), recipient: *recipient }
                }
            }
            Call::Void { token_id: id, .. } => {
                if after.tombstones.insert(*id) {
                    ItemEvent::Voided { token_id: id.get() }
                } else {
                    ItemEvent::VoidSkipped { token_id: id.get(), reason: VoidSkip::Tombstone }
                }
            }
            Call::OpenEdition { .. }
            | Call::Settle { .. }
            | Call::Release { .. }
            | Call::Surrender { .. } => unreachable!("not in this model"),
        };
        calls.iter().map(item).collect()
    }

    /// Takes `depth` blocks back, never a final one. Their transactions return to the pool or are forgotten; as many
    /// empty blocks and one more come in their place.
    pub(super) fn reorganize(&mut self, depth: usize, forget: bool) {
        let depth = depth.min(FINALITY - 1).min(self.sealed.len() - 1);
        let gone = self.sealed.split_off(self.sealed.len() - depth);
        if !forget {
            let back = gone.into_iter().flat_map(|sealed| sealed.mined);
            self.pool.extend(back.map(|mined| (mined.bytes.hash, mined.bytes)));
        }
        for _ in 0..=depth {
            self.mine(0);
        }
    }

    /// Somebody else spends the next nonce of our key, on a mint of `stolen` where that is given.
    pub(super) fn foreign(&mut self, stolen: Option<(TokenId, Account)>) {
        let nonce = self.head().after.count;
        let calls = stolen.map(|(token_id, recipient)| Call::Mint { token_id, recipient, settles_at: 0 });
        let fees = Fees { max_fee: u128::MAX / 100, max_priority_fee: u128::MAX / 100 };
        let hash = self.fresh_hash();
        self.pool.retain(|_, bytes| bytes.nonce != nonce);
        let bytes = Bytes { hash, nonce, fees, foreign: true, calls: calls.into_iter().collect() };
        self.pool.insert(hash, bytes);
        self.mine(1);
    }
}
