//! Opening a database: its address, its connections, its schema.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Postgres, Transaction};

use super::error::is_of_a_lost_connection;
use super::writer::Writer;
use super::{DbError, Inner, Record, Sql, Tx, Value, value};

/// How long a statement waits for a connection or a lock before it is reported.
const PATIENCE: Duration = Duration::from_secs(10);
/// What the writing connection of `SQLite` keeps in memory: 64 MiB (kibibytes, with a minus). Readers keep two.
const WRITER_CACHE: &str = "-65536";
/// Statements that a connection keeps prepared: more than there are.
const STATEMENTS_KEPT: usize = 500;
/// Rows that a thread of `SQLite` reads ahead of whoever asked for them.
const ROWS_HANDED_OVER: usize = 500;
/// Ways of reading that `PostgreSQL` leaves aside. Every statement of ours has an index; a planner without figures of a
/// table (after a restore), or with those of an hour ago, may yet read all of it, or sort all that waits.
const NOT_BY_INDEX: [&str; 4] =
    ["enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin"];
/// Connections that read beside the one that writes (`SQLite`), or that do either (`PostgreSQL`).
const CONNECTIONS: u32 = 16;

/// Steps of the schema that this program does not know.
const LATER_STEPS: &str = "SELECT count(*) FROM _sqlx_migrations WHERE version > $1";

/// Where a database is. Its `Debug` and `Display` hide the password.
#[derive(Clone)]
pub enum DbUrl {
    /// A `SQLite` file: `sqlite:PATH`.
    Sqlite(PathBuf),
    /// A `PostgreSQL` server: `postgres://…`.
    Postgres(Box<PgConnectOptions>),
}

/// A text that is no address of a database. The text itself is not repeated: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a database address: expected postgres://USER:PASSWORD@HOST:PORT/NAME or sqlite:PATH")]
pub struct InvalidDbUrl;

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DbKind {
    /// The embedded one.
    Sqlite,
    /// The server.
    Postgres,
}

impl FromStr for DbUrl {
    type Err = InvalidDbUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(path) = text.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
            return Ok(Self::Sqlite(PathBuf::from(path.trim_start_matches("//"))));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return text.parse().map(|options| Self::Postgres(Box::new(options))).map_err(|_| InvalidDbUrl);
        }
        Err(InvalidDbUrl)
    }
}

impl std::fmt::Display for DbUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(options) => write!(
                f,
                "postgres://{}:{}/{}",
                options.get_host(),
                options.get_port(),
                options.get_database().unwrap_or_default()
            ),
        }
    }
}

impl std::fmt::Debug for DbUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// An open database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    pools: Pools,
}

#[derive(Debug, Clone)]
enum Pools {
    Sqlite { writer: Writer, readers: SqlitePool, write_log: PathBuf },
    Postgres(PgPool),
}

/// Does what changes nothing on a connection that still stands. The first word itself finds out, without a question before
/// each use: a connection that the server left is given up for the next.
async fn on_standing_connection<T, F>(attempt: impl Fn() -> F) -> Result<T, sqlx::Error>
where
    F: Future<Output = Result<T, sqlx::Error>>,
{
    let mut tries = 0..CONNECTIONS;
    loop {
        match attempt().await {
            Err(error) if is_of_a_lost_connection(&error) && tries.next().is_some() => {}
            outcome => return outcome,
        }
    }
}

/// Begins a transaction there.
async fn begin_on_server(
    pool: &PgPool,
    sql: &'static str,
) -> Result<Transaction<'static, Postgres>, DbError> {
    let begun = on_standing_connection(|| pool.begin_with(sql)).await;
    begun.map_err(|source| DbError::from_sqlx(source, sql))
}

impl Db {
    /// Opens the database at `url`; a `SQLite` file that is not there yet is made.
    pub async fn connect(url: &DbUrl) -> Result<Self, DbError> {
        let pools = match url {
            DbUrl::Sqlite(path) => Self::open_sqlite(path).await,
            DbUrl::Postgres(options) => PgPoolOptions::new()
                .max_connections(CONNECTIONS)
                .acquire_timeout(PATIENCE)
                // The beginning of a transaction tells whether a connection still stands.
                .test_before_acquire(false)
                .connect_with(
                    options
                        .as_ref()
                        .clone()
                        .application_name("colophon")
                        .statement_cache_capacity(STATEMENTS_KEPT)
                        .options(NOT_BY_INDEX.map(|method| (method, "off"))),
                )
                .await
                .map(Pools::Postgres),
        };
        pools.map(|pools| Self { pools }).map_err(DbError::Unreachable)
    }

    async fn open_sqlite(path: &Path) -> Result<Pools, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL: a nonce that was bound survives a power cut.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .statement_cache_capacity(STATEMENTS_KEPT)
            // Each row is handed from thread to thread: many at once spare most of the turns.
            .row_buffer_size(ROWS_HANDED_OVER)
            // What is erased is overwritten, not left in free pages.
            .pragma("secure_delete", "ON")
            // Writers work between savepoints: what a page was before is kept in memory, not in a file of its own.
            .pragma("temp_store", "MEMORY")
            // The log of writes is emptied into the database once it has so many pages (16 MiB): most pages change more than
            // once until then, and are written there once.
            .pragma("wal_autocheckpoint", "4096")
            // Whatever a long reader let it grow to, it shrinks to this when that reader is gone.
            .pragma("journal_size_limit", "16777216")
            .busy_timeout(PATIENCE);
        // Connections in our own process need no test whether they still stand.
        let pool = || SqlitePoolOptions::new().acquire_timeout(PATIENCE).test_before_acquire(false);
        let writer = pool().max_connections(1);
        let writer = writer.connect_with(options.clone().pragma("cache_size", WRITER_CACHE)).await?;
        let readers = pool().max_connections(CONNECTIONS);
        let readers = readers.connect_with(options.read_only(true)).await?;
        let write_log = PathBuf::from(format!("{}-wal", path.display()));
        Ok(Pools::Sqlite { writer: Writer::new(writer, PATIENCE), readers, write_log })
    }

    /// Which database this is.
    #[must_use]
    pub fn kind(&self) -> DbKind {
        match self.pools {
            Pools::Sqlite { .. } => DbKind::Sqlite,
            Pools::Postgres(_) => DbKind::Postgres,
        }
    }

    /// Brings the schema up to date. Several processes may call it at once. What a later release has added is left as it is:
    /// steps only add, so that this one can work beside it and after it.
    pub async fn migrate(&self) -> Result<(), DbError> {
        let mut migrations = match self.pools {
            Pools::Sqlite { .. } => sqlx::migrate!("../../migrations/sqlite"),
            Pools::Postgres(_) => sqlx::migrate!("../../migrations/postgres"),
        };
        migrations.set_ignore_missing(true);
        // Each is a transaction of its own: a process that dies leaves whole ones.
        let mut newest = 0;
        for step in migrations.iter().map(|migration| migration.version) {
            match &self.pools {
                Pools::Sqlite { writer, .. } => migrations.run_to(step, writer.pool()).await,
                Pools::Postgres(pool) => migrations.run_to(step, pool).await,
            }
            .map_err(DbError::Migration)?;
            newest = newest.max(step);
            crate::crash_point!("schema.step");
        }
        let mut tx = self.begin_read().await?;
        let (later,): (i64,) = tx.fetch_one(LATER_STEPS, &[newest.into()]).await?;
        if later > 0 {
            tracing::warn!(later, newest, "the schema has steps of a later release: left as they are");
        }
        Ok(())
    }

    /// Opens a transaction that writes. On `SQLite` it waits for the one writer before it, and writers that wait together
    /// are committed together.
    pub async fn begin_write(&self) -> Result<Tx, DbError> {
        let inner = match &self.pools {
            Pools::Sqlite { writer, .. } => Inner::SqliteWriter(writer.begin().await?),
            Pools::Postgres(pool) => Inner::Postgres(begin_on_server(pool, "BEGIN").await?),
        };
        Ok(Tx::new(inner))
    }

    /// Opens a transaction that only reads; it never waits for a writer.
    pub async fn begin_read(&self) -> Result<Tx, DbError> {
        let inner = match &self.pools {
            Pools::Sqlite { readers, .. } => {
                let begun = readers.begin().await;
                Inner::Sqlite(begun.map_err(|source| DbError::from_sqlx(source, "BEGIN"))?)
            }
            Pools::Postgres(pool) => {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
                Inner::Postgres(begin_on_server(pool, begin).await?)
            }
        };
        Ok(Tx::new(inner))
    }

    /// What one statement shows that only reads, of what is committed when it begins. It needs no transaction around it, and
    /// so one turn with the server where a transaction takes three.
    pub async fn look<R: Record>(&self, sql: impl Into<Sql>, values: &[Value]) -> Result<Vec<R>, DbError> {
        let Sql { sqlite, postgres } = sql.into();
        match &self.pools {
            Pools::Sqlite { readers, .. } => {
                value::bind_as(sqlx::query_as(sqlite), values).fetch_all(readers).await
            }
            Pools::Postgres(pool) => {
                let look = || value::bind_as(sqlx::query_as(postgres), values).fetch_all(pool);
                on_standing_connection(look).await
            }
        }
        .map_err(|source| DbError::from_sqlx(source, sqlite))
    }

    /// Bytes in `SQLite`'s log of writes, which cannot be emptied while somebody reads what stood there before; none on
    /// `PostgreSQL`.
    #[must_use]
    pub fn write_log_bytes(&self) -> Option<u64> {
        let Pools::Sqlite { write_log, .. } = &self.pools else { return None };
        Some(std::fs::metadata(write_log).map_or(0, |log| log.len()))
    }

    /// Closes every connection, after what is under way.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { writer, readers, .. } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}
