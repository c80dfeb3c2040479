//! A sale: one impression to one buyer.
//!
//! Three independent facts, which never overwrite each other: the payment (with its dispute), the goods, and the
//! settlement, which is not kept here at all but read from the token. An event touches one of them, consumes the
//! sale and gives the next one, or a [`Refusal`] and nothing has changed ([`Sale::hear`]). What the sale then asks of
//! claim, token and sheet depends on where things stand and not on the way there ([`due`]).

mod due;
mod events;
mod goods;
mod hearing;
mod money;
mod order_line;
mod safekeeping;
mod shop_event;

use catalog::clock::Timestamp;
use catalog::digest::Sha256Digest;
use catalog::ids::{EditionId, ImpressionId};
use catalog::impression::{self, Impression, ImpressionState};
use catalog::typed_id;

pub use due::{Cause, ClaimStanding, Due, Effect, Handing, Known, LAST_CALL, TokenStanding, due};
pub use events::SaleEvent;
pub use goods::{Condition, Goods, Journey, ReturnWish, Shipment};
pub use money::Money;
pub(crate) use order_line::check_moment;
pub use order_line::{OrderLine, Quantity, Reference, Wanted};
pub use safekeeping::{NotInReach, may_release, may_surrender};
pub use shop_event::{AmountRefund, DisputeOutcome, RefundStage, Refusal, ShopEvent};

typed_id!(
    /// A sale: `sale_…`.
    SaleId, "sale");

/// Where the money is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payment {
    /// With the shop.
    Paid,
    /// On its way back.
    RefundPending,
    /// With the buyer again.
    Refunded,
}

/// Whether the buyer's bank contests the payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dispute {
    /// Nobody does.
    None,
    /// It does; reopened is open again.
    Open,
    /// The shop kept the money.
    Won,
    /// The buyer got it back.
    Lost,
}

/// Declares the words of an enum of plain states.
macro_rules! words {
    ($name:ident { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl $name {
            /// The word in the database and in JSON.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }

            /// The state that `word` names.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                [$(Self::$variant),+].into_iter().find(|state| state.as_str() == word)
            }
        }
    };
}

words!(Payment { Paid => "paid", RefundPending => "refund_pending", Refunded => "refunded" });
words!(Dispute { None => "none", Open => "open", Won => "won", Lost => "lost" });

/// One unit of a line of a shop's order: what is sold is one sheet, so quantity 3 is three units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderUnit {
    /// The shop or marketplace.
    pub channel: Reference,
    /// Its order.
    pub order: Reference,
    /// The line of that order.
    pub line: Reference,
    /// Which unit of the line: 1, 2, …
    pub unit_no: u16,
}

/// A sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sale {
    /// Its id.
    pub sale_id: SaleId,
    /// What it is in the shop's books; unique for ever.
    pub unit: OrderUnit,
    /// The edition sold from.
    pub edition_id: EditionId,
    /// The sheet.
    pub impression_id: ImpressionId,
    /// The price of this unit.
    pub price: Money,
    /// When the shop sold it.
    pub sold_at: Timestamp,
    /// Where the money is.
    pub payment: Payment,
    /// Whether it is contested.
    pub dispute: Dispute,
    /// The moment of the newest word about that.
    pub disputed_at: Option<Timestamp>,
    /// Where the sheet is.
    pub goods: Goods,
    /// The buyer's last word on sending it back.
    pub return_wish: Option<ReturnWish>,
    /// Whether the sheet is this sale's: until it may be sold again.
    pub holds_impression: bool,
    /// Why its token, which is out of reach, bears a flag.
    pub token_flag: Option<Cause>,
    /// Digest of the order line's facts as given ([`OrderLine::facts_digest`]).
    pub facts: Sha256Digest,
    /// When we wrote it down.
    pub created_at: Timestamp,
}

/// What an event did: most shops send some events twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<T> {
    /// The state is a new one.
    Changed(T),
    /// The event told what was known.
    Unchanged(T),
}

impl Sale {
    /// Writes down the sale of `impression` as unit `unit_no` of `line`: paid, and the sheet reserved.
    #[must_use]
    pub fn record(
        sale_id: SaleId,
        line: &OrderLine,
        unit_no: u16,
        impression_id: ImpressionId,
        facts: Sha256Digest,
        created_at: Timestamp,
    ) -> Self {
        Self {
            sale_id,
            unit: OrderUnit {
                channel: line.channel.clone(),
                order: line.order.clone(),
                line: line.line.clone(),
                unit_no,
            },
            edition_id: line.edition_id.clone(),
            impression_id,
            price: line.price,
            sold_at: line.sold_at,
            payment: Payment::Paid,
            dispute: Dispute::None,
            disputed_at: None,
            goods: Goods::Reserved,
            return_wish: None,
            holds_impression: true,
            token_flag: None,
            facts,
            created_at,
        }
    }
}

/// A packed sheet that cannot stand in for the reserved one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotExchangeable {
    /// The token of the reserved sheet is already asked for.
    #[error("another sheet was packed after the claim was redeemed; the token names the reserved one")]
    Redeemed,
    /// It is not of the edition that was sold.
    #[error("the packed sheet is of another edition")]
    AnotherEdition,
    /// It belongs to another sale, or must not be sold.
    #[error("the packed sheet is {}, not available", .0.as_str())]
    NotAvailable(ImpressionState),
}

/// Exchanges the sheet that a sale had reserved for the one that was packed: the first is free again, unless it was
/// withdrawn meanwhile, and the second reserved. Only while no token names the first.
pub fn exchange(
    reserved: Impression,
    packed: Impression,
    redeemed: bool,
) -> Result<(Impression, Impression), NotExchangeable> {
    if redeemed {
        return Err(NotExchangeable::Redeemed);
    }
    if reserved.edition_id != packed.edition_id {
        return Err(NotExchangeable::AnotherEdition);
    }
    let not_available = |refused: impression::InvalidTransition| NotExchangeable::NotAvailable(refused.from);
    let packed = packed.reserve().map_err(not_available)?;
    let freed = match reserved.state {
        ImpressionState::Withdrawn => reserved,
        _ => reserved.move_to(ImpressionState::Available).map_err(not_available)?,
    };
    Ok((freed, packed))
}

#[cfg(test)]
mod tests;
