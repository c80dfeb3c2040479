//! When a buyer may have a token out of the issuer's vault. Pure.

use catalog::clock::Timestamp;

use super::{Known, TokenStanding};

/// Why a token cannot leave the vault now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotInReach {
    /// It may still be voided, until that moment at least.
    #[error("the token cannot be moved before it settles, on {0}")]
    NotSettled(Timestamp),
    /// It is not on chain yet.
    #[error("the token is not recorded yet")]
    NotRecorded,
    /// The issuer has asked the chain to void it, and the chain has not said what became of that.
    #[error("the sale is being undone: the chain decides what becomes of the token")]
    BeingVoided,
    /// It is a tombstone.
    #[error("there is no such token any more")]
    Gone,
}

/// Whether the vault may be asked to hand the token to a wallet. A settled one is the buyer's, whatever became of the
/// sale; before, the chain would refuse it.
pub fn may_release(known: &Known) -> Result<(), NotInReach> {
    let settles_at = known.terms.map(|(_, settles_at)| settles_at);
    match (known.token, settles_at) {
        (TokenStanding::Settled, _) => Ok(()),
        (TokenStanding::Bound, Some(settles_at)) if known.now >= settles_at => Ok(()),
        (TokenStanding::Bound, Some(settles_at)) => Err(NotInReach::NotSettled(settles_at)),
        (TokenStanding::Minting, Some(settles_at)) if known.now < settles_at => {
            Err(NotInReach::NotSettled(settles_at))
        }
        (TokenStanding::Minting | TokenStanding::Bound, _) => Err(NotInReach::NotRecorded),
        (TokenStanding::Voiding, _) => Err(NotInReach::BeingVoided),
        (TokenStanding::NotAsked | TokenStanding::Voided | TokenStanding::Surrendered, _) => {
            Err(NotInReach::Gone)
        }
    }
}

/// Whether the vault may be asked to give the token up: as any owner may, at any time while it lives.
pub fn may_surrender(known: &Known) -> Result<(), NotInReach> {
    match known.token {
        TokenStanding::Bound | TokenStanding::Settled => Ok(()),
        TokenStanding::Minting => Err(NotInReach::NotRecorded),
        TokenStanding::Voiding => Err(NotInReach::BeingVoided),
        TokenStanding::NotAsked | TokenStanding::Voided | TokenStanding::Surrendered => Err(NotInReach::Gone),
    }
}
