//! Tables `gas_days` and `gas_spends`: what the attempts of a day cost at worst, and at last really.

use catalog::db::{DbError, Tx};

use crate::purse::Gwei;
use crate::transaction::TransactionId;

catalog::statements! {
    LOCK_DAY = "
        INSERT INTO gas_days (day, promises)
        VALUES ($1, 1)
        ON CONFLICT (day) DO UPDATE
        SET promises = gas_days.promises + 1";
    SPENT_BY_OTHERS = "
        SELECT CAST(coalesce(sum(gwei), 0) AS BIGINT)
        FROM gas_spends
        WHERE day = $1
          AND transaction_id <> $2";
    SPENT = "
        SELECT CAST(coalesce(sum(gwei), 0) AS BIGINT)
        FROM gas_spends
        WHERE day = $1";
    PROMISE = "
        INSERT INTO gas_spends (
            transaction_id,
            day,
            gwei
        ) VALUES ($1, $2, $3)
        ON CONFLICT (transaction_id, day) DO UPDATE
        SET gwei = excluded.gwei
        WHERE gas_spends.gwei < excluded.gwei";
    SETTLE = "
        UPDATE gas_spends
        SET gwei = CASE
                WHEN day = (
                    SELECT max(newest.day)
                    FROM gas_spends AS newest
                    WHERE newest.transaction_id = $1
                ) THEN CAST($2 AS BIGINT)
                ELSE 0
            END
        WHERE transaction_id = $1";
}

fn number(gwei: Gwei) -> i64 {
    i64::try_from(gwei.get()).unwrap_or(i64::MAX)
}

fn gwei(day: i64, sum: i64) -> Result<Gwei, DbError> {
    u64::try_from(sum).map(Gwei::new).map_err(|problem| DbError::inconsistent("gas_spends", day, problem))
}

/// What the other transactions of a day come to. Whoever asks keeps the day to itself until the database
/// transaction ends, so that two lanes cannot promise the same rest.
pub(crate) async fn hold_day(tx: &mut Tx, day: i64, except: &TransactionId) -> Result<Gwei, DbError> {
    tx.execute(LOCK_DAY, &[day.into()]).await?;
    let (sum,): (i64,) = tx.fetch_one(SPENT_BY_OTHERS, &[day.into(), except.into()]).await?;
    gwei(day, sum)
}

/// What a day comes to now.
pub async fn spent_on(tx: &mut Tx, day: i64) -> Result<Gwei, DbError> {
    let (sum,): (i64,) = tx.fetch_one(SPENT, &[day.into()]).await?;
    gwei(day, sum)
}

/// Writes what a transaction costs at worst by the attempts signed on that day. The day is held.
pub(crate) async fn promise(
    tx: &mut Tx,
    transaction_id: &TransactionId,
    day: i64,
    worst: Gwei,
) -> Result<(), DbError> {
    tx.execute(PROMISE, &[transaction_id.into(), day.into(), number(worst).into()]).await?;
    Ok(())
}

/// Writes what a transaction really cost, on the last day that an attempt of it was signed.
pub(crate) async fn settle_spend(
    tx: &mut Tx,
    transaction_id: &TransactionId,
    cost: Gwei,
) -> Result<(), DbError> {
    tx.execute(SETTLE, &[transaction_id.into(), number(cost).into()]).await?;
    Ok(())
}
