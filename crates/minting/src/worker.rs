//! The loop around the pass: one task a lane, woken by new work, by time, and stopped between two passes.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::pipeline::Lane;

/// Wakes the lanes when work was written. It carries no data: the queue is in the database.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Says that there may be something to do.
    pub fn ring(&self) {
        self.0.notify_waiters();
    }
}

/// How often a lane looks, from the beginning of one pass to that of the next.
#[derive(Debug, Clone, Copy)]
pub struct Rhythm {
    /// While transactions are under way; and never more often, however often it is woken: what comes meanwhile shares a
    /// transaction.
    pub busy: Duration,
    /// While nothing is, and nobody wakes it.
    pub idle: Duration,
}

/// Works a lane until `stop` turns true; then lets go of its lease. A pass that fails is repeated after a wait that
/// grows up to four times the idle rhythm; so is one that panics, by a lane that remembers nothing of it.
#[must_use]
pub fn spawn(mut lane: Lane, wake: Wake, rhythm: Rhythm, mut stop: watch::Receiver<bool>) -> JoinHandle<()> {
    lane.heed(stop.clone());
    tokio::spawn(async move {
        let mut failures: u32 = 0;
        while !*stop.borrow() {
            // Registered before the pass, so that work written during it wakes the next one.
            let woken = wake.0.notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            let begun = Instant::now();
            // What a broken pass leaves in the lane's memory is forgotten; its transaction is rolled back.
            let next = match AssertUnwindSafe(Box::pin(lane.pass())).catch_unwind().await {
                Ok(Ok(report)) => {
                    failures = 0;
                    begun + if report.under_way > 0 { rhythm.busy } else { rhythm.idle }
                }
                Ok(Err(error)) => {
                    failures = failures.saturating_add(1);
                    let chain = causes(&error);
                    tracing::warn!(signer = %lane.signer(), error = chain, failures, "pass stopped half-way");
                    metrics::counter!("colophon_pass_failures_total").increment(1);
                    Instant::now() + after_failures(failures, rhythm)
                }
                Err(_) => {
                    failures = failures.saturating_add(1);
                    tracing::error!(signer = %lane.signer(), failures, "a pass panicked");
                    metrics::counter!("colophon_task_panics_total", "task" => "lane").increment(1);
                    lane.forget();
                    Instant::now() + after_failures(failures, rhythm)
                }
            };
            let woken = async {
                woken.await;
                tokio::time::sleep_until(begun + rhythm.busy).await;
            };
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = woken, if failures == 0 => {}
                _ = stop.changed() => {}
            }
        }
        if let Err(error) = lane.release().await {
            tracing::warn!(signer = %lane.signer(), error = causes(&error), "lease not given back: it runs out");
        }
    })
}

fn after_failures(failures: u32, rhythm: Rhythm) -> Duration {
    rhythm.busy.saturating_mul(2_u32.saturating_pow(failures.min(6))).min(rhythm.idle * 4)
}

/// An error and its sources in one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}
