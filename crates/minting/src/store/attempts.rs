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
    // By what they pay, which grows with each: clocks differ and jump. The fee is a number without leading zeros.
    ATTEMPTS_OF = "
        SELECT attempt_hash,
               raw,
               max_fee,
               max_priority_fee,
               signed_at
        FROM attempts
        WHERE transaction_id = $1
        ORDER BY length(max_fee), max_fee, attempt_hash
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
                raw: alloy::hex::decode(&row.raw).map_err(|e| odd(&e))?,
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
        alloy::hex::encode(&attempt.signed.raw).into(),
        attempt.fees.max_fee.to_string().into(),
        attempt.fees.max_priority_fee.to_string().into(),
        fence.into(),
        attempt.signed_at.into(),
    ];
    tx.execute(INSERT_ATTEMPT, &values).await?;
    Ok(())
}

/// The attempts of a transaction, the one that pays most last.
pub(crate) async fn attempts_of(
    tx: &mut Tx,
    transaction_id: &TransactionId,
) -> Result<Vec<Attempt>, DbError> {
    let rows: Vec<AttemptRow> = tx.fetch_all(ATTEMPTS_OF, &[transaction_id.into()]).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use catalog::account::Account;
    use catalog::chance::SystemChance;
    use catalog::clock::{Clock, SystemClock};
    use catalog::db::{Db, DbUrl};

    use super::*;
    use crate::call::CallKind;
    use crate::chain::{B256, Role};
    use crate::store;
    use crate::transaction::{Transaction, TransactionState};

    /// A bump is reckoned from the last attempt: reckoned from an older one, it would give bytes that are there already.
    #[tokio::test]
    async fn the_attempt_that_pays_most_is_the_last_whatever_the_clocks_said() {
        let dir = tempfile::tempdir().expect("a folder");
        let db = Db::connect(&DbUrl::Sqlite(dir.path().join("books.db"))).await.expect("connected");
        db.migrate().await.expect("migrated");
        let (now, signer) = (SystemClock.now(), Account::from_bytes([1; 20]));
        let transaction_id = TransactionId::generate(now, &SystemChance);
        let (kind, state) = (CallKind::Mint, TransactionState::Bound);
        let transaction =
            Transaction { transaction_id: transaction_id.clone(), signer, nonce: 0, kind, state };
        let mut tx = db.begin_write().await.expect("a transaction");
        store::create_lane(&mut tx, signer, Role::Minter, 0, now).await.expect("a lane");
        store::insert_bound(&mut tx, &transaction, 1, now).await.expect("a nonce");
        // The clock went back by ten minutes between each two of them.
        for (age, max_fee) in [(0, 9), (10, 10), (20, 200)] {
            let attempt = Attempt {
                signed: SignedBytes { hash: B256::repeat_byte(max_fee), raw: vec![max_fee] },
                fees: Fees { max_fee: max_fee.into(), max_priority_fee: 1 },
                signed_at: now.plus(Duration::from_mins(60 - age)),
            };
            insert_attempt(&mut tx, &transaction_id, &attempt, 1).await.expect("an attempt");
        }
        let fees = attempts_of(&mut tx, &transaction_id).await.expect("the attempts");
        assert_eq!(fees.iter().map(|attempt| attempt.fees.max_fee).collect::<Vec<_>>(), [9, 10, 200]);
    }
}
