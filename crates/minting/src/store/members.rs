//! Table `calls`: those that belong to a transaction.

use catalog::clock::Timestamp;
use catalog::db::{DbError, Sql, Tx};

use super::calls::{CallRow, columns};
use crate::call::{CallId, Member};
use crate::transaction::TransactionId;

catalog::statements! {
    BIND = "
        UPDATE calls
        SET state = 'bound',
            transaction_id = $2,
            position = $3,
            updated_at = $4
        WHERE call_id = $1
          AND state = 'queued'";
    MEMBERS = concat!("
        SELECT ", columns!(), ",
               position
        FROM calls
        WHERE transaction_id = $1
          AND state = 'bound'");
    // None of them can be withdrawn between this check and the first stored bytes.
    LOCK_MEMBERS = concat!("
        UPDATE calls
        SET updated_at = updated_at
        WHERE transaction_id = $1
          AND state = 'bound'
        RETURNING ", columns!(), ",
               position");
}

#[derive(sqlx::FromRow)]
struct MemberRow {
    #[sqlx(flatten)]
    call: CallRow,
    position: i64,
}

/// Binds a waiting call to a transaction; false when another lane was faster or it no longer waits.
pub(crate) async fn bind_call(
    tx: &mut Tx,
    call_id: &CallId,
    transaction_id: &TransactionId,
    position: u32,
    at: Timestamp,
) -> Result<bool, DbError> {
    let values = [call_id.into(), transaction_id.into(), position.into(), at.into()];
    Ok(tx.execute(BIND, &values).await? == 1)
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
