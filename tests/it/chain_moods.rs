//! What the chain does while mints wait or are in blocks that are not final: it is paused, takes roles back, has no room,
//! costs too much, gives a nonce to others, and changes its mind. FAULTS rows 32, 40, 51, 52, 55 to 57, 61 to 66, 68.

use catalog::clock::Timestamp;
use minting::call::Call;
use minting::contract::calldata;
use minting::token::TokenId;
use minting::wallet;
use serde_json::{Value, json};
use tests::anvil::{hex, number};

use crate::harness::app::{TestApp, Wallet};
use crate::harness::by_hand::{
    MINTER_ROLE, PAUSE, PAUSER_ROLE, SOMEBODY, UNPAUSE, base_fee, count_of, displaced, free_lanes, grant,
    included, let_parked_calls_go, owner_of, parked_without_a_nonce, pool_of, revoke, send_as,
    send_without_waiting, shipped, shipped_with, signed, until_books, until_pool,
};

both_databases! {
    async fn mints_wait_while_the_contract_is_paused_and_while_the_role_is_away(db: TestDb) {
        let (app, card) = shipped(&db).await;
        grant(&app, PAUSER_ROLE, SOMEBODY).await;
        send_as(&app, SOMEBODY, PAUSE).await;
        let buyer = Wallet::fresh();
        let first = app.redeem(&card, &buyer).await.expect(202).at("/token/token_id");
        parked_without_a_nonce(&app, &db, 0).await;
        send_as(&app, &app.signer("admin"), UNPAUSE).await;
        assert_eq!(app.recorded(&first).await["recipient"], buyer.address());

        let edition = app.publish_edition(1).await;
        app.opened(&edition).await;
        let card = app.shipped(&edition).await;
        revoke(&app, MINTER_ROLE, &app.signer("minter")).await;
        let second = app.redeem(&card, &buyer).await.expect(202).at("/token/token_id");
        parked_without_a_nonce(&app, &db, 1).await;
        grant(&app, MINTER_ROLE, &app.signer("minter")).await;
        assert_eq!(app.recorded(&second).await["recipient"], buyer.address());
    }

    async fn mints_wait_while_blocks_have_no_room_and_while_gas_costs_too_much(db: TestDb) {
        let (app, card) = shipped(&db).await;
        let limit = app.chain().ask("eth_getBlockByNumber", json!(["latest", false])).await["gasLimit"].clone();
        app.chain().ask("evm_setBlockGasLimit", json!(["0x493e0"])).await;
        app.chain().mine(1).await;
        let first = app.redeem(&card, &Wallet::fresh()).await.expect(202).at("/token/token_id");
        parked_without_a_nonce(&app, &db, 0).await;
        app.chain().ask("evm_setBlockGasLimit", json!([limit])).await;
        app.recorded(&first).await;

        let edition = app.publish_edition(1).await;
        app.opened(&edition).await;
        let card = app.shipped(&edition).await;
        app.chain().stand_still().await;
        // A million gwei: above any cap.
        base_fee(&app, "0x38d7ea4c68000").await;
        let second = app.redeem(&card, &Wallet::fresh()).await.expect(202).at("/token/token_id");
        parked_without_a_nonce(&app, &db, 1).await;
        base_fee(&app, "0x3b9aca00").await;
        app.chain().go_on().await;
        app.recorded(&second).await;
    }

    async fn a_transaction_thrown_out_by_a_base_fee_that_jumped_is_offered_again_for_more(db: TestDb) {
        let (app, card) = shipped_with(&db, &[("COLOPHON_MINTING__BUMP_AFTER_SECONDS", "2")]).await;
        app.chain().stand_still().await;
        let token_id = app.redeem(&card, &Wallet::fresh()).await.expect(202).at("/token/token_id");
        let ours = pool_of(&app, 1).await;
        // More than it offered, and less than the cap.
        let offered = number(&ours[0]["maxFeePerGas"]).expect("a fee");
        base_fee(&app, &format!("{:#x}", offered * 2)).await;
        let again = until_pool(&app, |pool| pool.len() == 1 && pool[0]["hash"] != ours[0]["hash"]).await;
        assert_eq!(again[0]["nonce"], ours[0]["nonce"], "the same nonce");
        assert_eq!(again[0]["input"], ours[0]["input"], "the same calls");
        assert!(number(&again[0]["maxFeePerGas"]) > number(&ours[0]["maxFeePerGas"]));
        app.chain().go_on().await;
        app.recorded(&token_id).await;
    }

    async fn a_gap_in_the_pool_is_filled_with_the_bytes_that_are_missing(db: TestDb) {
        let app = TestApp::start_beside_a_chain(&db).await;
        let edition = app.publish_edition(2).await;
        app.opened(&edition).await;
        let cards = [app.shipped(&edition).await, app.shipped(&edition).await];
        app.chain().stand_still().await;
        let mut token_ids = Vec::new();
        for card in &cards {
            token_ids.push(app.redeem(card, &Wallet::fresh()).await.expect(202).at("/token/token_id"));
            pool_of(&app, token_ids.len()).await;
        }
        let pool = pool_of(&app, 2).await;
        // The second stays in the queue of those whose nonce is too high.
        app.chain().ask("anvil_dropTransaction", json!([pool[0]["hash"]])).await;
        let again = pool_of(&app, 2).await;
        assert_eq!(again, pool, "the same bytes");
        app.chain().go_on().await;
        for token_id in token_ids {
            app.recorded(&token_id).await;
        }
        assert_eq!(count_of(&app, &app.signer("minter")).await, 2);
    }

    async fn a_mint_whose_block_goes_backwards_is_sent_again_and_counts_once(db: TestDb) {
        let (app, card) = shipped(&db).await;
        let (token_id, _) = included(&app, &card).await;
        app.chain().ask("anvil_rollback", json!([1])).await;
        pool_of(&app, 1).await;
        app.chain().go_on().await;
        app.recorded(&token_id).await;
        assert_eq!(count_of(&app, &app.signer("minter")).await, 1);
    }

    async fn a_nonce_that_a_reorg_gave_to_somebody_else_is_given_up_when_final_and_the_token_minted_once(db: TestDb) {
        let (app, card) = shipped(&db).await;
        let (token_id, ours) = included(&app, &card).await;
        let minter = app.signing_key("minter");
        let nothing = signed(&minter, 0, minter.account(), &[]);
        app.chain().ask("anvil_reorg", json!([1, [[nothing, 0]]])).await;
        app.chain().go_on().await;
        displaced(&db).await;
        let_parked_calls_go(&db).await;
        let token = app.recorded(&token_id).await;
        assert_ne!(token["tx_hash"], ours, "another nonce, another transaction");
        assert_eq!(count_of(&app, &app.signer("minter")).await, 2);
    }

    async fn a_success_that_a_reorg_turns_into_a_revert_is_minted_again_and_that_reorg_too(db: TestDb) {
        let (app, card) = shipped(&db).await;
        grant(&app, PAUSER_ROLE, SOMEBODY).await;
        let (token_id, first) = included(&app, &card).await;
        // The same bytes come into a block after the one that paused the contract.
        app.chain().ask("anvil_reorg", json!([1, []])).await;
        app.chain().ask("anvil_dropAllTransactions", json!([])).await;
        send_without_waiting(&app, SOMEBODY, PAUSE).await;
        app.chain().mine(1).await;
        app.chain().go_on().await;
        until_books(&db, "SELECT count(*) FROM transactions WHERE state = 'reverted_confirmed'", 1).await;

        // The mint that follows is in a block, which goes too. No block is made before that without our doing: the mint
        // may be tried as soon as the contract takes it.
        app.chain().stand_still().await;
        send_without_waiting(&app, &app.signer("admin"), UNPAUSE).await;
        app.chain().mine(1).await;
        let_parked_calls_go(&db).await;
        pool_of(&app, 1).await;
        app.chain().mine(1).await;
        until_books(&db, "SELECT count(*) FROM transactions WHERE kind = 'mint' AND state = 'included'", 1).await;
        app.chain().ask("anvil_reorg", json!([1, []])).await;
        pool_of(&app, 1).await;
        app.chain().go_on().await;
        let token = app.recorded(&token_id).await;
        assert_ne!(token["tx_hash"], first);
        assert_eq!(count_of(&app, &app.signer("minter")).await, 2, "a revert and a mint");
    }

    async fn a_token_that_somebody_else_minted_is_put_before_a_person_and_never_called_ours(db: TestDb) {
        let (app, card) = shipped(&db).await;
        grant(&app, MINTER_ROLE, SOMEBODY).await;
        let token_id = TokenId::from_number(1_000_100).expect("the first token");
        let head = app.chain().ask("eth_getBlockByNumber", json!(["latest", false])).await;
        let settles_at = number(&head["timestamp"]).expect("a time") + 2 * 86_400;
        let recipient = wallet::parse_account(SOMEBODY).expect("an account");
        let call = Call::Mint { token_id, recipient, settles_at };
        send_as(&app, SOMEBODY, &format!("0x{}", hex(&calldata(&[call]).expect("a call")))).await;

        let promised = app.redeem(&card, &Wallet::fresh()).await.expect(202).at("/token/token_id");
        assert_eq!(promised, "1000100");
        let path = format!("/v1/tokens/{promised}");
        app.wait_until(&path, |token| token["progress"] == "under_review").await;
        let owner = owner_of(&app, 1_000_100).await;
        assert!(owner.ends_with(&SOMEBODY[2..]), "{owner}");
        until_books(&db, "SELECT count(*) FROM calls WHERE kind = 'mint' AND state = 'review'", 1).await;
    }

    async fn a_chain_that_comes_back_from_an_old_state_freezes_its_lanes_and_gets_nothing(db: TestDb) {
        let mut app = TestApp::start_beside_a_chain(&db).await;
        let old = app.chain().ask("evm_snapshot", json!([])).await;
        let edition = app.publish_edition(1).await;
        let card = app.shipped(&edition).await;
        let token_id = app.redeem(&card, &Wallet::fresh()).await.expect(202).at("/token/token_id");
        app.recorded(&token_id).await;
        app.die();
        app.chain().ask("evm_revert", json!([old])).await;
        free_lanes(&db).await;
        app.start_again().await;
        until_books(&db, "SELECT count(*) FROM lanes WHERE frozen_at IS NOT NULL", 2).await;
        app.chain().mine(3).await;
        assert_eq!(count_of(&app, &app.signer("minter")).await, 0, "something was sent");
    }

    async fn a_chain_whose_clock_jumps_an_hour_mints_and_locks_as_it_was_asked_to(db: TestDb) {
        let (app, card) = shipped(&db).await;
        app.chain().ask("evm_increaseTime", json!([3_600])).await;
        let token_id = app.redeem(&card, &Wallet::fresh()).await.expect(202).at("/token/token_id");
        let token = app.recorded(&token_id).await;
        let asked: Timestamp = serde_json::from_value(token["settles_at"].clone()).expect("a moment");
        let proof: Value = serde_json::from_str(&app.say(&["verify", &token_id]).join("\n")).expect("JSON");
        assert_eq!(proof["settles_at"], json!(asked.as_seconds()), "{proof:#}");
    }
}
