//! Table `calls`.

use catalog::account::Account;
use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx, Value};
use catalog::digest::Sha256Digest;
use catalog::edition::EditionNumber;
use catalog::journal::{self, Occasion};
use serde::{Deserialize, Serialize};

use crate::call::{Call, CallId, CallKind, CallState, EditionTerms, Member, VoidReason};
use crate::event::MintingEvent;
use crate::token::TokenId;

/// The columns of a call, in the order of [`CallRow`].
macro_rules! columns {
    () => {
        "call_id,
               kind,
               edition_number,
               token_id,
               arguments,
               state,
               reason,
               transaction_id,
               setbacks"
    };
}
pub(super) use columns;

catalog::statements! {
    INSERT = "
        INSERT INTO calls (
            call_id,
            kind,
            business_key,
            edition_number,
            token_id,
            arguments,
            after_call_id,
            state,
            not_before_at,
            setbacks,
            created_at,
            updated_at
        )
        SELECT $1, $2, $3, $4, $5, $6, earlier.call_id, 'queued', 0, 0, $8, $8
        FROM (SELECT 1) AS one
        LEFT JOIN calls AS earlier ON earlier.business_key = $7
        WHERE $7 IS NULL
           OR earlier.call_id IS NOT NULL
        ON CONFLICT (business_key) DO NOTHING";
    FIND = concat!("
        SELECT ", columns!(), "
        FROM calls
        WHERE business_key = $1");
    REQUEUE = "
        UPDATE calls
        SET state = 'queued',
            reason = $2,
            transaction_id = NULL,
            position = NULL,
            not_before_at = $3,
            setbacks = setbacks + $4,
            updated_at = $5
        WHERE call_id = $1
          AND state = 'bound'";
    @rows {
        END = "
        UPDATE calls
        SET state = $2,
            reason = $3,
            updated_at = $4
        FROM", rows("$1"), "
        WHERE call_id = item.value ->> 0
          AND state IN ('queued', 'bound')";
    }
}

/// A call as the books show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// Its id.
    pub call_id: CallId,
    /// What it asks for.
    pub call: Call,
    /// Where it stands.
    pub state: CallState,
}

/// A row of the table, as every reader of it selects it.
#[derive(sqlx::FromRow)]
pub(super) struct CallRow {
    pub(super) call_id: String,
    pub(super) kind: String,
    pub(super) edition_number: Option<i64>,
    pub(super) token_id: Option<i64>,
    pub(super) arguments: String,
    pub(super) state: String,
    pub(super) reason: Option<String>,
    pub(super) transaction_id: Option<String>,
    pub(super) setbacks: i64,
}

#[derive(Serialize, Deserialize)]
struct OpenEditionArguments {
    serials: u16,
    image_digest: Sha256Digest,
    colophon_digest: Sha256Digest,
    royalty_receiver: Account,
    royalty_basis_points: u16,
}

#[derive(Serialize, Deserialize)]
struct MintArguments {
    recipient: Account,
    settles_at: u64,
}

#[derive(Serialize, Deserialize)]
struct ReleaseArguments {
    recipient: Account,
}

#[derive(Serialize, Deserialize)]
struct VoidArguments {
    reason: VoidReason,
}

fn arguments(call: &Call) -> Result<String, DbError> {
    let text = match call {
        Call::OpenEdition { terms, .. } => serde_json_canonicalizer::to_string(&OpenEditionArguments {
            serials: terms.serials,
            image_digest: terms.image_digest,
            colophon_digest: terms.colophon_digest,
            royalty_receiver: terms.royalty_receiver,
            royalty_basis_points: terms.royalty_basis_points,
        }),
        Call::Mint { recipient, settles_at, .. } => serde_json_canonicalizer::to_string(&MintArguments {
            recipient: *recipient,
            settles_at: *settles_at,
        }),
        Call::Void { reason, .. } => serde_json_canonicalizer::to_string(&VoidArguments { reason: *reason }),
        Call::Release { recipient, .. } => {
            serde_json_canonicalizer::to_string(&ReleaseArguments { recipient: *recipient })
        }
        Call::Settle { .. } | Call::Surrender { .. } => Ok("{}".to_owned()),
    };
    text.map_err(|problem| DbError::inconsistent("calls", call.business_key(), problem))
}

impl CallRow {
    fn odd(&self, problem: impl ToString) -> DbError {
        DbError::inconsistent("calls", &self.call_id, problem)
    }

    fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T, DbError> {
        serde_json::from_str(&self.arguments).map_err(|problem| self.odd(problem))
    }

    fn call(&self) -> Result<Call, DbError> {
        let token_id = || {
            let number = self.token_id.and_then(|id| u64::try_from(id).ok());
            number.and_then(|id| TokenId::from_number(id).ok()).ok_or_else(|| self.odd("no token id"))
        };
        match CallKind::from_word(&self.kind) {
            Some(CallKind::OpenEdition) => {
                let number = self.edition_number.and_then(|number| u32::try_from(number).ok());
                let edition = number.and_then(EditionNumber::new).ok_or_else(|| self.odd("no edition"))?;
                let arguments: OpenEditionArguments = self.read()?;
                let terms = EditionTerms {
                    serials: arguments.serials,
                    image_digest: arguments.image_digest,
                    colophon_digest: arguments.colophon_digest,
                    royalty_receiver: arguments.royalty_receiver,
                    royalty_basis_points: arguments.royalty_basis_points,
                };
                Ok(Call::OpenEdition { edition, terms })
            }
            Some(CallKind::Mint) => {
                let MintArguments { recipient, settles_at } = self.read()?;
                Ok(Call::Mint { token_id: token_id()?, recipient, settles_at })
            }
            Some(CallKind::Void) => {
                let VoidArguments { reason } = self.read()?;
                Ok(Call::Void { token_id: token_id()?, reason })
            }
            Some(CallKind::Settle) => Ok(Call::Settle { token_id: token_id()? }),
            Some(CallKind::Release) => {
                let ReleaseArguments { recipient } = self.read()?;
                Ok(Call::Release { token_id: token_id()?, recipient })
            }
            Some(CallKind::Surrender) => Ok(Call::Surrender { token_id: token_id()? }),
            None => Err(self.odd("unknown kind")),
        }
    }

    fn state(&self) -> Result<CallState, DbError> {
        let transaction_id = || {
            let id = self.transaction_id.as_deref().ok_or_else(|| self.odd("no transaction"))?;
            id.parse().map_err(|problem| self.odd(problem))
        };
        let reason = || self.reason.clone().ok_or_else(|| self.odd("no reason"));
        match self.state.as_str() {
            "queued" => Ok(CallState::Queued { setback: self.reason.clone() }),
            "bound" => Ok(CallState::Bound(transaction_id()?)),
            "done" => {
                Ok(CallState::Done(self.transaction_id.as_ref().map(|_| transaction_id()).transpose()?))
            }
            "void" => Ok(CallState::Void),
            "refused" => Ok(CallState::Refused(reason()?)),
            "review" => Ok(CallState::Review(reason()?)),
            _ => Err(self.odd("unknown state")),
        }
    }

    pub(super) fn member(&self) -> Result<Member, DbError> {
        Ok(Member {
            call_id: self.call_id.parse().map_err(|problem| self.odd(problem))?,
            call: self.call()?,
            setbacks: u32::try_from(self.setbacks).map_err(|problem| self.odd(problem))?,
        })
    }
}

/// Writes a call into the queue, to wait for the one with the business key `after` where that is given. A call with the same
/// business key that is there already stands; its id is given back.
pub async fn queue_call(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    call: &Call,
    after: Option<&str>,
) -> Result<CallId, DbError> {
    let call_id = CallId::generate(occasion.at, occasion.chance);
    let business_key = call.business_key();
    let edition_number = match call {
        Call::OpenEdition { edition, .. } => Some(edition.get()),
        _ => None,
    };
    let values = [
        (&call_id).into(),
        call.kind().as_str().into(),
        business_key.as_str().into(),
        edition_number.into(),
        call.token_id().map_or(Value::Int(None), Value::from),
        arguments(call)?.into(),
        after.into(),
        occasion.at.into(),
    ];
    if tx.execute(INSERT, &values).await? == 0 {
        let standing = find_call(tx, &business_key).await?;
        let odd = || DbError::inconsistent("calls", &business_key, "what it is to wait for is not there");
        return standing.map(|record| record.call_id).ok_or_else(odd);
    }
    let event = MintingEvent::CallQueued { call_id: call_id.clone(), business_key };
    journal::append(tx, occasion, &event)?;
    Ok(call_id)
}

/// Writes the call that opens a published edition.
pub async fn open_edition(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    edition: EditionNumber,
    terms: EditionTerms,
) -> Result<CallId, DbError> {
    queue_call(tx, occasion, &Call::OpenEdition { edition, terms }, None).await
}

/// The call with that business key, for example `open_edition:12`.
pub async fn find_call(tx: &mut Tx, business_key: &str) -> Result<Option<CallRecord>, DbError> {
    let row: Option<CallRow> = tx.fetch_optional(FIND, &[business_key.into()]).await?;
    row.map(|row| {
        let Member { call_id, call, .. } = row.member()?;
        Ok(CallRecord { call_id, call, state: row.state()? })
    })
    .transpose()
}

/// Writes how calls ended that ended alike.
pub(crate) async fn end_calls(
    tx: &mut Tx,
    call_ids: &[&CallId],
    state: &'static str,
    reason: Option<&str>,
    at: Timestamp,
) -> Result<(), DbError> {
    let rows: Vec<_> = call_ids.iter().map(|id| (id.as_str(),)).collect();
    let ended = tx.execute(END, &[Value::rows(&rows)?, state.into(), reason.into(), at.into()]).await?;
    if usize::try_from(ended) == Ok(rows.len()) {
        return Ok(());
    }
    let first = rows.first().map_or("none", |(id,)| *id);
    Err(DbError::inconsistent("calls", first, "one from here on ended twice"))
}

/// Puts a bound call back into the queue, not to be bound before `not_before`. `spoiled` says that its transaction
/// reverted as a whole, so that it goes into a smaller group next time.
pub(crate) async fn requeue_call(
    tx: &mut Tx,
    call_id: &CallId,
    reason: &str,
    not_before: Timestamp,
    spoiled: bool,
    at: Timestamp,
) -> Result<(), DbError> {
    let values = [call_id.into(), reason.into(), not_before.into(), spoiled.into(), at.into()];
    match tx.execute(REQUEUE, &values).await? {
        1 => Ok(()),
        _ => Err(DbError::inconsistent("calls", call_id, "put back though it was not bound")),
    }
}
