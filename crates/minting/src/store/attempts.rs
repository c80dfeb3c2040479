//! Table `attempts`: insert-only.

use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx};

use crate::attempt::Attempt;
use crate::fees::Fees;
use crate::signer::SignedBytes;
use crate::transaction::TransactionId;

catalog::statements! {
    INSERT_ATTEMPT = "
        INSERT INTO attempts (
            attempt_hash,
            transaction_id,
            raw,
            max_fee,
            max_priority_fee,
            fence,
            signed_at
        ) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    ATTEMPTS_OF = "
        SELECT attempt_hash,
               raw,
               max_fee,
               max_priority_fee,
               signed_at
        FROM attempts
        WHERE transaction_id = $1
        ORDER BY signed_at, attempt_hash
        LIMIT 100";
}

#[derive(sqlx::FromRow)]
struct AttemptRow {
    attempt_hash: String,
    raw: String,
    max_fee: String,
    max_priority_fee: String,
    signed_at: i64,
}

impl TryFrom<AttemptRow> for Attempt {
    type Error = DbError;

    fn try_from(row: AttemptRow) -> Result<Self, Self::Error> {
        let odd =
            |problem: &dyn std::fmt::Display| DbError::inconsistent("attempts", &row.attempt_hash, problem);
        Ok(Self {
            signed: SignedBytes {
                hash: row.attempt_hash.parse().map_err(|e| odd(&e))?,
                raw: hex::decode(&row.raw).map_err(|e| odd(&e))?,
            },
            fees: Fees {
                max_fee: row.max_fee.parse().map_err(|e| odd(&e))?,
                max_priority_fee: row.max_priority_fee.parse().map_err(|e| odd(&e))?,
            },
            signed_at: Timestamp::from_micros(row.signed_at).map_err(|e| odd(&e))?,
        })
    }
}

/// Stores signed bytes. The lane is held in the same database transaction.
pub(crate) async fn insert_attempt(
    tx: &mut Tx,
    transaction_id: &TransactionId,
    attempt: &Attempt,
    fence: i64,
) -> Result<(), DbError> {
    let values = [
        attempt.signed.hash.to_string().into(),
        transaction_id.into(),
        hex::encode(&attempt.signed.raw).into(),
        attempt.fees.max_fee.to_string().into(),
        attempt.fees.max_priority_fee.to_string().into(),
        fence.into(),
        attempt.signed_at.into(),
    ];
    tx.execute(INSERT_ATTEMPT, &values).await?;
    Ok(())
}

/// The attempts of a transaction, oldest first.
pub(crate) async fn attempts_of(
    tx: &mut Tx,
    transaction_id: &TransactionId,
) -> Result<Vec<Attempt>, DbError> {
    let rows: Vec<AttemptRow> = tx.fetch_all(ATTEMPTS_OF, &[transaction_id.into()]).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}
