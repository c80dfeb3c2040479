//! Table `contacts`.

use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx};

use crate::encryption::Encrypted;
use crate::sale::SaleId;

catalog::statements! {
    SET = "
        INSERT INTO contacts (
            sale_id,
            encrypted,
            recorded_at,
            changed_at
        ) VALUES ($1, $2, $3, $3)
        ON CONFLICT (sale_id) DO UPDATE
        SET encrypted = excluded.encrypted,
            changed_at = excluded.changed_at";
    FIND = "
        SELECT encrypted,
               recorded_at,
               changed_at
        FROM contacts
        WHERE sale_id = $1";
    REMOVE = "
        DELETE FROM contacts
        WHERE sale_id = $1";
}

/// A contact as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct StoredContact {
    /// What it says.
    pub(crate) encrypted: Encrypted,
    /// When the sale got one.
    pub(crate) recorded_at: Timestamp,
    /// When it became this one.
    pub(crate) changed_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct ContactRow {
    encrypted: String,
    recorded_at: i64,
    changed_at: i64,
}

/// Makes what is encrypted the contact of a sale.
pub(crate) async fn set_contact(
    tx: &mut Tx,
    sale_id: &SaleId,
    encrypted: &Encrypted,
    at: Timestamp,
) -> Result<(), DbError> {
    tx.execute(SET, &[sale_id.into(), encrypted.as_str().into(), at.into()]).await?;
    Ok(())
}

/// The contact of a sale, encrypted.
pub(crate) async fn find_contact(tx: &mut Tx, sale_id: &SaleId) -> Result<Option<StoredContact>, DbError> {
    let row: Option<ContactRow> = tx.fetch_optional(FIND, &[sale_id.into()]).await?;
    let moment = |micros| {
        Timestamp::from_micros(micros).map_err(|problem| DbError::inconsistent("contacts", sale_id, problem))
    };
    row.map(|row| {
        Ok(StoredContact {
            encrypted: Encrypted::from_stored(row.encrypted),
            recorded_at: moment(row.recorded_at)?,
            changed_at: moment(row.changed_at)?,
        })
    })
    .transpose()
}

/// Removes the contact of a sale; false when there was none.
pub(crate) async fn remove_contact(tx: &mut Tx, sale_id: &SaleId) -> Result<bool, DbError> {
    Ok(tx.execute(REMOVE, &[sale_id.into()]).await? == 1)
}
