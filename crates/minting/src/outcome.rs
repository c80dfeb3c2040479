//! What the events of a final receipt mean for each call that the transaction carried. Pure.

use crate::call::Call;
use crate::contract::{ItemEvent, MintSkip, SettleSkip, VoidSkip};

/// How a call came out of a final transaction that did not revert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Carried out.
    Done,
    /// A void came first: no longer wanted.
    Void,
    /// Cannot be carried out, ever.
    Refused(&'static str),
    /// Passed over for a reason that can pass: back into the queue.
    Again(&'static str),
    /// The id was minted before: the log of that mint tells whether by us.
    MintedBefore,
    /// The receipt says nothing of it. Such a receipt is a lie, to be treated as absent.
    NotTold,
}

/// Reads the outcome of `call` from the events of its transaction.
#[must_use]
pub fn outcome(call: &Call, events: &[ItemEvent]) -> Outcome {
    events.iter().find_map(|event| told(call, event)).unwrap_or(Outcome::NotTold)
}

fn told(call: &Call, event: &ItemEvent) -> Option<Outcome> {
    let about = |id: u64| call.token_id().is_some_and(|token_id| token_id.get() == id);
    match (call, event) {
        (Call::OpenEdition { edition, .. }, ItemEvent::EditionOpened { edition: opened }) => {
            (u64::from(edition.get()) == *opened).then_some(Outcome::Done)
        }
        (Call::Mint { recipient, .. }, ItemEvent::Minted { token_id, recipient: minted_to }) => {
            (about(*token_id) && recipient == minted_to).then_some(Outcome::Done)
        }
        (Call::Mint { .. }, ItemEvent::MintSkipped { token_id, reason }) => {
            about(*token_id).then_some(match reason {
                MintSkip::AlreadyIssued => Outcome::MintedBefore,
                MintSkip::Tombstone => Outcome::Void,
                MintSkip::UnknownSerial | MintSkip::BadRecipient => Outcome::Refused(reason.as_str()),
                MintSkip::PredecessorLive | MintSkip::BadSettlesAt | MintSkip::CapReached => {
                    Outcome::Again(reason.as_str())
                }
            })
        }
        (Call::Void { .. }, ItemEvent::Voided { token_id })
        | (Call::Settle { .. }, ItemEvent::Unlocked { token_id })
        | (Call::Surrender { .. }, ItemEvent::Surrendered { token_id, .. }) => {
            about(*token_id).then_some(Outcome::Done)
        }
        (Call::Release { recipient, .. }, ItemEvent::Released { token_id, recipient: released_to }) => {
            (about(*token_id) && recipient == released_to).then_some(Outcome::Done)
        }
        (Call::Void { .. }, ItemEvent::VoidSkipped { token_id, reason }) => {
            about(*token_id).then_some(match reason {
                VoidSkip::Tombstone => Outcome::Done,
                VoidSkip::PredecessorLive => Outcome::Again(reason.as_str()),
                VoidSkip::BadReason | VoidSkip::Settled | VoidSkip::UnknownSerial => {
                    Outcome::Refused(reason.as_str())
                }
            })
        }
        (Call::Settle { .. }, ItemEvent::SettleSkipped { token_id, reason }) => {
            about(*token_id).then_some(match reason {
                SettleSkip::AlreadySettled => Outcome::Done,
                SettleSkip::Tombstone => Outcome::Void,
                SettleSkip::Unissued => Outcome::Again("unissued"),
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use catalog::account::Account;

    use super::*;
    use crate::call::VoidReason;
    use crate::token::TokenId;

    const ID: u64 = 12_017_100;

    fn id() -> TokenId {
        TokenId::from_number(ID).expect("a token id")
    }

    fn mint() -> Call {
        Call::Mint { token_id: id(), recipient: Account::from_bytes([1; 20]), settles_at: 0 }
    }

    #[test]
    fn a_mint_is_done_only_by_a_transfer_of_its_id_to_its_recipient() {
        let minted = |token_id, to| ItemEvent::Minted { token_id, recipient: Account::from_bytes([to; 20]) };
        assert_eq!(outcome(&mint(), &[minted(ID + 100, 1), minted(ID, 1)]), Outcome::Done);
        assert_eq!(outcome(&mint(), &[minted(ID, 2)]), Outcome::NotTold);
        assert_eq!(outcome(&mint(), &[minted(ID + 100, 1)]), Outcome::NotTold);
        assert_eq!(outcome(&mint(), &[]), Outcome::NotTold);
    }

    #[test]
    fn every_reason_to_pass_a_mint_over_has_one_outcome() {
        let cases = [
            (MintSkip::AlreadyIssued, Outcome::MintedBefore),
            (MintSkip::Tombstone, Outcome::Void),
            (MintSkip::UnknownSerial, Outcome::Refused("unknown_serial")),
            (MintSkip::PredecessorLive, Outcome::Again("predecessor_live")),
            (MintSkip::BadRecipient, Outcome::Refused("bad_recipient")),
            (MintSkip::BadSettlesAt, Outcome::Again("bad_settles_at")),
            (MintSkip::CapReached, Outcome::Again("cap_reached")),
        ];
        for (reason, expected) in cases {
            let events = [ItemEvent::MintSkipped { token_id: ID, reason }];
            assert_eq!(outcome(&mint(), &events), expected, "{reason:?}");
        }
    }

    #[test]
    fn a_release_is_done_only_by_its_id_reaching_its_recipient() {
        let account = |byte| Account::from_bytes([byte; 20]);
        let release = Call::Release { token_id: id(), recipient: account(1) };
        let released = |token_id, to| ItemEvent::Released { token_id, recipient: account(to) };
        assert_eq!(outcome(&release, &[released(ID + 100, 1), released(ID, 1)]), Outcome::Done);
        for elsewhere in [released(ID, 2), released(ID + 100, 1), ItemEvent::Unlocked { token_id: ID }] {
            assert_eq!(outcome(&release, &[elsewhere]), Outcome::NotTold);
        }
        let surrender = Call::Surrender { token_id: id() };
        let surrendered = |token_id| ItemEvent::Surrendered { token_id, owner: account(9) };
        assert_eq!(outcome(&surrender, &[surrendered(ID)]), Outcome::Done);
        assert_eq!(outcome(&surrender, &[surrendered(ID + 100)]), Outcome::NotTold);
        assert_eq!(outcome(&surrender, &[released(ID, 1)]), Outcome::NotTold);
    }

    #[test]
    fn a_void_that_comes_too_late_is_refused() {
        let void = Call::Void { token_id: id(), reason: VoidReason::Refunded };
        let skipped = |reason| [ItemEvent::VoidSkipped { token_id: ID, reason }];
        assert_eq!(outcome(&void, &[ItemEvent::Voided { token_id: ID }]), Outcome::Done);
        assert_eq!(outcome(&void, &skipped(VoidSkip::Tombstone)), Outcome::Done);
        assert_eq!(outcome(&void, &skipped(VoidSkip::Settled)), Outcome::Refused("settled"));
        assert_eq!(outcome(&void, &skipped(VoidSkip::PredecessorLive)), Outcome::Again("predecessor_live"));
    }
}
