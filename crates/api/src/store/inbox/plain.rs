//! Rows of `inbox` that an older version wrote: their texts stand in clear until they are encrypted.

use catalog::db::{DbError, Tx};
use catalog::digest::Sha256Digest;

use crate::encryption::Encrypted;
use crate::feed::EntryId;

catalog::statements! {
    LIST = "
        SELECT entry_id,
               body,
               body_hex,
               body_mac
        FROM inbox
        WHERE plain = 1
        ORDER BY entry_id
        LIMIT $1";
    ENCRYPT = "
        UPDATE inbox
        SET plain = 0,
            body = NULL,
            body_hex = NULL,
            body_encrypted = $2,
            body_mac = $3
        WHERE entry_id = $1
          AND plain = 1";
}

/// What an older version kept of an entry.
pub(crate) struct PlainEntry {
    /// Its id.
    pub(crate) entry_id: EntryId,
    /// The signed bytes, while the entry is open.
    pub(crate) body: Option<Vec<u8>>,
    /// Their digest.
    pub(crate) body_sha256: Sha256Digest,
}

#[derive(sqlx::FromRow)]
struct PlainRow {
    entry_id: String,
    body: Option<String>,
    body_hex: Option<String>,
    body_mac: String,
}

impl TryFrom<PlainRow> for PlainEntry {
    type Error = DbError;

    fn try_from(row: PlainRow) -> Result<Self, DbError> {
        let odd = |problem: &dyn ToString| DbError::inconsistent("inbox", &row.entry_id, problem.to_string());
        let body = match (&row.body, &row.body_hex) {
            (None, None) => None,
            (Some(text), None) => Some(text.clone().into_bytes()),
            (None, Some(digits)) => Some(hex::decode(digits).map_err(|problem| odd(&problem))?),
            (Some(_), Some(_)) => return Err(odd(&"two bodies")),
        };
        Ok(Self {
            entry_id: row.entry_id.parse().map_err(|problem| odd(&problem))?,
            body,
            body_sha256: row.body_mac.parse().map_err(|problem| odd(&problem))?,
        })
    }
}

/// At most `limit` rows that are not encrypted.
pub(crate) async fn list_plain_entries(tx: &mut Tx, limit: u32) -> Result<Vec<PlainEntry>, DbError> {
    let rows: Vec<PlainRow> = tx.fetch_all(LIST, &[limit.into()]).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Puts what is encrypted in the place of what stood in clear, unless another process has done so.
pub(crate) async fn encrypt_entry(
    tx: &mut Tx,
    entry_id: &EntryId,
    body: Option<&Encrypted>,
    mac: Sha256Digest,
) -> Result<(), DbError> {
    tx.execute(ENCRYPT, &[entry_id.into(), body.map(Encrypted::as_str).into(), mac.into()]).await?;
    Ok(())
}
