//! A row of `inbox` becomes an entry only when its columns agree.

use catalog::clock::Timestamp;
use catalog::db::DbError;

use crate::encryption::Encrypted;
use crate::feed::{Entry, EntryState, Origin, Reason, Topic};

/// The columns of an entry, in the order of [`EntryRow`].
macro_rules! columns {
    () => {
        "entry_id,
               channel,
               topic,
               topic_told,
               version_told,
               origin,
               body_encrypted,
               body_mac,
               state,
               reason,
               reason_detail,
               order_ref,
               business_key,
               tries,
               due_at,
               waits_from,
               received_at"
    };
}
pub(super) use columns;

#[derive(sqlx::FromRow)]
pub(super) struct EntryRow {
    entry_id: String,
    channel: String,
    topic: String,
    topic_told: String,
    version_told: Option<String>,
    origin: String,
    body_encrypted: Option<String>,
    body_mac: String,
    state: String,
    reason: Option<String>,
    reason_detail: Option<String>,
    order_ref: Option<String>,
    business_key: Option<String>,
    tries: i64,
    due_at: i64,
    waits_from: i64,
    received_at: i64,
}

impl EntryRow {
    fn odd(&self, problem: impl ToString) -> DbError {
        DbError::inconsistent("inbox", &self.entry_id, problem)
    }

    fn moment(&self, micros: i64) -> Result<Timestamp, DbError> {
        Timestamp::from_micros(micros).map_err(|problem| self.odd(problem))
    }

    fn state(&self) -> Result<EntryState, DbError> {
        let reason = self
            .reason
            .clone()
            .map(|code| Reason { code: code.into(), detail: self.reason_detail.clone().unwrap_or_default() });
        match (self.state.as_str(), reason) {
            ("waiting", reason) => Ok(EntryState::Waiting { due_at: self.moment(self.due_at)?, reason }),
            ("parked", Some(reason)) => Ok(EntryState::Parked(reason)),
            ("done", None) => Ok(EntryState::Done),
            ("dismissed", None) => Ok(EntryState::Dismissed),
            _ => Err(self.odd("the state and its reason disagree")),
        }
    }

    fn body(&self, state: &EntryState) -> Result<Option<Encrypted>, DbError> {
        let body = self.body_encrypted.clone().map(Encrypted::from_stored);
        if body.is_some() == state.is_open() {
            Ok(body)
        } else {
            Err(self.odd("the state and its body disagree"))
        }
    }
}

impl TryFrom<EntryRow> for Entry {
    type Error = DbError;

    fn try_from(row: EntryRow) -> Result<Self, DbError> {
        let state = row.state()?;
        Ok(Self {
            entry_id: row.entry_id.parse().map_err(|problem| row.odd(problem))?,
            channel: row.channel.parse().map_err(|problem| row.odd(problem))?,
            topic: Topic::from_word(&row.topic).ok_or_else(|| row.odd("unknown topic"))?,
            origin: Origin::from_word(&row.origin).ok_or_else(|| row.odd("unknown origin"))?,
            body: row.body(&state)?,
            body_mac: row.body_mac.parse().map_err(|problem| row.odd(problem))?,
            tries: u32::try_from(row.tries).map_err(|problem| row.odd(problem))?,
            waits_from: row.moment(row.waits_from)?,
            received_at: row.moment(row.received_at)?,
            state,
            topic_told: row.topic_told,
            version_told: row.version_told,
            order_ref: row.order_ref,
            business_key: row.business_key,
        })
    }
}
