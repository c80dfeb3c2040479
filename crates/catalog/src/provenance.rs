//! What happens to artworks, editions and sheets, as events of the journal. The events of one impression, in
//! order, are its provenance.

use serde::Serialize;

use crate::digest::Sha256Digest;
use crate::edition::EditionNumber;
use crate::ids::{ArtworkId, EditionId, ImpressionId};
use crate::journal::Event;

/// An event of the catalog.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum CatalogEvent {
    /// An artwork was catalogued.
    ArtworkCataloged {
        /// Which.
        artwork_id: ArtworkId,
    },
    /// What stands about an artwork was changed.
    ArtworkRevised {
        /// Which.
        artwork_id: ArtworkId,
    },
    /// A print image was taken in for an artwork.
    ImageTakenIn {
        /// Which artwork.
        artwork_id: ArtworkId,
        /// The image's digest.
        sha256: Sha256Digest,
    },
    /// An edition was drafted.
    EditionDrafted {
        /// Which.
        edition_id: EditionId,
        /// Of which artwork.
        artwork_id: ArtworkId,
    },
    /// An edition was published and frozen.
    EditionPublished {
        /// Which.
        edition_id: EditionId,
        /// Its number on chain.
        number: EditionNumber,
        /// Digest of its print image.
        image_sha256: Sha256Digest,
        /// Digest of its colophon.
        colophon_sha256: Sha256Digest,
        /// How many sheets now exist.
        declared_size: u16,
    },
    /// A sheet moved from one state to another.
    ImpressionMoved {
        /// Which.
        impression_id: ImpressionId,
        /// The state before.
        from: &'static str,
        /// The state after.
        to: &'static str,
    },
    /// A sheet is outside though its sale was undone, or no longer so.
    ImpressionMarked {
        /// Which.
        impression_id: ImpressionId,
        /// Whether it bears the mark.
        unreturned: bool,
    },
    /// A curator took a sheet out of the trade for ever.
    ImpressionWithdrawn {
        /// Which.
        impression_id: ImpressionId,
        /// Why.
        reason: String,
    },
}

impl Event for CatalogEvent {
    fn kind(&self) -> &'static str {
        match self {
            Self::ArtworkCataloged { .. } => "artwork_cataloged",
            Self::ArtworkRevised { .. } => "artwork_revised",
            Self::ImageTakenIn { .. } => "image_taken_in",
            Self::EditionDrafted { .. } => "edition_drafted",
            Self::EditionPublished { .. } => "edition_published",
            Self::ImpressionMoved { .. } => "impression_moved",
            Self::ImpressionMarked { .. } => "impression_marked",
            Self::ImpressionWithdrawn { .. } => "impression_withdrawn",
        }
    }

    fn subject(&self) -> String {
        match self {
            Self::ArtworkCataloged { artwork_id }
            | Self::ArtworkRevised { artwork_id }
            | Self::ImageTakenIn { artwork_id, .. } => artwork_id.to_string(),
            Self::EditionDrafted { edition_id, .. } | Self::EditionPublished { edition_id, .. } => {
                edition_id.to_string()
            }
            Self::ImpressionMoved { impression_id, .. }
            | Self::ImpressionMarked { impression_id, .. }
            | Self::ImpressionWithdrawn { impression_id, .. } => impression_id.to_string(),
        }
    }
}
