//! What the contract's log adds up to: each token and each edition that the chain ever had. Without I/O.

use std::collections::BTreeMap;

use catalog::account::Account;

use crate::contract::{LogEntry, LogEvent};
use crate::foreign::Standing;
use crate::token::TokenId;

/// An id of which the log tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerToken {
    /// Whether it lives.
    pub standing: Standing,
    /// To whom it was minted; none for a tombstone that never was a token.
    pub recipient: Option<Account>,
    /// Who has it, while somebody has.
    pub owner: Option<Account>,
    /// Height of the last block that changed it.
    pub changed_in: u64,
    /// When it went from one holder to another for the first time (Unix seconds).
    pub first_moved_at: Option<u64>,
    /// Whether its holder made it a tombstone.
    pub is_surrendered: bool,
    /// How often it was minted: once, or never.
    pub mints: u32,
}

/// All that the log tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Every id that was minted or voided.
    pub tokens: BTreeMap<TokenId, LedgerToken>,
    /// How many serials each opened edition has.
    pub editions: BTreeMap<u64, u16>,
}

/// How many ids of an edition stand how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EditionTally {
    /// Serials, as the edition was opened with.
    pub serials: u16,
    /// Tokens that live.
    pub tokens: u64,
    /// Tombstones.
    pub tombstones: u64,
    /// Serials that have or had a token or a tombstone.
    pub serials_used: u64,
    /// Serials with more than one token that lives.
    pub serials_doubled: u64,
}

impl Ledger {
    /// Takes in further entries, in the log's order.
    pub fn take(&mut self, entries: &[LogEntry]) {
        for entry in entries {
            self.take_one(entry);
        }
    }

    fn take_one(&mut self, entry: &LogEntry) {
        let changed_in = entry.block.number;
        match &entry.event {
            LogEvent::EditionOpened { edition, terms } => {
                self.editions.insert(*edition, terms.serials);
            }
            LogEvent::Minted { token_id, recipient } => {
                let mints = 1 + self.tokens.get(token_id).map_or(0, |token| token.mints);
                let token = LedgerToken {
                    standing: Standing::Token,
                    recipient: Some(*recipient),
                    owner: Some(*recipient),
                    changed_in,
                    first_moved_at: None,
                    is_surrendered: false,
                    mints,
                };
                self.tokens.insert(*token_id, token);
            }
            LogEvent::Moved { token_id, to, at } => {
                if let Some(token) = self.tokens.get_mut(token_id) {
                    token.owner = Some(*to);
                    token.changed_in = changed_in;
                    token.first_moved_at.get_or_insert(*at);
                }
            }
            LogEvent::Voided { token_id } | LogEvent::Surrendered { token_id } => {
                let token = self.tokens.entry(*token_id).or_insert(LedgerToken {
                    standing: Standing::Tombstone,
                    recipient: None,
                    owner: None,
                    changed_in,
                    first_moved_at: None,
                    is_surrendered: false,
                    mints: 0,
                });
                (token.standing, token.owner, token.changed_in) = (Standing::Tombstone, None, changed_in);
                token.is_surrendered = matches!(entry.event, LogEvent::Surrendered { .. });
            }
            LogEvent::MintSkipped { .. } | LogEvent::Unlocked { .. } => {}
        }
    }

    /// The id, if it is a token that lives.
    #[must_use]
    pub fn living(&self, token_id: TokenId) -> Option<&LedgerToken> {
        self.tokens.get(&token_id).filter(|token| token.standing == Standing::Token)
    }

    /// The ids of each edition, counted.
    #[must_use]
    pub fn tally(&self) -> BTreeMap<u64, EditionTally> {
        let opened = |(edition, serials): (&u64, &u16)| {
            (*edition, EditionTally { serials: *serials, ..EditionTally::default() })
        };
        let mut tally: BTreeMap<u64, EditionTally> = self.editions.iter().map(opened).collect();
        // Ids are in order: those of a serial stand together.
        let (mut last, mut living) = (None, 0);
        for (token_id, token) in &self.tokens {
            let of_edition = tally.entry(token_id.edition()).or_default();
            let serial = Some((token_id.edition(), token_id.serial()));
            if serial != last {
                (last, living) = (serial, 0);
                of_edition.serials_used += 1;
            }
            match token.standing {
                Standing::Token => {
                    of_edition.tokens += 1;
                    living += 1;
                    of_edition.serials_doubled += u64::from(living == 2);
                }
                Standing::Tombstone => of_edition.tombstones += 1,
            }
        }
        tally
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chain::{B256, Block};

    fn entry(number: u64, event: LogEvent) -> LogEntry {
        LogEntry { block: Block { number, hash: B256::ZERO }, transaction_hash: B256::ZERO, event }
    }

    fn id(serial: u64, issue: u64) -> TokenId {
        TokenId::from_number(7_000_000 + serial * 100 + issue).expect("a token id")
    }

    fn holder(byte: u8) -> Account {
        Account::from_bytes([byte; 20])
    }

    #[test]
    fn a_token_is_minted_moved_and_ended() {
        let mut ledger = Ledger::default();
        let token_id = id(1, 0);
        ledger.take(&[entry(5, LogEvent::Minted { token_id, recipient: holder(1) })]);
        ledger.take(&[entry(6, LogEvent::Moved { token_id, to: holder(2), at: 60 })]);
        ledger.take(&[entry(7, LogEvent::Moved { token_id, to: holder(3), at: 70 })]);
        let living = ledger.living(token_id).expect("a token");
        assert_eq!((living.owner, living.first_moved_at), (Some(holder(3)), Some(60)));
        ledger.take(&[entry(8, LogEvent::Surrendered { token_id })]);
        assert_eq!(ledger.living(token_id), None);
        let ended = &ledger.tokens[&token_id];
        assert_eq!((ended.recipient, ended.owner, ended.changed_in), (Some(holder(1)), None, 8));
    }

    proptest! {
        /// Whatever the contract may write, token and tombstones of an edition are what one by one they come to.
        #[test]
        fn the_tally_counts_each_id_once(steps in proptest::collection::vec((1_u64..6, 0_u64..4, 0_u8..3), 0..60)) {
            let mut ledger = Ledger::default();
            for (number, (serial, issue, what)) in (1..).zip(&steps) {
                let token_id = id(*serial, *issue);
                let event = match what {
                    0 => LogEvent::Minted { token_id, recipient: holder(1) },
                    1 => LogEvent::Voided { token_id },
                    _ => LogEvent::Moved { token_id, to: holder(2), at: number },
                };
                ledger.take(&[entry(number, event)]);
            }
            let tally = ledger.tally().get(&7).copied().unwrap_or_default();
            let lives = |serial: u64| (0..4).filter(|issue| ledger.living(id(serial, *issue)).is_some()).count();
            let living: usize = (1..6).map(lives).sum();
            let doubled = (1..6).filter(|serial| lives(*serial) > 1).count();
            prop_assert_eq!(usize::try_from(tally.tokens), Ok(living));
            prop_assert_eq!(usize::try_from(tally.serials_doubled), Ok(doubled));
            prop_assert_eq!(usize::try_from(tally.tokens + tally.tombstones), Ok(ledger.tokens.len()));
        }
    }
}
