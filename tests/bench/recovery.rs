//! (e) How soon work goes on after the pool lost something: a transaction, or one that others wait behind. The chain is
//! honest otherwise, so that what is measured is ours. How soon a killed service is back is measured by `make chaos`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use minting::wallet;
use serde_json::{Value, json};
use tests::anvil::{Anvil, number};

use super::house::House;
use super::median::{quantile, rounded};
use super::plan::Plan;
use super::stock::{self, Stock};
use super::tell;

/// Transactions that the pool drops, and nonces that it loses before another.
const DROPS: u32 = 100;
const GAPS: u32 = 20;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) async fn measure(plan: &Plan) -> Value {
    // One minter: whose nonces they are is then no matter of chance.
    let house = House::make(&Plan { signers: 1, ..plan.clone() }).await;
    house.publish(1).await;
    let service = house.serve().await;
    let minter = wallet::checksummed(house.minter().account());
    let (mut drops, mut gaps) = (vec![], vec![]);
    for drop in 0..DROPS {
        drops.push(sent_again_after(&house, &minter, drop).await);
    }
    tell!("{DROPS} transactions were dropped");
    for gap in 0..GAPS {
        gaps.push(healed_after(&house, &minter, gap).await);
    }
    service.stop().await;
    house.clear_up().await;
    let of = |figures: &[f64], share| rounded(quantile(figures, share));
    json!({
        "bench": "recovery",
        "database": plan.database.as_str(),
        "drops": DROPS,
        "sent_again_after_blocks_p50": of(&drops, 0.5),
        "sent_again_after_blocks_most": of(&drops, 1.0),
        "gaps": GAPS,
        "healed_after_seconds_p50": of(&gaps, 0.5),
        "healed_after_seconds_most": of(&gaps, 1.0),
    })
}

/// Blocks, one a second, from the moment at which a waiting transaction is dropped until the pool or a block has it again.
#[expect(clippy::cast_precision_loss, reason = "a small count")]
async fn sent_again_after(house: &House, minter: &str, place: u32) -> f64 {
    let chain = &house.chain;
    chain.stand_still().await;
    stock::fill(&house.books, Stock::Redeemed, &format!("drop-{place}"), 1).await;
    let hash = waiting(chain, minter, 1).await.remove(0);
    chain.ask("anvil_dropTransaction", json!([hash])).await;
    let before = chain.height().await;
    chain.go_on().await;
    until("the transaction is sent again", async || is_known(chain, &hash).await).await;
    let after = chain.height().await;
    until("it is in a block", async || is_included(chain, &hash).await).await;
    (after - before) as f64
}

/// Seconds from the moment at which the lower of two nonces is removed until both are in blocks.
async fn healed_after(house: &House, minter: &str, place: u32) -> f64 {
    let chain = &house.chain;
    chain.stand_still().await;
    stock::fill(&house.books, Stock::Redeemed, &format!("gap-{place}-1"), 1).await;
    waiting(chain, minter, 1).await;
    stock::fill(&house.books, Stock::Redeemed, &format!("gap-{place}-2"), 1).await;
    let both = waiting(chain, minter, 2).await;
    chain.ask("anvil_dropTransaction", json!([both[0]])).await;
    let begun = Instant::now();
    chain.go_on().await;
    for hash in &both {
        until("both are in blocks", async || is_included(chain, hash).await).await;
    }
    begun.elapsed().as_secs_f64()
}

/// The hashes of the minter's waiting transactions by nonce, once there are so many.
async fn waiting(chain: &Anvil, minter: &str, count: usize) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let pool = chain.ask("txpool_content", json!([])).await;
        let of_minter = pool["pending"].as_object().into_iter().flatten();
        let found: BTreeMap<u64, String> = of_minter
            .filter(|(account, _)| account.eq_ignore_ascii_case(minter))
            .flat_map(|(_, by_nonce)| by_nonce.as_object().into_iter().flatten())
            .filter_map(|(nonce, waits)| Some((nonce.parse().ok()?, waits["hash"].as_str()?.to_owned())))
            .collect();
        if found.len() >= count {
            return found.into_values().collect();
        }
        assert!(begun.elapsed() < PATIENCE, "{count} transactions did not come into the pool");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn is_known(chain: &Anvil, hash: &str) -> bool {
    chain.ask("eth_getTransactionByHash", json!([hash])).await.is_object()
}

async fn is_included(chain: &Anvil, hash: &str) -> bool {
    let found = chain.ask("eth_getTransactionByHash", json!([hash])).await;
    number(&found["blockNumber"]).is_some()
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
