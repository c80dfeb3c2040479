//! Table `idempotency_keys`.

use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx, Value};
use catalog::digest::Sha256Digest;

use crate::auth::ApiKeyId;

catalog::statements! {
    // A row in flight whose lease ran out goes to the next attempt with the same body.
    TAKE = "
        INSERT INTO idempotency_keys (
            api_key_id,
            method,
            path,
            idempotency_key,
            body_sha256,
            attempt,
            leased_until,
            created_at
        ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (api_key_id, method, path, idempotency_key) DO UPDATE
        SET attempt = excluded.attempt,
            leased_until = excluded.leased_until
        WHERE idempotency_keys.status IS NULL
          AND idempotency_keys.leased_until < excluded.created_at
          AND idempotency_keys.body_sha256 = excluded.body_sha256";
    FIND = "
        SELECT body_sha256,
               status,
               location,
               body
        FROM idempotency_keys
        WHERE api_key_id = $1
          AND method = $2
          AND path = $3
          AND idempotency_key = $4";
    COMPLETE = "
        UPDATE idempotency_keys
        SET status = $6,
            location = $7,
            body = $8
        WHERE api_key_id = $1
          AND method = $2
          AND path = $3
          AND idempotency_key = $4
          AND attempt = $5
          AND status IS NULL";
    RELEASE = "
        DELETE FROM idempotency_keys
        WHERE api_key_id = $1
          AND method = $2
          AND path = $3
          AND idempotency_key = $4
          AND attempt = $5
          AND status IS NULL";
    FREE_ALL = "
        DELETE FROM idempotency_keys
        WHERE status IS NULL";
    REMOVE_OLD = "
        DELETE FROM idempotency_keys
        WHERE (api_key_id, method, path, idempotency_key) IN (
            SELECT api_key_id,
                   method,
                   path,
                   idempotency_key
            FROM idempotency_keys
            WHERE created_at < $1
            ORDER BY created_at
            LIMIT $2
        )";
}

/// What a key belongs to.
#[derive(Debug, Clone)]
pub(crate) struct SlotKey {
    pub(crate) api_key_id: ApiKeyId,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) key: String,
}

impl SlotKey {
    fn values(&self) -> [Value; 4] {
        [
            (&self.api_key_id).into(),
            self.method.as_str().into(),
            self.path.as_str().into(),
            self.key.as_str().into(),
        ]
    }
}

/// An answer as it is kept.
#[derive(Clone)]
pub(crate) struct StoredReply {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: String,
}

/// A key in the books.
pub(crate) enum SlotRow {
    /// An attempt holds it.
    InFlight { body_sha256: Sha256Digest },
    /// It was answered.
    Completed { body_sha256: Sha256Digest, stored: StoredReply },
}

impl SlotRow {
    pub(crate) fn body_sha256(&self) -> Sha256Digest {
        match self {
            Self::InFlight { body_sha256 } | Self::Completed { body_sha256, .. } => *body_sha256,
        }
    }
}

#[derive(sqlx::FromRow)]
struct IdempotencyRow {
    body_sha256: String,
    status: Option<i64>,
    location: Option<String>,
    body: Option<String>,
}

impl IdempotencyRow {
    fn slot(self, key: &SlotKey) -> Result<SlotRow, DbError> {
        let odd = |problem: &str| DbError::inconsistent("idempotency_keys", &key.path, problem);
        let body_sha256 = self.body_sha256.parse().map_err(|_| odd("not a digest"))?;
        match (self.status, self.body) {
            (None, None) => Ok(SlotRow::InFlight { body_sha256 }),
            (Some(status), Some(body)) => {
                let status = u16::try_from(status).map_err(|_| odd("status out of range"))?;
                let stored = StoredReply { status, location: self.location, body };
                Ok(SlotRow::Completed { body_sha256, stored })
            }
            _ => Err(odd("half an answer")),
        }
    }
}

/// Takes the key for `attempt` if it is new, or was left behind by an attempt whose lease ran out. Tells whether.
pub(crate) async fn take_slot(
    tx: &mut Tx,
    key: &SlotKey,
    body: Sha256Digest,
    attempt: &str,
    now: Timestamp,
    leased_until: Timestamp,
) -> Result<bool, DbError> {
    let [api_key_id, method, path, text] = key.values();
    let values =
        [api_key_id, method, path, text, body.into(), attempt.into(), leased_until.into(), now.into()];
    Ok(tx.execute(TAKE, &values).await? == 1)
}

/// The key as it stands.
pub(crate) async fn find_slot(tx: &mut Tx, key: &SlotKey) -> Result<Option<SlotRow>, DbError> {
    let row: Option<IdempotencyRow> = tx.fetch_optional(FIND, &key.values()).await?;
    row.map(|row| row.slot(key)).transpose()
}

/// Stores the answer; tells whether `attempt` still held the key.
pub(crate) async fn complete_slot(
    tx: &mut Tx,
    key: &SlotKey,
    attempt: &str,
    stored: &StoredReply,
) -> Result<bool, DbError> {
    let [api_key_id, method, path, text] = key.values();
    let values = [
        api_key_id,
        method,
        path,
        text,
        attempt.into(),
        stored.status.into(),
        stored.location.clone().into(),
        stored.body.as_str().into(),
    ];
    Ok(tx.execute(COMPLETE, &values).await? == 1)
}

/// Frees the key if `attempt` still holds it.
pub(crate) async fn release_slot(tx: &mut Tx, key: &SlotKey, attempt: &str) -> Result<(), DbError> {
    let [api_key_id, method, path, text] = key.values();
    tx.execute(RELEASE, &[api_key_id, method, path, text, attempt.into()]).await?;
    Ok(())
}

/// Frees every key that an attempt holds; says how many.
pub(crate) async fn free_slots(tx: &mut Tx) -> Result<u64, DbError> {
    tx.execute(FREE_ALL, &[]).await
}

/// Removes at most `limit` keys that were first used before `before`; says how many.
pub(crate) async fn remove_old_slots(tx: &mut Tx, before: Timestamp, limit: u32) -> Result<u64, DbError> {
    tx.execute(REMOVE_OLD, &[before.into(), limit.into()]).await
}
