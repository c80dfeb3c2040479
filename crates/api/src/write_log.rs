//! The log of writes of `SQLite`, every minute: while somebody reads for long (a backup, a shell that was left open), it cannot
//! be emptied and grows with every commit. That is an alarm before the disk is full.

use std::time::Duration;

use catalog::db::Db;

/// Pause between two looks.
const PAUSE: Duration = Duration::from_mins(1);
/// So many bytes are an alarm: emptied in time, it stays below a fiftieth of that.
const MOST: u64 = 256 << 20;

/// Whether the log of writes is larger than `most` bytes, in the log and in the gauge `colophon_write_log_bytes`.
#[must_use]
pub fn is_held_back(db: &Db, most: u64) -> bool {
    let Some(bytes) = db.write_log_bytes() else { return false };
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    metrics::gauge!("colophon_write_log_bytes").set(bytes as f64);
    let is_held_back = bytes > most;
    if is_held_back {
        tracing::error!(
            bytes,
            "the log of writes cannot be emptied: somebody reads the database for too long"
        );
    }
    is_held_back
}

/// Looks every minute. Runs until it is dropped or aborted.
pub async fn watch_forever(db: Db) {
    let mut minutes = tokio::time::interval(PAUSE);
    loop {
        minutes.tick().await;
        let _ = is_held_back(&db, MOST);
    }
}
