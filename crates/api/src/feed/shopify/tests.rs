//! Bodies as the platform writes them, and as it may come to write them.

use catalog::clock::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::feed::message::{Fulfillment, PaidOrder, Refund};
use crate::feed::signature::{Signature, WebhookSecret};
use crate::fuzzing::{Target, Verdict, fuzz};
use crate::sale::RefundStage;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn order() -> Value {
    json!({
        "id": 820_982_911_946_154_508_u64,
        "admin_graphql_api_id": "gid://shopify/Order/820982911946154508",
        "test": false,
        "financial_status": "paid",
        "currency": "CNY",
        "created_at": "2026-11-20T17:30:00+08:00",
        "processed_at": "2026-11-20T17:29:59+08:00",
        "updated_at": "2026-11-20T17:30:01+08:00",
        "cancelled_at": null,
        "customer": { "email": "buyer@example.com" },
        "line_items": [
            { "id": 1, "sku": "WAVE-01", "variant_id": 11, "quantity": 3, "price": "19400.00" },
            { "id": 2, "sku": "", "variant_id": 12, "quantity": 1, "price": "80.5" },
            { "id": 3, "sku": null, "variant_id": null, "quantity": 1, "price": "0.00" },
        ],
    })
}

fn refund() -> Value {
    json!({
        "id": 509_562_969,
        "order_id": 450_789_469,
        "created_at": "2026-11-22T10:00:00Z",
        "processed_at": "2026-11-22T10:00:05Z",
        "refund_line_items": [{ "id": 7, "line_item_id": 1, "quantity": 2, "restock_type": "return" }],
        "transactions": [{ "id": 8, "kind": "refund", "status": "success", "amount": "38800.00", "currency": "CNY" }],
    })
}

fn fulfillment() -> Value {
    json!({
        "id": 255_858_046,
        "order_id": 450_789_469,
        "status": "success",
        "created_at": "2026-11-21T10:00:00Z",
        "updated_at": "2026-11-21T10:00:00Z",
        "tracking_company": "SF Express",
        "tracking_number": "SF1",
        "line_items": [{ "id": 1, "quantity": 3 }],
    })
}

fn dispute() -> Value {
    json!({
        "id": 598_735_659,
        "order_id": 450_789_469,
        "type": "chargeback",
        "amount": "19400.00",
        "currency": "CNY",
        "status": "needs_response",
        "initiated_at": "2026-11-23T08:00:00Z",
        "finalized_on": null,
    })
}

fn told(topic: Topic, body: &Value) -> Result<Message, Unreadable> {
    read(topic, body.to_string().as_bytes())
}

fn paid(body: &Value) -> PaidOrder {
    match told(Topic::Order, body) {
        Ok(Message::Paid(told)) => told,
        other => panic!("{other:?}"),
    }
}

fn refunded(body: &Value) -> Refund {
    match told(Topic::Refund, body) {
        Ok(Message::Refunded(told)) => told,
        other => panic!("{other:?}"),
    }
}

/// Where the body is not what it must be.
fn place(topic: Topic, body: &Value) -> String {
    told(topic, body).map_err(|unreadable| unreadable.place).expect_err("unreadable")
}

fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    *body.pointer_mut(pointer).expect("a place") = value;
    body
}

fn without(mut body: Value, field: &str) -> Value {
    body.as_object_mut().expect("an object").remove(field);
    body
}

#[test]
fn a_paid_order_is_read_with_its_lines() {
    let order = paid(&order());
    assert_eq!(
        (order.order.to_string().as_str(), order.test, order.paid),
        ("820982911946154508", false, true)
    );
    assert_eq!(order.sold_at, at("2026-11-20T09:29:59Z"));
    let lines: Vec<_> = order.lines.iter().map(|line| (line.sku.as_str(), line.quantity)).collect();
    assert_eq!(lines, [("WAVE-01", 3), ("variant:12", 1), ("custom", 1)]);
    assert_eq!(
        order.lines.iter().map(|line| line.price.amount_minor()).collect::<Vec<_>>(),
        [1_940_000, 8_050, 0]
    );
}

#[test]
fn numbers_may_come_as_text_and_amounts_as_numbers_and_mean_the_same() {
    let as_text = with(order(), "/id", json!("820982911946154508"));
    let as_text = with(as_text, "/line_items/0/quantity", json!("3"));
    assert_eq!(paid(&as_text), paid(&order()));
    // The digits of an amount are read as they stand, also where a float would lose some.
    let number = order().to_string().replace("\"19400.00\"", "9999999999.99");
    let Ok(Message::Paid(order)) = read(Topic::Order, number.as_bytes()) else { panic!("unreadable") };
    assert_eq!(order.lines[0].price.amount_minor(), 999_999_999_999);
}

#[test]
fn only_money_that_was_there_sells() {
    for (status, sells) in [
        ("paid", true),
        ("partially_refunded", true),
        ("refunded", true),
        ("pending", false),
        ("authorized", false),
        ("partially_paid", false),
        ("voided", false),
        ("expired", false),
    ] {
        let body = with(order(), "/financial_status", json!(status));
        assert_eq!(paid(&body).paid, sells, "{status}");
        let canceled = with(body, "/cancelled_at", json!("2026-11-21T00:00:00Z"));
        let message = told(Topic::Cancellation, &canceled).unwrap();
        assert_eq!(message.has_consequence(), sells, "{status}");
    }
    let test = told(Topic::Order, &with(order(), "/test", json!(true))).unwrap();
    assert!(matches!(test, Message::Paid(PaidOrder { test: true, .. })));
}

#[test]
fn what_is_missing_or_odd_is_named_by_its_place() {
    for field in ["id", "financial_status", "currency", "created_at", "line_items"] {
        assert!(told(Topic::Order, &without(order(), field)).is_err(), "{field}");
    }
    for odd in [
        json!(0),
        json!(-1),
        json!(1.5),
        json!(9_223_372_036_854_775_808_u64),
        json!("9223372036854775808"),
        json!("007"),
        json!(""),
        json!("gid://shopify/Order/1"),
        json!(null),
        json!([1]),
    ] {
        assert_eq!(place(Topic::Order, &with(order(), "/id", odd.clone())), "id", "{odd}");
    }
    let line = |field: &str, value: Value| with(order(), &format!("/line_items/0/{field}"), value);
    assert_eq!(place(Topic::Order, &line("price", json!("1.005"))), "line_items[0].price");
    assert_eq!(place(Topic::Order, &line("price", json!("1e3"))), "line_items[0].price");
    assert_eq!(place(Topic::Order, &line("price", json!({ "amount": "1" }))), "line_items[0].price");
    assert_eq!(place(Topic::Order, &line("quantity", json!(-1))), "line_items[0].quantity");
    assert_eq!(place(Topic::Order, &line("sku", json!("a\u{202E}b"))), "line_items[0].sku");
    assert_eq!(place(Topic::Order, &with(order(), "/currency", json!("RMB"))), "line_items[0].price");
}

#[test]
fn a_body_under_another_topic_is_not_read() {
    let bodies = [
        (Topic::Order, order()),
        (Topic::Refund, refund()),
        (Topic::Shipment, fulfillment()),
        (Topic::Dispute, dispute()),
    ];
    for (topic, body) in &bodies {
        assert!(told(*topic, body).is_ok(), "{topic:?}");
        for other in [
            Topic::Order,
            Topic::Cancellation,
            Topic::Refund,
            Topic::Shipment,
            Topic::Dispute,
            Topic::Unknown,
        ] {
            assert_eq!(told(other, body).is_ok(), other == *topic, "{topic:?} as {other:?}");
        }
    }
}

#[test]
fn a_refund_names_units_or_an_amount() {
    let named = refunded(&refund());
    assert_eq!(
        (named.lines[0].quantity, named.lines[0].canceled, named.stage),
        (2, false, RefundStage::Done)
    );
    assert_eq!(named.refunded_at, at("2026-11-22T10:00:05Z"));
    let canceled = with(refund(), "/refund_line_items/0/restock_type", json!("cancel"));
    assert!(refunded(&canceled).lines[0].canceled);
    let amount = refunded(&with(refund(), "/refund_line_items", json!([])));
    assert_eq!(amount.amount.map(|money| money.amount_minor()), Some(3_880_000));
    let nothing =
        refunded(&with(with(refund(), "/refund_line_items", json!([])), "/transactions", json!([])));
    assert_eq!((nothing.amount, nothing.stage), (None, RefundStage::Done));
}

#[test]
fn a_refund_under_way_is_pending_and_one_that_failed_is_for_a_person() {
    let status = |word: &str| with(refund(), "/transactions/0/status", json!(word));
    assert_eq!(refunded(&status("pending")).stage, RefundStage::Pending);
    let keys = ["success", "pending"].map(|word| Message::Refunded(refunded(&status(word))).business_key());
    assert_eq!(keys, ["509562969", "509562969/pending"]);
    assert_eq!(place(Topic::Refund, &status("failure")), "transactions");
    assert_eq!(place(Topic::Refund, &status("unheard-of")), "transactions[0].status");
}

#[test]
fn a_parcel_has_left_when_its_fulfillment_succeeded() {
    let read = |body: &Value| match told(Topic::Shipment, body) {
        Ok(Message::Shipped(told)) => told,
        other => panic!("{other:?}"),
    };
    let Fulfillment { left, carrier, tracking_ref, lines, .. } = read(&fulfillment());
    assert!(left && carrier.is_some_and(|carrier| carrier.as_str() == "SF Express"));
    assert!(tracking_ref.is_some() && lines.len() == 1);
    assert!(!read(&with(fulfillment(), "/status", json!("cancelled"))).left);
    for nobody in [json!(null), json!(""), json!("  ")] {
        assert_eq!(read(&with(fulfillment(), "/tracking_company", nobody)).carrier, None);
    }
}

#[test]
fn a_dispute_is_what_its_status_says_at_the_newest_moment_it_names() {
    let read = |body: &Value| match told(Topic::Dispute, body) {
        Ok(Message::Disputed(told)) => told,
        other => panic!("{other:?}"),
    };
    assert_eq!(read(&dispute()).occurred_at, at("2026-11-23T08:00:00Z"));
    for (status, outcome) in [
        ("needs_response", DisputeOutcome::Opened),
        ("under_review", DisputeOutcome::Opened),
        ("won", DisputeOutcome::Won),
        ("lost", DisputeOutcome::Lost),
        ("accepted", DisputeOutcome::Lost),
        ("charge_refunded", DisputeOutcome::Lost),
    ] {
        let body = with(with(dispute(), "/status", json!(status)), "/finalized_on", json!("2026-12-24"));
        assert_eq!((read(&body).outcome, read(&body).occurred_at), (outcome, at("2026-12-24T00:00:00Z")));
    }
    assert_eq!(place(Topic::Dispute, &with(dispute(), "/status", json!("new"))), "status");
    assert!(told(Topic::Dispute, &with(dispute(), "/order_id", json!(null))).is_err());
}

#[test]
fn versions_are_known_up_to_the_newest() {
    let known = |told| is_known_version(told, "2026-10");
    assert!(known(None) && known(Some("2026-10")) && known(Some("2024-01")));
    for odd in ["2027-01", "2026-11", "unstable", "", "2026-1", "2026-10-01"] {
        assert!(!known(Some(odd)), "{odd}");
    }
}

/// Bytes of a delivery: a line with the signature, a line with the topic, and the body.
#[test]
fn fuzzed_deliveries_are_refused_or_parked_or_read_and_never_more() {
    let secrets = [WebhookSecret::new(b"a secret for fuzzing")];
    let judge = |input: &[u8]| {
        let mut parts = input.splitn(3, |byte| *byte == b'\n');
        let (header, told, body) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
        let signature = Signature::read(header.into_iter());
        let signed = signature.is_some_and(|signature| signature.is_of(body, &secrets));
        // Only the one right spelling is a signature.
        assert_eq!(signed, header.is_some_and(|header| header == secrets[0].sign(body).as_bytes()));
        let topic = topic(std::str::from_utf8(told.unwrap_or_default()).unwrap_or_default());
        let message = read(topic, body);
        if let Ok(message) = &message {
            assert_eq!(message.topic(), topic);
            assert!(message.business_key().starts_with(|first: char| first.is_ascii_digit()));
            assert!(message.order().to_string().parse::<i64>().is_ok_and(|order| order > 0));
        }
        Verdict::of(&message)
    };
    fuzz(&Target {
        name: "delivery",
        dictionary: &[
            "\"id\":",
            "\"order_id\":",
            "\"line_items\":[",
            "\"price\":",
            "\"quantity\":",
            "\"refund_line_items\":[]",
            "\"transactions\":[]",
            "9223372036854775808",
            "1e400",
            "-0",
            "null",
            "\"19400.00\"",
            "\\u0000",
            "{",
            "[",
            "2026-11-23T08:00:00Z",
            "orders/paid\n",
            "refunds/create\n",
            "\u{feff}",
        ],
        judge: &judge,
    });
}
