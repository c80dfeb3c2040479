//! Takes a call back while nobody can have seen it.

use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx};
use catalog::journal::{self, Occasion};

use crate::call::CallId;
use crate::event::MintingEvent;

catalog::statements! {
    STATE_OF = "
        SELECT state
        FROM transactions
        WHERE transaction_id = $1";
    WITHDRAW = "
        UPDATE calls
        SET state = 'void',
            updated_at = $2
        WHERE call_id = $1
          AND state IN ('queued', 'bound')";
    @locked {
        // The same lock as the first signing takes: whoever comes second sees what the first one did.
        LOCK = "
            SELECT call_id,
                   state,
                   transaction_id
            FROM calls
            WHERE business_key = $1";
    }
}

/// What became of a wish to take a call back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdrawal {
    /// It will never be signed.
    Withdrawn,
    /// Its bytes may be out: the chain decides.
    Signed,
    /// Its end is known already.
    Ended,
    /// There is no such call.
    Unknown,
}

#[derive(sqlx::FromRow)]
struct LockedRow {
    call_id: String,
    state: String,
    transaction_id: Option<String>,
}

/// Takes back the call with that business key (`mint:12017100`), unless it is signed or over. A transaction that it
/// was bound to goes without it.
pub async fn withdraw_call(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    business_key: &str,
) -> Result<Withdrawal, DbError> {
    let row: Option<LockedRow> = tx.fetch_optional(LOCK, &[business_key.into()]).await?;
    let Some(row) = row else { return Ok(Withdrawal::Unknown) };
    let unsigned = match (row.state.as_str(), row.transaction_id.as_deref()) {
        ("queued", _) => true,
        ("bound", Some(transaction_id)) => {
            let (state,): (String,) = tx.fetch_one(STATE_OF, &[transaction_id.into()]).await?;
            state == "bound"
        }
        _ => return Ok(Withdrawal::Ended),
    };
    if !unsigned {
        return Ok(Withdrawal::Signed);
    }
    let odd = |problem: &dyn std::fmt::Display| DbError::inconsistent("calls", &row.call_id, problem);
    let call_id: CallId = row.call_id.parse().map_err(|problem| odd(&problem))?;
    withdraw(tx, &call_id, occasion.at).await?;
    let event = MintingEvent::call_ended(call_id, business_key.to_owned(), "void", None, None);
    journal::append(tx, occasion, &event)?;
    Ok(Withdrawal::Withdrawn)
}

async fn withdraw(tx: &mut Tx, call_id: &CallId, at: Timestamp) -> Result<(), DbError> {
    match tx.execute(WITHDRAW, &[call_id.into(), at.into()]).await? {
        1 => Ok(()),
        _ => Err(DbError::inconsistent("calls", call_id, "withdrawn though its end was known")),
    }
}
