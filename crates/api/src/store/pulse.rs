//! Whether the database takes writes.

use catalog::db::{DbError, Tx};

catalog::statements! {
    WRITE = "
        INSERT INTO key_checks (
            name,
            check_value,
            created_at
        ) VALUES ('readiness', '', 0)
        ON CONFLICT (name) DO UPDATE
        SET check_value = excluded.check_value";
}

/// Writes a row in `tx`, which the caller drops without a commit, so that nothing stays.
pub(crate) async fn write_and_roll_back(mut tx: Tx) -> Result<(), DbError> {
    tx.execute(WRITE, &[]).await?;
    drop(tx);
    Ok(())
}
