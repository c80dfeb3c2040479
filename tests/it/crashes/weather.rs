//! What a chain and other processes do to transactions while the service dies.

use serde_json::json;

use super::business::{publish, redeem, shipped, state};
use super::ledger::count;
use super::ordeal::Ordeal;
use crate::harness::app::Wallet;

/// Code that refuses every call: `PUSH1 0 PUSH1 0 REVERT`.
const REFUSES_ALL: &str = "0x60006000fd";
const LIVE_MINTS: &str = "SELECT count(*) FROM transactions WHERE kind = 'mint' AND state = 'live'";
const INCLUDED_MINTS: &str = "SELECT count(*) FROM transactions WHERE kind = 'mint' AND state = 'included'";

/// A token whose mint is with the node and in no block: nothing is mined from here on, until the guard is dropped.
async fn minting(ordeal: &mut Ordeal) -> (u64, tokio::sync::OwnedMutexGuard<()>) {
    let edition = publish(ordeal, 1).await;
    ordeal
        .until_by_curator(&format!("/v1/editions/{edition}"), |edition| {
            edition["recording"]["progress"] == "recorded"
        })
        .await;
    let (_, card) = shipped(ordeal, &edition).await;
    let still = ordeal.blocks.clone().lock_owned().await;
    let token_id = redeem(ordeal, &card, &Wallet::fresh()).await;
    ordeal.until_seen("a live mint", |ordeal| Box::pin(async { count(ordeal, LIVE_MINTS).await == 1 })).await;
    (token_id, still)
}

/// A transaction waits until more is offered for it.
pub(super) async fn fees(ordeal: &mut Ordeal) {
    let (token_id, still) = minting(ordeal).await;
    ordeal.until_over().await;
    drop(still);
    state(ordeal, token_id, "bound").await;
}

/// The block that held the mint goes, and the mint with it.
pub(super) async fn reorg(ordeal: &mut Ordeal) {
    let (token_id, still) = minting(ordeal).await;
    ordeal.app.chain().mine(1).await;
    ordeal
        .until_seen("an included mint", |ordeal| Box::pin(async { count(ordeal, INCLUDED_MINTS).await == 1 }))
        .await;
    ordeal.app.chain().ask("anvil_reorg", json!([1, []])).await;
    ordeal.until_over().await;
    drop(still);
    state(ordeal, token_id, "bound").await;
}

/// The mint is refused as a whole, in a block that is final.
pub(super) async fn revert(ordeal: &mut Ordeal) {
    let (token_id, still) = minting(ordeal).await;
    let (chain, contract) = (ordeal.app.chain(), ordeal.contract.clone());
    let code = chain.ask("eth_getCode", json!([contract, "latest"])).await;
    chain.ask("anvil_setCode", json!([contract, REFUSES_ALL])).await;
    chain.mine(1).await;
    chain.ask("anvil_setCode", json!([contract, code])).await;
    chain.mine(4).await;
    ordeal.until_over().await;
    drop(still);
    ordeal.let_parked_calls_go().await;
    state(ordeal, token_id, "bound").await;
}

/// Somebody else's transaction takes the nonce, in a block that is final.
pub(super) async fn displacement(ordeal: &mut Ordeal) {
    let (token_id, still) = minting(ordeal).await;
    let chain = ordeal.app.chain();
    let minter = ordeal.app.signer("minter");
    let nonce = chain.ask("eth_getTransactionCount", json!([minter, "latest"])).await;
    chain.ask("anvil_dropAllTransactions", json!([])).await;
    chain.ask("anvil_impersonateAccount", json!([minter])).await;
    let foreign = json!({
        "from": minter,
        "to": minter,
        "nonce": nonce,
        "gas": "0x5208",
        "maxFeePerGas": "0xe8d4a51000",
        "maxPriorityFeePerGas": "0xe8d4a51000",
    });
    chain.ask("eth_sendTransaction", json!([foreign])).await;
    chain.ask("anvil_stopImpersonatingAccount", json!([minter])).await;
    chain.mine(5).await;
    ordeal.until_over().await;
    drop(still);
    ordeal.let_parked_calls_go().await;
    state(ordeal, token_id, "bound").await;
}

/// Another process takes the lane, between two looks of this one at its lease.
pub(super) async fn theft(ordeal: &mut Ordeal) {
    let edition = publish(ordeal, 4).await;
    ordeal
        .until_by_curator(&format!("/v1/editions/{edition}"), |edition| {
            edition["recording"]["progress"] == "recorded"
        })
        .await;
    let mut tokens = Vec::new();
    // Now and then the process looks in the very moment between theft and work, and goes without the lane.
    for _ in 0..4 {
        if ordeal.is_over() {
            break;
        }
        let (_, card) = shipped(ordeal, &edition).await;
        let before = tokens.last().copied();
        if let Some(before) = before {
            ordeal.free_lanes().await;
            state(ordeal, before, "bound").await;
        }
        ordeal.steal_lanes().await;
        tokens.push(redeem(ordeal, &card, &Wallet::fresh()).await);
        for _ in 0..20 {
            ordeal.look().await;
        }
    }
    ordeal.free_lanes().await;
    for token_id in tokens {
        state(ordeal, token_id, "bound").await;
    }
}

/// The process is told to stop, and dies while it lets go of its lanes.
pub(super) async fn stop(ordeal: &mut Ordeal) {
    let edition = publish(ordeal, 1).await;
    let (_, card) = shipped(ordeal, &edition).await;
    let token_id = redeem(ordeal, &card, &Wallet::fresh()).await;
    ordeal.app.tell_to_stop();
    ordeal.go_on().await;
    state(ordeal, token_id, "bound").await;
}
