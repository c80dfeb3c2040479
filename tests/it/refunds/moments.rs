//! A refund forced into each of the six moments of a sale: the node is held, so that no moment can slip by.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{refund, sold, status_on_chain, token_until};
use crate::harness::app::{TestApp, Wallet};
use crate::harness::crooked::Manner;
use crate::harness::database::TestDb;

const PATIENCE: Duration = Duration::from_secs(30);

/// Where the mint of a token stands: its transaction, or the call while it has none.
async fn mint_of(db: &TestDb, token_id: &str) -> String {
    let sql = "
        SELECT coalesce(transactions.state, calls.state)
        FROM calls
        LEFT JOIN transactions ON transactions.transaction_id = calls.transaction_id
        WHERE business_key = $1";
    let key = format!("mint:{token_id}");
    let mut tx = db.db.begin_read().await.expect("the books");
    let (state,): (String,) = tx.fetch_one(sql, &[key.as_str().into()]).await.expect("the mint");
    state
}

async fn mint_until(db: &TestDb, token_id: &str, state: &str) {
    let begun = Instant::now();
    loop {
        let found = mint_of(db, token_id).await;
        if found == state {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "the mint is {found} and never {state}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

both_databases! {
    async fn a_refund_forced_into_each_of_six_moments_ends_where_it_must(db: TestDb) {
        let settings = [("COLOPHON_RETURNS__SETTLE_EARLY", "true"), ("COLOPHON_RETURNS__WINDOW_DAYS", "0")];
        let (app, node) = TestApp::start_behind_a_provider(&db, &settings).await;
        let (chain, buyer) = (app.chain(), Wallet::fresh());
        let edition = app.publish_edition(5).await;
        app.opened(&edition).await;
        let redeem = async |edition: &str| {
            let (sale, code) = sold(&app, edition).await;
            let token_id = app.redeem(&code, &buyer).await.expect(202).at("/token/token_id");
            (sale, code, token_id)
        };

        // 1. Before the claim: there is never a token.
        let (sale, code) = sold(&app, &edition).await;
        app.tell(&sale, "refund", &refund()).await.expect(200);
        app.redeem(&code, &buyer).await.refused(404, "claim_not_found");

        // 2. Redeemed, and no nonce taken: its edition is not open yet. The mint is taken back.
        chain.stand_still().await;
        let unopened = app.publish_edition(1).await;
        let (sale, redeemed_code, redeemed) = redeem(&unopened).await;
        assert_eq!(mint_of(&db, &redeemed).await, "queued");
        app.tell(&sale, "refund", &refund()).await.expect(200);
        assert_eq!(mint_of(&db, &redeemed).await, "void");
        chain.go_on().await;
        app.opened(&unopened).await;

        // 3. Signed: the bytes are stored, and the node has not answered yet. They stand, and the chain decides.
        node.behave(Manner::Holding("eth_sendRawTransaction"));
        let (sale, signed_code, signed) = redeem(&edition).await;
        mint_until(&db, &signed, "signed").await;
        app.tell(&sale, "refund", &refund()).await.expect(200);
        assert_eq!(mint_of(&db, &signed).await, "signed");
        node.behave(Manner::Honest);
        let first = token_until(&app, &signed, "voided").await;

        // 4. Live: the node has the bytes, and no block has.
        chain.stand_still().await;
        let (sale, live_code, live) = redeem(&edition).await;
        mint_until(&db, &live, "live").await;
        app.tell(&sale, "refund", &refund()).await.expect(200);
        assert_eq!(mint_of(&db, &live).await, "live");
        chain.go_on().await;
        let second = token_until(&app, &live, "voided").await;

        // 5. Included: in a block that may still go.
        chain.stand_still().await;
        let (sale, included_code, included) = redeem(&edition).await;
        mint_until(&db, &included, "live").await;
        chain.mine(1).await;
        mint_until(&db, &included, "included").await;
        app.tell(&sale, "refund", &refund()).await.expect(200);
        assert_eq!(mint_of(&db, &included).await, "included");
        chain.go_on().await;
        let third = token_until(&app, &included, "voided").await;

        let zeroth = token_until(&app, &redeemed, "voided").await;
        for (code, token) in
            [(redeemed_code, zeroth), (signed_code, first), (live_code, second), (included_code, third)]
        {
            assert_eq!(status_on_chain(&app, &token).await, 3, "{} is a tombstone", token["token_id"]);
            assert_eq!((&token["flag"], &token["voiding"]), (&json!(null), &json!(false)));
            app.redeem(&code, &buyer).await.refused(404, "claim_not_found");
        }

        // 6. Settled: out of the issuer's reach, and flagged.
        let (sale, _, settled) = redeem(&edition).await;
        app.tell(&sale, "delivery", &json!({ "delivered_at": "2026-11-21T18:00:00Z" })).await.expect(200);
        token_until(&app, &settled, "settled").await;
        app.tell(&sale, "refund", &refund()).await.expect(200);
        let path = format!("/v1/tokens/{settled}");
        let flagged = app.wait_until(&path, |token| token["flag"] == "refunded").await;
        assert_eq!((&flagged["state"], status_on_chain(&app, &flagged).await), (&json!("settled"), 2));
        let path = format!("/v1/editions/{edition}/census");
        let census = app.wait_until(&path, |census| census["quarantined"] == json!(1)).await;
        assert_eq!((&census["adds_up"], &census["sold"]), (&json!(true), &json!(4)), "{census}");
    }
}
