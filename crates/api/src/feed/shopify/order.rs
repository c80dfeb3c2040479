//! `orders/paid` and `orders/cancelled`.

use serde::Deserialize;

use super::Unreadable;
use super::lenient::{Count, Decimal, Id, Moment};
use crate::feed::message::{CanceledOrder, PaidOrder, SoldLine};
use crate::sale::{Money, Reference};

#[derive(Deserialize)]
pub(super) struct RawOrder {
    id: Id,
    #[serde(default)]
    test: Option<bool>,
    financial_status: String,
    currency: String,
    created_at: Moment,
    #[serde(default)]
    processed_at: Option<Moment>,
    line_items: Vec<RawLine>,
}

#[derive(Deserialize)]
struct RawLine {
    id: Id,
    #[serde(default)]
    sku: Option<String>,
    #[serde(default)]
    variant_id: Option<Id>,
    quantity: Count,
    price: Decimal,
}

/// Standings of an order whose money was all there at some time.
fn was_paid(financial_status: &str) -> bool {
    matches!(financial_status, "paid" | "partially_refunded" | "refunded")
}

impl RawOrder {
    pub(super) fn message(self) -> Result<PaidOrder, Unreadable> {
        let line = |(place, raw): (usize, RawLine)| {
            let at = |field: &str| format!("line_items[{place}].{field}");
            let price = Money::of_decimal(&raw.price.0, &self.currency);
            Ok(SoldLine {
                line: raw.id.0.clone(),
                sku: raw.article().ok_or_else(|| Unreadable::at(at("sku"), "is not one line of text"))?,
                quantity: raw.quantity.0,
                price: price
                    .map_err(|_| Unreadable::at(at("price"), "is no price in the order's currency"))?,
            })
        };
        Ok(PaidOrder {
            order: self.id.0,
            test: self.test.unwrap_or(false),
            paid: was_paid(&self.financial_status),
            sold_at: self.processed_at.unwrap_or(self.created_at).0,
            lines: self.line_items.into_iter().enumerate().map(line).collect::<Result<_, _>>()?,
        })
    }
}

impl RawLine {
    /// The article number, else the variant, else what every article has that stands in no catalog of the shop.
    fn article(&self) -> Option<Reference> {
        let sku = self.sku.as_deref().map(str::trim).filter(|sku| !sku.is_empty());
        let article = match (sku, &self.variant_id) {
            (Some(sku), _) => sku.to_owned(),
            (None, Some(variant)) => format!("variant:{}", variant.0),
            (None, None) => "custom".to_owned(),
        };
        Reference::parse("sku", &article).ok()
    }
}

#[derive(Deserialize)]
pub(super) struct RawCanceledOrder {
    id: Id,
    #[serde(default)]
    test: Option<bool>,
    financial_status: String,
    cancelled_at: Moment,
}

impl RawCanceledOrder {
    pub(super) fn message(self) -> CanceledOrder {
        CanceledOrder {
            order: self.id.0,
            was_sold: was_paid(&self.financial_status) && !self.test.unwrap_or(false),
            canceled_at: self.cancelled_at.0,
        }
    }
}
