//! Where the sheet of a sale is, as far as the shop has told.

use catalog::clock::Timestamp;
use catalog::invalid::InvalidField;

use super::order_line::Reference;

/// A sheet handed to a carrier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipment {
    /// Who carries it.
    pub carrier: Reference,
    /// The carrier's reference.
    pub tracking_ref: Option<Reference>,
    /// When it left the house.
    pub shipped_at: Timestamp,
}

impl Shipment {
    /// Checks what the shop tells about a shipment, at the moment `now`.
    pub fn parse(
        carrier: &str,
        tracking_ref: Option<&str>,
        shipped_at: Timestamp,
        now: Timestamp,
    ) -> Result<Self, InvalidField> {
        super::check_moment("shipped_at", "shipped_at_invalid", shipped_at, now)?;
        let tracking_ref = tracking_ref.map(|text| Reference::parse("tracking_ref", text)).transpose()?;
        Ok(Self { carrier: Reference::parse("carrier", carrier)?, tracking_ref, shipped_at })
    }
}

/// A sheet that left the house, and whether it is known to have arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journey {
    /// How it left.
    pub shipment: Shipment,
    /// When it arrived, if somebody told.
    pub delivered_at: Option<Timestamp>,
}

/// What was found when a sheet came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The sheet that was sold, unharmed.
    SameSheet,
    /// Another sheet.
    Swapped,
    /// The sheet that was sold, damaged.
    Damaged,
}

impl Condition {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::SameSheet, Self::Swapped, Self::Damaged];

    /// The word in JSON and in the journal.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SameSheet => "same_sheet",
            Self::Swapped => "swapped",
            Self::Damaged => "damaged",
        }
    }

    /// The condition that `word` names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|condition| condition.as_str() == word)
    }
}

/// Where the sheet is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goods {
    /// In the house, kept for the buyer.
    Reserved,
    /// With the carrier.
    Shipped(Shipment),
    /// With the buyer.
    Delivered {
        /// How it got there.
        shipment: Shipment,
        /// When.
        delivered_at: Timestamp,
    },
    /// The buyer wants to send it back.
    ReturnRequested(Journey),
    /// In the house again, not yet looked at.
    Received(Journey),
    /// In the house again and looked at.
    Inspected(Journey, Condition),
    /// Lost on its way, there or back.
    Lost(Journey),
    /// It never left the house and no longer will.
    Canceled,
}

impl Goods {
    /// The word in the database and in JSON.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Shipped(_) => "shipped",
            Self::Delivered { .. } => "delivered",
            Self::ReturnRequested(_) => "return_requested",
            Self::Received(_) => "received",
            Self::Inspected(_, Condition::SameSheet) => "inspected_same",
            Self::Inspected(_, Condition::Swapped) => "inspected_swapped",
            Self::Inspected(_, Condition::Damaged) => "inspected_damaged",
            Self::Lost(_) => "lost",
            Self::Canceled => "canceled",
        }
    }

    /// The sheet on its journey, if it left the house.
    #[must_use]
    pub fn journey(&self) -> Option<Journey> {
        match self {
            Self::Reserved | Self::Canceled => None,
            Self::Shipped(shipment) => Some(Journey { shipment: shipment.clone(), delivered_at: None }),
            Self::Delivered { shipment, delivered_at } => {
                Some(Journey { shipment: shipment.clone(), delivered_at: Some(*delivered_at) })
            }
            Self::ReturnRequested(journey)
            | Self::Received(journey)
            | Self::Inspected(journey, _)
            | Self::Lost(journey) => Some(journey.clone()),
        }
    }

    /// How the sheet left the house, if it did.
    #[must_use]
    pub fn shipment(&self) -> Option<&Shipment> {
        match self {
            Self::Reserved | Self::Canceled => None,
            Self::Shipped(shipment) | Self::Delivered { shipment, .. } => Some(shipment),
            Self::ReturnRequested(journey)
            | Self::Received(journey)
            | Self::Inspected(journey, _)
            | Self::Lost(journey) => Some(&journey.shipment),
        }
    }

    /// When the sheet arrived, if it is known to have.
    #[must_use]
    pub fn delivered_at(&self) -> Option<Timestamp> {
        match self {
            Self::Reserved | Self::Canceled | Self::Shipped(_) => None,
            Self::Delivered { delivered_at, .. } => Some(*delivered_at),
            Self::ReturnRequested(journey)
            | Self::Received(journey)
            | Self::Inspected(journey, _)
            | Self::Lost(journey) => journey.delivered_at,
        }
    }

    /// True while the sheet is outside the house.
    #[must_use]
    pub fn are_out(&self) -> bool {
        matches!(self, Self::Shipped(_) | Self::Delivered { .. } | Self::ReturnRequested(_) | Self::Lost(_))
    }

    /// True from the buyer's wish to return until somebody has looked at what came back.
    #[must_use]
    pub fn are_in_return(&self) -> bool {
        matches!(self, Self::ReturnRequested(_) | Self::Received(_))
    }

    /// With the buyer, or on the way there.
    pub(super) fn kept(Journey { shipment, delivered_at }: Journey) -> Self {
        match delivered_at {
            Some(delivered_at) => Self::Delivered { shipment, delivered_at },
            None => Self::Shipped(shipment),
        }
    }
}

/// The buyer's last word on sending the sheet back; the newest stands, in whatever order they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReturnWish {
    /// Wants to.
    Return(Timestamp),
    /// Keeps it.
    Keep(Timestamp),
}

impl ReturnWish {
    /// When it was said.
    #[must_use]
    pub fn at(self) -> Timestamp {
        match self {
            Self::Return(at) | Self::Keep(at) => at,
        }
    }

    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Return(_) => "return",
            Self::Keep(_) => "keep",
        }
    }

    /// The wish that `word` names.
    #[must_use]
    pub fn from_word(word: &str, at: Timestamp) -> Option<Self> {
        match word {
            "return" => Some(Self::Return(at)),
            "keep" => Some(Self::Keep(at)),
            _ => None,
        }
    }
}
