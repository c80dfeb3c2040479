//! Computing the chain of hashes again, from the rows as they stand.

use std::path::Path;

use catalog::clock::Timestamp;
use catalog::db::{Db, DbError, DbUrl, Tx};
use catalog::digest::Sha256Digest;
use catalog::store::{self, SealedHead, SealedRow};
use serde::Serialize;

use super::chain;
use super::head_file::{self, HeadFileError, ToldHead};

/// Rows read at a time.
const BATCH: u32 = 1_000;

/// What is wrong with the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "problem", rename_all = "snake_case")]
pub enum Problem {
    /// No row bears that place: it was deleted, cut off, or put elsewhere.
    Missing {
        /// Which.
        position: i64,
    },
    /// The row at that place is not what was sealed there.
    Altered {
        /// Which.
        position: i64,
        /// The id that it bears now.
        event_id: String,
    },
    /// The row at that place does not even read as one.
    Unreadable {
        /// Which.
        position: i64,
    },
    /// Rows claim a place that the chain has not.
    Surplus {
        /// How many.
        rows: i64,
    },
    /// The stored end of the chain is not the end of the rows.
    HeadDiffers {
        /// The place that it tells of.
        position: i64,
    },
    /// The file tells of another row: the journal was rewritten from there or before.
    FileDiffers {
        /// The place that the file tells of.
        position: i64,
    },
}

/// What was found, as `colophon audit verify` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `intact` or `broken`.
    pub verdict: &'static str,
    /// Rows that fit, from the first.
    pub rows: i64,
    /// The hash of the last of them.
    pub hash: Sha256Digest,
    /// Rows that wait for their seal, about which nothing can be said.
    pub unsealed: i64,
    /// When the oldest of those happened.
    pub oldest_unsealed_at: Option<Timestamp>,
    /// What the file tells, if there is one.
    pub head_file: Option<ToldHead>,
    /// The first thing that is wrong.
    #[serde(flatten)]
    pub problem: Option<Problem>,
}

/// Why nothing could be found out.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The books cannot be read.
    #[error("the journal cannot be read")]
    Db(#[from] DbError),
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] HeadFileError),
    /// The file that was named is not there.
    #[error("there is no audit head file {0}")]
    NoFile(String),
    /// There are no books.
    #[error("there is no database {0}")]
    NoBooks(DbUrl),
}

/// The rows as far as they fit.
struct Walk {
    rows: i64,
    hash: Sha256Digest,
    /// The hash at the place that the file tells of.
    at_told: Option<Sha256Digest>,
}

/// Computes the chain again and compares it with the stored end and with what a file told. Nothing is written.
pub async fn verify(tx: &mut Tx, told: Option<ToldHead>) -> Result<Finding, DbError> {
    let mut walk = Walk { rows: 0, hash: chain::genesis(), at_told: None };
    let told_count = told.as_ref().map(|told| told.count);
    if told_count == Some(0) {
        walk.at_told = Some(walk.hash);
    }
    let mut problem = follow(tx, &mut walk, told_count).await?;
    if problem.is_none() {
        problem = compare(tx, &walk, told.as_ref()).await?;
    }
    let unsealed = store::count_unsealed(tx).await?;
    Ok(Finding {
        verdict: if problem.is_none() { "intact" } else { "broken" },
        rows: walk.rows,
        hash: walk.hash,
        unsealed: unsealed.rows,
        oldest_unsealed_at: unsealed.oldest,
        head_file: told,
        problem,
    })
}

/// Goes through the rows until one does not fit.
async fn follow(tx: &mut Tx, walk: &mut Walk, told: Option<i64>) -> Result<Option<Problem>, DbError> {
    loop {
        let rows = match read(tx, walk.rows).await? {
            Ok(rows) if rows.is_empty() => return Ok(None),
            Ok(rows) => rows,
            Err(unreadable) => return Ok(Some(unreadable)),
        };
        for row in rows {
            let position = walk.rows + 1;
            if row.position != position {
                return Ok(Some(Problem::Missing { position }));
            }
            let Some(hash) = chain::check(&row, walk.hash) else {
                return Ok(Some(Problem::Altered { position, event_id: row.row.event_id }));
            };
            (walk.rows, walk.hash) = (position, hash);
            if told == Some(position) {
                walk.at_told = Some(hash);
            }
        }
    }
}

/// The next rows. Where one of them is of another type than its column, a row is read at a time up to it.
async fn read(tx: &mut Tx, after: i64) -> Result<Result<Vec<SealedRow>, Problem>, DbError> {
    match store::list_sealed(tx, after, BATCH).await {
        Err(error) if error.is_unreadable_row() => match store::list_sealed(tx, after, 1).await {
            Err(error) if error.is_unreadable_row() => Ok(Err(Problem::Unreadable { position: after + 1 })),
            first => first.map(Ok),
        },
        rows => rows.map(Ok),
    }
}

/// Compares the end of the rows with what is told of it.
async fn compare(tx: &mut Tx, walk: &Walk, told: Option<&ToldHead>) -> Result<Option<Problem>, DbError> {
    let surplus = store::count_sealed(tx).await? - walk.rows;
    let head: SealedHead = store::find_sealed_head(tx).await?;
    let most_told = told.map_or(0, |told| told.count).max(head.position);
    let problem = if walk.rows < most_told {
        Problem::Missing { position: walk.rows + 1 }
    } else if surplus != 0 {
        Problem::Surplus { rows: surplus }
    } else if (head.position, head.hash) != (walk.rows, walk.hash) {
        Problem::HeadDiffers { position: head.position }
    } else {
        match told {
            Some(told) if walk.at_told != Some(told.hash) => Problem::FileDiffers { position: told.count },
            _ => return Ok(None),
        }
    };
    Ok(Some(problem))
}

/// Verifies the journal in the database at `url`. Without a `named` file the usual one counts, if it is there.
pub async fn verify_books(url: &DbUrl, named: Option<&Path>, usual: &Path) -> Result<Finding, VerifyError> {
    if let DbUrl::Sqlite(path) = url
        && !path.exists()
    {
        return Err(VerifyError::NoBooks(url.clone()));
    }
    let told = head_file::read(named.unwrap_or(usual))?;
    if let (Some(named), None) = (named, &told) {
        return Err(VerifyError::NoFile(named.display().to_string()));
    }
    let db = Db::connect(url).await?;
    let mut tx = db.begin_read().await?;
    let finding = verify(&mut tx, told).await?;
    drop(tx);
    db.close().await;
    Ok(finding)
}
