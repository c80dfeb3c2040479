//! Entries that an older version kept in clear: encrypted before anything else is done with the inbox.

use catalog::chance::Chance;
use catalog::db::{Db, DbError, Retryable, retrying};

use crate::encryption::{ContactKey, NotEncrypted, Place};
use crate::store;

/// Entries that are encrypted in one transaction.
const BATCH: u32 = 100;

/// Why entries are still in clear.
#[derive(Debug, thiserror::Error)]
pub enum InboxInClear {
    /// One could not be encrypted.
    #[error("the inbox of an older version could not be encrypted")]
    Encrypt(#[from] NotEncrypted),
    /// The database failed.
    #[error("the inbox of an older version could not be read or written")]
    Db(#[from] DbError),
}

impl Retryable for InboxInClear {
    fn is_passing_conflict(&self) -> bool {
        matches!(self, Self::Db(error) if error.is_passing_conflict())
    }
}

/// Encrypts what an older version kept in clear; says how many entries. Several processes may call it at once.
pub async fn encrypt_older(db: &Db, key: &ContactKey, chance: &dyn Chance) -> Result<usize, InboxInClear> {
    let mut encrypted = 0;
    loop {
        let batch = retrying(|| encrypt_batch(db, key, chance)).await?;
        if batch == 0 {
            return Ok(encrypted);
        }
        encrypted += batch;
    }
}

async fn encrypt_batch(db: &Db, key: &ContactKey, chance: &dyn Chance) -> Result<usize, InboxInClear> {
    let mut tx = db.begin_write().await?;
    let plain = store::list_plain_entries(&mut tx, BATCH).await?;
    for entry in &plain {
        let place = Place::InboxBody(&entry.entry_id);
        let body = entry.body.as_ref().map(|body| key.encrypt(place, body, chance)).transpose()?;
        let mac = key.inbox_digest(entry.body_sha256);
        store::encrypt_entry(&mut tx, &entry.entry_id, body.as_ref(), mac).await?;
    }
    tx.commit().await?;
    Ok(plain.len())
}
