//! Claims as JSON. What a buyer sends may hold a secret: nothing here shows it in `Debug`.

use catalog::clock::Timestamp;
use catalog::edition::{Edition, Publication};
use catalog::impression::Impression;
use minting::metadata::Home;
use minting::token::{Token, TokenState};
use minting::wallet;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::claim::challenge::Challenge;
use crate::claim::{Claim, StatusToken};
use crate::routes::sales::SheetView;

/// Reads a text that is wiped when it is dropped.
fn secret<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(from).map(Zeroizing::new)
}

/// A code to be looked up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LookupInput {
    /// The code from the card, however it is typed.
    #[schema(value_type = String, example = "7ZQ4M-0XKJ2-9VTBC-E5H8N-W3RGAD")]
    #[serde(deserialize_with = "secret")]
    pub(super) code: Zeroizing<String>,
}

/// A ticket to read a claim by.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatusInput {
    /// `status_token` of a lookup.
    pub(super) status_token: String,
}

/// A wallet that a claim is to be redeemed for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChallengeInput {
    /// The code from the card.
    #[schema(value_type = String)]
    #[serde(deserialize_with = "secret")]
    pub(super) code: Zeroizing<String>,
    /// The wallet (EIP-55).
    #[schema(example = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")]
    pub(super) recipient: String,
}

/// A claim to be redeemed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RedeemInput {
    /// The code from the card.
    #[schema(value_type = String)]
    #[serde(deserialize_with = "secret")]
    pub(super) code: Zeroizing<String>,
    /// The wallet (EIP-55).
    #[schema(example = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")]
    pub(super) recipient: String,
    /// That wallet's `personal_sign` over a challenge (EIP-191), `0x` and hex digits: 65 bytes of an ordinary key, or 64
    /// by ERC-2098; of a wallet that is a contract whatever it takes (ERC-1271), and wrapped by ERC-6492 while it is not
    /// deployed, at most 16 KiB. Without it nothing is proved.
    #[serde(default)]
    pub(super) signature: String,
    /// The text that was signed, word for word. Without it every live challenge is tried with an ordinary key, and the
    /// newest alone with a contract.
    #[serde(default)]
    pub(super) message: Option<String>,
}

/// The text that a wallet signs.
#[derive(Serialize, ToSchema)]
pub(super) struct ChallengeView {
    /// The text (EIP-4361), to be signed as it is.
    message: String,
    /// Its nonce.
    nonce: String,
    #[schema(value_type = String, format = DateTime)]
    issued_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

impl ChallengeView {
    pub(super) fn of(challenge: &Challenge) -> Self {
        Self {
            message: challenge.message.clone(),
            nonce: challenge.nonce.clone(),
            issued_at: challenge.issued_at,
            expires_at: challenge.expires_at,
        }
    }
}

/// How far the record on chain has come, as pages tell it.
fn progress(state: TokenState) -> &'static str {
    match state {
        TokenState::Unissued => "being_recorded",
        TokenState::Bound | TokenState::Settled => "recorded",
        TokenState::Voided => "voided",
        TokenState::Surrendered => "surrendered",
    }
}

/// A claim's token.
#[derive(Serialize, ToSchema)]
pub(super) struct ClaimToken {
    #[schema(example = "12017100")]
    token_id: String,
    /// The token by its CAIP-19 id.
    #[schema(example = "eip155:137/erc721:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed/12017100")]
    caip19: String,
    /// `unissued`, `bound`, `settled`, `voided` or `surrendered`.
    state: &'static str,
    /// `being_recorded`, `recorded`, `voided` or `surrendered`.
    progress: &'static str,
}

impl ClaimToken {
    fn of(token: &Token, home: &Home) -> Self {
        Self {
            token_id: token.token_id.to_string(),
            caip19: home.asset(token.token_id),
            state: token.state.as_str(),
            progress: progress(token.state),
        }
    }
}

/// A redeemed claim.
#[derive(Serialize, ToSchema)]
pub(super) struct RedeemedView {
    claim_id: String,
    state: &'static str,
    /// The wallet (EIP-55).
    recipient: String,
    token: ClaimToken,
}

impl RedeemedView {
    pub(super) fn of(claim: &Claim, token: &Token, home: &Home) -> Self {
        Self {
            claim_id: claim.claim_id.to_string(),
            state: claim.state.as_str(),
            recipient: wallet::checksummed(token.recipient),
            token: ClaimToken::of(token, home),
        }
    }
}

/// The edition, as publication froze it.
#[derive(Serialize, ToSchema)]
pub(super) struct ClaimEdition {
    edition_id: String,
    /// Its number on chain.
    number: u32,
    #[schema(value_type = String, format = DateTime)]
    published_at: Timestamp,
    /// SHA-256 of the print image.
    image_sha256: String,
    /// SHA-256 of the colophon.
    colophon_sha256: String,
    /// The edition's statement of facts: artist, title, year, medium, run, sizes, image.
    #[schema(value_type = Object)]
    colophon: serde_json::Value,
}

/// What a code stands for.
#[derive(Serialize, ToSchema)]
pub(super) struct ClaimView {
    claim_id: String,
    /// `prepared`, `open` or `redeemed`.
    state: &'static str,
    edition: ClaimEdition,
    impression: SheetView,
    /// The wallet that redeemed it (EIP-55).
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<ClaimToken>,
    /// Reads this claim again for an hour, at `/v1/claims/status`.
    status_token: String,
}

impl ClaimView {
    pub(super) fn of(
        claim: &Claim,
        edition: &Edition,
        publication: &Publication,
        impression: &Impression,
        token: Option<&Token>,
        home: &Home,
        ticket: &StatusToken,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self {
            claim_id: claim.claim_id.to_string(),
            state: claim.state.as_str(),
            edition: ClaimEdition {
                edition_id: edition.edition_id.to_string(),
                number: publication.number.get(),
                published_at: publication.published_at,
                image_sha256: publication.image.to_string(),
                colophon_sha256: publication.colophon_digest.to_string(),
                colophon: serde_json::from_str(&publication.colophon)?,
            },
            impression: SheetView::of(impression),
            recipient: token.map(|token| wallet::checksummed(token.recipient)),
            token: token.map(|token| ClaimToken::of(token, home)),
            status_token: ticket.to_string(),
        })
    }
}
