//! Claims as JSON. What a buyer sends may hold a secret: nothing here shows it in `Debug`.

use catalog::clock::Timestamp;
use catalog::edition::{Edition, Publication};
use catalog::impression::Impression;
use catalog::invalid::InvalidField;
use minting::metadata::Home;
use minting::store::Progress;
use minting::token::{Token, TokenState};
use minting::wallet;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::claim::challenge::Challenge;
use crate::claim::{Claim, ClaimState, Redemption, StatusToken, VaultOrder};
use crate::routes::notice::Notice;
use crate::routes::policy::PolicyView;
use crate::routes::sales::SheetView;
use crate::safekeeping::SurrenderText;

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
    /// The buyer's wallet (EIP-55); absent with `safekeeping`.
    #[serde(default)]
    #[schema(example = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")]
    recipient: Option<String>,
    /// That wallet's `personal_sign` over a challenge (EIP-191), `0x` and hex digits: 65 bytes of an ordinary key, or 64
    /// by ERC-2098; of a wallet that is a contract whatever it takes (ERC-1271), and wrapped by ERC-6492 while it is not
    /// deployed, at most 16 KiB. Without it no wallet is proved.
    #[serde(default)]
    pub(super) signature: String,
    /// The text that was signed, word for word. Without it every live challenge is tried with an ordinary key, and the
    /// newest alone with a contract.
    #[serde(default)]
    pub(super) message: Option<String>,
    /// True for a buyer without a wallet: the issuer's vault holds the token in the buyer's name until it is released.
    #[serde(default)]
    safekeeping: bool,
}

impl RedeemInput {
    /// The wallet that the buyer names; none for safekeeping.
    pub(super) fn wallet(&self) -> Result<Option<&str>, InvalidField> {
        match (self.recipient.as_deref(), self.safekeeping) {
            (Some(wallet), false) => Ok(Some(wallet)),
            (None, true) if self.signature.is_empty() => Ok(None),
            (None, false) => Err(InvalidField::new(
                "recipient",
                "recipient_missing",
                "must name the buyer's wallet, unless `safekeeping` is true",
            )),
            (_, true) => Err(InvalidField::new(
                "safekeeping",
                "safekeeping_with_wallet",
                "must be false where a wallet or its signature is given",
            )),
        }
    }
}

/// A token to be released out of safekeeping.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReleaseInput {
    /// The code from the card.
    #[schema(value_type = String)]
    #[serde(deserialize_with = "secret")]
    pub(super) code: Zeroizing<String>,
    /// The buyer's wallet (EIP-55).
    #[schema(example = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")]
    pub(super) recipient: String,
    /// That wallet's signature over a challenge of this claim, as for redeeming.
    #[serde(default)]
    pub(super) signature: String,
    /// The text that was signed, as for redeeming.
    #[serde(default)]
    pub(super) message: Option<String>,
}

/// A token in safekeeping to be given up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SurrenderInput {
    /// The code from the card.
    #[schema(value_type = String)]
    #[serde(deserialize_with = "secret")]
    pub(super) code: Zeroizing<String>,
    /// The text of `safekeeping.surrender_order`, word for word.
    pub(super) order: String,
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
    /// `redeemed`, or `released` once the vault has handed the token out.
    state: &'static str,
    /// The buyer's wallet (EIP-55); null while none is named.
    #[schema(required = true)]
    recipient: Option<String>,
    token: ClaimToken,
    /// Present where the token was redeemed into safekeeping.
    #[serde(skip_serializing_if = "Option::is_none")]
    safekeeping: Option<SafekeepingView>,
}

impl RedeemedView {
    pub(super) fn of(
        claim: &Claim,
        token: &Token,
        home: &Home,
        safekeeping: Option<SafekeepingView>,
    ) -> Self {
        Self {
            claim_id: claim.claim_id.to_string(),
            state: claim.state.as_str(),
            recipient: claim.state.redemption().and_then(Redemption::wallet).map(wallet::checksummed),
            token: ClaimToken::of(token, home),
            safekeeping,
        }
    }
}

/// How a token in safekeeping fares.
#[derive(Serialize, ToSchema)]
pub(super) struct SafekeepingView {
    notice: Notice,
    /// `held`, `release_ordered`, `released`, `surrender_ordered`, `surrendered` or `voided`.
    state: &'static str,
    /// The issuer's vault (EIP-55): it holds the token on chain until it is released.
    vault: String,
    /// From then on it can be released: when the token settles. The chain may keep a late token longer; then an order waits.
    #[schema(value_type = String, format = DateTime)]
    releasable_from: Timestamp,
    /// How far the order is: `reserved`, `being_recorded` or `recorded`; `under_review` when a person must look.
    #[schema(required = true)]
    progress: Option<&'static str>,
    /// Hash of the transaction that carries the order out, once it is in a block.
    #[schema(required = true)]
    tx_hash: Option<String>,
    /// The words by which `/v1/claims/surrender` orders the token to be given up, while no order was given.
    #[schema(required = true)]
    surrender_order: Option<String>,
}

impl SafekeepingView {
    pub(super) fn of(
        claim: &Claim,
        redemption: &Redemption,
        token: &Token,
        progress: Option<&Progress>,
        home: &Home,
    ) -> Self {
        let order = redemption.keeper.order();
        let state = match (&claim.state, order, token.state) {
            (ClaimState::Released { .. }, ..) => "released",
            (_, _, TokenState::Voided) => "voided",
            (_, Some(VaultOrder::Release { .. }), _) => "release_ordered",
            (_, _, TokenState::Surrendered) => "surrendered",
            (_, Some(VaultOrder::Surrender { .. }), _) => "surrender_ordered",
            (_, None, _) => "held",
        };
        let text = SurrenderText { claim_id: &claim.claim_id, token_id: token.token_id, home };
        let inclusion = progress.and_then(Progress::inclusion);
        Self {
            notice: match state {
                "released" | "surrendered" => Notice::LET_GO,
                "voided" => Notice::VOIDED,
                _ => Notice::HELD_FOR_YOU,
            },
            state,
            vault: wallet::checksummed(redemption.recipient),
            releasable_from: token.settles_at,
            progress: progress.map(Progress::as_str),
            tx_hash: inclusion.map(|inclusion| inclusion.attempt_hash.to_string()),
            surrender_order: (state == "held").then(|| text.to_string()),
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
    /// `prepared`, `open`, `redeemed` or `released`.
    state: &'static str,
    edition: ClaimEdition,
    impression: SheetView,
    /// By which rules returns are made, and in which words pages tell of them.
    policy: PolicyView,
    /// The buyer's wallet (EIP-55).
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<ClaimToken>,
    /// Present where the token was redeemed into safekeeping.
    #[serde(skip_serializing_if = "Option::is_none")]
    safekeeping: Option<SafekeepingView>,
    /// Reads this claim again for an hour, at `/v1/claims/status`.
    status_token: String,
}

impl ClaimView {
    pub(super) fn of(
        claim: &Claim,
        edition: &Edition,
        publication: &Publication,
        impression: &Impression,
        policy: PolicyView,
        redeemed: Option<RedeemedView>,
        ticket: &StatusToken,
    ) -> Result<Self, serde_json::Error> {
        let (recipient, token, safekeeping) =
            redeemed.map_or((None, None, None), |view| (view.recipient, Some(view.token), view.safekeeping));
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
            policy,
            recipient,
            token,
            safekeeping,
            status_token: ticket.to_string(),
        })
    }
}
