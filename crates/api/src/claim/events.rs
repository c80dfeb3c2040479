//! What happens to claims, as events of the journal. No event holds a code or what is kept of one.

use catalog::account::Account;
use catalog::clock::Timestamp;
use catalog::journal::Event;
use minting::token::TokenId;
use serde::Serialize;

use super::{Claim, ClaimId, Redemption};
use crate::sale::SaleId;

/// An event of a claim.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum ClaimEvent {
    /// A claim was written with its sale.
    Prepared {
        /// Which.
        claim_id: ClaimId,
        /// Of which sale.
        sale_id: SaleId,
    },
    /// A claim may be redeemed from now on.
    Opened {
        /// Which.
        claim_id: ClaimId,
    },
    /// A claim got a code; any code before it is worthless.
    CodeIssued {
        /// Which.
        claim_id: ClaimId,
        /// Whether there was a code before.
        replaced: bool,
    },
    /// A claim was redeemed.
    Redeemed {
        /// Which.
        claim_id: ClaimId,
        /// For whom.
        #[serde(serialize_with = "as_text")]
        recipient: Account,
        /// The token.
        #[serde(serialize_with = "as_text")]
        token_id: TokenId,
        /// From when nobody can void it.
        settles_at: Timestamp,
        /// The challenge whose signature proved the wallet; none for the vault.
        #[serde(skip_serializing_if = "Option::is_none")]
        proof_nonce: Option<String>,
        /// Whether the issuer's vault keeps the token in the buyer's name.
        safekeeping: bool,
    },
    /// The buyer ordered the vault to hand the token to a wallet.
    ReleaseOrdered {
        /// Of which claim.
        claim_id: ClaimId,
        /// The token.
        #[serde(serialize_with = "as_text")]
        token_id: TokenId,
        /// The wallet.
        #[serde(serialize_with = "as_text")]
        recipient: Account,
        /// The challenge whose signature proved the wallet.
        proof_nonce: String,
    },
    /// The vault has handed the token to that wallet.
    Released {
        /// Of which claim.
        claim_id: ClaimId,
        /// The token.
        #[serde(serialize_with = "as_text")]
        token_id: TokenId,
        /// The wallet.
        #[serde(serialize_with = "as_text")]
        recipient: Account,
    },
    /// The buyer ordered the vault in writing to give the token up.
    SurrenderOrdered {
        /// Of which claim.
        claim_id: ClaimId,
        /// The token.
        #[serde(serialize_with = "as_text")]
        token_id: TokenId,
        /// The order, word for word as the buyer sent it.
        order: String,
    },
    /// A claim was undone with its sale.
    Voided {
        /// Which.
        claim_id: ClaimId,
    },
    /// A redeemed claim got the next token of its sheet.
    Reissued {
        /// Which.
        claim_id: ClaimId,
        /// The token that was voided.
        #[serde(serialize_with = "as_text")]
        voided: TokenId,
        /// The next one.
        #[serde(serialize_with = "as_text")]
        token_id: TokenId,
    },
}

fn as_text<S: serde::Serializer>(value: &impl std::fmt::Display, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

impl ClaimEvent {
    /// That `claim` was written.
    #[must_use]
    pub fn prepared(claim: &Claim) -> Self {
        Self::Prepared { claim_id: claim.claim_id.clone(), sale_id: claim.sale_id.clone() }
    }

    /// That a claim was redeemed.
    #[must_use]
    pub fn redeemed(claim_id: &ClaimId, redemption: &Redemption, settles_at: Timestamp) -> Self {
        Self::Redeemed {
            claim_id: claim_id.clone(),
            recipient: redemption.recipient,
            token_id: redemption.token_id,
            settles_at,
            proof_nonce: redemption.keeper.proof_nonce().map(ToOwned::to_owned),
            safekeeping: redemption.is_safekept(),
        }
    }
}

impl Event for ClaimEvent {
    fn kind(&self) -> &'static str {
        match self {
            Self::Prepared { .. } => "claim_prepared",
            Self::Opened { .. } => "claim_opened",
            Self::CodeIssued { .. } => "claim_code_issued",
            Self::Redeemed { .. } => "claim_redeemed",
            Self::ReleaseOrdered { .. } => "claim_release_ordered",
            Self::Released { .. } => "claim_released",
            Self::SurrenderOrdered { .. } => "claim_surrender_ordered",
            Self::Voided { .. } => "claim_voided",
            Self::Reissued { .. } => "claim_reissued",
        }
    }

    fn subject(&self) -> String {
        match self {
            Self::Prepared { claim_id, .. }
            | Self::Opened { claim_id }
            | Self::CodeIssued { claim_id, .. }
            | Self::Redeemed { claim_id, .. }
            | Self::ReleaseOrdered { claim_id, .. }
            | Self::Released { claim_id, .. }
            | Self::SurrenderOrdered { claim_id, .. }
            | Self::Voided { claim_id }
            | Self::Reissued { claim_id, .. } => claim_id.to_string(),
        }
    }
}
