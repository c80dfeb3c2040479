//! The one door to SQL: one text, two databases.
//!
//! `SQLite` serves one process on one data directory (one writing connection, many readers, WAL); `PostgreSQL`
//! serves several processes. Statements are `&'static str` with `$1` parameters and only TEXT and BIGINT
//! values, which both understand alike; where a statement must differ, [`Sql`] holds both texts side by side.
//!
//! A writing transaction is `BEGIN IMMEDIATE` on `SQLite` and READ COMMITTED on `PostgreSQL`. It starts with a
//! `SELECT … FOR NO KEY UPDATE` of the row that guards the decision; on `SQLite`, where the beginning is the lock, with the
//! selection alone. Lock order: edition, sale, claim, lease.

mod connect;
mod error;
mod retrying;
mod value;
mod writer;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use sqlx::{FromRow, Postgres, Sqlite, Transaction};

pub use connect::{Db, DbKind, DbUrl, InvalidDbUrl};
pub use error::{DbError, Retryable};
pub use retrying::retrying;
pub use value::Value;

use self::writer::Turn;
use crate::clock::Timestamp;

/// A statement: one text for both databases, or one for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sql {
    /// What `SQLite` runs.
    pub sqlite: &'static str,
    /// What `PostgreSQL` runs.
    pub postgres: &'static str,
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self { sqlite: text, postgres: text }
    }
}

/// A row that both databases can give. Derive [`sqlx::FromRow`] on a struct of `String`, `i64` and options.
pub trait Record:
    for<'r> FromRow<'r, sqlx::sqlite::SqliteRow> + for<'r> FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin
{
}

impl<T> Record for T where
    T: for<'r> FromRow<'r, sqlx::sqlite::SqliteRow>
        + for<'r> FromRow<'r, sqlx::postgres::PgRow>
        + Send
        + Unpin
{
}

/// The moment by the database's own clock, in microseconds. Leases are measured by it alone.
const NOW: Sql = Sql {
    sqlite: "SELECT CAST(unixepoch('now', 'subsec') * 1000000 AS INTEGER)",
    postgres: "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
};

/// An open transaction. Dropped without [`Tx::commit`], it leaves nothing behind.
#[derive(Debug)]
pub struct Tx {
    inner: Inner,
    gathered: Vec<Gathered>,
}

/// Rows for one run of a statement before the commit, with the parameters that they have in common.
struct Gathered {
    sql: Sql,
    rows: Vec<Box<RawValue>>,
    shared: Vec<Value>,
}

impl std::fmt::Debug for Gathered {
    /// Shows how many: a value may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} rows", self.rows.len())
    }
}

#[derive(Debug)]
enum Inner {
    Sqlite(Transaction<'static, Sqlite>),
    SqliteWriter(Turn),
    Postgres(Transaction<'static, Postgres>),
}

/// Runs one body against whichever database the transaction is open on.
macro_rules! on_either {
    ($tx:expr, $sql:expr, |$connection:ident, $text:ident| $body:expr) => {{
        let sql: Sql = $sql.into();
        match &mut $tx.inner {
            Inner::Sqlite(transaction) => {
                let ($connection, $text) = (&mut **transaction, sql.sqlite);
                $body
            }
            Inner::SqliteWriter(turn) => {
                let ($connection, $text) = (turn.connection()?, sql.sqlite);
                $body
            }
            Inner::Postgres(transaction) => {
                let ($connection, $text) = (&mut **transaction, sql.postgres);
                $body
            }
        }
        .map_err(|source| DbError::from_sqlx(source, sql.sqlite))
    }};
}

impl Tx {
    fn new(inner: Inner) -> Self {
        Self { inner, gathered: Vec::new() }
    }

    /// Runs a statement and says how many rows it changed.
    #[expect(clippy::disallowed_methods, reason = "this is the one door to SQL")]
    pub async fn execute(&mut self, sql: impl Into<Sql>, values: &[Value]) -> Result<u64, DbError> {
        on_either!(self, sql, |connection, text| {
            value::bind(sqlx::query(text), values).execute(connection).await.map(|done| done.rows_affected())
        })
    }

    /// The one row that a statement gives, or none.
    pub async fn fetch_optional<R: Record>(
        &mut self,
        sql: impl Into<Sql>,
        values: &[Value],
    ) -> Result<Option<R>, DbError> {
        on_either!(self, sql, |connection, text| {
            value::bind_as(sqlx::query_as(text), values).fetch_optional(connection).await
        })
    }

    /// The one row that a statement must give.
    pub async fn fetch_one<R: Record>(
        &mut self,
        sql: impl Into<Sql>,
        values: &[Value],
    ) -> Result<R, DbError> {
        on_either!(self, sql, |connection, text| {
            value::bind_as(sqlx::query_as(text), values).fetch_one(connection).await
        })
    }

    /// All rows that a statement gives. Statements bound their own number by `LIMIT`.
    pub async fn fetch_all<R: Record>(
        &mut self,
        sql: impl Into<Sql>,
        values: &[Value],
    ) -> Result<Vec<R>, DbError> {
        on_either!(self, sql, |connection, text| {
            value::bind_as(sqlx::query_as(text), values).fetch_all(connection).await
        })
    }

    /// Lets the database check a statement without running it. Tests prepare every statement on both databases.
    pub async fn prepare(&mut self, sql: impl Into<Sql>) -> Result<(), DbError> {
        use sqlx::{Executor, SqlSafeStr};
        on_either!(self, sql, |connection, text| {
            connection.prepare(text.into_sql_str()).await.map(|_statement| ())
        })
    }

    /// The moment by the database's own clock.
    pub async fn now(&mut self) -> Result<Timestamp, DbError> {
        let (micros,): (i64,) = self.fetch_one(NOW, &[]).await?;
        Timestamp::from_micros(micros).map_err(|_| DbError::inconsistent("clock", "now", "out of range"))
    }

    /// Gathers a row for a statement behind `@rows`, which runs before the commit, once for all rows in a row that have the
    /// same `shared` parameters (`$2` and so on): for what nothing in this transaction reads.
    pub fn gather(&mut self, sql: Sql, row: &impl Serialize, shared: Vec<Value>) -> Result<(), DbError> {
        let row = to_raw_value(row).map_err(|problem| DbError::inconsistent("rows", 1, problem))?;
        match self.gathered.last_mut() {
            Some(last) if last.sql == sql && last.shared == shared => last.rows.push(row),
            _ => self.gathered.push(Gathered { sql, rows: vec![row], shared }),
        }
        Ok(())
    }

    /// Makes everything durable that this transaction did.
    pub async fn commit(mut self) -> Result<(), DbError> {
        for Gathered { sql, rows, mut shared } in std::mem::take(&mut self.gathered) {
            shared.insert(0, Value::rows(&rows)?);
            self.execute(sql, &shared).await?;
        }
        match self.inner {
            Inner::SqliteWriter(turn) => return turn.commit().await,
            Inner::Sqlite(transaction) => transaction.commit().await,
            Inner::Postgres(transaction) => transaction.commit().await,
        }
        .map_err(|source| match DbError::from_sqlx(source, "COMMIT") {
            // Whether the commit came to be before the connection went, nobody heard.
            DbError::Unreachable(_) => DbError::CommitLost { no_room: false },
            told => told,
        })
    }
}

/// Names the SQL of a `store.rs`: constants for its functions, and all of them together as `STATEMENTS`, which
/// the tests prepare on both databases.
///
/// Behind `@locked` stand selections that lock what they find until the transaction ends: rows on `PostgreSQL`, as an update that
/// touches no key does; on `SQLite` a writing transaction is alone.
///
/// Behind `@rows` stand statements that do one thing to many rows, which come as one parameter ([`Value::rows`]): the text before
/// the rows, the parameter, and the text after it. `item.value ->> 0` is the first value of a row, `item.key` its place.
///
/// ```ignore
/// catalog::statements! {
///     FIND = "SELECT state FROM calls WHERE call_id = $1";
///     @locked {
///         LOCK = "SELECT state FROM calls WHERE call_id = $1";
///     }
///     @rows {
///         END = "UPDATE calls SET state = $2 FROM", rows("$1"), "WHERE call_id = item.value ->> 0";
///     }
/// }
/// ```
#[macro_export]
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)+
     $(@locked { $($(#[$locked_doc:meta])* $locked:ident = $selection:expr;)+ })?
     $(@rows { $($(#[$many_doc:meta])* $many:ident = $before:literal, rows($rows:literal), $after:literal;)+ })?) => {
        $($(#[$doc])* const $name: $crate::db::Sql = $crate::db::sql($sql);)+
        $($($(#[$locked_doc])* const $locked: $crate::db::Sql = $crate::db::Sql {
            sqlite: $selection,
            postgres: concat!($selection, " FOR NO KEY UPDATE"),
        };)+)?
        $($($(#[$many_doc])* const $many: $crate::db::Sql = $crate::db::Sql {
            sqlite: concat!($before, " json_each(", $rows, ") AS item ", $after),
            postgres: concat!(
                $before,
                " json_array_elements(CAST(",
                $rows,
                " AS json)) WITH ORDINALITY AS item (value, key) ",
                $after,
            ),
        };)+)?
        /// Every statement of this file.
        pub(crate) const STATEMENTS: &[$crate::db::Sql] = &[$($name),+ $($(, $locked)+)? $($(, $many)+)?];
    };
}

/// One text for both databases; for [`statements!`].
#[doc(hidden)]
#[must_use]
pub const fn sql(text: &'static str) -> Sql {
    Sql { sqlite: text, postgres: text }
}
