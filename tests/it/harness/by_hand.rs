//! What a test does to the chain and to the books by hand, and what it waits for in them.

use std::time::{Duration, Instant};

use minting::fees::Fees;
use minting::signer::{SigningKey, Unsigned};
use serde_json::{Value, json};
use tests::anvil::{hex, number};
use tests::oracle::tokens::{NOBODY, TRANSFER};

use super::app::{TestApp, Wallet};
use super::database::TestDb;

/// How long the service may take to do what is waited for.
const PATIENCE: Duration = Duration::from_mins(3);
/// The first four bytes of the Keccak-256 of `pause()`, `unpause()`, `grantRole(bytes32,address)`,
/// `revokeRole(bytes32,address)`, `MINTER_ROLE()`, `PAUSER_ROLE()` and `ownerOf(uint256)`.
pub(crate) const PAUSE: &str = "0x8456cb59";
pub(crate) const UNPAUSE: &str = "0x3f4ba83a";
pub(crate) const GRANT: &str = "0x2f2ff15d";
pub(crate) const REVOKE: &str = "0xd547741f";
pub(crate) const MINTER_ROLE: &str = "0xd5391393";
pub(crate) const PAUSER_ROLE: &str = "0xe63ab1e9";
pub(crate) const OWNER_OF: &str = "0x6352211e";
/// Somebody who works for the issuer, with a key that the service does not have.
pub(crate) const SOMEBODY: &str = "0x00000000000000000000000000000000000a11ce";

/// A service with an edition of one sheet that is open on chain, and the code on the sold sheet's card.
pub(crate) async fn shipped(db: &TestDb) -> (TestApp, String) {
    shipped_with(db, &[]).await
}

pub(crate) async fn shipped_with(db: &TestDb, settings: &[(&'static str, &str)]) -> (TestApp, String) {
    let app = TestApp::start_beside_a_chain_with(db, settings).await;
    let edition = app.publish_edition(1).await;
    app.opened(&edition).await;
    let card = app.shipped(&edition).await;
    (app, card)
}

/// A token whose mint is in the newest block, after which there is none; and the hash of that transaction.
pub(crate) async fn included(app: &TestApp, card: &str) -> (String, Value) {
    app.chain().stand_still().await;
    let token_id = app.redeem(card, &Wallet::fresh()).await.expect(202).at("/token/token_id");
    let ours = pool_of(app, 1).await;
    app.chain().mine(1).await;
    let path = format!("/v1/tokens/{token_id}");
    app.wait_until(&path, |token| token["tx_hash"] == ours[0]["hash"]).await;
    (token_id, ours[0]["hash"].clone())
}

/// Makes one block at that base fee.
pub(crate) async fn base_fee(app: &TestApp, fee: &str) {
    app.chain().ask("anvil_setNextBlockBaseFeePerGas", json!([fee])).await;
    app.chain().mine(1).await;
}

/// The transactions that wait to be mined, by their nonces.
async fn pool(app: &TestApp) -> Vec<Value> {
    let content = app.chain().ask("txpool_content", json!([])).await;
    let signers = content["pending"].as_object().into_iter().flat_map(|signers| signers.values());
    let waiting =
        signers.flat_map(|by_nonce| by_nonce.as_object().into_iter().flat_map(|each| each.values()));
    let mut waiting: Vec<Value> = waiting.cloned().collect();
    waiting.sort_by_key(|transaction| number(&transaction["nonce"]));
    waiting
}

pub(crate) async fn until_pool(app: &TestApp, done: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let found = pool(app).await;
        if done(&found) {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "the pool holds {found:#?}\n{}", app.log_tail());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

pub(crate) async fn pool_of(app: &TestApp, count: usize) -> Vec<Value> {
    until_pool(app, |found| found.len() == count).await
}

/// Waits until the books count so many.
pub(crate) async fn until_books(db: &TestDb, sql: &'static str, wanted: i64) {
    let begun = Instant::now();
    loop {
        let found = count_in_books(db, sql).await;
        if found == wanted {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{found} and not {wanted}: {sql}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

pub(crate) async fn count_in_books(db: &TestDb, sql: &'static str) -> i64 {
    let mut tx = db.db.begin_read().await.expect("the books");
    let (count,): (i64,) = tx.fetch_one(sql, &[]).await.expect("a count");
    count
}

pub(crate) async fn displaced(db: &TestDb) {
    until_books(db, "SELECT count(*) FROM transactions WHERE state = 'displaced'", 1).await;
}

/// The time is over in which calls that did not go through wait.
pub(crate) async fn let_parked_calls_go(db: &TestDb) {
    write(db, "UPDATE calls SET not_before_at = 0 WHERE state = 'queued'").await;
}

/// Whoever died keeps its lanes until their leases run out; here they have.
pub(crate) async fn free_lanes(db: &TestDb) {
    write(db, "UPDATE lanes SET lease_until = 0").await;
}

pub(crate) async fn write(db: &TestDb, statement: &'static str) {
    let mut tx = db.db.begin_write().await.expect("the books");
    tx.execute(statement, &[]).await.expect("an update");
    tx.commit().await.expect("a commit");
}

/// Mints are parked, some passes go by, and no more than `before` nonces were taken for any.
pub(crate) async fn parked_without_a_nonce(app: &TestApp, db: &TestDb, before: i64) {
    const MINTS: &str = "SELECT count(*) FROM transactions WHERE kind = 'mint'";
    let parked = app.counted("colophon_parked_total{kind=\"mint\"}").await;
    let begun = Instant::now();
    while app.counted("colophon_parked_total{kind=\"mint\"}").await < parked + 2 {
        assert!(begun.elapsed() < PATIENCE, "nothing is parked\n{}", app.log_tail());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(count_in_books(db, MINTS).await, before, "a nonce was taken in vain");
}

pub(crate) async fn count_of(app: &TestApp, account: &str) -> u64 {
    number(&app.chain().ask("eth_getTransactionCount", json!([account, "latest"])).await).expect("a count")
}

/// Who has a token, as a word of the contract; nothing where nobody has it.
pub(crate) async fn owner_of(app: &TestApp, token_id: u64) -> String {
    let call = json!([{ "to": app.contract(), "data": format!("{OWNER_OF}{token_id:064x}") }, "latest"]);
    let told = app.chain().try_ask("eth_call", call).await.unwrap_or_default();
    told.as_str().unwrap_or_default().to_owned()
}

/// The ids of all tokens that the chain ever minted, in the order of its log. One that was minted twice is there twice.
pub(crate) async fn minted(app: &TestApp) -> Vec<u64> {
    let filter =
        json!([{ "fromBlock": "earliest", "address": app.contract(), "topics": [TRANSFER, NOBODY] }]);
    let logs = app.chain().ask("eth_getLogs", filter).await;
    let id = |log: &Value| {
        let topic = log["topics"][3].as_str().and_then(|topic| topic.get(50..)).expect("a topic");
        u64::from_str_radix(topic, 16).expect("an id")
    };
    logs.as_array().expect("logs").iter().map(id).collect()
}

/// The admin gives an account a role.
pub(crate) async fn grant(app: &TestApp, role: &str, account: &str) {
    let data = role_call(app, GRANT, role, account).await;
    send_as(app, &app.signer("admin"), &data).await;
}

/// The admin takes it away.
pub(crate) async fn revoke(app: &TestApp, role: &str, account: &str) {
    let data = role_call(app, REVOKE, role, account).await;
    send_as(app, &app.signer("admin"), &data).await;
}

async fn role_call(app: &TestApp, verb: &str, role: &str, account: &str) -> String {
    let role = app.chain().ask("eth_call", json!([{ "to": app.contract(), "data": role }, "latest"])).await;
    let role = role.as_str().and_then(|word| word.strip_prefix("0x")).expect("a role").to_owned();
    let account = account.trim_start_matches("0x").to_lowercase();
    format!("{verb}{role}{account:0>64}")
}

/// Calls the contract with somebody's key and waits until it went through.
pub(crate) async fn send_as(app: &TestApp, account: &str, data: &str) {
    let hash = send_without_waiting(app, account, data).await;
    let begun = Instant::now();
    loop {
        let receipt = app.chain().ask("eth_getTransactionReceipt", json!([hash])).await;
        match receipt["status"].as_str() {
            Some("0x1") => return,
            Some(_) => panic!("{data} of {account} was refused"),
            None => assert!(begun.elapsed() < PATIENCE, "{data} of {account} is in no block"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

pub(crate) async fn send_without_waiting(app: &TestApp, account: &str, data: &str) -> Value {
    let chain = app.chain();
    chain.ask("anvil_setBalance", json!([account, "0x3635c9adc5dea00000"])).await;
    chain.ask("anvil_impersonateAccount", json!([account])).await;
    let call = json!({
        "from": account,
        "to": app.contract(),
        "data": data,
        "gas": "0x7a120",
        "maxFeePerGas": "0x174876e800",
        "maxPriorityFeePerGas": "0x174876e800",
    });
    chain.ask("eth_sendTransaction", json!([call])).await
}

/// The signed bytes of a transaction of nothing.
pub(crate) fn signed(key: &SigningKey, nonce: u64, to: catalog::account::Account, data: &[u8]) -> String {
    let fees = Fees { max_fee: 1_000_000_000_000, max_priority_fee: 1_000_000_000_000 };
    let unsigned = Unsigned { chain_id: 31_337, nonce, to: Some(to), data, gas_limit: 100_000, fees };
    format!("0x{}", hex(&key.sign(&unsigned).expect("a signature").raw))
}
