//! The image store: print images and their renditions by the SHA-256 of the image, on local files now and on
//! object storage by a setting later ([`Operator`] speaks to both).
//!
//! *Invariant.* An object is there whole or not at all: it is written aside, flushed, and then renamed. What an
//! object's key once showed, it shows for ever: an object that exists is not written again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use catalog::chance::Chance;
use catalog::clock::Timestamp;
use catalog::crash_point;
use catalog::digest::Sha256Digest;
use catalog::typed_id;
use futures_util::Stream;
use opendal::{ErrorKind, Operator, services};
use tokio::io::AsyncReadExt;

use crate::rendition::Rendition;

mod folder;

pub(crate) use folder::sweep;

/// How much of an object is in memory at once while it is streamed.
const PIECE: usize = 256 * 1024;

typed_id!(
    /// The identity of an image store: `istore_…`. It is made with the store and lies in it.
    ImageStoreId, "istore");

/// What is kept of a print image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageObject {
    /// The file as it was taken in, byte for byte. It may tell who made it and where.
    Original,
    /// A picture of it, fit for everybody.
    Rendition(Rendition),
}

impl ImageObject {
    /// The word in the store and in URLs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Rendition(rendition) => rendition.as_str(),
        }
    }

    /// The key of this object of the image: `images/{sha256}/{word}`.
    #[must_use]
    pub fn key(self, sha256: Sha256Digest) -> String {
        format!("images/{sha256}/{}", self.as_str())
    }
}

/// The image store. Clones speak to the same store.
#[derive(Debug, Clone)]
pub struct ImageStore {
    operator: Operator,
    id: ImageStoreId,
    folder: PathBuf,
    chance: Arc<dyn Chance>,
}

/// An act on the image store that failed: never the client's fault.
#[derive(Debug, thiserror::Error)]
pub enum ImageStoreError {
    /// The store's service failed.
    #[error("could not {act} `{key}` in the image store")]
    Service {
        /// What was tried.
        act: &'static str,
        /// On which object.
        key: String,
        /// Why not.
        #[source]
        source: Box<opendal::Error>,
    },
    /// The local file system failed.
    #[error("could not {act} `{}`", path.display())]
    File {
        /// What was tried.
        act: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The store's own id is damaged.
    #[error("`{}` does not hold the id of an image store", path.display())]
    OddId {
        /// The file that should hold it.
        path: PathBuf,
    },
    /// The probe read something other than what it had written.
    #[error("the image store did not give back the probe object as it was written")]
    ProbeDiffers,
}

fn failed(act: &'static str, key: &str) -> impl FnOnce(opendal::Error) -> ImageStoreError {
    let key = key.to_owned();
    move |source| ImageStoreError::Service { act, key, source: Box::new(source) }
}

/// An object on its way out.
pub struct ImageStream<S> {
    /// Its size in bytes.
    pub byte_count: u64,
    /// Its bytes.
    pub pieces: S,
}

impl ImageStore {
    /// Opens the store in a local folder, made if it is not there. What a crash left behind is swept. Processes
    /// that open the same folder, even in the same moment, find the same store id.
    pub async fn open_fs(
        folder: &Path,
        now: Timestamp,
        chance: Arc<dyn Chance>,
    ) -> Result<Self, ImageStoreError> {
        let fresh = ImageStoreId::generate(now, &*chance);
        let id = folder::prepare(folder, fresh, now).await?;
        let service = services::Fs::default()
            .root(&folder.to_string_lossy())
            .atomic_write_dir(&folder::temporary(folder).to_string_lossy());
        let operator = Operator::new(service).map_err(failed("open", ""))?;
        Ok(Self { operator, id, folder: folder.to_owned(), chance })
    }

    /// The store's identity.
    #[must_use]
    pub fn id(&self) -> &ImageStoreId {
        &self.id
    }

    /// Whether an object is there.
    pub async fn exists(&self, sha256: Sha256Digest, object: ImageObject) -> Result<bool, ImageStoreError> {
        let key = object.key(sha256);
        self.operator.exists(&key).await.map_err(failed("look for", &key))
    }

    /// Keeps an object of a few megabytes.
    pub async fn put(
        &self,
        sha256: Sha256Digest,
        object: ImageObject,
        bytes: impl Into<Bytes>,
    ) -> Result<(), ImageStoreError> {
        if self.exists(sha256, object).await? {
            return Ok(());
        }
        let key = object.key(sha256);
        self.operator.write(&key, bytes.into()).await.map_err(failed("write", &key))?;
        crash_point!("image.rendition_named");
        folder::flush(&self.folder, &key).await
    }

    /// Keeps a file as an object, piece by piece.
    pub async fn put_from_file(
        &self,
        sha256: Sha256Digest,
        object: ImageObject,
        path: &Path,
    ) -> Result<(), ImageStoreError> {
        if self.exists(sha256, object).await? {
            return Ok(());
        }
        let key = object.key(sha256);
        let mut writer = self.operator.writer(&key).await.map_err(failed("write", &key))?;
        if let Err(error) = copy(path, &mut writer, &key).await {
            // What was written so far is nobody's object; if it cannot be removed, the next start sweeps it.
            drop(writer.abort().await);
            return Err(error);
        }
        crash_point!("image.unnamed");
        writer.close().await.map_err(failed("write", &key))?;
        crash_point!("image.named");
        folder::flush(&self.folder, &key).await
    }

    /// A whole object, if it is there.
    pub async fn read(
        &self,
        sha256: Sha256Digest,
        object: ImageObject,
    ) -> Result<Option<Bytes>, ImageStoreError> {
        let key = object.key(sha256);
        match self.operator.read(&key).await {
            Ok(buffer) => Ok(Some(buffer.to_bytes())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", &key)(error)),
        }
    }

    /// An object as a stream of pieces, if it is there.
    pub async fn stream(
        &self,
        sha256: Sha256Digest,
        object: ImageObject,
    ) -> Result<Option<ImageStream<impl Stream<Item = std::io::Result<Bytes>> + Send + use<>>>, ImageStoreError>
    {
        let key = object.key(sha256);
        let byte_count = match self.operator.stat(&key).await {
            Ok(facts) => facts.content_length(),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read", &key)(error)),
        };
        let reader = self.operator.reader_with(&key).chunk(PIECE).await.map_err(failed("read", &key))?;
        let pieces = reader.into_bytes_stream(0..byte_count).await.map_err(failed("read", &key))?;
        Ok(Some(ImageStream { byte_count, pieces }))
    }

    /// Writes an object, reads it back and deletes it: the store works.
    pub async fn probe(&self) -> Result<(), ImageStoreError> {
        let bytes = self.chance.bytes::<16>();
        let key = format!("{}/{}", folder::PROBES, hex::encode(bytes));
        self.operator.write(&key, bytes.to_vec()).await.map_err(failed("write", &key))?;
        let back = self.operator.read(&key).await.map_err(failed("read", &key));
        self.operator.delete(&key).await.map_err(failed("delete", &key))?;
        if back?.to_bytes() == bytes.as_slice() { Ok(()) } else { Err(ImageStoreError::ProbeDiffers) }
    }
}

async fn copy(path: &Path, writer: &mut opendal::Writer, key: &str) -> Result<(), ImageStoreError> {
    let odd = |source| ImageStoreError::File { act: "read", path: path.to_owned(), source };
    let mut file = tokio::fs::File::open(path).await.map_err(odd)?;
    loop {
        let mut piece = bytes::BytesMut::with_capacity(PIECE);
        while piece.len() < PIECE && file.read_buf(&mut piece).await.map_err(odd)? > 0 {}
        if piece.is_empty() {
            return Ok(());
        }
        writer.write(piece.freeze()).await.map_err(failed("write", key))?;
    }
}

#[cfg(test)]
mod tests;
