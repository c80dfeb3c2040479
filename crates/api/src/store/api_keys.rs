//! Table `api_keys`.

use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx};
use catalog::digest::Sha256Digest;

use crate::auth::{ApiKeyId, ApiKeyRecord, Scope};

catalog::statements! {
    INSERT = "
        INSERT INTO api_keys (
            api_key_id,
            name,
            scope,
            key_sha256,
            created_at
        ) VALUES ($1, $2, $3, $4, $5)";
    FIND_LIVE = "
        SELECT api_key_id,
               name,
               scope,
               created_at,
               revoked_at
        FROM api_keys
        WHERE key_sha256 = $1
          AND revoked_at IS NULL";
    LIST = "
        SELECT api_key_id,
               name,
               scope,
               created_at,
               revoked_at
        FROM api_keys
        ORDER BY api_key_id
        LIMIT 1000";
    REVOKE = "
        UPDATE api_keys
        SET revoked_at = $2
        WHERE api_key_id = $1
          AND revoked_at IS NULL";
}

#[derive(sqlx::FromRow)]
struct ApiKeyRow {
    api_key_id: String,
    name: String,
    scope: String,
    created_at: i64,
    revoked_at: Option<i64>,
}

impl TryFrom<ApiKeyRow> for ApiKeyRecord {
    type Error = DbError;

    fn try_from(row: ApiKeyRow) -> Result<Self, Self::Error> {
        let odd =
            |problem: &dyn std::fmt::Display| DbError::inconsistent("api_keys", &row.api_key_id, problem);
        Ok(Self {
            api_key_id: row.api_key_id.parse().map_err(|e| odd(&e))?,
            scope: Scope::from_word(&row.scope).ok_or_else(|| odd(&"unknown scope"))?,
            created_at: Timestamp::from_micros(row.created_at).map_err(|e| odd(&e))?,
            revoked_at: row.revoked_at.map(Timestamp::from_micros).transpose().map_err(|e| odd(&e))?,
            name: row.name.clone(),
        })
    }
}

/// Inserts a new key by its digest.
pub async fn insert_key(tx: &mut Tx, record: &ApiKeyRecord, digest: Sha256Digest) -> Result<(), DbError> {
    let values = [
        (&record.api_key_id).into(),
        record.name.as_str().into(),
        record.scope.as_str().into(),
        digest.into(),
        record.created_at.into(),
    ];
    tx.execute(INSERT, &values).await?;
    Ok(())
}

/// The key with that digest, unless it was revoked.
pub async fn find_live_key(tx: &mut Tx, digest: Sha256Digest) -> Result<Option<ApiKeyRecord>, DbError> {
    let row: Option<ApiKeyRow> = tx.fetch_optional(FIND_LIVE, &[digest.into()]).await?;
    row.map(TryInto::try_into).transpose()
}

/// All keys, oldest first, at most 1,000.
pub async fn list_keys(tx: &mut Tx) -> Result<Vec<ApiKeyRecord>, DbError> {
    let rows: Vec<ApiKeyRow> = tx.fetch_all(LIST, &[]).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Revokes a key; tells whether there was a live one.
pub async fn revoke_key(tx: &mut Tx, api_key_id: &ApiKeyId, at: Timestamp) -> Result<bool, DbError> {
    Ok(tx.execute(REVOKE, &[api_key_id.into(), at.into()]).await? == 1)
}
