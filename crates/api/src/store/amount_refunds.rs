//! Table `amount_refunds`.

use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx};

use crate::sale::{AmountRefund, Money, Reference, SaleId};

catalog::statements! {
    INSERT = "
        INSERT INTO amount_refunds (
            sale_id,
            refund_ref,
            amount_minor,
            currency,
            refunded_at,
            created_at
        ) VALUES ($1, $2, $3, $4, $5, $6)";
    FIND = "
        SELECT amount_minor,
               currency,
               refunded_at
        FROM amount_refunds
        WHERE sale_id = $1
          AND refund_ref = $2";
}

#[derive(sqlx::FromRow)]
struct AmountRefundRow {
    amount_minor: i64,
    currency: String,
    refunded_at: i64,
}

/// Inserts money that went back without undoing the sale.
pub async fn insert_amount_refund(
    tx: &mut Tx,
    sale_id: &SaleId,
    refund: &AmountRefund,
    at: Timestamp,
) -> Result<(), DbError> {
    let values = [
        sale_id.into(),
        refund.reference.as_str().into(),
        refund.amount.amount_minor().into(),
        refund.amount.currency().into(),
        refund.refunded_at.into(),
        at.into(),
    ];
    tx.execute(INSERT, &values).await?;
    Ok(())
}

/// The refund that the shop calls by that name.
pub async fn find_amount_refund(
    tx: &mut Tx,
    sale_id: &SaleId,
    reference: &Reference,
) -> Result<Option<AmountRefund>, DbError> {
    let row: Option<AmountRefundRow> =
        tx.fetch_optional(FIND, &[sale_id.into(), reference.as_str().into()]).await?;
    let odd = |problem: &dyn std::fmt::Display| DbError::inconsistent("amount_refunds", sale_id, problem);
    row.map(|row| {
        Ok(AmountRefund {
            reference: reference.clone(),
            amount: Money::parse(row.amount_minor, &row.currency).map_err(|e| odd(&e))?,
            refunded_at: Timestamp::from_micros(row.refunded_at).map_err(|e| odd(&e))?,
        })
    })
    .transpose()
}
