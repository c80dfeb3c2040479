//! The end of the chain in a file outside the database: whoever changes the books cannot change what this file said before.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use catalog::clock::Timestamp;
use catalog::crash_point;
use catalog::db::{Db, DbError};
use catalog::digest::Sha256Digest;
use catalog::store::{self, SealedHead};
use serde::{Deserialize, Serialize};

use super::chain;
use crate::error;
use crate::state::{App, AppState};

/// Pause between two exports.
const PAUSE: Duration = Duration::from_mins(1);
/// A row that has waited so long for its seal is an alarm.
const LATE: Duration = Duration::from_mins(1);
/// A file larger than this is none of ours.
const MOST_BYTES: u64 = 4_096;

/// What the file tells, as one line of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToldHead {
    /// How many rows were sealed.
    pub count: i64,
    /// The hash of the last of them.
    pub hash: Sha256Digest,
    /// When it was sealed.
    pub sealed_at: Timestamp,
}

impl From<&SealedHead> for ToldHead {
    fn from(head: &SealedHead) -> Self {
        Self { count: head.position, hash: head.hash, sealed_at: head.sealed_at }
    }
}

/// Why the end of the chain was not told.
#[derive(Debug, thiserror::Error)]
pub enum HeadFileError {
    /// The file cannot be read or written.
    #[error("the audit head file {} cannot be {act}", path.display())]
    Io {
        /// What was tried.
        act: &'static str,
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file is not one of ours.
    #[error("the audit head file {} holds something else than an audit head", path.display())]
    NotAHead {
        /// Which.
        path: PathBuf,
    },
    /// The file knows more rows than the books.
    #[error(
        "the audit head file tells of {told} sealed rows and the books hold {held}: rows were cut off, or the books are old"
    )]
    Ahead {
        /// The file's count.
        told: i64,
        /// The books'.
        held: i64,
    },
    /// The file knows another row.
    #[error("row {position} is not the one that the audit head file tells of: the journal was rewritten")]
    Differs {
        /// Where.
        position: i64,
    },
    /// The books cannot be read.
    #[error("the end of the journal could not be read")]
    Db(#[from] DbError),
}

impl HeadFileError {
    /// A stable word for metrics.
    fn as_str(&self) -> &'static str {
        match self {
            Self::Io { .. } => "io",
            Self::NotAHead { .. } => "not_a_head",
            Self::Ahead { .. } => "ahead",
            Self::Differs { .. } => "differs",
            Self::Db(_) => "database",
        }
    }
}

/// What the file at `path` tells; none when there is no file.
pub fn read(path: &Path) -> Result<Option<ToldHead>, HeadFileError> {
    let odd = |source| HeadFileError::Io { act: "read", path: path.to_owned(), source };
    let bytes = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(odd(error)),
        Ok(found) if found.len() > MOST_BYTES => Vec::new(),
        Ok(_) => fs::read(path).map_err(odd)?,
    };
    let told = serde_json::from_slice(&bytes).ok();
    told.map(Some).ok_or_else(|| HeadFileError::NotAHead { path: path.to_owned() })
}

/// Puts the file in the place of the one before in one step, once its bytes are on the disk.
fn replace(path: &Path, told: &ToldHead) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = folder.join(name);
    let mut file = File::create(&new)?;
    let mut line = serde_json::to_string(told)?;
    line.push('\n');
    file.write_all(line.as_bytes())?;
    file.sync_all()?;
    crash_point!("audit.head_unnamed");
    fs::rename(&new, path)?;
    File::open(folder)?.sync_all()
}

/// Holds the file for this process: two that share it would overtake each other. None while another holds it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = File::options().create(true).truncate(false).write(true).open(PathBuf::from(name))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Tells the end of the chain, if the books go on from what the file told before. Gives what the file tells now; none
/// while another process writes it.
pub async fn step(db: &Db, path: &Path) -> Result<Option<ToldHead>, HeadFileError> {
    let io = |act| move |source| HeadFileError::Io { act, path: path.to_owned(), source };
    let Some(_held) = lock(path).map_err(io("locked"))? else { return Ok(None) };
    let before = read(path)?;
    let mut tx = db.begin_read().await?;
    let head = store::find_sealed_head(&mut tx).await?;
    if let Some(before) = &before {
        if before.count > head.position {
            return Err(HeadFileError::Ahead { told: before.count, held: head.position });
        }
        let in_books = match before.count {
            0 => Some(chain::genesis().to_string()),
            position => store::find_sealed_hash(&mut tx, position).await?,
        };
        if in_books != Some(before.hash.to_string()) {
            return Err(HeadFileError::Differs { position: before.count });
        }
    }
    drop(tx);
    let told = ToldHead::from(&head);
    if before.as_ref() != Some(&told) {
        replace(path, &told).map_err(io("written"))?;
    }
    Ok(Some(told))
}

/// Tells, in log and metrics, how long the oldest row has waited for its seal.
async fn watch_unsealed(app: &App) -> Result<(), DbError> {
    let mut tx = app.db.begin_read().await?;
    let unsealed = store::count_unsealed(&mut tx).await?;
    let waited = unsealed.oldest.map_or(Duration::ZERO, |oldest| app.clock.now().since(oldest));
    metrics::gauge!("colophon_journal_unsealed_seconds").set(waited.as_secs_f64());
    if waited > LATE {
        let seconds = waited.as_secs();
        tracing::error!(rows = unsealed.rows, seconds, "rows of the journal wait for their seal");
    }
    Ok(())
}

/// Tells the end of the chain every minute. Runs until it is dropped or aborted.
pub async fn export_forever(app: AppState) {
    let mut minutes = tokio::time::interval(PAUSE);
    minutes.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        minutes.tick().await;
        if let Err(refused) = step(&app.db, &app.settings.audit.head_file).await {
            metrics::counter!("colophon_audit_alarms_total", "reason" => refused.as_str()).increment(1);
            tracing::error!(error = error::chain(&refused), "the end of the journal was not told");
        }
        if let Err(error) = watch_unsealed(&app).await {
            tracing::warn!(error = error::chain(&error), "the journal was not watched");
        }
    }
}
