//! For each redeemed claim exactly one token, with the right id, owner and edition; and no token without a claim.

use std::collections::BTreeMap;

use minting::chain::Chain;
use minting::rpc::{Finality, RpcChain};
use minting::wallet;
use serde_json::{Value, json};

use super::Verdict;
use crate::ground::Ground;
use crate::trade::Trade;

/// keccak-256 of `Transfer(address,address,uint256)` (ERC-721).
const TRANSFER: &str = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";
/// The first four bytes of keccak-256 of `ownerOf(uint256)` (ERC-721).
const OWNER_OF: &str = "0x6352211e";
const NOBODY: &str = "0x0000000000000000000000000000000000000000000000000000000000000000";

pub(super) async fn judge(ground: &Ground, trade: &Trade, verdict: &mut Verdict) {
    let minted = minted(ground).await;
    verdict.tokens = minted.values().sum();
    for (token_id, times) in &minted {
        let claims = u64::from(trade.redeemed.contains_key(token_id));
        if *times > claims {
            verdict.duplicated += times - claims;
            verdict.find(format!("token {token_id} was minted {times} times for {claims} redeemed claims"));
        }
    }
    for (token_id, redeemed) in &trade.redeemed {
        match owner_of(ground, *token_id).await {
            None => {
                verdict.lost += 1;
                let event =
                    if minted.contains_key(token_id) { ", though a block tells of its mint" } else { "" };
                verdict.find(format!("token {token_id} of {} is nowhere{event}", redeemed.order));
            }
            Some(owner) if owner != redeemed.recipient.to_lowercase() => {
                verdict.wrong_owner += 1;
                verdict
                    .find(format!("token {token_id} belongs to {owner} and not to {}", redeemed.recipient));
            }
            Some(_) if !minted.contains_key(token_id) => {
                verdict.find(format!("token {token_id} has an owner and no mint event"));
            }
            Some(_) => {}
        }
    }
    editions(ground, trade, verdict).await;
}

/// How often each token was minted, by the events of the whole chain.
async fn minted(ground: &Ground) -> BTreeMap<u64, u64> {
    let filter = json!([{
        "fromBlock": "0x0",
        "toBlock": "latest",
        "address": wallet::checksummed(ground.contract),
        "topics": [TRANSFER, NOBODY],
    }]);
    let logs = ground.chain.ask("eth_getLogs", filter).await;
    let mut minted = BTreeMap::new();
    for log in logs.as_array().into_iter().flatten() {
        let digits = log["topics"][3].as_str().and_then(|topic| topic.strip_prefix("0x"));
        let token_id = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()).expect("a token id");
        *minted.entry(token_id).or_default() += 1;
    }
    minted
}

async fn owner_of(ground: &Ground, token_id: u64) -> Option<String> {
    let call = json!({
        "to": wallet::checksummed(ground.contract),
        "data": format!("{OWNER_OF}{token_id:064x}"),
    });
    let answer = ground.chain.try_ask("eth_call", json!([call, "latest"])).await.ok()?;
    let word = answer.as_str().filter(|word| word.len() == 66)?;
    Some(format!("0x{}", &word[26..]))
}

/// Size and digests of each edition, as the contract has them.
async fn editions(ground: &Ground, trade: &Trade, verdict: &mut Verdict) {
    let url = ground.chain.url().parse().expect("the node's address");
    let chain = RpcChain::new(url, ground.contract, Finality::Tag).expect("a chain");
    for (number, published) in &trade.editions {
        let Some(terms) = chain.edition_terms(*number, None).await.expect("the node to answer") else {
            verdict.find(format!("edition {number} is not open on chain"));
            continue;
        };
        let on_chain = json!({
            "serials": terms.serials,
            "image": terms.image_digest.to_string(),
            "colophon": terms.colophon_digest.to_string(),
        });
        let published: Value = json!({
            "serials": published.declared_size,
            "image": published.image_sha256,
            "colophon": published.colophon_sha256,
        });
        if on_chain != published {
            verdict
                .find(format!("edition {number} is {on_chain} on chain, and was published as {published}"));
        }
    }
}
