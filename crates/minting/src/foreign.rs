//! What the chain has and the books do not know: decided from the contract's log and from the books, without I/O.
//!
//! An old backup, an empty database, a stolen key and a second service with our key all look alike from here: a token or a
//! tombstone that nobody of ours wrote. Until an operator has linked or rejected it, its sheet is not sold.

use std::collections::BTreeMap;

use catalog::account::Account;
use catalog::clock::Timestamp;

use crate::chain::{B256, Block};
use crate::contract::{LogEntry, LogEvent};
use crate::token::TokenId;

/// What an id is on chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A token that lives.
    Token,
    /// Voided or surrendered.
    Tombstone,
}

/// What an operator, or the buyer's own redemption, made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody has decided.
    Open,
    /// It belongs to us, and the books have it.
    Linked,
    /// It stays foreign.
    Rejected,
}

/// A token or tombstone that the books do not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignToken {
    /// Its id.
    pub token_id: TokenId,
    /// What it is.
    pub standing: Standing,
    /// To whom it was minted, if it ever was.
    pub recipient: Option<Account>,
    /// The block of its last event.
    pub block: Block,
    /// The transaction of that event.
    pub transaction_hash: B256,
}

/// One that was written down, and what was made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignRecord {
    /// What it is.
    pub token: ForeignToken,
    /// What was made of it.
    pub verdict: Verdict,
    /// Why.
    pub reason: Option<String>,
    /// When it was found.
    pub found_at: Timestamp,
}

/// What the books know of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownToken {
    /// To whom it was to be minted.
    pub recipient: Account,
    /// Whether it is a tombstone, or a call asks for one.
    pub is_ending: bool,
}

impl Standing {
    /// The word in the database and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Tombstone => "tombstone",
        }
    }

    /// The standing that `word` names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Token, Self::Tombstone].into_iter().find(|standing| standing.as_str() == word)
    }
}

impl Verdict {
    /// The word in the database and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Linked => "linked",
            Self::Rejected => "rejected",
        }
    }

    /// The verdict that `word` names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Open, Self::Linked, Self::Rejected].into_iter().find(|verdict| verdict.as_str() == word)
    }
}

/// What of `entries`, which stand in the log's order, the books do not know, by id.
///
/// A mint is known when the books have its id for the same recipient: whoever sent it, it is the token that we want. A
/// void is known when the books have it or ask for it. A surrender is the holder's own act, and foreign only with its token.
#[must_use]
pub fn unknown(entries: &[LogEntry], known: &BTreeMap<TokenId, KnownToken>) -> Vec<ForeignToken> {
    let mut found: BTreeMap<TokenId, ForeignToken> = BTreeMap::new();
    for LogEntry { block, transaction_hash, event } in entries {
        let Some(token_id) = event.token_id() else { continue };
        let in_books = known.get(&token_id);
        let (standing, recipient) = match event {
            LogEvent::Minted { recipient, .. } => {
                if in_books.is_some_and(|known| known.recipient == *recipient) {
                    continue;
                }
                (Standing::Token, Some(*recipient))
            }
            LogEvent::Voided { .. } | LogEvent::Surrendered { .. } => {
                let is_known = match event {
                    LogEvent::Voided { .. } => in_books.is_some_and(|known| known.is_ending),
                    _ => in_books.is_some() && !found.contains_key(&token_id),
                };
                if is_known {
                    continue;
                }
                (Standing::Tombstone, found.get(&token_id).and_then(|token| token.recipient))
            }
            _ => continue,
        };
        let (block, transaction_hash) = (*block, *transaction_hash);
        found.insert(token_id, ForeignToken { token_id, standing, recipient, block, transaction_hash });
    }
    found.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::MintSkip;

    fn ours() -> Account {
        Account::from_bytes([1; 20])
    }

    fn theirs() -> Account {
        Account::from_bytes([2; 20])
    }

    fn id() -> TokenId {
        TokenId::from_number(12_017_100).expect("a token id")
    }

    fn minted(recipient: Account) -> LogEvent {
        LogEvent::Minted { token_id: id(), recipient }
    }

    fn found(events: &[LogEvent], known: Option<KnownToken>) -> Vec<(Standing, Option<Account>)> {
        let entries: Vec<_> = (1..)
            .zip(events)
            .map(|(number, event)| LogEntry {
                block: Block { number, hash: B256::repeat_byte(1) },
                transaction_hash: B256::repeat_byte(2),
                event: event.clone(),
            })
            .collect();
        let known = known.map(|known| (id(), known)).into_iter().collect();
        unknown(&entries, &known).into_iter().map(|token| (token.standing, token.recipient)).collect()
    }

    #[test]
    fn what_the_books_do_not_know_is_found_and_what_they_know_is_not() {
        let (voided, surrendered) =
            (LogEvent::Voided { token_id: id() }, LogEvent::Surrendered { token_id: id() });
        let skipped = LogEvent::MintSkipped { token_id: id(), reason: MintSkip::AlreadyIssued };
        let bound = Some(KnownToken { recipient: ours(), is_ending: false });
        let ending = Some(KnownToken { recipient: ours(), is_ending: true });
        let token = |recipient| vec![(Standing::Token, Some(recipient))];
        let tombstone = |recipient| vec![(Standing::Tombstone, recipient)];
        let cases = [
            (vec![minted(ours())], None, token(ours())),
            (vec![minted(ours())], bound, vec![]),
            (vec![minted(theirs())], bound, token(theirs())),
            (vec![minted(ours()), skipped.clone()], bound, vec![]),
            (vec![skipped], None, vec![]),
            (vec![minted(ours()), voided.clone()], None, tombstone(Some(ours()))),
            (vec![voided.clone()], None, tombstone(None)),
            (vec![voided.clone()], bound, tombstone(None)),
            (vec![minted(ours()), voided.clone()], bound, tombstone(None)),
            (vec![minted(ours()), voided], ending, vec![]),
            // The holder gives up a token that we know: nothing foreign.
            (vec![surrendered.clone()], bound, vec![]),
            (vec![minted(ours()), surrendered.clone()], None, tombstone(Some(ours()))),
            (vec![minted(theirs()), surrendered], bound, tombstone(Some(theirs()))),
        ];
        for (events, known, expected) in cases {
            assert_eq!(found(&events, known), expected, "{events:?} {known:?}");
        }
    }
}
