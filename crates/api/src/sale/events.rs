//! What happens to sales, as events of the journal.

use catalog::clock::Timestamp;
use catalog::ids::{EditionId, ImpressionId};
use catalog::journal::Event;
use serde::Serialize;

use super::{AmountRefund, Reference, Sale, SaleId, ShopEvent};

/// An event of a sale.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum SaleEvent {
    /// A sale was written down and a sheet reserved for it.
    Recorded {
        /// Which.
        sale_id: SaleId,
        /// The shop or marketplace.
        channel: Reference,
        /// Its order.
        order: Reference,
        /// The line of that order.
        line: Reference,
        /// The unit of that line.
        unit: u16,
        /// The edition.
        edition_id: EditionId,
        /// The sheet.
        impression_id: ImpressionId,
        /// The price in minor units.
        amount_minor: i64,
        /// Of which currency.
        currency: &'static str,
        /// When the shop sold it.
        sold_at: Timestamp,
    },
    /// Another sheet was packed than the reserved one.
    SheetExchanged {
        /// Which sale.
        sale_id: SaleId,
        /// The sheet that had been reserved.
        reserved: ImpressionId,
        /// The one that was packed.
        packed: ImpressionId,
    },
    /// The sheet left the house.
    Shipped {
        /// Which sale.
        sale_id: SaleId,
        /// The sheet.
        impression_id: ImpressionId,
        /// Who carries it.
        carrier: Reference,
        /// The carrier's reference.
        tracking_ref: Option<Reference>,
        /// When it left.
        shipped_at: Timestamp,
    },
    /// The sheet arrived.
    Delivered {
        /// Which sale.
        sale_id: SaleId,
        /// When.
        delivered_at: Timestamp,
    },
    /// The shop told of something else that happened to it.
    Told {
        /// Which sale.
        sale_id: SaleId,
        /// The kind of this event.
        #[serde(skip)]
        kind: &'static str,
        /// When it happened.
        happened_at: Timestamp,
        /// What came of it: the condition of the sheet, the outcome of a dispute.
        #[serde(skip_serializing_if = "Option::is_none")]
        outcome: Option<&'static str>,
    },
    /// Money went back without undoing the sale.
    AmountRefunded {
        /// Which sale.
        sale_id: SaleId,
        /// The shop's name for it.
        reference: Reference,
        /// How much, in minor units of the price's currency.
        amount_minor: i64,
        /// When.
        refunded_at: Timestamp,
    },
    /// The token is out of reach though its sale was undone.
    TokenFlagged {
        /// Which sale.
        sale_id: SaleId,
        /// The token.
        token_id: String,
        /// Why.
        cause: &'static str,
    },
    /// The sale stands again, and so does its token.
    TokenUnflagged {
        /// Which sale.
        sale_id: SaleId,
        /// The token.
        token_id: String,
    },
    /// The buyer may return the sheet when its token can no longer be voided.
    WindowOutlivesLock {
        /// Which sale.
        sale_id: SaleId,
    },
}

impl SaleEvent {
    /// What the shop told of `sale`, which stands as it does after it.
    #[must_use]
    pub fn told(sale: &Sale, event: &ShopEvent) -> Self {
        let sale_id = sale.sale_id.clone();
        let told =
            |kind, happened_at, outcome| Self::Told { sale_id: sale_id.clone(), kind, happened_at, outcome };
        match event {
            ShopEvent::Paid => Self::recorded(sale),
            ShopEvent::Shipped { shipment, .. } => Self::Shipped {
                sale_id,
                impression_id: sale.impression_id.clone(),
                carrier: shipment.carrier.clone(),
                tracking_ref: shipment.tracking_ref.clone(),
                shipped_at: shipment.shipped_at,
            },
            ShopEvent::Delivered { delivered_at } => Self::Delivered { sale_id, delivered_at: *delivered_at },
            ShopEvent::Lost { lost_at } => told("sale_lost", *lost_at, None),
            ShopEvent::Canceled { canceled_at } => told("sale_canceled", *canceled_at, None),
            ShopEvent::ReturnRequested { requested_at } => told("sale_return_requested", *requested_at, None),
            ShopEvent::ReturnGivenUp { given_up_at } => told("sale_return_given_up", *given_up_at, None),
            ShopEvent::Received { received_at } => told("sale_received", *received_at, None),
            ShopEvent::Inspected { condition, inspected_at } => {
                told("sale_inspected", *inspected_at, Some(condition.as_str()))
            }
            ShopEvent::Refunded { stage, refunded_at } => {
                told("sale_refunded", *refunded_at, Some(stage.as_str()))
            }
            ShopEvent::AmountRefunded(AmountRefund { reference, amount, refunded_at }) => {
                Self::AmountRefunded {
                    sale_id,
                    reference: reference.clone(),
                    amount_minor: amount.amount_minor(),
                    refunded_at: *refunded_at,
                }
            }
            ShopEvent::Disputed { outcome, occurred_at } => {
                told("sale_disputed", *occurred_at, Some(outcome.as_str()))
            }
        }
    }

    /// That `sale` was written down.
    #[must_use]
    pub fn recorded(sale: &Sale) -> Self {
        Self::Recorded {
            sale_id: sale.sale_id.clone(),
            channel: sale.unit.channel.clone(),
            order: sale.unit.order.clone(),
            line: sale.unit.line.clone(),
            unit: sale.unit.unit_no,
            edition_id: sale.edition_id.clone(),
            impression_id: sale.impression_id.clone(),
            amount_minor: sale.price.amount_minor(),
            currency: sale.price.currency(),
            sold_at: sale.sold_at,
        }
    }
}

impl Event for SaleEvent {
    fn kind(&self) -> &'static str {
        match self {
            Self::Recorded { .. } => "sale_recorded",
            Self::SheetExchanged { .. } => "sale_sheet_exchanged",
            Self::Shipped { .. } => "sale_shipped",
            Self::Delivered { .. } => "sale_delivered",
            Self::Told { kind, .. } => kind,
            Self::AmountRefunded { .. } => "sale_amount_refunded",
            Self::TokenFlagged { .. } => "token_flagged",
            Self::TokenUnflagged { .. } => "token_unflagged",
            Self::WindowOutlivesLock { .. } => "window_outlives_lock",
        }
    }

    fn subject(&self) -> String {
        match self {
            Self::Recorded { sale_id, .. }
            | Self::SheetExchanged { sale_id, .. }
            | Self::Shipped { sale_id, .. }
            | Self::Delivered { sale_id, .. }
            | Self::Told { sale_id, .. }
            | Self::AmountRefunded { sale_id, .. }
            | Self::TokenFlagged { sale_id, .. }
            | Self::TokenUnflagged { sale_id, .. }
            | Self::WindowOutlivesLock { sale_id } => sale_id.to_string(),
        }
    }
}
