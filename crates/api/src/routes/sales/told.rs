//! What the shop tells of a sale, as JSON.

use catalog::clock::Timestamp;
use catalog::invalid::InvalidField;
use serde::Deserialize;
use utoipa::ToSchema;

use super::shape::{MoneyShape, read_impression_id};
use crate::json::optional_object;
use crate::sale::{
    AmountRefund, Condition, DisputeOutcome, Money, Reference, RefundStage, Shipment, ShopEvent, check_moment,
};

/// What is told, checked at the moment `now`.
pub(super) trait Told {
    /// The event.
    fn event(&self, now: Timestamp) -> Result<ShopEvent, InvalidField>;
}

/// A sheet that left the house.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShipmentInput {
    /// Who carries it.
    #[schema(example = "SF Express")]
    carrier: String,
    /// The carrier's reference.
    #[serde(default)]
    tracking_ref: Option<String>,
    /// When it left.
    #[schema(value_type = String, format = DateTime)]
    shipped_at: Timestamp,
    /// The sheet that was really packed; the reserved one when it is not given.
    #[serde(default)]
    impression_id: Option<String>,
}

impl Told for ShipmentInput {
    fn event(&self, now: Timestamp) -> Result<ShopEvent, InvalidField> {
        let packed = read_impression_id(self.impression_id.as_ref())?;
        let tracking_ref = self.tracking_ref.as_deref();
        let shipment = Shipment::parse(&self.carrier, tracking_ref, self.shipped_at, now)?;
        Ok(ShopEvent::Shipped { shipment, packed })
    }
}

/// A sheet that arrived.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliveryInput {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    delivered_at: Timestamp,
}

impl Told for DeliveryInput {
    fn event(&self, now: Timestamp) -> Result<ShopEvent, InvalidField> {
        check_moment("delivered_at", "delivered_at_invalid", self.delivered_at, now)?;
        Ok(ShopEvent::Delivered { delivered_at: self.delivered_at })
    }
}

/// An order canceled before shipment.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelInput {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    canceled_at: Timestamp,
}

impl Told for CancelInput {
    fn event(&self, now: Timestamp) -> Result<ShopEvent, InvalidField> {
        check_moment("canceled_at", "canceled_at_invalid", self.canceled_at, now)?;
        Ok(ShopEvent::Canceled { canceled_at: self.canceled_at })
    }
}

/// A sheet that the carrier lost.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LossInput {
    /// When that was found.
    #[schema(value_type = String, format = DateTime)]
    lost_at: Timestamp,
}

impl Told for LossInput {
    fn event(&self, now: Timestamp) -> Result<ShopEvent, InvalidField> {
        check_moment("lost_at", "lost_at_invalid", self.lost_at, now)?;
        Ok(ShopEvent::Lost { lost_at: self.lost_at })
    }
}

/// The buyer's wish: to send the sheet back, or to keep it after all. One of the two.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReturnInput {
    /// When the buyer asked for the return.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(default)]
    requested_at: Option<Timestamp>,
    /// When the buyer gave it up.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(default)]
    given_up_at: Option<Timestamp>,
}

impl Told for ReturnInput {
    fn event(&self, now: Timestamp) -> Result<ShopEvent, InvalidField> {
        match (self.requested_at, self.given_up_at) {
            (Some(requested_at), None) => {
                check_moment("requested_at", "requested_at_invalid", requested_at, now)?;
                Ok(ShopEvent::ReturnRequested { requested_at })
            }
            (None, Some(given_up_at)) => {
                check_moment("given_up_at", "given_up_at_invalid", given_up_at, now)?;
                Ok(ShopEvent::ReturnGivenUp { given_up_at })
            }
            _ => {
                let problem = "must be given, or `given_up_at` in its place";
                Err(InvalidField::new("requested_at", "return_invalid", problem))
            }
        }
    }
}

/// A parcel that came back.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReceiptInput {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
}

impl Told for ReceiptInput {
    fn event(&self, now: Timestamp) -> Result<ShopEvent, InvalidField> {
        check_moment("received_at", "received_at_invalid", self.received_at, now)?;
        Ok(ShopEvent::Received { received_at: self.received_at })
    }
}

/// What was found in it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InspectionInput {
    /// `same_sheet`, `swapped` or `damaged`.
    #[schema(example = "same_sheet")]
    condition: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    inspected_at: Timestamp,
}

impl Told for InspectionInput {
    fn event(&self, now: Timestamp) -> Result<ShopEvent, InvalidField> {
        check_moment("inspected_at", "inspected_at_invalid", self.inspected_at, now)?;
        let condition = Condition::from_word(&self.condition).ok_or_else(|| {
            let problem = "must be `same_sheet`, `swapped` or `damaged`";
            InvalidField::new("condition", "condition_invalid", problem)
        })?;
        Ok(ShopEvent::Inspected { condition, inspected_at: self.inspected_at })
    }
}

/// Money that went back.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefundInput {
    /// `sale` undoes the sale. `amount_only` gives something back and changes nothing else.
    #[schema(example = "sale")]
    scope: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    refunded_at: Timestamp,
    /// With `sale`: decided, and not with the buyer yet. It undoes the sale as well.
    #[serde(default)]
    pending: bool,
    /// With `amount_only`: how much, in the currency of the price.
    #[serde(default, deserialize_with = "optional_object")]
    amount: Option<MoneyShape>,
    /// With `amount_only`: the shop's name for it. Told again, it is the same refund.
    #[serde(default)]
    reference: Option<String>,
}

impl Told for RefundInput {
    fn event(&self, now: Timestamp) -> Result<ShopEvent, InvalidField> {
        let refunded_at = self.refunded_at;
        check_moment("refunded_at", "refunded_at_invalid", refunded_at, now)?;
        let invalid = |field, problem| Err(InvalidField::new(field, "refund_invalid", problem));
        match (self.scope.as_str(), &self.amount, &self.reference, self.pending) {
            ("sale", None, None, pending) => {
                let stage = if pending { RefundStage::Pending } else { RefundStage::Done };
                Ok(ShopEvent::Refunded { stage, refunded_at })
            }
            ("sale", ..) => invalid("scope", "takes neither `amount` nor `reference` when it is `sale`"),
            ("amount_only", Some(amount), Some(reference), false) => {
                Ok(ShopEvent::AmountRefunded(AmountRefund {
                    reference: Reference::parse("reference", reference)?,
                    amount: Money::parse(amount.amount_minor, &amount.currency)?,
                    refunded_at,
                }))
            }
            ("amount_only", ..) => invalid(
                "scope",
                "goes with `amount` and `reference`, and without `pending`, when it is `amount_only`",
            ),
            _ => Err(InvalidField::new("scope", "scope_invalid", "must be `sale` or `amount_only`")),
        }
    }
}

/// A word of the buyer's bank.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DisputeInput {
    /// `opened`, `won`, `lost` or `reopened`.
    #[schema(example = "opened")]
    outcome: String,
    /// When that happened: the newest word stands, in whatever order they are told.
    #[schema(value_type = String, format = DateTime)]
    occurred_at: Timestamp,
}

impl Told for DisputeInput {
    fn event(&self, now: Timestamp) -> Result<ShopEvent, InvalidField> {
        check_moment("occurred_at", "occurred_at_invalid", self.occurred_at, now)?;
        let outcome = DisputeOutcome::from_word(&self.outcome).ok_or_else(|| {
            let problem = "must be `opened`, `won`, `lost` or `reopened`";
            InvalidField::new("outcome", "outcome_invalid", problem)
        })?;
        Ok(ShopEvent::Disputed { outcome, occurred_at: self.occurred_at })
    }
}
