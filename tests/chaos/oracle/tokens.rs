//! For each redeemed claim exactly one token, with the right id, owner and edition; and no token without a claim.

use minting::chain::Chain;
use minting::rpc::{Finality, RpcChain};
use serde_json::{Value, json};
use tests::oracle::tokens::{minted, owner_of};

use super::Verdict;
use crate::ground::Ground;
use crate::trade::Trade;

pub(super) async fn judge(ground: &Ground, trade: &Trade, verdict: &mut Verdict) {
    let minted = minted(&ground.chain, ground.contract).await;
    verdict.tokens = minted.values().sum();
    for (token_id, times) in &minted {
        let claims = u64::from(trade.redeemed.contains_key(token_id));
        if *times > claims {
            verdict.duplicated += times - claims;
            verdict.find(format!("token {token_id} was minted {times} times for {claims} redeemed claims"));
        }
    }
    for (token_id, redeemed) in &trade.redeemed {
        match owner_of(&ground.chain, ground.contract, *token_id).await {
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
