//! Comparing the contract's log with the books, at the start and every minute: what the chain has and nobody of ours wrote takes
//! its sheet from sale and is an alarm. [`crate::linking`] decides what becomes of it.

use std::sync::Arc;
use std::time::Duration;

use minting::chain::Chain;
use minting::recovery::{Recovery, RecoveryError, ScanReport};

use crate::state::AppState;

/// Pause between two comparisons.
const PAUSE: Duration = Duration::from_mins(1);
/// Pause after one that failed.
const SOON: Duration = Duration::from_secs(5);

/// Compares what the chain made final since the last time.
pub async fn scan(app: &AppState, chain: &dyn Chain) -> Result<ScanReport, RecoveryError> {
    let recovery = Recovery { db: &app.db, chain, clock: app.clock.as_ref(), chance: app.chance.as_ref() };
    let report = recovery.scan().await?;
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    metrics::gauge!("colophon_foreign_tokens_open").set(report.open as f64);
    Ok(report)
}

/// Compares every minute. Runs until it is dropped or aborted.
pub async fn scan_forever(app: AppState, chain: Arc<dyn Chain>) {
    loop {
        let pause = match scan(&app, chain.as_ref()).await {
            Ok(_) => PAUSE,
            Err(error) => {
                let error = crate::error::chain(&error);
                tracing::warn!(error, "the contract's log was not compared with the books");
                SOON
            }
        };
        tokio::time::sleep(pause).await;
    }
}
