//! Proofs of wallets, good and bad, decided by the routes over real wallets on a real chain. `wallet_proofs.json` holds
//! the cases: each a name, its row in FAULTS, what is done, and the verdict, which was written by hand.
//!
//! A case asks for a challenge, signs its text and redeems. `recipient` is a wallet of [`ground::Ground`] or an address,
//! `signer` the key that signs (the recipient's own without it), `text` what is signed in the place of the text that
//! was given, `sent_text` the text that is sent beside the signature, `signature` its form (see [`signing`]), `wrap` its
//! ERC-6492 wrapper, `body` fields of the request that take the place of all that.

mod ground;
mod signing;

use std::sync::Arc;
use std::time::Duration;

use catalog::account::Account;
use catalog::db::Db;
use minting::rpc::{Finality, RpcChain};
use minting::wallet::WalletJudge;
use serde_json::{Value, json};

use self::ground::Ground;
use super::house::{House, Parts, address, text, wallet};

const CASES: &str = include_str!("wallet_proofs.json");
const FIELDS: [&str; 15] = [
    "also",
    "block",
    "body",
    "expect",
    "name",
    "recipient",
    "row",
    "send_text",
    "sent_text",
    "signature",
    "signature_many",
    "signer",
    "text",
    "wait_minutes",
    "wrap",
];

/// The text that a case signs or sends in the place of `given`.
async fn altered(house: &House, ground: &Ground, codes: &Codes, given: &str, change: &Value) -> String {
    let ask =
        async |code: &str, recipient: &str| text(&house.challenge(code, recipient).await.body["message"]);
    let recipient = given.lines().nth(1).expect("an address");
    let mut changed = match change["of"].as_str() {
        None => given.to_owned(),
        Some("another claim") => ask(&codes.other, recipient).await,
        Some("another wallet") => ask(&codes.open, &ground.address("stranger")).await,
        Some("an older text") => {
            house.wait(Duration::from_secs(1));
            ask(&codes.open, recipient).await;
            given.to_owned()
        }
        Some(wallet) => ask(&codes.open, &ground.address(wallet)).await,
    };
    if let Some(instead) = change["instead"].as_str() {
        return instead.to_owned();
    }
    let nonce = given.lines().find_map(|line| line.strip_prefix("Nonce: ")).expect("a nonce");
    let domain = given.split(' ').next().expect("a domain");
    for pair in change["replace"].as_array().into_iter().flatten() {
        let filled = |place: usize| text(&pair[place]).replace("NONCE", nonce).replace("DOMAIN", domain);
        if pair[0] == "*" {
            return filled(1);
        }
        let replaced = changed.replace(&filled(0), &filled(1));
        assert_ne!(replaced, changed, "{pair} changes nothing");
        changed = replaced;
    }
    if change["capital_nonce"] == true {
        changed = changed.replace(nonce, &nonce.to_uppercase());
        assert!(nonce.bytes().any(|digit| digit.is_ascii_alphabetic()), "no letter in {nonce}");
    }
    changed.push_str(change["append"].as_str().unwrap_or_default());
    changed.push_str(&many(&change["append_many"]));
    changed
}

/// `["ab", 3]` is `ababab`.
fn many(value: &Value) -> String {
    let count = value[1].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
    value[0].as_str().unwrap_or_default().repeat(count)
}

/// The code of the claim that cases are tried on, and one of another claim that stands.
struct Codes {
    open: String,
    other: String,
}

/// Plays one case; tells status and code.
async fn play(house: &House, ground: &Ground, codes: &Codes, case: &Value) -> (u16, String) {
    let name = case["recipient"].as_str().unwrap_or("buyer");
    let recipient = ground.address(name);
    if let Some(parity) = case["block"].as_str() {
        ground.mine_to(parity).await;
    }
    let challenge = house.challenge(&codes.open, &recipient).await;
    if challenge.status != 200 {
        // The address alone decides; redeeming must say the same.
        let signature = signing::form(ground, &ground.sign("buyer", "nothing"), case).await;
        let redeemed = house.redeem(&codes.open, &recipient, &signature).await;
        assert_eq!(redeemed.clone().anonymous(), challenge.clone().anonymous(), "{case}");
        return (redeemed.status, redeemed.outcome().1.to_owned());
    }
    let given = text(&challenge.body["message"]);
    let words = match &case["text"] {
        Value::Null => given.clone(),
        change => altered(house, ground, codes, &given, change).await,
    };
    let sent = match &case["sent_text"] {
        Value::Null => words.clone(),
        change => altered(house, ground, codes, &given, change).await,
    };
    if let Some(minutes) = case["wait_minutes"].as_u64() {
        house.wait(Duration::from_secs(60 * minutes));
    }
    let signer =
        case["signer"].as_str().unwrap_or(if name == "buyer-in-lower-case" { "buyer" } else { name });
    let mut proof = ground.sign(signer, &words);
    if let Some(also) = case["also"].as_str() {
        proof = format!("{proof}{}", ground.sign(also, &words).trim_start_matches("0x"));
    }
    let signature = signing::form(ground, &proof, case).await;
    let mut body = json!({ "code": codes.open, "recipient": recipient, "signature": signature });
    if case["send_text"] == true {
        body["message"] = sent.into();
    }
    for (field, value) in case["body"].as_object().into_iter().flatten() {
        body[field] = value.clone();
    }
    let redeemed = house.buyer("/v1/claims/redeem", &body).await;
    (redeemed.status, redeemed.outcome().1.to_owned())
}

/// A house of these parts, and the code of a sheet that it shipped.
async fn with_a_sheet_shipped(db: &Db, parts: Parts) -> (House, String) {
    let house = House::open_beside(db, &[], parts).await;
    let (edition_id, _) = house.publish(1).await;
    let (_, code) = house.shipped(&edition_id, "A-1").await;
    (house, code)
}

both_databases! {
    async fn every_wallet_proof_is_decided_as_the_vectors_say(db: TestDb) {
        let cases: Vec<Value> = serde_json::from_str(CASES).expect("the cases");
        assert!(cases.len() >= 100);
        let ground = Ground::raise().await;
        let house = House::open_beside(&db.db, &[], ground.parts().await).await;
        let (edition_id, _) = house.publish(199).await;
        let (_, other) = house.shipped(&edition_id, "other").await;
        let (_, open) = house.shipped(&edition_id, "0").await;
        let mut codes = Codes { open, other };
        let (mut redeemed, mut wrong) = (0, Vec::new());
        let standing = ground.standing().await;
        for (place, case) in cases.iter().enumerate() {
            let fields = case.as_object().expect("a case");
            assert!(fields.keys().all(|field| FIELDS.contains(&field.as_str())), "an unknown field: {case}");
            // The newest challenge is the last that was asked for.
            house.wait(Duration::from_secs(1));
            let (status, code) = play(&house, &ground, &codes, case).await;
            if json!([status, code]) != case["expect"] {
                wrong.push(format!("{}: {status} {code}: {}", case["row"], case["name"]));
            }
            if status == 202 {
                redeemed += 1;
                codes.open = house.shipped(&edition_id, &(place + 1).to_string()).await.1;
            }
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
        // Wallets were asked; nothing was sent, and no account got code.
        assert_eq!(ground.standing().await, standing);
        assert_eq!(house.count("SELECT count(*) FROM tokens").await, redeemed);
    }

    async fn a_wallet_that_nobody_can_ask_about_is_told_to_come_again(db: TestDb) {
        let nobody = RpcChain::new("http://127.0.0.1:9".parse().expect("an address"), Account::from_bytes([7; 20]), Finality::Tag);
        let wallets = WalletJudge::new(Arc::new(nobody.expect("a chain")));
        let (house, code) = with_a_sheet_shipped(&db.db, Parts { wallets, ..Parts::default() }).await;
        let (buyer, stranger) = (wallet(), wallet());
        let message = text(&house.challenge(&code, &address(&buyer)).await.body["message"]);
        let foreign = stranger.sign_text(&message).expect("a signature");
        let answer = house.redeem(&code, &address(&buyer), &foreign).await;
        assert_eq!(answer.outcome(), (503, "chain_unavailable"));
        assert_eq!(house.claim(&code, &buyer).await.0.status, 202, "a key needs no chain");
    }

    async fn a_contract_wallet_asking_again_gets_the_first_answer(db: TestDb) {
        let ground = Ground::raise().await;
        let (house, code) = with_a_sheet_shipped(&db.db, ground.parts().await).await;
        let recipient = ground.address("OwnedWallet");
        let message = text(&house.challenge(&code, &recipient).await.body["message"]);
        let proof = ground.sign("owner", &message);
        let first = house.redeem(&code, &recipient, &proof).await;
        assert_eq!((first.status, &first.body["recipient"]), (202, &json!(recipient)));
        house.wait(Duration::from_hours(24));
        assert_eq!(house.redeem(&code, &recipient, &proof).await, first);
        let other = ground.sign("stranger", &message);
        assert_eq!(house.redeem(&code, &recipient, &other).await.outcome(), (401, "wallet_proof_invalid"));
        assert_eq!(house.count("SELECT count(*) FROM tokens").await, 1);
    }

    async fn a_clock_that_jumps_spoils_texts_and_no_code(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(6).await;
        let (seconds, minutes, day) = (Duration::from_secs(5), Duration::from_mins(10), Duration::from_hours(24));
        let jumps = [(true, seconds, 202), (false, seconds, 202), (true, minutes, 401), (false, minutes, 202), (true, day, 401), (false, day, 401)];
        for (order, (is_ahead, by, of_old)) in (1..).zip(jumps) {
            let (_, code) = house.shipped(&edition_id, &format!("A-{order}")).await;
            let buyer = wallet();
            let old = text(&house.challenge(&code, &address(&buyer)).await.body["message"]);
            if is_ahead { house.wait(by) } else { house.clock.set_back(by) }
            assert_eq!(house.claim(&code, &buyer).await.0.status, 202, "a new text, {by:?}, ahead: {is_ahead}");
            let proof = buyer.sign_text(&old).expect("a signature");
            let again = house.redeem(&code, &address(&buyer), &proof).await;
            assert_eq!(again.status, of_old, "the old text, {by:?}, ahead: {is_ahead}: {again:?}");
        }
        assert_eq!(house.count("SELECT count(*) FROM tokens").await, 6);
    }

    async fn a_contract_wallet_is_asked_about_the_text_of_now_when_the_clock_was_set_back(db: TestDb) {
        let ground = Ground::raise().await;
        let (house, code) = with_a_sheet_shipped(&db.db, ground.parts().await).await;
        let recipient = ground.address("OwnedWallet");
        house.challenge(&code, &recipient).await;
        house.clock.set_back(Duration::from_mins(5));
        house.challenge(&code, &recipient).await;
        house.wait(Duration::from_secs(1));
        let message = text(&house.challenge(&code, &recipient).await.body["message"]);
        assert_eq!(house.redeem(&code, &recipient, &ground.sign("owner", &message)).await.status, 202);
    }
}
