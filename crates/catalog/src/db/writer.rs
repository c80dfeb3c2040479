//! The one writing connection of `SQLite`. Writers that wait together are committed together.
//!
//! A commit waits for the disk, and everybody behind it waits with it. So a writer works between a savepoint and its
//! release, makes room for the next, and one commit serves all who had their turn before it. A writer that gives up
//! is rolled back to its savepoint and takes nothing of the others with it.
//!
//! *Invariant: answered after the disk.* [`Turn::commit`] succeeds only after the commit that holds its changes.
//!
//! *Invariant: seen after the disk.* Who saw changes of others and leaves without a commit learns what becomes of them
//! ([`super::retrying`]).
//!
//! *Invariant: nobody is told of a commit that was not.* Where the database itself rolls everything back, as on a full
//! disk, the outer savepoint is gone as well, and all who shared it are told that nothing of theirs is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{Executor, Sqlite};
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

use super::DbError;
use super::retrying::{Fate, left_without_commit};

/// One command each: every command is handed to the connection's thread and waited for. The `BEGIN` is said by ourselves,
/// since the driver's own count of open transactions never recovers from one that the database ended. Whose releases a
/// commit serves is there as long as nothing rolled back the savepoint `shared`; what one writer changes is in `one`.
const BEGIN_ALL: &str = "BEGIN IMMEDIATE; SAVEPOINT shared; SAVEPOINT one";
const BEGIN_ONE: &str = "SAVEPOINT one";
const END_ONE: &str = "RELEASE one";
const UNDO_ONE: &str = "ROLLBACK TO one; RELEASE one";
const END_SHARED: &str = "RELEASE shared; COMMIT";
const END_ALL: &str = "RELEASE one; RELEASE shared; COMMIT";
/// So many writers share a commit at most: nobody waits longer than for that many turns.
const MOST: usize = 128;

/// The connection and who waits for it. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    pool: SqlitePool,
    shared: Arc<Mutex<Shared>>,
    waiting: Arc<AtomicUsize>,
    patience: Duration,
}

/// The commit that is being filled.
#[derive(Debug, Default)]
struct Shared {
    open: Option<PoolConnection<Sqlite>>,
    /// Who wait for the commit: those whose turn is over, and those who saw what they changed.
    released: Vec<oneshot::Sender<Result<(), DbError>>>,
    /// The last writer left without a commit: its changes are still there.
    abandoned: bool,
    /// How many commits there were; whoever is to close one closes no later one.
    commits: u64,
    /// Somebody waits behind the others to close this commit.
    closes: bool,
}

/// The writing connection, for one writer. Dropped without [`Turn::commit`], it leaves nothing behind.
#[derive(Debug)]
pub(super) struct Turn {
    writer: Writer,
    /// None once the turn is over.
    shared: Option<OwnedMutexGuard<Shared>>,
    /// What becomes of the changes before this turn that are not committed, if there are any.
    seen: Option<Fate>,
}

/// Counts somebody who waits, however the waiting ends.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Writer {
    /// The writer of a pool of one connection; nobody waits longer than `patience` for a turn.
    pub(super) fn new(pool: SqlitePool, patience: Duration) -> Self {
        Self { pool, shared: Arc::default(), waiting: Arc::default(), patience }
    }

    /// The pool, for what is no transaction of ours: migrations.
    pub(super) fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Waits for a turn.
    pub(super) async fn begin(&self) -> Result<Turn, DbError> {
        let shared = {
            let _waiting = Waiting::begin(&self.waiting);
            let turn = tokio::time::timeout(self.patience, Arc::clone(&self.shared).lock_owned());
            turn.await.map_err(|_| DbError::Unreachable(sqlx::Error::PoolTimedOut))?
        };
        let mut turn = Turn { writer: self.clone(), shared: Some(shared), seen: None };
        let shared = turn.shared()?;
        shared.undo_abandoned().await;
        let seen = shared.uncommitted();
        shared.begin(&self.pool).await?;
        turn.seen = seen;
        Ok(turn)
    }

    /// Commits what was released, when everybody had a turn who waits now: turns are given in the order of asking.
    fn close_later(&self, mut turn: OwnedMutexGuard<Shared>) {
        // Without a runtime the process is ending: nothing is committed, and nobody was told that it is.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if std::mem::replace(&mut turn.closes, true) {
            return;
        }
        let (shared, commit) = (Arc::clone(&self.shared), turn.commits);
        drop(turn);
        runtime.spawn(async move {
            let mut shared = shared.lock_owned().await;
            if shared.commits == commit {
                shared.close().await;
            }
        });
    }

    /// Commits what was released and closes the connection.
    pub(super) async fn close(&self) {
        self.shared.lock().await.close().await;
        self.pool.close().await;
    }
}

impl Shared {
    /// What becomes of the changes that wait for the commit.
    fn uncommitted(&mut self) -> Option<Fate> {
        if self.released.is_empty() {
            return None;
        }
        let (answer, committed) = oneshot::channel();
        self.released.push(answer);
        Some(committed)
    }

    async fn begin(&mut self, pool: &SqlitePool) -> Result<(), DbError> {
        if self.open.is_none() {
            // Kept before it begins: left half-way, it is abandoned as any other.
            self.open = Some(pool.acquire().await.map_err(|source| DbError::from_sqlx(source, BEGIN_ALL))?);
            return self.run(BEGIN_ALL).await;
        }
        self.run(BEGIN_ONE).await
    }

    async fn run(&mut self, sql: &'static str) -> Result<(), DbError> {
        let open = self.open.as_mut().ok_or_else(nothing_open)?;
        open.execute(sql).await.map(drop).map_err(|source| DbError::from_sqlx(source, sql))
    }

    /// Takes back what a writer left that gave up. Where that fails, all is given up that was not committed.
    async fn undo_abandoned(&mut self) {
        if std::mem::take(&mut self.abandoned)
            && let Err(error) = self.run(UNDO_ONE).await
        {
            self.give_up(error.is_for_want_of_room());
        }
    }

    /// Commits what was released, and tells everybody who waits for it. Not to be left half-way.
    async fn close(&mut self) {
        self.undo_abandoned().await;
        if self.open.is_some() {
            self.commit(END_SHARED).await;
        }
    }

    async fn commit(&mut self, sql: &'static str) {
        self.commits += 1;
        self.closes = false;
        // Where the whole was rolled back behind our back, the first release fails.
        match self.run(sql).await {
            Ok(()) => {
                self.open = None;
                self.answer(Ok(()));
            }
            Err(error) => {
                tracing::error!(%error, writers = self.released.len(), "a commit failed, and all that shared it");
                self.give_up(error.is_for_want_of_room());
            }
        }
    }

    /// Ends the connection, and with it whatever stands open on it; the pool makes another.
    fn give_up(&mut self, no_room: bool) {
        self.commits += 1;
        self.closes = false;
        if let Some(mut open) = self.open.take() {
            open.close_on_drop();
        }
        self.answer(Err(no_room));
    }

    /// Tells all who wait what became of the commit; where it failed, whether for want of room.
    fn answer(&mut self, outcome: Result<(), bool>) {
        for waiting in self.released.drain(..) {
            // Whoever no longer listens has given up on the answer, not on the commit.
            let _ = waiting.send(outcome.map_err(|no_room| DbError::CommitLost { no_room }));
        }
    }
}

fn nothing_open() -> DbError {
    DbError::from_sqlx(sqlx::Error::WorkerCrashed, "SAVEPOINT")
}

impl Turn {
    fn shared(&mut self) -> Result<&mut Shared, DbError> {
        self.shared.as_deref_mut().ok_or_else(nothing_open)
    }

    /// The connection.
    pub(super) fn connection(&mut self) -> Result<&mut SqliteConnection, DbError> {
        self.shared()?.open.as_deref_mut().ok_or_else(nothing_open)
    }

    /// Makes everything durable that was done in this turn, together with those who wait. Once asked for, it is done,
    /// whether or not anybody still waits for the answer.
    pub(super) async fn commit(self) -> Result<(), DbError> {
        tokio::spawn(self.commit_to_the_end())
            .await
            .unwrap_or_else(|_| Err(DbError::CommitLost { no_room: false }))
    }

    async fn commit_to_the_end(mut self) -> Result<(), DbError> {
        let writer = self.writer.clone();
        let shared = self.shared()?;
        let last = writer.waiting.load(Ordering::Acquire) == 0 || shared.released.len() + 1 >= MOST;
        if !last {
            shared.run(END_ONE).await?;
        }
        let (answer, committed) = oneshot::channel();
        shared.released.push(answer);
        let Some(mut guard) = self.shared.take() else { return Err(nothing_open()) };
        if last {
            guard.commit(END_ALL).await;
        } else {
            writer.close_later(guard);
        }
        committed.await.unwrap_or_else(|_| Err(DbError::CommitLost { no_room: false }))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(mut shared) = self.shared.take() else { return };
        if let Some(seen) = self.seen.take() {
            left_without_commit(seen);
        }
        if shared.open.is_some() {
            shared.abandoned = true;
            self.writer.close_later(shared);
        }
    }
}

#[cfg(test)]
mod tests;
