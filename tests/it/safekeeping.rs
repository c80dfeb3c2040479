//! The issuer's vault on the real chain: it keeps a buyer's token, hands it to the buyer's wallet, and does nothing else.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::anvil::{Anvil, number};

use crate::harness::app::{TestApp, Wallet};
use crate::harness::database::TestDb;
use crate::harness::ethers::read_with_ethers;

/// How long the service may take to do what is waited for: a call that the chain refused for now is tried again after 30 s.
const PATIENCE: Duration = Duration::from_mins(2);

/// First four bytes of the Keccak-256 of the signatures, as `cast sig` gives them.
const RELEASE: &str = "0x8124fea6";
const SURRENDER: &str = "0xfd61d10b";
const TRANSFER_FROM: &str = "0x23b872dd";
const GRANT_ROLE: &str = "0x2f2ff15d";
/// Keccak-256 of `PAUSER_ROLE`.
const PAUSER_ROLE: &str = "65d7a28e3265b37a6474929f336521b332c1681b933f6cb9f3376673440d862a";

/// Tokens that settle, in the books, as soon as they are redeemed; on chain after a day.
const AT_ONCE: [(&str, &str); 3] = [
    ("COLOPHON_RETURNS__WINDOW_DAYS", "0"),
    ("COLOPHON_RETURNS__PROCESSING_DAYS", "0"),
    ("COLOPHON_RETURNS__TRANSIT_DAYS", "0"),
];
/// Tokens that the registrar settles as soon as their sheet is delivered.
const ON_DELIVERY: [(&str, &str); 2] =
    [("COLOPHON_RETURNS__SETTLE_EARLY", "true"), ("COLOPHON_RETURNS__WINDOW_DAYS", "0")];

/// A sold and shipped sheet whose token the vault keeps; sale, code and token.
async fn kept(app: &TestApp, edition: &str) -> (Value, String, Value) {
    let sale = app.sell(edition).await;
    let code = app.claim_code(&sale).await;
    app.ship(&sale).await.expect(200);
    let token_id = app.keep(&code).await.expect(202).at("/token/token_id");
    let token = app.recorded(&token_id).await;
    (sale, code, token)
}

/// The same, delivered and settled by the registrar.
async fn settled(app: &TestApp, edition: &str) -> (Value, String, Value) {
    let (sale, code, token) = kept(app, edition).await;
    app.tell(&sale, "delivery", &json!({ "delivered_at": "2026-11-21T18:00:00Z" })).await.expect(200);
    let token = token_until(app, &token, |token| token["state"] == "settled").await;
    (sale, code, token)
}

fn id_of(token: &Value) -> &str {
    token["token_id"].as_str().expect("a token")
}

fn word_of_id(token: &Value) -> String {
    let id: u64 = id_of(token).parse().expect("an id");
    format!("{id:064x}")
}

fn word_of_account(account: &str) -> String {
    format!("{:0>64}", account.trim_start_matches("0x").to_lowercase())
}

async fn token_until(app: &TestApp, token: &Value, done: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let found = app.get(&format!("/v1/tokens/{}", id_of(token))).await.expect(200).body;
        if done(&found) {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "still {found:#}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// State and reason of the call that releases a token, once `done`.
async fn release_until(db: &TestDb, token: &Value, done: impl Fn(&str, &str) -> bool) -> (String, String) {
    let key = format!("release:{}", id_of(token));
    let begun = Instant::now();
    loop {
        let mut tx = db.db.begin_read().await.expect("the books");
        let sql = "SELECT state, coalesce(reason, '') FROM calls WHERE business_key = $1";
        let found: (String, String) = tx.fetch_one(sql, &[key.as_str().into()]).await.expect("the call");
        drop(tx);
        if done(&found.0, &found.1) {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "still {found:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What an account has called on chain, ever: the first four bytes of each transaction's data.
async fn called_by(chain: &Anvil, account: &str) -> Vec<String> {
    let mut called = Vec::new();
    for height in 0..=chain.height().await {
        let block = chain.ask("eth_getBlockByNumber", json!([format!("{height:#x}"), true])).await;
        for transaction in block["transactions"].as_array().into_iter().flatten() {
            if transaction["from"].as_str().is_some_and(|from| from.eq_ignore_ascii_case(account)) {
                called.push(transaction["input"].as_str().unwrap_or_default().chars().take(10).collect());
            }
        }
    }
    called
}

both_databases! {
    async fn a_token_in_safekeeping_reaches_its_buyers_wallet_when_time_has_settled_it(db: TestDb) {
        let app = TestApp::start_beside_a_chain_with(&db, &AT_ONCE).await;
        let (chain, vault, buyer) = (app.chain(), app.signer("vault"), Wallet::fresh());
        let edition = app.publish_edition(2).await;
        let (_, code, token) = kept(&app, &edition).await;
        assert_eq!((&token["recipient"], &token["safekeeping"]), (&json!(vault), &json!(true)));
        let read = read_with_ethers(&app, &token);
        assert_eq!((&read["owner"], &read["status"], &read["locked"]), (&json!(vault), &json!("bound"), &json!(true)));

        // By the books its time is over; the chain keeps it a day, and the order waits for the chain.
        let ordered = app.release(&code, &buyer).await.expect(202);
        assert_eq!(ordered.at("/safekeeping/state"), "release_ordered");
        release_until(&db, &token, |state, reason| state == "queued" && reason.contains("locked")).await;
        assert_eq!(called_by(chain, &vault).await, Vec::<String>::new(), "no nonce was taken in vain");
        chain.ask("evm_increaseTime", json!([25 * 3_600])).await;
        chain.mine(1).await;
        token_until(&app, &token, |token| token["safekeeping"] == json!(false)).await;

        let read = read_with_ethers(&app, &token);
        assert_eq!((&read["owner"], &read["status"], &read["locked"]), (&json!(buyer.address()), &json!("settled"), &json!(false)));
        let released = app.look_up(&code).await.expect(200);
        assert_eq!((released.text("state"), released.at("/safekeeping/state")), ("released".to_owned(), "released".to_owned()));
        let again = app.release(&code, &buyer).await.expect(202);
        assert_eq!(again.text("recipient"), buyer.address());
        app.release(&code, &Wallet::fresh()).await.refused(404, "claim_not_found");
        assert_eq!(called_by(chain, &vault).await, [RELEASE]);
        assert_eq!(number(&chain.ask("eth_getTransactionCount", json!([vault, "latest"])).await), Some(1));
    }

    async fn a_refund_finds_a_token_in_safekeeping_as_it_would_in_a_wallet(db: TestDb) {
        let app = TestApp::start_beside_a_chain_with(&db, &ON_DELIVERY).await;
        let (chain, vault, buyer) = (app.chain(), app.signer("vault"), Wallet::fresh());
        let refund = json!({ "scope": "sale", "refunded_at": "2026-11-22T10:00:00Z" });
        let edition = app.publish_edition(3).await;

        // Before it settles: the token is voided, and the claim with it.
        let (sale, code, token) = kept(&app, &edition).await;
        app.release(&code, &buyer).await.refused(409, "token_not_settled");
        app.tell(&sale, "refund", &refund).await.expect(200);
        let voided = token_until(&app, &token, |token| token["state"] == "voided").await;
        assert_eq!(voided["safekeeping"], json!(false));
        let begun = Instant::now();
        while app.look_up(&code).await.status != 404 {
            assert!(begun.elapsed() < PATIENCE, "the claim of a voided token still stands");
        }

        // After: it is flagged, and the buyer's to have.
        let (sale, code, token) = settled(&app, &edition).await;
        app.tell(&sale, "refund", &refund).await.expect(200);
        token_until(&app, &token, |token| token["flag"] == "refunded").await;
        app.release(&code, &buyer).await.expect(202);
        let out = token_until(&app, &token, |token| token["safekeeping"] == json!(false)).await;
        assert_eq!((&out["flag"], &out["state"]), (&json!("refunded"), &json!("settled")));
        assert_eq!(read_with_ethers(&app, &token)["owner"], json!(buyer.address()));

        // Or the buyer's to give up, in writing: then the sheet that came back is free.
        let (sale, code, token) = settled(&app, &edition).await;
        app.tell(&sale, "refund", &refund).await.expect(200);
        token_until(&app, &token, |token| token["flag"] == "refunded").await;
        app.tell(&sale, "receipt", &json!({ "received_at": "2026-11-22T20:00:00Z" })).await.expect(200);
        let inspected = json!({ "condition": "same_sheet", "inspected_at": "2026-11-22T21:00:00Z" });
        app.tell(&sale, "inspection", &inspected).await.expect(200);
        let order = app.look_up(&code).await.expect(200).at("/safekeeping/surrender_order");
        app.post("/v1/claims/surrender", &json!({ "code": code, "order": order })).await.expect(202);
        token_until(&app, &token, |token| token["state"] == "surrendered").await;
        let path = format!("/v1/editions/{edition}/census");
        let census = app.wait_until(&path, |census| census["quarantined"] == json!(1)).await;
        assert_eq!((&census["available"], &census["adds_up"]), (&json!(3), &json!(true)), "{census}");
        assert_eq!(called_by(chain, &vault).await, [RELEASE, SURRENDER], "and the vault did nothing else");
    }

    async fn a_token_that_left_the_vault_unknown_to_the_books_ends_its_release_as_the_chain_shows(db: TestDb) {
        let app = TestApp::start_beside_a_chain_with(&db, &ON_DELIVERY).await;
        let (chain, vault, contract) = (app.chain(), app.signer("vault"), app.contract());
        let edition = app.publish_edition(2).await;
        let (buyer, thief) = (Wallet::fresh(), Wallet::fresh());
        let (_, stolen_code, stolen) = settled(&app, &edition).await;
        let (_, restored_code, restored) = settled(&app, &edition).await;

        // Somebody uses the vault's key; its count is set back, so that the lane itself has nothing to notice.
        chain.stand_still().await;
        let (from, to) = (word_of_account(&vault), word_of_account(&thief.address()));
        chain.send_as(&vault, contract, &format!("{TRANSFER_FROM}{from}{to}{}", word_of_id(&stolen))).await;
        let to = word_of_account(&buyer.address());
        chain.send_as(&vault, contract, &format!("{RELEASE}{}{to}", word_of_id(&restored))).await;
        chain.mine(1).await;
        chain.ask("anvil_setNonce", json!([vault, "0x0"])).await;
        chain.go_on().await;

        app.release(&stolen_code, &buyer).await.expect(202);
        app.release(&restored_code, &buyer).await.expect(202);
        let (_, reason) = release_until(&db, &stolen, |state, _| state == "review").await;
        assert!(reason.contains(&thief.address().to_lowercase()), "{reason}");
        // The same release, to the same wallet, is no theft: the books had only not heard of it.
        release_until(&db, &restored, |state, _| state == "done").await;
        token_until(&app, &restored, |token| token["safekeeping"] == json!(false)).await;
        assert_eq!(app.look_up(&restored_code).await.expect(200).text("state"), "released");
        assert_eq!(app.look_up(&stolen_code).await.expect(200).at("/safekeeping/progress"), "under_review");
        assert_eq!(called_by(chain, &vault).await.len(), 2, "and nothing was sent for either");
    }

    async fn the_service_does_not_start_while_the_vaults_key_could_do_more(db: TestDb) {
        let mut app = TestApp::start_beside_a_chain(&db).await;
        app.die();
        let (vault, admin) = (app.signer("vault"), app.signer("admin"));
        let grant = format!("{GRANT_ROLE}{PAUSER_ROLE}{}", word_of_account(&vault));
        app.chain().send_as(&admin, app.contract(), &grant).await;
        app.chain().mine(1).await;
        let said = app.refuses_to_start_with("COLOPHON_LOG__LEVEL", "info");
        assert!(said.contains("the vault must hold its own alone"), "{said}");
    }
}
