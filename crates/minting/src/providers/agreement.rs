//! What follows from several providers' answers to one question. Decided without I/O.
//!
//! Evidence for what cannot be taken back (a final block, a receipt, a missing receipt, a count) needs a majority of
//! the *configured* providers, those that are silent or quarantined included: then a liar among three, or two
//! among five, proves nothing, and neither does one replica that lags.

use crate::send_error::SendRefusal;

/// How many of the configured providers must say the same.
pub(super) fn majority(configured: usize) -> usize {
    configured / 2 + 1
}

/// The largest number that a majority of the configured providers reaches: those that tell more are not believed
/// further, and those that lag do not hold the others back.
pub(super) fn reached_by_most(mut told: Vec<u64>, configured: usize) -> Option<u64> {
    told.sort_unstable_by(|one, other| other.cmp(one));
    told.get(majority(configured) - 1).copied()
}

/// What a majority of the configured providers says alike.
pub(super) fn said_by_most<T: PartialEq>(told: Vec<T>, configured: usize) -> Option<T> {
    let count = |said: &T| told.iter().filter(|other| *other == said).count();
    let position = told.iter().position(|said| count(said) >= majority(configured))?;
    told.into_iter().nth(position)
}

/// The middle one of the numbers told: a single liar cannot move it past the honest ones.
pub(super) fn middle(mut told: Vec<u128>) -> Option<u128> {
    told.sort_unstable();
    told.get(told.len().checked_sub(1)? / 2).copied()
}

/// One provider's answer to the question for a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen<T> {
    /// It is in a block.
    There(T),
    /// The provider knows the agreed final block and has no such receipt.
    Missing,
    /// The provider has no such receipt, but it lags behind what is final: that says nothing.
    TooEarly,
}

/// What the answers amount to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Evidence<T> {
    /// A majority tells the same of it.
    There(T),
    /// A majority that could know of it does not, and nobody else does.
    Missing,
    /// Neither: nothing may follow that cannot be taken back.
    Open,
}

/// Weighs the answers to the question for a receipt.
pub(super) fn weigh<T: PartialEq + Clone>(told: &[Seen<T>], configured: usize) -> Evidence<T> {
    let there: Vec<T> = told
        .iter()
        .filter_map(|seen| if let Seen::There(receipt) = seen { Some(receipt.clone()) } else { None })
        .collect();
    let missing = told.iter().filter(|seen| matches!(seen, Seen::Missing)).count();
    if there.is_empty() {
        return if missing >= majority(configured) { Evidence::Missing } else { Evidence::Open };
    }
    said_by_most(there, configured).map_or(Evidence::Open, Evidence::There)
}

/// Of several answers to the same bytes, the one nearest to "they are in a pool".
pub(super) fn strongest(answers: Vec<Result<(), SendRefusal>>) -> Result<(), SendRefusal> {
    let none = || Err(SendRefusal::Unknown("no provider could be asked".to_owned()));
    answers.into_iter().min_by_key(distance_from_a_pool).unwrap_or_else(none)
}

fn distance_from_a_pool(answer: &Result<(), SendRefusal>) -> u8 {
    match answer {
        Ok(()) => 0,
        Err(SendRefusal::AlreadyKnown) => 1,
        Err(SendRefusal::NonceTooLow) => 2,
        Err(SendRefusal::ReplacementUnderpriced) => 3,
        Err(SendRefusal::NonceTooHigh | SendRefusal::NonceNotNext) => 4,
        Err(SendRefusal::Underpriced) => 5,
        Err(SendRefusal::SenderBusy | SendRefusal::PoolFull) => 6,
        Err(SendRefusal::InsufficientFunds) => 7,
        Err(SendRefusal::FeeAboveCap(_)) => 8,
        Err(SendRefusal::GasLimitTooHigh(_) | SendRefusal::Oversized(_) | SendRefusal::Unsupported(_)) => 9,
        Err(SendRefusal::Rejected(_)) => 10,
        Err(SendRefusal::Unknown(_)) => 11,
        Err(SendRefusal::ProviderBusy(_)) => 12,
        Err(SendRefusal::WrongChain(_)) => 13,
    }
}

#[cfg(test)]
mod tests;
