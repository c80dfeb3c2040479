//! A whole transaction, run until its outcome stands.
//!
//! On `SQLite` a writer may see what others changed who were not committed yet ([`super::writer`]). Its own commit comes with
//! theirs or after it. A writer that only looked, and leaves without a commit, would tell of what a power cut can still
//! take back: that a request was answered already, or that a sheet is sold. So its outcome waits for that commit.

use std::cell::RefCell;
use std::future::Future;
use std::time::Duration;

use tokio::sync::oneshot;

use super::{DbError, Retryable};

/// How often a writing transaction is tried before its conflict is reported.
const TRIES: u32 = 6;

/// What becomes of changes of others that a writer saw.
pub(super) type Fate = oneshot::Receiver<Result<(), DbError>>;

tokio::task_local! {
    /// What the attempt saw in transactions that it left without a commit.
    static SEEN: RefCell<Vec<Fate>>;
}

/// Called where a writer leaves without a commit that had seen changes of others. Outside of [`retrying`] nobody waits.
pub(super) fn left_without_commit(seen: Fate) {
    let _ = SEEN.try_with(|all| all.borrow_mut().push(seen));
}

/// Runs a whole transaction again when the database reports a passing conflict (BUSY, 40001, 40P01), or when what it saw
/// was not committed after all, at most five times more. `attempt` opens and commits its own transaction and has no effect
/// outside it.
pub async fn retrying<T, E, F>(mut attempt: impl FnMut() -> F + Send) -> Result<T, E>
where
    T: Send,
    E: Retryable + From<DbError> + Send,
    F: Future<Output = Result<T, E>> + Send,
{
    let mut tries = 1;
    loop {
        let attempt = attempt();
        let (outcome, seen) = SEEN
            .scope(RefCell::default(), async move {
                let outcome = attempt.await;
                (outcome, SEEN.with(RefCell::take))
            })
            .await;
        let stands = are_committed(seen).await;
        let passing = match &outcome {
            Err(error) => stands.is_err() || error.is_passing_conflict(),
            Ok(_) => stands.is_err(),
        };
        if !passing || tries == TRIES {
            return stands.map_err(E::from).and(outcome);
        }
        tokio::time::sleep(Duration::from_millis(5 << tries)).await;
        tries += 1;
    }
}

async fn are_committed(seen: Vec<Fate>) -> Result<(), DbError> {
    for fate in seen {
        fate.await.unwrap_or_else(|_| Err(DbError::CommitLost { no_room: false }))?;
    }
    Ok(())
}
