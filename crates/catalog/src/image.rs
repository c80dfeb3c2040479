//! A print image as the catalog keeps it: what was computed of its bytes. The bytes lie in the image store.

use crate::clock::Timestamp;
use crate::digest::Sha256Digest;

/// The formats that are taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageFormat {
    /// Portable Network Graphics.
    Png,
    /// JPEG (baseline or progressive).
    Jpeg,
    /// TIFF, first page.
    Tiff,
    /// WebP, still.
    Webp,
}

impl ImageFormat {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Png, Self::Jpeg, Self::Tiff, Self::Webp];

    /// The word in the database and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Tiff => "tiff",
            Self::Webp => "webp",
        }
    }

    /// The media type (IANA).
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Tiff => "image/tiff",
            Self::Webp => "image/webp",
        }
    }

    /// The format that `word` names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == word)
    }
}

/// The fingerprint of a print image: what identifies its bytes, and what they show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrintImage {
    /// SHA-256 of the file's bytes: the digest that stands on chain.
    pub sha256: Sha256Digest,
    /// IPFS content id (version 1) of the same bytes.
    pub cid: String,
    /// The format, read from the bytes themselves.
    pub format: ImageFormat,
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
    /// Size of the file in bytes.
    pub byte_count: u64,
    /// When it was first taken in.
    pub taken_in_at: Timestamp,
}
