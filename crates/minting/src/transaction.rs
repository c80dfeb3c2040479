//! One nonce of one signer, and what became of it. Decided here without I/O; the pipeline asks and writes.
//!
//! bound → signed → live → included ⇄ live (reorg) → confirmed | reverted; live, included → displaced.

use catalog::account::Account;
use catalog::typed_id;

use crate::call::CallKind;
use crate::chain::{B256, Block};
use crate::contract::ItemEvent;
use crate::ending::Ending;

typed_id!(
    /// A transaction: `tx_…`.
    TransactionId, "tx");

/// A transaction in the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Its id.
    pub transaction_id: TransactionId,
    /// Whose nonce.
    pub signer: Account,
    /// Which nonce: it belongs to this transaction for ever.
    pub nonce: u64,
    /// What its calls are.
    pub kind: CallKind,
    /// Where it stands.
    pub state: TransactionState,
}

/// What is fixed with the first stored attempt and never changes after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The calldata of every attempt.
    pub calldata: Vec<u8>,
    /// The gas limit of every attempt.
    pub gas_limit: u64,
}

/// Where a transaction stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransactionState {
    /// Nonce and members are taken; nothing is signed.
    Bound,
    /// The first bytes are stored; nobody may have seen them.
    Signed(Signed),
    /// A node may have the bytes.
    Live(Signed),
    /// An attempt is in a block that may still go.
    Included(Signed, Inclusion),
    /// An attempt succeeded in a final block.
    Confirmed(Inclusion),
    /// An attempt reverted in a final block.
    RevertedConfirmed(Inclusion),
    /// Another transaction has the nonce at the finalized head.
    Displaced,
}

/// Which attempt is in which block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inclusion {
    /// The attempt.
    pub attempt_hash: B256,
    /// The block.
    pub block: Block,
}

impl TransactionState {
    /// The word in the database.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Bound => "bound",
            Self::Signed(_) => "signed",
            Self::Live(_) => "live",
            Self::Included(..) => "included",
            Self::Confirmed(_) => "confirmed",
            Self::RevertedConfirmed(_) => "reverted_confirmed",
            Self::Displaced => "displaced",
        }
    }

    /// What was fixed with the first attempt, while it still matters.
    #[must_use]
    pub fn signed(&self) -> Option<&Signed> {
        match self {
            Self::Signed(signed) | Self::Live(signed) | Self::Included(signed, _) => Some(signed),
            Self::Bound | Self::Confirmed(_) | Self::RevertedConfirmed(_) | Self::Displaced => None,
        }
    }
}

/// What the chain shows of a transaction. The finalized count is read *before* the receipts: a transaction that
/// is counted there and is ours must then have a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// How many transactions of the signer are final; none when the node cannot tell. Nothing is given up then.
    pub finalized_count: Option<u64>,
    /// The receipt of one of our attempts, if there is one.
    pub receipt: Option<SeenReceipt>,
}

/// A receipt as far as this decision needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenReceipt {
    /// Which attempt, in which block.
    pub inclusion: Inclusion,
    /// Whether the whole call went through.
    pub succeeded: bool,
    /// At or below the finalized head, and the canonical block of that height has this hash.
    pub is_final: bool,
    /// What happened to the items.
    pub events: Vec<ItemEvent>,
}

/// What follows from a sighting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Nothing new.
    Unchanged,
    /// In a block now, or in another one.
    Included(Inclusion),
    /// A reorg took it out of its block: it may live.
    FellOut,
    /// The nonce is spent for good.
    Over(Ending),
}

/// Decides what a sighting means for a transaction with `nonce`.
#[must_use]
pub fn judge(state: &TransactionState, nonce: u64, sighting: Sighting) -> Finding {
    match (state, sighting.receipt) {
        // The end is known.
        (
            TransactionState::Confirmed(_)
            | TransactionState::RevertedConfirmed(_)
            | TransactionState::Displaced,
            _,
        ) => Finding::Unchanged,
        (_, Some(receipt)) if receipt.is_final && receipt.succeeded => {
            Finding::Over(Ending::Confirmed(receipt.inclusion, receipt.events))
        }
        (_, Some(receipt)) if receipt.is_final => Finding::Over(Ending::Reverted(receipt.inclusion)),
        (TransactionState::Included(_, known), Some(receipt)) if *known == receipt.inclusion => {
            Finding::Unchanged
        }
        (_, Some(receipt)) => Finding::Included(receipt.inclusion),
        (_, None) if sighting.finalized_count.is_some_and(|count| count > nonce) => {
            Finding::Over(Ending::Displaced)
        }
        (TransactionState::Included(..), None) => Finding::FellOut,
        (_, None) => Finding::Unchanged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inclusion(number: u64) -> Inclusion {
        let hash = B256::repeat_byte(u8::try_from(number).unwrap_or(0));
        Inclusion { attempt_hash: B256::repeat_byte(1), block: Block { number, hash } }
    }

    fn live() -> TransactionState {
        TransactionState::Live(Signed { calldata: vec![], gas_limit: 1 })
    }

    fn included(number: u64) -> TransactionState {
        TransactionState::Included(Signed { calldata: vec![], gas_limit: 1 }, inclusion(number))
    }

    fn seen(number: u64, succeeded: bool, is_final: bool) -> SeenReceipt {
        SeenReceipt { inclusion: inclusion(number), succeeded, is_final, events: vec![] }
    }

    #[test]
    fn a_transaction_is_confirmed_only_by_a_final_block() {
        let nonce = 5;
        let sighting = |receipt| Sighting { finalized_count: Some(5), receipt };
        let cases = [
            (live(), None, Finding::Unchanged),
            (live(), Some(seen(9, true, false)), Finding::Included(inclusion(9))),
            (included(9), Some(seen(9, true, false)), Finding::Unchanged),
            (included(9), Some(seen(10, true, false)), Finding::Included(inclusion(10))),
            (included(9), None, Finding::FellOut),
            (included(9), Some(seen(9, true, true)), Finding::Over(Ending::Confirmed(inclusion(9), vec![]))),
            (live(), Some(seen(9, false, true)), Finding::Over(Ending::Reverted(inclusion(9)))),
            (live(), Some(seen(9, false, false)), Finding::Included(inclusion(9))),
        ];
        for (state, receipt, expected) in cases {
            assert_eq!(
                judge(&state, nonce, sighting(receipt.clone())),
                expected,
                "{} {receipt:?}",
                state.as_str()
            );
        }
    }

    #[test]
    fn a_nonce_is_given_up_only_when_another_transaction_has_it_for_good() {
        for state in [live(), included(9), TransactionState::Bound] {
            let taken = Sighting { finalized_count: Some(6), receipt: None };
            assert_eq!(judge(&state, 5, taken), Finding::Over(Ending::Displaced));
        }
        let ours = Sighting { finalized_count: Some(6), receipt: Some(seen(9, true, true)) };
        assert_eq!(judge(&live(), 5, ours), Finding::Over(Ending::Confirmed(inclusion(9), vec![])));
    }

    #[test]
    fn a_node_that_cannot_count_displaces_nothing() {
        let unknown = Sighting { finalized_count: None, receipt: None };
        assert_eq!(judge(&live(), 5, unknown), Finding::Unchanged);
    }

    #[test]
    fn the_end_stays_the_end() {
        let gone = Sighting { finalized_count: Some(9), receipt: None };
        for state in [TransactionState::Confirmed(inclusion(9)), TransactionState::Displaced] {
            assert_eq!(judge(&state, 5, gone.clone()), Finding::Unchanged);
        }
    }
}
