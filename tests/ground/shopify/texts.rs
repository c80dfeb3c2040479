//! The texts of a shop's webhooks, with the fields that Shopify sends and a few that nobody needs.

use serde_json::{Value, json};

/// A line of an order: its number, article number, quantity and price.
#[must_use]
pub fn line(id: u64, sku: &str, quantity: u32, price: &str) -> Value {
    json!({
        "id": id,
        "admin_graphql_api_id": format!("gid://shopify/LineItem/{id}"),
        "sku": sku,
        "variant_id": id + 1,
        "title": "The Great Wave / 神奈川冲浪里",
        "quantity": quantity,
        "current_quantity": quantity,
        "price": price,
        "requires_shipping": true,
    })
}

/// A paid order.
#[must_use]
pub fn order(id: u64, lines: &[Value]) -> Value {
    json!({
        "id": id,
        "admin_graphql_api_id": format!("gid://shopify/Order/{id}"),
        "name": format!("#{id}"),
        "test": false,
        "financial_status": "paid",
        "fulfillment_status": null,
        "currency": "CNY",
        "presentment_currency": "CNY",
        "created_at": "2026-11-20T17:30:00+08:00",
        "processed_at": "2026-11-20T17:29:59+08:00",
        "updated_at": "2026-11-20T17:30:02+08:00",
        "cancelled_at": null,
        "customer": { "id": 7, "email": "buyer@example.com", "first_name": "Hokusai" },
        "line_items": lines,
        "fulfillments": [],
        "refunds": [],
    })
}

/// The same order, canceled.
#[must_use]
pub fn canceled(order: &Value) -> Value {
    let mut canceled = order.clone();
    canceled["cancelled_at"] = json!("2026-11-22T09:00:00+08:00");
    canceled["cancel_reason"] = json!("customer");
    canceled["updated_at"] = json!("2026-11-22T09:00:01+08:00");
    canceled
}

/// A parcel with so many of each line.
#[must_use]
pub fn fulfillment(id: u64, order: u64, lines: &[(u64, u32)]) -> Value {
    let items = lines.iter().map(|(line, quantity)| json!({ "id": line, "quantity": quantity }));
    json!({
        "id": id,
        "order_id": order,
        "status": "success",
        "created_at": "2026-11-21T18:00:00+08:00",
        "updated_at": "2026-11-21T18:00:00+08:00",
        "tracking_company": "SF Express",
        "tracking_number": format!("SF{id}"),
        "line_items": items.collect::<Vec<_>>(),
    })
}

/// A refund of so many of each line, and what becomes of the goods: `cancel`, `return` or `no_restock`.
#[must_use]
pub fn refund(id: u64, order: u64, lines: &[(u64, u32)], restock_type: &str) -> Value {
    let items = lines.iter().map(|(line, quantity)| {
        json!({ "id": id + 1, "line_item_id": line, "quantity": quantity, "restock_type": restock_type })
    });
    json!({
        "id": id,
        "order_id": order,
        "created_at": "2026-11-22T10:00:00+08:00",
        "processed_at": "2026-11-22T10:00:01+08:00",
        "note": null,
        "refund_line_items": items.collect::<Vec<_>>(),
        "transactions": [{
            "id": id + 2, "kind": "refund", "status": "success", "amount": "1.00", "currency": "CNY",
        }],
    })
}

/// A refund that names no line.
#[must_use]
pub fn refund_of_amount(id: u64, order: u64, amount: &str) -> Value {
    let mut refund = refund(id, order, &[], "no_restock");
    refund["transactions"][0]["amount"] = json!(amount);
    refund
}

/// A word about a dispute, said at that moment.
#[must_use]
pub fn dispute(id: u64, order: u64, status: &str, at: &str) -> Value {
    json!({
        "id": id,
        "order_id": order,
        "type": "chargeback",
        "amount": "19400.00",
        "currency": "CNY",
        "reason": "fraudulent",
        "status": status,
        "initiated_at": at,
        "finalized_on": null,
    })
}
