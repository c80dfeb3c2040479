//! The operator's hand on the inbox: looking at what is parked, letting it be tried again, or setting it aside. Each act
//! stands in the journal with its reason.

use catalog::chance::Chance;
use catalog::clock::Clock;
use catalog::db::{Db, DbError, Tx, retrying};
use catalog::journal::{self, Occasion};

use crate::feed::{Entry, EntryId, EntryState, InboxEvent};
use crate::store;

/// Entries that are listed at once.
const BATCH: u32 = 500;

/// Why an entry is left as it is.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// It is not there.
    #[error("there is no entry {0}")]
    Unknown(EntryId),
    /// It is over.
    #[error("the entry {entry_id} is {state} and stays so")]
    Closed {
        /// Which.
        entry_id: EntryId,
        /// Where it stands.
        state: &'static str,
    },
    /// The database failed.
    #[error("the inbox could not be used")]
    Db(#[from] DbError),
}

/// The operator's hand on the inbox.
#[derive(Debug)]
pub struct Review<'a> {
    /// Where the inbox is.
    pub db: &'a Db,
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Gives random bytes.
    pub chance: &'a dyn Chance,
}

impl Review<'_> {
    fn occasion(&self, command: &'static str, reason: &str) -> Occasion<'_> {
        Occasion::by_operator(self.clock.now(), command, self.chance).because(reason.to_owned())
    }

    /// All entries in a state, oldest first.
    pub async fn list(&self, state: &str) -> Result<Vec<Entry>, ReviewError> {
        let mut tx = self.db.begin_read().await?;
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let after = entries.last().map(|entry| entry.entry_id.clone());
            let mut batch = store::list_entries(&mut tx, state, after.as_ref(), BATCH).await?;
            if batch.is_empty() {
                return Ok(entries);
            }
            entries.append(&mut batch);
        }
    }

    /// One entry.
    pub async fn find(&self, entry_id: &EntryId) -> Result<Entry, ReviewError> {
        let mut tx = self.db.begin_read().await?;
        store::find_entry(&mut tx, entry_id).await?.ok_or_else(|| ReviewError::Unknown(entry_id.clone()))
    }

    /// Lets an entry be tried again at once.
    pub async fn replay(&self, entry_id: &EntryId, reason: &str) -> Result<(), ReviewError> {
        retrying(|| async move {
            let occasion = self.occasion("colophon inbox replay", reason);
            let mut tx = self.db.begin_write().await?;
            let entry = open_entry(&mut tx, entry_id).await?;
            let state = EntryState::Waiting { due_at: occasion.at, reason: None };
            let entry = Entry { state, tries: 0, waits_from: occasion.at, ..entry };
            let event = InboxEvent::Replayed { entry_id: entry_id.clone() };
            finish(tx, &occasion, &entry, &event).await
        })
        .await
    }

    /// Sets an entry aside for ever.
    pub async fn dismiss(&self, entry_id: &EntryId, reason: &str) -> Result<(), ReviewError> {
        retrying(|| async move {
            let occasion = self.occasion("colophon inbox dismiss", reason);
            let mut tx = self.db.begin_write().await?;
            let entry = Entry { state: EntryState::Dismissed, ..open_entry(&mut tx, entry_id).await? };
            let event = InboxEvent::Dismissed { entry_id: entry_id.clone() };
            finish(tx, &occasion, &entry, &event).await
        })
        .await
    }
}

async fn open_entry(tx: &mut Tx, entry_id: &EntryId) -> Result<Entry, ReviewError> {
    let entry = store::lock_entry(tx, entry_id).await?;
    let entry = entry.ok_or_else(|| ReviewError::Unknown(entry_id.clone()))?;
    if entry.state.is_open() {
        return Ok(entry);
    }
    Err(ReviewError::Closed { entry_id: entry_id.clone(), state: entry.state.as_str() })
}

async fn finish(
    mut tx: Tx,
    occasion: &Occasion<'_>,
    entry: &Entry,
    event: &InboxEvent,
) -> Result<(), ReviewError> {
    store::update_entry(&mut tx, entry, occasion.at).await?;
    journal::append(&mut tx, occasion, event)?;
    Ok(tx.commit().await?)
}

impl catalog::db::Retryable for ReviewError {
    fn is_passing_conflict(&self) -> bool {
        matches!(self, Self::Db(error) if error.is_passing_conflict())
    }
}
