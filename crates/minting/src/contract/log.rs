//! The contract's log: every event that tells of editions and tokens, whoever caused it. What is in a receipt of ours is
//! read by [`super::events`]; this is for what is not ours, or not known to be.

use alloy::primitives::{Address, U256};
use alloy::rpc::types::Log;
use alloy::sol_types::SolEvent;
use catalog::account::Account;

use super::events::mint_skip;
use super::{IPrintEditions, Inherited, MintSkip, account};
use crate::call::EditionTerms;
use crate::chain::{B256, Block};
use crate::token::TokenId;

/// An event of the contract, and where it stands on the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Its block.
    pub block: Block,
    /// The transaction that caused it.
    pub transaction_hash: B256,
    /// What happened.
    pub event: LogEvent,
}

/// What happened to an edition or a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogEvent {
    /// An edition was opened.
    EditionOpened {
        /// Its number.
        edition: u64,
        /// With these terms.
        terms: EditionTerms,
    },
    /// A token was minted.
    Minted {
        /// Which.
        token_id: TokenId,
        /// To whom.
        recipient: Account,
    },
    /// A mint was passed over.
    MintSkipped {
        /// Which.
        token_id: TokenId,
        /// Why.
        reason: MintSkip,
    },
    /// A token went from one holder to another.
    Moved {
        /// Which.
        token_id: TokenId,
        /// To whom.
        to: Account,
        /// The time of the block, in Unix seconds.
        at: u64,
    },
    /// The issuer made the id a tombstone.
    Voided {
        /// Which.
        token_id: TokenId,
    },
    /// The holder made the id a tombstone.
    Surrendered {
        /// Which.
        token_id: TokenId,
    },
    /// The lock was ended early, or its end announced.
    Unlocked {
        /// Which.
        token_id: TokenId,
    },
}

impl LogEvent {
    /// The token that it concerns, if it concerns one.
    #[must_use]
    pub fn token_id(&self) -> Option<TokenId> {
        match self {
            Self::EditionOpened { .. } => None,
            Self::Minted { token_id, .. }
            | Self::MintSkipped { token_id, .. }
            | Self::Moved { token_id, .. }
            | Self::Voided { token_id }
            | Self::Surrendered { token_id }
            | Self::Unlocked { token_id } => Some(*token_id),
        }
    }
}

/// Reads an entry; where the node does not tell a block's time, it stands as 0. None for events that tell of neither editions nor tokens, and for a log without its block.
pub(crate) fn log_entry(log: &Log) -> Option<LogEntry> {
    let block = Block { number: log.block_number?, hash: log.block_hash? };
    Some(LogEntry { block, transaction_hash: log.transaction_hash?, event: log_event(log)? })
}

fn log_event(log: &Log) -> Option<LogEvent> {
    use IPrintEditions as Editions;
    let id = |value: U256| u64::try_from(value).ok().and_then(|id| TokenId::from_number(id).ok());
    match *log.topic0()? {
        Inherited::Transfer::SIGNATURE_HASH => {
            let event = log.log_decode::<Inherited::Transfer>().ok()?.inner.data;
            let token_id = id(event.tokenId)?;
            match (event.from, event.to) {
                (Address::ZERO, to) => Some(LogEvent::Minted { token_id, recipient: account(to) }),
                // `Voided` or `Surrendered` tells of it.
                (_, Address::ZERO) => None,
                (_, to) => {
                    Some(LogEvent::Moved { token_id, to: account(to), at: log.block_timestamp.unwrap_or(0) })
                }
            }
        }
        Editions::EditionOpened::SIGNATURE_HASH => {
            let event = log.log_decode::<Editions::EditionOpened>().ok()?.inner.data;
            let edition = u64::try_from(event.edition).ok()?;
            Some(LogEvent::EditionOpened { edition, terms: event.terms.into() })
        }
        Editions::MintSkipped::SIGNATURE_HASH => {
            let event = log.log_decode::<Editions::MintSkipped>().ok()?.inner.data;
            Some(LogEvent::MintSkipped { token_id: id(event.tokenId)?, reason: mint_skip(event.reason)? })
        }
        Editions::Voided::SIGNATURE_HASH => {
            let event = log.log_decode::<Editions::Voided>().ok()?.inner.data;
            Some(LogEvent::Voided { token_id: id(event.tokenId)? })
        }
        Editions::Surrendered::SIGNATURE_HASH => {
            let event = log.log_decode::<Editions::Surrendered>().ok()?.inner.data;
            Some(LogEvent::Surrendered { token_id: id(event.tokenId)? })
        }
        Editions::Unlocked::SIGNATURE_HASH => {
            let event = log.log_decode::<Editions::Unlocked>().ok()?.inner.data;
            Some(LogEvent::Unlocked { token_id: id(event.tokenId)? })
        }
        _ => None,
    }
}
