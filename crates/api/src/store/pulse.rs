//! One row of `key_checks` that is written to see whether the database takes writes.

use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx};

catalog::statements! {
    WRITE = "
        INSERT INTO key_checks (
            name,
            check_value,
            created_at
        ) VALUES ('readiness', '', $1)
        ON CONFLICT (name) DO UPDATE
        SET created_at = excluded.created_at";
}

/// Writes the row; the commit tells whether it lasts.
pub(crate) async fn write_pulse(tx: &mut Tx, now: Timestamp) -> Result<(), DbError> {
    tx.execute(WRITE, &[now.into()]).await?;
    Ok(())
}
