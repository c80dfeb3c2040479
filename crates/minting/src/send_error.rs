//! What a node says when it does not simply take a transaction. Matching on a node's text happens here and
//! nowhere else; a text that is not known takes the safe path.
//!
//! No answer ever allows a new nonce, other calls, or giving the bytes up: the bytes may live, and receipts decide.
//! What differs is whether waiting helps, whether a higher fee does, or whether a person must look.
//! `send_error/corpus.tsv` holds what real nodes say, each text with its source; its test reads this table.

mod phrases;

#[cfg(test)]
mod corpus;

use phrases::{CODES, GROUPS, Phrase};

/// The node's answer, and what may follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendRefusal {
    /// The node has these bytes already. Transient: they may live; wait for the receipt.
    #[error("the node knows the transaction already")]
    AlreadyKnown,
    /// The nonce is used in the node's view: by this attempt, an earlier one, or somebody else. Transient: the
    /// receipts and the finalized count decide, not this text.
    #[error("the nonce is too low")]
    NonceTooLow,
    /// A lower nonce is missing in the node's view. Transient: the lower transactions are sent again.
    #[error("the nonce is too high")]
    NonceTooHigh,
    /// The node expects another nonce and does not say on which side. Transient: as both of the above.
    #[error("the node expects another nonce")]
    NonceNotNext,
    /// Another attempt at this nonce is in the pool and this one pays too little more. Transient: bump further.
    #[error("the replacement pays too little")]
    ReplacementUnderpriced,
    /// The fee is below what the node or the next block asks. Transient: bump at the same nonce.
    #[error("the fee is too low")]
    Underpriced,
    /// The pool is full. Transient: send the same bytes again later.
    #[error("the pool is full")]
    PoolFull,
    /// The node holds as many transactions of the signer as it wants to, or one of a kind that bars others.
    /// Transient: the same bytes later, when those are mined.
    #[error("the node holds other transactions of the signer")]
    SenderBusy,
    /// The signer cannot pay. Transient: an operator must top it up; then the same bytes are sent again.
    #[error("the signer cannot pay")]
    InsufficientFunds,
    /// The gas limit is above the block's or the protocol's (EIP-7825). Final for these bytes while that limit
    /// stands, and the gas limit is fixed with the first attempt: an operator looks.
    #[error("the gas limit is above what the node takes: {0}")]
    GasLimitTooHigh(String),
    /// The node caps what a transaction may pay in all. Final at this node, whose operator can raise it; another
    /// provider may take the same bytes. A bump would only make it worse.
    #[error("the whole fee is above the node's own cap: {0}")]
    FeeAboveCap(String),
    /// The bytes, or the proof of what they do, are larger than the node takes. Final for these bytes: an operator
    /// looks.
    #[error("the transaction is too large: {0}")]
    Oversized(String),
    /// The node does not take transactions of this form (EIP-1559, EIP-155). Final at this node: an operator looks.
    #[error("the node does not take this form of transaction: {0}")]
    Unsupported(String),
    /// The node serves another chain. Final at this provider, which is asked for its chain id at once.
    #[error("the node is of another chain: {0}")]
    WrongChain(String),
    /// The node holds the bytes for invalid, or bars the signer. Final at this node: an operator looks.
    #[error("the node rejects the transaction: {0}")]
    Rejected(String),
    /// The provider refuses to work: rate limit, quota, synchronizing, an error page. Says nothing of the
    /// transaction. Transient: another provider now, this one later.
    #[error("the provider is busy: {0}")]
    ProviderBusy(String),
    /// Anything else, time-outs and contracts' own texts included. Unknown: the bytes may live; send the same
    /// bytes again.
    #[error("unknown outcome: {0}")]
    Unknown(String),
}

impl SendRefusal {
    /// A stable word for metrics and for the corpus.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::AlreadyKnown => "already_known",
            Self::NonceTooLow => "nonce_too_low",
            Self::NonceTooHigh => "nonce_too_high",
            Self::NonceNotNext => "nonce_not_next",
            Self::ReplacementUnderpriced => "replacement_underpriced",
            Self::Underpriced => "underpriced",
            Self::PoolFull => "pool_full",
            Self::SenderBusy => "sender_busy",
            Self::InsufficientFunds => "insufficient_funds",
            Self::GasLimitTooHigh(_) => "gas_limit_too_high",
            Self::FeeAboveCap(_) => "fee_above_cap",
            Self::Oversized(_) => "oversized",
            Self::Unsupported(_) => "unsupported",
            Self::WrongChain(_) => "wrong_chain",
            Self::Rejected(_) => "rejected",
            Self::ProviderBusy(_) => "provider_busy",
            Self::Unknown(_) => "unknown",
        }
    }

    /// True where the node said something of the transaction; false where it did not answer, or not to that.
    #[must_use]
    pub fn is_of_the_transaction(&self) -> bool {
        !matches!(self, Self::ProviderBusy(_) | Self::Unknown(_))
    }

    /// True where waiting alone does not help.
    #[must_use]
    pub fn needs_an_operator(&self) -> bool {
        matches!(
            self,
            Self::InsufficientFunds
                | Self::GasLimitTooHigh(_)
                | Self::FeeAboveCap(_)
                | Self::Oversized(_)
                | Self::Unsupported(_)
                | Self::WrongChain(_)
                | Self::Rejected(_)
        )
    }

    /// True where a higher fee helps.
    #[must_use]
    pub fn is_underpriced(&self) -> bool {
        matches!(self, Self::Underpriced | Self::ReplacementUnderpriced)
    }
}

/// Classifies a node's answer to `eth_sendRawTransaction`: the error's JSON-RPC code and text.
///
/// Codes decide only where nodes agree on them. Code 3, by which geth marks a contract's revert, does not: zkSync
/// answers every refusal with it.
#[must_use]
pub fn classify(code: i64, text: &str) -> SendRefusal {
    let lower = text.to_ascii_lowercase();
    if code == 429 || is_page(&lower) {
        return SendRefusal::ProviderBusy(excerpt(text));
    }
    // A revert text is written by a contract and may say anything, "nonce too low" too.
    if lower.contains("revert") || lower.contains("vm exception") {
        return SendRefusal::Unknown(excerpt(text));
    }
    let said = |phrases: &[Phrase]| phrases.iter().any(|phrase| phrase.is_in(&lower));
    if let Some((meaning, _)) = GROUPS.iter().find(|(_, phrases)| said(phrases)) {
        return meaning(excerpt(text));
    }
    match CODES.iter().find(|(known, _)| *known == code) {
        Some((_, meaning)) => meaning(excerpt(text)),
        None => SendRefusal::Unknown(excerpt(text)),
    }
}

/// Whether a text is a web page: whoever made it is no node.
fn is_page(lower: &str) -> bool {
    lower.trim_start().starts_with('<') || lower.contains("<html") || lower.contains("<!doctype")
}

/// The beginning of a text, for the log.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
