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
    /// Lost on its way.
    Lost(Shipment),
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

    /// How the sheet left the house, if it did.
    #[must_use]
    pub fn shipment(&self) -> Option<&Shipment> {
        match self {
            Self::Reserved | Self::Canceled => None,
            Self::Shipped(shipment) | Self::Delivered { shipment, .. } | Self::Lost(shipment) => {
                Some(shipment)
            }
            Self::ReturnRequested(journey) | Self::Received(journey) | Self::Inspected(journey, _) => {
                Some(&journey.shipment)
            }
        }
    }

    /// When the sheet arrived, if it is known to have.
    #[must_use]
    pub fn delivered_at(&self) -> Option<Timestamp> {
        match self {
            Self::Reserved | Self::Canceled | Self::Shipped(_) | Self::Lost(_) => None,
            Self::Delivered { delivered_at, .. } => Some(*delivered_at),
            Self::ReturnRequested(journey) | Self::Received(journey) | Self::Inspected(journey, _) => {
                journey.delivered_at
            }
        }
    }

    /// True while the sale has a right to its sheet, so that no other sale can have one.
    #[must_use]
    pub fn hold_the_impression(&self) -> bool {
        !matches!(self, Self::Canceled | Self::Inspected(..))
    }
}
