//! Table `sales`.

pub(super) mod row;

use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx};
use catalog::ids::{EditionId, ImpressionId};
use minting::token::TokenId;

use self::row::{SaleRow, columns};
use super::claims::{self, ClaimRow};
use crate::claim::Claim;
use crate::sale::{Cause, Reference, ReturnWish, Sale, SaleId};

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
            disputed_at = $11,
            return_wish = $12,
            return_wish_at = $13,
            token_flag = $14,
            waits = $15,
            updated_at = $16
        WHERE sale_id = $1";
    SET_WAITING = "
        UPDATE sales
        SET waits = 1
        WHERE sale_id = $1";
    LIST_WAITING = "
        SELECT sale_id
        FROM sales
        WHERE waits = 1
          AND sale_id > $1
        ORDER BY sale_id
        LIMIT $2";
    FIND_OF_TOKEN = concat!("
        SELECT ", columns!(), "
        FROM sales
        JOIN claims ON claims.sale_id = sales.sale_id
        WHERE claims.token_id = $1");
    @locked {
        LOCK_WITH_CLAIM = concat!("
            SELECT ", columns!(), ",
                   ", claims::columns!(), "
            FROM sales
            JOIN claims ON claims.sale_id = sales.sale_id
            WHERE sales.sale_id = $1");
        LOCK = concat!("
            SELECT ", columns!(), "
            FROM sales
            WHERE sale_id = $1");
        LOCK_HOLDER = concat!("
            SELECT ", columns!(), "
            FROM sales
            WHERE impression_id = $1
              AND holds_impression = 1");
    }
}

#[derive(sqlx::FromRow)]
struct SaleAndClaimRow {
    #[sqlx(flatten)]
    sale: SaleRow,
    #[sqlx(flatten)]
    claim: ClaimRow,
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
        sale.holds_impression.into(),
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

/// The sale with that id and its claim, both locked until the transaction ends.
pub async fn lock_sale_with_claim(tx: &mut Tx, sale_id: &SaleId) -> Result<Option<(Sale, Claim)>, DbError> {
    let row: Option<SaleAndClaimRow> = tx.fetch_optional(LOCK_WITH_CLAIM, &[sale_id.into()]).await?;
    match row {
        Some(SaleAndClaimRow { sale, claim }) => Ok(Some((sale.try_into()?, claim.try_into()?))),
        None if find_sale(tx, sale_id).await?.is_none() => Ok(None),
        None => Err(DbError::inconsistent("sales", sale_id, "a sale without a claim")),
    }
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

/// Writes what an event changed about a sale, and whether it waits for the chain or for the clock.
pub async fn update_sale(tx: &mut Tx, sale: &Sale, waits: bool, at: Timestamp) -> Result<(), DbError> {
    let shipment = sale.goods.shipment();
    let values = [
        (&sale.sale_id).into(),
        (&sale.impression_id).into(),
        sale.holds_impression.into(),
        sale.payment.as_str().into(),
        sale.dispute.as_str().into(),
        sale.goods.as_str().into(),
        shipment.map(|shipment| shipment.carrier.as_str()).into(),
        shipment.and_then(|shipment| shipment.tracking_ref.as_ref()).map(Reference::as_str).into(),
        shipment.map(|shipment| shipment.shipped_at).into(),
        sale.goods.delivered_at().into(),
        sale.disputed_at.into(),
        sale.return_wish.map(ReturnWish::as_str).into(),
        sale.return_wish.map(ReturnWish::at).into(),
        sale.token_flag.map(Cause::as_str).into(),
        waits.into(),
        at.into(),
    ];
    tx.execute(UPDATE, &values).await?;
    Ok(())
}

/// Says that a sale waits for the chain or for the clock.
pub async fn set_waiting(tx: &mut Tx, sale_id: &SaleId) -> Result<(), DbError> {
    tx.execute(SET_WAITING, &[sale_id.into()]).await?;
    Ok(())
}

/// At most `limit` sales that wait for the chain or for the clock, in order of their ids, after `after`.
pub async fn list_waiting_sales(
    tx: &mut Tx,
    after: Option<&SaleId>,
    limit: u32,
) -> Result<Vec<SaleId>, DbError> {
    let after = after.map_or("", SaleId::as_str);
    let rows: Vec<(String,)> = tx.fetch_all(LIST_WAITING, &[after.into(), limit.into()]).await?;
    let id =
        |(text,): &(String,)| text.parse().map_err(|problem| DbError::inconsistent("sales", text, problem));
    rows.iter().map(id).collect()
}

/// The sale that a sheet belongs to, locked until the transaction ends.
pub async fn lock_holder(tx: &mut Tx, impression_id: &ImpressionId) -> Result<Option<Sale>, DbError> {
    let row: Option<SaleRow> = tx.fetch_optional(LOCK_HOLDER, &[impression_id.into()]).await?;
    row.map(TryInto::try_into).transpose()
}

/// The sale whose claim asked for a token.
pub async fn find_sale_of_token(tx: &mut Tx, token_id: TokenId) -> Result<Option<Sale>, DbError> {
    let row: Option<SaleRow> = tx.fetch_optional(FIND_OF_TOKEN, &[token_id.into()]).await?;
    row.map(TryInto::try_into).transpose()
}
