//! Known writes against rows of the journal: the real service is asked for one of each, and what stands in the journal must
//! be exactly that, each row with who, why and in which request.

use std::collections::BTreeMap;

use catalog::db::Db;
use serde_json::json;

use crate::harness::app::{TestApp, Wallet, id_of};
use crate::harness::receiver::Receiver;

/// A row: who, why, in which request, what.
type Row = (String, String, Option<String>, String);

async fn rows(db: &Db) -> Vec<Row> {
    let mut tx = db.begin_read().await.expect("a transaction");
    let sql = "SELECT actor, reason, request_id, kind FROM journal ORDER BY sequence";
    tx.fetch_all(sql, &[]).await.expect("the rows")
}

/// Both counts of one moment: the service goes on meanwhile.
async fn counts(db: &Db, both: [&'static str; 2]) -> [i64; 2] {
    let mut tx = db.begin_read().await.expect("a transaction");
    let mut counts = [0; 2];
    for (count, sql) in counts.iter_mut().zip(both) {
        (*count,) = tx.fetch_one(sql, &[]).await.expect("a number");
    }
    counts
}

/// What each call, command and step of the story below writes, in the order of its rows.
const KNOWN: &[(&str, &[&str])] = &[
    ("colophon key create", &["api_key_created"]),
    ("colophon key revoke", &["api_key_revoked"]),
    ("POST /v1/artworks", &["artwork_cataloged"]),
    ("PUT /v1/artworks/{artwork_id}/image", &["image_taken_in"]),
    ("POST /v1/artworks/{artwork_id}/editions", &["edition_drafted"]),
    ("POST /v1/editions/{edition_id}/publish", &["call_queued", "edition_published"]),
    ("POST /v1/sales", &["impression_moved", "sale_recorded", "claim_prepared"]),
    ("POST /v1/sales/{sale_id}/claim/code", &["claim_code_issued"]),
    ("POST /v1/sales/{sale_id}/shipment", &["sale_shipped", "claim_opened", "impression_moved"]),
    ("POST /v1/claims/redeem", &["call_queued", "token_issued", "claim_redeemed"]),
    ("POST /v1/sales/{sale_id}/delivery", &["sale_delivered"]),
    ("POST /v1/sales/{sale_id}/return", &["sale_return_requested", "impression_moved"]),
    ("POST /v1/sales/{sale_id}/cancel", &["sale_canceled", "claim_voided", "impression_moved"]),
    ("POST /v1/sales/{sale_id}/refund", &["sale_amount_refunded"]),
    ("torn in the press room", &["impression_moved", "impression_withdrawn"]),
    ("POST /v1/webhook-endpoints", &["webhook_endpoint_created"]),
    ("POST /v1/webhook-endpoints/{webhook_endpoint_id}/secret/rotate", &["webhook_secret_rotated"]),
    ("POST /v1/webhook-endpoints/{webhook_endpoint_id}/test", &["webhook_endpoint_tested"]),
];

/// Rows of a table, and the rows of the journal that tell of them.
const BESIDE: [(&str, &str, &str); 11] = [
    (
        "artworks",
        "SELECT count(*) FROM artworks",
        "SELECT count(*) FROM journal WHERE kind = 'artwork_cataloged'",
    ),
    (
        "editions",
        "SELECT count(*) FROM editions",
        "SELECT count(*) FROM journal WHERE kind = 'edition_drafted'",
    ),
    ("sales", "SELECT count(*) FROM sales", "SELECT count(*) FROM journal WHERE kind = 'sale_recorded'"),
    ("claims", "SELECT count(*) FROM claims", "SELECT count(*) FROM journal WHERE kind = 'claim_prepared'"),
    ("tokens", "SELECT count(*) FROM tokens", "SELECT count(*) FROM journal WHERE kind = 'token_issued'"),
    ("calls", "SELECT count(*) FROM calls", "SELECT count(*) FROM journal WHERE kind = 'call_queued'"),
    (
        "ended calls",
        "SELECT count(*) FROM calls WHERE state IN ('done', 'void', 'refused', 'review')",
        "SELECT count(*) FROM journal WHERE kind = 'call_ended'",
    ),
    ("lanes", "SELECT count(*) FROM lanes", "SELECT count(*) FROM journal WHERE kind = 'lane_opened'"),
    ("keys", "SELECT count(*) FROM api_keys", "SELECT count(*) FROM journal WHERE kind = 'api_key_created'"),
    (
        "deployments",
        "SELECT count(*) FROM deployments",
        "SELECT count(*) FROM journal WHERE kind = 'database_bound'",
    ),
    (
        "secrets",
        "SELECT count(*) FROM key_checks WHERE name <> 'readiness'",
        "SELECT count(*) FROM journal WHERE kind = 'secret_bound'",
    ),
];

both_databases! {
    async fn each_known_write_has_its_rows_and_they_say_who_why_and_in_which_request(db: TestDb) {
        let settings = [("COLOPHON_OUTBOX__ALLOW_LOOPBACK", "true")];
        let app = TestApp::start_with(&db, &settings).await;
        let edition = app.publish_edition(4).await;
        let sale = app.sell(&edition).await;
        let code = app.claim_code(&sale).await;
        app.ship(&sale).await.expect(200);
        let token_id = app.redeem(&code, &Wallet::fresh()).await.expect(202).at("/token/token_id");
        app.recorded(&token_id).await;
        app.tell(&sale, "delivery", &json!({ "delivered_at": "2026-11-21T18:00:00Z" })).await.expect(200);
        let amount = json!({ "scope": "amount_only", "reference": "R-1", "refunded_at": "2026-11-22T10:00:00Z",
                             "amount": { "amount_minor": 100, "currency": "CNY" } });
        app.tell(&sale, "refund", &amount).await.expect(200);
        app.tell(&sale, "return", &json!({ "requested_at": "2026-11-22T08:00:00Z" })).await.expect(200);
        // Told twice, it is one change.
        app.tell(&sale, "return", &json!({ "requested_at": "2026-11-22T08:00:00Z" })).await.expect(200);
        let other = app.sell(&edition).await;
        app.tell(&other, "cancel", &json!({ "canceled_at": "2026-11-22T08:00:00Z" })).await.expect(200);
        // A question and a refusal are none.
        app.get(&format!("/v1/sales/{}", id_of(&sale))).by_shop().await.expect(200);
        app.tell(&other, "receipt", &json!({ "received_at": "2026-11-22T08:00:00Z" })).await.expect(409);
        let sheet = other["impression"]["impression_id"].as_str().expect("a sheet");
        let torn = json!({ "reason": "torn in the press room" });
        app.post(&format!("/v1/impressions/{sheet}/withdraw"), &torn).by_curator().await.expect(200);
        let receiver = Receiver::start().await;
        let made = app.post("/v1/webhook-endpoints", &json!({ "url": receiver.url() })).by_shop().once().await;
        let endpoint = format!("/v1/webhook-endpoints/{}", made.expect(201).text("webhook_endpoint_id"));
        app.post_nothing(&format!("{endpoint}/secret/rotate")).by_shop().await.expect(200);
        app.post_nothing(&format!("{endpoint}/test")).by_shop().await.expect(202);
        let listed = app.say(&["key", "list"]);
        let key_id = listed[0].split('\t').next().expect("an id");
        app.say(&["key", "revoke", key_id]);

        let rows = rows(&db.db).await;
        let mut groups = BTreeMap::<String, (String, String, Vec<String>)>::new();
        for (actor, reason, request_id, kind) in rows {
            let request_id = request_id.expect("in which request");
            assert!(!reason.is_empty() && reason != "-", "{kind} by {actor} does not say why");
            let origin = match actor.split(':').next().unwrap_or_default() {
                "api_key" | "buyer" => "req_",
                "operator" => "cmd_",
                "service" => "step_",
                other => panic!("{other} caused {kind}"),
            };
            assert!(request_id.starts_with(origin), "{kind} by {actor} in {request_id}");
            groups.entry(request_id).or_insert_with(|| (actor, reason, Vec::new())).2.push(kind);
        }
        let mut seen = BTreeMap::<&str, usize>::new();
        for (actor, reason, kinds) in groups.values() {
            if actor == "service" {
                continue;
            }
            let (known, wanted) = KNOWN.iter().find(|(known, _)| known == reason).unwrap_or_else(|| panic!("{reason} wrote {kinds:?}"));
            let (mut found, mut wanted) = (kinds.clone(), wanted.to_vec());
            found.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(found, wanted, "{reason}");
            *seen.entry(known).or_default() += 1;
        }
        let missing: Vec<_> = KNOWN.iter().map(|(known, _)| *known).filter(|known| !seen.contains_key(known)).collect();
        assert_eq!(missing, [""; 0], "writes without a row");
        assert_eq!((seen["POST /v1/sales"], seen["POST /v1/sales/{sale_id}/return"]), (2, 1), "{seen:?}");
        for (table, in_table, in_journal) in BESIDE {
            let [in_table, in_journal] = counts(&db.db, [in_table, in_journal]).await;
            assert_eq!(in_table, in_journal, "{table}");
        }
    }
}
