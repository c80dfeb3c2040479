//! What a token says of itself: the metadata that wallets, marketplaces and archives read (ERC-721 metadata,
//! ERC-7572 for the contract), as canonical JSON (RFC 8785), the same to the byte whenever it is written.
//!
//! *Invariant.* A token's metadata is a function of what publication froze, of the sheet's serial and label, and
//! of where the token lives. The artwork's record is not asked, so a later change to it changes no token.
//!
//! The colophon stands in it as an object. Canonical JSON being canonical at every depth, whoever writes that
//! object out again by RFC 8785 gets the very bytes whose SHA-256 the contract holds: the proof needs no
//! server of ours.

mod colophon;
mod wording;

use catalog::account::Account;
use catalog::digest::Sha256Digest;
use catalog::edition::Publication;
use catalog::impression::Impression;
use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use self::colophon::Colophon;
use self::wording::Language;
use crate::token::{Issue, TokenId};
use crate::wallet;

/// Names the meaning of `properties`; a new meaning gets a new name.
const SCHEMA: &str = "colophon-token/1";

/// Where tokens live: the contract, its chain, and the site that shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    site: Url,
    chain_id: u64,
    contract: Account,
}

/// Metadata as it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Canonical JSON.
    pub text: String,
    /// SHA-256 of that text.
    pub sha256: Sha256Digest,
}

/// Metadata that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// The public base URL is not one that pages can be under.
    #[error("the public base URL must begin with http:// or https:// and have no query and no fragment")]
    OddSite,
    /// The frozen colophon is not one that we wrote.
    #[error("could not read the colophon of edition {edition}")]
    OddColophon {
        /// The edition's number on chain.
        edition: u32,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
    /// Canonical JSON refused a value.
    #[error("could not write metadata as canonical JSON")]
    Canonical(#[from] serde_json::Error),
}

impl Home {
    /// A home whose pages are under `site`, the public base URL, with or without a slash at its end.
    pub fn new(mut site: Url, chain_id: u64, contract: Account) -> Result<Self, MetadataError> {
        let plain = site.query().is_none() && site.fragment().is_none();
        if !plain || !matches!(site.scheme(), "http" | "https") {
            return Err(MetadataError::OddSite);
        }
        if let Ok(mut path) = site.path_segments_mut() {
            path.pop_if_empty();
        }
        Ok(Self { site, chain_id, contract })
    }

    fn page(&self, path: &[&str]) -> String {
        let mut page = self.site.clone();
        if let Ok(mut segments) = page.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        page.into()
    }

    /// The chain by its CAIP-2 id: `eip155:137`.
    #[must_use]
    pub fn chain(&self) -> String {
        format!("eip155:{}", self.chain_id)
    }

    /// The token by its CAIP-19 id: `eip155:137/erc721:0x…/12017100`.
    #[must_use]
    pub fn asset(&self, token_id: TokenId) -> String {
        format!("{}/erc721:{}/{token_id}", self.chain(), wallet::checksummed(self.contract))
    }

    /// The contract by its EIP-55 address.
    #[must_use]
    pub fn contract(&self) -> String {
        wallet::checksummed(self.contract)
    }

    /// Where the token's metadata stands: what the contract's `tokenURI` says.
    #[must_use]
    pub fn metadata(&self, token_id: TokenId) -> String {
        self.page(&["metadata", &format!("{token_id}.json")])
    }

    /// The page on which anyone can check the token.
    #[must_use]
    pub fn verify_page(&self, token_id: TokenId) -> String {
        self.page(&["verify", &token_id.to_string()])
    }

    /// The public picture of an image.
    #[must_use]
    pub fn display_image(&self, sha256: Sha256Digest) -> String {
        self.page(&["images", &sha256.to_string(), "display"])
    }
}

#[derive(Serialize)]
struct Attribute {
    trait_type: &'static str,
    value: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_type: Option<&'static str>,
}

impl Attribute {
    fn text(trait_type: &'static str, value: impl Into<String>) -> Self {
        Self { trait_type, value: Value::String(value.into()), display_type: None }
    }

    fn number(trait_type: &'static str, value: impl Into<Value>) -> Self {
        Self { trait_type, value: value.into(), display_type: Some("number") }
    }

    /// A moment in Unix seconds.
    fn date(trait_type: &'static str, seconds: u64) -> Self {
        Self { trait_type, value: seconds.into(), display_type: Some("date") }
    }
}

fn attributes(colophon: &Colophon, publication: &Publication, impression: &Impression) -> Vec<Attribute> {
    let lines = [
        ("Medium", colophon.medium.as_deref()),
        ("Support", colophon.support.as_deref()),
        ("Printer", colophon.printer.as_deref()),
        ("Accession number", colophon.accession_number.as_deref()),
    ];
    let sizes = [("Sheet size", colophon.sheet_size_mm), ("Image size", colophon.image_size_mm)];
    let years = [("Year", colophon.year), ("Printed in", colophon.printed_in)];
    let mut all = vec![
        Attribute::text("Artist", &*colophon.artist),
        Attribute::text("Impression", &*impression.label),
        Attribute::text("Kind of impression", wording::kind(&impression.label, Language::English)),
    ];
    all.extend(lines.into_iter().filter_map(|(name, line)| Some(Attribute::text(name, line?))));
    all.extend(sizes.into_iter().filter_map(|(name, size)| Some(Attribute::text(name, size?.to_string()))));
    all.extend(years.into_iter().filter_map(|(name, year)| Some(Attribute::number(name, year?))));
    all.extend([
        Attribute::number("Edition", publication.number.get()),
        Attribute::number("Edition size", colophon.run.size),
        Attribute::number("Proofs", colophon.run.proofs()),
        Attribute::number("Serial", impression.serial.get()),
        Attribute::date("Published", publication.published_at.as_seconds()),
    ]);
    all
}

/// Writes the metadata of one issue of one sheet's token.
pub fn token_metadata(
    home: &Home,
    publication: &Publication,
    impression: &Impression,
    issue: Issue,
) -> Result<Metadata, MetadataError> {
    let edition = publication.number.get();
    let odd = |source| MetadataError::OddColophon { edition, source };
    let colophon: Colophon = serde_json::from_str(&publication.colophon).map_err(odd)?;
    let verbatim: Value = serde_json::from_str(&publication.colophon).map_err(odd)?;
    let token_id = TokenId::new(publication.number, impression.serial, issue);
    let page = home.verify_page(token_id);
    let name = |language| wording::name(&colophon, &impression.label, language);
    let description = |language| wording::description(&colophon, &impression.label, &page, language);
    let localized = |language| json!({ "name": name(language), "description": description(language) });

    canonical(&json!({
        "name": name(Language::English),
        "description": description(Language::English),
        "image": home.display_image(publication.image),
        "external_url": &page,
        "attributes": attributes(&colophon, publication, impression),
        // The shape of ERC-1155's `localization`, with the texts in the place of a `uri` to further files: one
        // document, one digest, and nothing more to fetch when the site is gone. Wallets that know neither
        // shape show the texts above.
        "localization": {
            "default": Language::English.tag(),
            "locales": [Language::English.tag(), Language::Chinese.tag()],
            Language::English.tag(): localized(Language::English),
            Language::Chinese.tag(): localized(Language::Chinese),
        },
        "properties": {
            "schema": SCHEMA,
            "asset": home.asset(token_id),
            "edition": edition,
            "impression": &impression.label,
            "serial": impression.serial.get(),
            "issue": issue.get(),
            "published_at": publication.published_at,
            // The image that the contract names by its digest; the picture at `image` is made from it.
            "image": {
                "sha256": publication.image,
                "cid": &colophon.image.cid,
                "uri": format!("ipfs://{}", colophon.image.cid),
                "media_type": &colophon.image.media_type,
                "width_px": colophon.image.width_px,
                "height_px": colophon.image.height_px,
            },
            "colophon": verbatim,
            "colophon_sha256": publication.colophon_digest,
        },
    }))
}

/// Writes the contract's own metadata (ERC-7572, `contractURI`). `image` names the picture that stands for the
/// house, if there is one.
pub fn contract_metadata(
    home: &Home,
    name: &str,
    description: &str,
    image: Option<Sha256Digest>,
) -> Result<Metadata, MetadataError> {
    let mut object = json!({
        "name": name,
        "description": description,
        "external_link": home.site.as_str().trim_end_matches('/'),
    });
    if let (Some(image), Some(fields)) = (image, object.as_object_mut()) {
        fields.insert("image".to_owned(), home.display_image(image).into());
    }
    canonical(&object)
}

fn canonical(value: &Value) -> Result<Metadata, MetadataError> {
    let (sha256, text) = Sha256Digest::of_canonical(value)?;
    Ok(Metadata { text, sha256 })
}

#[cfg(test)]
mod tests;
