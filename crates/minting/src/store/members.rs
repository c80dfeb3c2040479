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
    @locked {
        // None of them can be withdrawn between this check and the first stored bytes.
        LOCK_MEMBERS = concat!("
            SELECT ", columns!(), ",
                   position
            FROM calls
            WHERE transaction_id = $1
              AND state = 'bound'");
    }
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
    members_by(tx, MEMBERS, transaction_id).await
}

/// The bound calls of a transaction in their order, locked until the database transaction ends.
pub(crate) async fn lock_members(
    tx: &mut Tx,
    transaction_id: &TransactionId,
) -> Result<Vec<Member>, DbError> {
    members_by(tx, LOCK_MEMBERS, transaction_id).await
}

async fn members_by(tx: &mut Tx, sql: Sql, transaction_id: &TransactionId) -> Result<Vec<Member>, DbError> {
    let mut rows: Vec<MemberRow> = tx.fetch_all(sql, &[transaction_id.into()]).await?;
    rows.sort_by_key(|row| row.position);
    rows.iter().map(|row| row.call.member()).collect()
}
