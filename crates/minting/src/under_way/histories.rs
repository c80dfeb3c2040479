//! Random histories of crashes, stale processes, reorganizations and lies. `PROPTEST_CASES` says how many.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use catalog::account::Account;
use catalog::chance::Chance;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::house::{CallState, Entry, Fault, Faults, House};
use crate::call::{Call, VoidReason};
use crate::chain::FeeHistory;
use crate::contract::ItemEvent;
use crate::ending::CallEnd;
use crate::token::TokenId;
use crate::transaction::TransactionState;

#[derive(Debug, Clone)]
enum Act {
    Sell,
    Refund(usize),
    Withdraw(usize),
    Wait(u64),
    Pass(Faults, usize),
    FallAsleep,
    Mine(usize),
    Drop(usize),
    Reorganize(usize, bool),
    Foreign,
    ForeignMint(usize, bool),
    Cap(bool),
    Pause(bool),
    Market(u128),
}

/// Chance that always comes out the same, so that a history can be played again.
#[derive(Debug, Default)]
struct Counted(AtomicU64);

impl Chance for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        let next = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = next[place % next.len()];
        }
    }
}

fn faults(lies: bool) -> impl Strategy<Value = Faults> {
    let honest = vec![Fault::Stale, Fault::ReplyLost, Fault::Swallowed, Fault::NoCount];
    let lying = vec![Fault::Lagging, Fault::EmptyReceipts, Fault::WrongBlocks];
    let kinds = if lies { [honest, lying].concat() } else { honest };
    let dies = prop_oneof![2 => Just(None), 1 => (0_usize..12).prop_map(Some)];
    let wrong = prop_oneof![1 => Just(vec![]), 2 => prop::sample::subsequence(kinds, 0..3)];
    (dies, wrong).prop_map(|(dies_after, wrong)| Faults { dies_after, wrong })
}

fn act(lies: bool) -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => Just(Act::Sell),
        1 => (0_usize..60).prop_map(Act::Refund),
        1 => (0_usize..60).prop_map(Act::Withdraw),
        5 => (0_u64..8).prop_map(Act::Wait),
        30 => (faults(lies), 1_usize..6).prop_map(|(faults, largest)| Act::Pass(faults, largest)),
        3 => Just(Act::FallAsleep),
        20 => (0_usize..4).prop_map(Act::Mine),
        2 => (1_usize..4).prop_map(Act::Drop),
        4 => (1_usize..6, any::<bool>()).prop_map(|(depth, forget)| Act::Reorganize(depth, forget)),
        1 => Just(Act::Foreign),
        1 => (0_usize..60, any::<bool>()).prop_map(|(place, ours)| Act::ForeignMint(place, ours)),
        1 => any::<bool>().prop_map(Act::Cap),
        1 => prop::bool::weighted(0.3).prop_map(Act::Pause),
        2 => (1_u128..2_000_000).prop_map(Act::Market),
    ]
}

fn mint(serial: u64) -> Call {
    let token_id = TokenId::from_number(12_000_000 + serial * 100).expect("a token id");
    Call::Mint { token_id, recipient: Account::from_bytes([1; 20]), settles_at: 0 }
}

fn nth_mint(house: &House, place: usize) -> Option<TokenId> {
    let mints = house.books.calls.values().filter(|entry| matches!(entry.call, Call::Mint { .. }));
    mints.map(|entry| entry.call.token_id()).nth(place).flatten()
}

/// A foreign mint is another key's or another database's work: the contract alone stands against it.
fn play(house: &mut House, act: Act, foreign_mints: bool) {
    match act {
        Act::Sell => house.queue(mint(house.books.calls.len() as u64 + 1)),
        Act::Refund(place) => {
            let refunded = |entry: &Entry, id| {
                entry.call.token_id() == Some(id) && matches!(entry.call, Call::Void { .. })
            };
            if let Some(token_id) = nth_mint(house, place)
                && !house.books.calls.values().any(|entry| refunded(entry, token_id))
            {
                house.queue(Call::Void { token_id, reason: VoidReason::Refunded });
            }
        }
        Act::Withdraw(place) => house.withdraw(place),
        Act::Wait(seconds) => house.now = house.now.plus(Duration::from_secs(seconds)),
        Act::Pass(faults, largest) => house.pass(&faults, largest),
        Act::FallAsleep => house.fall_asleep(),
        Act::Mine(most) => house.chain.mine(most),
        Act::Drop(nth) => house.chain.drop_from_pool(nth),
        Act::Reorganize(depth, forget) => house.chain.reorganize(depth, forget),
        Act::Foreign => house.chain.foreign(None),
        Act::ForeignMint(place, ours) => {
            if let Some(token_id) = nth_mint(house, place).filter(|_| foreign_mints) {
                let recipient = Account::from_bytes([if ours { 1 } else { 2 }; 20]);
                house.chain.foreign(Some((token_id, recipient)));
            }
        }
        Act::Cap(open) => house.chain.cap_open = open,
        Act::Pause(paused) => house.chain.paused = paused,
        Act::Market(base_fee) => house.history = FeeHistory { base_fee, median_tip: base_fee / 10 },
    }
}

/// What holds after every act, whatever happened before it.
fn insist(house: &House) {
    let mut carried_out: HashMap<TokenId, u32> = HashMap::new();
    for (_, mined) in house.chain.mined().filter(|(_, mined)| !mined.bytes.foreign) {
        let stored = house.books.stored.get(&mined.bytes.hash);
        assert_eq!(stored, Some(&mined.bytes), "the chain has bytes that the books do not");
        for event in &mined.events {
            if let ItemEvent::Minted { token_id, .. } = event {
                let id = TokenId::from_number(*token_id).expect("a token id");
                *carried_out.entry(id).or_default() += 1;
            }
        }
    }
    if let Some((id, times)) = carried_out.iter().find(|(_, times)| **times > 1) {
        panic!("{id} was minted {times} times");
    }
    for (nonce, entry) in &house.books.transactions {
        assert_eq!(entry.transaction.nonce, *nonce);
        let calls = |attempt: &crate::attempt::Attempt| &house.books.stored[&attempt.signed.hash].calls;
        assert!(
            entry.attempts.windows(2).all(|pair| calls(&pair[0]) == calls(&pair[1])),
            "two attempts at nonce {nonce} carry different calls"
        );
        if let TransactionState::Confirmed(inclusion) | TransactionState::RevertedConfirmed(inclusion) =
            entry.transaction.state
        {
            let found = house.chain.find(inclusion.attempt_hash).map(|(block, _)| block);
            assert_eq!(found, Some(inclusion.block), "confirmed in a block that does not hold it");
            assert!(inclusion.block.number <= house.chain.finalized().number, "confirmed too early");
        }
    }
    for entry in house.books.calls.values() {
        if let (Call::Mint { token_id, recipient, .. }, CallState::Ended(CallEnd::Done)) =
            (&entry.call, &entry.state)
        {
            let owner = house.chain.final_mint(*token_id).map(|mint| mint.recipient);
            assert_eq!(owner, Some(*recipient), "a mint is called done without a final token");
        }
    }
}

/// With all faults over, every call comes to its end, and each sold sheet has its token.
fn drain(house: &mut House) {
    house.chain.cap_open = true;
    house.chain.paused = false;
    house.history = FeeHistory { base_fee: 1, median_tip: 1 };
    for _ in 0..400 {
        house.now = house.now.plus(Duration::from_secs(7));
        house.pass(&Faults::default(), 4);
        house.chain.mine(50);
        if house.books.calls.values().all(|entry| matches!(entry.state, CallState::Ended(_))) {
            break;
        }
    }
    insist(house);
    for entry in house.books.calls.values() {
        let CallState::Ended(end) = &entry.state else { panic!("never ended: {entry:?}") };
        if let (Call::Mint { token_id, .. }, CallEnd::Void) = (&entry.call, end) {
            let voids = |other: &Entry| matches!(other.call, Call::Void { token_id: voided, .. } if voided == *token_id);
            let voided = house.books.calls.values().any(voids);
            assert!(voided || !minted_by_us(house, *token_id), "a withdrawn mint was minted: {entry:?}");
        }
    }
}

fn minted_by_us(house: &House, id: TokenId) -> bool {
    let ours = house.chain.mined().filter(|(_, mined)| !mined.bytes.foreign);
    let mints =
        |event: &ItemEvent| matches!(event, ItemEvent::Minted { token_id, .. } if *token_id == id.get());
    ours.into_iter().any(|(_, mined)| mined.events.iter().any(mints))
}

fn run(acts: Vec<Act>, one_time_ids: bool) -> u64 {
    let mut house = House::new(one_time_ids, Box::new(Counted::default()));
    for act in acts {
        play(&mut house, act, one_time_ids);
        insist(&house);
    }
    drain(&mut house);
    house.events
}

/// Plays as many histories as asked for; says how many events the machine was told.
fn play_histories(lies: bool, one_time_ids: bool) {
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let events = AtomicU64::new(0);
    let played = runner.run(&prop::collection::vec(act(lies), 50..250), |acts| {
        events.fetch_add(run(acts, one_time_ids), Ordering::Relaxed);
        Ok(())
    });
    let events = events.into_inner();
    if let Err(broken) = played {
        panic!("{broken}");
    }
    println!("{events} events");
    assert!(events > 100_000 || runner.config().cases < 256, "only {events} events were told");
}

#[test]
fn a_mint_happens_exactly_once_whatever_breaks() {
    play_histories(true, true);
}

/// The contract mints whatever it is told to: the books alone keep a call from being carried out twice.
#[test]
fn the_books_alone_mint_no_sheet_twice() {
    play_histories(false, false);
}
