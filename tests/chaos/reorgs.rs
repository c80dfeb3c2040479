//! Reorganizes the chain, seeded: what the dropped blocks held is lost, or moves to other blocks.

use std::sync::Arc;

use serde_json::{Value, json};
use tests::dice::Dice;

use crate::ground::Ground;
use crate::pace::{Fault, Pace};
use crate::plan::Plan;
use crate::tell;

/// Blocks from a final one to the head: no reorg goes so deep.
const FINALITY: u64 = 64;

/// What was done to the chain.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Reorged {
    pub(crate) reorgs: u32,
    pub(crate) dropped: u64,
    pub(crate) moved: u64,
    pub(crate) pools_wiped: u32,
}

/// Reorganizes as often as the plan says, to depths from 1 to one below finality.
pub(crate) async fn strike(plan: Arc<Plan>, ground: Arc<Ground>, pace: Arc<Pace>) -> Reorged {
    let mut reorged = Reorged::default();
    for index in 0..plan.reorgs {
        pace.may_strike(Fault::Reorg, index).await;
        let mut dice = Dice::of(plan.seed, "reorg", index.into());
        tokio::time::sleep(dice.millis(1_000, 4_000)).await;
        let depth = match dice.between(1, 6) {
            1..=3 => dice.between(1, 6),
            4..=5 => dice.between(7, 24),
            _ => dice.between(25, FINALITY - 1),
        };
        reorganize(&ground, depth, &mut dice, &mut reorged).await;
        if dice.in_million(200_000) {
            ground.chain.ask("anvil_dropAllTransactions", json!([])).await;
            reorged.pools_wiped += 1;
        }
        reorged.reorgs += 1;
        pace.struck(Fault::Reorg);
        if reorged.reorgs.is_multiple_of(5) {
            let Reorged { reorgs, dropped, moved, .. } = reorged;
            tell!("{reorgs} reorgs took out {dropped} transactions and moved {moved}");
        }
    }
    reorged
}

async fn reorganize(ground: &Ground, depth: u64, dice: &mut Dice, reorged: &mut Reorged) {
    let chain = &ground.chain;
    let _nobody_mines = ground.blocks.lock().await;
    let head = chain.height().await;
    let mut pairs: Vec<Value> = Vec::new();
    // Each time, all are lost, or all stay, or each has its own luck.
    let luck = [0, 1_000_000, 500_000][dice.index(3)];
    for height in head.saturating_sub(depth - 1)..=head {
        let block = chain.ask("eth_getBlockByNumber", json!([format!("{height:#x}"), false])).await;
        for hash in block["transactions"].as_array().into_iter().flatten() {
            let raw = hash.as_str().and_then(|hash| ground.proxy.wire.raw_of(hash));
            let stays = raw.filter(|_| dice.in_million(luck));
            match stays {
                // Blocks of a reorg are counted from its first one; a later block keeps the order of nonces.
                Some(raw) => {
                    let old = height + depth - head - 1;
                    let moved = (old + dice.between(0, 2)).min(depth - 1);
                    pairs.push(json!([raw, moved]));
                    reorged.moved += 1;
                }
                None => reorged.dropped += 1,
            }
        }
    }
    pairs.sort_by_key(|pair| pair[1].as_u64());
    if let Err(refused) = chain.try_ask("anvil_reorg", json!([depth, pairs])).await {
        // A transaction that no longer fits spoils the whole: then none stays.
        tell!("a reorg with {} transactions was refused: {refused}", pairs.len());
        chain.ask("anvil_reorg", json!([depth, []])).await;
    }
}
