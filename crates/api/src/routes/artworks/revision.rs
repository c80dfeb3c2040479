//! A revision of an artwork, by the rules of JSON Merge Patch (RFC 7396): what is not named stays, null removes.

use catalog::artwork::{ArtworkFacts, ArtworkInput as Unchecked, Year};
use catalog::invalid::InvalidField;
use catalog::text::Line;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::shape::{self, BilingualText};
use crate::json::{object, optional_object};

/// `Some(None)` for a null that stands in the text; `None`, by `#[serde(default)]`, for what is not there.
#[expect(clippy::option_option, reason = "a merge patch tells null from absent")]
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

#[expect(clippy::option_option, reason = "a merge patch tells null from absent")]
fn given_object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<Option<T>>, D::Error> {
    optional_object(from).map(Some)
}

/// Changes to an artwork: what is not named stays, null removes.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "a merge patch tells null from absent")]
pub(crate) struct ArtworkRevision {
    /// The house's own number for the work.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    accession_number: Option<Option<String>>,
    /// The artist's name.
    #[serde(default)]
    artist: Option<String>,
    /// The title, language by language.
    #[serde(default, deserialize_with = "object")]
    title: BilingualRevision,
    /// Year of the work.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>)]
    year: Option<Option<i64>>,
    /// What is said about it, language by language.
    #[serde(default, deserialize_with = "given_object")]
    #[schema(value_type = Option<BilingualText>)]
    description: Option<Option<BilingualRevision>>,
}

/// Changes to a text in two languages.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "a merge patch tells null from absent")]
pub(crate) struct BilingualRevision {
    /// Simplified Chinese.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    zh: Option<Option<String>>,
    /// English.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    en: Option<Option<String>>,
}

impl BilingualRevision {
    fn of(&self, text: BilingualText) -> BilingualText {
        BilingualText { zh: self.zh.clone().unwrap_or(text.zh), en: self.en.clone().unwrap_or(text.en) }
    }
}

impl ArtworkRevision {
    /// The facts as they stand after this revision, checked like new ones.
    pub(super) fn of(&self, facts: &ArtworkFacts) -> Result<ArtworkFacts, InvalidField> {
        let accession_number = facts.accession_number.as_ref().map(|line| line.as_str().to_owned());
        let accession_number = self.accession_number.clone().unwrap_or(accession_number);
        let title = self.title.of(shape::lines(&facts.title));
        let description = match &self.description {
            None => shape::prose(&facts.description),
            Some(None) => BilingualText::default(),
            Some(Some(revision)) => revision.of(shape::prose(&facts.description)),
        };
        ArtworkFacts::parse(&Unchecked {
            accession_number: accession_number.as_deref(),
            artist: self.artist.as_deref().unwrap_or(Line::as_str(&facts.artist)),
            title_zh: title.zh.as_deref(),
            title_en: title.en.as_deref(),
            year: self.year.unwrap_or(facts.year.map(Year::get)),
            description_zh: description.zh.as_deref(),
            description_en: description.en.as_deref(),
        })
    }
}
