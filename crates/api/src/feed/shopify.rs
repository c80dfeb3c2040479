//! Shopify's texts (REST Admin API, JSON): each topic's body read into our words. Fields that we do not need are passed
//! over; a field that we need and that is missing or odd makes the body unreadable, and names its place and never its
//! value.

mod fulfillment;
mod lenient;
mod order;
mod refund;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use self::fulfillment::RawFulfillment;
use self::lenient::{Id, Moment};
use self::order::{RawCanceledOrder, RawOrder};
use self::refund::RawRefund;
use super::message::DisputeWord;
use super::{Message, Topic};
use crate::sale::DisputeOutcome;

/// A body that does not say what its topic says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Unreadable {
    /// Where: `line_items[3].price`.
    pub place: String,
    /// What is wrong there.
    pub problem: &'static str,
}

impl Unreadable {
    fn at(place: impl Into<String>, problem: &'static str) -> Self {
        Self { place: place.into(), problem }
    }
}

/// What Shopify's word for a topic means.
#[must_use]
pub fn topic(told: &str) -> Topic {
    match told {
        "orders/paid" => Topic::Order,
        "orders/cancelled" => Topic::Cancellation,
        "fulfillments/create" | "fulfillments/update" => Topic::Shipment,
        "refunds/create" => Topic::Refund,
        "disputes/create" | "disputes/update" => Topic::Dispute,
        _ => Topic::Unknown,
    }
}

/// Whether texts of version `told` may be read by one who knows them up to `newest`. None was told: the body decides.
#[must_use]
pub fn is_known_version(told: Option<&str>, newest: &str) -> bool {
    told.is_none_or(|told| is_version(told) && told <= newest)
}

/// Whether `text` has the form of a version: a year and a month.
#[must_use]
pub fn is_version(text: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    text.split_once('-')
        .is_some_and(|(year, month)| year.len() == 4 && month.len() == 2 && digits(year) && digits(month))
}

/// Reads a body as its topic asks.
pub fn read(topic: Topic, body: &[u8]) -> Result<Message, Unreadable> {
    match topic {
        Topic::Order => parse::<RawOrder>(body)?.message().map(Message::Paid),
        Topic::Cancellation => Ok(Message::Canceled(parse::<RawCanceledOrder>(body)?.message())),
        Topic::Shipment => parse::<RawFulfillment>(body)?.message().map(Message::Shipped),
        Topic::Refund => parse::<RawRefund>(body)?.message().map(Message::Refunded),
        Topic::Dispute => parse::<RawDispute>(body)?.message().map(Message::Disputed),
        Topic::Unknown => Err(Unreadable::at("topic", "is not known")),
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unreadable> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read: T = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let problem = match error.inner().classify() {
            serde_json::error::Category::Data => "is missing, or not what it must be",
            _ => "is not JSON",
        };
        Unreadable::at(error.path().to_string(), problem)
    })?;
    reader.end().map_err(|_| Unreadable::at(".", "is followed by something else"))?;
    Ok(read)
}

#[derive(Deserialize)]
struct RawDispute {
    id: Id,
    order_id: Id,
    status: String,
    initiated_at: Moment,
    #[serde(default)]
    finalized_on: Option<Moment>,
    #[serde(default)]
    updated_at: Option<Moment>,
}

impl RawDispute {
    /// The newest moment that the body names tells when the word was said.
    fn message(self) -> Result<DisputeWord, Unreadable> {
        let outcome = match self.status.as_str() {
            "needs_response" | "under_review" => DisputeOutcome::Opened,
            "won" => DisputeOutcome::Won,
            // The bank gave the money back, whether by decision or because the shop agreed.
            "lost" | "accepted" | "charge_refunded" => DisputeOutcome::Lost,
            _ => return Err(Unreadable::at("status", "is no standing of a dispute that we know")),
        };
        let moments = [Some(self.initiated_at), self.finalized_on, self.updated_at];
        let newest = moments.into_iter().flatten().map(|moment| moment.0).max();
        Ok(DisputeWord {
            dispute: self.id.0,
            order: self.order_id.0,
            outcome,
            occurred_at: newest.unwrap_or(self.initiated_at.0),
        })
    }
}

#[cfg(test)]
mod tests;
