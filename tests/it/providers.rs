//! Several providers as one chain, some of which misbehave: real nodes, and in front of them servers that spoil
//! what they say. FAULTS rows 26 to 29, 37 to 44.

use std::sync::Arc;
use std::time::Duration;

use catalog::account::Account;
use catalog::chance::SystemChance;
use catalog::clock::Clock;
use minting::chain::{Chain, ChainError, CountAt};
use minting::fees::Fees;
use minting::providers::{Providers, Quarantine, Standing};
use minting::rpc::{Finality, RpcChain};
use minting::send_error::SendRefusal;
use minting::signer::{SignedBytes, SigningKey, Unsigned};
use minting::wallet::code_proof::CodeQuestion;
use minting::wallet::{self, WalletJudge};
use serde_json::json;
use tests::anvil::{Anvil, Blocks};

use crate::harness::clock::HandClock;
use crate::harness::crooked::{CrookedNode, Manner, eventually};

const CHAIN_ID: u64 = 31_337;
/// Where nobody listens.
const DEAD: &str = "http://127.0.0.1:9";

async fn connect(urls: &[&str], clock: &Arc<HandClock>) -> Arc<Providers> {
    let urls = urls.iter().map(|url| url.parse().expect("an address")).collect();
    let (clock, chance) = (Arc::clone(clock) as Arc<dyn Clock>, Arc::new(SystemChance));
    let contract = Account::from_bytes([7; 20]);
    Providers::connect(urls, contract, Finality::Tag, CHAIN_ID, clock, chance).await.expect("providers")
}

fn standings(providers: &Providers) -> Vec<&'static str> {
    providers.standings().iter().map(|told| told.standing.as_str()).collect()
}

/// An account with ether, and a transfer of nothing to itself at each nonce.
struct Sender(SigningKey);

impl Sender {
    async fn on(chain: &Anvil) -> Self {
        let key = SigningKey::generate(&SystemChance);
        let account = wallet::checksummed(key.account());
        chain.ask("anvil_setBalance", json!([account, "0x3635c9adc5dea00000"])).await;
        Self(key)
    }

    fn transfer(&self, nonce: u64) -> SignedBytes {
        let fees = Fees { max_fee: 10_000_000_000, max_priority_fee: 1_000_000_000 };
        let to = Some(self.0.account());
        let unsigned = Unsigned { chain_id: CHAIN_ID, nonce, to, data: &[], gas_limit: 21_000, fees };
        self.0.sign(&unsigned).expect("signed bytes")
    }
}

/// A chain with a transfer in a final block.
async fn chain_with_a_final_transfer() -> (Anvil, Sender, SignedBytes) {
    let chain = Anvil::start(Blocks::OnDemand);
    let sender = Sender::on(&chain).await;
    let transfer = sender.transfer(0);
    chain.ask("eth_sendRawTransaction", json!([format!("0x{}", hex(&transfer.raw))])).await;
    chain.mine(10).await;
    (chain, sender, transfer)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn is_open<T>(answer: &Result<T, ChainError>) -> bool {
    matches!(answer, Err(ChainError::NoAgreement { .. }))
}

#[tokio::test]
async fn with_the_primary_dead_a_liar_and_an_honest_provider_prove_nothing() {
    let (chain, sender, transfer) = chain_with_a_final_transfer().await;
    let account = sender.0.account();
    let primary = CrookedNode::start(chain.url(), Manner::Page(502)).await;
    let liar = CrookedNode::start(chain.url(), Manner::Lying).await;
    let clock = HandClock::new();
    let providers = connect(&[primary.url(), liar.url(), chain.url()], &clock).await;
    assert_eq!(standings(&providers), ["paused", "healthy", "healthy"]);

    assert!(is_open(&providers.receipt(transfer.hash).await));
    let height = CountAt::Height(5);
    assert!(is_open(&providers.transaction_count(account, height).await));
    // The liar says that the newest block is final. Two voices of three reach the honest one's height alone.
    let honest =
        RpcChain::new(chain.url().parse().expect("an address"), account, Finality::Tag).expect("a node");
    assert_eq!(providers.finalized().await.expect("agreement"), honest.finalized().await.expect("an answer"));

    // The primary comes back, and the liar is outvoted.
    primary.behave(Manner::Honest);
    clock.wait(Duration::from_secs(61));
    providers.look().await;
    assert_eq!(standings(&providers), ["healthy", "healthy", "healthy"]);
    let receipt = providers.receipt(transfer.hash).await.expect("agreement").expect("a receipt");
    assert!(receipt.succeeded);
    assert_eq!(providers.transaction_count(account, height).await.expect("agreement"), 1);
    assert_eq!(providers.transaction_count(account, CountAt::Latest).await.expect("agreement"), 1);
    let final_hash = providers.block_hash(receipt.block.number).await.expect("agreement");
    assert_eq!(final_hash, Some(receipt.block.hash));
}

#[tokio::test]
async fn a_lagging_replicas_null_is_no_absence() {
    let (chain, sender, transfer) = chain_with_a_final_transfer().await;
    let lagging = CrookedNode::start(chain.url(), Manner::Lagging(10)).await;
    let second = CrookedNode::start(chain.url(), Manner::Honest).await;
    let providers = connect(&[lagging.url(), second.url(), chain.url()], &HandClock::new()).await;
    let finalized = providers.finalized().await.expect("agreement");
    assert_eq!(finalized.number, chain.height().await - 2);

    // It is there for two of three, whatever the first one says.
    assert!(providers.receipt(transfer.hash).await.expect("agreement").is_some());
    // What never was is missing for the two that know the final block.
    let never_sent = sender.transfer(9).hash;
    assert_eq!(providers.receipt(never_sent).await.expect("agreement"), None);
    // One of them fails: the one that lags cannot stand in for it.
    second.behave(Manner::Page(503));
    assert!(is_open(&providers.receipt(never_sent).await));
    assert!(is_open(&providers.receipt(transfer.hash).await));
    // Two of three have reached the lagging one's height only. That makes us wait, and makes its silence no evidence.
    assert!(providers.finalized().await.expect("agreement").number < finalized.number);
    assert!(is_open(&providers.receipt(never_sent).await));
    // With it gone too nobody agrees on anything; what was final stays so.
    let known = providers.finalized().await.expect("agreement");
    lagging.behave(Manner::Page(503));
    assert_eq!(providers.finalized().await.expect("what was agreed"), known);
    assert!(is_open(&providers.block_hash(1).await));
}

#[tokio::test]
async fn a_provider_that_failed_before_the_clock_was_set_back_is_used_again_when_it_answers() {
    let (chain, sender, transfer) = chain_with_a_final_transfer().await;
    let provider = CrookedNode::start(chain.url(), Manner::Honest).await;
    let clock = HandClock::new();
    let providers = connect(&[provider.url()], &clock).await;
    provider.behave(Manner::Page(502));
    assert!(providers.receipt(transfer.hash).await.is_err());
    assert_eq!(standings(&providers), ["paused"]);
    provider.behave(Manner::Honest);
    clock.set_back(Duration::from_hours(24));
    assert!(providers.receipt(transfer.hash).await.expect("an answer").is_some());
    assert_eq!(providers.send(&sender.transfer(1).raw).await, Ok(()));
}

#[tokio::test]
async fn one_provider_alone_is_believed_as_before() {
    let (chain, sender, transfer) = chain_with_a_final_transfer().await;
    let providers = connect(&[chain.url()], &HandClock::new()).await;
    assert_eq!(providers.finalized().await.expect("an answer").number, chain.height().await - 2);
    assert!(providers.receipt(transfer.hash).await.expect("an answer").is_some());
    assert_eq!(providers.receipt(sender.transfer(9).hash).await.expect("an answer"), None);
    let count = providers.transaction_count(sender.0.account(), CountAt::Height(5)).await;
    assert_eq!(count.expect("an answer"), 1);
}

#[tokio::test]
async fn a_provider_of_another_chain_gets_no_bytes() {
    let chain = Anvil::start(Blocks::OnDemand);
    let sender = Sender::on(&chain).await;
    let stranger = CrookedNode::start(chain.url(), Manner::OtherChain(5)).await;
    let turncoat = CrookedNode::start(chain.url(), Manner::Honest).await;
    let clock = HandClock::new();
    let providers = connect(&[stranger.url(), turncoat.url(), chain.url()], &clock).await;
    let quarantined = Standing::Quarantined(Quarantine::OtherChain(5));
    assert_eq!(providers.standings()[0].standing, quarantined);
    assert_eq!(providers.send(&sender.transfer(0).raw).await, Ok(()));
    eventually(|| turncoat.asked("eth_sendRawTransaction").len() == 1).await;

    // It restarts as another chain: found at the next check, before anything is sent to it.
    turncoat.behave(Manner::OtherChain(5));
    clock.wait(Duration::from_secs(61));
    providers.look().await;
    assert_eq!(providers.standings()[1].standing, quarantined);
    assert_eq!(providers.send(&sender.transfer(1).raw).await, Ok(()));
    assert_eq!(turncoat.asked("eth_sendRawTransaction").len(), 1);
    assert!(stranger.asked("eth_sendRawTransaction").is_empty());

    // Both come back as ours.
    stranger.behave(Manner::Honest);
    turncoat.behave(Manner::Honest);
    clock.wait(Duration::from_secs(61));
    providers.look().await;
    assert_eq!(standings(&providers), ["healthy", "healthy", "healthy"]);
}

#[tokio::test]
async fn a_provider_whose_chain_begins_with_another_block_is_quarantined() {
    let chain = Anvil::start(Blocks::OnDemand);
    let second = CrookedNode::start(chain.url(), Manner::Honest).await;
    // A first block is told apart by its second.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let other = Anvil::start(Blocks::OnDemand);
    let providers = connect(&[chain.url(), second.url(), other.url()], &HandClock::new()).await;
    assert_eq!(standings(&providers), ["healthy", "healthy", "quarantined"]);
    assert_eq!(providers.standings()[2].standing, Standing::Quarantined(Quarantine::OtherGenesis));
}

#[tokio::test]
async fn a_provider_that_refuses_for_its_chain_is_asked_who_it_is_before_it_is_used_again() {
    let chain = Anvil::start(Blocks::OnDemand);
    let sender = Sender::on(&chain).await;
    let refusing = CrookedNode::start(chain.url(), Manner::Refusing("invalid chain id for signer")).await;
    let providers = connect(&[refusing.url()], &HandClock::new()).await;
    let refusal = providers.send(&sender.transfer(0).raw).await;
    assert!(matches!(refusal, Err(SendRefusal::WrongChain(_))), "{refusal:?}");
    assert_eq!(standings(&providers), ["unchecked"]);
}

#[tokio::test]
async fn signed_bytes_reach_every_healthy_provider_and_the_strongest_answer_counts() {
    let chain = Anvil::start(Blocks::OnDemand);
    let sender = Sender::on(&chain).await;
    let poor =
        CrookedNode::start(chain.url(), Manner::Refusing("insufficient funds for gas * price + value")).await;
    let odd = CrookedNode::start(chain.url(), Manner::Refusing("the moon is full")).await;
    let good = CrookedNode::start(chain.url(), Manner::Honest).await;
    let providers = connect(&[poor.url(), odd.url(), good.url()], &HandClock::new()).await;
    let bytes = sender.transfer(0);
    assert_eq!(providers.send(&bytes.raw).await, Ok(()));
    let sent = vec![json!([format!("0x{}", hex(&bytes.raw))])];
    for node in [&poor, &odd, &good] {
        eventually(|| node.asked("eth_sendRawTransaction") == sent).await;
    }
    // What a node says of the transaction is no fault of the provider.
    assert_eq!(standings(&providers), ["healthy", "healthy", "healthy"]);
    good.behave(Manner::Page(429));
    assert_eq!(providers.send(&bytes.raw).await, Err(SendRefusal::InsufficientFunds));
    assert_eq!(standings(&providers), ["healthy", "healthy", "paused"]);
}

#[tokio::test]
async fn questions_stay_with_one_provider_until_it_fails() {
    let chain = Anvil::start(Blocks::OnDemand);
    let first = CrookedNode::start(chain.url(), Manner::Honest).await;
    let second = CrookedNode::start(chain.url(), Manner::Honest).await;
    let clock = HandClock::new();
    let providers = connect(&[first.url(), second.url()], &clock).await;
    let asked = || (first.asked("eth_getBalance").len(), second.asked("eth_getBalance").len());
    let ask = async || providers.balance(Account::from_bytes([1; 20])).await.expect("an answer");
    for _ in 0..3 {
        ask().await;
    }
    assert_eq!(asked(), (3, 0));
    first.behave(Manner::Page(500));
    ask().await;
    ask().await;
    assert_eq!(asked(), (4, 2));
    // Well again, but not at once in use again: first it must stay well from one check to the next.
    first.behave(Manner::Honest);
    clock.wait(Duration::from_secs(61));
    providers.look().await;
    ask().await;
    assert_eq!(asked(), (4, 3));
    clock.wait(Duration::from_secs(61));
    providers.look().await;
    ask().await;
    assert_eq!(asked(), (5, 3));
}

#[tokio::test]
async fn no_answer_however_bad_does_more_than_fail() {
    let chain = Anvil::start(Blocks::OnDemand);
    let target = CrookedNode::start(chain.url(), Manner::Honest).await;
    let manners = [
        Manner::Page(429),
        Manner::Page(500),
        Manner::Page(502),
        Manner::Huge,
        Manner::Drip,
        Manner::Malformed,
        Manner::WrongId,
        Manner::Nested,
        Manner::Redirect(target.url().to_owned()),
    ];
    let check = async |manner: Manner| {
        let crooked = CrookedNode::start(chain.url(), Manner::Honest).await;
        let address = crooked.url().replace("http://", "http://user:hunter2@") + "/v2/hunter2";
        let clock = HandClock::new();
        let providers = connect(&[&address, chain.url()], &clock).await;
        crooked.behave(manner.clone());
        assert_eq!(
            providers.head().await.expect("the second's answer").number,
            chain.height().await,
            "{manner:?}"
        );
        assert_eq!(standings(&providers), ["paused", "healthy"], "{manner:?}");

        let node =
            RpcChain::new(address.parse().expect("an address"), Account::from_bytes([7; 20]), Finality::Tag);
        let node = node.expect("a node");
        let error = node.head().await.expect_err("no answer");
        assert!(error.is_of_the_provider(), "{manner:?}: {error}");
        let sent = node.send(&[1, 2, 3]).await;
        assert!(
            matches!(sent, Err(SendRefusal::Unknown(_) | SendRefusal::ProviderBusy(_))),
            "{manner:?}: {sent:?}"
        );
        let shown = format!("{error} {error:?} {sent:?} {providers:?} {node:?} {}", providers.describe());
        assert!(!shown.contains("hunter2") && shown.contains("1 127.0.0.1"), "{shown}");
        // 200 MB were offered each time.
        assert!(crooked.bytes_given() < 3 * (32 << 20), "{} bytes were taken", crooked.bytes_given());
    };
    futures_util::future::join_all(manners.into_iter().map(check)).await;
    assert!(target.asked("eth_getBlockByNumber").is_empty(), "a redirect was followed");
}

#[tokio::test]
async fn with_every_provider_down_questions_fail_and_come_back_by_themselves() {
    let chain = Anvil::start(Blocks::OnDemand);
    let node = CrookedNode::start(chain.url(), Manner::Honest).await;
    let providers = connect(&[node.url(), DEAD], &HandClock::new()).await;
    assert_eq!(providers.chain_id().await.expect("an answer"), CHAIN_ID);
    node.behave(Manner::Page(503));
    for _ in 0..3 {
        providers.chain_id().await.expect_err("no answer");
    }
    // The clock stands: nobody waits for the end of a pause when there is nobody else to ask.
    node.behave(Manner::Honest);
    assert_eq!(providers.chain_id().await.expect("an answer"), CHAIN_ID);
}

/// What a liar would have us believe of an account without code.
fn question() -> Arc<CodeQuestion> {
    let account = Account::from_bytes([9; 20]);
    Arc::new(CodeQuestion::parse(account, "text", "0xabcd").expect("a question"))
}

#[tokio::test]
async fn a_liar_alone_proves_no_wallet() {
    let node = Anvil::start(Blocks::OnDemand);
    node.mine(1).await;
    let liar = CrookedNode::start(node.url(), Manner::Lying).await;
    let [one, other] = [(); 2].map(|()| CrookedNode::start(node.url(), Manner::Honest));
    let (one, other) = (one.await, other.await);
    let clock = HandClock::new();
    let believed = connect(&[liar.url()], &clock).await;
    assert!(believed.takes_signature(question()).await.expect("a lie"), "a single provider is believed");
    let three = connect(&[liar.url(), one.url(), other.url()], &clock).await;
    assert!(!three.takes_signature(question()).await.expect("an answer"));
    let split = connect(&[liar.url(), one.url(), DEAD], &clock).await;
    let judge = WalletJudge::new(split);
    let judged = judge.judge(Account::from_bytes([9; 20]), "text", "0xabcd").await;
    assert!(
        matches!(judged, Err(wallet::ProofError::Unanswered(ChainError::NoAgreement { .. }))),
        "{judged:?}"
    );
}
