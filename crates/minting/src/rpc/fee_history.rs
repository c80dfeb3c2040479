//! What a node answers to `eth_feeHistory`, as far as it can be: fields that are missing, empty, zero or absurd.

use alloy::primitives::U256;
use serde::Deserialize;

/// The answer. Whatever is not there is none; no number is too large.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct FeeHistoryAnswer {
    base_fee_per_gas: Option<Vec<Option<U256>>>,
    reward: Option<Vec<Option<Vec<Option<U256>>>>>,
}

impl FeeHistoryAnswer {
    /// The base fee of the next block, if a usable one is told.
    pub(super) fn base_fee(&self) -> Option<u128> {
        let last = self.base_fee_per_gas.as_ref()?.last()?.as_ref()?;
        Some(clamped(*last)).filter(|fee| *fee > 0)
    }

    /// The middle one of the tips; zero when none is told.
    pub(super) fn median_tip(&self) -> u128 {
        let blocks = self.reward.iter().flatten().flatten();
        let mut tips: Vec<u128> = blocks.filter_map(|block| block.first().copied()?).map(clamped).collect();
        tips.sort_unstable();
        tips.get(tips.len() / 2).copied().unwrap_or(0)
    }
}

fn clamped(fee: U256) -> u128 {
    u128::try_from(fee).unwrap_or(u128::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn absurd_answers_are_read_as_far_as_they_go() {
        let huge = format!("0x8{}", "0".repeat(63));
        let cases = [
            (json!({ "baseFeePerGas": ["0x1", "0x7"], "reward": [["0x3"], ["0x5"], ["0x4"]] }), Some(7), 4),
            (json!({ "baseFeePerGas": ["0x0"], "reward": [["0x0"]] }), None, 0),
            (json!({ "baseFeePerGas": [huge], "reward": [[huge]] }), Some(u128::MAX), u128::MAX),
            (json!({ "baseFeePerGas": [], "reward": [] }), None, 0),
            (json!({ "baseFeePerGas": null, "reward": null }), None, 0),
            (json!({ "baseFeePerGas": [null], "reward": [null, [], [null]] }), None, 0),
            (json!({ "oldestBlock": "0x1" }), None, 0),
            (json!({}), None, 0),
        ];
        for (answer, base_fee, tip) in cases {
            let read: FeeHistoryAnswer = serde_json::from_value(answer.clone()).expect("an answer");
            assert_eq!((read.base_fee(), read.median_tip()), (base_fee, tip), "{answer}");
        }
    }
}
