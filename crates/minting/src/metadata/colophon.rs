//! The frozen colophon, read back from its text: of what it says, that which metadata repeats.

use std::fmt;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct Colophon {
    pub(super) artist: String,
    pub(super) title: Title,
    pub(super) year: Option<i64>,
    pub(super) accession_number: Option<String>,
    pub(super) run: Run,
    pub(super) medium: Option<String>,
    pub(super) support: Option<String>,
    pub(super) printer: Option<String>,
    pub(super) printed_in: Option<i64>,
    pub(super) sheet_size_mm: Option<Size>,
    pub(super) image_size_mm: Option<Size>,
    pub(super) image: Image,
}

#[derive(Debug, Deserialize)]
pub(super) struct Title {
    pub(super) zh: Option<String>,
    pub(super) en: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Run {
    pub(super) size: u16,
    artist_proofs: u16,
    printer_proofs: u16,
    hors_commerce: u16,
    bon_a_tirer: u16,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Size {
    height: u32,
    width: u32,
}

#[derive(Debug, Deserialize)]
pub(super) struct Image {
    pub(super) cid: String,
    pub(super) media_type: String,
    pub(super) width_px: u32,
    pub(super) height_px: u32,
}

impl Run {
    /// All proofs outside the numbered run.
    pub(super) fn proofs(&self) -> u32 {
        [self.artist_proofs, self.printer_proofs, self.hors_commerce, self.bon_a_tirer]
            .map(u32::from)
            .iter()
            .sum()
    }
}

impl fmt::Display for Size {
    /// Height before width, as museums write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {} mm", self.height, self.width)
    }
}
