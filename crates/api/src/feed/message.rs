//! What a shop told, in our words. Which platform it came from stands in none of them.

use catalog::clock::Timestamp;

use super::Topic;
use crate::sale::{DisputeOutcome, Money, Reference, RefundStage};

/// The platform's number for something, in decimal digits without leading zeros: 1 to 2⁶³ − 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopId(pub(super) u64);

impl std::fmt::Display for ShopId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Something that a shop told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// An order was paid.
    Paid(PaidOrder),
    /// An order was canceled.
    Canceled(CanceledOrder),
    /// Sheets left the shop.
    Shipped(Fulfillment),
    /// Money went back.
    Refunded(Refund),
    /// A bank told of a dispute.
    Disputed(DisputeWord),
}

/// A paid order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaidOrder {
    /// The order.
    pub order: ShopId,
    /// Whether the shop only tries out its checkout.
    pub test: bool,
    /// Whether all of its money is, or was, there.
    pub paid: bool,
    /// When it was sold.
    pub sold_at: Timestamp,
    /// What was sold.
    pub lines: Vec<SoldLine>,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoldLine {
    /// The line.
    pub line: ShopId,
    /// By what the shop knows the article.
    pub sku: Reference,
    /// How many.
    pub quantity: u32,
    /// The price of one.
    pub price: Money,
}

/// A canceled order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanceledOrder {
    /// The order.
    pub order: ShopId,
    /// Whether it was one for which we may have, or may yet get, a sale.
    pub was_sold: bool,
    /// When.
    pub canceled_at: Timestamp,
}

/// Sheets that left the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fulfillment {
    /// The fulfillment.
    pub fulfillment: ShopId,
    /// Of which order.
    pub order: ShopId,
    /// Whether it has left; a fulfillment may also be prepared, or have failed.
    pub left: bool,
    /// Who carries it.
    pub carrier: Option<Reference>,
    /// The carrier's reference.
    pub tracking_ref: Option<Reference>,
    /// When it left.
    pub shipped_at: Timestamp,
    /// How many of which lines.
    pub lines: Vec<(ShopId, u32)>,
}

/// Money that went back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// The refund.
    pub refund: ShopId,
    /// Of which order.
    pub order: ShopId,
    /// When.
    pub refunded_at: Timestamp,
    /// How far it is.
    pub stage: RefundStage,
    /// What it is for: units of lines, or nothing but an amount.
    pub lines: Vec<RefundedLine>,
    /// How much in all.
    pub amount: Option<Money>,
}

/// Units of a line that were refunded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundedLine {
    /// The line.
    pub line: ShopId,
    /// How many.
    pub quantity: u32,
    /// Whether they never left the shop and no longer will.
    pub canceled: bool,
}

/// A word of a bank about the payment of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisputeWord {
    /// The dispute.
    pub dispute: ShopId,
    /// Of which order.
    pub order: ShopId,
    /// What the bank told.
    pub outcome: DisputeOutcome,
    /// When that happened.
    pub occurred_at: Timestamp,
}

impl Message {
    /// What it is about.
    #[must_use]
    pub fn topic(&self) -> Topic {
        match self {
            Self::Paid(_) => Topic::Order,
            Self::Canceled(_) => Topic::Cancellation,
            Self::Shipped(_) => Topic::Shipment,
            Self::Refunded(_) => Topic::Refund,
            Self::Disputed(_) => Topic::Dispute,
        }
    }

    /// The order.
    #[must_use]
    pub fn order(&self) -> &ShopId {
        match self {
            Self::Paid(PaidOrder { order, .. })
            | Self::Canceled(CanceledOrder { order, .. })
            | Self::Shipped(Fulfillment { order, .. })
            | Self::Refunded(Refund { order, .. })
            | Self::Disputed(DisputeWord { order, .. }) => order,
        }
    }

    /// False for what asks for nothing, now or later: an order that is not paid, and its cancellation; a parcel that has
    /// not left.
    #[must_use]
    pub fn has_consequence(&self) -> bool {
        match self {
            Self::Paid(told) => told.paid || told.test,
            Self::Canceled(told) => told.was_sold,
            Self::Shipped(told) => told.left,
            Self::Refunded(_) | Self::Disputed(_) => true,
        }
    }

    /// The name under which it has its effect once, for ever. A refund that was pending and then went through is two
    /// words, and so is each standing of a dispute.
    #[must_use]
    pub fn business_key(&self) -> String {
        match self {
            Self::Paid(told) => told.order.to_string(),
            Self::Canceled(told) => told.order.to_string(),
            Self::Shipped(told) => told.fulfillment.to_string(),
            Self::Refunded(told) => match told.stage {
                RefundStage::Done => told.refund.to_string(),
                RefundStage::Pending => format!("{}/pending", told.refund),
            },
            Self::Disputed(told) => {
                format!("{}/{}/{}", told.dispute, told.outcome.as_str(), told.occurred_at.as_micros())
            }
        }
    }
}
