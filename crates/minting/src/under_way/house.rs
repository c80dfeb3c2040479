//! Our side of the model: books that are written whole or not at all, and a process that works a lane by them as
//! [`crate::pipeline`] does, may die after any action, and may come back with books that it read long ago.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use catalog::account::Account;
use catalog::chance::Chance;
use catalog::clock::Timestamp;

use super::model::{Bytes, ChainModel};
use super::{Action, Event, LastSend, Rules, UnderWay, Visit};
use crate::attempt::Attempt;
use crate::call::{Call, CallId, CallKind, Member};
use crate::chain::{B256, FeeHistory};
use crate::ending::{CallEnd, Ending, FirstMints, Mint, first_mints_needed};
use crate::fees::FeePolicy;
use crate::send_error::SendRefusal;
use crate::signer::SignedBytes;
use crate::transaction::{
    Inclusion, SeenReceipt, Sighting, Signed, Transaction, TransactionId, TransactionState,
};

const RULES: Rules = Rules {
    fees: FeePolicy { max_fee_cap: 1_000_000, min_tip: 1, max_tip: 10_000 },
    resend_after: Duration::from_secs(2),
    resend_missing_after: Duration::from_secs(1),
    bump_after: Duration::from_secs(6),
};

/// What may be wrong during a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The process lost its lease while it slept, and holds books from before.
    Stale,
    /// Replies to sends are lost after delivery.
    ReplyLost,
    /// Sends are answered and not delivered.
    Swallowed,
    /// The node cannot count at the finalized block.
    NoCount,
    /// The node shows no receipts, logs and counts of the last blocks.
    Lagging,
    /// Receipts come without their events.
    EmptyReceipts,
    /// Receipts name a block that is not there.
    WrongBlocks,
}

/// How one pass is disturbed.
#[derive(Debug, Clone, Default)]
pub(super) struct Faults {
    /// The process dies after so many actions.
    pub(super) dies_after: Option<usize>,
    /// What is wrong.
    pub(super) wrong: Vec<Fault>,
}

impl Faults {
    fn has(&self, fault: Fault) -> bool {
        self.wrong.contains(&fault)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CallState {
    Queued,
    Bound(u64),
    Ended(CallEnd),
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) call: Call,
    pub(super) state: CallState,
    pub(super) setbacks: u32,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Books {
    pub(super) calls: BTreeMap<CallId, Entry>,
    pub(super) transactions: BTreeMap<u64, UnderWay>,
    pub(super) stored: HashMap<B256, Bytes>,
}

/// Why a pass stopped half-way.
struct Stopped;

#[derive(Debug)]
pub(super) struct House {
    pub(super) books: Books,
    pub(super) chain: ChainModel,
    pub(super) now: Timestamp,
    pub(super) history: FeeHistory,
    /// How many events the machine was told.
    pub(super) events: u64,
    sent: HashMap<B256, LastSend>,
    read_long_ago: Books,
    chance: Box<dyn Chance>,
}

impl House {
    pub(super) fn new(one_time_ids: bool, chance: Box<dyn Chance>) -> Self {
        Self {
            books: Books::default(),
            chain: ChainModel::new(one_time_ids),
            now: Timestamp::from_micros(1_000_000_000_000_000).expect("a time"),
            history: FeeHistory { base_fee: 1_000, median_tip: 10 },
            events: 0,
            sent: HashMap::new(),
            read_long_ago: Books::default(),
            chance,
        }
    }

    pub(super) fn queue(&mut self, call: Call) {
        let call_id = CallId::generate(self.now, self.chance.as_ref());
        self.books.calls.insert(call_id, Entry { call, state: CallState::Queued, setbacks: 0 });
    }

    /// A refund takes a call back while nothing is signed for it.
    pub(super) fn withdraw(&mut self, place: usize) {
        let Some(entry) = self.books.calls.values_mut().nth(place) else { return };
        let unsigned = match entry.state {
            CallState::Queued => true,
            CallState::Bound(nonce) => self.books.transactions[&nonce].attempts.is_empty(),
            CallState::Ended(_) => false,
        };
        if unsigned {
            entry.state = CallState::Ended(CallEnd::Void);
        }
    }

    /// Another process reads the books and falls asleep.
    pub(super) fn fall_asleep(&mut self) {
        self.read_long_ago = self.books.clone();
    }

    /// One pass: recover, confirm, send.
    pub(super) fn pass(&mut self, faults: &Faults, largest: usize) {
        let mut left = faults.dies_after.unwrap_or(usize::MAX);
        if self.try_pass(faults, largest, &mut left).is_err() {
            self.sent.clear();
        }
    }

    fn try_pass(&mut self, faults: &Faults, largest: usize, left: &mut usize) -> Result<(), Stopped> {
        for under_way in self.unsettled(faults) {
            if matches!(under_way.transaction.state, TransactionState::Bound | TransactionState::Signed(_)) {
                let visit = self.visit(&under_way);
                self.play(under_way, visit, faults, left)?;
            }
        }
        let lag = if faults.has(Fault::Lagging) { 4 } else { 0 };
        let finalized = self.chain.finalized().number.saturating_sub(lag);
        let finalized_count = (!faults.has(Fault::NoCount)).then(|| self.chain.count_at(finalized));
        for under_way in self.unsettled(faults) {
            let receipt = self.receipt(&under_way.attempts, finalized, faults);
            let is_shown = receipt.is_some();
            let after =
                self.play(under_way, Event::Sighted(Sighting { finalized_count, receipt }), faults, left)?;
            if !is_shown {
                let visit = self.visit(&after);
                self.play(after, visit, faults, left)?;
            }
        }
        if faults.has(Fault::Stale) { Ok(()) } else { self.bind(largest, faults, left) }
    }

    fn unsettled(&self, faults: &Faults) -> Vec<UnderWay> {
        let books = if faults.has(Fault::Stale) { &self.read_long_ago } else { &self.books };
        let is_over = |state: &TransactionState| {
            matches!(
                state,
                TransactionState::Confirmed(_)
                    | TransactionState::RevertedConfirmed(_)
                    | TransactionState::Displaced
            )
        };
        books.transactions.values().filter(|entry| !is_over(&entry.transaction.state)).cloned().collect()
    }

    fn visit(&self, under_way: &UnderWay) -> Event {
        let newest = under_way.attempts.last();
        let last_send = newest.and_then(|newest| self.sent.get(&newest.signed.hash).copied());
        let is_missing = self.chain.waiting_count() <= under_way.transaction.nonce;
        Event::Visited(Visit { now: self.now, last_send, is_missing })
    }

    fn receipt(&self, attempts: &[Attempt], finalized: u64, faults: &Faults) -> Option<SeenReceipt> {
        let shown = |hash| {
            let lag = if faults.has(Fault::Lagging) { 4 } else { 0 };
            let visible = self.chain.height().saturating_sub(lag);
            self.chain.find(hash).filter(|(block, _)| block.number <= visible)
        };
        let (mut block, mined) = attempts.iter().rev().find_map(|attempt| shown(attempt.signed.hash))?;
        if faults.has(Fault::WrongBlocks) {
            block.hash = B256::repeat_byte(0xee);
        }
        Some(SeenReceipt {
            inclusion: Inclusion { attempt_hash: mined.bytes.hash, block },
            succeeded: mined.succeeded,
            is_final: block.number <= finalized && self.chain.is_canonical(block),
            events: if faults.has(Fault::EmptyReceipts) { vec![] } else { mined.events.clone() },
        })
    }

    fn play(
        &mut self,
        mut under_way: UnderWay,
        event: Event,
        faults: &Faults,
        left: &mut usize,
    ) -> Result<UnderWay, Stopped> {
        let mut next = Some(event);
        while let Some(event) = next.take() {
            self.events += 1;
            let step = under_way.step(event, &RULES);
            under_way = step.under_way;
            for action in step.actions {
                *left = left.checked_sub(1).ok_or(Stopped)?;
                next = self.perform(&under_way, action, faults)?;
            }
        }
        Ok(under_way)
    }

    fn perform(
        &mut self,
        under_way: &UnderWay,
        action: Action,
        faults: &Faults,
    ) -> Result<Option<Event>, Stopped> {
        let nonce = under_way.transaction.nonce;
        let fenced_off = matches!(
            action,
            Action::Store(_) | Action::MarkIncluded(_) | Action::MarkFellOut | Action::End(..)
        );
        if faults.has(Fault::Stale) && fenced_off {
            return Err(Stopped);
        }
        Ok(match action {
            Action::AskMarket(visit) => Some(Event::Priced(visit, self.history)),
            Action::Store(fees) => Some(self.store(nonce, fees)),
            Action::Send => self.send(under_way, faults),
            Action::Weigh(ending) => Some(self.weigh(nonce, ending, faults)),
            Action::MarkLive | Action::MarkIncluded(_) | Action::MarkFellOut => {
                let entry = self.books.transactions.get_mut(&nonce).expect("in the books");
                // A stale process may only say that its bytes are out, where nothing more is known.
                if !faults.has(Fault::Stale) || matches!(entry.transaction.state, TransactionState::Signed(_))
                {
                    entry.transaction.state = under_way.transaction.state.clone();
                }
                None
            }
            Action::End(_, ended) => {
                let entry = self.books.transactions.get_mut(&nonce).expect("in the books");
                entry.transaction.state = under_way.transaction.state.clone();
                for ended in ended {
                    let call = self.books.calls.get_mut(&ended.call_id).expect("in the books");
                    assert_eq!(call.state, CallState::Bound(nonce), "an end for a call of another");
                    call.state = match ended.end {
                        CallEnd::Again { spoiled, .. } => {
                            call.setbacks += u32::from(spoiled);
                            CallState::Queued
                        }
                        end => CallState::Ended(end),
                    };
                }
                None
            }
            Action::Alarm(_) => None,
        })
    }

    fn members(&self, nonce: u64) -> Vec<Member> {
        let of_nonce = self.books.calls.iter().filter(|(_, entry)| entry.state == CallState::Bound(nonce));
        let member = |(call_id, entry): (&CallId, &Entry)| Member {
            call_id: call_id.clone(),
            call: entry.call.clone(),
            setbacks: entry.setbacks,
        };
        of_nonce.map(member).collect()
    }

    fn store(&mut self, nonce: u64, fees: crate::fees::Fees) -> Event {
        let hash = self.chain.fresh_hash();
        let entry = &self.books.transactions[&nonce];
        let calls = match entry.attempts.first() {
            Some(first) => self.books.stored[&first.signed.hash].calls.clone(),
            None => self.members(nonce).into_iter().map(|member| member.call).collect(),
        };
        let signed = Signed { calldata: vec![], gas_limit: 1 };
        let attempt = Attempt { signed: SignedBytes { hash, raw: vec![] }, fees, signed_at: self.now };
        self.books.stored.insert(hash, Bytes { hash, nonce, fees, foreign: false, calls });
        let entry = self.books.transactions.get_mut(&nonce).expect("in the books");
        entry.attempts.push(attempt.clone());
        if entry.transaction.state == TransactionState::Bound {
            entry.transaction.state = TransactionState::Signed(signed.clone());
        }
        Event::Stored(signed, attempt)
    }

    fn send(&mut self, under_way: &UnderWay, faults: &Faults) -> Option<Event> {
        let newest = under_way.attempts.last()?.signed.hash;
        let bytes = self.books.stored.get(&newest).expect("sent before it was stored").clone();
        let answer = match (faults.has(Fault::Swallowed), faults.has(Fault::ReplyLost)) {
            (true, _) => Ok(()),
            (false, lost) => {
                let answer = self.chain.receive(bytes);
                if lost { Err(SendRefusal::Unknown("no reply".to_owned())) } else { answer }
            }
        };
        self.sent.insert(newest, LastSend::answered(self.now, &answer));
        Some(Event::Answered(answer))
    }

    fn weigh(&self, nonce: u64, ending: Ending, faults: &Faults) -> Event {
        let members = self.members(nonce);
        let finalized = self.chain.finalized().number;
        let mut first_mints = FirstMints::new();
        for token_id in first_mints_needed(&ending, &members) {
            let first = self.chain.first_mint(token_id).filter(|_| !faults.has(Fault::Lagging));
            let mint = first.map(|first| Mint { first, is_final: first.block.number <= finalized });
            first_mints.insert(token_id, mint);
        }
        Event::Weighed(ending, members, first_mints)
    }

    fn bind(&mut self, largest: usize, faults: &Faults, left: &mut usize) -> Result<(), Stopped> {
        let waiting = self.books.calls.iter().filter(|(_, entry)| entry.state == CallState::Queued);
        let Some(kind) = waiting.clone().map(|(_, entry)| entry.call.kind()).next() else { return Ok(()) };
        let of_kind = waiting.filter(|(_, entry)| entry.call.kind() == kind);
        let group: Vec<CallId> = of_kind.take(largest.max(1)).map(|(call_id, _)| call_id.clone()).collect();
        let nonce = self.books.transactions.keys().next_back().map_or(0, |last| last + 1);
        for call_id in group {
            self.books.calls.get_mut(&call_id).expect("in the books").state = CallState::Bound(nonce);
        }
        let under_way = self.bound(nonce, kind);
        self.books.transactions.insert(nonce, under_way.clone());
        *left = left.checked_sub(1).ok_or(Stopped)?;
        let visit = self.visit(&under_way);
        self.play(under_way, visit, faults, left).map(|_| ())
    }

    fn bound(&self, nonce: u64, kind: CallKind) -> UnderWay {
        let transaction_id = TransactionId::generate(self.now, self.chance.as_ref());
        let signer = Account::from_bytes([7; 20]);
        let transaction = Transaction { transaction_id, signer, nonce, kind, state: TransactionState::Bound };
        UnderWay { transaction, attempts: vec![] }
    }
}
