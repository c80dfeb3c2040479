//! A row of `sales` becomes a sale only when all its columns agree.

use catalog::clock::Timestamp;
use catalog::db::DbError;

use crate::sale::{
    Cause, Condition, Dispute, Goods, Journey, Money, OrderUnit, Payment, Reference, ReturnWish, Sale,
    Shipment,
};

/// The columns of a sale, in the order of [`SaleRow`].
macro_rules! columns {
    () => {
        "sales.sale_id,
               channel,
               order_ref,
               line_ref,
               unit_no,
               edition_id,
               impression_id,
               holds_impression,
               price_minor,
               currency,
               sold_at,
               payment,
               dispute,
               goods,
               carrier,
               tracking_ref,
               shipped_at,
               delivered_at,
               disputed_at,
               return_wish,
               return_wish_at,
               token_flag,
               facts_sha256,
               sales.created_at"
    };
}
pub(in crate::store) use columns;

#[derive(sqlx::FromRow)]
pub(in crate::store) struct SaleRow {
    sale_id: String,
    channel: String,
    order_ref: String,
    line_ref: String,
    unit_no: i64,
    edition_id: String,
    impression_id: String,
    holds_impression: i64,
    price_minor: i64,
    currency: String,
    sold_at: i64,
    payment: String,
    dispute: String,
    goods: String,
    carrier: Option<String>,
    tracking_ref: Option<String>,
    shipped_at: Option<i64>,
    delivered_at: Option<i64>,
    disputed_at: Option<i64>,
    return_wish: Option<String>,
    return_wish_at: Option<i64>,
    token_flag: Option<String>,
    facts_sha256: String,
    created_at: i64,
}

impl SaleRow {
    fn odd(&self, problem: impl ToString) -> DbError {
        DbError::inconsistent("sales", &self.sale_id, problem)
    }

    fn moment(&self, micros: i64) -> Result<Timestamp, DbError> {
        Timestamp::from_micros(micros).map_err(|e| self.odd(e))
    }

    fn reference(&self, field: &'static str, text: &str) -> Result<Reference, DbError> {
        Reference::parse(field, text).map_err(|e| self.odd(e))
    }

    fn shipment(&self) -> Result<Option<Shipment>, DbError> {
        let (carrier, shipped_at) = match (&self.carrier, self.shipped_at) {
            (None, None) if self.tracking_ref.is_none() => return Ok(None),
            (Some(carrier), Some(shipped_at)) => (carrier, shipped_at),
            _ => return Err(self.odd("half a shipment")),
        };
        let tracking_ref = self.tracking_ref.as_deref();
        Ok(Some(Shipment {
            carrier: self.reference("carrier", carrier)?,
            tracking_ref: tracking_ref.map(|text| self.reference("tracking_ref", text)).transpose()?,
            shipped_at: self.moment(shipped_at)?,
        }))
    }

    fn goods(&self) -> Result<Goods, DbError> {
        let delivered_at = self.delivered_at.map(|micros| self.moment(micros)).transpose()?;
        match (self.goods.as_str(), self.shipment()?, delivered_at) {
            ("reserved", None, None) => Ok(Goods::Reserved),
            ("canceled", None, None) => Ok(Goods::Canceled),
            ("shipped", Some(shipment), None) => Ok(Goods::Shipped(shipment)),
            ("delivered", Some(shipment), Some(delivered_at)) => {
                Ok(Goods::Delivered { shipment, delivered_at })
            }
            (word, Some(shipment), delivered_at) => {
                let journey = Journey { shipment, delivered_at };
                Ok(match word {
                    "lost" => Goods::Lost(journey),
                    "return_requested" => Goods::ReturnRequested(journey),
                    "received" => Goods::Received(journey),
                    "inspected_same" => Goods::Inspected(journey, Condition::SameSheet),
                    "inspected_swapped" => Goods::Inspected(journey, Condition::Swapped),
                    "inspected_damaged" => Goods::Inspected(journey, Condition::Damaged),
                    _ => return Err(self.odd("the goods and their facts disagree")),
                })
            }
            _ => Err(self.odd("the goods and their facts disagree")),
        }
    }

    fn return_wish(&self) -> Result<Option<ReturnWish>, DbError> {
        match (&self.return_wish, self.return_wish_at) {
            (None, None) => Ok(None),
            (Some(word), Some(at)) => ReturnWish::from_word(word, self.moment(at)?)
                .map(Some)
                .ok_or_else(|| self.odd("unknown wish")),
            _ => Err(self.odd("half a wish")),
        }
    }

    fn token_flag(&self) -> Result<Option<Cause>, DbError> {
        let cause = |word| Cause::from_word(word).ok_or_else(|| self.odd("unknown flag"));
        self.token_flag.as_deref().map(cause).transpose()
    }
}

impl TryFrom<SaleRow> for Sale {
    type Error = DbError;

    fn try_from(row: SaleRow) -> Result<Self, Self::Error> {
        let goods = row.goods()?;
        Ok(Self {
            sale_id: row.sale_id.parse().map_err(|e| row.odd(e))?,
            unit: OrderUnit {
                channel: row.reference("channel", &row.channel)?,
                order: row.reference("order", &row.order_ref)?,
                line: row.reference("line", &row.line_ref)?,
                unit_no: u16::try_from(row.unit_no).map_err(|e| row.odd(e))?,
            },
            edition_id: row.edition_id.parse().map_err(|e| row.odd(e))?,
            impression_id: row.impression_id.parse().map_err(|e| row.odd(e))?,
            price: Money::parse(row.price_minor, &row.currency).map_err(|e| row.odd(e))?,
            sold_at: row.moment(row.sold_at)?,
            payment: Payment::from_word(&row.payment).ok_or_else(|| row.odd("unknown payment"))?,
            dispute: Dispute::from_word(&row.dispute).ok_or_else(|| row.odd("unknown dispute"))?,
            disputed_at: row.disputed_at.map(|micros| row.moment(micros)).transpose()?,
            goods,
            return_wish: row.return_wish()?,
            holds_impression: row.holds_impression == 1,
            token_flag: row.token_flag()?,
            facts: row.facts_sha256.parse().map_err(|e| row.odd(e))?,
            created_at: row.moment(row.created_at)?,
        })
    }
}
