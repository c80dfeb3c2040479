//! What the events of a receipt say of each call.

use alloy::primitives::{Address, U256};
use alloy::rpc::types::Log;
use alloy::sol_types::SolEvent;
use catalog::account::Account;

use super::{IPrintEditions, Inherited, account};

/// What happened to one item of a transaction, by the receipt's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemEvent {
    /// The edition was opened.
    EditionOpened {
        /// Its number.
        edition: u64,
    },
    /// The token was minted.
    Minted {
        /// Which.
        token_id: u64,
        /// To whom.
        recipient: Account,
    },
    /// The mint of that token was passed over.
    MintSkipped {
        /// Which.
        token_id: u64,
        /// Why.
        reason: MintSkip,
    },
    /// The id is a tombstone now.
    Voided {
        /// Which.
        token_id: u64,
    },
    /// The void of that id was passed over.
    VoidSkipped {
        /// Which.
        token_id: u64,
        /// Why.
        reason: VoidSkip,
    },
    /// The token's lock has ended.
    Unlocked {
        /// Which.
        token_id: u64,
    },
    /// The settling of that token was passed over.
    SettleSkipped {
        /// Which.
        token_id: u64,
        /// Why.
        reason: SettleSkip,
    },
    /// The vault handed the token out.
    Released {
        /// Which.
        token_id: u64,
        /// To whom.
        recipient: Account,
    },
    /// The token's owner gave it up.
    Surrendered {
        /// Which.
        token_id: u64,
        /// Who that was.
        owner: Account,
    },
}

/// Why a mint was passed over, as the contract numbers the reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MintSkip {
    /// The id has a live token.
    AlreadyIssued,
    /// The id was voided.
    Tombstone,
    /// The edition is not open, or has no such serial.
    UnknownSerial,
    /// The issue before this one is no tombstone yet.
    PredecessorLive,
    /// Zero, or the contract itself.
    BadRecipient,
    /// More than 90 days ahead of the block's time.
    BadSettlesAt,
    /// The cap of this clock hour is used up.
    CapReached,
}

/// Why a void was passed over, as the contract numbers the reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoidSkip {
    /// Not a reason that the registrar may give.
    BadReason,
    /// The id is a tombstone already.
    Tombstone,
    /// The token is out of the issuer's reach.
    Settled,
    /// The edition is not open, or has no such serial.
    UnknownSerial,
    /// The issue before this one is no tombstone yet.
    PredecessorLive,
}

/// Why a settling was passed over, as the contract numbers the reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettleSkip {
    /// There is no such token yet.
    Unissued,
    /// There is no such token any more.
    Tombstone,
    /// It needs no settling.
    AlreadySettled,
}

impl MintSkip {
    /// The word in the books.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AlreadyIssued => "already_issued",
            Self::Tombstone => "tombstone",
            Self::UnknownSerial => "unknown_serial",
            Self::PredecessorLive => "predecessor_live",
            Self::BadRecipient => "bad_recipient",
            Self::BadSettlesAt => "bad_settles_at",
            Self::CapReached => "cap_reached",
        }
    }
}

impl VoidSkip {
    /// The word in the books.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadReason => "bad_reason",
            Self::Tombstone => "tombstone",
            Self::Settled => "settled",
            Self::UnknownSerial => "unknown_serial",
            Self::PredecessorLive => "predecessor_live",
        }
    }
}

/// Reads the items' events from a receipt's logs; logs of other contracts and other events are passed over.
pub(crate) fn item_events(contract: Address, logs: &[Log]) -> Vec<ItemEvent> {
    logs.iter().filter(|log| log.address() == contract).filter_map(item_event).collect()
}

fn item_event(log: &Log) -> Option<ItemEvent> {
    use IPrintEditions as Editions;
    let id = |value: U256| u64::try_from(value).ok();
    let topic = *log.topic0()?;
    match topic {
        Inherited::Transfer::SIGNATURE_HASH => {
            let event = log.log_decode::<Inherited::Transfer>().ok()?.inner.data;
            (event.from == Address::ZERO).then_some(())?;
            Some(ItemEvent::Minted { token_id: id(event.tokenId)?, recipient: account(event.to) })
        }
        Editions::EditionOpened::SIGNATURE_HASH => {
            let event = log.log_decode::<Editions::EditionOpened>().ok()?.inner.data;
            Some(ItemEvent::EditionOpened { edition: id(event.edition)? })
        }
        Editions::MintSkipped::SIGNATURE_HASH => {
            let event = log.log_decode::<Editions::MintSkipped>().ok()?.inner.data;
            Some(ItemEvent::MintSkipped { token_id: id(event.tokenId)?, reason: mint_skip(event.reason)? })
        }
        Editions::Voided::SIGNATURE_HASH => {
            let event = log.log_decode::<Editions::Voided>().ok()?.inner.data;
            Some(ItemEvent::Voided { token_id: id(event.tokenId)? })
        }
        Editions::VoidSkipped::SIGNATURE_HASH => {
            let event = log.log_decode::<Editions::VoidSkipped>().ok()?.inner.data;
            Some(ItemEvent::VoidSkipped { token_id: id(event.tokenId)?, reason: void_skip(event.reason)? })
        }
        Editions::Unlocked::SIGNATURE_HASH => {
            let event = log.log_decode::<Editions::Unlocked>().ok()?.inner.data;
            Some(ItemEvent::Unlocked { token_id: id(event.tokenId)? })
        }
        Editions::SettleSkipped::SIGNATURE_HASH => {
            let event = log.log_decode::<Editions::SettleSkipped>().ok()?.inner.data;
            let reason = settle_skip(event.reason)?;
            Some(ItemEvent::SettleSkipped { token_id: id(event.tokenId)?, reason })
        }
        Editions::Released::SIGNATURE_HASH => {
            let event = log.log_decode::<Editions::Released>().ok()?.inner.data;
            Some(ItemEvent::Released { token_id: id(event.tokenId)?, recipient: account(event.recipient) })
        }
        Editions::Surrendered::SIGNATURE_HASH => {
            let event = log.log_decode::<Editions::Surrendered>().ok()?.inner.data;
            Some(ItemEvent::Surrendered { token_id: id(event.tokenId)?, owner: account(event.owner) })
        }
        _ => None,
    }
}

pub(super) fn mint_skip(reason: IPrintEditions::MintSkipReason) -> Option<MintSkip> {
    use IPrintEditions::MintSkipReason as Reason;
    match reason {
        Reason::AlreadyIssued => Some(MintSkip::AlreadyIssued),
        Reason::Tombstone => Some(MintSkip::Tombstone),
        Reason::UnknownSerial => Some(MintSkip::UnknownSerial),
        Reason::PredecessorLive => Some(MintSkip::PredecessorLive),
        Reason::BadRecipient => Some(MintSkip::BadRecipient),
        Reason::BadSettlesAt => Some(MintSkip::BadSettlesAt),
        Reason::CapReached => Some(MintSkip::CapReached),
        _ => None,
    }
}

fn void_skip(reason: IPrintEditions::VoidSkipReason) -> Option<VoidSkip> {
    use IPrintEditions::VoidSkipReason as Reason;
    match reason {
        Reason::BadReason => Some(VoidSkip::BadReason),
        Reason::Tombstone => Some(VoidSkip::Tombstone),
        Reason::Settled => Some(VoidSkip::Settled),
        Reason::UnknownSerial => Some(VoidSkip::UnknownSerial),
        Reason::PredecessorLive => Some(VoidSkip::PredecessorLive),
        _ => None,
    }
}

fn settle_skip(reason: IPrintEditions::SettleSkipReason) -> Option<SettleSkip> {
    use IPrintEditions::SettleSkipReason as Reason;
    match reason {
        Reason::Unissued => Some(SettleSkip::Unissued),
        Reason::Tombstone => Some(SettleSkip::Tombstone),
        Reason::AlreadySettled => Some(SettleSkip::AlreadySettled),
        _ => None,
    }
}
