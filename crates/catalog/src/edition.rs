//! Identical prints with a declared size: a draft until it is published, then frozen.

use crate::account::Account;
use crate::artwork::Year;
use crate::clock::Timestamp;
use crate::digest::Sha256Digest;
use crate::ids::{ArtworkId, EditionId};
use crate::impression::Serial;
use crate::invalid::InvalidField;
use crate::text::Line;

/// How many sheets an edition has: the numbered run and the proofs outside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Run {
    /// Sheets of the numbered run.
    pub size: u16,
    /// Artist's proofs (AP).
    pub artist_proofs: u16,
    /// Printer's proofs (PP).
    pub printer_proofs: u16,
    /// Hors commerce (HC).
    pub hors_commerce: u16,
    /// Bon à tirer (BAT).
    pub bon_a_tirer: u16,
}

impl Run {
    /// Checks the declared numbers: a run of at least one, and no more than 9,999 sheets in all.
    pub fn parse(size: u64, proofs: [(&'static str, u64); 4]) -> Result<Self, InvalidField> {
        let most = u64::from(Serial::MAX);
        if size == 0 {
            return Err(InvalidField::new("size", "edition_size_invalid", "must be at least 1"));
        }
        let total = proofs.iter().fold(size, |total, (_, count)| total.saturating_add(*count));
        if total > most {
            let problem = format!("and the proofs together must not exceed {most} sheets");
            return Err(InvalidField::new("size", "edition_size_invalid", problem));
        }
        let narrow = |count: u64| u16::try_from(count).unwrap_or(Serial::MAX);
        let [artist_proofs, printer_proofs, hors_commerce, bon_a_tirer] =
            proofs.map(|(_, count)| narrow(count));
        Ok(Self { size: narrow(size), artist_proofs, printer_proofs, hors_commerce, bon_a_tirer })
    }

    /// The proofs in the order of their serials, with the letters that they bear.
    #[must_use]
    pub fn proofs(&self) -> [(&'static str, u16); 4] {
        [
            ("AP", self.artist_proofs),
            ("PP", self.printer_proofs),
            ("HC", self.hors_commerce),
            ("BAT", self.bon_a_tirer),
        ]
    }

    /// The declared size: run and proofs together.
    #[must_use]
    pub fn declared_size(&self) -> u16 {
        self.size + self.proofs().iter().map(|(_, count)| count).sum::<u16>()
    }
}

/// Height and width in millimetres, each 1 to 100,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct SizeMm {
    /// Height in millimetres.
    pub height: u32,
    /// Width in millimetres.
    pub width: u32,
}

impl SizeMm {
    /// Checks a size; a problem is reported for `field`.
    pub fn parse(field: &'static str, height: u64, width: u64) -> Result<Self, InvalidField> {
        let side = |millimetres| u32::try_from(millimetres).ok().filter(|mm| (1..=100_000).contains(mm));
        match (side(height), side(width)) {
            (Some(height), Some(width)) => Ok(Self { height, width }),
            _ => Err(InvalidField::new(field, "size_mm_invalid", "must be 1 to 100,000 mm on each side")),
        }
    }
}

/// A share of a resale price, in hundredths of a percent: 0 to 10,000 (ERC-2981).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct BasisPoints(u16);

impl BasisPoints {
    /// Checks a share; a problem is reported for `field`.
    pub fn parse(field: &'static str, points: u64) -> Result<Self, InvalidField> {
        match u16::try_from(points) {
            Ok(points) if points <= 10_000 => Ok(Self(points)),
            _ => Err(InvalidField::new(field, "royalty_invalid", "must be 0 to 10,000 basis points")),
        }
    }

    /// Hundredths of a percent.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

/// The number of an edition on chain: 1 to 999,999,999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct EditionNumber(u32);

impl EditionNumber {
    /// The edition number `number`, or none outside 1 to 999,999,999.
    #[must_use]
    pub fn new(number: u32) -> Option<Self> {
        (1..=999_999_999).contains(&number).then_some(Self(number))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }

    /// The number after it, if there is one.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        Self::new(self.0 + 1)
    }
}

/// What is declared about an edition: the physical facts and the royalty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditionFacts {
    /// How many sheets.
    pub run: Run,
    /// The technique: "color woodblock print".
    pub medium: Line,
    /// What it is printed on: "kozo paper".
    pub support: Option<Line>,
    /// Who printed it.
    pub printer: Option<Line>,
    /// The year in which it was printed.
    pub printed_in: Option<Year>,
    /// Size of the sheet.
    pub sheet_size: Option<SizeMm>,
    /// Size of the printed image.
    pub image_size: Option<SizeMm>,
    /// Who receives royalties; the issuer's own account when none is given.
    pub royalty_receiver: Option<Account>,
    /// The royalty.
    pub royalty: BasisPoints,
}

/// What publication froze.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The edition's number on chain.
    pub number: EditionNumber,
    /// The print image.
    pub image: Sha256Digest,
    /// The colophon, canonical JSON.
    pub colophon: String,
    /// Its digest.
    pub colophon_digest: Sha256Digest,
    /// When.
    pub published_at: Timestamp,
}

/// Where an edition stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditionState {
    /// May still be changed; has no sheets to sell.
    Draft,
    /// Frozen; its sheets exist.
    Published(Publication),
    /// No further sheet will be sold.
    Closed {
        /// What publication froze.
        publication: Publication,
        /// When it was closed.
        closed_at: Timestamp,
    },
}

impl EditionState {
    /// The word in the database and in JSON.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published(_) => "published",
            Self::Closed { .. } => "closed",
        }
    }

    /// What publication froze, if it happened.
    #[must_use]
    pub fn publication(&self) -> Option<&Publication> {
        match self {
            Self::Draft => None,
            Self::Published(publication) | Self::Closed { publication, .. } => Some(publication),
        }
    }
}

/// An edition in the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    /// Its id.
    pub edition_id: EditionId,
    /// The artwork that it prints.
    pub artwork_id: ArtworkId,
    /// What is declared about it.
    pub facts: EditionFacts,
    /// Where it stands.
    pub state: EditionState,
    /// When it was drafted.
    pub created_at: Timestamp,
}

/// Publication of an edition that is no draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the edition is already published")]
pub struct AlreadyPublished;

impl Edition {
    /// A new draft.
    #[must_use]
    pub fn draft(
        edition_id: EditionId,
        artwork_id: ArtworkId,
        facts: EditionFacts,
        created_at: Timestamp,
    ) -> Self {
        Self { edition_id, artwork_id, facts, state: EditionState::Draft, created_at }
    }

    /// Freezes a draft.
    pub fn publish(self, publication: Publication) -> Result<Self, AlreadyPublished> {
        match self.state {
            EditionState::Draft => Ok(Self { state: EditionState::Published(publication), ..self }),
            EditionState::Published(_) | EditionState::Closed { .. } => Err(AlreadyPublished),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proofs(ap: u64) -> [(&'static str, u64); 4] {
        [("artist_proofs", ap), ("printer_proofs", 0), ("hors_commerce", 0), ("bon_a_tirer", 0)]
    }

    #[test]
    fn the_run_and_the_proofs_share_9_999_serials() {
        assert_eq!(Run::parse(9_999, proofs(0)).map(|run| run.declared_size()), Ok(9_999));
        assert_eq!(Run::parse(20, proofs(2)).map(|run| run.declared_size()), Ok(22));
        for (size, ap) in [(0, 0), (0, 5), (9_999, 1), (1, 9_999), (u64::MAX, u64::MAX)] {
            let refused = Run::parse(size, proofs(ap)).map_err(|error| error.code);
            assert_eq!(refused, Err("edition_size_invalid"), "{size} + {ap}");
        }
    }

    #[test]
    fn sizes_and_royalties_have_bounds() {
        assert!(SizeMm::parse("sheet_size_mm", 257, 379).is_ok());
        assert!(SizeMm::parse("sheet_size_mm", 0, 379).is_err());
        assert!(SizeMm::parse("sheet_size_mm", 257, u64::MAX).is_err());
        assert!(BasisPoints::parse("royalty", 10_000).is_ok());
        assert!(BasisPoints::parse("royalty", 10_001).is_err());
    }
}
