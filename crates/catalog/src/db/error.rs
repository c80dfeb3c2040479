//! What can go wrong between us and the database.

/// A statement that failed, or a row that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The database could not be reached or opened; nothing was changed.
    #[error("the database cannot be reached")]
    Unreachable(#[source] sqlx::Error),
    /// A statement failed. `statement` is its beginning, never its values.
    #[error("the statement `{statement}` failed")]
    Statement {
        /// First line of the SQL text that says something.
        statement: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// A commit of which nobody can say that it came to be. After a crash or a failure of the disk the books tell.
    #[error("a commit was lost{}", if *no_room { ": there is no room on the disk" } else { "" })]
    CommitLost {
        /// Whether it failed for want of room.
        no_room: bool,
    },
    /// A row breaks a rule that the program keeps: somebody else wrote it.
    #[error("inconsistent row {id} in {table}: {problem}")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The row's key.
        id: String,
        /// Which rule it breaks.
        problem: String,
    },
    /// The schema is not the one this program was built for.
    #[error("the schema could not be brought up to date")]
    Migration(#[source] sqlx::migrate::MigrateError),
}

/// Errors of a whole transaction that may pass when it is run again.
pub trait Retryable {
    /// True when the transaction lost to another and may be run again as it is.
    fn is_passing_conflict(&self) -> bool;
}

/// Statements begin with a line break: their first line that says something.
fn first_line(statement: &'static str) -> &'static str {
    statement.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or(statement)
}

/// True when the connection is gone. `PostgreSQL`: class 57P, the server that ends it or is not there yet.
pub(super) fn is_of_a_lost_connection(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(told) => told.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}

impl DbError {
    pub(super) fn from_sqlx(source: sqlx::Error, statement: &'static str) -> Self {
        match source {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => Self::Unreachable(source),
            _ if is_of_a_lost_connection(&source) => Self::Unreachable(source),
            _ => Self::Statement { statement: first_line(statement), source },
        }
    }

    /// A row of `table` with key `id` that breaks a rule.
    pub fn inconsistent(table: &'static str, id: impl ToString, problem: impl ToString) -> Self {
        Self::Inconsistent { table, id: id.to_string(), problem: problem.to_string() }
    }

    /// True when there is no room for what was to be written. `SQLite`: FULL (13). `PostgreSQL`: disk full (53100).
    #[must_use]
    pub fn is_for_want_of_room(&self) -> bool {
        matches!(self, Self::CommitLost { no_room: true })
            || self.sqlite_code() == Some(13)
            || self.postgres_code().as_deref() == Some("53100")
    }

    /// True when the disk does not take or give what it should, or only gives. `SQLite`: READONLY (8), IOERR (10),
    /// CANTOPEN (14). `PostgreSQL`: I/O error (58030), read-only transaction (25006).
    #[must_use]
    pub fn is_of_the_disk(&self) -> bool {
        matches!(self, Self::CommitLost { no_room: false })
            || matches!(self.sqlite_code(), Some(8 | 10 | 14))
            || matches!(self.postgres_code().as_deref(), Some("58030" | "25006"))
    }

    /// The primary code of what `SQLite` said.
    fn sqlite_code(&self) -> Option<i32> {
        let Self::Statement { source: sqlx::Error::Database(error), .. } = self else { return None };
        error.try_downcast_ref::<sqlx::sqlite::SqliteError>()?;
        error.code()?.parse::<i32>().ok().map(|code| code & 0xff)
    }

    /// The code of what `PostgreSQL` said.
    fn postgres_code(&self) -> Option<String> {
        let Self::Statement { source: sqlx::Error::Database(error), .. } = self else { return None };
        error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?;
        error.code().map(std::borrow::Cow::into_owned)
    }

    /// True when a value of a row is not of the type that its column promises, which `SQLite` lets a hand do.
    #[must_use]
    pub fn is_unreadable_row(&self) -> bool {
        matches!(
            self,
            Self::Statement { source: sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_), .. }
        )
    }

    /// True when a unique key refused the row.
    #[must_use]
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Statement { source: sqlx::Error::Database(error), .. } if error.is_unique_violation())
    }
}

impl Retryable for DbError {
    /// `SQLite`: BUSY (5) and LOCKED (6) with their extended codes. `PostgreSQL`: serialization failure (40001)
    /// and deadlock (40P01).
    fn is_passing_conflict(&self) -> bool {
        matches!(self.sqlite_code(), Some(5 | 6))
            || matches!(self.postgres_code().as_deref(), Some("40001" | "40P01"))
    }
}
