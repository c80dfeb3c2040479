//! Takes in a print image: from a stream of bytes to facts and three stored objects, or to a refusal and nothing.
//!
//! The bytes go to a temporary file while they are fingerprinted, so that memory does not grow with the upload;
//! then the file is checked, decoded and rendered aside, few at a time; only then is anything stored.

use std::error::Error;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use catalog::chance::Chance;
use catalog::clock::Timestamp;
use catalog::crash_point;
use catalog::image::{ImageFormat, PrintImage};
use futures_util::{Stream, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;

use crate::fingerprint::{Fingerprint, Fingerprinter};
use crate::image::{self, ImageRefusal};
use crate::image_store::{ImageObject, ImageStore, ImageStoreError, sweep};
use crate::rendition::{self, Rendition, RenditionError, Renditions};

/// The one way by which print images come into the store. Clones share the limit on decodes at once.
#[derive(Debug, Clone)]
pub struct ImageIntake {
    store: ImageStore,
    temporary: PathBuf,
    decodes: Arc<Semaphore>,
    chance: Arc<dyn Chance>,
}

/// Why no print image was taken in.
#[derive(Debug, thiserror::Error)]
pub enum ImageIntakeError {
    /// The file is not one that we take.
    #[error(transparent)]
    Refused(#[from] ImageRefusal),
    /// The client's stream broke off.
    #[error("the upload broke off")]
    Upload(#[source] Box<dyn Error + Send + Sync>),
    /// Our temporary file failed.
    #[error("could not {act} the temporary file of an upload")]
    TemporaryFile {
        /// What was tried.
        act: &'static str,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The image store failed.
    #[error("could not keep the print image")]
    Store(#[from] ImageStoreError),
    /// A rendition could not be made.
    #[error("could not render the print image")]
    Rendition(#[from] RenditionError),
    /// The program is shutting down.
    #[error("the print image was not decoded because the program is stopping")]
    Stopping,
}

/// Removes its file when it goes out of scope, also when the upload is canceled.
#[derive(Debug)]
struct TemporaryFile(PathBuf);

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::warn!(%error, path = %self.0.display(), "left a temporary file behind; it will be swept");
        }
    }
}

/// What the file showed when it was decoded.
#[derive(Debug)]
struct Seen {
    format: ImageFormat,
    width_px: u32,
    height_px: u32,
    renditions: Renditions,
}

impl ImageIntake {
    /// An intake into `store`, with its temporary files in a folder of their own (made and swept here) and at
    /// most `decodes` images in decoding at once. One decode may take 1.5 GiB of memory at the limits.
    pub async fn open(
        store: ImageStore,
        temporary: PathBuf,
        decodes: NonZeroUsize,
        now: Timestamp,
        chance: Arc<dyn Chance>,
    ) -> Result<Self, ImageIntakeError> {
        let failed = |source| ImageIntakeError::TemporaryFile { act: "make the folder for", source };
        tokio::fs::create_dir_all(&temporary).await.map_err(failed)?;
        sweep(&temporary, now).await?;
        Ok(Self { store, temporary, decodes: Arc::new(Semaphore::new(decodes.get())), chance })
    }

    /// Takes in the image whose bytes are `chunks`, at most `limit` of them ([`image::MAX_BYTES`] whatever the
    /// limit says). The same bytes may come again: the objects are there then, and the facts are the same.
    pub async fn take_in<E: Into<Box<dyn Error + Send + Sync>>>(
        &self,
        chunks: impl Stream<Item = Result<Bytes, E>>,
        limit: u64,
        now: Timestamp,
    ) -> Result<PrintImage, ImageIntakeError> {
        let path = self.temporary.join(format!("{}.upload", hex::encode(self.chance.bytes::<16>())));
        let (file, fingerprint) = receive(chunks, path, limit.min(image::MAX_BYTES)).await?;
        crash_point!("image.received");
        let Seen { format, width_px, height_px, renditions } = self.look_at(&file.0).await?;

        let Fingerprint { sha256, cid, byte_count } = fingerprint;
        let Renditions { thumb, display } = renditions;
        // The original last: where it is, its renditions are.
        self.store.put(sha256, ImageObject::Rendition(Rendition::Thumb), thumb).await?;
        self.store.put(sha256, ImageObject::Rendition(Rendition::Display), display).await?;
        self.store.put_from_file(sha256, ImageObject::Original, &file.0).await?;
        crash_point!("image.kept");
        Ok(PrintImage { sha256, cid, format, width_px, height_px, byte_count, taken_in_at: now })
    }

    async fn look_at(&self, path: &Path) -> Result<Seen, ImageIntakeError> {
        let permit =
            Arc::clone(&self.decodes).acquire_owned().await.map_err(|_| ImageIntakeError::Stopping)?;
        let path = path.to_owned();
        let task = tokio::task::spawn_blocking(move || {
            // Held until the decode ends, also when nobody waits for it any more.
            let _permit = permit;
            see(&path)
        });
        match task.await {
            Ok(seen) => seen,
            // A decoder that panics has met a file that it cannot decode.
            Err(error) if error.is_panic() => Err(ImageRefusal::Undecodable.into()),
            Err(_) => Err(ImageIntakeError::Stopping),
        }
    }
}

fn see(path: &Path) -> Result<Seen, ImageIntakeError> {
    let bytes =
        std::fs::read(path).map_err(|source| ImageIntakeError::TemporaryFile { act: "read", source })?;
    let decoded = image::decode(bytes)?;
    let (format, width_px, height_px) = (decoded.format, decoded.width_px, decoded.height_px);
    Ok(Seen { format, width_px, height_px, renditions: rendition::render(decoded)? })
}

/// Writes the stream to a file while fingerprinting it; stops as soon as it exceeds the limit.
async fn receive<E: Into<Box<dyn Error + Send + Sync>>>(
    chunks: impl Stream<Item = Result<Bytes, E>>,
    path: PathBuf,
    limit: u64,
) -> Result<(TemporaryFile, Fingerprint), ImageIntakeError> {
    let failed = |act| move |source| ImageIntakeError::TemporaryFile { act, source };
    let mut file = tokio::fs::File::create_new(&path).await.map_err(failed("make"))?;
    let kept = TemporaryFile(path);
    let mut fingerprinter = Fingerprinter::new();
    let mut chunks = std::pin::pin!(chunks);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| ImageIntakeError::Upload(error.into()))?;
        if fingerprinter.byte_count() + chunk.len() as u64 > limit {
            return Err(ImageRefusal::TooLarge.into());
        }
        fingerprinter.update(&chunk);
        file.write_all(&chunk).await.map_err(failed("write"))?;
    }
    file.flush().await.map_err(failed("write"))?;
    Ok((kept, fingerprinter.finish()))
}

#[cfg(test)]
mod tests;
