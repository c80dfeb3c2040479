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

impl DbError {
    pub(super) fn from_sqlx(source: sqlx::Error, statement: &'static str) -> Self {
        match source {
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
                Self::Unreachable(source)
            }
            _ => Self::Statement { statement: first_line(statement), source },
        }
    }

    /// A commit of which nobody can say that it came to be.
    pub(super) fn commit_lost() -> Self {
        Self::from_sqlx(sqlx::Error::WorkerCrashed, "COMMIT")
    }

    /// A row of `table` with key `id` that breaks a rule.
    pub fn inconsistent(table: &'static str, id: impl ToString, problem: impl ToString) -> Self {
        Self::Inconsistent { table, id: id.to_string(), problem: problem.to_string() }
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
        let Self::Statement { source: sqlx::Error::Database(error), .. } = self else { return false };
        match error.code().as_deref() {
            Some("40001" | "40P01") => true,
            Some(code) if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() => {
                code.parse::<i32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6))
            }
            _ => false,
        }
    }
}
