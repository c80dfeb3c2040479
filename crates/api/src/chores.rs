//! Chores that never end: one that panics is told of and begun again, since nobody waits for its answer.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use catalog::db::DbError;
use futures_util::FutureExt;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::error::chain;

/// Pause before a chore that broke is begun again.
const PAUSE: Duration = Duration::from_secs(1);

/// After a full batch a chore rests so many times as long as the batch took: what people and buyers wait for comes first.
const RESTS: u32 = 9;

/// Repeats a step that works off, at most `batch` at once, what nobody waits for. Runs until it is dropped or aborted.
pub async fn work_off<F>(chore: &'static str, batch: u32, pause: Duration, mut step: impl FnMut() -> F + Send)
where
    F: Future<Output = Result<usize, DbError>> + Send,
{
    loop {
        let begun = Instant::now();
        let rest = match step().await {
            // A full batch: there may be more.
            Ok(done) if done >= batch as usize => begun.elapsed() * RESTS,
            Ok(_) => pause,
            Err(error) => {
                tracing::warn!(chore, error = chain(&error), "a step failed and is tried again");
                pause
            }
        };
        tokio::time::sleep(rest).await;
    }
}

/// Keeps a chore up until it is aborted. What it remembers is begun anew, too.
pub fn keep_up<F>(chore: &'static str, mut begin: impl FnMut() -> F + Send + 'static) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(async move {
        while AssertUnwindSafe(begin()).catch_unwind().await.is_err() {
            tracing::error!(chore, "a chore panicked and is begun again");
            metrics::counter!("colophon_task_panics_total", "task" => chore).increment(1);
            tokio::time::sleep(PAUSE).await;
        }
    })
}
