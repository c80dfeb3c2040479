//! A node that answers late, takes what it never passes on, estimates badly or refuses for a while, and a chain that stands:
//! whatever it does, each mint is on chain once. FAULTS rows 26, 34, 45, 46, 60.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::anvil::number;
use tests::oracle::tokens::TRANSFER;

use crate::harness::app::{TestApp, Wallet};
use crate::harness::by_hand::{
    count_in_books, count_of, let_parked_calls_go, owner_of, pool_of, shipped, shipped_with, until_books,
};
use crate::harness::crooked::{CrookedNode, Manner};
use crate::harness::database::TestDb;

const PATIENCE: Duration = Duration::from_mins(1);
/// A fee is raised after this, and the longest that a node keeps what it was sent is longer than the service waits for it.
const SOON: [(&str, &str); 1] = [("COLOPHON_MINTING__BUMP_AFTER_SECONDS", "2")];
const LONGER_THAN_PATIENCE: Duration = Duration::from_secs(13);
/// `JUMPDEST PUSH1 0 JUMP`: uses up all gas.
const ENDLESS: &str = "0x5b600056";
const ATTEMPTS: &str = "SELECT count(*) FROM attempts";

both_databases! {
    async fn bytes_that_come_to_the_chain_after_they_were_given_up_waiting_for_mint_once(db: TestDb) {
        let (app, node, card) = behind_a_provider(&db, &[]).await;
        node.behave(Manner::Late(LONGER_THAN_PATIENCE));
        let buyer = Wallet::fresh();
        let token_id = app.redeem(&card, &buyer).await.expect(202).at("/token/token_id");
        assert_eq!(app.recorded(&token_id).await["recipient"], buyer.address());
        // What is late still comes, after its mint was seen.
        tokio::time::sleep(LONGER_THAN_PATIENCE).await;
        assert_eq!(count_of(&app, &app.signer("minter")).await, 1);
        minted_by_one_of(&app, &db, &token_id).await;
    }

    async fn bytes_that_a_node_held_and_let_go_late_displace_their_successors_and_mint_once(db: TestDb) {
        let (app, node, card) = behind_a_provider(&db, &SOON).await;
        // It says that it has them, and passes them on to nobody.
        node.behave(Manner::Refusing("already known"));
        let token_id = app.redeem(&card, &Wallet::fresh()).await.expect(202).at("/token/token_id");
        let offered = until_offered(&node, 3).await;
        assert_eq!(count_of(&app, &app.signer("minter")).await, 0);

        // The last one comes into a block, a reorg takes it out again, and the first one has its place.
        app.chain().stand_still().await;
        app.chain().ask("eth_sendRawTransaction", json!([offered[2]])).await;
        app.chain().mine(1).await;
        until_books(&db, "SELECT count(*) FROM transactions WHERE kind = 'mint' AND state = 'included'", 1).await;
        app.chain().ask("anvil_reorg", json!([1, [[offered[0], 0]]])).await;
        app.chain().go_on().await;
        node.behave(Manner::Honest);
        app.recorded(&token_id).await;
        assert_eq!(count_of(&app, &app.signer("minter")).await, 1);
        minted_by_one_of(&app, &db, &token_id).await;
    }

    async fn what_a_node_has_waiting_is_not_asked_of_when_a_mint_is_tried_out(db: TestDb) {
        // A node that has a pending block may make it anew for each question about it.
        let (app, node, card) = behind_a_provider(&db, &[]).await;
        // For the first one the node's own estimate is asked, and believed for a while.
        for card in [card, another(&app).await] {
            let token_id = app.redeem(&card, &Wallet::fresh()).await.expect(202).at("/token/token_id");
            app.recorded(&token_id).await;
        }
        let minter = app.signer("minter").to_lowercase();
        let mut tried = node.asked("eth_call");
        tried.retain(|parameters| parameters[0]["from"] == minter.as_str());
        assert!(!tried.is_empty());
        assert!(tried.iter().all(|parameters| parameters[1] == "latest"), "{tried:#?}");
    }

    async fn bad_estimates_take_no_nonce_in_vain_and_leave_no_mint_without_gas(db: TestDb) {
        let (app, node, card) = behind_a_provider(&db, &[]).await;
        node.behave(Manner::Failing("eth_estimateGas"));
        let first = app.redeem(&card, &Wallet::fresh()).await.expect(202).at("/token/token_id");
        stopped_passes(&app, 2).await;
        assert_eq!(count_in_books(&db, "SELECT count(*) FROM transactions WHERE kind = 'mint'").await, 0);
        // Less than any transaction needs.
        node.behave(Manner::Estimating(21_000));
        app.recorded(&first).await;
        assert_eq!(count_of(&app, &app.signer("minter")).await, 1, "none was lost");
    }

    async fn a_mint_that_ran_out_of_gas_is_minted_at_another_nonce_when_that_is_final(db: TestDb) {
        let (app, card) = shipped(&db).await;
        app.chain().stand_still().await;
        let token_id = app.redeem(&card, &Wallet::fresh()).await.expect(202).at("/token/token_id");
        let ours = pool_of(&app, 1).await;
        let code = app.chain().ask("eth_getCode", json!([app.contract(), "latest"])).await;
        app.chain().ask("anvil_setCode", json!([app.contract(), ENDLESS])).await;
        app.chain().mine(1).await;
        app.chain().ask("anvil_setCode", json!([app.contract(), code])).await;
        let receipt = app.chain().ask("eth_getTransactionReceipt", json!([ours[0]["hash"]])).await;
        assert_eq!((&receipt["status"], &receipt["gasUsed"]), (&json!("0x0"), &ours[0]["gas"]), "out of gas");

        // In a block that may still go: nothing else is tried.
        until_books(&db, "SELECT count(*) FROM transactions WHERE kind = 'mint' AND state = 'included'", 1).await;
        let_parked_calls_go(&db).await;
        a_few_passes().await;
        assert_eq!(count_in_books(&db, "SELECT count(*) FROM transactions WHERE kind = 'mint'").await, 1);
        assert_eq!(owner_of(&app, 1_000_100).await, "", "the id is unused");
        app.chain().go_on().await;
        until_books(&db, "SELECT count(*) FROM transactions WHERE state = 'reverted_confirmed'", 1).await;
        let_parked_calls_go(&db).await;
        let token = app.recorded(&token_id).await;
        assert_ne!(token["tx_hash"], ours[0]["hash"]);
        assert_eq!(count_of(&app, &app.signer("minter")).await, 2, "a revert and a mint");
    }

    async fn a_node_that_is_full_or_asks_for_more_is_offered_the_same_nonce_until_it_takes_it(db: TestDb) {
        let (app, node, card) = behind_a_provider(&db, &SOON).await;
        node.behave(Manner::Refusing("txpool is full"));
        let token_id = app.redeem(&card, &Wallet::fresh()).await.expect(202).at("/token/token_id");
        until_offered(&node, 1).await;
        node.behave(Manner::Refusing("transaction underpriced"));
        until_offered(&node, 3).await;
        node.behave(Manner::Refusing("tx fee (1.20 ether) exceeds the configured cap (1.00 ether)"));
        app.measures("colophon_send_alarms_total 1").await;
        assert_eq!(count_in_books(&db, "SELECT count(DISTINCT nonce) FROM transactions WHERE kind = 'mint'").await, 1);
        node.behave(Manner::Honest);
        app.recorded(&token_id).await;
        assert_eq!(count_of(&app, &app.signer("minter")).await, 1);
    }

    async fn a_chain_that_stands_until_every_fee_is_offered_goes_on_and_mints_once(db: TestDb) {
        let settings = [
            ("COLOPHON_MINTING__BUMP_AFTER_SECONDS", "1"),
            ("COLOPHON_MINTING__MAX_FEE_PER_GAS_WEI", "8000000000"),
            ("COLOPHON_MINTING__MAX_PRIORITY_FEE_PER_GAS_WEI", "4000000000"),
        ];
        let (app, card) = shipped_with(&db, &settings).await;
        app.chain().stand_still().await;
        let token_id = app.redeem(&card, &Wallet::fresh()).await.expect(202).at("/token/token_id");
        let path = format!("/v1/tokens/{token_id}");
        let begun = Instant::now();
        while !app.log().contains("fee cap reached: held as it is") {
            assert!(begun.elapsed() < PATIENCE, "the fee is raised for ever\n{}", app.log_tail());
            let token = app.get(&path).by_curator().await.expect(200).body;
            assert!(["reserved", "being_recorded"].contains(&token["progress"].as_str().expect("a word")), "{token:#}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let offered = count_in_books(&db, ATTEMPTS).await;
        a_few_passes().await;
        assert_eq!(count_in_books(&db, ATTEMPTS).await, offered, "held as it is");
        assert_eq!(app.get(&path).by_curator().await.expect(200).body["progress"], "being_recorded");
        app.chain().go_on().await;
        app.recorded(&token_id).await;
        assert_eq!(count_of(&app, &app.signer("minter")).await, 1);
        minted_by_one_of(&app, &db, &token_id).await;
    }
}

/// The service behind a provider of ours, and the code on a shipped sheet's card.
async fn behind_a_provider(db: &TestDb, settings: &[(&'static str, &str)]) -> (TestApp, CrookedNode, String) {
    let (app, node) = TestApp::start_behind_a_provider(db, settings).await;
    let card = another(&app).await;
    (app, node, card)
}

/// The code on the card of the only sheet of an edition.
async fn another(app: &TestApp) -> String {
    let edition = app.publish_edition(1).await;
    app.opened(&edition).await;
    app.shipped(&edition).await
}

/// Waits until the node was offered so many different transactions of the minter, in their order; gives their bytes.
async fn until_offered(node: &CrookedNode, count: usize) -> Vec<Value> {
    // One transaction opened the edition.
    let begun = Instant::now();
    loop {
        let mut offered: Vec<Value> = Vec::new();
        for parameters in node.asked("eth_sendRawTransaction") {
            if !offered.contains(&parameters[0]) {
                offered.push(parameters[0].clone());
            }
        }
        if offered.len() > count {
            return offered.split_off(1);
        }
        assert!(begun.elapsed() < PATIENCE, "only {} were offered", offered.len());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// So many passes stop half-way.
async fn stopped_passes(app: &TestApp, count: u64) {
    let begun = Instant::now();
    while app.counted("colophon_pass_failures_total").await < count {
        assert!(begun.elapsed() < PATIENCE, "no pass stops\n{}", app.log_tail());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Longer than the service takes to send again what has no receipt.
async fn a_few_passes() {
    tokio::time::sleep(Duration::from_secs(3)).await;
}

/// The chain has one mint of the token, and the books name the transaction that made it.
async fn minted_by_one_of(app: &TestApp, db: &TestDb, token_id: &str) {
    let token = app.recorded(token_id).await;
    let id: u64 = token_id.parse().expect("a number");
    let filter = json!([{
        "fromBlock": "earliest",
        "address": app.contract(),
        "topics": [TRANSFER, null, null, format!("0x{id:064x}")],
    }]);
    let logs = app.chain().ask("eth_getLogs", filter).await;
    let made_by: Vec<&Value> =
        logs.as_array().expect("logs").iter().map(|log| &log["transactionHash"]).collect();
    assert_eq!(made_by, [&token["tx_hash"]]);
    let receipt = app.chain().ask("eth_getTransactionReceipt", json!([token["tx_hash"]])).await;
    assert_eq!(number(&receipt["status"]), Some(1));
    let sql = "SELECT count(*) FROM transactions WHERE kind = 'mint' AND state = 'confirmed'";
    assert_eq!(count_in_books(db, sql).await, 1);
}
