//! Table `sales`.

use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx};
use catalog::ids::EditionId;

use crate::sale::{
    Condition, Dispute, Goods, Journey, Money, OrderUnit, Payment, Reference, Sale, SaleId, Shipment,
};

/// The columns of a sale, in the order of [`SaleRow`].
macro_rules! columns {
    () => {
        "sale_id,
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
               facts_sha256,
               created_at"
    };
}

catalog::statements! {
    INSERT = "
        INSERT INTO sales (
            sale_id,
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
            facts_sha256,
            created_at,
            updated_at
        ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $20)";
    FIND = concat!("
        SELECT ", columns!(), "
        FROM sales
        WHERE sale_id = $1");
    LOCK = concat!("
        UPDATE sales
        SET updated_at = updated_at
        WHERE sale_id = $1
        RETURNING ", columns!());
    LIST_OF_LINE = concat!("
        SELECT ", columns!(), "
        FROM sales
        WHERE channel = $1
          AND order_ref = $2
          AND line_ref = $3
        ORDER BY unit_no
        LIMIT 1000");
    LIST = concat!("
        SELECT ", columns!(), "
        FROM sales
        WHERE sale_id > $1
        ORDER BY sale_id
        LIMIT $2");
    LIST_OF_EDITION = concat!("
        SELECT ", columns!(), "
        FROM sales
        WHERE edition_id = $3
          AND sale_id > $1
        ORDER BY sale_id
        LIMIT $2");
    LIST_OF_ORDER = concat!("
        SELECT ", columns!(), "
        FROM sales
        WHERE channel = $3
          AND order_ref = $4
          AND sale_id > $1
        ORDER BY sale_id
        LIMIT $2");
    UPDATE = "
        UPDATE sales
        SET impression_id = $2,
            holds_impression = $3,
            payment = $4,
            dispute = $5,
            goods = $6,
            carrier = $7,
            tracking_ref = $8,
            shipped_at = $9,
            delivered_at = $10,
            updated_at = $11
        WHERE sale_id = $1";
}

#[derive(sqlx::FromRow)]
struct SaleRow {
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
        let goods = match (self.goods.as_str(), self.shipment()?, delivered_at) {
            ("reserved", None, None) => Goods::Reserved,
            ("canceled", None, None) => Goods::Canceled,
            ("shipped", Some(shipment), None) => Goods::Shipped(shipment),
            ("lost", Some(shipment), None) => Goods::Lost(shipment),
            ("delivered", Some(shipment), Some(delivered_at)) => Goods::Delivered { shipment, delivered_at },
            (word, Some(shipment), delivered_at) => {
                let journey = Journey { shipment, delivered_at };
                match word {
                    "return_requested" => Goods::ReturnRequested(journey),
                    "received" => Goods::Received(journey),
                    "inspected_same" => Goods::Inspected(journey, Condition::SameSheet),
                    "inspected_swapped" => Goods::Inspected(journey, Condition::Swapped),
                    "inspected_damaged" => Goods::Inspected(journey, Condition::Damaged),
                    _ => return Err(self.odd("the goods and their facts disagree")),
                }
            }
            _ => return Err(self.odd("the goods and their facts disagree")),
        };
        if i64::from(goods.hold_the_impression()) == self.holds_impression {
            Ok(goods)
        } else {
            Err(self.odd("the goods and the right to the sheet disagree"))
        }
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
            goods,
            facts: row.facts_sha256.parse().map_err(|e| row.odd(e))?,
            created_at: row.moment(row.created_at)?,
        })
    }
}

fn read_all(rows: Vec<SaleRow>) -> Result<Vec<Sale>, DbError> {
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Inserts a new sale. A unique key refuses a second sale of the same order line unit, and of the same sheet.
pub async fn insert_sale(tx: &mut Tx, sale: &Sale) -> Result<(), DbError> {
    let shipment = sale.goods.shipment();
    let values = [
        (&sale.sale_id).into(),
        sale.unit.channel.as_str().into(),
        sale.unit.order.as_str().into(),
        sale.unit.line.as_str().into(),
        sale.unit.unit_no.into(),
        (&sale.edition_id).into(),
        (&sale.impression_id).into(),
        sale.goods.hold_the_impression().into(),
        sale.price.amount_minor().into(),
        sale.price.currency().into(),
        sale.sold_at.into(),
        sale.payment.as_str().into(),
        sale.dispute.as_str().into(),
        sale.goods.as_str().into(),
        shipment.map(|shipment| shipment.carrier.as_str()).into(),
        shipment.and_then(|shipment| shipment.tracking_ref.as_ref()).map(Reference::as_str).into(),
        shipment.map(|shipment| shipment.shipped_at).into(),
        sale.goods.delivered_at().into(),
        sale.facts.into(),
        sale.created_at.into(),
    ];
    tx.execute(INSERT, &values).await?;
    Ok(())
}

/// The sale with that id.
pub async fn find_sale(tx: &mut Tx, sale_id: &SaleId) -> Result<Option<Sale>, DbError> {
    let row: Option<SaleRow> = tx.fetch_optional(FIND, &[sale_id.into()]).await?;
    row.map(TryInto::try_into).transpose()
}

/// The sale with that id, locked until the transaction ends: shop events and redemption are decided under this lock.
pub async fn lock_sale(tx: &mut Tx, sale_id: &SaleId) -> Result<Option<Sale>, DbError> {
    let row: Option<SaleRow> = tx.fetch_optional(LOCK, &[sale_id.into()]).await?;
    row.map(TryInto::try_into).transpose()
}

/// The sales of an order line, by unit.
pub async fn list_sales_of_line(
    tx: &mut Tx,
    channel: &Reference,
    order: &Reference,
    line: &Reference,
) -> Result<Vec<Sale>, DbError> {
    let values = [channel.as_str().into(), order.as_str().into(), line.as_str().into()];
    tx.fetch_all(LIST_OF_LINE, &values).await.and_then(read_all)
}

/// Which sales a list shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SaleFilter {
    /// All of them.
    All,
    /// Those of an edition.
    Edition(EditionId),
    /// Those of a shop's order.
    Order {
        /// The shop.
        channel: Reference,
        /// Its order.
        order: Reference,
    },
}

/// At most `limit` sales in order of their ids, after `after`.
pub async fn list_sales(
    tx: &mut Tx,
    filter: &SaleFilter,
    after: Option<&SaleId>,
    limit: u32,
) -> Result<Vec<Sale>, DbError> {
    let (after, limit) = (after.map_or("", SaleId::as_str).into(), limit.into());
    let rows = match filter {
        SaleFilter::All => tx.fetch_all(LIST, &[after, limit]).await,
        SaleFilter::Edition(edition) => tx.fetch_all(LIST_OF_EDITION, &[after, limit, edition.into()]).await,
        SaleFilter::Order { channel, order } => {
            let values = [after, limit, channel.as_str().into(), order.as_str().into()];
            tx.fetch_all(LIST_OF_ORDER, &values).await
        }
    };
    rows.and_then(read_all)
}

/// Writes what an event changed about a sale.
pub async fn update_sale(tx: &mut Tx, sale: &Sale, at: Timestamp) -> Result<(), DbError> {
    let shipment = sale.goods.shipment();
    let values = [
        (&sale.sale_id).into(),
        (&sale.impression_id).into(),
        sale.goods.hold_the_impression().into(),
        sale.payment.as_str().into(),
        sale.dispute.as_str().into(),
        sale.goods.as_str().into(),
        shipment.map(|shipment| shipment.carrier.as_str()).into(),
        shipment.and_then(|shipment| shipment.tracking_ref.as_ref()).map(Reference::as_str).into(),
        shipment.map(|shipment| shipment.shipped_at).into(),
        sale.goods.delivered_at().into(),
        at.into(),
    ];
    tx.execute(UPDATE, &values).await?;
    Ok(())
}
