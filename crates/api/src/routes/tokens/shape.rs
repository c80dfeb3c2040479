//! The public view of a token.

use catalog::clock::Timestamp;
use catalog::digest::Sha256Digest;
use catalog::impression::Impression;
use minting::call::CallState;
use minting::metadata::Home;
use minting::store::Progress;
use minting::token::{Token, TokenState};
use minting::wallet;
use serde::Serialize;
use utoipa::ToSchema;

use crate::claim::Claim;
use crate::routes::notice::Notice;
use crate::sale::{Cause, Dispute, Sale, TokenStanding};

/// A token as anyone may see it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenView {
    /// Plain decimal digits.
    token_id: String,
    /// CAIP-19 id.
    asset: String,
    /// CAIP-2 id.
    chain: String,
    /// EIP-55 address.
    contract: String,
    /// `unissued`, `bound`, `settled`, `voided` or `surrendered`.
    state: &'static str,
    /// Whether the issuer has asked the chain to void it.
    voiding: bool,
    /// Why the issuer no longer stands by it though it is out of the issuer's reach: the sale was undone too late.
    /// `refunded`, `disputed`, `canceled`, `returned` or `lost`; null while the sale stands.
    #[schema(required = true)]
    flag: Option<&'static str>,
    /// Whether the payment of its sale is contested now.
    disputed: bool,
    /// For a tombstone, the next token of the same sheet, once there is one.
    #[schema(required = true, example = "12017101")]
    successor: Option<String>,
    /// `reserved`, `being_recorded` or `recorded`; `under_review` when a person must look.
    progress: &'static str,
    /// Hash of the transaction that mints it, once it is in a block.
    #[schema(required = true)]
    tx_hash: Option<String>,
    /// Height of that block.
    #[schema(required = true)]
    block_number: Option<u64>,
    /// First owner, by its EIP-55 address.
    recipient: String,
    /// Whether the issuer's vault holds it for its buyer, in safekeeping.
    safekeeping: bool,
    /// Says so in words, for pages to show; present where `safekeeping` is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    notice: Option<Notice>,
    /// From then on nobody can void it.
    #[schema(value_type = String)]
    settles_at: Timestamp,
    /// Which sheet.
    impression: SheetView,
    /// Where its metadata stands.
    metadata_url: String,
    /// SHA-256 of that metadata.
    #[schema(value_type = String)]
    metadata_sha256: Sha256Digest,
    /// When its mint was written.
    #[schema(value_type = String)]
    created_at: Timestamp,
}

/// The sheet that a token certifies.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SheetView {
    /// `imp_…`.
    impression_id: String,
    /// Its edition: `ed_…`.
    edition_id: String,
    /// Its place in the edition.
    serial: u16,
    /// As pencilled on the sheet: `7/50`.
    label: String,
}

impl TokenView {
    /// What anyone may see.
    pub(super) fn of(
        home: &Home,
        token: &Token,
        impression: &Impression,
        progress: &Progress,
        fate: Fate,
    ) -> Self {
        let inclusion = progress.inclusion();
        Self {
            token_id: token.token_id.to_string(),
            asset: home.asset(token.token_id),
            chain: home.chain(),
            contract: home.contract(),
            state: fate.state.as_str(),
            voiding: fate.voiding,
            flag: fate.flag,
            disputed: fate.disputed,
            successor: fate.successor,
            progress: progress.as_str(),
            tx_hash: inclusion.map(|inclusion| inclusion.attempt_hash.to_string()),
            block_number: inclusion.map(|inclusion| inclusion.block.number),
            recipient: wallet::checksummed(token.recipient),
            safekeeping: fate.safekept,
            notice: fate.safekept.then_some(Notice::HELD_FOR_ITS_BUYER),
            settles_at: token.settles_at,
            impression: SheetView {
                impression_id: impression.impression_id.to_string(),
                edition_id: impression.edition_id.to_string(),
                serial: impression.serial.get(),
                label: impression.label.clone(),
            },
            metadata_url: home.metadata(token.token_id),
            metadata_sha256: Sha256Digest::of(token.metadata.as_bytes()),
            created_at: token.created_at,
        }
    }
}

/// What became of a token.
pub(super) struct Fate {
    state: TokenState,
    voiding: bool,
    flag: Option<&'static str>,
    disputed: bool,
    safekept: bool,
    successor: Option<String>,
}

impl Fate {
    /// By what is known at the moment `now`. Time alone settles a bound token: nothing is written at that moment.
    pub(super) fn of(
        token: &Token,
        void: Option<&CallState>,
        sale: Option<&Sale>,
        claim: Option<&Claim>,
        successor: Option<&Token>,
        now: Timestamp,
    ) -> Self {
        let standing = TokenStanding::of(token, void);
        let in_time = standing == TokenStanding::Bound && now >= token.settles_at;
        let settled = in_time || standing == TokenStanding::Settled;
        let state = if settled { TokenState::Settled } else { token.state };
        Self {
            state,
            voiding: standing == TokenStanding::Voiding,
            flag: sale.and_then(|sale| sale.token_flag).map(Cause::as_str),
            safekept: claim.is_some_and(Claim::is_safekept) && !standing.is_gone(),
            disputed: sale.is_some_and(|sale| sale.dispute == Dispute::Open),
            successor: successor.map(|next| next.token_id.to_string()),
        }
    }
}
