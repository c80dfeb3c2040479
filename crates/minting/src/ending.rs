//! What the end of a transaction means for each call that it carried. Pure: what has to be asked of the chain for it
//! is named by [`first_mints_needed`] and handed to [`ends`].

use std::collections::BTreeMap;

use crate::call::{Call, CallId, Member};
use crate::chain::FirstMint;
use crate::contract::ItemEvent;
use crate::outcome::{Outcome, outcome};
use crate::token::{TokenId, TokenState};
use crate::transaction::Inclusion;

/// How a transaction ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// An attempt went through in a final block, and these are the events of its receipt.
    Confirmed(Inclusion, Vec<ItemEvent>),
    /// An attempt reverted as a whole in a final block.
    Reverted(Inclusion),
    /// Another transaction has the nonce at the finalized head.
    Displaced,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallEnd {
    /// Carried out, for good.
    Done,
    /// No longer wanted.
    Void,
    /// Cannot be carried out, for that reason.
    Refused(&'static str),
    /// A person has to look, for that reason.
    Review(String),
    /// Back into the queue, for that reason. `spoiled` says that the transaction reverted with it, so that it goes into
    /// a smaller group next time.
    Again {
        /// Why.
        reason: &'static str,
        /// Whether its transaction reverted as a whole.
        spoiled: bool,
    },
}

/// A call and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Which.
    pub call_id: CallId,
    /// What it asked for.
    pub call: Call,
    /// What became of it.
    pub end: CallEnd,
}

/// What the chain says of the first mint of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mint {
    /// The mint.
    pub first: FirstMint,
    /// Whether its block is final.
    pub is_final: bool,
}

/// The first mints of some ids; none where there is none.
pub type FirstMints = BTreeMap<TokenId, Option<Mint>>;

/// An end that cannot be written, because what the node says does not fit together or may still change. The
/// transaction stays as it is and is looked at again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotBelieved {
    /// The receipt does not tell of a call that the transaction carried, which no honest receipt does.
    #[error("the receipt does not tell of {0}")]
    NotTold(CallId),
    /// The contract passed the mint over as issued already, yet the node shows no final mint of that id.
    #[error("no final mint of {0} is shown")]
    NoFinalMint(TokenId),
}

impl CallEnd {
    /// The word in the database, for an end that is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&'static str> {
        match self {
            Self::Done => Some("done"),
            Self::Void => Some("void"),
            Self::Refused(_) => Some("refused"),
            Self::Review(_) => Some("review"),
            Self::Again { .. } => None,
        }
    }

    /// Why, where it is not done.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Done | Self::Void => None,
            Self::Refused(reason) | Self::Again { reason, .. } => Some(reason),
            Self::Review(reason) => Some(reason),
        }
    }
}

impl Ended {
    /// What the end makes of the call's token.
    #[must_use]
    pub fn token_state(&self) -> Option<TokenState> {
        match (&self.call, &self.end) {
            (Call::Mint { .. }, CallEnd::Done) => Some(TokenState::Bound),
            (Call::Mint { .. }, CallEnd::Void) | (Call::Void { .. }, CallEnd::Done) => {
                Some(TokenState::Voided)
            }
            // The contract hands out nothing that could still be voided.
            (Call::Settle { .. } | Call::Release { .. }, CallEnd::Done) => Some(TokenState::Settled),
            (Call::Surrender { .. }, CallEnd::Done) => Some(TokenState::Surrendered),
            _ => None,
        }
    }
}

/// The ids whose first mint decides what became of a call.
#[must_use]
pub fn first_mints_needed(ending: &Ending, members: &[Member]) -> Vec<TokenId> {
    let minted_before = |member: &&Member| match ending {
        Ending::Confirmed(_, events) => outcome(&member.call, events) == Outcome::MintedBefore,
        Ending::Reverted(_) => false,
        // Whoever took our nonce may have used our key for our own work, from a database of its own.
        Ending::Displaced => matches!(member.call, Call::Mint { .. }),
    };
    members.iter().filter(minted_before).filter_map(|member| member.call.token_id()).collect()
}

/// What became of each call, given the first mints that [`first_mints_needed`] named.
pub fn ends(
    ending: &Ending,
    members: Vec<Member>,
    first_mints: &FirstMints,
) -> Result<Vec<Ended>, NotBelieved> {
    let alone = members.len() == 1;
    let end_of = |member: &Member| match ending {
        Ending::Confirmed(_, events) => confirmed(member, events, first_mints),
        Ending::Reverted(_) => Ok(reverted(member, alone)),
        Ending::Displaced => displaced(member, first_mints),
    };
    let ended = |member: Member| {
        let end = end_of(&member)?;
        Ok(Ended { call_id: member.call_id, call: member.call, end })
    };
    members.into_iter().map(ended).collect()
}

fn confirmed(
    member: &Member,
    events: &[ItemEvent],
    first_mints: &FirstMints,
) -> Result<CallEnd, NotBelieved> {
    Ok(match outcome(&member.call, events) {
        Outcome::Done => CallEnd::Done,
        Outcome::Void => CallEnd::Void,
        Outcome::Refused(reason) => CallEnd::Refused(reason),
        Outcome::Again(reason) => CallEnd::Again { reason, spoiled: false },
        Outcome::MintedBefore => match minted_before(&member.call, first_mints)? {
            Some(end) => end,
            None => return Err(no_final_mint(member)),
        },
        Outcome::NotTold => return Err(NotBelieved::NotTold(member.call_id.clone())),
    })
}

/// One that stood alone in a reverted transaction for the second time is not tried a third time.
fn reverted(member: &Member, alone: bool) -> CallEnd {
    const REASON: &str = "the transaction reverted";
    if alone && member.setbacks > 0 {
        CallEnd::Review(REASON.to_owned())
    } else {
        CallEnd::Again { reason: REASON, spoiled: true }
    }
}

fn displaced(member: &Member, first_mints: &FirstMints) -> Result<CallEnd, NotBelieved> {
    let again = CallEnd::Again { reason: "another transaction took its nonce", spoiled: false };
    Ok(minted_before(&member.call, first_mints)?.unwrap_or(again))
}

/// What a mint of the same id before ours means; none if there was none.
fn minted_before(call: &Call, first_mints: &FirstMints) -> Result<Option<CallEnd>, NotBelieved> {
    let Call::Mint { token_id, recipient, .. } = call else { return Ok(None) };
    let Some(mint) = first_mints.get(token_id).copied().flatten() else { return Ok(None) };
    if !mint.is_final {
        return Err(NotBelieved::NoFinalMint(*token_id));
    }
    Ok(Some(if mint.first.recipient == *recipient {
        CallEnd::Done
    } else {
        CallEnd::Review(format!("the token was minted by somebody else, to {}", mint.first.recipient))
    }))
}

fn no_final_mint(member: &Member) -> NotBelieved {
    match member.call.token_id() {
        Some(token_id) => NotBelieved::NoFinalMint(token_id),
        None => NotBelieved::NotTold(member.call_id.clone()),
    }
}

#[cfg(test)]
mod tests;
