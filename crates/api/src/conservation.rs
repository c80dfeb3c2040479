//! Conservation, every minute: each sheet is in one state and belongs to at most one sale, no sheet has two live tokens, and
//! nothing of an undone sale can be claimed. A breach is a fault of ours or a hand in the database: it is an alarm.
//!
//! A round goes through all editions there are, one after the other. However many they become, counting takes no more than
//! a fiftieth of the time: a million sales take twelve seconds, so that their round takes ten minutes.

use std::time::{Duration, Instant};

use catalog::crash_point;
use catalog::db::{Db, DbError};

use crate::state::AppState;
use crate::store::{self, Breaches};

/// Rounds begin no closer together.
const ROUND: Duration = Duration::from_mins(1);
/// What an edition took is followed by a rest of so many times that.
const RESTS: u32 = 49;

/// The laws that are broken, and how often.
pub async fn breaches(db: &Db) -> Result<Vec<(&'static str, i64)>, DbError> {
    let breaches = count(db, 0).await?;
    Ok(breaches.into_iter().filter(|(_, count)| *count > 0).collect())
}

/// Counts edition after edition, each in a reading of its own.
async fn count(db: &Db, rests: u32) -> Result<Breaches, DbError> {
    let mut breaches = store::no_breaches();
    let mut last = String::new();
    loop {
        let begun = Instant::now();
        let mut tx = db.begin_read().await?;
        let next = store::next_edition_id(&mut tx, &last).await?;
        crash_point!("conservation.looking");
        let Some(edition_id) = next else { return Ok(breaches) };
        let found = store::count_breaches(&mut tx, &edition_id).await?;
        drop(tx);
        for (sum, (law, count)) in breaches.iter_mut().zip(found) {
            sum.1 += count;
            if count > 0 {
                tracing::error!(law, count, edition_id, "conservation is broken");
            }
        }
        last = edition_id;
        tokio::time::sleep((begun.elapsed() * rests).min(ROUND)).await;
    }
}

/// Counts the breaches of each law, in the log and in the gauge `colophon_conservation_breaches`; gives their sum.
pub async fn check(app: &AppState) -> Result<i64, DbError> {
    check_with(app, 0).await
}

async fn check_with(app: &AppState, rests: u32) -> Result<i64, DbError> {
    let breaches = count(&app.db, rests).await?;
    for (law, count) in breaches {
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        metrics::gauge!("colophon_conservation_breaches", "law" => law).set(count as f64);
    }
    Ok(breaches.iter().map(|(_, count)| count).sum())
}

/// Checks round after round. Runs until it is dropped or aborted.
pub async fn check_forever(app: AppState) {
    let mut rounds = tokio::time::interval(ROUND);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        if let Err(error) = check_with(&app, RESTS).await {
            tracing::warn!(error = crate::error::chain(&error), "conservation was not checked");
        }
    }
}
