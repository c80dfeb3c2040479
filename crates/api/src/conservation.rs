//! Conservation, every minute: each sheet is in one state and belongs to at most one sale, no sheet has two live tokens, and
//! nothing of an undone sale can be claimed. A breach is a fault of ours or a hand in the database: it is an alarm.
//!
//! A law is counted over all books there are, one law after the other. However large they become, counting takes no more
//! than a twentieth of the time: a million sales take twelve seconds, so that a round takes four minutes then.

use std::time::{Duration, Instant};

use catalog::crash_point;
use catalog::db::{Db, DbError};

use crate::state::AppState;
use crate::store::{self, LAWS, Law};

/// A round through all laws takes no less.
const ROUND: Duration = Duration::from_mins(1);
/// A law that took a while is followed by a rest of so many times that.
const RESTS: u32 = 19;

/// The breaches of each law.
pub async fn breaches(db: &Db) -> Result<Vec<(Law, i64)>, DbError> {
    let mut breaches = Vec::with_capacity(LAWS.len());
    for law in LAWS {
        breaches.push((law, breaches_of(db, law).await?));
    }
    Ok(breaches)
}

async fn breaches_of(db: &Db, law: Law) -> Result<i64, DbError> {
    let mut tx = db.begin_read().await?;
    store::count_breaches(&mut tx, law).await
}

/// Counts the breaches of each law, in the log and in the gauge `colophon_conservation_breaches`; gives their sum.
pub async fn check(app: &AppState) -> Result<i64, DbError> {
    let mut sum = 0;
    for law in LAWS {
        sum += check_law(app, law).await?;
    }
    Ok(sum)
}

async fn check_law(app: &AppState, law: Law) -> Result<i64, DbError> {
    let count = breaches_of(&app.db, law).await?;
    crash_point!("conservation.counted");
    if count > 0 {
        tracing::error!(law = law.name, count, "conservation is broken");
    }
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    metrics::gauge!("colophon_conservation_breaches", "law" => law.name).set(count as f64);
    Ok(count)
}

/// Checks one law after the other, round and round. Runs until it is dropped or aborted.
pub async fn check_forever(app: AppState) {
    for law in LAWS.into_iter().cycle() {
        let begun = Instant::now();
        if let Err(error) = check_law(&app, law).await {
            tracing::warn!(
                law = law.name,
                error = crate::error::chain(&error),
                "conservation was not checked"
            );
        }
        tokio::time::sleep(rest_after(begun.elapsed())).await;
    }
}

/// How long to wait before the next law.
fn rest_after(took: Duration) -> Duration {
    let laws = u32::try_from(LAWS.len()).unwrap_or(u32::MAX);
    (ROUND / laws).max(took * RESTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_takes_a_minute_and_longer_only_where_counting_would_take_more_than_a_twentieth_of_it() {
        let quick = rest_after(Duration::from_millis(1));
        assert!(ROUND - quick * 7 < Duration::from_micros(1), "seven of {quick:?}");
        assert_eq!(rest_after(Duration::from_secs(2)), Duration::from_secs(38));
    }
}
