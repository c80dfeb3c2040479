//! Books that are older than the chain: a restored backup, and an empty database beside used keys. FAULTS rows 72 and 97.

mod deciding;

use std::path::Path;
use std::time::{Duration, Instant};

use catalog::db::DbKind;
use serde_json::{Value, json};
use tests::oracle::tokens::{NOBODY, TRANSFER};
use tests::postgres as server;

use crate::harness::app::{TestApp, Wallet, fresh, id_of};
use crate::harness::database::TestDb;

const OPEN_FOREIGN: &str = "colophon_foreign_tokens_open";

both_databases! {
    async fn an_old_backup_is_brought_up_to_the_chain_without_a_second_token(db: TestDb) {
        let mut app = TestApp::start_beside_a_chain(&db).await;
        app.set("COLOPHON_MINTING__LEASE_SECONDS", "5");
        let edition = app.publish_edition(6).await;
        app.opened(&edition).await;
        let (anna, bela, carl, dora, emil) =
            (Wallet::fresh(), Wallet::fresh(), Wallet::fresh(), Wallet::fresh(), Wallet::fresh());
        let token_a = redeemed(&app, &app.shipped(&edition).await, &anna).await;
        let (code_b, code_c) = (app.shipped(&edition).await, app.shipped(&edition).await);
        let sale_d = app.sell(&edition).await;
        let code_d = app.claim_code(&sale_d).await;
        app.ship(&sale_d).await.expect(200);

        app.die();
        let backup = copy_of(&db).await;
        app.start_again().await;
        let (token_b, token_c) = (redeemed(&app, &code_b, &bela).await, redeemed(&app, &code_c, &carl).await);
        let token_d = redeemed(&app, &code_d, &dora).await;
        app.tell(&sale_d, "refund", &refund()).await.expect(200);
        app.wait_until(&format!("/v1/tokens/{token_d}"), |token| token["state"] == "voided").await;
        let token_e = redeemed(&app, &app.shipped(&edition).await, &emil).await;

        app.die();
        app.set("COLOPHON_DATABASE_URL", &backup);
        app.start_again().await;
        app.measures(&format!("{OPEN_FOREIGN} 4")).await;
        let frozen = frozen_until(&app, 2).await;
        let (minter, registrar) = (app.signer("minter"), app.signer("registrar"));
        assert!(frozen.iter().all(|lane| lane.contains(&minter) || lane.contains(&registrar)), "{frozen:#?}");

        auditors_are_told(&app).await;

        // Whoever redeems again finds the token that is there; nobody else gets it, nor another one.
        assert_eq!(app.redeem(&code_b, &bela).await.expect(202).at("/token/token_id"), token_b);
        assert_eq!(app.recorded(&token_b).await["recipient"], bela.address());
        app.redeem(&code_c, &Wallet::fresh()).await.refused(409, "sheet_under_review");
        let said = app.objects(&["lane", "adopt", &minter, "--reason", "restored"]);
        assert!(said.contains("3 tokens or tombstones"), "{said}");

        // The claim agrees, and the operator says so.
        assert_eq!(app.say(&["reconcile", "link", &token_c, "--reason", "order 1 of the log"]), [format!("{token_c} linked")]);
        assert_eq!(app.recorded(&token_c).await["recipient"], carl.address());
        assert_eq!(app.redeem(&code_c, &carl).await.expect(202).at("/token/token_id"), token_c);
        app.redeem(&code_c, &Wallet::fresh()).await.refused(404, "claim_not_found");
        let again = app.objects(&["reconcile", "link", &token_c, "--reason", "twice"]);
        assert!(again.contains("linked already"), "{again}");

        // A tombstone is believed once the shop has told why.
        let said = app.objects(&["reconcile", "link", &token_d, "--reason", "void"]);
        assert!(said.contains("stands, though its token was voided"), "{said}");
        app.tell(&sale_d, "refund", &refund()).await.expect(200);
        app.say(&["reconcile", "link", &token_d, "--reason", "refunded on Monday"]);
        app.wait_until(&format!("/v1/tokens/{token_d}"), |token| token["state"] == "voided").await;

        // The shop tells again of a sale that the books lost, and names its sheet, which nobody else can buy.
        let said = app.objects(&["reconcile", "link", &token_e, "--reason", "sold on Tuesday"]);
        assert!(said.contains("has no sale"), "{said}");
        let sheet = sheet_of(&app, &edition, 5).await;
        assert_eq!(sheet["state"], "quarantined");
        let other = app.sell(&edition).await;
        assert_eq!(other["impression"]["serial"], json!(6), "the next sheet that is free");
        let code_e = sold_by_name(&app, &edition, &sheet).await;
        assert_eq!(app.redeem(&code_e, &emil).await.expect(202).at("/token/token_id"), token_e);

        for lane in [&minter, &registrar] {
            let said = app.say(&["lane", "adopt", lane, "--reason", "restored from Sunday's backup"]);
            assert!(said[0].contains("nonces were used without these books; the next is"), "{said:?}");
        }
        assert_eq!(frozen_until(&app, 0).await, Vec::<String>::new());

        // The lanes work, at nonces of their own.
        let code = app.claim_code(&other).await;
        app.ship(&other).await.expect(200);
        let token_f = redeemed(&app, &code, &Wallet::fresh()).await;
        let mut expected = vec![token_a, token_b, token_c, token_d, token_e, token_f];
        expected.sort();
        assert_eq!(minted(&app).await, expected);
        let (code, report) = app.ends(&["reconcile"]);
        let report: Value = serde_json::from_str(&report).expect("JSON");
        assert_eq!((code, kinds(&report)), (0, vec![]), "{report:#}");
        let census = json!([{
            "edition": 1, "declared_size": 8, "serials_on_chain": 8, "tokens": 5, "tombstones": 1, "untouched": 2,
        }]);
        assert_eq!(report["editions"], census);
        app.set("COLOPHON_RPC_URLS", "http://127.0.0.1:9");
        assert_eq!(app.ends(&["reconcile"]).0, 1, "it could not look");
        explained(&app, &backup, &minter).await;
    }

    async fn an_empty_database_beside_used_keys_starts_frozen_and_doubles_nothing(db: TestDb) {
        let mut app = TestApp::start_beside_a_chain(&db).await;
        app.set("COLOPHON_MINTING__LEASE_SECONDS", "5");
        let edition = publish_great_wave(&app, 1).await;
        app.opened(&edition).await;
        let (anna, bela) = (Wallet::fresh(), Wallet::fresh());
        let a = redeemed(&app, &app.shipped(&edition).await, &anna).await;
        let b = redeemed(&app, &app.shipped(&edition).await, &bela).await;

        app.die();
        app.move_to(&empty_database(&db).await);
        app.start_again().await;
        let frozen = frozen_until(&app, 2).await;
        assert!(frozen.iter().all(|lane| lane.contains("these books know nothing of")), "{frozen:#?}");
        app.measures(&format!("{OPEN_FOREIGN} 2")).await;

        // Another edition gets a number that the chain has not given; the same one gets its own back.
        let another = publish_great_wave(&app, 2).await;
        let edition = publish_great_wave(&app, 1).await;
        let sheets = app.get(&format!("/v1/editions/{edition}/impressions")).by_curator().await.expect(200);
        let first = sheets.body["items"][0].clone();
        let code = sold_by_name(&app, &edition, &first).await;
        assert_eq!(app.redeem(&code, &anna).await.expect(202).at("/token/token_id"), a);
        let (curator, minter) = (app.signer("curator"), app.signer("minter"));
        app.say(&["reconcile", "reject", &b, "--reason", "nobody knows of that sale"]);
        app.say(&["lane", "adopt", &curator, "--reason", "the books are lost"]);
        app.say(&["lane", "adopt", &minter, "--reason", "the books are lost"]);
        app.opened(&edition).await;
        app.opened(&another).await;

        // The sheet of the rejected one stays out of sale; the others are sold, and minted once.
        assert_eq!(sheet_of(&app, &edition, 2).await["state"], "quarantined");
        let c = redeemed(&app, &app.shipped(&edition).await, &Wallet::fresh()).await;
        let d = redeemed(&app, &app.shipped(&another).await, &Wallet::fresh()).await;
        assert_eq!((c.as_str(), d.as_str()), ("1000300", "2000100"));
        assert_eq!(minted(&app).await, [a, b, c, d]);
    }
}

/// Auditors and cron are told what does not fit, in JSON and in lines for a spreadsheet.
async fn auditors_are_told(app: &TestApp) {
    let mut expected = vec!["foreign_mint", "foreign_mint", "foreign_mint", "foreign_tombstone"];
    expected.extend(["nonce_gap"; 4]);
    expected.push("quarantined_impression");
    let (code, report) = app.ends(&["reconcile"]);
    assert_eq!((code, kinds(&serde_json::from_str(&report).expect("JSON"))), (3, expected.clone()));
    let (code, lines) = app.ends(&["reconcile", "--format", "csv"]);
    assert_eq!((code, lines.lines().count()), (3, 1 + expected.len()), "{lines}");
    assert!(lines.starts_with("kind,token_id,sale_id,unit,subject,detail\nforeign_mint,"), "{lines}");
    let auditor = app.key("auditor");
    let path = "/v1/reports/reconciliation";
    assert_eq!(kinds(&app.get(path).with_key(&auditor).await.expect(200).body), expected);
    app.get(path).by_shop().await.refused(403, "scope_insufficient");
    app.get(&format!("{path}?format=xml")).with_key(&auditor).await.refused(422, "format_unknown");
}

/// Every nonce of the minter stands in the books once, and every decision in the journal.
async fn explained(app: &TestApp, backup: &str, minter: &str) {
    let restored = tests::database::open(backup).await;
    let mut tx = restored.begin_read().await.expect("the books");
    let sql = "SELECT count(*), count(DISTINCT nonce), max(nonce) + 1 FROM transactions WHERE signer = $1";
    let nonces: (i64, i64, i64) =
        tx.fetch_one(sql, &[minter.to_lowercase().into()]).await.expect("the nonces");
    assert_eq!(nonces.0, nonces.2, "one row a nonce, none left out");
    let on_chain = app.chain().ask("eth_getTransactionCount", json!([minter, "latest"])).await;
    assert_eq!(on_chain, json!(format!("{:#x}", nonces.2)));
    let told: Vec<(String, String)> = tx
        .fetch_all("SELECT kind, actor FROM journal WHERE kind IN ('lane_adopted', 'foreign_token_linked') ORDER BY sequence", &[])
        .await
        .expect("the journal");
    let told: Vec<_> =
        told.iter().map(|(kind, actor)| (kind.as_str(), actor.split(':').next().expect("a word"))).collect();
    let link = "foreign_token_linked";
    assert_eq!(
        told,
        [
            (link, "buyer"),
            (link, "operator"),
            (link, "operator"),
            (link, "buyer"),
            ("lane_adopted", "operator"),
            ("lane_adopted", "operator"),
        ]
    );
    drop(tx);
    restored.close().await;
}

/// The kinds of a report's findings, in its order.
fn kinds(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().expect("findings");
    findings.iter().map(|finding| finding["kind"].as_str().expect("a kind")).collect()
}

fn refund() -> Value {
    json!({ "scope": "sale", "refunded_at": "2026-11-22T10:00:00Z" })
}

/// Redeems a code and waits until its token is recorded; gives the token's id.
async fn redeemed(app: &TestApp, code: &str, buyer: &Wallet) -> String {
    let token_id = app.redeem(code, buyer).await.expect(202).at("/token/token_id");
    app.recorded(&token_id).await;
    token_id
}

/// Publishes an edition that is the same, byte for byte, for the same `seed`.
async fn publish_great_wave(app: &TestApp, seed: u64) -> String {
    let artwork_id = app.catalog_artwork().await;
    app.upload_drawing(&artwork_id, seed).await;
    let edition_id = app.draft_edition(&artwork_id, 3).await;
    app.publish(&edition_id).await.expect(202);
    edition_id
}

/// Sells the sheet that is named, and ships it; gives the code on its card.
async fn sold_by_name(app: &TestApp, edition: &str, sheet: &Value) -> String {
    let line = json!({
        "channel": "boutique",
        "order": fresh("order"),
        "line": "1",
        "edition_id": edition,
        "impression_id": sheet["impression_id"],
        "price": { "amount_minor": 1_940_000, "currency": "CNY" },
        "sold_at": "2026-11-20T09:30:00Z",
    });
    let sale = app.post("/v1/sales", &line).by_shop().once().await.expect(201).body["sales"][0].clone();
    let code = app.claim_code(&sale).await;
    app.ship(&sale).await.expect(200);
    assert!(!id_of(&sale).is_empty());
    code
}

async fn sheet_of(app: &TestApp, edition: &str, serial: u64) -> Value {
    let sheets = app.get(&format!("/v1/editions/{edition}/impressions")).by_curator().await.expect(200).body;
    let sheets = sheets["items"].as_array().cloned().unwrap_or_default();
    sheets.into_iter().find(|sheet| sheet["serial"] == json!(serial)).expect("the sheet")
}

/// The ids of all tokens that the chain ever minted, in order. One that was minted twice is there twice.
async fn minted(app: &TestApp) -> Vec<String> {
    let filter = json!([{ "fromBlock": "earliest", "topics": [TRANSFER, NOBODY] }]);
    let logs = app.chain().ask("eth_getLogs", filter).await;
    let id = |log: &Value| {
        let topic = log["topics"][3].as_str().and_then(|topic| topic.get(50..)).expect("a topic");
        u64::from_str_radix(topic, 16).expect("an id").to_string()
    };
    let mut ids: Vec<_> = logs.as_array().expect("logs").iter().map(id).collect();
    ids.sort();
    ids
}

/// Waits until so many lanes stand still; gives them.
async fn frozen_until(app: &TestApp, count: usize) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let mut lanes = app.say(&["lane", "list"]);
        lanes.retain(|lane| lane.contains("frozen"));
        if lanes.len() == count {
            return lanes;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "still {lanes:#?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A copy of the books of a service that is dead; gives its address.
async fn copy_of(db: &TestDb) -> String {
    db.db.close().await;
    if db.db.kind() == DbKind::Postgres {
        return server::copy_database(&db.url).await;
    }
    let original = db.url.strip_prefix("sqlite:").expect("a file");
    let copy = format!("{original}.backup");
    for part in ["", "-wal"] {
        if Path::new(&format!("{original}{part}")).exists() {
            std::fs::copy(format!("{original}{part}"), format!("{copy}{part}")).expect("a copy");
        }
    }
    format!("sqlite:{copy}")
}

/// A database that nobody has used; gives its address.
async fn empty_database(db: &TestDb) -> String {
    match db.db.kind() {
        DbKind::Postgres => server::url_of(&server::create_database().await),
        DbKind::Sqlite => format!("{}.empty", db.url),
    }
}
