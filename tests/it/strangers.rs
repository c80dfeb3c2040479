//! Others who may do what our signers may: a minter that is not in the books, and code that a signer was delegated to.
//! FAULTS rows 64, 69.

use std::process::Command;

use minting::call::Call;
use minting::contract::calldata;
use minting::token::TokenId;
use minting::wallet;
use serde_json::json;
use tests::anvil::{hex, number, program};

use crate::harness::app::{TestApp, Wallet};
use crate::harness::by_hand::{
    MINTER_ROLE, SOMEBODY, count_of, displaced, free_lanes, grant, let_parked_calls_go, owner_of, pool_of,
    send_as, shipped, until_books,
};
use crate::harness::database::TestDb;

/// Every token of the first edition, whose run is of one sheet beside its two artist's proofs.
const ALL_SHEETS: [u64; 3] = [1_000_100, 1_000_200, 1_000_300];
/// Where the code lies that a key is delegated to; there need not be any.
const DELEGATE: &str = "0x000000000000000000000000000000000000c0de";
const NOBODY: &str = "0x0000000000000000000000000000000000000000";

both_databases! {
    async fn an_edition_that_another_minter_filled_is_put_before_a_person_and_never_minted_over(db: TestDb) {
        let app = TestApp::start_beside_a_chain(&db).await;
        let edition = app.publish_edition(1).await;
        app.opened(&edition).await;
        let (sale, card) = app.shipped_sale(&edition).await;
        grant(&app, MINTER_ROLE, SOMEBODY).await;
        mint_as_somebody(&app, &ALL_SHEETS).await;

        let promised = app.redeem(&card, &Wallet::fresh()).await.expect(202).at("/token/token_id");
        app.wait_until(&format!("/v1/tokens/{promised}"), |token| token["progress"] == "under_review").await;
        let reason = reason_of_review(&db).await;
        assert!(reason.contains("minted by somebody else"), "{reason}");

        // The sheets that nobody bought leave the trade as soon as the log was compared.
        let census = format!("/v1/editions/{edition}/census");
        app.wait_until(&census, |census| census["quarantined"] == 2).await;
        let refused = app.record_sale(&edition, "one too many").await;
        refused.refused(409, "edition_sold_out");

        // The money can go back; the token that somebody has is not called ours.
        let refund = json!({ "scope": "sale", "refunded_at": "2026-11-22T10:00:00Z" });
        app.tell(&sale, "refund", &refund).await.expect(200);
        for token_id in ALL_SHEETS {
            let owner = owner_of(&app, token_id).await;
            assert!(owner.is_empty() || owner.ends_with(&SOMEBODY[2..]), "{token_id} belongs to {owner}");
        }
        assert_eq!(count_of(&app, &app.signer("minter")).await, 1, "one try, and none after it");
    }

    async fn a_signer_that_is_delegated_to_code_is_frozen_until_that_is_revoked(db: TestDb) {
        let mut app = TestApp::start_beside_a_chain(&db).await;
        let edition = app.publish_edition(1).await;
        app.opened(&edition).await;
        let card = app.shipped(&edition).await;
        let minter = app.signer("minter");
        delegate(&app, DELEGATE, 0).await;
        // A process that starts compares before it does anything else.
        app.die();
        free_lanes(&db).await;
        app.start_again().await;
        until_books(&db, "SELECT count(*) FROM lanes WHERE frozen_reason LIKE '%EIP-7702%'", 1).await;

        let token_id = app.redeem(&card, &Wallet::fresh()).await.expect(202).at("/token/token_id");
        for arguments in [vec!["lane", "resume", &minter], vec!["lane", "adopt", &minter, "--reason", "why not"]] {
            let said = app.objects(&arguments);
            assert!(said.contains("is delegated to code (EIP-7702)"), "{said}");
        }
        delegate(&app, NOBODY, 1).await;
        settled(&app, &minter, 2).await;
        app.say(&["lane", "adopt", &minter, "--reason", "the delegation is revoked"]);
        app.recorded(&token_id).await;
        assert_eq!(count_of(&app, &minter).await, 3, "two delegations and a mint");
    }

    async fn a_nonce_that_a_delegation_took_from_a_mint_freezes_the_lane_before_it_is_minted_elsewhere(db: TestDb) {
        let (app, card) = shipped(&db).await;
        let minter = app.signer("minter");
        app.chain().stand_still().await;
        let buyer = Wallet::fresh();
        let token_id = app.redeem(&card, &buyer).await.expect(202).at("/token/token_id");
        let ours = pool_of(&app, 1).await;
        app.chain().ask("anvil_dropTransaction", json!([ours[0]["hash"]])).await;
        delegate(&app, DELEGATE, 0).await;
        app.chain().go_on().await;
        displaced(&db).await;
        until_books(&db, "SELECT count(*) FROM lanes WHERE frozen_reason LIKE '%EIP-7702%'", 1).await;

        delegate(&app, NOBODY, 1).await;
        settled(&app, &minter, 2).await;
        app.say(&["lane", "adopt", &minter, "--reason", "the delegation is revoked"]);
        let_parked_calls_go(&db).await;
        assert_eq!(app.recorded(&token_id).await["recipient"], buyer.address());
        assert_eq!(count_of(&app, &minter).await, 3, "two delegations and a mint");
    }
}

/// A minter that is not in the books mints tokens to itself.
async fn mint_as_somebody(app: &TestApp, token_ids: &[u64]) {
    let head = app.chain().ask("eth_getBlockByNumber", json!(["latest", false])).await;
    let settles_at = number(&head["timestamp"]).expect("a time") + 2 * 86_400;
    let recipient = wallet::parse_account(SOMEBODY).expect("an account");
    let token_id = |id: &u64| TokenId::from_number(*id).expect("a token");
    let mint = |id: &u64| Call::Mint { token_id: token_id(id), recipient, settles_at };
    let calls: Vec<Call> = token_ids.iter().map(mint).collect();
    send_as(app, SOMEBODY, &format!("0x{}", hex(&calldata(&calls).expect("calls")))).await;
}

/// The minter's key signs that its account runs the code at `delegate`, and somebody else brings that to the chain.
async fn delegate(app: &TestApp, delegate: &str, nonce: u64) {
    let secrets = app.folder("secrets");
    let signed = Command::new(program().with_file_name("cast"))
        .args(["wallet", "sign-auth", delegate, "--chain", "31337", "--nonce", &nonce.to_string()])
        .arg("--keystore")
        .arg(secrets.join("minter.json"))
        .arg("--password-file")
        .arg(secrets.join("minter.password"))
        .args(["--rpc-url", &app.chain_url()])
        .output()
        .expect("cast to run");
    assert!(signed.status.success(), "{}", String::from_utf8_lossy(&signed.stderr));
    let signed = String::from_utf8_lossy(&signed.stdout).trim().to_owned();
    app.chain().ask("anvil_setBalance", json!([SOMEBODY, "0x3635c9adc5dea00000"])).await;
    app.chain().ask("anvil_impersonateAccount", json!([SOMEBODY])).await;
    let sent = Command::new(program().with_file_name("cast"))
        .args(["send", SOMEBODY, "--auth", &signed, "--from", SOMEBODY, "--unlocked", "--async"])
        .args(["--gas-limit", "200000", "--rpc-url", &app.chain_url()])
        .output()
        .expect("cast to run");
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
}

/// Waits until the chain counts so many transactions of an account at its finalized head.
async fn settled(app: &TestApp, account: &str, count: u64) {
    loop {
        let told = app.chain().ask("eth_getTransactionCount", json!([account, "finalized"])).await;
        if number(&told) == Some(count) {
            return;
        }
        app.chain().mine(1).await;
    }
}

async fn reason_of_review(db: &TestDb) -> String {
    let mut tx = db.db.begin_read().await.expect("the books");
    let sql = "SELECT reason FROM calls WHERE kind = 'mint' AND state = 'review'";
    let (reason,): (String,) = tx.fetch_one(sql, &[]).await.expect("a reason");
    reason
}
