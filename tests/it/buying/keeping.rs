//! Buyers without a wallet: the issuer's vault keeps the token, hands it out once, or gives it up. The chain is not there:
//! what its lanes would write is written by hand, and the real following step reads it.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::house::{Answer, House, VAULT, address, text, wallet};
use super::returning::{came_back, follow, minted, state_of_sheet, voided};

const NOON: &str = "2026-11-23T12:00:00Z";
const DAY: Duration = Duration::from_hours(24);

fn refund() -> Value {
    json!({ "scope": "sale", "refunded_at": NOON })
}

async fn keep(house: &House, code: &str) -> Answer {
    house.buyer("/v1/claims/redeem", &json!({ "code": code, "safekeeping": true })).await
}

async fn look_up(house: &House, code: &str) -> Answer {
    house.buyer("/v1/claims/lookup", &json!({ "code": code })).await
}

/// A sheet sold, shipped and redeemed into safekeeping; gives sale and code.
async fn kept(house: &House, edition_id: &str, order: &str) -> (String, String) {
    let (sale_id, code) = house.shipped(edition_id, order).await;
    assert_eq!(keep(house, &code).await.status, 202);
    minted(house).await;
    (sale_id, code)
}

/// The buyer asks for the text, signs it with a wallet and has the token released to it.
async fn release(house: &House, code: &str, to: &minting::signer::SigningKey) -> Answer {
    let challenge = house.challenge(code, &address(to)).await;
    if challenge.status != 200 {
        return challenge;
    }
    let signature = to.sign_text(&text(&challenge.body["message"])).expect("a signature");
    release_with(house, code, &address(to), &signature).await
}

async fn release_with(house: &House, code: &str, recipient: &str, signature: &str) -> Answer {
    let body = json!({ "code": code, "recipient": recipient, "signature": signature });
    house.buyer("/v1/claims/release", &body).await
}

async fn surrender(house: &House, code: &str, order: &str) -> Answer {
    house.buyer("/v1/claims/surrender", &json!({ "code": code, "order": order })).await
}

/// What the lane of the vault writes when all that it was asked for is confirmed.
async fn done_by_the_vault(house: &House) {
    house
        .write("UPDATE tokens SET state = 'surrendered' WHERE token_id IN (SELECT token_id FROM calls WHERE kind = 'surrender' AND state = 'queued')")
        .await;
    house
        .write("UPDATE calls SET state = 'done' WHERE kind IN ('release', 'surrender') AND state = 'queued'")
        .await;
}

both_databases! {
    async fn a_buyer_without_a_wallet_redeems_by_the_code_alone(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(2).await;
        let sale_id = text(&house.sell(&edition_id, "A-1").await.body["sales"][0]["sale_id"]);
        let code = text(&house.code(&sale_id, "code").await.body["code"]);
        assert_eq!(keep(&house, &code).await.outcome(), (409, "claim_not_active"));
        assert_eq!(house.ship(&sale_id, None).await.status, 200);
        assert_eq!(keep(&house, "00000-00000-00000-00000-00000-0").await.outcome(), (404, "claim_not_found"));
        assert_eq!(release(&house, &code, &wallet()).await.outcome(), (409, "claim_not_in_safekeeping"));
        for (fields, refused) in [
            (json!({}), "recipient_missing"),
            (json!({ "safekeeping": true, "recipient": address(&wallet()) }), "safekeeping_with_wallet"),
            (json!({ "safekeeping": true, "signature": "0x00" }), "safekeeping_with_wallet"),
        ] {
            let mut body = fields;
            body["code"] = json!(code);
            assert_eq!(house.buyer("/v1/claims/redeem", &body).await.outcome(), (422, refused), "{body}");
        }

        let redeemed = keep(&house, &code).await;
        assert_eq!((redeemed.status, redeemed.location.as_deref()), (202, Some("/v1/tokens/1000100")));
        assert_eq!((&redeemed.body["state"], &redeemed.body["recipient"]), (&json!("redeemed"), &Value::Null));
        let kept = &redeemed.body["safekeeping"];
        assert_eq!((&kept["state"], &kept["progress"]), (&json!("held"), &Value::Null));
        assert_eq!(text(&kept["vault"]).to_lowercase(), VAULT);
        assert_eq!(
            kept["notice"]["en"],
            "The issuer holds this token for you, in your name; it is not in a wallet of your own. \
             Once it is settled, the same code releases it to your wallet. Keep the code.",
        );
        assert!(text(&kept["notice"]["zh"]).contains("由发行方代为保管"));
        assert_eq!(keep(&house, &code).await, redeemed, "asked again");
        // No wallet can take it for itself now, and the minter sends it to the vault.
        let (other, _) = house.claim(&code, &wallet()).await;
        assert_eq!(other.outcome(), (404, "claim_not_found"));
        assert_eq!(house.count("SELECT count(*) FROM calls WHERE kind = 'mint' AND arguments LIKE '%0000a017%'").await, 1);
        let token = house.look("/v1/tokens/1000100").await;
        assert_eq!((&token["safekeeping"], text(&token["recipient"]).to_lowercase().as_str()), (&json!(true), VAULT));
        assert!(text(&token["notice"]["en"]).contains("The issuer holds this token for its buyer"), "anyone is told");
        assert_eq!(look_up(&house, &code).await.body["safekeeping"]["notice"], kept["notice"]);
        assert_eq!(house.count("SELECT count(*) FROM journal WHERE kind = 'claim_redeemed' AND payload LIKE '%\"safekeeping\":true%'").await, 1);
        // And a token in a wallet of the buyer's own is nobody's to release.
        let (_, code) = house.shipped(&edition_id, "A-2").await;
        let buyer = wallet();
        assert_eq!(house.claim(&code, &buyer).await.0.status, 202);
        assert_eq!(keep(&house, &code).await.outcome(), (404, "claim_not_found"));
        assert_eq!(release(&house, &code, &buyer).await.outcome(), (409, "claim_not_in_safekeeping"));
        assert_eq!(release(&house, &code, &wallet()).await.outcome(), (404, "claim_not_found"));
        let token = house.look("/v1/tokens/1000200").await;
        assert_eq!((&token["safekeeping"], &token["notice"]), (&json!(false), &Value::Null));
    }

    async fn a_token_leaves_safekeeping_once_for_one_wallet_after_it_has_settled(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let (_, code) = kept(&house, &edition_id, "A-1").await;
        let buyer = wallet();
        let early = release(&house, &code, &buyer).await;
        assert_eq!(early.outcome(), (409, "token_not_settled"));
        let day = text(&look_up(&house, &code).await.body["safekeeping"]["releasable_from"]);
        assert!(text(&early.body["detail"]).contains(&day), "{early:?} tells {day}");

        house.wait(60 * DAY);
        assert_eq!(release_with(&house, &code, &address(&buyer), "0x").await.outcome(), (401, "wallet_proof_invalid"));
        let (stranger, challenge) = (wallet(), house.challenge(&code, &address(&buyer)).await);
        let forged = stranger.sign_text(&text(&challenge.body["message"])).expect("a signature");
        assert_eq!(release_with(&house, &code, &address(&buyer), &forged).await.outcome(), (401, "wallet_proof_invalid"));
        assert_eq!(house.count("SELECT count(*) FROM calls WHERE kind = 'release'").await, 0);

        let released = release(&house, &code, &buyer).await;
        assert_eq!((released.status, &released.body["recipient"]), (202, &json!(address(&buyer))));
        assert_eq!(released.body["safekeeping"]["state"], "release_ordered");
        assert_eq!(released.body["safekeeping"]["surrender_order"], Value::Null);
        // A day later, by the old proof and by a new one.
        house.wait(DAY);
        assert_eq!(release(&house, &code, &buyer).await, released);
        assert_eq!(release(&house, &code, &stranger).await.outcome(), (404, "claim_not_found"));
        assert_eq!(keep(&house, &code).await.status, 202, "and the redemption answers as it did");
        assert_eq!(house.count("SELECT count(*) FROM calls WHERE kind = 'release'").await, 1);
        assert_eq!(house.look("/v1/tokens/1000100").await["safekeeping"], json!(true), "until the chain has said so");

        follow(&house).await;
        assert_eq!(look_up(&house, &code).await.body["state"], "redeemed");
        done_by_the_vault(&house).await;
        follow(&house).await;
        let found = look_up(&house, &code).await.body;
        assert_eq!((&found["state"], &found["safekeeping"]["state"]), (&json!("released"), &json!("released")));
        assert_eq!((&found["recipient"], &found["safekeeping"]["progress"]), (&json!(address(&buyer)), &json!("recorded")));
        assert_eq!(house.look("/v1/tokens/1000100").await["safekeeping"], json!(false));
        assert_eq!(release(&house, &code, &buyer).await.status, 202, "and answers still");
        assert_eq!(release(&house, &code, &stranger).await.outcome(), (404, "claim_not_found"));
        assert_eq!(house.count("SELECT count(*) FROM journal WHERE kind = 'claim_release_ordered'").await, 1);
        assert_eq!(house.count("SELECT count(*) FROM journal WHERE kind = 'claim_released'").await, 1);
        assert_eq!(house.count("SELECT count(*) FROM calls WHERE kind = 'release'").await, 1);
        assert_eq!(follow(&house).await.waiting, 0);
        assert_eq!(api::conservation::check(&house.app).await.expect("an answer"), 0);
    }

    async fn of_many_wallets_that_ask_for_one_token_in_safekeeping_one_gets_it(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let (_, code) = kept(&house, &edition_id, "A-1").await;
        house.wait(60 * DAY);
        let answers = join_all((0..20).map(|_| {
            let (house, code) = (house.clone(), code.clone());
            async move { release(&house, &code, &wallet()).await }
        }))
        .await;
        let won = answers.iter().filter(|answer| answer.status == 202).count();
        let lost = answers.iter().filter(|answer| answer.outcome() == (404, "claim_not_found")).count();
        assert_eq!((won, lost), (1, 19), "{answers:?}");
        assert_eq!(house.count("SELECT count(*) FROM calls WHERE kind = 'release'").await, 1);
    }

    async fn a_refund_voids_a_token_in_safekeeping_and_its_claim_with_it(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let (sale_id, code) = kept(&house, &edition_id, "A-1").await;
        let refunded = house.tell(&sale_id, "refund", refund()).await;
        assert_eq!((refunded.status, &refunded.body["claim"]["state"]), (200, &json!("redeemed")), "the chain decides");
        house.wait(60 * DAY);
        assert_eq!(release(&house, &code, &wallet()).await.outcome(), (409, "token_being_voided"));
        let order = text(&look_up(&house, &code).await.body["safekeeping"]["surrender_order"]);
        assert_eq!(surrender(&house, &code, &order).await.outcome(), (409, "token_being_voided"));
        assert_eq!(api::conservation::check(&house.app).await.expect("an answer"), 0);
        voided(&house).await;
        follow(&house).await;
        assert_eq!(look_up(&house, &code).await.outcome(), (404, "claim_not_found"));
        assert_eq!(release(&house, &code, &wallet()).await.outcome(), (404, "claim_not_found"));
        assert_eq!(house.look("/v1/tokens/1000100").await["safekeeping"], json!(false));
        assert_eq!(house.count("SELECT count(*) FROM calls WHERE kind IN ('release', 'surrender')").await, 0);
        assert_eq!(api::conservation::check(&house.app).await.expect("an answer"), 0);
    }

    async fn a_settled_token_in_safekeeping_is_flagged_by_a_refund_and_still_its_buyers(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let (sale_id, code) = kept(&house, &edition_id, "A-1").await;
        house.wait(60 * DAY);
        house.tell(&sale_id, "refund", refund()).await;
        house.write("UPDATE calls SET state = 'refused', reason = 'settled' WHERE kind = 'void'").await;
        follow(&house).await;
        let token = house.look("/v1/tokens/1000100").await;
        assert_eq!((&token["flag"], &token["state"], &token["safekeeping"]), (&json!("refunded"), &json!("settled"), &json!(true)));
        assert_eq!(state_of_sheet(&house, &edition_id).await, "quarantined");
        let buyer = wallet();
        assert_eq!(release(&house, &code, &buyer).await.status, 202, "never seized");
        done_by_the_vault(&house).await;
        follow(&house).await;
        let released = look_up(&house, &code).await.body;
        assert_eq!((&released["state"], &released["safekeeping"]["notice"]["en"]), (&json!("released"), &json!("The issuer no longer holds this token.")));
        assert_eq!(house.look("/v1/tokens/1000100").await["flag"], json!("refunded"));
        assert_eq!(state_of_sheet(&house, &edition_id).await, "quarantined");
        assert_eq!(api::conservation::check(&house.app).await.expect("an answer"), 0);
    }

    async fn a_token_in_safekeeping_is_given_up_on_the_buyers_written_order_and_its_sheet_is_free_again(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let (sale_id, code) = kept(&house, &edition_id, "A-1").await;
        house.wait(60 * DAY);
        house.tell(&sale_id, "refund", refund()).await;
        house.write("UPDATE calls SET state = 'refused', reason = 'settled' WHERE kind = 'void'").await;
        follow(&house).await;
        came_back(&house, &sale_id, "same_sheet").await;
        assert_eq!(state_of_sheet(&house, &edition_id).await, "quarantined");

        let order = text(&look_up(&house, &code).await.body["safekeeping"]["surrender_order"]);
        assert!(order.contains("eip155:31337/erc721:") && order.contains("/1000100"), "{order}");
        for other in ["", "yes", &order.replace("1000100", "1000200"), &format!("{order} ")] {
            assert_eq!(surrender(&house, &code, other).await.outcome(), (422, "surrender_order_differs"));
        }
        let given = surrender(&house, &code, &order).await;
        assert_eq!((given.status, &given.body["safekeeping"]["state"]), (202, &json!("surrender_ordered")));
        assert_eq!(surrender(&house, &code, &order).await, given, "told twice");
        assert_eq!(release(&house, &code, &wallet()).await.outcome(), (409, "safekeeping_order_given"));
        let mut tx = db.db.begin_read().await.expect("the books");
        let (payload,): (String,) =
            tx.fetch_one("SELECT payload FROM journal WHERE kind = 'claim_surrender_ordered'", &[]).await.expect("one row");
        drop(tx);
        let payload: Value = serde_json::from_str(&payload).expect("JSON");
        assert_eq!(payload["order"], json!(order), "kept word for word");

        done_by_the_vault(&house).await;
        follow(&house).await;
        assert_eq!(state_of_sheet(&house, &edition_id).await, "available");
        assert_eq!(look_up(&house, &code).await.outcome(), (404, "claim_not_found"));
        let (_, code) = house.shipped(&edition_id, "A-2").await;
        let (next, _) = house.claim(&code, &wallet()).await;
        assert_eq!(next.location.as_deref(), Some("/v1/tokens/1000101"));
        assert_eq!(api::conservation::check(&house.app).await.expect("an answer"), 0);
    }

    async fn a_kept_sheet_whose_token_was_voided_for_a_return_has_its_next_token_kept_too(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let (sale_id, code) = kept(&house, &edition_id, "A-1").await;
        house.tell(&sale_id, "return", json!({ "requested_at": NOON })).await;
        house.wait(42 * DAY);
        follow(&house).await;
        voided(&house).await;
        // For a while there is nothing that anybody could hold.
        let between = look_up(&house, &code).await.body["safekeeping"].clone();
        assert_eq!((&between["state"], &between["surrender_order"]), (&json!("voided"), &Value::Null));
        assert_eq!(between["notice"]["en"], "This token was voided. The issuer no longer holds it.");
        assert_eq!(house.look("/v1/tokens/1000100").await["notice"], Value::Null);
        house.tell(&sale_id, "return", json!({ "given_up_at": "2026-11-23T13:00:00Z" })).await;
        follow(&house).await;
        let found = look_up(&house, &code).await.body;
        assert_eq!((&found["state"], &found["token"]["token_id"]), (&json!("redeemed"), &json!("1000101")), "{found}");
        assert_eq!(found["safekeeping"]["state"], "held");
        minted(&house).await;
        house.wait(60 * DAY);
        assert_eq!(release(&house, &code, &wallet()).await.status, 202);
        assert_eq!(house.count("SELECT count(*) FROM calls WHERE business_key = 'release:1000101'").await, 1);
    }
}
