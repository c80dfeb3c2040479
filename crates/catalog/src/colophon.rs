//! The edition's statement of facts, frozen at publication: canonical JSON (RFC 8785) whose SHA-256 stands on
//! chain, so that anyone who holds the text can prove every fact in it.

use serde::Serialize;

use crate::artwork::{ArtworkFacts, Year};
use crate::digest::Sha256Digest;
use crate::edition::{EditionFacts, EditionNumber, Run, SizeMm};
use crate::image::PrintImage;
use crate::text::{Bilingual, Line};

/// Names the meaning of the fields; a new meaning gets a new name.
const SCHEMA: &str = "colophon/1";

#[derive(Serialize)]
struct Statement<'a> {
    schema: &'static str,
    edition: EditionNumber,
    artist: &'a Line,
    title: &'a Bilingual<Line>,
    #[serde(skip_serializing_if = "Option::is_none")]
    year: Option<Year>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accession_number: Option<&'a Line>,
    run: Run,
    medium: &'a Line,
    #[serde(skip_serializing_if = "Option::is_none")]
    support: Option<&'a Line>,
    #[serde(skip_serializing_if = "Option::is_none")]
    printer: Option<&'a Line>,
    #[serde(skip_serializing_if = "Option::is_none")]
    printed_in: Option<Year>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sheet_size_mm: Option<SizeMm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_size_mm: Option<SizeMm>,
    image: Image<'a>,
}

#[derive(Serialize)]
struct Image<'a> {
    sha256: Sha256Digest,
    cid: &'a str,
    media_type: &'static str,
    width_px: u32,
    height_px: u32,
}

/// Writes the statement for an edition about to be published: its digest and its text.
pub fn compose(
    artwork: &ArtworkFacts,
    edition: &EditionFacts,
    number: EditionNumber,
    image: &PrintImage,
) -> Result<(Sha256Digest, String), serde_json::Error> {
    Sha256Digest::of_canonical(&Statement {
        schema: SCHEMA,
        edition: number,
        artist: &artwork.artist,
        title: &artwork.title,
        year: artwork.year,
        accession_number: artwork.accession_number.as_ref(),
        run: edition.run,
        medium: &edition.medium,
        support: edition.support.as_ref(),
        printer: edition.printer.as_ref(),
        printed_in: edition.printed_in,
        sheet_size_mm: edition.sheet_size,
        image_size_mm: edition.image_size,
        image: Image {
            sha256: image.sha256,
            cid: &image.cid,
            media_type: image.format.media_type(),
            width_px: image.width_px,
            height_px: image.height_px,
        },
    })
}
