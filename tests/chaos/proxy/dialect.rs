//! What nodes of several families say when they refuse a transaction. Anvil's refusals are said in another family's
//! words, as sources and public reports of those programs have them.

use serde_json::{Value, json};
use tests::dice::Dice;

/// What a node means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    AlreadyKnown,
    NonceTooLow,
    ReplacementUnderpriced,
    FeeTooLow,
}

/// Code and words of each meaning, in the order of [`Meaning`].
type Words = [(i64, &'static str); 4];

/// geth, erigon, nethermind, besu, reth, and anvil itself.
const FAMILIES: [Words; 6] = [
    [
        (-32000, "already known"),
        (-32000, "nonce too low: next nonce 9, tx nonce 7"),
        (-32000, "replacement transaction underpriced"),
        (-32000, "max fee per gas less than block base fee"),
    ],
    [
        (-32000, "INTERNAL_ERROR: existing tx with same hash"),
        (-32000, "INTERNAL_ERROR: nonce too low"),
        (-32000, "INTERNAL_ERROR: could not replace existing tx"),
        (-32000, "INTERNAL_ERROR: underpriced"),
    ],
    [
        (-32010, "AlreadyKnown"),
        (-32010, "OldNonce, Current nonce: 9, nonce of rejected tx: 7."),
        (-32010, "ReplacementNotAllowed"),
        (-32010, "FeeTooLow, EffectivePriorityFeePerGas too low"),
    ],
    [
        (-32000, "Known transaction"),
        (-32001, "Nonce too low"),
        (-32000, "Replacement transaction underpriced"),
        (-32009, "Gas price below current base fee"),
    ],
    [
        (-32000, "already known"),
        (-32000, "nonce too low: next nonce 9, tx nonce 7"),
        (-32000, "replacement transaction underpriced"),
        (-32003, "max fee per gas less than block base fee"),
    ],
    [
        (-32003, "transaction already imported"),
        (-32003, "nonce too low"),
        (-32003, "replacement transaction underpriced"),
        (-32003, "max fee per gas less than block base fee"),
    ],
];

impl Meaning {
    /// What anvil means.
    pub(crate) fn of(message: &str) -> Option<Self> {
        let known = [
            ("already imported", Self::AlreadyKnown),
            ("nonce too low", Self::NonceTooLow),
            ("replacement transaction underpriced", Self::ReplacementUnderpriced),
            ("less than block base fee", Self::FeeTooLow),
        ];
        known.into_iter().find(|(words, _)| message.contains(words)).map(|(_, meaning)| meaning)
    }

    /// The refusal of the question `id` in the words of some family.
    pub(crate) fn said(self, id: &Value, dice: &mut Dice) -> Value {
        let (code, words) = FAMILIES[dice.index(FAMILIES.len())][self as usize];
        refusal(id, code, words)
    }
}

/// A refusal in JSON-RPC.
pub(crate) fn refusal(id: &Value, code: i64, words: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": words } })
}
