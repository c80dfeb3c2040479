//! A reorganization that turns every item of a group over, for every reason that the contract knows; also for the one that no
//! branch of a chain can turn over.

use catalog::account::Account;
use catalog::chance::SystemChance;
use catalog::clock::{Clock, SystemClock};

use super::*;
use crate::attempt::Attempt;
use crate::call::{Call, CallId, CallKind};
use crate::chain::{B256, Block, FirstMint};
use crate::contract::{ItemEvent, MintSkip};
use crate::ending::{CallEnd, Mint};
use crate::signer::SignedBytes;
use crate::token::TokenId;
use crate::transaction::{SeenReceipt, TransactionId};

const GROUP: u64 = 20;
const NONCE: u64 = 5;
const RULES: Rules = Rules {
    fees: FeePolicy { max_fee_cap: 1_000, min_tip: 1, max_tip: 100 },
    resend_after: Duration::from_secs(4),
    resend_missing_after: Duration::from_secs(1),
    bump_after: Duration::from_secs(30),
};

fn id(item: u64) -> TokenId {
    TokenId::from_number(12_000_100 + item * 100).expect("a token id")
}

fn recipient() -> Account {
    Account::from_bytes([1; 20])
}

fn group() -> Vec<Member> {
    let member = |item| Member {
        call_id: CallId::generate(SystemClock.now(), &SystemChance),
        call: Call::Mint { token_id: id(item), recipient: recipient(), settles_at: 0 },
        setbacks: 0,
    };
    (0..GROUP).map(member).collect()
}

fn live() -> UnderWay {
    let now = SystemClock.now();
    let signed = Signed { calldata: vec![1], gas_limit: 100_000 };
    let fees = Fees { max_fee: 210, max_priority_fee: 10 };
    let transaction = Transaction {
        transaction_id: TransactionId::generate(now, &SystemChance),
        signer: Account::from_bytes([7; 20]),
        nonce: NONCE,
        kind: CallKind::Mint,
        state: TransactionState::Live(signed),
    };
    let bytes = SignedBytes { hash: B256::repeat_byte(1), raw: vec![2] };
    UnderWay { transaction, attempts: vec![Attempt { signed: bytes, fees, signed_at: now }] }
}

/// Every item minted, or every item passed over.
fn events(minted: bool, reason: MintSkip) -> Vec<ItemEvent> {
    let event = |item| {
        let token_id = id(item).get();
        if minted {
            ItemEvent::Minted { token_id, recipient: recipient() }
        } else {
            ItemEvent::MintSkipped { token_id, reason }
        }
    };
    (0..GROUP).map(event).collect()
}

fn sighting(hash: u8, is_final: bool, events: Vec<ItemEvent>) -> Event {
    let block = Block { number: 9, hash: B256::repeat_byte(hash) };
    let inclusion = Inclusion { attempt_hash: B256::repeat_byte(1), block };
    let receipt = SeenReceipt { inclusion, succeeded: true, is_final, events };
    Event::Sighted(Sighting { finalized_count: Some(NONCE), receipt: Some(receipt) })
}

fn end_of(reason: MintSkip, item: u64) -> CallEnd {
    let again = |reason| CallEnd::Again { reason, spoiled: false };
    match reason {
        MintSkip::AlreadyIssued if item.is_multiple_of(2) => CallEnd::Done,
        MintSkip::AlreadyIssued => CallEnd::Review(format!(
            "the token was minted by somebody else, to {}",
            Account::from_bytes([66; 20])
        )),
        MintSkip::Tombstone => CallEnd::Void,
        MintSkip::UnknownSerial => CallEnd::Refused("unknown_serial"),
        MintSkip::BadRecipient => CallEnd::Refused("bad_recipient"),
        MintSkip::PredecessorLive => again("predecessor_live"),
        MintSkip::BadSettlesAt => again("bad_settles_at"),
        MintSkip::CapReached => again("cap_reached"),
    }
}

/// Every second id was minted to us before, the others to somebody else.
fn first_mints() -> FirstMints {
    let mint = |item: u64| {
        let recipient = if item.is_multiple_of(2) { recipient() } else { Account::from_bytes([66; 20]) };
        let block = Block { number: 8, hash: B256::repeat_byte(8) };
        (id(item), Some(Mint { first: FirstMint { recipient, block }, is_final: true }))
    };
    (0..GROUP).map(mint).collect()
}

#[test]
fn only_the_final_branch_decides_each_item_of_a_group_for_every_reason() {
    const REASONS: [MintSkip; 7] = [
        MintSkip::AlreadyIssued,
        MintSkip::Tombstone,
        MintSkip::UnknownSerial,
        MintSkip::PredecessorLive,
        MintSkip::BadRecipient,
        MintSkip::BadSettlesAt,
        MintSkip::CapReached,
    ];
    for (reason, ends_minted) in REASONS.into_iter().flat_map(|reason| [(reason, false), (reason, true)]) {
        let absent = Event::Sighted(Sighting { finalized_count: Some(NONCE), receipt: None });
        let mut under_way = live();
        // The abandoned block, its end, the other branch: each is a sight of what may still change.
        for event in [
            sighting(10, false, events(!ends_minted, reason)),
            absent,
            sighting(11, false, events(ends_minted, reason)),
        ] {
            let step = under_way.step(event, &RULES);
            under_way = step.under_way;
            let over = |action: &Action| matches!(action, Action::Weigh(_) | Action::End(..));
            assert!(!step.actions.iter().any(over), "{reason:?}: {:?}", step.actions);
        }
        let step = under_way.step(sighting(11, true, events(ends_minted, reason)), &RULES);
        let [Action::Weigh(ending)] = step.actions.as_slice() else { panic!("{:?}", step.actions) };
        let weighed = Event::Weighed(ending.clone(), group(), first_mints());
        let step = step.under_way.step(weighed, &RULES);
        let Some(Action::End(_, ended)) = step.actions.last() else { panic!("{:?}", step.actions) };
        assert_eq!(ended.len(), 20);
        for (item, ended) in (0..).zip(ended) {
            let expected = if ends_minted { CallEnd::Done } else { end_of(reason, item) };
            assert_eq!(ended.end, expected, "{reason:?}, item {item}");
        }
    }
}
