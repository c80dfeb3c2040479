//! Signed bytes for a transaction. A higher fee makes another attempt at the same nonce.

use catalog::clock::Timestamp;

use crate::fees::Fees;
use crate::signer::SignedBytes;

/// A transaction has at most so many attempts: the last one pays a thousand times the first. A chain that stands still
/// for hours is not outbid.
pub const MOST: usize = 60;

/// Signed bytes in the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Hash and bytes.
    pub signed: SignedBytes,
    /// What they offer.
    pub fees: Fees,
    /// When they were signed.
    pub signed_at: Timestamp,
}
