//! Events out: what a receiver gets of a house's sales, in which order, how often, and what becomes of it when it does not
//! answer as it should. Time is moved by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use api::audit::sealing;
use api::auth::Scope;
use api::outbox::courier::Courier;
use api::outbox::publishing;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::house::{House, text, wallet};
use crate::harness::receiver::{Received, Receiver, Reply};

/// Where the receivers of these tests may be; an attempt takes a second at most.
const SETTINGS: [(&str, &str); 2] = [("outbox.allow_loopback", "true"), ("outbox.timeout_seconds", "1")];

/// A house that is open to receivers.
async fn open(db: &catalog::db::Db) -> House {
    House::open_with(db, &SETTINGS).await
}

/// An endpoint for a receiver: its path, and its secret.
async fn endpoint(house: &House, receiver: &Receiver, types: Option<&[&str]>) -> (String, String) {
    let mut body = json!({ "url": receiver.url(), "description": "the shop" });
    if let Some(types) = types {
        body["event_types"] = json!(types);
    }
    let key = receiver.url();
    let made = house.shop("POST", "/v1/webhook-endpoints", Some(&key), Some(body)).await;
    assert_eq!(made.status, 201, "{made:?}");
    (made.location.expect("a path"), text(&made.body["secret"]))
}

/// Seals and publishes everything.
async fn publish(house: &House) {
    let app = &house.app;
    while sealing::step(&app.db, app.clock.as_ref()).await.expect("a step") > 0 {}
    while publishing::step(&app.db, app.clock.as_ref(), app.chance.as_ref()).await.expect("a step") > 0 {}
}

/// Publishes everything and sends what is due; gives how many attempts were made.
async fn send(house: &House) -> usize {
    publish(house).await;
    courier(house).pass().await.expect("a pass")
}

fn courier(house: &House) -> Courier {
    Courier::new(house.app.clone()).expect("a courier")
}

/// The types in the order in which they came, of one sale.
fn types_of(received: &[Received], sale: &str) -> Vec<String> {
    received.iter().filter(|one| one.sale() == sale).map(Received::event_type).collect()
}

async fn sell(house: &House, edition: &str, order: &str) -> String {
    text(&house.sell(edition, order).await.body["sales"][0]["sale_id"])
}

async fn deliveries(house: &House, endpoint: &str, state: &str) -> Vec<Value> {
    let path = format!("{endpoint}/deliveries?limit=200&state={state}");
    let listed = house.shop("GET", &path, None, None).await;
    assert_eq!(listed.status, 200, "{listed:?}");
    listed.body["items"].as_array().cloned().expect("items")
}

async fn look(house: &House, endpoint: &str) -> Value {
    house.shop("GET", endpoint, None, None).await.body
}

both_databases! {
    async fn an_event_reaches_its_receiver_once_signed_and_without_secrets(db: TestDb) {
        let house = open(&db.db).await;
        let (edition, _) = house.publish(3).await;
        let receiver = Receiver::start().await;
        let (path, secret) = endpoint(&house, &receiver, None).await;
        let (sale, code) = house.shipped(&edition, "A-1").await;
        let buyer = wallet();
        assert_eq!(house.claim(&code, &buyer).await.0.status, 202);
        send(&house).await;

        let came = receiver.take();
        let wanted = ["sale.recorded", "claim.prepared", "claim.code_issued", "sale.shipped", "claim.opened", "token.issued",
                      "claim.redeemed"];
        assert_eq!(types_of(&came, &sale), wanted, "in the order in which they happened");
        for one in &came {
            assert_eq!(one.signatures_of(&secret), 1, "{one:?}");
            assert_eq!(one.timestamp, house.app.clock.now().as_seconds().to_string());
            // The checker itself: of another body it is no signature.
            assert_eq!(Received { body: format!("{} ", one.body), ..one.clone() }.signatures_of(&secret), 0);
            assert_eq!(one.json().as_object().map(|fields| fields.keys().cloned().collect::<Vec<_>>()),
                       Some(vec!["data".to_owned(), "timestamp".to_owned(), "type".to_owned()]));
            for hidden in [code.as_str(), &code.replace('-', ""), "SF1", "SF Express", "proof_nonce", "code_hmac"] {
                assert!(!one.body.contains(hidden), "{hidden} in {}", one.body);
            }
        }
        let recorded = came.iter().find(|one| one.event_type() == "sale.recorded").expect("the sale").json();
        assert_eq!((&recorded["data"]["order"], &recorded["data"]["amount_minor"]), (&json!("A-1"), &json!(1_940_000)));
        assert_eq!(send(&house).await, 0, "once");

        // The list tells the same, under the same ids.
        let listed = house.shop("GET", &format!("/v1/events?sale_id={sale}"), None, None).await;
        let ids: Vec<_> = listed.body["items"].as_array().expect("items").iter().map(|one| text(&one["event_id"])).collect();
        let told: Vec<_> = came.iter().filter(|one| one.sale() == sale).map(|one| one.id.clone()).collect();
        assert_eq!(ids, told);
        let after = house.shop("GET", &format!("/v1/events?sale_id={sale}&after={}", ids[4]), None, None).await;
        assert_eq!(after.body["items"].as_array().map(Vec::len), Some(2));
        assert!(deliveries(&house, &path, "waiting").await.is_empty());

        // The secret was shown once, and stands nowhere.
        let again = json!({ "url": receiver.url(), "description": "the shop" });
        let replay = house.shop("POST", "/v1/webhook-endpoints", Some(&receiver.url()), Some(again)).await;
        assert_eq!((replay.status, &replay.body["secret"], &replay.body["secret_already_shown"]), (201, &Value::Null, &json!(true)));
        let mut tx = house.app.db.begin_read().await.expect("a transaction");
        let kept: Vec<(String,)> = tx
            .fetch_all("SELECT body FROM idempotency_keys WHERE body IS NOT NULL
                        UNION ALL SELECT payload FROM journal
                        UNION ALL SELECT data FROM outgoing_events
                        UNION ALL SELECT url FROM webhook_endpoints", &[])
            .await
            .expect("rows");
        assert!(kept.iter().all(|(row,)| !row.contains(&secret[6..])), "the secret is kept");
    }

    async fn every_row_of_the_journal_goes_out_once_and_what_the_shop_must_not_see_does_not_reach_it(db: TestDb) {
        let house = open(&db.db).await;
        let (edition, _) = house.publish(3).await;
        let (_, code) = house.shipped(&edition, "A-1").await;
        assert_eq!(house.claim(&code, &wallet()).await.0.status, 202);
        publish(&house).await;
        let rows = house.count("SELECT count(*) FROM journal").await;
        assert_eq!(house.count("SELECT count(*) FROM outgoing_events JOIN journal USING (event_id, position)").await, rows);
        let types = |answer: super::house::Answer| {
            let items = answer.body["items"].as_array().cloned().expect("items");
            items.iter().map(|one| text(&one["type"])).collect::<BTreeSet<_>>()
        };
        let all = types(house.with_scope(Scope::Auditor, "GET", "/v1/events?limit=200", None).await);
        let shops = types(house.shop("GET", "/v1/events?limit=200", None, None).await);
        assert!(all.contains("call.queued") && !shops.contains("call.queued"), "{all:?} {shops:?}");
        assert!(shops.is_subset(&all) && shops.contains("claim.redeemed"));
        // Page by page it is the same list.
        let (mut cursor, mut seen) = (String::new(), 0);
        loop {
            let page = house.shop("GET", &format!("/v1/events?limit=3{cursor}"), None, None).await.body;
            seen += page["items"].as_array().map_or(0, Vec::len);
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(i64::try_from(seen).ok(), Some(house.count("SELECT count(*) FROM outgoing_events WHERE audience = 'shop'").await));
    }

    async fn a_later_event_of_a_sale_waits_for_the_earlier_and_other_sales_do_not(db: TestDb) {
        let house = open(&db.db).await;
        let (edition, _) = house.publish(3).await;
        let receiver = Receiver::start().await;
        let types = ["sale.recorded", "claim.prepared", "claim.code_issued"];
        let (path, secret) = endpoint(&house, &receiver, Some(&types)).await;
        let first = sell(&house, &edition, "A-1").await;
        receiver.then(Reply::Status(500));
        send(&house).await;
        assert_eq!(types_of(&receiver.received(), &first), ["sale.recorded"], "what came later waits");
        assert!(look(&house, &path).await["failing_since"].is_string());

        let second = sell(&house, &edition, "A-2").await;
        send(&house).await;
        let came = receiver.take();
        assert_eq!(types_of(&came, &second), ["sale.recorded", "claim.prepared"]);
        assert_eq!(types_of(&came, &first), ["sale.recorded"], "it is not tried before its pause is over");
        assert!(look(&house, &path).await["failing_since"].is_null(), "a success ends the row of failures");

        house.wait(Duration::from_secs(7));
        assert_eq!(house.code(&first, "card").await.status, 201);
        send(&house).await;
        let again = receiver.take();
        assert_eq!(types_of(&again, &first), types);
        let (before, after) = (came.iter().find(|one| one.sale() == first).expect("it"), &again[0]);
        assert_eq!((&before.id, &before.body), (&after.id, &after.body), "the same id and the same bytes");
        assert_ne!(before.timestamp, after.timestamp);
        assert_eq!(after.signatures_of(&secret), 1);
        assert!(again.iter().all(|one| one.id == after.id || one.sale() == first));
    }

    async fn a_receiver_that_asks_for_a_pause_gets_it(db: TestDb) {
        for (status, wish) in [(429, "3600"), (503, "Mon, 23 Nov 2026 13:00:00 GMT")] {
            let house = open(&db.db).await;
            let (edition, _) = house.publish(2).await;
            let receiver = Receiver::start().await;
            endpoint(&house, &receiver, Some(&["sale.recorded"])).await;
            receiver.then(Reply::With(status, "retry-after", wish.to_owned()));
            sell(&house, &edition, &format!("P-{status}-1")).await;
            assert_eq!(send(&house).await, 1);
            sell(&house, &edition, &format!("P-{status}-2")).await;
            house.wait(Duration::from_mins(59));
            assert_eq!(send(&house).await, 0, "not even another sale's");
            house.wait(Duration::from_mins(2));
            assert_eq!(send(&house).await, 2);
            assert_eq!(receiver.received().len(), 3);
            // The next one has the books to itself.
            house.write("UPDATE webhook_endpoints SET state = 'removed'").await;
        }
    }

    async fn a_receiver_that_is_gone_is_told_nothing_more(db: TestDb) {
        let house = open(&db.db).await;
        let (edition, _) = house.publish(3).await;
        let receiver = Receiver::start().await;
        let (path, _) = endpoint(&house, &receiver, None).await;
        receiver.then(Reply::Status(410));
        receiver.always(Some(Reply::Status(410)));
        sell(&house, &edition, "A-1").await;
        send(&house).await;
        let gone = look(&house, &path).await;
        assert_eq!((&gone["enabled"], &gone["disabled_reason"]), (&json!(false), &json!("gone")));
        assert!(deliveries(&house, &path, "waiting").await.is_empty());
        let asked = receiver.received().len();
        sell(&house, &edition, "A-2").await;
        assert_eq!((send(&house).await, receiver.received().len()), (0, asked));
        let rows = "SELECT count(*) FROM journal WHERE kind = 'webhook_endpoint_disabled' AND actor = 'service'";
        assert_eq!(house.count(rows).await, 1);
        let refused = house.shop("POST", &format!("{path}/test"), None, None).await;
        assert_eq!(refused.outcome(), (409, "webhook_endpoint_disabled"));

        // Enabled again, it gets what happens from then on, and by replay what it missed.
        receiver.always(None);
        receiver.take();
        let enabled = house.shop("PATCH", &path, None, Some(json!({ "enabled": true }))).await;
        assert_eq!((enabled.status, &enabled.body["enabled"]), (200, &json!(true)));
        let third = sell(&house, &edition, "A-3").await;
        send(&house).await;
        assert!(receiver.take().iter().all(|one| one.sale().is_empty() || one.sale() == third));
        let since = json!({ "since": "2026-11-23T12:00:00Z" });
        let replayed = house.shop("POST", &format!("{path}/replay"), None, Some(since)).await;
        assert_eq!(replayed.status, 202, "{replayed:?}");
        send(&house).await;
        let sales: BTreeSet<_> = receiver.take().iter().filter(|one| one.event_type() == "sale.recorded").map(Received::sale).collect();
        assert_eq!(sales.len(), 3);
    }

    async fn a_receiver_that_fails_for_days_is_disabled_and_a_single_event_is_given_up_before(db: TestDb) {
        let house = open(&db.db).await;
        let (edition, _) = house.publish(2).await;
        let receiver = Receiver::start().await;
        receiver.always(Some(Reply::Status(500)));
        let (path, _) = endpoint(&house, &receiver, Some(&["sale.recorded", "claim.prepared"])).await;
        let sale = sell(&house, &edition, "A-1").await;
        let mut hours = 0;
        while look(&house, &path).await["enabled"] == json!(true) {
            send(&house).await;
            house.wait(Duration::from_hours(1));
            hours += 1;
            assert!(hours < 24 * 8, "it is never disabled");
        }
        assert!((24 * 5..24 * 7).contains(&hours), "{hours}");
        assert_eq!(look(&house, &path).await["disabled_reason"], "failing");
        let came = receiver.received();
        // One attempt and nine more, over three days; then the next event of the sale has its turn.
        let recorded = came.iter().filter(|one| one.event_type() == "sale.recorded").count();
        assert_eq!(recorded, 10);
        assert!(types_of(&came, &sale).contains(&"claim.prepared".to_owned()));
        assert_eq!(house.count("SELECT count(*) FROM journal WHERE kind = 'webhook_delivery_given_up'").await, 1);
    }

    async fn what_a_bad_receiver_does_is_bounded_and_followed_nowhere(db: TestDb) {
        let house = open(&db.db).await;
        let (edition, _) = house.publish(5).await;
        let (receiver, inside) = (Receiver::start().await, Receiver::start().await);
        let (path, _) = endpoint(&house, &receiver, Some(&["sale.recorded"])).await;
        let cases = [
            (Reply::With(307, "location", inside.url()), "redirected"),
            (Reply::With(302, "location", "http://169.254.169.254/".to_owned()), "redirected"),
            (Reply::Hang, "timed_out"),
            // The head says 200, and nothing of the body is read.
            (Reply::Endless, "delivered"),
        ];
        for (number, (reply, outcome)) in cases.into_iter().enumerate() {
            receiver.then(reply);
            sell(&house, &edition, &format!("A-{number}")).await;
            assert_eq!(send(&house).await, 1);
            let all = house.shop("GET", &format!("{path}/deliveries"), None, None).await;
            assert_eq!(all.body["items"][0]["last_outcome"], outcome, "{all:?}");
            house.write("UPDATE webhook_deliveries SET state = 'given_up' WHERE state = 'waiting'").await;
        }
        assert_eq!(inside.received(), [], "a redirect is not followed");
    }

    async fn addresses_inside_are_refused_when_they_are_given_and_when_they_are_connected_to(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition, _) = house.publish(2).await;
        let odd = [
            ("http://example.com/", "webhook_url_invalid"),
            ("file:///etc/passwd", "webhook_url_invalid"),
            ("https://a@example.com/", "webhook_url_invalid"),
            ("https://example.com:6379/", "webhook_url_port_refused"),
            ("https://127.0.0.1/", "webhook_url_not_public"),
            ("https://2130706433/", "webhook_url_not_public"),
            ("https://[::ffff:10.0.0.1]/", "webhook_url_not_public"),
            ("https://169.254.169.254/", "webhook_url_not_public"),
            ("https://localhost/", "webhook_url_not_public"),
            ("http://127.0.0.1:4000/", "webhook_url_invalid"),
        ];
        let public = json!({ "url": "https://8.8.8.8/hooks" });
        let made = house.shop("POST", "/v1/webhook-endpoints", Some("public"), Some(public)).await;
        let path = made.location.expect("a path");
        for (url, code) in odd {
            let body = json!({ "url": url });
            let refused = house.shop("POST", "/v1/webhook-endpoints", Some(url), Some(body.clone())).await;
            assert_eq!(refused.outcome(), (422, code), "{url}");
            assert_eq!(house.shop("PATCH", &path, None, Some(body)).await.outcome(), (422, code), "{url}");
        }
        assert_eq!(house.count("SELECT count(*) FROM webhook_endpoints").await, 1);

        // Somebody writes one into the books.
        let receiver = Receiver::start().await;
        let mut tx = house.app.db.begin_write().await.expect("a transaction");
        tx.execute("UPDATE webhook_endpoints SET url = $1", &[receiver.url().into()]).await.expect("an update");
        tx.commit().await.expect("a commit");
        sell(&house, &edition, "A-1").await;
        assert!(send(&house).await > 0);
        let all = house.shop("GET", &format!("{path}/deliveries?state=waiting"), None, None).await;
        let tried: Vec<_> = all.body["items"].as_array().expect("items").iter().filter(|one| one["attempts"] == 1).collect();
        assert!(!tried.is_empty() && tried.iter().all(|one| one["last_outcome"] == "address_refused"), "{all:?}");
        assert_eq!(receiver.received(), []);
    }

    async fn a_rotated_secret_holds_for_a_day_beside_the_new_one(db: TestDb) {
        let house = open(&db.db).await;
        let (edition, _) = house.publish(4).await;
        let receiver = Receiver::start().await;
        let (path, old) = endpoint(&house, &receiver, Some(&["sale.recorded"])).await;
        let rotated = house.shop("POST", &format!("{path}/secret/rotate"), Some("r1"), None).await;
        assert_eq!(rotated.status, 200, "{rotated:?}");
        let new = text(&rotated.body["secret"]);
        assert_ne!(old, new);
        let replay = house.shop("POST", &format!("{path}/secret/rotate"), Some("r1"), None).await;
        assert_eq!((&replay.body["secret"], &replay.body["secret_already_shown"]), (&Value::Null, &json!(true)));

        sell(&house, &edition, "A-1").await;
        send(&house).await;
        let both = receiver.take().remove(0);
        assert_eq!((both.signatures_of(&old), both.signatures_of(&new)), (1, 1));
        house.wait(Duration::from_hours(24));
        sell(&house, &edition, "A-2").await;
        send(&house).await;
        let one = receiver.take().remove(0);
        assert_eq!((one.signatures_of(&old), one.signatures_of(&new)), (0, 1));
        for _ in 0..4 {
            assert_eq!(house.shop("POST", &format!("{path}/secret/rotate"), None, None).await.status, 200);
        }
        let refused = house.shop("POST", &format!("{path}/secret/rotate"), None, None).await;
        assert_eq!(refused.outcome(), (409, "webhook_secret_limit"));
    }

    async fn a_test_event_and_a_replay_reach_the_endpoint_that_asked_and_no_other(db: TestDb) {
        let house = open(&db.db).await;
        let (edition, _) = house.publish(2).await;
        let (one, other) = (Receiver::start().await, Receiver::start().await);
        let (path, secret) = endpoint(&house, &one, Some(&["sale.recorded"])).await;
        endpoint(&house, &other, None).await;
        let asked = house.shop("POST", &format!("{path}/test"), None, None).await;
        assert_eq!((asked.status, &asked.body["type"]), (202, &json!("webhook_endpoint.tested")));
        send(&house).await;
        let came = one.take();
        assert_eq!(came.iter().map(|one| one.id.clone()).collect::<Vec<_>>(), [text(&asked.body["event_id"])]);
        assert_eq!(came[0].signatures_of(&secret), 1);
        assert!(other.take().iter().all(|one| one.event_type() != "webhook_endpoint.tested"));

        sell(&house, &edition, "A-1").await;
        send(&house).await;
        let first = one.take().remove(0);
        other.take();
        let replay = house.shop("POST", &format!("{path}/replay"), None, Some(json!({ "event_id": first.id }))).await;
        assert_eq!((replay.status, &replay.body["queued"]), (202, &json!(1)), "{replay:?}");
        assert_eq!(send(&house).await, 1);
        let again = one.take().remove(0);
        assert_eq!((&again.id, &again.body), (&first.id, &first.body));
        assert_eq!(other.take(), []);
        for odd in [json!({}), json!({ "event_id": first.id, "since": "2026-11-23T12:00:00Z" })] {
            let refused = house.shop("POST", &format!("{path}/replay"), None, Some(odd)).await;
            assert_eq!(refused.outcome(), (422, "replay_invalid"));
        }
        let unknown = json!({ "after": "evt_01988888888870008000000000000001" });
        let refused = house.shop("POST", &format!("{path}/replay"), None, Some(unknown)).await;
        assert_eq!(refused.outcome(), (422, "event_unknown"));

        // Removed, it is no more.
        assert_eq!(house.shop("DELETE", &path, None, None).await.status, 204);
        assert_eq!(house.shop("GET", &path, None, None).await.outcome(), (404, "not_found"));
        assert_eq!(house.shop("DELETE", &path, None, None).await.outcome(), (404, "not_found"));
    }

    async fn several_couriers_send_each_event_once_and_each_sales_in_order(db: TestDb) {
        let house = open(&db.db).await;
        let (edition, _) = house.publish(20).await;
        let receiver = Receiver::start().await;
        endpoint(&house, &receiver, Some(&["sale.recorded", "claim.prepared", "sale.shipped", "claim.opened"])).await;
        for order in 0..20 {
            let sale = sell(&house, &edition, &format!("A-{order}")).await;
            house.ship(&sale, None).await;
        }
        publish(&house).await;
        let couriers: Vec<_> = (0..4).map(|_| courier(&house)).collect();
        // A courier finds nothing where another works; so each looks again until nothing is left.
        loop {
            let sent: usize = join_all(couriers.iter().map(Courier::pass)).await.into_iter().map(|sent| sent.expect("a pass")).sum();
            if sent == 0 {
                break;
            }
        }
        let came = receiver.take();
        let ids: BTreeSet<_> = came.iter().map(|one| one.id.clone()).collect();
        assert_eq!((came.len(), ids.len()), (80, 80), "each once");
        let mut by_sale = BTreeMap::<String, Vec<String>>::new();
        for one in &came {
            by_sale.entry(one.sale()).or_default().push(one.event_type());
        }
        let order = ["sale.recorded", "claim.prepared", "sale.shipped", "claim.opened"];
        assert!(by_sale.values().all(|types| types == &order), "{by_sale:#?}");
    }

    async fn the_shop_rules_over_endpoints_and_auditors_look(db: TestDb) {
        let house = open(&db.db).await;
        let receiver = Receiver::start().await;
        let (path, _) = endpoint(&house, &receiver, None).await;
        let deliveries = format!("{path}/deliveries");
        for read in ["/v1/events", "/v1/webhook-endpoints", &path, &deliveries] {
            assert_eq!(house.with_scope(Scope::Auditor, "GET", read, None).await.status, 200, "{read}");
            let refused = house.with_scope(Scope::Curator, "GET", read, None).await;
            assert_eq!(refused.outcome(), (403, "scope_insufficient"), "{read}");
        }
        let body = json!({ "url": receiver.url() });
        for scope in [Scope::Auditor, Scope::Curator] {
            let writes = [
                ("POST", "/v1/webhook-endpoints".to_owned(), Some(body.clone())),
                ("PATCH", path.clone(), Some(json!({ "enabled": false }))),
                ("POST", format!("{path}/test"), None),
                ("POST", format!("{path}/secret/rotate"), None),
                ("POST", format!("{path}/replay"), Some(json!({ "since": "2026-11-23T12:00:00Z" }))),
                ("DELETE", path.clone(), None),
            ];
            for (method, path, body) in writes {
                let refused = house.with_scope(scope, method, &path, body).await;
                assert_eq!(refused.outcome(), (403, "scope_insufficient"), "{method} {path}");
            }
        }
        let missing = house.shop("POST", "/v1/webhook-endpoints", None, Some(body.clone())).await;
        assert_eq!(missing.outcome(), (400, "idempotency_key_missing"));
        for number in 1..32 {
            let made = house.shop("POST", "/v1/webhook-endpoints", Some(&format!("n{number}")), Some(body.clone())).await;
            assert_eq!(made.status, 201);
        }
        let refused = house.shop("POST", "/v1/webhook-endpoints", Some("n32"), Some(body)).await;
        assert_eq!(refused.outcome(), (409, "webhook_endpoint_limit"));
    }
}
