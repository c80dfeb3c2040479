//! What the routes ask of the catalog's tables beside its own store: a lock, and what the public may see.

use catalog::db::{DbError, Tx};
use catalog::digest::Sha256Digest;
use catalog::ids::ArtworkId;

catalog::statements! {
    IS_PUBLISHED = "
        SELECT CAST(1 AS BIGINT)
        FROM editions
        WHERE image_sha256 = $1
          AND published_at IS NOT NULL
        LIMIT 1";
    @locked {
        LOCK_ARTWORK = "
            SELECT artwork_id
            FROM artworks
            WHERE artwork_id = $1";
    }
}

/// Locks an artwork until the transaction ends, so that two revisions do not undo each other; tells whether it is there.
pub(crate) async fn lock_artwork(tx: &mut Tx, artwork_id: &ArtworkId) -> Result<bool, DbError> {
    let row: Option<(String,)> = tx.fetch_optional(LOCK_ARTWORK, &[artwork_id.into()]).await?;
    Ok(row.is_some())
}

/// Whether an image belongs to a published edition, so that everyone may see it.
pub(crate) async fn is_published_image(tx: &mut Tx, sha256: Sha256Digest) -> Result<bool, DbError> {
    let row: Option<(i64,)> = tx.fetch_optional(IS_PUBLISHED, &[sha256.into()]).await?;
    Ok(row.is_some())
}
