//! How many calls share a transaction, and the gas limit that it gets.

use crate::call::CallKind;

/// EIP-7825 refuses a transaction above 16,777,216 gas; we stay below it with room.
pub const TRANSACTION_CEILING: u64 = 16_000_000;

/// Gas of a transaction of one kind, at its worst: `fixed + items × each`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct WorstCase {
    fixed: u64,
    each: u64,
}

/// From `contracts/snapshots`, at the dearest items (recipients without a balance, next issues of many editions),
/// calldata included, with room for what a refund gives back only at the end.
const fn worst_case(kind: CallKind) -> WorstCase {
    match kind {
        CallKind::OpenEdition => WorstCase { fixed: 140_000, each: 0 },
        CallKind::Mint => WorstCase { fixed: 45_000, each: 58_000 },
        CallKind::Void => WorstCase { fixed: 40_000, each: 36_000 },
        CallKind::Settle => WorstCase { fixed: 35_000, each: 12_000 },
        CallKind::Release => WorstCase { fixed: 80_000, each: 0 },
        CallKind::Surrender => WorstCase { fixed: 60_000, each: 0 },
    }
}

/// The most gas that one of our transactions may ask for: the smallest of the ceiling, an eighth of the block's limit and
/// the operator's setting. A block takes a transaction only while it has room for all that it asks for: with quarters, of
/// which each uses less than it asks for, a block ends with an eighth of its room empty.
#[must_use]
pub fn ceiling(block_gas_limit: u64, setting: u64) -> u64 {
    TRANSACTION_CEILING.min(block_gas_limit / 8).min(setting)
}

/// How many calls of a kind fit below `ceiling`; none when the block has no room for even one.
#[must_use]
pub fn group_size(kind: CallKind, ceiling: u64) -> usize {
    let WorstCase { fixed, each } = worst_case(kind);
    match ceiling.checked_sub(fixed) {
        None => 0,
        Some(_) if each == 0 => 1,
        Some(room) => usize::try_from(room / each).unwrap_or(usize::MAX),
    }
}

/// How many transactions of a lane may wait for a block: what three blocks have room for, and never fewer than the pools of
/// all nodes keep of an account (reth and geth: 16). One that waits longer is passed by the base fee, which grows by an
/// eighth with each full block, and by what a pool drops first.
#[must_use]
pub fn most_waiting(block_gas_limit: u64, ceiling: u64, most: usize) -> usize {
    let of_a_block = block_gas_limit / ceiling.max(1);
    usize::try_from(of_a_block.saturating_mul(3)).unwrap_or(usize::MAX).max(16).min(most)
}

/// The gas limit of a transaction that carries `items` calls: our worst case or the chain's own estimate (which
/// knows a layer 2's data fee), whichever is larger.
#[must_use]
pub fn limit(kind: CallKind, items: usize, estimate: u64) -> u64 {
    let WorstCase { fixed, each } = worst_case(kind);
    let items = u64::try_from(items).unwrap_or(u64::MAX);
    fixed.saturating_add(each.saturating_mul(items)).max(estimate)
}

/// The largest group that a call may be in after `setbacks` transactions that failed with it: halved each time,
/// until a call that spoils its transaction stands alone.
#[must_use]
pub fn group_size_after(setbacks: u32, largest: usize) -> usize {
    (largest >> setbacks.min(usize::BITS - 1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_stay_below_every_ceiling() {
        assert_eq!(ceiling(1_000_000_000, u64::MAX), TRANSACTION_CEILING);
        assert_eq!(ceiling(60_000_000, u64::MAX), 7_500_000);
        assert_eq!(ceiling(30_000_000, 1_000_000), 1_000_000);
        for kind in CallKind::ALL {
            let size = group_size(kind, 7_500_000);
            assert!(size >= 1 && limit(kind, size, 0) <= 7_500_000, "{kind:?}");
            assert_eq!(group_size(kind, 10_000), 0, "{kind:?}");
        }
        for kind in CallKind::ALL {
            assert_eq!(group_size(kind, TRANSACTION_CEILING) == 1, kind.goes_alone(), "{kind:?}");
        }
    }

    #[test]
    fn no_more_wait_than_three_blocks_take() {
        assert_eq!(most_waiting(60_000_000, 7_500_000, 128), 24);
        assert_eq!(most_waiting(1_000_000_000, 16_000_000, 128), 128);
        assert_eq!(most_waiting(8_000_000, 16_000_000, 128), 16);
        assert_eq!(most_waiting(60_000_000, 7_500_000, 4), 4);
        assert_eq!(most_waiting(60_000_000, 0, 128), 128);
    }

    #[test]
    fn a_spoiler_ends_up_alone() {
        let sizes = [0, 1, 2, 3, 4, 5, 6, 7, 200].map(|setbacks| group_size_after(setbacks, 100));
        assert_eq!(sizes, [100, 50, 25, 12, 6, 3, 1, 1, 1]);
    }

    #[test]
    fn the_chains_own_estimate_wins_when_it_is_larger() {
        assert_eq!(limit(CallKind::Mint, 1, 1_000_000), 1_000_000);
    }
}
