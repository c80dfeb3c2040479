//! Refunds and returns against the real chain: whatever moment they come at, the books end where the chain does.

mod moments;

use serde_json::{Value, json};

use crate::harness::app::{TestApp, Wallet, id_of};

/// First four bytes of the Keccak-256 of `surrender(uint256)` and `statusOf(uint256)`.
const SURRENDER: &str = "fd61d10b";
const STATUS_OF: &str = "ad35efd4";

fn refund() -> Value {
    json!({ "scope": "sale", "refunded_at": "2026-11-22T10:00:00Z" })
}

async fn send_back(app: &TestApp, sale: &Value, condition: &str) {
    app.tell(sale, "return", &json!({ "requested_at": "2026-11-22T08:00:00Z" })).await.expect(200);
    app.tell(sale, "receipt", &json!({ "received_at": "2026-11-22T20:00:00Z" })).await.expect(200);
    let inspection = json!({ "condition": condition, "inspected_at": "2026-11-22T21:00:00Z" });
    app.tell(sale, "inspection", &inspection).await.expect(200);
}

/// A sold and shipped sheet, and the code on its card.
async fn sold(app: &TestApp, edition: &str) -> (Value, String) {
    let sale = app.sell(edition).await;
    let code = app.claim_code(&sale).await;
    app.ship(&sale).await.expect(200);
    (sale, code)
}

async fn redeemed(app: &TestApp, edition: &str, buyer: &Wallet) -> (Value, String) {
    let (sale, code) = sold(app, edition).await;
    let token_id = app.redeem(&code, buyer).await.expect(202).at("/token/token_id");
    (sale, token_id)
}

async fn token_until(app: &TestApp, token_id: &str, state: &str) -> Value {
    app.wait_until(&format!("/v1/tokens/{token_id}"), |token| token["state"] == state).await
}

async fn census_until(app: &TestApp, edition: &str, state: &str, count: u64) -> Value {
    let census = app
        .wait_until(&format!("/v1/editions/{edition}/census"), |census| census[state] == json!(count))
        .await;
    assert_eq!(census["adds_up"], json!(true), "{census}");
    census
}

/// Asks the node of this test.
async fn ask(app: &TestApp, method: &str, parameters: Value) -> Value {
    let question = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": parameters });
    let answer = reqwest::Client::new().post(app.chain_url()).json(&question).send().await;
    let mut answer: Value = answer.expect("the chain to answer").json().await.expect("JSON");
    assert!(answer.get("error").is_none(), "{method}: {answer}");
    answer["result"].take()
}

/// `statusOf` on chain: 0 unissued, 1 bound, 2 settled, 3 voided, 4 surrendered.
async fn status_on_chain(app: &TestApp, token: &Value) -> u64 {
    let id: u64 = token["token_id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    let call = json!([{ "to": token["contract"], "data": format!("0x{STATUS_OF}{id:064x}") }, "latest"]);
    let answer = ask(app, "eth_call", call).await;
    let word = answer.as_str().and_then(|text| text.get(2..66)).expect("a word");
    u64::from_str_radix(&word[48..], 16).expect("a number")
}

/// The buyer gives the token up, by a transaction of their own.
async fn surrender(app: &TestApp, token: &Value, owner: &Wallet) {
    let id: u64 = token["token_id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    ask(app, "anvil_setBalance", json!([owner.address(), "0x3635c9adc5dea00000"])).await;
    ask(app, "anvil_impersonateAccount", json!([owner.address()])).await;
    let data = format!("0x{SURRENDER}{id:064x}");
    let transaction =
        json!({ "from": owner.address(), "to": token["contract"], "data": data, "gas": "0x30d40" });
    ask(app, "eth_sendTransaction", json!([transaction])).await;
}

both_databases! {
    async fn a_refund_ends_right_before_the_claim_in_flight_and_after_inclusion(db: TestDb) {
        let app = TestApp::start(&db).await;
        let edition = app.publish_edition(5).await;
        let buyer = Wallet::fresh();

        // Before the claim: there is never a token.
        let (unclaimed, code) = sold(&app, &edition).await;
        app.tell(&unclaimed, "refund", &refund()).await.expect(200);
        app.redeem(&code, &buyer).await.refused(404, "claim_not_found");

        // At once after the redemption, wherever the mint is by then.
        let (in_flight, first) = redeemed(&app, &edition, &buyer).await;
        app.tell(&in_flight, "refund", &refund()).await.expect(200);

        // When the mint is in a block that may still go.
        let (included, between) = redeemed(&app, &edition, &buyer).await;
        app.wait_until(&format!("/v1/tokens/{between}"), |token| token["tx_hash"].is_string()).await;
        app.tell(&included, "refund", &refund()).await.expect(200);

        // After the mint is confirmed.
        let (minted, second) = redeemed(&app, &edition, &buyer).await;
        let bound = app.recorded(&second).await;
        assert_eq!((bound["state"].as_str(), status_on_chain(&app, &bound).await), (Some("bound"), 1));
        app.tell(&minted, "refund", &refund()).await.expect(200);

        for token_id in [&first, &between, &second] {
            let token = token_until(&app, token_id, "voided").await;
            assert_eq!((&token["flag"], &token["successor"]), (&Value::Null, &Value::Null));
            assert_eq!(status_on_chain(&app, &token).await, 3, "voided");
        }

        // Two sheets come home; one is not the sheet that was sold.
        send_back(&app, &in_flight, "same_sheet").await;
        send_back(&app, &minted, "swapped").await;
        // 5 of the run and 2 proofs: two with buyers who were refunded, one looked at and free, one quarantined.
        let census = census_until(&app, &edition, "available", 4).await;
        assert_eq!((&census["sold"], &census["quarantined"]), (&json!(2), &json!(1)), "{census}");

        // The free one is sold again, and its next issue minted.
        let (again, next) = redeemed(&app, &edition, &buyer).await;
        assert_eq!(again["impression"]["impression_id"], in_flight["impression"]["impression_id"]);
        assert_eq!(next, first.strip_suffix("00").map(|sheet| format!("{sheet}01")).expect("a first issue"));
        let token = app.recorded(&next).await;
        assert_eq!(status_on_chain(&app, &token).await, 1, "bound");
        let old = app.get(&format!("/v1/tokens/{first}")).await.expect(200).body;
        assert_eq!((&old["state"], &old["successor"]), (&json!("voided"), &json!(next)));
        assert_ne!(id_of(&again), id_of(&in_flight));
    }

    async fn a_refund_after_settlement_flags_the_token_until_its_holder_surrenders_it(db: TestDb) {
        let settings = [("COLOPHON_RETURNS__SETTLE_EARLY", "true"), ("COLOPHON_RETURNS__WINDOW_DAYS", "0")];
        let app = TestApp::start_with(&db, &settings).await;
        let edition = app.publish_edition(1).await;
        let buyer = Wallet::fresh();
        let (sale, token_id) = redeemed(&app, &edition, &buyer).await;
        app.tell(&sale, "delivery", &json!({ "delivered_at": "2026-11-21T18:00:00Z" })).await.expect(200);
        // The window is closed as soon as it opens: the registrar settles.
        let token = token_until(&app, &token_id, "settled").await;
        assert_eq!(status_on_chain(&app, &token).await, 2, "settled");

        app.tell(&sale, "refund", &refund()).await.expect(200);
        let flagged = app
            .wait_until(&format!("/v1/tokens/{token_id}"), |token| token["flag"] == "refunded")
            .await;
        assert_eq!((&flagged["state"], status_on_chain(&app, &flagged).await), (&json!("settled"), 2));
        census_until(&app, &edition, "quarantined", 1).await;
        send_back(&app, &sale, "same_sheet").await;
        census_until(&app, &edition, "quarantined", 1).await;

        surrender(&app, &token, &buyer).await;
        let gone = token_until(&app, &token_id, "surrendered").await;
        assert_eq!((&gone["flag"], status_on_chain(&app, &gone).await), (&json!("refunded"), 4));
        census_until(&app, &edition, "available", 3).await;
        let (_, next) = redeemed(&app, &edition, &Wallet::fresh()).await;
        let token = app.recorded(&next).await;
        assert_eq!((token["state"].as_str(), status_on_chain(&app, &token).await), (Some("bound"), 1));
        let old = app.get(&format!("/v1/tokens/{token_id}")).await.expect(200).body;
        assert_eq!(old["successor"], json!(next));
    }
}
