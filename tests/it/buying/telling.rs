//! What a shop tells over the API, twice, late and out of order, on both databases.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::house::{House, order_line, text};

const NOON: &str = "2026-11-23T12:00:00Z";

/// A sale whose sheet has not left the house.
async fn sold(house: &House, edition_id: &str, order: &str) -> String {
    text(&house.sell(edition_id, order).await.body["sales"][0]["sale_id"])
}

async fn tell_under(
    house: &House,
    key: &str,
    sale_id: &str,
    what: &str,
    body: &Value,
) -> (u16, String, Value) {
    let path = format!("/v1/sales/{sale_id}/{what}");
    let answer = house.shop("POST", &path, Some(key), Some(body.clone())).await;
    (answer.status, answer.outcome().1.to_owned(), answer.body)
}

/// What happens to a sheet that is bought, returned and paid back, in its own order.
fn history() -> Vec<(&'static str, Value)> {
    let bank = |outcome: &str, hour: u8| json!({ "outcome": outcome, "occurred_at": format!("2026-11-23T{hour:02}:00:00Z") });
    vec![
        ("shipment", json!({ "carrier": "SF Express", "shipped_at": "2026-11-23T01:00:00Z" })),
        ("delivery", json!({ "delivered_at": "2026-11-23T02:00:00Z" })),
        ("return", json!({ "requested_at": "2026-11-23T03:00:00Z" })),
        ("dispute", bank("opened", 4)),
        ("receipt", json!({ "received_at": "2026-11-23T05:00:00Z" })),
        ("inspection", json!({ "condition": "same_sheet", "inspected_at": "2026-11-23T06:00:00Z" })),
        ("dispute", bank("won", 7)),
        ("refund", json!({ "scope": "sale", "refunded_at": "2026-11-23T08:00:00Z", "pending": true })),
        ("refund", json!({ "scope": "sale", "refunded_at": "2026-11-23T09:00:00Z" })),
    ]
}

/// Shuffles by a number, the same way for the same number.
fn shuffle<T>(items: &mut [T], mut chance: u64) {
    for place in (1..items.len()).rev() {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        items.swap(place, usize::try_from(chance >> 33).expect("a place") % (place + 1));
    }
}

both_databases! {
    async fn an_early_event_is_taken_in_when_it_is_told_again_under_the_same_key(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let sale_id = sold(&house, &edition_id, "A-1").await;
        let delivery = json!({ "delivered_at": NOON });
        for _ in 0..2 {
            let (status, code, _) = tell_under(&house, "D-1", &sale_id, "delivery", &delivery).await;
            assert_eq!((status, code.as_str()), (409, "sale_event_early"));
        }
        house.ship(&sale_id, None).await;
        let (status, _, delivered) = tell_under(&house, "D-1", &sale_id, "delivery", &delivery).await;
        assert_eq!((status, &delivered["goods"]), (200, &json!("delivered")));
        let (_, _, again) = tell_under(&house, "D-1", &sale_id, "delivery", &delivery).await;
        assert_eq!(again, delivered, "and now it is kept");
        assert_eq!(house.count("SELECT count(*) FROM journal WHERE kind = 'sale_delivered'").await, 1);
        // What contradicts is refused for good: a person must look.
        let lost = json!({ "lost_at": NOON });
        for _ in 0..2 {
            let (status, code, _) = tell_under(&house, "L-1", &sale_id, "lost", &lost).await;
            assert_eq!((status, code.as_str()), (409, "sale_transition_invalid"));
        }
        assert_eq!(house.count("SELECT count(*) FROM idempotency_keys WHERE status = 409").await, 1);
    }

    async fn a_history_told_twice_and_in_any_order_ends_alike(db: TestDb) {
        let house = House::open(&db.db).await;
        for seed in 0..12 {
            let (edition_id, _) = house.publish(1).await;
            let sale_id = sold(&house, &edition_id, &format!("A-{seed}")).await;
            let mut events: Vec<_> = history().into_iter().flat_map(|event| [event.clone(), event]).enumerate().collect();
            shuffle(&mut events, seed);
            let (mut waiting, mut sale, mut refusals) = (VecDeque::from(events), Value::Null, 0);
            while let Some((place, (what, body))) = waiting.pop_front() {
                let (status, code, told) = tell_under(&house, &format!("E-{place}"), &sale_id, what, &body).await;
                match (status, code.as_str()) {
                    (200, _) => sale = told,
                    (409, "sale_event_early") if refusals < 100 => {
                        refusals += 1;
                        waiting.push_back((place, (what, body)));
                    }
                    other => panic!("seed {seed}: {what} {body}: {other:?}"),
                }
            }
            let ends = ["payment", "dispute", "goods", "delivered_at", "undone"].map(|fact| sale[fact].clone());
            let expected = ["refunded", "won", "inspected_same", "2026-11-23T02:00:00Z", "refunded"].map(Value::from);
            assert_eq!((ends, &sale["claim"]["state"]), (expected, &json!("void")), "seed {seed}");
            let census = house.look(&format!("/v1/editions/{edition_id}/census")).await;
            assert_eq!(census["available"], json!(2), "seed {seed}: the sheet is free again");
        }
        let twice = "SELECT count(*) FROM (SELECT subject FROM journal WHERE kind = 'sale_shipped' GROUP BY subject HAVING count(*) > 1) AS told";
        assert_eq!(house.count(twice).await, 0);
        assert_eq!(api::conservation::check(&house.app).await.expect("an answer"), 0);
    }

    async fn nothing_is_told_of_a_sale_before_its_answer_has_named_it(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let line = order_line(&edition_id, "A-1");
        for (what, body) in history() {
            // The order is no name of a sale: a line has many.
            for name in ["A-1", "sale_01988888888870008000000000000001"] {
                assert_eq!(house.tell(name, what, body.clone()).await.outcome(), (404, "not_found"), "{what}");
            }
        }
        assert_eq!(house.count("SELECT count(*) FROM journal WHERE kind LIKE 'sale_%'").await, 0);
        assert_eq!(house.count("SELECT count(*) FROM inbox").await, 0, "and nothing waits");
        let sold = house.shop("POST", "/v1/sales", Some("first"), Some(line.clone())).await;
        // A shop that lost that answer asks again, under any key, and by the order's number.
        let again = house.shop("POST", "/v1/sales", Some("second"), Some(line)).await;
        let listed = house.shop("GET", "/v1/sales?channel=boutique&order=A-1", None, None).await;
        let sale_id = text(&sold.body["sales"][0]["sale_id"]);
        assert_eq!((sold.status, again.status), (201, 200));
        assert_eq!((&again.body["sales"][0]["sale_id"], &listed.body["items"][0]["sale_id"]), (&json!(sale_id), &json!(sale_id)));
        assert_eq!(house.tell(&sale_id, "refund", history()[8].1.clone()).await.body["payment"], json!("refunded"));
    }

    async fn money_is_told_as_an_object_or_not_at_all(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(2).await;
        let sale_id = sold(&house, &edition_id, "A-1").await;
        let mut line = order_line(&edition_id, "A-2");
        line["price"] = json!([1_940_000, "CNY"]);
        let refused = house.shop("POST", "/v1/sales", Some("list"), Some(line)).await;
        assert_eq!(refused.outcome(), (422, "wrong_type"));
        let refund = json!({ "scope": "amount_only", "refunded_at": NOON, "amount": [5_000, "CNY"] });
        assert_eq!(house.tell(&sale_id, "refund", refund).await.outcome(), (422, "wrong_type"));
        assert_eq!(house.count("SELECT count(*) FROM sales").await, 1);
    }
}
