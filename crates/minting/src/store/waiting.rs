//! Table `calls`: those that wait.

use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx};

use super::calls::CallRow;
use crate::call::{Call, CallId, CallKind, Member};

catalog::statements! {
    // A call waits for the one named in after_call_id; two calls of the same token never share a group, since
    // each kind has one key for a token.
    WAITING = "
        SELECT call_id,
               edition_number,
               token_id,
               arguments,
               setbacks
        FROM calls
        WHERE kind = $1
          AND state = 'queued'
          AND not_before_at <= $2
          AND (after_call_id IS NULL
               OR EXISTS (SELECT 1 FROM calls AS earlier
                          WHERE earlier.call_id = calls.after_call_id AND earlier.state = 'done'))
        ORDER BY not_before_at, created_at, call_id
        LIMIT $3";
    POSTPONE = "
        UPDATE calls
        SET reason = $2,
            not_before_at = $3,
            updated_at = $4
        WHERE call_id = $1
          AND state = 'queued'";
}

/// A call that may be bound now.
#[derive(Debug, Clone)]
pub(crate) struct WaitingCall {
    pub(crate) call_id: CallId,
    pub(crate) call: Call,
    pub(crate) setbacks: u32,
}

/// What differs between calls of a kind that wait.
#[derive(sqlx::FromRow)]
struct WaitingRow {
    call_id: String,
    edition_number: Option<i64>,
    token_id: Option<i64>,
    arguments: String,
    setbacks: i64,
}

impl WaitingRow {
    fn read(self, kind: CallKind) -> Result<WaitingCall, DbError> {
        let Self { call_id, edition_number, token_id, arguments, setbacks } = self;
        let (kind, state) = (kind.as_str().to_owned(), "queued".to_owned());
        let (reason, transaction_id) = (None, None);
        let row = CallRow {
            call_id,
            kind,
            edition_number,
            token_id,
            arguments,
            state,
            reason,
            transaction_id,
            setbacks,
        };
        let Member { call_id, call, setbacks } = row.member()?;
        Ok(WaitingCall { call_id, call, setbacks })
    }
}

/// At most `limit` calls of a kind that may be bound now, those that wait longest first.
pub(crate) async fn waiting_calls(
    tx: &mut Tx,
    kind: CallKind,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<WaitingCall>, DbError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let values = [kind.as_str().into(), now.into(), limit.into()];
    let rows: Vec<WaitingRow> = tx.fetch_all(WAITING, &values).await?;
    rows.into_iter().map(|row| row.read(kind)).collect()
}

/// Lets a waiting call wait longer, for that reason, so that it does not stand in the way of others.
pub(crate) async fn postpone_call(
    tx: &mut Tx,
    call_id: &CallId,
    reason: &str,
    not_before: Timestamp,
    at: Timestamp,
) -> Result<(), DbError> {
    tx.execute(POSTPONE, &[call_id.into(), reason.into(), not_before.into(), at.into()]).await?;
    Ok(())
}
