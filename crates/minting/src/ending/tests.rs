use catalog::account::Account;
use catalog::chance::SystemChance;
use catalog::clock::{Clock, SystemClock};

use super::*;
use crate::call::VoidReason;
use crate::chain::{B256, Block};
use crate::contract::MintSkip;

const ID: u64 = 12_017_100;

fn account(byte: u8) -> Account {
    Account::from_bytes([byte; 20])
}

fn token_id() -> TokenId {
    TokenId::from_number(ID).expect("a token id")
}

fn member(call: Call, setbacks: u32) -> Member {
    Member { call_id: CallId::generate(SystemClock.now(), &SystemChance), call, setbacks }
}

fn mint(setbacks: u32) -> Member {
    member(Call::Mint { token_id: token_id(), recipient: account(1), settles_at: 0 }, setbacks)
}

fn void() -> Member {
    member(Call::Void { token_id: token_id(), reason: VoidReason::Refunded }, 0)
}

fn inclusion() -> Inclusion {
    Inclusion { attempt_hash: B256::ZERO, block: Block { number: 9, hash: B256::ZERO } }
}

fn minted_to(recipient: Account, is_final: bool) -> FirstMints {
    let first = FirstMint { recipient, block: Block { number: 7, hash: B256::ZERO } };
    FirstMints::from([(token_id(), Some(Mint { first, is_final }))])
}

fn only_end(ending: &Ending, member: Member, first_mints: &FirstMints) -> Result<CallEnd, NotBelieved> {
    ends(ending, vec![member], first_mints).map(|mut ended| ended.remove(0).end)
}

fn skipped(reason: MintSkip) -> Ending {
    Ending::Confirmed(inclusion(), vec![ItemEvent::MintSkipped { token_id: ID, reason }])
}

#[test]
fn a_mint_that_was_issued_before_is_done_only_by_a_final_mint_to_our_recipient() {
    let ending = skipped(MintSkip::AlreadyIssued);
    assert_eq!(first_mints_needed(&ending, &[mint(0)]), [token_id()]);
    assert_eq!(only_end(&ending, mint(0), &minted_to(account(1), true)), Ok(CallEnd::Done));
    assert!(matches!(only_end(&ending, mint(0), &minted_to(account(2), true)), Ok(CallEnd::Review(_))));
    let unclear = [minted_to(account(1), false), FirstMints::from([(token_id(), None)]), FirstMints::new()];
    for first_mints in unclear {
        assert_eq!(only_end(&ending, mint(0), &first_mints), Err(NotBelieved::NoFinalMint(token_id())));
    }
}

#[test]
fn the_calls_of_a_displaced_transaction_go_back_unless_the_chain_shows_them_done() {
    assert_eq!(first_mints_needed(&Ending::Displaced, &[mint(0), void()]), [token_id()]);
    let again = CallEnd::Again { reason: "another transaction took its nonce", spoiled: false };
    let none = FirstMints::from([(token_id(), None)]);
    assert_eq!(only_end(&Ending::Displaced, mint(0), &none), Ok(again.clone()));
    assert_eq!(only_end(&Ending::Displaced, void(), &FirstMints::new()), Ok(again));
    assert_eq!(only_end(&Ending::Displaced, mint(0), &minted_to(account(1), true)), Ok(CallEnd::Done));
    assert!(matches!(
        only_end(&Ending::Displaced, mint(0), &minted_to(account(2), true)),
        Ok(CallEnd::Review(_))
    ));
    let not_final = only_end(&Ending::Displaced, mint(0), &minted_to(account(1), false));
    assert_eq!(not_final, Err(NotBelieved::NoFinalMint(token_id())));
}

#[test]
fn a_call_that_spoils_its_transaction_alone_and_twice_goes_to_review() {
    let reverted = Ending::Reverted(inclusion());
    let again = Ok(CallEnd::Again { reason: "the transaction reverted", spoiled: true });
    assert_eq!(only_end(&reverted, mint(0), &FirstMints::new()), again);
    assert!(matches!(only_end(&reverted, mint(1), &FirstMints::new()), Ok(CallEnd::Review(_))));
    let together = ends(&reverted, vec![mint(3), void()], &FirstMints::new()).expect("ends");
    assert!(together.iter().all(|ended| matches!(ended.end, CallEnd::Again { spoiled: true, .. })));
}

#[test]
fn a_receipt_that_leaves_a_call_out_is_not_believed() {
    let silent =
        Ending::Confirmed(inclusion(), vec![ItemEvent::Minted { token_id: ID, recipient: account(1) }]);
    let left_out = void();
    let call_id = left_out.call_id.clone();
    assert_eq!(
        ends(&silent, vec![mint(0), left_out], &FirstMints::new()),
        Err(NotBelieved::NotTold(call_id))
    );
}

#[test]
fn ends_make_the_token_follow() {
    let ended = |member: Member, end| Ended { call_id: member.call_id, call: member.call, end };
    assert_eq!(ended(mint(0), CallEnd::Done).token_state(), Some(TokenState::Bound));
    assert_eq!(ended(mint(0), CallEnd::Void).token_state(), Some(TokenState::Voided));
    assert_eq!(ended(void(), CallEnd::Done).token_state(), Some(TokenState::Voided));
    assert_eq!(ended(void(), CallEnd::Refused("settled")).token_state(), None);
    assert_eq!(ended(mint(0), CallEnd::Again { reason: "", spoiled: false }).token_state(), None);
}
