//! An operator's word on what the chain has and restored books do not: it is linked, rejected, voided, sold again.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{OPEN_FOREIGN, copy_of, frozen_until, kinds, minted, redeemed, sheet_of};
use crate::harness::app::{TestApp, Wallet};
use crate::harness::ethers::read_with_ethers;

/// Tokens that the registrar settles as soon as their sheet is delivered.
const ON_DELIVERY: [(&str, &str); 2] =
    [("COLOPHON_RETURNS__SETTLE_EARLY", "true"), ("COLOPHON_RETURNS__WINDOW_DAYS", "0")];

fn delivery() -> Value {
    json!({ "delivered_at": "2026-11-21T18:00:00Z" })
}

/// Waits until the report of the chain's side has a finding of that kind.
async fn found_until(app: &TestApp, kind: &str) {
    let begun = Instant::now();
    loop {
        let report: Value = serde_json::from_str(&app.ends(&["reconcile"]).1).expect("JSON");
        if kinds(&report).contains(&kind) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "no {kind} in {report:#}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Who decided what, and why, in the order of the journal.
async fn decisions(url: &str) -> Vec<(String, String)> {
    let books = tests::database::open(url).await;
    let mut tx = books.begin_read().await.expect("the books");
    let sql = "SELECT kind, reason FROM journal
               WHERE kind IN ('foreign_token_linked', 'foreign_token_rejected') AND actor = 'operator'
               ORDER BY sequence";
    let told = tx.fetch_all(sql, &[]).await.expect("the journal");
    drop(tx);
    books.close().await;
    told
}

both_databases! {
    async fn a_token_that_the_vault_keeps_is_linked_to_its_claim_and_released_to_its_buyer(db: TestDb) {
        let mut app = TestApp::start_beside_a_chain_with(&db, &ON_DELIVERY).await;
        app.set("COLOPHON_MINTING__LEASE_SECONDS", "5");
        let edition = app.publish_edition(2).await;
        app.opened(&edition).await;
        let (sale, code) = app.shipped_sale(&edition).await;
        app.die();
        let backup = copy_of(&db).await;
        app.start_again().await;
        let kept = app.keep(&code).await.expect(202).at("/token/token_id");
        app.recorded(&kept).await;

        app.die();
        app.set("COLOPHON_DATABASE_URL", &backup);
        app.start_again().await;
        app.measures(&format!("{OPEN_FOREIGN} 1")).await;
        frozen_until(&app, 1).await;
        assert_eq!(app.look_up(&code).await.expect(200).text("state"), "open");
        assert_eq!(app.say(&["reconcile", "link", &kept, "--reason", "in the vault's name"]), [format!("{kept} linked")]);

        // The issuer holds it as before, and the claim says so.
        let (vault, buyer) = (app.signer("vault"), Wallet::fresh());
        let found = app.look_up(&code).await.expect(200);
        assert_eq!((found.text("state"), found.at("/token/token_id")), ("redeemed".to_owned(), kept.clone()));
        assert_eq!((found.at("/safekeeping/state"), found.at("/safekeeping/vault")), ("held".to_owned(), vault.clone()));
        let token = app.recorded(&kept).await;
        assert_eq!((&token["recipient"], &token["safekeeping"]), (&json!(vault), &json!(true)));
        assert_eq!(app.keep(&code).await.expect(202).at("/token/token_id"), kept, "redeemed again, it is the same");
        app.release(&code, &buyer).await.refused(409, "token_not_settled");

        app.say(&["lane", "adopt", &app.signer("minter"), "--reason", "restored"]);
        app.tell(&sale, "delivery", &delivery()).await.expect(200);
        let path = format!("/v1/tokens/{kept}");
        app.wait_until(&path, |token| token["state"] == "settled").await;
        app.release(&code, &buyer).await.expect(202);
        let token = app.wait_until(&path, |token| token["safekeeping"] == json!(false)).await;
        assert_eq!(read_with_ethers(&app, &token)["owner"], json!(buyer.address()));
        assert_eq!(minted(&app).await, [kept]);
    }

    async fn a_token_that_nobody_knows_of_is_voided_and_its_sheet_sold_again(db: TestDb) {
        let mut app = TestApp::start_beside_a_chain_with(&db, &ON_DELIVERY).await;
        app.set("COLOPHON_MINTING__LEASE_SECONDS", "5");
        let edition = app.publish_edition(3).await;
        app.opened(&edition).await;
        app.die();
        let backup = copy_of(&db).await;
        app.start_again().await;
        let lost = redeemed(&app, &app.shipped(&edition).await, &Wallet::fresh()).await;
        let (sale, code) = app.shipped_sale(&edition).await;
        let beyond = redeemed(&app, &code, &Wallet::fresh()).await;
        app.tell(&sale, "delivery", &delivery()).await.expect(200);
        app.wait_until(&format!("/v1/tokens/{beyond}"), |token| token["state"] == "settled").await;

        app.die();
        app.set("COLOPHON_DATABASE_URL", &backup);
        app.start_again().await;
        app.measures(&format!("{OPEN_FOREIGN} 2")).await;
        frozen_until(&app, 2).await;
        let said = app.objects(&["reconcile", "reject", &beyond, "--reason", "unknown", "--void"]);
        assert!(said.contains("the chain shows 1000200 as settled: it cannot be voided"), "{said}");
        app.say(&["reconcile", "reject", &beyond, "--reason", "unknown, and out of reach"]);
        let said = app.say(&["reconcile", "reject", &lost, "--reason", "nobody knows of it", "--void"]);
        assert_eq!(said, [format!("{lost} rejected")]);
        for lane in ["minter", "registrar"] {
            app.say(&["lane", "adopt", &app.signer(lane), "--reason", "restored"]);
        }
        found_until(&app, "foreign_tombstone").await;

        // Its sheet stays out of sale until somebody has it in the hand.
        assert_eq!(sheet_of(&app, &edition, 1).await["state"], "quarantined");
        let link = ["reconcile", "link", &lost, "--reason", "the sheet lies before me", "--in-house"];
        let said = app.objects(&link);
        assert!(said.contains("the chain shows 1000100 as voided: compare again first"), "{said}");
        app.die();
        app.start_again().await;
        app.measures(&format!("{OPEN_FOREIGN} 0")).await;
        app.say(&link);
        assert_eq!(sheet_of(&app, &edition, 1).await["state"], "available");
        assert_eq!(sheet_of(&app, &edition, 2).await["state"], "quarantined", "that of the other stays");
        let sale = app.sell(&edition).await;
        let code = app.claim_code(&sale).await;
        app.ship(&sale).await.expect(200);
        let next = redeemed(&app, &code, &Wallet::fresh()).await;
        assert_eq!((&sale["impression"]["serial"], next.as_str()), (&json!(1), "1000101"));
        let old = app.get(&format!("/v1/tokens/{lost}")).await.expect(200).body;
        assert_eq!((&old["state"], &old["successor"]), (&json!("voided"), &json!(next)));
        assert_eq!(minted(&app).await, [lost, next, beyond]);

        let (linked, rejected) = ("foreign_token_linked", "foreign_token_rejected");
        let expected = [
            (rejected, "unknown, and out of reach"),
            (rejected, "nobody knows of it"),
            (linked, "the sheet lies before me"),
        ];
        assert_eq!(decisions(&backup).await, expected.map(|(kind, why)| (kind.to_owned(), why.to_owned())));
    }
}
