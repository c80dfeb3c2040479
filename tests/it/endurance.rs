//! What a process lives through: its node is not there yet, a task panics, it is told to stop while work waits, and
//! nobody reads its log.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use catalog::image::ImageFormat;
use minting::drawing;
use serde_json::json;
use tests::program::free_address;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use crate::harness::app::{TestApp, Wallet};

both_databases! {
    async fn a_start_waits_for_its_node_says_so_and_gives_up_in_the_end(db: TestDb) {
        let mut app = TestApp::start_beside_a_chain(&db).await;
        app.die();
        let door = free_address();
        app.set("COLOPHON_RPC_URLS", &format!("http://{door}"));
        let said = app.refuses_to_start_with("COLOPHON_CHAIN_PATIENCE_SECONDS", "1");
        assert!(said.contains("no node in `rpc_urls` answers"), "{said}");
        assert!(said.contains("the chain is not heard yet: waiting"), "{said}");

        let node = app.chain_url();
        let opened = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            hand_on(&door, node.strip_prefix("http://").expect("an address")).await;
        });
        app.start_again().await;
        assert!(app.log_tail().contains("the chain is not heard yet: waiting"), "{}", app.log_tail());
        let edition = app.publish_edition(1).await;
        app.opened(&edition).await;
        drop(app);
        opened.abort();
    }

    async fn a_node_without_a_name_or_with_a_certificate_of_nobody_is_down_and_the_reason_is_said(db: TestDb) {
        let mut app = TestApp::start_beside_a_chain(&db).await;
        app.die();
        app.set("COLOPHON_CHAIN_PATIENCE_SECONDS", "1");
        let said = app.refuses_to_start_with("COLOPHON_RPC_URLS", "http://node.invalid:8545");
        assert!(said.contains("dns error") && said.contains("no node in `rpc_urls` answers"), "{said}");

        let (door, mut node) = with_a_certificate_of_nobody(&app.folder("tls"));
        let said = app.refuses_to_start_with("COLOPHON_RPC_URLS", &format!("https://{door}"));
        node.kill().expect("the server to be ended");
        node.wait().expect("the server to be gone");
        assert!(said.contains("certificate") && said.contains("no node in `rpc_urls` answers"), "{said}");
    }

    async fn whoever_is_told_to_stop_takes_no_nonce_while_requests_under_way_are_answered(db: TestDb) {
        let mut app = TestApp::start_beside_a_chain(&db).await;
        let edition = app.publish_edition(1).await;
        app.opened(&edition).await;
        let (code, buyer) = (app.shipped(&edition).await, Wallet::fresh());
        let minter = app.signer("minter");
        // The mint waits for money, and with it for a nonce.
        app.chain().ask("anvil_setBalance", json!([minter, "0x1"])).await;
        let token_id = app.redeem(&code, &buyer).await.expect(202).at("/token/token_id");
        app.measures("colophon_cannot_pay_total{reason=\"funds\"} 1").await;

        let artwork = app.catalog_artwork().await;
        let (more, rest) = tokio::sync::oneshot::channel::<()>();
        let image = drawing::encode(&drawing::draw(7, 96, 64), ImageFormat::Png).expect("a picture");
        let upload = app.upload_slowly(&artwork, image, rest);
        let stop = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            app.tell_to_stop();
            tokio::time::sleep(Duration::from_millis(200)).await;
            // The money is there, and some passes would have bound it by the time the upload ends.
            app.chain().ask("anvil_setBalance", json!([minter, "0x3635c9adc5dea00000"])).await;
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            more.send(()).expect("an upload under way");
        };
        let (uploaded, ()) = tokio::join!(upload, stop);
        assert_eq!(uploaded, 200, "a request under way is answered");
        let ended = app.end_within(Duration::from_secs(20)).await.expect("the service to end");
        assert!(ended.success(), "{ended}");
        assert_eq!(bound_mints(&db).await, 0, "a nonce was taken after the signal");
        app.start_again().await;
        assert_eq!(app.recorded(&token_id).await["recipient"], buyer.address());
    }

    async fn a_service_whose_log_nobody_reads_goes_on(db: TestDb) {
        let mut app = TestApp::start_beside_a_chain(&db).await;
        app.die();
        app.set("COLOPHON_LOG__LEVEL", "debug");
        let _unread = app.start_with_an_unread_log().await;
        let goes_on = async {
            // Some times what a pipe holds.
            for _ in 0..1_500 {
                app.get("/v1/editions/ed_nobody").by_curator().await.expect(404);
            }
            let edition = app.publish_edition(1).await;
            app.opened(&edition).await;
        };
        // Without an end it would wait for ever.
        let answered = tokio::time::timeout(Duration::from_mins(3), goes_on).await;
        assert!(answered.is_ok(), "the service stands still");
    }
}

/// A server that speaks TLS and shows a certificate that it gave itself; where it listens.
fn with_a_certificate_of_nobody(folder: &Path) -> (String, Child) {
    std::fs::create_dir(folder).expect("a folder");
    let openssl = || {
        let mut command = Command::new("openssl");
        command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let made = openssl()
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"])
        .args(["-keyout", "key.pem", "-out", "certificate.pem"])
        .status();
    assert!(made.expect("openssl to run").success(), "openssl made no certificate");
    let door = free_address();
    let server = openssl()
        .args(["s_server", "-accept", &door, "-key", "key.pem", "-cert", "certificate.pem", "-quiet"])
        .spawn()
        .expect("openssl to run");
    (door, server)
}

/// Hands every connection on to `node`.
async fn hand_on(door: &str, node: &str) {
    let door = TcpListener::bind(door).await.expect("a free port");
    loop {
        let (mut guest, _) = door.accept().await.expect("a connection");
        let mut node = TcpStream::connect(node).await.expect("the node");
        tokio::spawn(async move { copy_bidirectional(&mut guest, &mut node).await });
    }
}

async fn bound_mints(db: &crate::harness::database::TestDb) -> i64 {
    let mut tx = db.db.begin_read().await.expect("the books");
    let (bound,): (i64,) =
        tx.fetch_one("SELECT count(*) FROM transactions WHERE kind = 'mint'", &[]).await.expect("a count");
    bound
}

#[cfg(feature = "failpoints")]
mod panics {
    use serde_json::Value;

    use super::*;

    both_databases! {
        async fn a_pass_that_panics_and_a_chore_that_panics_are_begun_again(db: TestDb) {
            let settings = [
                ("FAILPOINTS", "bind.members=2*panic;follow=1*panic"),
                ("COLOPHON_MINTING__POLL_INTERVAL_MS", "100"),
            ];
            let app = TestApp::start_beside_a_chain_with(&db, &settings).await;
            let edition = app.publish_edition(1).await;
            let (sale, code) = app.shipped_sale(&edition).await;
            let token_id = app.redeem(&code, &Wallet::fresh()).await.expect(202).at("/token/token_id");
            app.recorded(&token_id).await;
            app.measures("colophon_task_panics_total{task=\"lane\"} 2").await;
            let refund = json!({ "scope": "sale", "refunded_at": "2026-11-22T10:00:00Z" });
            app.tell(&sale, "refund", &refund).await.expect(200);
            app.tell(&sale, "receipt", &json!({ "received_at": "2026-11-22T20:00:00Z" })).await.expect(200);
            let found = json!({ "condition": "same_sheet", "inspected_at": "2026-11-22T21:00:00Z" });
            app.tell(&sale, "inspection", &found).await.expect(200);
            let census = format!("/v1/editions/{edition}/census");
            app.wait_until(&census, |census: &Value| census["available"] == 3).await;
            app.measures("colophon_task_panics_total{task=\"follow\"} 1").await;
        }
    }
}
