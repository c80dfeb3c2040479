//! `fulfillments/create` and `fulfillments/update`.

use serde::Deserialize;

use super::Unreadable;
use super::lenient::{Count, Id, Moment};
use crate::feed::message::Fulfillment;
use crate::sale::Reference;

#[derive(Deserialize)]
pub(super) struct RawFulfillment {
    id: Id,
    order_id: Id,
    status: String,
    created_at: Moment,
    #[serde(default)]
    tracking_company: Option<String>,
    #[serde(default)]
    tracking_number: Option<String>,
    line_items: Vec<RawLine>,
}

#[derive(Deserialize)]
struct RawLine {
    id: Id,
    quantity: Count,
}

impl RawFulfillment {
    pub(super) fn message(self) -> Result<Fulfillment, Unreadable> {
        let line = |field: &'static str, text: Option<String>| {
            let text = text.filter(|text| !text.trim().is_empty());
            let read = text.map(|text| Reference::parse(field, &text)).transpose();
            read.map_err(|_| Unreadable::at(field, "is not one line of text"))
        };
        Ok(Fulfillment {
            fulfillment: self.id.0,
            order: self.order_id.0,
            left: self.status == "success",
            carrier: line("tracking_company", self.tracking_company)?,
            tracking_ref: line("tracking_number", self.tracking_number)?,
            shipped_at: self.created_at.0,
            lines: self.line_items.into_iter().map(|line| (line.id.0, line.quantity.0)).collect(),
        })
    }
}
