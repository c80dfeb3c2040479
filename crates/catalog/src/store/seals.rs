//! The seals of table `journal`, and table `journal_head`, the end of their chain. Rows are read here as they stand,
//! unchecked: a seal is over what the database holds.

use crate::clock::Timestamp;
use crate::db::{DbError, Tx, Value};
use crate::digest::Sha256Digest;

crate::statements! {
    LIST_UNSEALED = "
        SELECT sequence,
               event_id,
               occurred_at,
               actor,
               reason,
               request_id,
               kind,
               subject,
               payload
        FROM journal
        WHERE position IS NULL
        ORDER BY sequence
        LIMIT $1";
    LIST_SEALED = "
        SELECT position,
               sealed_at,
               hash,
               sequence,
               event_id,
               occurred_at,
               actor,
               reason,
               request_id,
               kind,
               subject,
               payload
        FROM journal
        WHERE position > $1
        ORDER BY position
        LIMIT $2";
    FIND_HASH = "
        SELECT hash
        FROM journal
        WHERE position = $1";
    COUNT_SEALED = "
        SELECT count(*)
        FROM journal
        WHERE position IS NOT NULL";
    COUNT_UNSEALED = "
        SELECT count(*),
               min(occurred_at)
        FROM journal
        WHERE position IS NULL";
    FIND_HEAD = "
        SELECT position,
               hash,
               sealed_at
        FROM journal_head
        WHERE journal_head_id = 1";
    MOVE_HEAD = "
        UPDATE journal_head
        SET position = $1,
            hash = $2,
            sealed_at = $3
        WHERE journal_head_id = 1";
    @locked {
        LOCK_HEAD = "
            SELECT position,
                   hash,
                   sealed_at
            FROM journal_head
            WHERE journal_head_id = 1";
    }
    @rows {
        // The plus keeps SQLite from looking at every row without a position for each one that is given.
        SEAL = "
        UPDATE journal
        SET position = CAST(item.value ->> 1 AS BIGINT),
            sealed_at = $2,
            hash = item.value ->> 2
        FROM", rows("$1"), "
        WHERE sequence = CAST(item.value ->> 0 AS BIGINT)
          AND +position IS NULL";
    }
}

/// A row of the journal as it stands.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct JournalRow {
    /// The order in which rows were written; those of other transactions may lie between two of one.
    pub sequence: i64,
    /// Its id.
    pub event_id: String,
    /// When it happened, in microseconds.
    pub occurred_at: i64,
    /// Who caused it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// In which request; none in rows from before it was always kept.
    pub request_id: Option<String>,
    /// What happened.
    pub kind: String,
    /// To what.
    pub subject: String,
    /// Canonical JSON.
    pub payload: String,
}

/// A row of the journal with its seal.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SealedRow {
    /// Its place in the chain, from 1.
    pub position: i64,
    /// When it was sealed, in microseconds.
    pub sealed_at: i64,
    /// Its hash, 64 hex digits.
    pub hash: String,
    /// The row.
    #[sqlx(flatten)]
    pub row: JournalRow,
}

/// The end of the chain of seals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedHead {
    /// How many rows are sealed: the place of the last one.
    pub position: i64,
    /// Its hash; before the first row a fixed one.
    pub hash: Sha256Digest,
    /// When it was sealed.
    pub sealed_at: Timestamp,
}

/// What waits for its seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsealed {
    /// How many rows.
    pub rows: i64,
    /// When the oldest of them happened.
    pub oldest: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct HeadRow {
    position: i64,
    hash: String,
    sealed_at: i64,
}

impl TryFrom<HeadRow> for SealedHead {
    type Error = DbError;

    fn try_from(row: HeadRow) -> Result<Self, Self::Error> {
        let odd = |problem: &dyn std::fmt::Display| DbError::inconsistent("journal_head", 1, problem);
        Ok(Self {
            position: row.position,
            hash: row.hash.parse().map_err(|e| odd(&e))?,
            sealed_at: Timestamp::from_micros(row.sealed_at).map_err(|e| odd(&e))?,
        })
    }
}

/// Rows that have no seal yet, in the order of their writing. Those of a transaction that is not committed are not there.
pub async fn list_unsealed(tx: &mut Tx, limit: u32) -> Result<Vec<JournalRow>, DbError> {
    tx.fetch_all(LIST_UNSEALED, &[limit.into()]).await
}

/// How much waits for its seal, and since when.
pub async fn count_unsealed(tx: &mut Tx) -> Result<Unsealed, DbError> {
    let (rows, oldest): (i64, Option<i64>) = tx.fetch_one(COUNT_UNSEALED, &[]).await?;
    let oldest = oldest.map(Timestamp::from_micros).transpose();
    let oldest = oldest.map_err(|problem| DbError::inconsistent("journal", "unsealed", problem))?;
    Ok(Unsealed { rows, oldest })
}

/// Seals rows: the sequence, place and hash of each. Fails when one has a seal already.
pub async fn seal_rows(
    tx: &mut Tx,
    seals: &[(i64, i64, Sha256Digest)],
    at: Timestamp,
) -> Result<(), DbError> {
    let sealed = tx.execute(SEAL, &[Value::rows(seals)?, at.into()]).await?;
    if usize::try_from(sealed) == Ok(seals.len()) {
        return Ok(());
    }
    let first = seals.first().map_or(0, |(sequence, ..)| *sequence);
    Err(DbError::inconsistent("journal", first, "rows from here on were sealed by somebody else"))
}

/// Sealed rows after a place, in the order of the chain.
pub async fn list_sealed(tx: &mut Tx, after: i64, limit: u32) -> Result<Vec<SealedRow>, DbError> {
    tx.fetch_all(LIST_SEALED, &[after.into(), limit.into()]).await
}

/// The hash at a place of the chain.
pub async fn find_sealed_hash(tx: &mut Tx, position: i64) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = tx.fetch_optional(FIND_HASH, &[position.into()]).await?;
    Ok(row.map(|(hash,)| hash))
}

/// How many rows claim to be sealed.
pub async fn count_sealed(tx: &mut Tx) -> Result<i64, DbError> {
    let (rows,): (i64,) = tx.fetch_one(COUNT_SEALED, &[]).await?;
    Ok(rows)
}

fn there(row: Option<HeadRow>) -> Result<SealedHead, DbError> {
    row.ok_or_else(|| DbError::inconsistent("journal_head", 1, "not there"))?.try_into()
}

/// The end of the chain.
pub async fn find_sealed_head(tx: &mut Tx) -> Result<SealedHead, DbError> {
    there(tx.fetch_optional(FIND_HEAD, &[]).await?)
}

/// The end of the chain, held until the transaction ends: sealers wait for each other here, and writers for nobody.
pub async fn lock_sealed_head(tx: &mut Tx) -> Result<SealedHead, DbError> {
    there(tx.fetch_optional(LOCK_HEAD, &[]).await?)
}

/// Moves the end of the chain.
pub async fn move_sealed_head(tx: &mut Tx, head: &SealedHead) -> Result<(), DbError> {
    tx.execute(MOVE_HEAD, &[head.position.into(), head.hash.into(), head.sealed_at.into()]).await?;
    Ok(())
}
