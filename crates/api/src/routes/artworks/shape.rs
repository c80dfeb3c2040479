//! Artworks and print images as JSON.

use catalog::artwork::{Artwork, ArtworkFacts, ArtworkInput as Unchecked};
use catalog::image::PrintImage;
use catalog::invalid::InvalidField;
use catalog::text::{Bilingual, Line, Prose};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::json::{object, optional_object};

/// The same statement in Chinese, English or both.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BilingualText {
    /// Simplified Chinese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "神奈川冲浪里")]
    pub(crate) zh: Option<String>,
    /// English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "The Great Wave off Kanagawa")]
    pub(crate) en: Option<String>,
}

/// An artwork to be catalogued.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArtworkInput {
    /// The house's own number for the work; unique.
    #[serde(default)]
    accession_number: Option<String>,
    /// The artist's name as the artist writes it.
    #[schema(example = "葛飾北斎")]
    artist: String,
    /// The title, in at least one language; 1 to 500 characters.
    #[serde(deserialize_with = "object")]
    title: BilingualText,
    /// Year of the work, 1 to 2199.
    #[serde(default)]
    #[schema(example = 1831)]
    year: Option<i64>,
    /// What is to be said about it; up to 10,000 characters.
    #[serde(default, deserialize_with = "optional_object")]
    description: Option<BilingualText>,
}

impl ArtworkInput {
    /// Checks what was said.
    pub(super) fn facts(&self) -> Result<ArtworkFacts, InvalidField> {
        let description = self.description.as_ref();
        ArtworkFacts::parse(&Unchecked {
            accession_number: self.accession_number.as_deref(),
            artist: &self.artist,
            title_zh: self.title.zh.as_deref(),
            title_en: self.title.en.as_deref(),
            year: self.year,
            description_zh: description.and_then(|text| text.zh.as_deref()),
            description_en: description.and_then(|text| text.en.as_deref()),
        })
    }
}

/// An artwork in the catalog.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ArtworkView {
    /// Its id.
    #[schema(example = "art_0193a1c2d3e47f0089abcdef01234567")]
    artwork_id: String,
    /// The house's own number for the work.
    #[serde(skip_serializing_if = "Option::is_none")]
    accession_number: Option<String>,
    /// The artist's name.
    artist: String,
    /// The title.
    title: BilingualText,
    /// Year of the work.
    #[serde(skip_serializing_if = "Option::is_none")]
    year: Option<i64>,
    /// What is said about it.
    description: BilingualText,
    /// The print image; null until there is one.
    #[schema(required = true)]
    image: Option<ImageView>,
    /// When it was catalogued (RFC 3339).
    created_at: String,
    /// When it was last changed (RFC 3339).
    updated_at: String,
}

/// The fingerprint of a print image.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImageView {
    /// SHA-256 of the file's bytes.
    sha256: String,
    /// IPFS content id of the same bytes.
    cid: String,
    /// `png`, `jpeg`, `tiff` or `webp`, read from the bytes.
    format: &'static str,
    /// The media type.
    media_type: &'static str,
    /// Width in pixels.
    width_px: u32,
    /// Height in pixels.
    height_px: u32,
    /// Size of the file in bytes.
    byte_count: u64,
}

impl ImageView {
    fn of(image: &PrintImage) -> Self {
        Self {
            sha256: image.sha256.to_string(),
            cid: image.cid.clone(),
            format: image.format.as_str(),
            media_type: image.format.media_type(),
            width_px: image.width_px,
            height_px: image.height_px,
            byte_count: image.byte_count,
        }
    }
}

pub(super) fn lines(text: &Bilingual<Line>) -> BilingualText {
    let own = |line: &Option<Line>| line.as_ref().map(|line| line.as_str().to_owned());
    BilingualText { zh: own(&text.zh), en: own(&text.en) }
}

pub(super) fn prose(text: &Bilingual<Prose>) -> BilingualText {
    let own = |prose: &Option<Prose>| prose.as_ref().map(|prose| prose.as_str().to_owned());
    BilingualText { zh: own(&text.zh), en: own(&text.en) }
}

impl ArtworkView {
    /// What a client sees of an artwork.
    pub(super) fn of(artwork: &Artwork, image: Option<&PrintImage>) -> Self {
        let facts = &artwork.facts;
        Self {
            artwork_id: artwork.artwork_id.to_string(),
            accession_number: facts.accession_number.as_ref().map(|line| line.as_str().to_owned()),
            artist: facts.artist.as_str().to_owned(),
            title: lines(&facts.title),
            year: facts.year.map(catalog::artwork::Year::get),
            description: prose(&facts.description),
            image: image.map(ImageView::of),
            created_at: artwork.created_at.to_string(),
            updated_at: artwork.updated_at.to_string(),
        }
    }
}
