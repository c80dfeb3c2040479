//! What may be spent on gas. Decided here without I/O: the pipeline asks before it takes a nonce, before it signs, and
//! before it offers more.
//!
//! *Invariant: within the budget.* What the attempts signed on a day (UTC) cost at worst, of each transaction its dearest
//! one, is never above the day's budget. What a final receipt really cost takes the place of its worst.

use std::time::Duration;

use catalog::clock::Timestamp;

const WEI_IN_A_GWEI: u128 = 1_000_000_000;
const DAY: Duration = Duration::from_hours(24);

/// An amount as the books keep it: a database cannot add wei in 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Gwei(u64);

impl Gwei {
    /// So many gwei. More than a database can count is the most that it can.
    #[must_use]
    pub fn new(gwei: u64) -> Self {
        Self(gwei.min(i64::MAX.unsigned_abs()))
    }

    /// An amount in wei, rounded up.
    #[must_use]
    pub fn at_least(wei: u128) -> Self {
        Self::new(u64::try_from(wei.div_ceil(WEI_IN_A_GWEI)).unwrap_or(u64::MAX))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }

    fn plus(self, other: Self) -> Self {
        Self::new(self.0.saturating_add(other.0))
    }
}

impl std::fmt::Display for Gwei {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} gwei", self.0)
    }
}

/// Why nothing more may be promised now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotPay {
    /// The signer owns too little. Resumes by itself once it is topped up.
    #[error("the signer owns {owned} wei and may need {needed}: top it up")]
    OutOfFunds {
        /// What it owns, in wei.
        owned: u128,
        /// What this and its transactions under way may cost, in wei.
        needed: u128,
    },
    /// The day's budget is used up. Resumes by itself on the next day (UTC).
    #[error("{spent} of the day's budget of {budget} are promised, and {asked} more may be needed")]
    OverBudget {
        /// Promised or spent on this day.
        spent: Gwei,
        /// What is asked for.
        asked: Gwei,
        /// The day's budget.
        budget: Gwei,
    },
    /// A node says that the signer cannot pay for what it was handed.
    #[error("a node says that the signer cannot pay: top it up")]
    RefusedByNode,
}

impl CannotPay {
    /// The word in metrics.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::OutOfFunds { .. } | Self::RefusedByNode => "funds",
            Self::OverBudget { .. } => "budget",
        }
    }
}

/// What a transaction costs at worst, in wei.
#[must_use]
pub fn worst(gas_limit: u64, max_fee: u128) -> u128 {
    u128::from(gas_limit).saturating_mul(max_fee)
}

/// Whether the signer can pay for one more transaction, in wei. What is under way is not taken off the balance that
/// the chain tells until it is in a block.
pub fn within_balance(owned: u128, under_way: u128, worst: u128) -> Result<(), CannotPay> {
    let needed = under_way.saturating_add(worst);
    if owned >= needed { Ok(()) } else { Err(CannotPay::OutOfFunds { owned, needed }) }
}

/// Whether an attempt that costs `asked` at worst may be signed, when all other transactions of the day come to
/// `spent`.
pub fn within_budget(spent: Gwei, asked: Gwei, budget: Option<Gwei>) -> Result<(), CannotPay> {
    match budget {
        Some(budget) if spent.plus(asked) > budget => Err(CannotPay::OverBudget { spent, asked, budget }),
        _ => Ok(()),
    }
}

/// The day that a moment belongs to, in days since 1970-01-01 (UTC).
#[must_use]
pub fn day_of(moment: Timestamp) -> i64 {
    i64::try_from(moment.as_seconds() / DAY.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_signer_pays_for_what_is_under_way_too() {
        let cases = [
            (100, 0, 100, Ok(())),
            (99, 0, 100, Err(CannotPay::OutOfFunds { owned: 99, needed: 100 })),
            (150, 60, 100, Err(CannotPay::OutOfFunds { owned: 150, needed: 160 })),
            (160, 60, 100, Ok(())),
            (0, 0, 0, Ok(())),
            (u128::MAX, u128::MAX, 1, Ok(())),
        ];
        for (owned, under_way, worst, expected) in cases {
            assert_eq!(within_balance(owned, under_way, worst), expected, "{owned} {under_way} {worst}");
        }
    }

    #[test]
    fn a_day_spends_no_more_than_its_budget() {
        let over = |spent, asked, budget| {
            Err(CannotPay::OverBudget { spent: Gwei(spent), asked: Gwei(asked), budget: Gwei(budget) })
        };
        let cases = [
            (0, 10, Some(10), Ok(())),
            (1, 10, Some(10), over(1, 10, 10)),
            (0, 11, Some(10), over(0, 11, 10)),
            (10, 0, Some(10), Ok(())),
            (u64::MAX, 1, None, Ok(())),
            (0, 1, Some(0), over(0, 1, 0)),
        ];
        for (spent, asked, budget, expected) in cases {
            let budget = budget.map(Gwei);
            assert_eq!(
                within_budget(Gwei(spent), Gwei(asked), budget),
                expected,
                "{spent} {asked} {budget:?}"
            );
        }
    }

    #[test]
    fn amounts_are_rounded_up_and_never_wrap() {
        let cases = [(0, 0), (1, 1), (WEI_IN_A_GWEI, 1), (WEI_IN_A_GWEI + 1, 2)];
        for (wei, gwei) in cases {
            assert_eq!(Gwei::at_least(wei), Gwei(gwei));
        }
        assert_eq!(Gwei::at_least(u128::MAX).get(), i64::MAX.unsigned_abs());
        assert_eq!(worst(u64::MAX, u128::MAX), u128::MAX);
    }

    #[test]
    fn a_day_ends_at_midnight_utc() {
        let moment = |text: &str| text.parse::<Timestamp>().map(day_of);
        assert_eq!(moment("1970-01-01T23:59:59.999999Z"), Ok(0));
        assert_eq!(moment("1970-01-02T00:00:00Z"), Ok(1));
        assert_eq!(moment("2026-11-23T12:00:00Z"), Ok(20_780));
    }

    proptest! {
        /// However a day's attempts come and go, what was allowed stays within the budget.
        #[test]
        fn no_row_of_attempts_exceeds_the_budget(
            budget in 0_u64..10_000,
            attempts in prop::collection::vec((0_usize..8, 0_u64..3_000), 0..60),
        ) {
            let mut promised = [0_u64; 8];
            for (transaction, asked) in attempts {
                let spent = promised.iter().sum::<u64>() - promised[transaction];
                // A bump asks for more than the attempt before it.
                let asked = asked.max(promised[transaction]);
                if within_budget(Gwei(spent), Gwei(asked), Some(Gwei(budget))).is_ok() {
                    promised[transaction] = asked;
                }
                prop_assert!(promised.iter().sum::<u64>() <= budget);
            }
        }
    }
}
