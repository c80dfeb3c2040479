use std::time::Duration;

use catalog::chance::{Chance, SystemChance};

use super::*;
use crate::claim::code::{ClaimCode, ClaimPepper};
use crate::config::ReturnSettings;
use crate::sale::{Journey, Shipment};

const NOON: i64 = 1_795_435_200_000_000;
const DAY: Duration = Duration::from_hours(24);
const CHANCE: &dyn Chance = &SystemChance;

fn noon() -> Timestamp {
    Timestamp::from_micros(NOON).unwrap()
}

fn redemption() -> Redemption {
    Redemption {
        recipient: Account::from_bytes([7; 20]),
        token_id: "12017100".parse().unwrap(),
        redeemed_at: noon(),
        keeper: Keeper::Wallet { proof_nonce: "00112233445566778899aabbccddeeff".to_owned() },
    }
}

fn release() -> VaultOrder {
    let proof_nonce = "ffeeddccbbaa99887766554433221100".to_owned();
    VaultOrder::Release { recipient: Account::from_bytes([8; 20]), proof_nonce, ordered_at: noon() }
}

fn safekept(order: Option<VaultOrder>) -> Redemption {
    Redemption { recipient: Account::from_bytes([9; 20]), keeper: Keeper::Vault(order), ..redemption() }
}

fn claim(state: ClaimState) -> Claim {
    let claim_id = ClaimId::generate(noon(), CHANCE);
    Claim { state, ..Claim::prepare(claim_id, SaleId::generate(noon(), CHANCE), noon()) }
}

fn all_states() -> [ClaimState; 9] {
    let opened_at = noon();
    [
        ClaimState::Prepared,
        ClaimState::Open { opened_at },
        ClaimState::Redeemed { opened_at, redemption: redemption() },
        ClaimState::Redeemed { opened_at, redemption: safekept(None) },
        ClaimState::Redeemed { opened_at, redemption: safekept(Some(release())) },
        ClaimState::Redeemed {
            opened_at,
            redemption: safekept(Some(VaultOrder::Surrender { ordered_at: noon() })),
        },
        ClaimState::Released { opened_at, redemption: safekept(Some(release())) },
        ClaimState::Void { opened_at: Some(opened_at), redemption: None },
        ClaimState::Expired { opened_at },
    ]
}

#[test]
fn every_state_decides_every_verb() {
    let pepper = ClaimPepper::from_bytes(&[7; 32]).unwrap();
    let hmac = pepper.digest_code(Some(&ClaimCode::generate(CHANCE)));
    let word = |claim: Result<Claim, InvalidTransition>| match claim {
        Ok(claim) => claim.state.as_str(),
        Err(_) => "refused",
    };
    let table = all_states().map(|state| {
        let claim = claim(state);
        (
            claim.state.as_str(),
            word(claim.clone().open(noon())),
            word(claim.clone().issue_code(hmac, noon())),
            word(claim.clone().redeem(redemption())),
            word(claim.clone().order(release())),
            word(claim.clone().release()),
            word(claim.clone().void()),
            word(claim.clone().reissue("12017101".parse().unwrap())),
            claim.stands(),
        )
    });
    let expected = [
        // state, open, a new code, redeem, order about the vault's token, release, void, another token, answers to its code
        ("prepared", "open", "prepared", "refused", "refused", "refused", "void", "refused", true),
        ("open", "refused", "open", "redeemed", "refused", "refused", "void", "refused", true),
        // For a wallet; kept by the vault; to be released; to be given up.
        ("redeemed", "refused", "refused", "refused", "refused", "refused", "void", "redeemed", true),
        ("redeemed", "refused", "refused", "refused", "redeemed", "refused", "void", "redeemed", true),
        ("redeemed", "refused", "refused", "refused", "refused", "released", "void", "redeemed", true),
        ("redeemed", "refused", "refused", "refused", "refused", "refused", "void", "redeemed", true),
        ("released", "refused", "refused", "refused", "refused", "refused", "refused", "refused", true),
        ("void", "refused", "refused", "refused", "refused", "refused", "refused", "refused", false),
        ("expired", "refused", "open", "refused", "refused", "refused", "void", "refused", false),
    ];
    assert_eq!(table, expected);
}

#[test]
fn a_void_claim_remembers_what_it_was_redeemed_for() {
    let redeemed = ClaimState::Redeemed { opened_at: noon(), redemption: redemption() };
    let void = claim(redeemed).void().unwrap();
    assert_eq!(void.state, ClaimState::Void { opened_at: Some(noon()), redemption: Some(redemption()) });
}

#[test]
fn a_token_in_safekeeping_belongs_to_no_wallet_until_one_is_ordered() {
    let other = |byte| Some(Account::from_bytes([byte; 20]));
    assert_eq!(redemption().wallet(), other(7));
    assert_eq!(safekept(None).wallet(), None);
    assert_eq!(safekept(Some(release())).wallet(), other(8));
    assert_eq!(safekept(Some(VaultOrder::Surrender { ordered_at: noon() })).wallet(), None);
}

#[test]
fn the_next_token_is_kept_again_and_takes_an_order_of_its_own() {
    let next = "12017101".parse().unwrap();
    let ordered = ClaimState::Redeemed { opened_at: noon(), redemption: safekept(Some(release())) };
    let reissued = claim(ordered).reissue(next).unwrap();
    assert_eq!(
        reissued.state.redemption(),
        Some(&Redemption { token_id: next, ..safekept(None) }),
        "the order went with the token that it was about"
    );
    let wallet = ClaimState::Redeemed { opened_at: noon(), redemption: redemption() };
    let reissued = claim(wallet).reissue(next).unwrap();
    assert_eq!(reissued.state.redemption().map(|redemption| &redemption.keeper), Some(&redemption().keeper));
}

#[test]
fn a_new_code_takes_the_place_of_the_one_before() {
    let pepper = ClaimPepper::from_bytes(&[7; 32]).unwrap();
    let [first, second] = [(), ()].map(|()| pepper.digest_code(Some(&ClaimCode::generate(CHANCE))));
    let claim = claim(ClaimState::Prepared).issue_code(first, noon()).unwrap();
    let claim = claim.issue_code(second, noon().plus(DAY)).unwrap();
    assert_eq!(claim.code, Some(StandingCode { hmac: second, issued_at: noon().plus(DAY) }));
}

#[test]
fn only_an_open_claim_expires_and_only_when_the_policy_says_so() {
    for state in all_states() {
        let word = state.as_str();
        let late = noon().plus(30 * DAY);
        let expired = |after, now| claim(state.clone()).expire_after(after, now).state.as_str();
        assert_eq!(expired(None, late), word);
        assert_eq!(expired(Some(30 * DAY), late.minus(Duration::from_micros(1))), word);
        let expected = if word == "open" { "expired" } else { word };
        assert_eq!(expired(Some(30 * DAY), late), expected);
    }
}

#[test]
fn the_policy_names_the_event_that_opens_a_claim() {
    let shipment = Shipment::parse("SF Express", None, noon(), noon()).unwrap();
    let journey = Journey { shipment: shipment.clone(), delivered_at: None };
    let goods = [
        Goods::Reserved,
        Goods::Shipped(shipment.clone()),
        Goods::Delivered { shipment, delivered_at: noon() },
        Goods::ReturnRequested(journey),
        Goods::Canceled,
    ];
    let opened = |open_on| goods.each_ref().map(|goods| opens(open_on, goods));
    assert_eq!(opened(OpenOn::Sale), [true, true, true, true, true]);
    assert_eq!(opened(OpenOn::Shipment), [false, true, true, false, false]);
    assert_eq!(opened(OpenOn::Delivery), [false, false, true, false, false]);
}

#[test]
fn a_token_settles_when_no_return_can_be_under_way() {
    let returns =
        ReturnSettings { window: 7 * DAY, processing: 21 * DAY, transit: 15 * DAY, settle_early: false };
    let days_after_redemption =
        |delivered_at| settles_at(noon(), delivered_at, &returns).since(noon()).as_secs() / 86_400;
    assert_eq!(days_after_redemption(None), 43);
    assert_eq!(days_after_redemption(Some(noon().minus(3 * DAY))), 28);
    assert_eq!(days_after_redemption(Some(noon().plus(2 * DAY))), 30);
}

#[test]
fn a_recipient_is_a_wallet_of_the_buyers_own() {
    let contract = wallet::parse_account("0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359").unwrap();
    let parse = |text: &str| parse_recipient(text, &[contract]);
    assert!(parse("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed").is_ok());
    let refused = [
        ("0x0000000000000000000000000000000000000000", InvalidRecipient::Ownerless),
        ("0x0000000000000000000000000000000000000009", InvalidRecipient::Ownerless),
        ("0x000000000000000000000000000000000000dEaD", InvalidRecipient::Ownerless),
        ("0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359", InvalidRecipient::Ours),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", wallet::InvalidAddress::WrongChecksum.into()),
        ("5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", wallet::InvalidAddress::Malformed.into()),
        ("vitalik.eth", wallet::InvalidAddress::Malformed.into()),
    ];
    for (text, why) in refused {
        assert_eq!(parse(text), Err(why), "{text}");
    }
}
