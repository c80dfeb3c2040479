//! What an attempt offers for its gas (EIP-1559), and what the next attempt at the same nonce must offer.

use crate::chain::FeeHistory;

/// Bounds on what we pay, in wei for each unit of gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeePolicy {
    /// No attempt offers more than this.
    pub max_fee_cap: u128,
    /// No tip is below this.
    pub min_tip: u128,
    /// No tip is above this.
    pub max_tip: u128,
}

/// The two fee fields of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fees {
    /// `maxFeePerGas`.
    pub max_fee: u128,
    /// `maxPriorityFeePerGas`.
    pub max_priority_fee: u128,
}

/// The market asks more than the policy allows: wait, without taking a nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the chain asks {asked} wei for each unit of gas, above the cap of {cap}")]
pub struct AboveCap {
    /// What would be needed.
    pub asked: u128,
    /// What is allowed.
    pub cap: u128,
}

/// What a first attempt offers: twice the base fee, so that it stands six full blocks, and the usual tip.
/// An absurd history is clamped to the policy, not believed.
pub fn quote(history: FeeHistory, policy: FeePolicy) -> Result<Fees, AboveCap> {
    let max_priority_fee = history.median_tip.clamp(policy.min_tip, policy.max_tip.max(policy.min_tip));
    let needed = history.base_fee.saturating_add(max_priority_fee);
    if needed > policy.max_fee_cap {
        return Err(AboveCap { asked: needed, cap: policy.max_fee_cap });
    }
    let max_fee = history.base_fee.saturating_mul(2).saturating_add(max_priority_fee).min(policy.max_fee_cap);
    Ok(Fees { max_fee, max_priority_fee })
}

/// What the next attempt at the same nonce offers: at least an eighth more in both fields (the strictest of the
/// pools' rules), or the market's quote where that is more. None when the cap leaves no room for it.
#[must_use]
pub fn bump(previous: Fees, history: FeeHistory, policy: FeePolicy) -> Option<Fees> {
    let eighth_more = |fee: u128| fee.saturating_add(fee.div_ceil(8)).max(fee.saturating_add(1));
    let quoted = quote(history, policy).ok();
    let max_priority_fee =
        eighth_more(previous.max_priority_fee).max(quoted.map_or(0, |fees| fees.max_priority_fee));
    let max_fee =
        eighth_more(previous.max_fee).max(quoted.map_or(0, |fees| fees.max_fee)).max(max_priority_fee);
    (max_fee <= policy.max_fee_cap).then_some(Fees { max_fee, max_priority_fee })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GWEI: u128 = 1_000_000_000;
    const POLICY: FeePolicy = FeePolicy { max_fee_cap: 100 * GWEI, min_tip: GWEI / 10, max_tip: 5 * GWEI };

    #[test]
    fn a_quote_covers_twice_the_base_fee() {
        let history = FeeHistory { base_fee: 10 * GWEI, median_tip: GWEI };
        assert_eq!(quote(history, POLICY), Ok(Fees { max_fee: 21 * GWEI, max_priority_fee: GWEI }));
    }

    #[test]
    fn a_market_above_the_cap_is_waited_for() {
        let history = FeeHistory { base_fee: 100 * GWEI, median_tip: 0 };
        let asked = 100 * GWEI + GWEI / 10;
        assert_eq!(quote(history, POLICY), Err(AboveCap { asked, cap: 100 * GWEI }));
    }

    #[test]
    fn absurd_histories_are_clamped() {
        let history = FeeHistory { base_fee: 0, median_tip: u128::MAX };
        assert_eq!(quote(history, POLICY).map(|fees| fees.max_priority_fee), Ok(5 * GWEI));
        assert!(quote(FeeHistory { base_fee: u128::MAX, median_tip: u128::MAX }, POLICY).is_err());
    }

    proptest! {
        #[test]
        fn a_bump_satisfies_the_strictest_pool(max_fee in 0..200 * GWEI, tip in 0..200 * GWEI, base_fee in 0..200 * GWEI) {
            let previous = Fees { max_fee: max_fee.max(tip), max_priority_fee: tip };
            if let Some(next) = bump(previous, FeeHistory { base_fee, median_tip: GWEI }, POLICY) {
                prop_assert!(next.max_fee * 8 >= previous.max_fee * 9);
                prop_assert!(next.max_priority_fee * 8 >= previous.max_priority_fee * 9);
                prop_assert!(next.max_fee >= next.max_priority_fee);
                prop_assert!(next.max_fee > previous.max_fee && next.max_fee <= POLICY.max_fee_cap);
            }
        }
    }
}
