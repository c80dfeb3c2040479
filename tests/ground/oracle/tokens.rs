//! What the contract holds, read from the node itself.

use std::collections::BTreeMap;

use catalog::account::Account;
use minting::wallet;
use serde_json::json;

use crate::anvil::Anvil;

/// keccak-256 of `Transfer(address,address,uint256)` (ERC-721).
pub const TRANSFER: &str = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";
/// The first four bytes of keccak-256 of `ownerOf(uint256)` (ERC-721).
const OWNER_OF: &str = "0x6352211e";
/// An address of zeros as a topic: the sender of a mint.
pub const NOBODY: &str = "0x0000000000000000000000000000000000000000000000000000000000000000";

/// How often each token was minted, by the events of the whole chain.
pub async fn minted(chain: &Anvil, contract: Account) -> BTreeMap<u64, u64> {
    let filter = json!([{
        "fromBlock": "0x0",
        "toBlock": "latest",
        "address": wallet::checksummed(contract),
        "topics": [TRANSFER, NOBODY],
    }]);
    let logs = chain.ask("eth_getLogs", filter).await;
    let mut minted = BTreeMap::new();
    for log in logs.as_array().into_iter().flatten() {
        let digits = log["topics"][3].as_str().and_then(|topic| topic.strip_prefix("0x"));
        let token_id = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()).expect("a token id");
        *minted.entry(token_id).or_default() += 1;
    }
    minted
}

/// Who holds a token, in lower case; nobody when it was never minted or is a tombstone.
pub async fn owner_of(chain: &Anvil, contract: Account, token_id: u64) -> Option<String> {
    let call = json!({
        "to": wallet::checksummed(contract),
        "data": format!("{OWNER_OF}{token_id:064x}"),
    });
    let answer = chain.try_ask("eth_call", json!([call, "latest"])).await.ok()?;
    let word = answer.as_str().filter(|word| word.len() == 66)?;
    Some(format!("0x{}", &word[26..]))
}
