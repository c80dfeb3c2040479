//! What happens to sales, as events of the journal.

use catalog::clock::Timestamp;
use catalog::ids::{EditionId, ImpressionId};
use catalog::journal::Event;
use serde::Serialize;

use super::{Reference, Sale, SaleId};

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
}

impl SaleEvent {
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
        }
    }

    fn subject(&self) -> String {
        match self {
            Self::Recorded { sale_id, .. }
            | Self::SheetExchanged { sale_id, .. }
            | Self::Shipped { sale_id, .. }
            | Self::Delivered { sale_id, .. } => sale_id.to_string(),
        }
    }
}
