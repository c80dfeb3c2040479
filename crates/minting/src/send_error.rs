//! What a node says when it does not simply take a transaction. Matching on a node's text happens here and
//! nowhere else; a text that is not known takes the safe path.

/// The node's answer, and what may follow. No answer ever allows a new nonce.
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
    /// Another attempt at this nonce is in the pool and this one pays too little more. Transient: bump further.
    #[error("the replacement pays too little")]
    ReplacementUnderpriced,
    /// The fee is below what the node or the next block asks. Transient: bump at the same nonce.
    #[error("the fee is too low")]
    Underpriced,
    /// The pool is full. Transient: send the same bytes again later.
    #[error("the pool is full")]
    PoolFull,
    /// The signer cannot pay. Transient: an operator must top it up; then the same bytes are sent again.
    #[error("the signer cannot pay")]
    InsufficientFunds,
    /// The node's own limits refuse these bytes (gas limit, fee cap, size). Final for these bytes; an operator looks.
    #[error("the node refuses the transaction as it is: {0}")]
    OverLimit(String),
    /// Anything else, time-outs included. Unknown: the bytes may live; send the same bytes again.
    #[error("unknown outcome: {0}")]
    Unknown(String),
}

impl SendRefusal {
    /// True where waiting alone does not help.
    #[must_use]
    pub fn needs_an_operator(&self) -> bool {
        matches!(self, Self::InsufficientFunds | Self::OverLimit(_))
    }

    /// True where a higher fee helps.
    #[must_use]
    pub fn is_underpriced(&self) -> bool {
        matches!(self, Self::Underpriced | Self::ReplacementUnderpriced)
    }
}

/// What a text means.
type Meaning = fn() -> SendRefusal;

/// Texts that nodes use, lower case, in the order in which they are looked for. Families: geth, erigon,
/// nethermind, besu, reth, anvil; more follow with the corpus.
const PHRASES: [(&str, Meaning); 23] = [
    ("already known", || SendRefusal::AlreadyKnown),
    ("alreadyknown", || SendRefusal::AlreadyKnown),
    ("already imported", || SendRefusal::AlreadyKnown),
    ("known transaction", || SendRefusal::AlreadyKnown),
    ("replacement transaction underpriced", || SendRefusal::ReplacementUnderpriced),
    ("replacement fee too low", || SendRefusal::ReplacementUnderpriced),
    ("could not replace existing tx", || SendRefusal::ReplacementUnderpriced),
    ("nonce too low", || SendRefusal::NonceTooLow),
    ("oldnonce", || SendRefusal::NonceTooLow),
    ("nonce_too_low", || SendRefusal::NonceTooLow),
    ("ownnoncealreadyused", || SendRefusal::NonceTooLow),
    ("nonce too high", || SendRefusal::NonceTooHigh),
    ("noncegap", || SendRefusal::NonceTooHigh),
    ("nonce gap", || SendRefusal::NonceTooHigh),
    ("max fee per gas less than block base fee", || SendRefusal::Underpriced),
    ("underpriced", || SendRefusal::Underpriced),
    ("feetoolow", || SendRefusal::Underpriced),
    ("fee too low", || SendRefusal::Underpriced),
    ("txpool is full", || SendRefusal::PoolFull),
    ("pool is full", || SendRefusal::PoolFull),
    ("insufficient funds", || SendRefusal::InsufficientFunds),
    ("insufficientfunds", || SendRefusal::InsufficientFunds),
    ("upfront cost exceeds", || SendRefusal::InsufficientFunds),
];

/// Texts by which a node's own limits refuse the bytes.
const LIMITS: [&str; 5] = [
    "exceeds block gas limit",
    "tx fee exceeds cap",
    "exceeds the configured cap",
    "gas limit too high",
    "oversized data",
];

/// Classifies a node's answer to `eth_sendRawTransaction`.
#[must_use]
pub fn classify(text: &str) -> SendRefusal {
    let lower = text.to_ascii_lowercase();
    // A revert text is written by a contract and may say anything, "nonce too low" too.
    if lower.contains("execution reverted") {
        return SendRefusal::Unknown(excerpt(text));
    }
    if let Some((_, refusal)) = PHRASES.iter().find(|(phrase, _)| lower.contains(phrase)) {
        return refusal();
    }
    if LIMITS.iter().any(|phrase| lower.contains(phrase)) {
        return SendRefusal::OverLimit(excerpt(text));
    }
    SendRefusal::Unknown(excerpt(text))
}

/// The beginning of a text, for the log.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_several_nodes_are_understood() {
        let cases = [
            ("already known", SendRefusal::AlreadyKnown),
            ("transaction already imported", SendRefusal::AlreadyKnown),
            ("AlreadyKnown", SendRefusal::AlreadyKnown),
            ("nonce too low: next nonce 5, tx nonce 4", SendRefusal::NonceTooLow),
            ("OldNonce, Current nonce: 5, nonce of rejected tx: 4", SendRefusal::NonceTooLow),
            ("nonce too high", SendRefusal::NonceTooHigh),
            ("replacement transaction underpriced", SendRefusal::ReplacementUnderpriced),
            ("transaction underpriced: tip needed 1, tip permitted 0", SendRefusal::Underpriced),
            ("max fee per gas less than block base fee", SendRefusal::Underpriced),
            ("txpool is full", SendRefusal::PoolFull),
            ("insufficient funds for gas * price + value", SendRefusal::InsufficientFunds),
        ];
        for (text, expected) in cases {
            assert_eq!(classify(text), expected, "{text}");
        }
    }

    #[test]
    fn a_lying_revert_text_is_not_believed() {
        assert!(matches!(classify("execution reverted: nonce too low"), SendRefusal::Unknown(_)));
    }

    #[test]
    fn an_unknown_text_takes_the_safe_path() {
        assert!(matches!(classify("the moon is full"), SendRefusal::Unknown(_)));
    }
}
