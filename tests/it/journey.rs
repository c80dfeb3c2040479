//! The main job, end to end: from a print to a token that the chain confirms, by the real program.

use std::collections::BTreeSet;

use api::secrets::Secrets;
use catalog::chance::SystemChance;
use futures_util::future::join_all;

use crate::harness::app::{TestApp, Wallet};
use crate::harness::database::{on_postgres, on_sqlite};
use crate::harness::ethers::read_with_ethers;

both_databases! {
    async fn a_print_becomes_a_token_that_ethers_can_read(db: TestDb) {
        let app = TestApp::start(&db).await;
        let artwork = app.catalog_artwork().await;
        let edition = app.draft_edition(&artwork, 20).await;
        app.publish(&edition).await.refused(409, "image_missing");
        let image_sha256 = app.upload_image(&artwork).await;
        app.publish(&edition).await.expect(202);

        let sale = app.sell(&edition).await;
        assert_eq!(sale["impression"]["label"], "1/20");
        let code = app.claim_code(&sale).await;
        let (buyer, thief) = (Wallet::fresh(), Wallet::fresh());
        app.redeem(&code, &buyer).await.refused(409, "claim_not_active");
        app.ship(&sale).await.expect(200);
        let token_id = app.redeem(&code, &buyer).await.expect(202).at("/token/token_id");
        app.redeem(&code, &thief).await.refused(404, "claim_not_found");

        let token = app.recorded(&token_id).await;
        assert_eq!(token["state"], "bound");
        assert_eq!(token["recipient"], buyer.address());

        let read = read_with_ethers(&app, &token);
        assert_eq!(read["owner"], buyer.address());
        assert_eq!(read["status"], "bound");
        assert_eq!(read["image_sha256"], image_sha256);
        assert_eq!(read["mint_tx_hash"], token["tx_hash"]);
        assert_eq!(read["royalty"]["basis_points"], 500);
    }

    async fn a_service_killed_after_a_redeem_mints_the_token_once(db: TestDb) {
        let mut app = TestApp::start(&db).await;
        let edition = app.publish_edition(3).await;
        let (code, buyer) = (app.shipped(&edition).await, Wallet::fresh());
        let first = app.redeem(&code, &buyer).await.expect(202).at("/token/token_id");

        app.die();
        app.start_again().await;
        let again = app.redeem(&code, &buyer).await.expect(202).at("/token/token_id");
        assert_eq!(again, first);
        // read-token.mjs insists on one mint of the id, and only one.
        let token = app.recorded(&first).await;
        assert_eq!(read_with_ethers(&app, &token)["owner"], buyer.address());
    }
}

#[test]
fn a_service_killed_with_its_chain_mints_the_token_once() {
    on_sqlite(|db| async move {
        let mut app = TestApp::start(&db).await;
        let edition = app.publish_edition(1).await;
        // The chain saves its state once a second: what was confirmed is saved, what came after may be lost.
        app.opened(&edition).await;
        let (code, buyer) = (app.shipped(&edition).await, Wallet::fresh());
        let token_id = app.redeem(&code, &buyer).await.expect(202).at("/token/token_id");

        app.die();
        app.kill_embedded_chain();
        app.start_again().await;
        let token = app.recorded(&token_id).await;
        assert_eq!(read_with_ethers(&app, &token)["owner"], buyer.address());
    });
}

#[test]
fn two_processes_on_one_database_turn_fifty_redemptions_into_fifty_tokens() {
    on_postgres(|db| async move {
        let mut app = TestApp::start(&db).await;
        app.add_process().await;
        let edition = app.publish_edition(50).await;
        let codes = join_all((0..50).map(|_| app.shipped(&edition))).await;
        let redeemed = codes
            .iter()
            .map(|code| async { app.redeem(code, &Wallet::fresh()).await.expect(202).at("/token/token_id") });
        let token_ids = join_all(redeemed).await;
        let tokens = join_all(token_ids.iter().map(|token_id| app.recorded(token_id))).await;
        let distinct: BTreeSet<_> = tokens.iter().map(|token| token["token_id"].as_str()).collect();
        assert_eq!(distinct.len(), 50);
        assert!(tokens.iter().all(|token| token["state"] == "bound"), "{tokens:#?}");
    });
}

#[test]
fn a_process_that_does_not_belong_to_the_database_is_refused_and_told_why() {
    on_postgres(|db| async move {
        let app = TestApp::start(&db).await;
        let secrets = app.folder("other-secrets");
        Secrets::make_missing(&secrets, &SystemChance).expect("secrets");
        let images = app.folder("other-data").display().to_string();
        for (name, value, told) in [
            ("COLOPHON_SECRETS_DIR", secrets.display().to_string(), "secrets_dir"),
            ("COLOPHON_DATA_DIR", images, "image store"),
            ("COLOPHON_CHAIN_ID", "1".to_owned(), "chain"),
        ] {
            let said = app.refuses_to_start_with(name, &value);
            assert!(said.contains(told), "with another {name} it said: {said}");
        }
    });
}
