//! When tokens came into blocks.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tests::anvil::{Anvil, number};
use tests::oracle::tokens::{NOBODY, TRANSFER};

/// Blocks that are asked for at once.
const STEP: u64 = 4;
/// Blocks without a mint after which nothing more is expected.
const SILENCE: u64 = 60;

/// How many tokens each block holds.
#[derive(Debug, Default)]
pub(crate) struct Inclusion {
    blocks: BTreeMap<u64, u64>,
}

impl Inclusion {
    /// Waits until `count` tokens of `contract` are in blocks above `from`.
    pub(crate) async fn wait(chain: &Anvil, contract: &str, from: u64, count: u64) -> Self {
        let mut inclusion = Self::default();
        let mut next = from + 1;
        let mut last_mint = next;
        while inclusion.tokens() < count {
            let head = chain.height().await;
            if head < next {
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
            let last = head.min(next + STEP - 1);
            let logs = chain
                .ask(
                    "eth_getLogs",
                    json!([{
                        "address": contract,
                        "topics": [TRANSFER, NOBODY],
                        "fromBlock": format!("{next:#x}"),
                        "toBlock": format!("{last:#x}"),
                    }]),
                )
                .await;
            for log in logs.as_array().into_iter().flatten() {
                let block = number(&log["blockNumber"]).expect("a block");
                *inclusion.blocks.entry(block).or_default() += 1;
                last_mint = last_mint.max(block);
            }
            next = last + 1;
            assert!(next - last_mint < SILENCE, "no mint for {SILENCE} blocks after {}", inclusion.tokens());
        }
        inclusion
    }

    /// How many each block held, from the first that held some to the last.
    pub(crate) fn by_block(&self) -> Vec<u64> {
        let (first, last) = self.ends();
        (first..=last).map(|block| self.blocks.get(&block).copied().unwrap_or_default()).collect()
    }

    pub(crate) fn tokens(&self) -> u64 {
        self.blocks.values().sum()
    }

    /// The first and the last block that hold tokens.
    fn ends(&self) -> (u64, u64) {
        let first = self.blocks.keys().next().copied().unwrap_or_default();
        (first, self.blocks.keys().next_back().copied().unwrap_or_default())
    }

    /// Tokens a second between the first and the last block that hold some, by the blocks' own clock.
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    pub(crate) async fn rate(&self, chain: &Anvil) -> f64 {
        let (first, last) = self.ends();
        let after_first = self.tokens() - self.blocks.get(&first).copied().unwrap_or_default();
        let seconds = time_of(chain, last).await - time_of(chain, first).await;
        after_first as f64 / seconds.max(1) as f64
    }
}

async fn time_of(chain: &Anvil, block: u64) -> u64 {
    let block = chain.ask("eth_getBlockByNumber", json!([format!("{block:#x}"), false])).await;
    number(&block["timestamp"]).expect("a time")
}
