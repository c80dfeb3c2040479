//! Table `calls`: those that belong to a transaction.

use catalog::clock::Timestamp;
use catalog::db::{DbError, Sql, Tx, Value};

use super::calls::{CallRow, columns};
use crate::call::{CallId, Member};
use crate::transaction::TransactionId;

catalog::statements! {
    MEMBERS = concat!("
        SELECT ", columns!(), ",
               position
        FROM calls
        WHERE transaction_id = $1
          AND state = 'bound'");
    @rows {
        // Another lane may have been faster, or the call no longer waits: then its position stays empty.
        BIND = "
        UPDATE calls
        SET state = 'bound',
            transaction_id = $2,
            position = item.key,
            updated_at = $3
        FROM", rows("$1"), "
        WHERE call_id = item.value ->> 0
          AND state = 'queued'";
    }
}

/// None of them can be withdrawn between this check and the first stored bytes: on `SQLite` a writing transaction is alone.
pub(super) const LOCK_MEMBERS: Sql = Sql {
    sqlite: "
        SELECT count(*)
        FROM calls
        WHERE transaction_id = $1
          AND state = 'bound'",
    postgres: "
        SELECT count(*)
        FROM (SELECT 1
              FROM calls
              WHERE transaction_id = $1
                AND state = 'bound'
              FOR NO KEY UPDATE) AS locked",
};

#[derive(sqlx::FromRow)]
struct MemberRow {
    #[sqlx(flatten)]
    call: CallRow,
    position: i64,
}

/// Binds those of the calls that still wait to a transaction, in this order; tells how many.
pub(crate) async fn bind_calls(
    tx: &mut Tx,
    call_ids: impl Iterator<Item = &CallId>,
    transaction_id: &TransactionId,
    at: Timestamp,
) -> Result<u64, DbError> {
    let rows: Vec<_> = call_ids.map(|id| (id.as_str(),)).collect();
    tx.execute(BIND, &[Value::rows(&rows)?, transaction_id.into(), at.into()]).await
}

/// The bound calls of a transaction in their order.
pub(crate) async fn members(tx: &mut Tx, transaction_id: &TransactionId) -> Result<Vec<Member>, DbError> {
    let mut rows: Vec<MemberRow> = tx.fetch_all(MEMBERS, &[transaction_id.into()]).await?;
    rows.sort_by_key(|row| row.position);
    rows.iter().map(|row| row.call.member()).collect()
}

/// Locks the bound calls of a transaction until the database transaction ends; tells how many.
pub(crate) async fn lock_members(tx: &mut Tx, transaction_id: &TransactionId) -> Result<usize, DbError> {
    let (count,): (i64,) = tx.fetch_one(LOCK_MEMBERS, &[transaction_id.into()]).await?;
    usize::try_from(count).map_err(|problem| DbError::inconsistent("transactions", transaction_id, problem))
}
