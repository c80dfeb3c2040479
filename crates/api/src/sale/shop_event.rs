//! What a shop, a carrier or a bank tells of a sale, and how it can be refused.

use catalog::clock::Timestamp;
use catalog::ids::ImpressionId;

use super::{Condition, Dispute, Money, Reference, Shipment};

/// How far a refund of the whole sale is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundStage {
    /// Decided, and on its way to the buyer. There is no way back.
    Pending,
    /// With the buyer.
    Done,
}

impl RefundStage {
    /// The word in the journal.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
        }
    }
}

/// What a bank told of a dispute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisputeOutcome {
    /// The buyer contests the payment.
    Opened,
    /// The shop keeps the money.
    Won,
    /// The buyer has it back.
    Lost,
    /// A decided dispute goes on.
    Reopened,
}

impl DisputeOutcome {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Opened, Self::Won, Self::Lost, Self::Reopened];

    /// The word in JSON and in the journal.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Won => "won",
            Self::Lost => "lost",
            Self::Reopened => "reopened",
        }
    }

    /// The outcome that `word` names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }

    /// Where the dispute stands then.
    #[must_use]
    pub fn leaves(self) -> Dispute {
        match self {
            Self::Opened | Self::Reopened => Dispute::Open,
            Self::Won => Dispute::Won,
            Self::Lost => Dispute::Lost,
        }
    }
}

/// Money given back without undoing the sale: goodwill, a dented tube.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmountRefund {
    /// The shop's own name for it: told again, it is the same refund.
    pub reference: Reference,
    /// How much.
    pub amount: Money,
    /// When.
    pub refunded_at: Timestamp,
}

/// Something that happened to a sale. Each may be told twice, late, or out of order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShopEvent {
    /// The buyer paid. Recording a sale says so; told again it is known.
    Paid,
    /// The sheet left the house.
    Shipped {
        /// The carrier's evidence.
        shipment: Shipment,
        /// The sheet that was really packed, where the shop names it.
        packed: Option<ImpressionId>,
    },
    /// The sheet arrived.
    Delivered {
        /// When.
        delivered_at: Timestamp,
    },
    /// The carrier lost the sheet, on its way there or back.
    Lost {
        /// When that was found.
        lost_at: Timestamp,
    },
    /// The order was canceled before shipment.
    Canceled {
        /// When.
        canceled_at: Timestamp,
    },
    /// The buyer wants to send the sheet back.
    ReturnRequested {
        /// When.
        requested_at: Timestamp,
    },
    /// The buyer keeps the sheet after all.
    ReturnGivenUp {
        /// When.
        given_up_at: Timestamp,
    },
    /// A parcel came back to the house.
    Received {
        /// When.
        received_at: Timestamp,
    },
    /// Somebody looked at what came back.
    Inspected {
        /// What was found.
        condition: Condition,
        /// When.
        inspected_at: Timestamp,
    },
    /// The price of the sale goes back.
    Refunded {
        /// How far it is.
        stage: RefundStage,
        /// When.
        refunded_at: Timestamp,
    },
    /// A part of the price went back, and the sale stands.
    AmountRefunded(AmountRefund),
    /// The buyer's bank told of a dispute. The newest word stands, in whatever order the words come.
    Disputed {
        /// What it told.
        outcome: DisputeOutcome,
        /// When that happened.
        occurred_at: Timestamp,
    },
}

impl ShopEvent {
    /// The word in the journal and in `docs/LIFECYCLE.md`, a past participle.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Shipped { .. } => "shipped",
            Self::Delivered { .. } => "delivered",
            Self::Lost { .. } => "lost",
            Self::Canceled { .. } => "canceled",
            Self::ReturnRequested { .. } => "return requested",
            Self::ReturnGivenUp { .. } => "return given up",
            Self::Received { .. } => "received",
            Self::Inspected { condition, .. } => match condition {
                Condition::SameSheet => "inspected: same sheet",
                Condition::Swapped => "inspected: swapped",
                Condition::Damaged => "inspected: damaged",
            },
            Self::Refunded { stage: RefundStage::Pending, .. } => "refund pending",
            Self::Refunded { stage: RefundStage::Done, .. } => "refunded",
            Self::AmountRefunded(_) => "amount refunded",
            Self::Disputed { outcome, .. } => match outcome {
                DisputeOutcome::Opened => "dispute opened",
                DisputeOutcome::Won => "dispute won",
                DisputeOutcome::Lost => "dispute lost",
                DisputeOutcome::Reopened => "dispute reopened",
            },
        }
    }
}

/// An event that a sale does not take in. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// What comes before it has not been told yet. Told again later, it is taken in.
    #[error("a sale that is {from} is not ready for `{event}`: what comes before it has not been told yet")]
    TooEarly {
        /// Where the sale stands on the axis of the event.
        from: &'static str,
        /// What was told.
        event: &'static str,
    },
    /// It says the opposite of what was told before: a person must look.
    #[error("a sale that is {from} cannot take in `{event}`: it contradicts what was told before")]
    Contradiction {
        /// Where the sale stands on the axis of the event.
        from: &'static str,
        /// What was told.
        event: &'static str,
    },
}

impl Refusal {
    /// The stable code of the problem.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TooEarly { .. } => "sale_event_early",
            Self::Contradiction { .. } => "sale_transition_invalid",
        }
    }
}
