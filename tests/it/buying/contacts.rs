//! How buyers are reached: told with the sale or later, read by the shop alone, erased without a trace in any proof.

use api::audit::sealing;
use api::audit::verification::verify;
use api::auth::Scope;
use api::outbox::publishing;
use catalog::digest::Sha256Digest;
use catalog::store::list_events_of;
use insta::{allow_duplicates, assert_json_snapshot};
use serde_json::{Value, json};

use super::house::{Answer, House, order_line, text, wallet};
use super::raw_look::{assert_hidden, exchange, files, holds};
use crate::harness::database::{TestDb, on_sqlite};

const NAME: &str = "Chiyo Yoshida";
const EMAIL: &str = "chiyo@example.com";
const PHONE: &str = "+81 3 5555 0100";

fn chiyo() -> Value {
    json!({ "name": NAME, "email": EMAIL, "phone": PHONE })
}

fn line_with_contact(edition_id: &str, order: &str, contact: Value) -> Value {
    let mut line = order_line(edition_id, order);
    line["contact"] = contact;
    line
}

fn path_of(sale_id: &str) -> String {
    format!("/v1/sales/{sale_id}/contact")
}

impl House {
    async fn sell_to(&self, edition_id: &str, order: &str, contact: Value) -> Answer {
        let line = line_with_contact(edition_id, order, contact);
        self.shop("POST", "/v1/sales", Some(&format!("sale-{order}")), Some(line)).await
    }

    async fn contact(&self, sale_id: &str) -> Answer {
        self.shop("GET", &path_of(sale_id), None, None).await.anonymous()
    }

    async fn set_contact(&self, sale_id: &str, contact: Value) -> Answer {
        self.shop("PUT", &path_of(sale_id), None, Some(contact)).await.anonymous()
    }

    async fn erase_contact(&self, sale_id: &str) -> u16 {
        self.shop("DELETE", &path_of(sale_id), None, None).await.status
    }

    /// What the journal tells of a sale's contact: kinds and payloads.
    async fn contact_events(&self, sale_id: &str) -> Vec<(String, String)> {
        let mut tx = self.app.db.begin_read().await.expect("a transaction");
        let events = list_events_of(&mut tx, sale_id).await.expect("events");
        let told = events.into_iter().filter(|event| event.kind.starts_with("contact_"));
        told.map(|event| (event.kind, event.payload)).collect()
    }
}

fn sale_ids(answer: &Answer) -> Vec<String> {
    let sales = answer.body["sales"].as_array().expect("sales");
    sales.iter().map(|sale| text(&sale["sale_id"])).collect()
}

both_databases! {
    async fn a_contact_is_told_with_the_sale_changed_and_erased(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(3).await;
        let sold = house.sell_to(&edition_id, "A-1", chiyo()).await;
        assert_eq!(sold.status, 201);
        assert!(!sold.body.to_string().contains("contact"), "a sale does not show it: {sold:?}");
        let sale_id = &sale_ids(&sold)[0];
        let found = house.contact(sale_id).await;
        assert_eq!(found.status, 200);
        allow_duplicates!(assert_json_snapshot!(found.body, @r#"
        {
          "changed_at": "2026-11-23T12:00:00Z",
          "email": "chiyo@example.com",
          "name": "Chiyo Yoshida",
          "phone": "+81 3 5555 0100",
          "recorded_at": "2026-11-23T12:00:00Z"
        }
        "#));

        house.wait(std::time::Duration::from_hours(1));
        assert_eq!(house.set_contact(sale_id, chiyo()).await, found, "the same told again changes nothing");
        let changed = house.set_contact(sale_id, json!({ "email": " ada@example.com " })).await;
        assert_eq!((changed.status, &house.contact(sale_id).await.body), (200, &changed.body));
        allow_duplicates!(assert_json_snapshot!(changed.body, @r#"
        {
          "changed_at": "2026-11-23T13:00:00Z",
          "email": "ada@example.com",
          "name": null,
          "phone": null,
          "recorded_at": "2026-11-23T12:00:00Z"
        }
        "#));

        assert_eq!((house.erase_contact(sale_id).await, house.erase_contact(sale_id).await), (204, 204));
        let gone = house.contact(sale_id).await;
        allow_duplicates!(assert_json_snapshot!(gone.body, @r#"
        {
          "code": "contact_not_found",
          "detail": "the sale has no contact",
          "status": 404,
          "title": "Not Found",
          "type": "about:blank"
        }
        "#));
        assert_eq!(house.set_contact(sale_id, json!({ "phone": "110" })).await.status, 200);
        let told = |kind: &str| (kind.to_owned(), format!("{{\"sale_id\":\"{sale_id}\"}}"));
        let kinds = ["contact_recorded", "contact_changed", "contact_erased", "contact_recorded"];
        assert_eq!(house.contact_events(sale_id).await, kinds.map(told));
    }

    async fn nobody_but_the_shop_reads_or_writes_a_contact(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(2).await;
        let sale_id = &sale_ids(&house.sell_to(&edition_id, "A-1", chiyo()).await)[0];
        let path = &path_of(sale_id);
        for scope in [Scope::Curator, Scope::Auditor] {
            for (method, body) in [("GET", None), ("PUT", Some(chiyo())), ("DELETE", None)] {
                let refused = house.with_scope(scope, method, path, body).await;
                assert_eq!(refused.outcome(), (403, "scope_insufficient"), "{method} by {}", scope.as_str());
            }
            let line = line_with_contact(&edition_id, "A-2", chiyo());
            let refused = house.with_scope(scope, "POST", "/v1/sales", Some(line)).await;
            assert_eq!(refused.outcome(), (403, "scope_insufficient"));
        }
        assert_eq!(house.with_scope(Scope::Admin, "GET", path, None).await.status, 200);

        // What auditors read of the sale says that there is a contact, and no more.
        while sealing::step(&house.app.db, house.app.clock.as_ref()).await.expect("a step") > 0 {}
        while publishing::step(&house.app.db, house.app.clock.as_ref(), house.app.chance.as_ref()).await.expect("a step") > 0 {}
        let events = house.with_scope(Scope::Auditor, "GET", "/v1/events?limit=200", None).await.body;
        let event = events["items"].as_array().expect("events").iter().find(|event| event["type"] == "sale.contact_recorded");
        assert_eq!(event.map(|event| &event["data"]), Some(&json!({ "sale_id": sale_id })));
        for path in [format!("/v1/sales/{sale_id}"), "/v1/sales".to_owned(), "/v1/events?limit=200".to_owned()] {
            let answer = house.with_scope(Scope::Auditor, "GET", &path, None).await;
            assert_eq!(answer.status, 200);
            for secret in [NAME, EMAIL, PHONE] {
                assert!(!answer.body.to_string().contains(secret), "{path} shows {secret}");
            }
        }
    }

    async fn a_contact_that_is_none_is_refused_and_not_repeated(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(2).await;
        let sale_id = &sale_ids(&house.sell_to(&edition_id, "A-1", chiyo()).await)[0];
        let secret = "s3cret";
        let cases = [
            (json!({}), "contact_empty", "contact"),
            (json!({ "name": null, "email": null }), "contact_empty", "contact"),
            (json!({ "name": "s3cret\u{7}" }), "contact_name_invalid", "name"),
            (json!({ "name": format!("s3cret{}", "x".repeat(200)) }), "contact_name_invalid", "name"),
            (json!({ "email": secret }), "contact_email_invalid", "email"),
            (json!({ "name": NAME, "phone": secret }), "contact_phone_invalid", "phone"),
            (json!({ "name": 7 }), "wrong_type", "name"),
            (json!({ "name": NAME, "address": secret }), "unknown_field", ""),
            (json!(secret), "wrong_type", ""),
            (json!([secret]), "wrong_type", ""),
        ];
        for (contact, code, field) in cases {
            let alone = house.set_contact(sale_id, contact.clone()).await;
            assert_eq!(alone.outcome(), (422, code), "{contact}");
            let named = alone.body["field"].as_str().unwrap_or_default();
            assert_eq!(named, field, "{contact}");
            let line = line_with_contact(&edition_id, "A-2", contact.clone());
            let key = Sha256Digest::of(contact.to_string().as_bytes()).to_string();
            let with_sale = house.shop("POST", "/v1/sales", Some(&key), Some(line)).await;
            assert_eq!(with_sale.outcome(), (422, code), "{contact}");
            for answer in [alone, with_sale] {
                assert!(!answer.body.to_string().contains(secret), "{answer:?}");
            }
        }
        assert_eq!(house.count("SELECT count(*) FROM sales").await, 1);
        assert_hidden(&db, &[secret, NAME], "after what was refused").await;
        let nobody = "sale_00000000000000000000000000000000";
        for method in ["GET", "PUT", "DELETE"] {
            let body = (method == "PUT").then(chiyo);
            assert_eq!(house.shop(method, &path_of(nobody), None, body).await.outcome(), (404, "not_found"));
        }
    }

    async fn each_unit_has_the_contact_and_a_line_told_again_does_not_change_it(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(3).await;
        let mut line = line_with_contact(&edition_id, "A-1", chiyo());
        line["quantity"] = 3.into();
        let sell = async |key: &str, line: &Value| house.shop("POST", "/v1/sales", Some(key), Some(line.clone())).await;
        let sold = sell("one", &line).await;
        let sales = sale_ids(&sold);
        assert_eq!((sold.status, sales.len()), (201, 3));
        assert_eq!(sell("one", &line).await.body, sold.body, "a replay");

        let mut other = line.clone();
        other["contact"] = json!({ "name": "Somebody Else" });
        assert_eq!(sell("one", &other).await.outcome(), (422, "idempotency_key_reused"));
        let again = sell("two", &other).await;
        assert_eq!((again.status, sale_ids(&again)), (200, sales.clone()));
        other["contact"] = Value::Null;
        assert_eq!(sell("three", &other).await.status, 200);
        assert_eq!(house.erase_contact(&sales[2]).await, 204);
        assert_eq!(sell("four", &line).await.status, 200);
        let names = [house.contact(&sales[0]).await, house.contact(&sales[1]).await];
        assert!(names.iter().all(|contact| contact.body["name"] == NAME), "{names:?}");
        assert_eq!(house.contact(&sales[2]).await.status, 404, "what was erased does not come back");
        let digest = Sha256Digest::of(line.to_string().as_bytes()).to_string();
        assert_hidden(&db, &[NAME, EMAIL, PHONE, "Somebody Else", &digest], "after replays").await;
    }

    async fn books_claim_and_audit_go_on_after_a_contact_was_erased(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let sale_id = &sale_ids(&house.sell_to(&edition_id, "A-1", chiyo()).await)[0];
        let code = text(&house.code(sale_id, "card").await.body["code"]);
        let audit = async || {
            while sealing::step(&house.app.db, house.app.clock.as_ref()).await.expect("a step") > 0 {}
            let mut tx = house.app.db.begin_read().await.expect("a transaction");
            verify(&mut tx, None).await.expect("a finding").problem
        };
        assert_eq!(audit().await, None);
        let before = house.shop("GET", &format!("/v1/sales/{sale_id}"), None, None).await.body;
        assert_eq!(house.erase_contact(sale_id).await, 204);
        assert_eq!(audit().await, None);
        assert_eq!(house.shop("GET", &format!("/v1/sales/{sale_id}"), None, None).await.body, before);
        assert_eq!(house.ship(sale_id, None).await.status, 200);
        assert_eq!(house.claim(&code, &wallet()).await.0.status, 202);
        let breaches = api::conservation::breaches(&house.app.db).await.expect("the laws");
        assert!(breaches.is_empty(), "{breaches:?}");
        assert_eq!(audit().await, None);
        assert_hidden(&db, &[NAME, EMAIL, PHONE], "after erasure").await;
    }

    async fn contacts_that_changed_places_cannot_be_read(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(2).await;
        let one = &sale_ids(&house.sell_to(&edition_id, "A-1", chiyo()).await)[0];
        let other = &sale_ids(&house.sell_to(&edition_id, "A-2", json!({ "name": "Ada" })).await)[0];
        let (select, update) = ("SELECT sale_id, encrypted FROM contacts", "UPDATE contacts SET encrypted = $2 WHERE sale_id = $1");
        exchange(&db.db, select, update).await;
        for sale_id in [one, other] {
            let refused = house.contact(sale_id).await;
            assert_eq!(refused.outcome(), (500, "internal_error"));
            assert!(!refused.body.to_string().contains("Ada"), "{refused:?}");
        }
        // It can still be erased, and told anew.
        assert_eq!(house.erase_contact(one).await, 204);
        assert_eq!(house.set_contact(one, chiyo()).await.status, 200);
        assert_eq!(house.contact(one).await.body["name"], NAME);
    }
}

/// What was erased does not stay in free pages. `SQLite` alone: a server's files are its own.
#[test]
fn an_erased_contact_is_overwritten_in_the_file() {
    on_sqlite(|db| async move {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let sale_id = &sale_ids(&house.sell_to(&edition_id, "A-1", chiyo()).await)[0];
        let encrypted = {
            let mut tx = db.db.begin_read().await.expect("a transaction");
            let (encrypted,): (String,) =
                tx.fetch_one("SELECT encrypted FROM contacts", &[]).await.expect("a row");
            encrypted
        };
        empty_log(&db).await;
        assert!(holds(&files(&db), encrypted.as_bytes()));
        assert_eq!(house.erase_contact(sale_id).await, 204);
        empty_log(&db).await;
        assert!(!holds(&files(&db), encrypted.as_bytes()), "it stays in a free page");
    });
}

/// Moves what is in the write-ahead log into the file.
#[expect(clippy::disallowed_methods, reason = "a checkpoint runs outside any transaction")]
async fn empty_log(db: &TestDb) {
    use sqlx::{Connection, Row, SqliteConnection};
    let mut connection = SqliteConnection::connect(&db.url).await.expect("a connection");
    let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
        .fetch_one(&mut connection)
        .await
        .expect("a checkpoint");
    assert_eq!(row.get::<i64, _>(0), 0, "readers are in the way");
    connection.close().await.expect("an end");
}
