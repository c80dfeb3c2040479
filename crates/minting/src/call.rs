//! One thing that we want the contract to do exactly once.

use catalog::account::Account;
use catalog::digest::Sha256Digest;
use catalog::edition::EditionNumber;
use catalog::typed_id;
use serde::{Deserialize, Serialize};

use crate::token::TokenId;
use crate::transaction::TransactionId;

typed_id!(
    /// A call: `call_…`.
    CallId, "call");

/// What a call asks of the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Opens an edition with its terms.
    OpenEdition {
        /// The edition's number.
        edition: EditionNumber,
        /// Its terms.
        terms: EditionTerms,
    },
    /// Mints a token.
    Mint {
        /// The id, which can be minted once.
        token_id: TokenId,
        /// Its first owner.
        recipient: Account,
        /// Unix seconds from which nobody can void it.
        settles_at: u64,
    },
    /// Ends a token's revocable time early.
    Settle {
        /// Which.
        token_id: TokenId,
    },
    /// Burns a bound token, or makes an unissued id unmintable.
    Void {
        /// Which.
        token_id: TokenId,
        /// Why.
        reason: VoidReason,
    },
    /// The vault hands a settled token to its buyer.
    Release {
        /// Which; it is handed out once, ever.
        token_id: TokenId,
        /// The buyer's wallet.
        recipient: Account,
    },
    /// The vault gives up a token that it keeps, on its buyer's written order.
    Surrender {
        /// Which.
        token_id: TokenId,
    },
}

/// The terms of an edition as the contract keeps them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditionTerms {
    /// Run and proofs together.
    pub serials: u16,
    /// SHA-256 of the print image.
    pub image_digest: Sha256Digest,
    /// SHA-256 of the colophon.
    pub colophon_digest: Sha256Digest,
    /// Who is named as receiver of royalties.
    pub royalty_receiver: Account,
    /// Hundredths of a percent (ERC-2981).
    pub royalty_basis_points: u16,
}

/// Why a token is voided, as the contract numbers the reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoidReason {
    /// The money went back.
    Refunded = 1,
    /// The payment was disputed and lost.
    Disputed = 2,
    /// The order was canceled before shipment.
    Canceled = 3,
    /// The sheet came back.
    Returned = 4,
    /// The sheet was lost on its way.
    Lost = 5,
    /// The sheet was withdrawn.
    Withdrawn = 6,
    /// The token was issued by mistake.
    Corrected = 7,
}

/// The kinds of call. A transaction carries calls of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallKind {
    /// [`Call::OpenEdition`].
    OpenEdition,
    /// [`Call::Mint`].
    Mint,
    /// [`Call::Settle`].
    Settle,
    /// [`Call::Void`].
    Void,
    /// [`Call::Release`].
    Release,
    /// [`Call::Surrender`].
    Surrender,
}

impl CallKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::OpenEdition, Self::Mint, Self::Settle, Self::Void, Self::Release, Self::Surrender];

    /// The word in the database and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenEdition => "open_edition",
            Self::Mint => "mint",
            Self::Settle => "settle",
            Self::Void => "void",
            Self::Release => "release",
            Self::Surrender => "surrender",
        }
    }

    /// True when a transaction carries one call of this kind at most: the contract takes no list of them.
    #[must_use]
    pub fn goes_alone(self) -> bool {
        matches!(self, Self::OpenEdition | Self::Release | Self::Surrender)
    }

    /// The kind that `word` names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl Call {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> CallKind {
        match self {
            Self::OpenEdition { .. } => CallKind::OpenEdition,
            Self::Mint { .. } => CallKind::Mint,
            Self::Settle { .. } => CallKind::Settle,
            Self::Void { .. } => CallKind::Void,
            Self::Release { .. } => CallKind::Release,
            Self::Surrender { .. } => CallKind::Surrender,
        }
    }

    /// The key under which it is written once for ever, whoever asks again: `mint:12017100`.
    #[must_use]
    pub fn business_key(&self) -> String {
        let kind = self.kind().as_str();
        match self {
            Self::OpenEdition { edition, .. } => format!("{kind}:{}", edition.get()),
            Self::Mint { token_id, .. }
            | Self::Settle { token_id }
            | Self::Void { token_id, .. }
            | Self::Release { token_id, .. }
            | Self::Surrender { token_id } => format!("{kind}:{token_id}"),
        }
    }

    /// The token that it concerns, if it concerns one.
    #[must_use]
    pub fn token_id(&self) -> Option<TokenId> {
        match self {
            Self::OpenEdition { .. } => None,
            Self::Mint { token_id, .. }
            | Self::Settle { token_id }
            | Self::Void { token_id, .. }
            | Self::Release { token_id, .. }
            | Self::Surrender { token_id } => Some(*token_id),
        }
    }
}

/// A call that belongs to a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub call_id: CallId,
    /// What it asks for.
    pub call: Call,
    /// How many transactions reverted with it.
    pub setbacks: u32,
}

/// Where a call stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallState {
    /// Waits to be bound to a transaction.
    Queued {
        /// Why it is back in the queue, if it was bound before.
        setback: Option<String>,
    },
    /// Belongs to a transaction.
    Bound(TransactionId),
    /// Carried out, in a final block; without a transaction of ours when the chain had it done already.
    Done(Option<TransactionId>),
    /// No longer wanted.
    Void,
    /// Cannot be carried out, for that reason.
    Refused(String),
    /// Waits for a person to look, for that reason.
    Review(String),
}

impl CallState {
    /// The word in the database and in JSON.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Queued { .. } => "queued",
            Self::Bound(_) => "bound",
            Self::Done(_) => "done",
            Self::Void => "void",
            Self::Refused(_) => "refused",
            Self::Review(_) => "review",
        }
    }

    /// The transaction that carries or carried it.
    #[must_use]
    pub fn transaction_id(&self) -> Option<&TransactionId> {
        match self {
            Self::Bound(id) | Self::Done(Some(id)) => Some(id),
            Self::Queued { .. } | Self::Done(None) | Self::Void | Self::Refused(_) | Self::Review(_) => None,
        }
    }
}
