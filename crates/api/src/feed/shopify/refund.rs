//! `refunds/create`.

use serde::Deserialize;

use super::Unreadable;
use super::lenient::{Count, Decimal, Id, Moment};
use crate::feed::message::{Refund, RefundedLine};
use crate::sale::{Money, RefundStage};

#[derive(Deserialize)]
pub(super) struct RawRefund {
    id: Id,
    order_id: Id,
    created_at: Moment,
    #[serde(default)]
    processed_at: Option<Moment>,
    refund_line_items: Vec<RawLine>,
    transactions: Vec<RawTransaction>,
}

#[derive(Deserialize)]
struct RawLine {
    line_item_id: Id,
    quantity: Count,
    #[serde(default)]
    restock_type: Option<String>,
}

#[derive(Deserialize)]
struct RawTransaction {
    kind: String,
    status: String,
    amount: Decimal,
    currency: String,
}

impl RawRefund {
    pub(super) fn message(self) -> Result<Refund, Unreadable> {
        let line = |raw: RawLine| RefundedLine {
            line: raw.line_item_id.0,
            quantity: raw.quantity.0,
            canceled: raw.restock_type.as_deref() == Some("cancel"),
        };
        let (amount, stage) = money(&self.transactions)?;
        Ok(Refund {
            refund: self.id.0,
            order: self.order_id.0,
            refunded_at: self.processed_at.unwrap_or(self.created_at).0,
            stage,
            lines: self.refund_line_items.into_iter().map(line).collect(),
            amount,
        })
    }
}

/// How much goes back, and whether all of it is there. A refund without money (a line taken off an order) is done; one
/// whose every payment failed is nothing that we can take in.
fn money(transactions: &[RawTransaction]) -> Result<(Option<Money>, RefundStage), Unreadable> {
    let odd = |place: usize, field| Unreadable::at(format!("transactions[{place}].{field}"), "is no refund");
    let (mut sum, mut pending, mut failed): (Option<Money>, bool, bool) = (None, false, false);
    for (place, transaction) in transactions.iter().enumerate() {
        if !matches!(transaction.kind.as_str(), "refund" | "void") {
            continue;
        }
        match transaction.status.as_str() {
            "success" => {}
            "pending" => pending = true,
            "failure" | "error" => {
                failed = true;
                continue;
            }
            _ => return Err(odd(place, "status")),
        }
        let amount = Money::of_decimal(&transaction.amount.0, &transaction.currency);
        let amount = amount.map_err(|_| odd(place, "amount"))?;
        let so_far = sum.map_or(0, |sum| sum.amount_minor());
        if sum.is_some_and(|sum| sum.currency() != amount.currency()) {
            return Err(odd(place, "currency"));
        }
        let together = Money::parse(so_far + amount.amount_minor(), amount.currency());
        sum = Some(together.map_err(|_| odd(place, "amount"))?);
    }
    if failed && sum.is_none() {
        return Err(Unreadable::at("transactions", "failed: no money went back"));
    }
    Ok((sum, if pending { RefundStage::Pending } else { RefundStage::Done }))
}
