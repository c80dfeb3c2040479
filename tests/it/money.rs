//! Money for gas runs out and comes back: the real program on a real chain. FAULTS rows 52 and 59.

use catalog::clock::{Clock, SystemClock};
use minting::{purse, store};
use serde_json::{Value, json};

use crate::harness::app::{TestApp, Wallet};

const BUDGET: &str = "COLOPHON_MINTING__DAILY_GAS_BUDGET_GWEI";

both_databases! {
    async fn a_day_over_its_budget_takes_no_nonce_and_goes_on_when_there_is_more(db: TestDb) {
        let mut app = TestApp::start(&db).await;
        let edition = app.publish_edition(2).await;
        app.opened(&edition).await;
        let code = app.shipped(&edition).await;
        app.die();
        // Whoever dies keeps its lanes so long.
        app.set("COLOPHON_MINTING__LEASE_SECONDS", "5");
        app.set(BUDGET, "1");
        app.start_again().await;
        let minter = app.signer("minter");
        let before = count(&app, &minter).await;
        let token_id = app.redeem(&code, &Wallet::fresh()).await.expect(202).at("/token/token_id");
        // One alarm, however often it is tried.
        app.measures("colophon_cannot_pay_total{reason=\"budget\"} 1").await;
        waits(&app, &token_id).await;
        assert_eq!(count(&app, &minter).await, before);

        app.die();
        app.set(BUDGET, "1000000000");
        app.start_again().await;
        app.recorded(&token_id).await;
        assert_eq!(count(&app, &minter).await, before + 1);
    }

    async fn what_a_final_transaction_really_cost_takes_the_place_of_its_worst(db: TestDb) {
        let app = TestApp::start(&db).await;
        let edition = app.publish_edition(2).await;
        let opened = app.opened(&edition).await;
        let code = app.shipped(&edition).await;
        let token_id = app.redeem(&code, &Wallet::fresh()).await.expect(202).at("/token/token_id");
        let token = app.recorded(&token_id).await;
        let mut cost = 0;
        for hash in [&opened["recording"]["tx_hash"], &token["tx_hash"]] {
            let receipt = ask(&app, "eth_getTransactionReceipt", json!([hash])).await;
            let wei = number(&receipt["gasUsed"]) * number(&receipt["effectiveGasPrice"]);
            cost += wei.div_ceil(1_000_000_000);
        }
        // Over midnight it would be two days.
        let today = purse::day_of(SystemClock.now());
        let mut tx = db.db.begin_read().await.expect("a transaction");
        let mut spent = 0;
        for day in [today - 1, today] {
            spent += store::spent_on(&mut tx, day).await.expect("a sum").get();
        }
        assert_eq!(spent, cost);
    }

    async fn a_minter_without_money_takes_no_nonce_and_goes_on_by_itself_once_it_is_topped_up(db: TestDb) {
        let app = TestApp::start(&db).await;
        let edition = app.publish_edition(2).await;
        app.opened(&edition).await;
        let code = app.shipped(&edition).await;
        let minter = app.signer("minter");
        ask(&app, "anvil_setBalance", json!([minter, "0x1"])).await;
        let before = count(&app, &minter).await;
        let token_id = app.redeem(&code, &Wallet::fresh()).await.expect(202).at("/token/token_id");
        app.measures("colophon_cannot_pay_total{reason=\"funds\"} 1").await;
        app.measures(&format!("colophon_cannot_pay{{signer=\"{}\"}} 1", minter.to_lowercase())).await;
        waits(&app, &token_id).await;
        assert_eq!(count(&app, &minter).await, before);

        ask(&app, "anvil_setBalance", json!([minter, "0x3635c9adc5dea00000"])).await;
        app.recorded(&token_id).await;
        app.measures("colophon_cannot_pay_total{reason=\"funds\"} 1").await;
        app.measures(&format!("colophon_cannot_pay{{signer=\"{}\"}} 0", minter.to_lowercase())).await;
        assert_eq!(count(&app, &minter).await, before + 1);
    }
}

/// Some passes later a token is still not on its way.
async fn waits(app: &TestApp, token_id: &str) {
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let token = app.get(&format!("/v1/tokens/{token_id}")).await.expect(200).body;
    assert_eq!(token["progress"], "reserved", "{token:#}");
}

async fn count(app: &TestApp, account: &str) -> u64 {
    let count = ask(app, "eth_getTransactionCount", json!([account, "pending"])).await;
    number(&count)
}

fn number(quantity: &Value) -> u64 {
    let digits = quantity.as_str().and_then(|text| text.strip_prefix("0x")).expect("a quantity");
    u64::from_str_radix(digits, 16).expect("a quantity")
}

async fn ask(app: &TestApp, method: &str, parameters: Value) -> Value {
    let question = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": parameters });
    let answer = reqwest::Client::new().post(app.chain_url()).json(&question).send().await;
    let mut answer: Value = answer.expect("the chain to answer").json().await.expect("JSON");
    assert!(answer.get("error").is_none(), "{method}: {answer}");
    answer["result"].take()
}
