use catalog::account::Account;
use catalog::chance::SystemChance;
use catalog::clock::{Clock, SystemClock};

use super::*;
use crate::call::{Call, CallId, CallKind};
use crate::chain::{B256, Block};
use crate::contract::ItemEvent;
use crate::ending::CallEnd;
use crate::purse::{CannotPay, Gwei};
use crate::signer::SignedBytes;
use crate::token::TokenId;
use crate::transaction::{SeenReceipt, TransactionId};

const RULES: Rules = Rules {
    fees: FeePolicy { max_fee_cap: 1_000, min_tip: 1, max_tip: 100 },
    resend_after: Duration::from_secs(4),
    resend_missing_after: Duration::from_secs(1),
    bump_after: Duration::from_secs(30),
};
const CALM: FeeHistory = FeeHistory { base_fee: 100, median_tip: 10 };
const NONCE: u64 = 5;

fn start() -> Timestamp {
    Timestamp::from_micros(1_000_000_000_000_000).expect("a time")
}

fn after(seconds: u64, last_send: impl Into<Option<LastSend>>) -> Visit {
    Visit { now: start().plus(Duration::from_secs(seconds)), last_send: last_send.into(), is_missing: false }
}

fn sent(seconds: u64, underpriced: bool) -> LastSend {
    LastSend { at: start().plus(Duration::from_secs(seconds)), underpriced, taken: !underpriced }
}

fn bound() -> UnderWay {
    let transaction = Transaction {
        transaction_id: TransactionId::generate(SystemClock.now(), &SystemChance),
        signer: Account::from_bytes([7; 20]),
        nonce: NONCE,
        kind: CallKind::Mint,
        state: TransactionState::Bound,
    };
    UnderWay { transaction, attempts: vec![] }
}

fn signed() -> Signed {
    Signed { calldata: vec![1], gas_limit: 100_000 }
}

fn attempt(fees: Fees) -> Attempt {
    let bytes = SignedBytes { hash: B256::repeat_byte(1), raw: vec![2] };
    Attempt { signed: bytes, fees, signed_at: start() }
}

fn fees(max_fee: u128, max_priority_fee: u128) -> Fees {
    Fees { max_fee, max_priority_fee }
}

/// Tells the machine one event after the other; gives the state and what the last one led to.
fn told(mut under_way: UnderWay, events: impl IntoIterator<Item = Event>) -> (UnderWay, Vec<Action>) {
    let mut actions = vec![];
    for event in events {
        let step = under_way.step(event, &RULES);
        (under_way, actions) = (step.under_way, step.actions);
    }
    (under_way, actions)
}

fn live() -> UnderWay {
    let events = [Event::Stored(signed(), attempt(fees(210, 10))), Event::Answered(Ok(()))];
    told(bound(), events).0
}

fn inclusion() -> Inclusion {
    Inclusion { attempt_hash: B256::repeat_byte(1), block: Block { number: 9, hash: B256::repeat_byte(9) } }
}

fn shown(is_final: bool, events: Vec<ItemEvent>) -> Event {
    let receipt = SeenReceipt { inclusion: inclusion(), succeeded: true, is_final, events };
    Event::Sighted(Sighting { finalized_count: Some(NONCE), receipt: Some(receipt) })
}

fn not_shown(finalized_count: u64) -> Event {
    Event::Sighted(Sighting { finalized_count: Some(finalized_count), receipt: None })
}

fn mint() -> Member {
    let token_id = TokenId::from_number(12_017_100).expect("a token id");
    let call = Call::Mint { token_id, recipient: Account::from_bytes([1; 20]), settles_at: 0 };
    Member { call_id: CallId::generate(SystemClock.now(), &SystemChance), call, setbacks: 0 }
}

#[test]
fn bytes_are_stored_before_they_are_sent() {
    let visit = after(0, None);
    let (_, actions) = told(bound(), [Event::Visited(visit)]);
    assert_eq!(actions, [Action::AskMarket(visit)]);
    let (_, actions) = told(bound(), [Event::Priced(visit, CALM)]);
    assert_eq!(actions, [Action::Store(fees(210, 10))]);
    let (under_way, actions) = told(bound(), [Event::Stored(signed(), attempt(fees(210, 10)))]);
    assert_eq!(actions, [Action::Send]);
    assert_eq!(under_way.transaction.state, TransactionState::Signed(signed()));
}

#[test]
fn a_market_above_the_cap_leaves_the_nonce_unsigned() {
    let dear = FeeHistory { base_fee: 2_000, median_tip: 1 };
    let (under_way, actions) = told(bound(), [Event::Priced(after(0, None), dear)]);
    assert_eq!(actions, [Action::Alarm(Alarm::Parked(AboveCap { asked: 2_001, cap: 1_000 }))]);
    assert_eq!(under_way.transaction.state, TransactionState::Bound);
}

#[test]
fn bytes_that_no_pool_counts_are_sent_again_sooner() {
    let visited = |visit| told(live(), [Event::Visited(visit)]).1;
    let missing = |seconds| Visit { is_missing: true, ..after(seconds, sent(0, false)) };
    assert_eq!(visited(missing(0)), []);
    assert_eq!(visited(missing(1)), [Action::Send]);
    assert_eq!(visited(after(3, sent(0, false))), []);
    assert_eq!(visited(after(4, sent(0, false))), [Action::Send]);
}

#[test]
fn no_answer_of_a_node_ends_a_transaction_or_asks_for_another_nonce() {
    let refusals = [
        SendRefusal::AlreadyKnown,
        SendRefusal::NonceTooLow,
        SendRefusal::NonceTooHigh,
        SendRefusal::ReplacementUnderpriced,
        SendRefusal::Underpriced,
        SendRefusal::PoolFull,
        SendRefusal::Unknown("the moon is full".to_owned()),
    ];
    let stored = || Event::Stored(signed(), attempt(fees(210, 10)));
    for refusal in refusals {
        let (under_way, actions) = told(bound(), [stored(), Event::Answered(Err(refusal.clone()))]);
        assert_eq!(actions, [Action::MarkLive], "{refusal}");
        assert_eq!(under_way.transaction.state, TransactionState::Live(signed()), "{refusal}");
    }
    let poor = || SendRefusal::InsufficientFunds;
    let (_, actions) = told(bound(), [stored(), Event::Answered(Err(poor()))]);
    assert_eq!(actions, [Action::Alarm(Alarm::NotSent(poor())), Action::MarkLive]);
}

#[test]
fn the_same_bytes_are_sent_again_until_the_chain_shows_them() {
    assert_eq!(told(live(), [Event::Visited(after(3, sent(0, false)))]).1, []);
    assert_eq!(told(live(), [Event::Visited(after(4, sent(0, false)))]).1, [Action::Send]);
    // A process that remembers nothing sends at once.
    assert_eq!(told(live(), [Event::Visited(after(1, None))]).1, [Action::Send]);
    let (included, _) = told(live(), [shown(false, vec![])]);
    assert_eq!(told(included, [Event::Visited(after(100, None))]).1, []);
}

#[test]
fn a_higher_fee_is_offered_after_a_while_and_sooner_when_the_node_asks_for_it() {
    let patient = after(30, sent(29, false));
    assert_eq!(told(live(), [Event::Visited(patient)]).1, [Action::AskMarket(patient)]);
    assert_eq!(told(live(), [Event::Visited(after(29, sent(28, false)))]).1, []);
    let asked = after(4, sent(0, true));
    assert_eq!(told(live(), [Event::Visited(asked)]).1, [Action::AskMarket(asked)]);
    // An eighth more in both fields: 210 → 237 (rounded up), 10 → 12.
    assert_eq!(told(live(), [Event::Priced(patient, CALM)]).1, [Action::Store(fees(237, 12))]);
}

#[test]
fn at_the_cap_the_bytes_are_held_and_still_sent() {
    let at_cap = told(bound(), [Event::Stored(signed(), attempt(fees(1_000, 10)))]).0;
    let (_, actions) = told(at_cap, [Event::Priced(after(30, sent(0, false)), CALM)]);
    assert_eq!(actions, [Action::Alarm(Alarm::HeldAtCap), Action::Send]);
}

#[test]
fn inclusion_is_revocable() {
    let (included, actions) = told(live(), [shown(false, vec![])]);
    assert_eq!(actions, [Action::MarkIncluded(inclusion())]);
    let (again, actions) = told(included, [not_shown(NONCE)]);
    assert_eq!(actions, [Action::Alarm(Alarm::FellOut), Action::MarkFellOut]);
    assert_eq!(again.transaction.state, TransactionState::Live(signed()));
}

#[test]
fn a_final_receipt_ends_the_transaction_and_each_call() {
    let minted = vec![ItemEvent::Minted { token_id: 12_017_100, recipient: Account::from_bytes([1; 20]) }];
    let ending = Ending::Confirmed(inclusion(), minted.clone());
    let (under_way, actions) = told(live(), [shown(true, minted)]);
    assert_eq!(actions, [Action::Weigh(ending.clone())]);
    let (under_way, actions) =
        told(under_way, [Event::Weighed(ending.clone(), vec![mint()], FirstMints::new())]);
    assert_eq!(under_way.transaction.state, TransactionState::Confirmed(inclusion()));
    let [Action::End(written, ended)] = actions.as_slice() else { panic!("{actions:?}") };
    assert_eq!((written, &ended[0].end), (&ending, &CallEnd::Done));
}

#[test]
fn an_end_that_does_not_fit_together_is_not_written() {
    let ending = Ending::Confirmed(inclusion(), vec![]);
    let (under_way, actions) = told(live(), [Event::Weighed(ending, vec![mint()], FirstMints::new())]);
    assert!(matches!(actions.as_slice(), [Action::Alarm(Alarm::NotBelieved(_))]), "{actions:?}");
    assert_eq!(under_way.transaction.state, TransactionState::Live(signed()));
}

#[test]
fn another_transaction_at_our_nonce_sends_the_calls_back_only_at_finality() {
    assert_eq!(told(live(), [not_shown(NONCE)]).1, []);
    let (_, actions) = told(live(), [not_shown(NONCE + 1)]);
    assert_eq!(actions, [Action::Weigh(Ending::Displaced)]);
    let none = FirstMints::from([(TokenId::from_number(12_017_100).expect("a token id"), None)]);
    let (under_way, actions) = told(live(), [Event::Weighed(Ending::Displaced, vec![mint()], none)]);
    assert_eq!(under_way.transaction.state, TransactionState::Displaced);
    let [Action::Alarm(Alarm::Displaced), Action::End(_, ended)] = actions.as_slice() else {
        panic!("{actions:?}")
    };
    assert!(matches!(ended[0].end, CallEnd::Again { spoiled: false, .. }));
}

#[test]
fn nothing_follows_an_end() {
    let mut over = live();
    over.transaction.state = TransactionState::Displaced;
    let events = [
        Event::Visited(after(100, None)),
        Event::Priced(after(100, None), CALM),
        Event::Answered(Ok(())),
        shown(true, vec![]),
        not_shown(NONCE + 1),
    ];
    for event in events {
        assert_eq!(told(over.clone(), [event.clone()]).1, [], "{event:?}");
    }
}

#[test]
fn a_chain_that_stands_still_is_not_outbid_for_ever() {
    let mut under_way = live();
    under_way.attempts = vec![attempt(fees(210, 10)); crate::attempt::MOST - 1];
    let visit = after(60, None);
    let (_, actions) = told(under_way.clone(), [Event::Visited(visit)]);
    assert_eq!(actions, [Action::AskMarket(visit)]);
    under_way.attempts.push(attempt(fees(210, 10)));
    let (_, actions) = told(under_way, [Event::Visited(visit)]);
    assert_eq!(actions, [Action::Send]);
}

#[test]
fn what_nobody_can_pay_for_waits_unsigned_and_what_is_signed_is_sent_again_as_it_is() {
    let over = CannotPay::OverBudget { spent: Gwei::new(9), asked: Gwei::new(2), budget: Gwei::new(10) };
    let alarm = || Action::Alarm(Alarm::Unpaid(over));
    let (waiting, actions) = told(bound(), [Event::Unpaid(after(0, None), over)]);
    assert_eq!((&waiting.transaction.state, actions), (&TransactionState::Bound, vec![alarm()]));

    let stored = || Event::Stored(signed(), attempt(fees(210, 10)));
    let (held, actions) = told(bound(), [stored(), Event::Unpaid(after(60, sent(0, false)), over)]);
    assert_eq!(held.attempts.len(), 1);
    assert_eq!(actions, vec![alarm(), Action::Send]);
    let (_, actions) = told(bound(), [stored(), Event::Unpaid(after(60, sent(59, false)), over)]);
    assert_eq!(actions, vec![alarm()]);
}
