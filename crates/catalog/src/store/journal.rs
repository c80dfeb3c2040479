//! Table `journal`: append and read, nothing else.

use crate::clock::Timestamp;
use crate::db::{DbError, Tx};
use crate::ids::EventId;
use crate::journal::Occasion;

crate::statements! {
    LIST_OF_SUBJECT = "
        SELECT event_id,
               occurred_at,
               actor,
               kind,
               payload
        FROM journal
        WHERE subject = $1
        ORDER BY sequence
        LIMIT 1000";
    @rows {
        APPEND = "
        INSERT INTO journal (
            event_id,
            occurred_at,
            actor,
            reason,
            request_id,
            kind,
            subject,
            payload
        )
        SELECT item.value ->> 0,
               $2,
               $3,
               $4,
               $5,
               item.value ->> 1,
               item.value ->> 2,
               item.value ->> 3
        FROM", rows("$1"), "
        ORDER BY item.key";
    }
}

/// An event as it is written: its id, its kind, its subject and its payload.
pub(crate) type NewEvent = (EventId, &'static str, String, String);

/// A row of the journal as it is read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// Its id.
    pub event_id: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Who caused it.
    pub actor: String,
    /// What happened.
    pub kind: String,
    /// Canonical JSON.
    pub payload: String,
}

#[derive(sqlx::FromRow)]
struct EventRow {
    event_id: String,
    occurred_at: i64,
    actor: String,
    kind: String,
    payload: String,
}

/// Appends an event, with all others of its transaction, before the commit.
pub(crate) fn append_event(tx: &mut Tx, occasion: &Occasion<'_>, event: &NewEvent) -> Result<(), DbError> {
    let shared = vec![
        occasion.at.into(),
        occasion.actor.to_string().into(),
        occasion.reason.as_ref().into(),
        occasion.request_id.as_str().into(),
    ];
    tx.gather(APPEND, event, shared)
}

/// What happened to `subject`, oldest first, at most 1,000 events.
pub async fn list_events_of(tx: &mut Tx, subject: &str) -> Result<Vec<JournalEntry>, DbError> {
    let rows: Vec<EventRow> = tx.fetch_all(LIST_OF_SUBJECT, &[subject.into()]).await?;
    rows.into_iter()
        .map(|row| {
            let occurred_at = Timestamp::from_micros(row.occurred_at)
                .map_err(|problem| DbError::inconsistent("journal", &row.event_id, problem))?;
            Ok(JournalEntry {
                event_id: row.event_id,
                occurred_at,
                actor: row.actor,
                kind: row.kind,
                payload: row.payload,
            })
        })
        .collect()
}
