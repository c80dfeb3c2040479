//! The folder of an image store on local files: its id, its temporary files, and what only a file system needs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use catalog::clock::Timestamp;

use super::{ImageStoreError, ImageStoreId};

/// Where probe objects lie for a moment.
pub(super) const PROBES: &str = "probes";
/// A temporary file older than this belongs to nobody: no upload takes so long.
const ABANDONED: Duration = Duration::from_hours(24);

/// Where objects lie until they are whole. On the same file system as the store, so that a rename is atomic.
pub(super) fn temporary(folder: &Path) -> PathBuf {
    folder.join("unfinished")
}

fn failed(act: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> ImageStoreError {
    let path = path.to_owned();
    move |source| ImageStoreError::File { act, path, source }
}

/// Makes the folders, sweeps them, and reads the store's id, which is `fresh` when there was none.
pub(super) async fn prepare(
    folder: &Path,
    fresh: ImageStoreId,
    now: Timestamp,
) -> Result<ImageStoreId, ImageStoreError> {
    for part in [temporary(folder), folder.join(PROBES)] {
        tokio::fs::create_dir_all(&part).await.map_err(failed("make", &part))?;
        sweep(&part, now).await?;
    }
    let path = folder.join("store-id");
    if !tokio::fs::try_exists(&path).await.map_err(failed("read", &path))? {
        publish_id(folder, &path, &fresh).await?;
    }
    let text = tokio::fs::read_to_string(&path).await.map_err(failed("read", &path))?;
    text.trim_end().parse().map_err(|_| ImageStoreError::OddId { path })
}

/// Writes the id aside and links it into its place: linking fails if somebody else was first, and nobody ever
/// reads half an id.
async fn publish_id(folder: &Path, path: &Path, id: &ImageStoreId) -> Result<(), ImageStoreError> {
    let aside = temporary(folder).join(id.as_str());
    tokio::fs::write(&aside, format!("{id}\n")).await.map_err(failed("write", &aside))?;
    let file = tokio::fs::File::open(&aside).await.map_err(failed("flush", &aside))?;
    file.sync_all().await.map_err(failed("flush", &aside))?;
    let linked = tokio::fs::hard_link(&aside, path).await;
    tokio::fs::remove_file(&aside).await.map_err(failed("remove", &aside))?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(failed("make", path)(error)),
        Ok(()) | Err(_) => flush_folder(folder).await,
    }
}

/// Removes what a process that died left behind. Another process may be writing here now, so only what is old
/// goes.
pub(crate) async fn sweep(folder: &Path, now: Timestamp) -> Result<(), ImageStoreError> {
    let mut entries = tokio::fs::read_dir(folder).await.map_err(failed("list", folder))?;
    while let Some(entry) = entries.next_entry().await.map_err(failed("list", folder))? {
        let path = entry.path();
        let gone = |error: &std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
        let changed = match entry.metadata().await.and_then(|facts| facts.modified()) {
            Ok(changed) => changed,
            Err(error) if gone(&error) => continue,
            Err(error) => return Err(failed("look at", &path)(error)),
        };
        let since_epoch = changed.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let age = Duration::from_micros(now.as_micros().unsigned_abs()).saturating_sub(since_epoch);
        if age < ABANDONED {
            continue;
        }
        match tokio::fs::remove_file(&path).await {
            Err(error) if !gone(&error) => return Err(failed("remove", &path)(error)),
            Ok(()) | Err(_) => tracing::info!(path = %path.display(), "swept an abandoned file"),
        }
    }
    Ok(())
}

/// Makes the names that lead to an object survive a power cut, as its bytes already do.
pub(super) async fn flush(folder: &Path, key: &str) -> Result<(), ImageStoreError> {
    let object = folder.join(key);
    for part in object.ancestors().skip(1).take_while(|part| part.starts_with(folder)) {
        flush_folder(part).await?;
    }
    Ok(())
}

async fn flush_folder(path: &Path) -> Result<(), ImageStoreError> {
    let folder = tokio::fs::File::open(path).await.map_err(failed("flush", path))?;
    folder.sync_all().await.map_err(failed("flush", path))
}
