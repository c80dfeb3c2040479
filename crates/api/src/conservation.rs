//! Conservation, every minute: each sheet is in one state and belongs to at most one sale, no sheet has two live tokens, and
//! nothing of an undone sale can be claimed. A breach is a fault of ours or a hand in the database: it is an alarm.

use std::time::Duration;

use catalog::crash_point;
use catalog::db::{Db, DbError};

use crate::state::AppState;
use crate::store;

/// Pause between two checks.
const PAUSE: Duration = Duration::from_mins(1);

/// The breaches of each law.
pub async fn breaches(db: &Db) -> Result<Vec<(&'static str, i64)>, DbError> {
    let mut tx = db.begin_read().await?;
    store::count_breaches(&mut tx).await
}

/// Counts the breaches of each law, in the log and in the gauge `colophon_conservation_breaches`; gives their sum.
pub async fn check(app: &AppState) -> Result<i64, DbError> {
    let breaches = breaches(&app.db).await?;
    crash_point!("conservation.counted");
    for (law, count) in &breaches {
        if *count > 0 {
            tracing::error!(law, count, "conservation is broken");
        }
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        metrics::gauge!("colophon_conservation_breaches", "law" => *law).set(*count as f64);
    }
    Ok(breaches.iter().map(|(_, count)| count).sum())
}

/// Checks every minute. Runs until it is dropped or aborted.
pub async fn check_forever(app: AppState) {
    let mut minutes = tokio::time::interval(PAUSE);
    loop {
        minutes.tick().await;
        if let Err(error) = check(&app).await {
            tracing::warn!(error = crate::error::chain(&error), "conservation was not checked");
        }
    }
}
