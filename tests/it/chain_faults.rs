//! What the chain does to transactions: it drops them, gives their nonces to others, and forgets final blocks.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::anvil::Anvil;

use crate::harness::app::{TestApp, Wallet};

/// How long the service may take to do what is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

both_databases! {
    async fn a_transaction_dropped_from_the_pool_is_sent_again_and_mines_once(db: TestDb) {
        let app = TestApp::start_beside_a_chain(&db).await;
        let edition = app.publish_edition(1).await;
        app.opened(&edition).await;
        let code = app.shipped(&edition).await;
        let chain = app.chain();
        chain.stand_still().await;
        let buyer = Wallet::fresh();
        let token_id = app.redeem(&code, &buyer).await.expect(202).at("/token/token_id");
        let first = pool_of(chain, 1).await;
        chain.ask("anvil_dropTransaction", json!([first[0].1])).await;
        assert_eq!(pool_of(chain, 1).await, first, "the same bytes");
        chain.go_on().await;
        assert_eq!(app.recorded(&token_id).await["recipient"], buyer.address());
    }

    async fn a_wiped_pool_is_sent_again_with_the_same_nonces(db: TestDb) {
        let app = TestApp::start_beside_a_chain(&db).await;
        let edition = app.publish_edition(3).await;
        app.opened(&edition).await;
        let codes = [app.shipped(&edition).await, app.shipped(&edition).await, app.shipped(&edition).await];
        let chain = app.chain();
        chain.stand_still().await;
        let mut token_ids = Vec::new();
        for code in &codes {
            token_ids.push(app.redeem(code, &Wallet::fresh()).await.expect(202).at("/token/token_id"));
            // One by one, so that they do not share a transaction.
            pool_of(chain, token_ids.len()).await;
        }
        let first = pool_of(chain, 3).await;
        chain.ask("anvil_dropAllTransactions", json!([])).await;
        assert_eq!(pool_of(chain, 3).await, first, "the same bytes at the same nonces");
        chain.go_on().await;
        for token_id in token_ids {
            app.recorded(&token_id).await;
        }
    }

    async fn a_nonce_that_somebody_else_took_is_given_up_when_that_is_final_and_the_token_minted_once(db: TestDb) {
        let app = TestApp::start_beside_a_chain(&db).await;
        let edition = app.publish_edition(1).await;
        app.opened(&edition).await;
        let code = app.shipped(&edition).await;
        let chain = app.chain();
        chain.stand_still().await;
        let buyer = Wallet::fresh();
        let token_id = app.redeem(&code, &buyer).await.expect(202).at("/token/token_id");
        let ours = pool_of(chain, 1).await;
        let minter = minter_of(&app);
        chain.ask("anvil_dropTransaction", json!([ours[0].1])).await;
        send_as(chain, &minter, 0).await;
        chain.go_on().await;
        let token = app.recorded(&token_id).await;
        assert_eq!(token["recipient"], buyer.address());
        assert_ne!(token["tx_hash"], json!(ours[0].1), "another nonce, another transaction");
        assert_eq!(count_of(chain, &minter).await, json!("0x2"));
    }

    async fn a_key_that_somebody_else_uses_freezes_its_lane_for_good(db: TestDb) {
        let mut app = TestApp::start_beside_a_chain(&db).await;
        let minter = minter_of(&app);
        send_as(app.chain(), &minter, 0).await;
        until_count(app.chain(), &minter, "0x1").await;
        app.die();
        app.start_again().await;
        let lanes = lanes_until(&app, |lanes| frozen(lanes).count() == 1).await;
        assert!(lanes.iter().any(|lane| lane.contains(&minter) && lane.contains("the chain counts 1")), "{lanes:#?}");
        assert!(app.objects(&["lane", "resume", &minter]).contains("somebody else uses the key"));
    }

    async fn a_signer_that_cannot_pay_takes_no_nonce_and_goes_on_by_itself(db: TestDb) {
        let app = TestApp::start_beside_a_chain(&db).await;
        let edition = app.publish_edition(1).await;
        app.opened(&edition).await;
        let code = app.shipped(&edition).await;
        let minter = minter_of(&app);
        app.chain().ask("anvil_setBalance", json!([minter, "0x1"])).await;
        let token_id = app.redeem(&code, &Wallet::fresh()).await.expect(202).at("/token/token_id");
        let parked = until_counted(&app, "colophon_parked_total{kind=\"mint\"}").await;
        assert!(parked > 0);
        let mut tx = db.db.begin_read().await.expect("the books");
        let (bound,): (i64,) =
            tx.fetch_one("SELECT count(*) FROM transactions WHERE kind = 'mint'", &[]).await.expect("a count");
        assert_eq!(bound, 0, "a nonce was taken in vain");
        drop(tx);
        app.chain().ask("anvil_setBalance", json!([minter, "0x3635c9adc5dea00000"])).await;
        app.recorded(&token_id).await;
    }

    async fn a_reorg_deeper_than_finality_freezes_the_lanes_until_an_operator_resumes_them(db: TestDb) {
        let mut app = TestApp::start_beside_a_chain(&db).await;
        let ground = app.chain().height().await;
        let edition = app.publish_edition(2).await;
        let (code, buyer) = (app.shipped(&edition).await, Wallet::fresh());
        let token_id = app.redeem(&code, &buyer).await.expect(202).at("/token/token_id");
        app.recorded(&token_id).await;

        let depth = app.chain().height().await - ground;
        app.chain().ask("anvil_reorg", json!([depth, []])).await;
        // A process that starts compares the books with the chain before it does anything else.
        app.die();
        app.start_again().await;
        let frozen = lanes_until(&app, |lanes| frozen(lanes).count() == 2).await;
        assert!(frozen.iter().all(|lane| !lane.contains("frozen") || lane.contains("no longer has the final block")));

        // Claims are taken meanwhile, and nothing of them is sent.
        let (code, other) = (app.shipped(&edition).await, Wallet::fresh());
        let waiting = app.redeem(&code, &other).await.expect(202).at("/token/token_id");
        let minter = frozen.iter().find(|lane| lane.contains("minter")).expect("the minter's lane");
        assert_eq!(count_of(app.chain(), signer_of(minter)).await, json!("0x0"));

        // A mint into an edition that is not open again would be passed over.
        let curator = frozen.iter().find(|lane| lane.contains("curator")).expect("the curator's lane");
        let said = app.objects(&["lane", "resume", signer_of(minter)]);
        assert!(said.contains(&format!("resume the lane of {}", signer_of(curator).to_lowercase())), "{said}");
        let one_lost = ["1 transactions that the chain had lost are under way again"];
        assert_eq!(app.say(&["lane", "resume", signer_of(curator)]), one_lost);
        app.opened(&edition).await;
        assert_eq!(app.say(&["lane", "resume", signer_of(minter)]), one_lost);
        let again = app.recorded(&token_id).await;
        assert_eq!(again["recipient"], buyer.address());
        assert_eq!(app.recorded(&waiting).await["recipient"], other.address());
        assert_eq!(count_of(app.chain(), signer_of(minter)).await, json!("0x2"));
        assert_eq!(frozen_now(&app), 0);
    }
}

/// Waits until the pool holds `count` transactions; nonce and hash of each.
async fn pool_of(chain: &Anvil, count: usize) -> Vec<(String, String)> {
    let begun = Instant::now();
    loop {
        let content = chain.ask("txpool_content", json!([])).await;
        let mut found = Vec::new();
        for by_nonce in content["pending"].as_object().into_iter().flat_map(|signers| signers.values()) {
            for (nonce, transaction) in by_nonce.as_object().into_iter().flatten() {
                found.push((nonce.clone(), transaction["hash"].as_str().unwrap_or_default().to_owned()));
            }
        }
        found.sort();
        if found.len() == count {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "the pool holds {content:#}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until the lanes stand as `done` has them.
async fn lanes_until(app: &TestApp, done: impl Fn(&[String]) -> bool) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let lanes = app.say(&["lane", "list"]);
        if done(&lanes) {
            return lanes;
        }
        assert!(begun.elapsed() < PATIENCE, "the lanes are {lanes:#?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn frozen(lanes: &[String]) -> impl Iterator<Item = &String> {
    lanes.iter().filter(|lane| lane.contains("frozen"))
}

fn frozen_now(app: &TestApp) -> usize {
    frozen(&app.say(&["lane", "list"])).count()
}

fn signer_of(lane: &str) -> &str {
    lane.split('\t').next().expect("a signer")
}

async fn count_of(chain: &Anvil, signer: &str) -> Value {
    chain.ask("eth_getTransactionCount", json!([signer, "latest"])).await
}

fn minter_of(app: &TestApp) -> String {
    let lanes = app.say(&["lane", "list"]);
    signer_of(lanes.iter().find(|lane| lane.contains("minter")).expect("the minter's lane")).to_owned()
}

/// Sends nothing to itself with somebody's key, for a fee that nobody outbids.
async fn send_as(chain: &Anvil, account: &str, nonce: u64) {
    chain.ask("anvil_impersonateAccount", json!([account])).await;
    let transaction = json!({
        "from": account,
        "to": account,
        "nonce": format!("{nonce:#x}"),
        "gas": "0x5208",
        "maxFeePerGas": "0xe8d4a51000",
        "maxPriorityFeePerGas": "0xe8d4a51000",
    });
    chain.ask("eth_sendTransaction", json!([transaction])).await;
    chain.ask("anvil_stopImpersonatingAccount", json!([account])).await;
}

async fn until_count(chain: &Anvil, account: &str, count: &str) {
    let begun = Instant::now();
    while count_of(chain, account).await != json!(count) {
        assert!(begun.elapsed() < PATIENCE, "{account} did not come to {count} transactions");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until a counter of `/metrics` stands above nothing.
async fn until_counted(app: &TestApp, counter: &str) -> u64 {
    let begun = Instant::now();
    loop {
        match app.counted(counter).await {
            0 => assert!(begun.elapsed() < PATIENCE, "{counter} stands still"),
            count => return count,
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
