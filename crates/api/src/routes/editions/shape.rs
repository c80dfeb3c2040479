//! Editions and their sheets as JSON.

use catalog::artwork::Year;
use catalog::db::DbError;
use catalog::edition::{BasisPoints, Edition, EditionFacts, Run, SizeMm};
use catalog::impression::Impression;
use catalog::invalid::InvalidField;
use catalog::text::Line;
use minting::wallet;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::recording::Recording;
use crate::json::optional_object;

/// Proofs outside the numbered run.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_field_names, reason = "the names of the trade")]
pub(crate) struct Proofs {
    /// Artist's proofs (AP).
    artist_proofs: u64,
    /// Printer's proofs (PP).
    printer_proofs: u64,
    /// Hors commerce (HC).
    hors_commerce: u64,
    /// Bon à tirer (BAT).
    bon_a_tirer: u64,
}

/// Height and width in millimetres.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Size {
    /// Height in millimetres.
    height: u64,
    /// Width in millimetres.
    width: u64,
}

/// What a resale owes (ERC-2981).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Royalty {
    /// Who receives it; the issuer when nobody is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    receiver: Option<String>,
    /// Hundredths of a percent, 0 to 10,000.
    basis_points: u64,
}

/// An edition to be drafted.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditionInput {
    /// Sheets of the numbered run; run and proofs together at most 9,999.
    #[schema(example = 20)]
    size: u64,
    /// Proofs outside the run.
    #[serde(default, deserialize_with = "optional_object")]
    proofs: Option<Proofs>,
    /// The technique.
    #[schema(example = "color woodblock print")]
    medium: String,
    /// What it is printed on.
    #[serde(default)]
    support: Option<String>,
    /// Who printed it.
    #[serde(default)]
    printer: Option<String>,
    /// The year in which it was printed.
    #[serde(default)]
    printed_in: Option<i64>,
    /// Size of the sheet.
    #[serde(default, deserialize_with = "optional_object")]
    sheet_size_mm: Option<Size>,
    /// Size of the printed image.
    #[serde(default, deserialize_with = "optional_object")]
    image_size_mm: Option<Size>,
    /// What a resale owes; nothing when it is not given.
    #[serde(default, deserialize_with = "optional_object")]
    royalty: Option<Royalty>,
}

impl EditionInput {
    /// Checks what was said.
    pub(super) fn facts(&self) -> Result<EditionFacts, InvalidField> {
        let line = |field, code, text: &Option<String>| {
            text.as_deref().map(|text| Line::parse(field, code, text)).transpose()
        };
        let size = |field, size: Option<Size>| {
            size.map(|size| SizeMm::parse(field, size.height, size.width)).transpose()
        };
        let proofs = self.proofs.unwrap_or_default();
        let receiver = self.royalty.as_ref().and_then(|royalty| royalty.receiver.as_deref());
        let receiver = receiver.map(|text| {
            wallet::parse_account(text)
                .map_err(|problem| problem.to_string())
                .and_then(|account| {
                    if wallet::is_ownerless(account) {
                        Err("must not be an address that nobody holds".to_owned())
                    } else {
                        Ok(account)
                    }
                })
                .map_err(|problem| InvalidField::new("royalty.receiver", "royalty_invalid", problem))
        });
        let points = self.royalty.as_ref().map_or(0, |royalty| royalty.basis_points);
        Ok(EditionFacts {
            run: Run::parse(
                self.size,
                [
                    ("artist_proofs", proofs.artist_proofs),
                    ("printer_proofs", proofs.printer_proofs),
                    ("hors_commerce", proofs.hors_commerce),
                    ("bon_a_tirer", proofs.bon_a_tirer),
                ],
            )?,
            medium: Line::parse("medium", "medium_invalid", &self.medium)?,
            support: line("support", "support_invalid", &self.support)?,
            printer: line("printer", "printer_invalid", &self.printer)?,
            printed_in: self.printed_in.map(|year| Year::parse("printed_in", year)).transpose()?,
            sheet_size: size("sheet_size_mm", self.sheet_size_mm)?,
            image_size: size("image_size_mm", self.image_size_mm)?,
            royalty_receiver: receiver.transpose()?,
            royalty: BasisPoints::parse("royalty.basis_points", points)?,
        })
    }
}

/// An edition.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EditionView {
    /// Its id.
    #[schema(example = "ed_0193a1c2d3e47f0089abcdef01234567")]
    edition_id: String,
    /// The artwork that it prints.
    artwork_id: String,
    /// `draft`, `published` or `closed`.
    state: &'static str,
    /// Sheets of the numbered run.
    size: u16,
    /// Proofs outside the run.
    proofs: Proofs,
    /// Run and proofs together.
    declared_size: u16,
    /// The technique.
    medium: String,
    /// What it is printed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    support: Option<String>,
    /// Who printed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    printer: Option<String>,
    /// The year in which it was printed.
    #[serde(skip_serializing_if = "Option::is_none")]
    printed_in: Option<i64>,
    /// Size of the sheet.
    #[serde(skip_serializing_if = "Option::is_none")]
    sheet_size_mm: Option<Size>,
    /// Size of the printed image.
    #[serde(skip_serializing_if = "Option::is_none")]
    image_size_mm: Option<Size>,
    /// What a resale owes.
    royalty: Royalty,
    /// When it was drafted (RFC 3339).
    created_at: String,
    /// What publication froze.
    #[serde(flatten)]
    published: Option<PublishedView>,
}

/// What publication froze.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PublishedView {
    /// The edition's number on chain.
    number: u32,
    /// SHA-256 of the print image.
    image_sha256: String,
    /// SHA-256 of the colophon's canonical JSON (RFC 8785).
    colophon_sha256: String,
    /// The edition's statement of facts.
    #[schema(value_type = Object)]
    colophon: serde_json::Value,
    /// When (RFC 3339).
    published_at: String,
    /// How far the edition is on its way to the chain.
    #[schema(required = true)]
    recording: Option<Recording>,
}

impl EditionView {
    /// What a client sees of an edition.
    pub(super) fn of(edition: &Edition, recording: Option<Recording>) -> Result<Self, DbError> {
        let facts = &edition.facts;
        let text = |line: &Option<Line>| line.as_ref().map(|line| line.as_str().to_owned());
        let size = |size: Option<SizeMm>| {
            size.map(|size| Size { height: size.height.into(), width: size.width.into() })
        };
        let published = edition.state.publication().map(|publication| {
            let colophon = serde_json::from_str(&publication.colophon)
                .map_err(|problem| DbError::inconsistent("editions", &edition.edition_id, problem))?;
            Ok::<_, DbError>(PublishedView {
                number: publication.number.get(),
                image_sha256: publication.image.to_string(),
                colophon_sha256: publication.colophon_digest.to_string(),
                colophon,
                published_at: publication.published_at.to_string(),
                recording,
            })
        });
        Ok(Self {
            edition_id: edition.edition_id.to_string(),
            artwork_id: edition.artwork_id.to_string(),
            state: edition.state.as_str(),
            size: facts.run.size,
            proofs: Proofs {
                artist_proofs: facts.run.artist_proofs.into(),
                printer_proofs: facts.run.printer_proofs.into(),
                hors_commerce: facts.run.hors_commerce.into(),
                bon_a_tirer: facts.run.bon_a_tirer.into(),
            },
            declared_size: facts.run.declared_size(),
            medium: facts.medium.as_str().to_owned(),
            support: text(&facts.support),
            printer: text(&facts.printer),
            printed_in: facts.printed_in.map(Year::get),
            sheet_size_mm: size(facts.sheet_size),
            image_size_mm: size(facts.image_size),
            royalty: Royalty {
                receiver: facts.royalty_receiver.map(wallet::checksummed),
                basis_points: facts.royalty.get().into(),
            },
            created_at: edition.created_at.to_string(),
            published: published.transpose()?,
        })
    }
}

/// One sheet.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImpressionView {
    /// Its id.
    #[schema(example = "imp_0193a1c2d3e47f0089abcdef01234567")]
    impression_id: String,
    /// The edition it belongs to.
    edition_id: String,
    /// Its place in the edition: the run first, then AP, PP, HC, BAT.
    serial: u16,
    /// Its impression number as pencilled on the sheet.
    #[schema(example = "7/20")]
    label: String,
    /// Where it stands in the trade: `available`, `reserved`, `sold`, `in_return`, `quarantined` or `withdrawn`.
    state: &'static str,
    /// Whether it is outside the house though its sale was undone.
    unreturned: bool,
}

impl ImpressionView {
    /// What a client sees of a sheet.
    pub(crate) fn of(impression: &Impression) -> Self {
        Self {
            impression_id: impression.impression_id.to_string(),
            edition_id: impression.edition_id.to_string(),
            serial: impression.serial.get(),
            label: impression.label.clone(),
            state: impression.state.as_str(),
            unreturned: impression.unreturned,
        }
    }
}
