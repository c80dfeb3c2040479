//! The conceived work, before any sheet of it is printed.

use crate::clock::Timestamp;
use crate::digest::Sha256Digest;
use crate::ids::ArtworkId;
use crate::invalid::InvalidField;
use crate::text::{Bilingual, Line, Prose};

/// What a curator says about an artwork, unchecked.
#[derive(Debug, Clone, Default)]
pub struct ArtworkInput<'a> {
    /// The house's own number for the work; unique when given.
    pub accession_number: Option<&'a str>,
    /// The artist's name as the artist writes it; never translated.
    pub artist: &'a str,
    /// Title in Chinese.
    pub title_zh: Option<&'a str>,
    /// Title in English.
    pub title_en: Option<&'a str>,
    /// Year of the work, by the common era.
    pub year: Option<i64>,
    /// Description in Chinese.
    pub description_zh: Option<&'a str>,
    /// Description in English.
    pub description_en: Option<&'a str>,
}

/// What stands in the catalog about an artwork.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtworkFacts {
    /// The house's own number for the work.
    pub accession_number: Option<Line>,
    /// The artist's name.
    pub artist: Line,
    /// The title, in at least one language.
    pub title: Bilingual<Line>,
    /// Year of the work.
    pub year: Option<Year>,
    /// The description, in any language.
    pub description: Bilingual<Prose>,
}

/// An artwork in the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artwork {
    /// Its id.
    pub artwork_id: ArtworkId,
    /// What is known of it.
    pub facts: ArtworkFacts,
    /// The print image, once there is one. A published edition has its own, frozen.
    pub image: Option<Sha256Digest>,
    /// When it was catalogued.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A year of the common era in which a print can have been made: 1 to 2199.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Year(i64);

impl Year {
    /// Checks a year; a problem is reported for `field`.
    pub fn parse(field: &'static str, year: i64) -> Result<Self, InvalidField> {
        if (1..2200).contains(&year) {
            Ok(Self(year))
        } else {
            Err(InvalidField::new(field, "year_invalid", "must be a year from 1 to 2199"))
        }
    }

    /// The year as a number.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

impl ArtworkFacts {
    /// Checks what a curator says.
    pub fn parse(input: &ArtworkInput<'_>) -> Result<Self, InvalidField> {
        let line =
            |field, code, text: Option<&str>| text.map(|text| Line::parse(field, code, text)).transpose();
        let prose = |field, text: Option<&str>| {
            text.map(|text| Prose::parse(field, "description_invalid", text)).transpose()
        };
        let title = Bilingual {
            zh: line("title.zh", "title_invalid", input.title_zh)?,
            en: line("title.en", "title_invalid", input.title_en)?,
        };
        if title.either().is_none() {
            let problem = "must be given in at least one language, `zh` or `en`";
            return Err(InvalidField::new("title", "title_invalid", problem));
        }
        Ok(Self {
            accession_number: line("accession_number", "accession_number_invalid", input.accession_number)?,
            artist: Line::parse("artist", "artist_invalid", input.artist)?,
            title,
            year: input.year.map(|year| Year::parse("year", year)).transpose()?,
            description: Bilingual {
                zh: prose("description.zh", input.description_zh)?,
                en: prose("description.en", input.description_en)?,
            },
        })
    }
}

impl Artwork {
    /// A new artwork, without an image yet.
    #[must_use]
    pub fn catalog(artwork_id: ArtworkId, facts: ArtworkFacts, at: Timestamp) -> Self {
        Self { artwork_id, facts, image: None, created_at: at, updated_at: at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input<'a>() -> ArtworkInput<'a> {
        ArtworkInput {
            artist: "葛飾北斎", title_zh: Some("神奈川冲浪里"), ..ArtworkInput::default()
        }
    }

    #[test]
    fn one_title_is_enough() {
        assert!(ArtworkFacts::parse(&input()).is_ok());
    }

    #[test]
    fn an_artwork_without_title_or_artist_is_refused() {
        let untitled = ArtworkInput { title_zh: None, ..input() };
        assert_eq!(ArtworkFacts::parse(&untitled).map_err(|e| e.code), Err("title_invalid"));
        let empty = ArtworkInput { title_en: Some(" "), ..input() };
        assert_eq!(ArtworkFacts::parse(&empty).map_err(|e| e.field), Err("title.en"));
        let anonymous = ArtworkInput { artist: "", ..input() };
        assert_eq!(ArtworkFacts::parse(&anonymous).map_err(|e| e.code), Err("artist_invalid"));
    }

    #[test]
    fn a_year_must_be_one_in_which_prints_are_made() {
        for year in [0, -1, 2200, i64::MAX] {
            let odd = ArtworkInput { year: Some(year), ..input() };
            assert_eq!(ArtworkFacts::parse(&odd).map_err(|e| e.code), Err("year_invalid"), "{year}");
        }
    }
}
