//! The one writing connection of `SQLite`. Writers that wait together are committed together.
//!
//! A commit waits for the disk, and everybody behind it waits with it. So a writer works between a savepoint and its
//! release, makes room for the next, and one commit serves all who had their turn before it. A writer that gives up
//! is rolled back to its savepoint and takes nothing of the others with it.
//!
//! *Invariant: answered after the disk.* [`Turn::commit`] succeeds only after the commit that holds its changes.
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

/// Said by ourselves: the driver's own count of open transactions never recovers from one that the database ended.
const BEGIN: &str = "BEGIN IMMEDIATE";
const COMMIT: &str = "COMMIT";
/// Whose releases a commit serves: it is there as long as nothing rolled the whole back.
const BEGIN_SHARED: &str = "SAVEPOINT shared";
const END_SHARED: &str = "RELEASE shared";
/// What one writer changes.
const BEGIN_ONE: &str = "SAVEPOINT one";
const END_ONE: &str = "RELEASE one";
const UNDO_ONE: &str = "ROLLBACK TO one";
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
    /// Whose turn is over and who wait for the commit.
    released: Vec<oneshot::Sender<Result<(), DbError>>>,
    /// The last writer left without a commit: its changes are still there.
    abandoned: bool,
}

/// The writing connection, for one writer. Dropped without [`Turn::commit`], it leaves nothing behind.
#[derive(Debug)]
pub(super) struct Turn {
    writer: Writer,
    /// None once the turn is over.
    shared: Option<OwnedMutexGuard<Shared>>,
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
        let mut turn = Turn { writer: self.clone(), shared: Some(shared) };
        let shared = turn.shared()?;
        shared.undo_abandoned().await;
        shared.begin(&self.pool).await?;
        Ok(turn)
    }

    /// Commits what was released, when everybody had a turn who waits now: turns are given in the order of asking.
    fn close_later(&self) {
        let shared = Arc::clone(&self.shared);
        // Without a runtime the process is ending: nothing is committed, and nobody was told that it is.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { shared.lock_owned().await.close().await });
        }
    }

    /// Commits what was released and closes the connection.
    pub(super) async fn close(&self) {
        self.shared.lock().await.close().await;
        self.pool.close().await;
    }
}

impl Shared {
    async fn begin(&mut self, pool: &SqlitePool) -> Result<(), DbError> {
        if self.open.is_none() {
            // Kept before it begins: left half-way, it is abandoned as any other.
            self.open = Some(pool.acquire().await.map_err(|source| DbError::from_sqlx(source, BEGIN))?);
            self.run(BEGIN).await?;
            self.run(BEGIN_SHARED).await?;
        }
        self.run(BEGIN_ONE).await
    }

    async fn run(&mut self, sql: &'static str) -> Result<(), DbError> {
        let open = self.open.as_mut().ok_or_else(nothing_open)?;
        open.execute(sql).await.map(drop).map_err(|source| DbError::from_sqlx(source, sql))
    }

    async fn run_all(&mut self, steps: [&'static str; 2]) -> Result<(), DbError> {
        for sql in steps {
            self.run(sql).await?;
        }
        Ok(())
    }

    /// Takes back what a writer left that gave up. Where that fails, all is given up that was not committed.
    async fn undo_abandoned(&mut self) {
        if std::mem::take(&mut self.abandoned) && self.run_all([UNDO_ONE, END_ONE]).await.is_err() {
            self.give_up();
        }
    }

    /// Commits what was released, and tells everybody who waits for it. Not to be left half-way.
    async fn close(&mut self) {
        self.undo_abandoned().await;
        if self.open.is_none() {
            return;
        }
        // Where the whole was rolled back behind our back, the first of the two fails.
        match self.run_all([END_SHARED, COMMIT]).await {
            Ok(()) => {
                self.open = None;
                self.answer(true);
            }
            Err(error) => {
                tracing::error!(%error, writers = self.released.len(), "a commit failed, and all that shared it");
                self.give_up();
            }
        }
    }

    /// Ends the connection, and with it whatever stands open on it; the pool makes another.
    fn give_up(&mut self) {
        if let Some(mut open) = self.open.take() {
            open.close_on_drop();
        }
        self.answer(false);
    }

    fn answer(&mut self, committed: bool) {
        for waiting in self.released.drain(..) {
            // Whoever no longer listens has given up on the answer, not on the commit.
            let _ = waiting.send(if committed { Ok(()) } else { Err(lost()) });
        }
    }
}

fn nothing_open() -> DbError {
    DbError::from_sqlx(sqlx::Error::WorkerCrashed, "SAVEPOINT")
}

fn lost() -> DbError {
    DbError::from_sqlx(sqlx::Error::WorkerCrashed, "COMMIT")
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
        tokio::spawn(self.commit_to_the_end()).await.unwrap_or_else(|_| Err(lost()))
    }

    async fn commit_to_the_end(mut self) -> Result<(), DbError> {
        let writer = self.writer.clone();
        let shared = self.shared()?;
        shared.run(END_ONE).await?;
        let (answer, committed) = oneshot::channel();
        shared.released.push(answer);
        let last = writer.waiting.load(Ordering::Acquire) == 0 || shared.released.len() >= MOST;
        let Some(mut guard) = self.shared.take() else { return Err(nothing_open()) };
        if last {
            guard.close().await;
        } else {
            drop(guard);
            writer.close_later();
        }
        committed.await.unwrap_or_else(|_| Err(lost()))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(mut shared) = self.shared.take() else { return };
        if shared.open.is_some() {
            shared.abandoned = true;
            drop(shared);
            self.writer.close_later();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn writer(folder: &tempfile::TempDir) -> Writer {
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(folder.path().join("test.db"))
            .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
            .create_if_missing(true);
        let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1);
        let pool = pool.connect_with(options).await.unwrap();
        pool.execute("CREATE TABLE notes (note BIGINT NOT NULL UNIQUE)").await.unwrap();
        Writer::new(pool, Duration::from_secs(10))
    }

    async fn note(turn: &mut Turn, note: &'static str) -> Result<(), sqlx::Error> {
        turn.connection().unwrap().execute(note).await.map(drop)
    }

    /// What another connection sees.
    async fn seen(folder: &tempfile::TempDir) -> Vec<i64> {
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let mut other = <SqliteConnection as sqlx::Connection>::connect(&url).await.unwrap();
        sqlx::query_scalar("SELECT note FROM notes ORDER BY note").fetch_all(&mut other).await.unwrap()
    }

    #[tokio::test]
    async fn whoever_is_told_of_a_commit_is_seen_by_others() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder).await;
        let mut turn = writer.begin().await.unwrap();
        note(&mut turn, "INSERT INTO notes VALUES (1)").await.unwrap();
        assert_eq!(seen(&folder).await, [0_i64; 0]);
        turn.commit().await.unwrap();
        assert_eq!(seen(&folder).await, [1]);
    }

    #[tokio::test]
    async fn a_writer_shares_its_commit_with_those_who_wait_and_is_answered_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder).await;
        let mut first = writer.begin().await.unwrap();
        note(&mut first, "INSERT INTO notes VALUES (1)").await.unwrap();
        let (second, third) = (writer.clone(), writer.clone());
        let second = tokio::spawn(async move { second.begin().await });
        let third = tokio::spawn(async move { third.begin().await });
        while writer.waiting.load(Ordering::Acquire) < 2 {
            tokio::task::yield_now().await;
        }
        let first = tokio::spawn(first.commit());
        let mut second = second.await.unwrap().unwrap();
        // The first had its turn and is not answered: what it did is not there for others.
        assert!(!first.is_finished());
        assert_eq!(seen(&folder).await, [0_i64; 0]);
        // It gives up, and takes nothing of the others with it.
        note(&mut second, "INSERT INTO notes VALUES (2)").await.unwrap();
        drop(second);
        let mut third = third.await.unwrap().unwrap();
        note(&mut third, "INSERT INTO notes VALUES (3)").await.unwrap();
        third.commit().await.unwrap();
        first.await.unwrap().unwrap();
        assert_eq!(seen(&folder).await, [1, 3]);
    }

    #[tokio::test]
    async fn a_writer_that_gives_up_does_not_keep_others_from_writing() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder).await;
        let mut turn = writer.begin().await.unwrap();
        note(&mut turn, "INSERT INTO notes VALUES (1)").await.unwrap();
        assert!(note(&mut turn, "INSERT INTO notes VALUES (1)").await.is_err());
        drop(turn);
        // Another process, as a command beside the service is.
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let mut other = <SqliteConnection as sqlx::Connection>::connect(&url).await.unwrap();
        other.execute("INSERT INTO notes VALUES (7)").await.unwrap();
        assert_eq!(seen(&folder).await, [7]);
    }

    #[tokio::test]
    async fn nobody_is_told_of_a_commit_that_the_database_took_back() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder).await;
        let mut first = writer.begin().await.unwrap();
        note(&mut first, "INSERT INTO notes VALUES (1)").await.unwrap();
        let second = writer.clone();
        let second = tokio::spawn(async move { second.begin().await });
        while writer.waiting.load(Ordering::Acquire) < 1 {
            tokio::task::yield_now().await;
        }
        let first = tokio::spawn(first.commit());
        let mut second = second.await.unwrap().unwrap();
        // What a full disk does.
        note(&mut second, "ROLLBACK").await.unwrap();
        assert!(second.commit().await.is_err());
        assert!(first.await.unwrap().is_err());
        assert_eq!(seen(&folder).await, [0_i64; 0]);

        let mut third = writer.begin().await.unwrap();
        note(&mut third, "INSERT INTO notes VALUES (3)").await.unwrap();
        third.commit().await.unwrap();
        assert_eq!(seen(&folder).await, [3]);
    }

    #[tokio::test]
    async fn two_hundred_writers_at_once_are_all_there() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder).await;
        let mut writers = tokio::task::JoinSet::new();
        for _ in 0..200 {
            let writer = writer.clone();
            writers.spawn(async move {
                let mut turn = writer.begin().await.unwrap();
                note(&mut turn, "INSERT INTO notes SELECT coalesce(max(note), 0) + 1 FROM notes")
                    .await
                    .unwrap();
                turn.commit().await.unwrap();
            });
        }
        writers.join_all().await;
        assert_eq!(seen(&folder).await, (1..=200).collect::<Vec<i64>>());
    }
}
