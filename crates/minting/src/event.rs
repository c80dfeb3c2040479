//! What happens to calls and tokens, as events of the journal.

use catalog::account::Account;
use catalog::ids::ImpressionId;
use catalog::journal::Event;
use serde::Serialize;

use crate::call::CallId;
use crate::chain::B256;
use crate::foreign::ForeignToken;
use crate::token::TokenId;
use crate::transaction::Inclusion;

/// An event of the chain's side.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum MintingEvent {
    /// A call was written into the queue.
    CallQueued {
        /// Which.
        call_id: CallId,
        /// Its key, for example `mint:12017100`.
        business_key: String,
    },
    /// A token's id was taken and its mint written.
    TokenIssued {
        /// Which.
        token_id: String,
        /// Of which sheet.
        impression_id: ImpressionId,
        /// To whom.
        recipient: Account,
    },
    /// A token was given up by its owner.
    TokenSurrendered {
        /// Which.
        token_id: String,
    },
    /// A call ended on chain.
    CallEnded {
        /// Which.
        call_id: CallId,
        /// Its key.
        business_key: String,
        /// How: `done`, `void`, `refused` or `review`.
        state: &'static str,
        /// Why, where it is not done.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// The attempt that ended it, if one of ours did.
        #[serde(skip_serializing_if = "Option::is_none")]
        attempt_hash: Option<B256>,
        /// The height of its final block.
        #[serde(skip_serializing_if = "Option::is_none")]
        block_number: Option<u64>,
    },
    /// A call goes back into the queue.
    CallRequeued {
        /// Which.
        call_id: CallId,
        /// Its key.
        business_key: String,
        /// Why.
        reason: String,
    },
    /// A lane was made for a signer.
    LaneOpened {
        /// Whose.
        signer: Account,
        /// What it may do on the contract.
        role: &'static str,
        /// The first nonce that it takes.
        first_nonce: u64,
    },
    /// A lane stopped until an operator has looked.
    LaneFrozen {
        /// Whose.
        signer: Account,
        /// Why.
        reason: String,
    },
    /// The chain has a token or tombstone that the books did not know.
    ForeignTokenFound {
        /// Which.
        token_id: String,
        /// `token` or `tombstone`.
        standing: &'static str,
        /// To whom it was minted, if it was.
        #[serde(skip_serializing_if = "Option::is_none")]
        recipient: Option<Account>,
        /// The transaction that did it.
        transaction_hash: B256,
    },
    /// It belongs to us, and the books have it now.
    ForeignTokenLinked {
        /// Which.
        token_id: String,
        /// Why.
        reason: String,
    },
    /// It stays foreign.
    ForeignTokenRejected {
        /// Which.
        token_id: String,
        /// Why.
        reason: String,
    },
    /// An operator let a lane go on whose key was used without the books.
    LaneAdopted {
        /// Whose.
        signer: Account,
        /// The first nonce that was used without the books.
        from_nonce: u64,
        /// The nonce that it goes on with.
        next_nonce: u64,
        /// Why.
        reason: String,
    },
    /// An operator let a frozen lane go on.
    LaneResumed {
        /// Whose.
        signer: Account,
        /// How many final transactions the chain had lost: they are under way again.
        put_back: usize,
    },
}

impl MintingEvent {
    /// The id of a token went from the books into a mint.
    #[must_use]
    pub fn token_issued(token_id: TokenId, impression_id: ImpressionId, recipient: Account) -> Self {
        Self::TokenIssued { token_id: token_id.to_string(), impression_id, recipient }
    }

    /// The chain has what the books do not know.
    #[must_use]
    pub fn foreign_token_found(token: &ForeignToken) -> Self {
        Self::ForeignTokenFound {
            token_id: token.token_id.to_string(),
            standing: token.standing.as_str(),
            recipient: token.recipient,
            transaction_hash: token.transaction_hash,
        }
    }

    /// A call ended: in a final block, or because the chain had it done already.
    #[must_use]
    pub fn call_ended(
        call_id: CallId,
        business_key: String,
        state: &'static str,
        reason: Option<String>,
        inclusion: Option<&Inclusion>,
    ) -> Self {
        let attempt_hash = inclusion.map(|inclusion| inclusion.attempt_hash);
        let block_number = inclusion.map(|inclusion| inclusion.block.number);
        Self::CallEnded { call_id, business_key, state, reason, attempt_hash, block_number }
    }
}

impl Event for MintingEvent {
    fn kind(&self) -> &'static str {
        match self {
            Self::CallQueued { .. } => "call_queued",
            Self::TokenIssued { .. } => "token_issued",
            Self::TokenSurrendered { .. } => "token_surrendered",
            Self::CallEnded { .. } => "call_ended",
            Self::CallRequeued { .. } => "call_requeued",
            Self::LaneOpened { .. } => "lane_opened",
            Self::LaneFrozen { .. } => "lane_frozen",
            Self::LaneAdopted { .. } => "lane_adopted",
            Self::LaneResumed { .. } => "lane_resumed",
            Self::ForeignTokenFound { .. } => "foreign_token_found",
            Self::ForeignTokenLinked { .. } => "foreign_token_linked",
            Self::ForeignTokenRejected { .. } => "foreign_token_rejected",
        }
    }

    fn subject(&self) -> String {
        match self {
            Self::CallQueued { business_key, .. }
            | Self::CallEnded { business_key, .. }
            | Self::CallRequeued { business_key, .. } => business_key.clone(),
            Self::TokenIssued { impression_id, .. } => impression_id.to_string(),
            Self::TokenSurrendered { token_id }
            | Self::ForeignTokenFound { token_id, .. }
            | Self::ForeignTokenLinked { token_id, .. }
            | Self::ForeignTokenRejected { token_id, .. } => token_id.clone(),
            Self::LaneOpened { signer, .. }
            | Self::LaneFrozen { signer, .. }
            | Self::LaneAdopted { signer, .. }
            | Self::LaneResumed { signer, .. } => signer.to_string(),
        }
    }
}
