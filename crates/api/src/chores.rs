//! Chores that never end: one that panics is told of and begun again, since nobody waits for its answer.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::JoinHandle;

/// Pause before a chore that broke is begun again.
const PAUSE: Duration = Duration::from_secs(1);

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
