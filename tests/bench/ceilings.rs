//! What the same chain reaches with bytes that were signed beforehand, without a service: single mints on an
//! owner-only ERC-721 of `OpenZeppelin` (S), and groups of a hundred on our contract (G).

use std::path::Path;
use std::sync::Arc;

use catalog::account::Account;
use catalog::chance::SystemChance;
use minting::call::Call;
use minting::contract;
use minting::fees::Fees;
use minting::signer::{SigningKey, Unsigned};
use minting::token::TokenId;
use minting::wallet;
use serde_json::{Value, json};
use tests::anvil::{Anvil, hex, number};
use tests::trade::publishing::Published;
use tokio::task::JoinSet;

use super::house::{CHAIN_ID, House};
use super::inclusion::Inclusion;
use super::tell;

/// Single mints of a JSON-RPC batch, and groups of one: more than that is longer than the node reads.
const BATCH: usize = 500;
const GROUP_BATCH: usize = 20;
/// Batches on their way at once.
const AT_ONCE: usize = 2;
/// Mints of a transaction on our contract.
const GROUP: usize = 100;
const FEES: Fees = Fees { max_fee: 100_000_000_000, max_priority_fee: 1_000_000_000 };
/// Compiled by `tests/tools/run-bench`.
const WRAPPER: &str = "target/bench/OfOpenZeppelin.json";
/// A million ether.
const ALLOWANCE: &str = "0xd3c21bcecceda1000000";

/// Single mints a second.
pub(crate) async fn singles(house: &House, count: u32) -> f64 {
    let owner = SigningKey::generate(&SystemChance);
    let chain = &house.chain;
    chain.ask("anvil_setBalance", json!([wallet::checksummed(owner.account()), ALLOWANCE])).await;
    let (code, selector) = wrapper();
    let creation = sign(&owner, 0, None, &code, 5_000_000);
    let hash = chain.ask("eth_sendRawTransaction", json!([creation])).await;
    let address = loop {
        let receipt = chain.ask("eth_getTransactionReceipt", json!([hash])).await;
        if let Some(address) = receipt["contractAddress"].as_str() {
            break address.to_owned();
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    };
    let to = account_of(&address);
    let signed: Vec<String> = (0..u64::from(count))
        .map(|index| {
            // One pair of recipient and token id in an array (ABI of `mint((address,uint256)[])`).
            let words = format!("{selector}{:064x}{:064x}{}{:064x}", 32, 1, padded(recipient(index)), index);
            sign(&owner, index + 1, Some(to), &from_hex(&words), 200_000)
        })
        .collect();
    tell!("{count} single mints are signed");
    push(chain, signed, BATCH, &address, count).await
}

/// Mints a second in groups, on sheets of these editions, which nobody else uses.
pub(crate) async fn groups(house: &House, editions: &[Published], count: u32) -> f64 {
    let minter = house.minter();
    let chain = &house.chain;
    let first_nonce =
        chain.ask("eth_getTransactionCount", json!([wallet::checksummed(minter.account()), "latest"]));
    let first_nonce = number(&first_nonce.await).expect("a count");
    let head = chain.ask("eth_getBlockByNumber", json!(["latest", false])).await;
    let settles_at = number(&head["timestamp"]).expect("a time") + 30 * 86_400;
    let sheets = editions.iter().flat_map(|edition| {
        (1..=u64::from(super::house::RUN)).map(|serial| edition.number * 1_000_000 + serial * 100)
    });
    let calls: Vec<Call> = sheets
        .zip(0_u64..)
        .take(usize::try_from(count).expect("a count"))
        .map(|(token_id, index)| Call::Mint {
            token_id: TokenId::from_number(token_id).expect("a token id"),
            recipient: recipient(index),
            settles_at,
        })
        .collect();
    assert_eq!(calls.len(), usize::try_from(count).expect("a count"), "there are too few sheets");
    let to = account_of(&house.contract);
    let signed = calls
        .chunks(GROUP)
        .zip(first_nonce..)
        .map(|(group, nonce)| {
            sign(&minter, nonce, Some(to), &contract::calldata(group).expect("calldata"), 9_000_000)
        })
        .collect();
    tell!("{count} mints in groups of {GROUP} are signed");
    push(chain, signed, GROUP_BATCH, &house.contract, count).await
}

async fn push(chain: &Anvil, signed: Vec<String>, batch: usize, contract: &str, count: u32) -> f64 {
    let from = chain.height().await;
    let client = reqwest::Client::new();
    let url: Arc<str> = chain.url().into();
    let mut under_way = JoinSet::new();
    for batch in signed.chunks(batch) {
        if under_way.len() >= AT_ONCE {
            under_way.join_next().await.expect("a batch").expect("a batch to arrive");
        }
        let questions: Vec<Value> = batch
            .iter()
            .enumerate()
            .map(|(id, raw)| json!({ "jsonrpc": "2.0", "id": id, "method": "eth_sendRawTransaction", "params": [raw] }))
            .collect();
        let (client, url) = (client.clone(), Arc::clone(&url));
        under_way.spawn(async move {
            let answer = client.post(url.as_ref()).json(&questions).send().await.expect("the node");
            let answers: Vec<Value> = answer.json().await.expect("JSON");
            let refused = answers.iter().find(|answer| answer.get("error").is_some());
            assert!(refused.is_none(), "{refused:?}");
        });
    }
    let inclusion = Inclusion::wait(chain, contract, from, u64::from(count));
    let (inclusion, ()) = tokio::join!(inclusion, async {
        while let Some(arrived) = under_way.join_next().await {
            arrived.expect("a batch to arrive");
        }
    });
    inclusion.rate(chain).await
}

fn sign(key: &SigningKey, nonce: u64, to: Option<Account>, data: &[u8], gas_limit: u64) -> String {
    let unsigned = Unsigned { chain_id: CHAIN_ID, nonce, to, data, gas_limit, fees: FEES };
    format!("0x{}", hex(&key.sign(&unsigned).expect("a signature").raw))
}

/// Creation code and selector of the compiled wrapper.
fn wrapper() -> (Vec<u8>, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(WRAPPER);
    let text =
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}: run `make bench`", path.display()));
    let wrapper: Value = serde_json::from_slice(&text).expect("JSON");
    let word = |name: &str| wrapper[name].as_str().unwrap_or_default().to_owned();
    (from_hex(&word("bytecode")), word("mint"))
}

fn recipient(index: u64) -> Account {
    let mut bytes = [0xb0; 20];
    bytes[..8].copy_from_slice(&(index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    Account::from_bytes(bytes)
}

fn account_of(text: &str) -> Account {
    text.to_lowercase().parse().expect("an address")
}

fn padded(account: Account) -> String {
    format!("{:0>64}", hex(account.as_bytes()))
}

fn from_hex(digits: &str) -> Vec<u8> {
    let digits = digits.strip_prefix("0x").unwrap_or(digits).as_bytes();
    let byte =
        |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex digits");
    digits.chunks(2).map(byte).collect()
}
