//! A reorganization turns every item of a group of 20 over: what was minted is passed over, and the other way round. Nothing of
//! the abandoned block survives, and nothing counts before it is final. FAULTS rows 55 to 57.
//!
//! No branch of the chain changes whether a recipient is bad, so that reason cannot flip on a chain; the machine is
//! shown that flip in `minting::under_way`.

use std::collections::BTreeMap;

use catalog::account::Account;
use minting::call::{Call, CallId, VoidReason};
use minting::chain::Role;
use minting::pipeline::Lane;
use minting::token::TokenId;
use serde_json::json;

use crate::harness::database::TestDb;
use crate::harness::workshop::{Workshop, opening};

const GROUP: u64 = 20;
/// Of each edition.
const SERIALS: u16 = 22;
const DAY: u64 = 24 * 3600;
/// The contract takes no lock that is longer.
const LONGEST_LOCK: u64 = 90 * DAY;

/// Why a group is passed over on one of the two branches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    AlreadyIssued,
    Tombstone,
    UnknownSerial,
    PredecessorLive,
    BadSettlesAt,
    CapReached,
}

both_databases! {
    async fn a_reorg_that_flips_a_group_of_20_leaves_no_trace_of_the_abandoned_block(db: TestDb) {
        let shop = Workshop::open(&db.db, 10_000).await;
        let mut lane = shop.lane(&shop.minters[0], Role::Minter).await;
        let reasons = [
            Reason::AlreadyIssued, Reason::Tombstone, Reason::UnknownSerial, Reason::PredecessorLive,
            Reason::BadSettlesAt,
        ];
        for (edition, reason) in (1..).zip(reasons.into_iter().flat_map(|reason| [reason, reason])) {
            flip(&shop, &db, &mut lane, edition, reason, edition % 2 == 1).await;
        }
    }

    async fn a_reorg_that_uses_up_the_hourly_cap_flips_a_group_of_20(db: TestDb) {
        let shop = Workshop::open(&db.db, u32::try_from(GROUP).expect("a cap")).await;
        let mut lane = shop.lane(&shop.minters[0], Role::Minter).await;
        for (edition, ends_minted) in [(1, false), (3, true)] {
            next_hour(&shop).await;
            flip(&shop, &db, &mut lane, edition, Reason::CapReached, ends_minted).await;
            // The next clock hour has a cap of its own, and what waits for it goes through.
            next_hour(&shop).await;
            change(&db, "UPDATE calls SET not_before_at = 0").await;
            settle(&shop, &mut lane).await;
            assert!(states(&db).await.iter().all(|(_, (state, _))| state == "done"));
        }
    }
}

/// Lets a group of 20 be included on one branch, and then on the other, where it becomes final.
async fn flip(
    shop: &Workshop,
    db: &TestDb,
    lane: &mut Lane,
    edition: u32,
    reason: Reason,
    ends_minted: bool,
) {
    let what = format!("{reason:?}, ends minted: {ends_minted}");
    if reason != Reason::UnknownSerial {
        shop.interfere(&shop.curator, &[opening(edition, SERIALS)]).await;
    }
    let issue = u64::from(reason == Reason::PredecessorLive);
    if issue == 1 {
        shop.interfere(&shop.minters[1], &mints(edition, 0, shop.time().await + DAY, recipient)).await;
    }
    shop.chain.mine(3).await;
    let now = shop.time().await;
    let settles_at = if reason == Reason::BadSettlesAt { now + LONGEST_LOCK + 50 } else { now + 2 * DAY };
    let calls = shop.queue(&mints(edition, issue, settles_at, recipient)).await;
    lane.pass().await.expect("a pass");
    let raw = newest_bytes(db).await;

    let fork = shop.chain.ask("evm_snapshot", json!([])).await;
    branch(shop, edition, reason, !ends_minted, &raw, now).await;
    assert_eq!(minted_now(shop, edition, issue).await, if ends_minted { 0 } else { GROUP }, "{what}");
    lane.pass().await.expect("a pass");
    let abandoned = included_in(db).await.expect("a block");
    provisional(db, &calls, &what).await;

    assert_eq!(shop.chain.ask("evm_revert", json!([fork])).await, json!(true));
    lane.pass().await.expect("a pass");
    assert_eq!(included_in(db).await, None, "{what}: it fell out of its block");
    provisional(db, &calls, &what).await;

    branch(shop, edition, reason, ends_minted, &raw, now).await;
    let ours = if ends_minted { GROUP } else { 0 };
    assert_eq!(minted_now(shop, edition, issue).await, ours, "{what}");
    lane.pass().await.expect("a pass");
    assert_ne!(included_in(db).await, Some(abandoned), "{what}");
    provisional(db, &calls, &what).await;

    shop.chain.mine(3).await;
    lane.pass().await.expect("a pass");
    let states = states(db).await;
    for (position, call_id) in calls.iter().enumerate() {
        let (state, why) = &states[call_id.as_str()];
        let expected = if ends_minted { ("done", None) } else { end_of(reason, position) };
        assert_eq!((state.as_str(), why.as_deref()), expected, "{what}, item {position}");
    }
    if reason != Reason::CapReached {
        // What may pass later would go out in the next group: nobody wants it any more.
        change(db, "UPDATE calls SET state = 'void' WHERE state = 'queued'").await;
    }
}

/// Ten minutes into the next clock hour.
async fn next_hour(shop: &Workshop) {
    let next = (shop.time().await / 3_600 + 1) * 3_600 + 600;
    shop.chain.ask("evm_setNextBlockTimestamp", json!([next])).await;
    shop.chain.mine(1).await;
}

/// Makes the blocks of one branch, the last of which holds the group.
async fn branch(shop: &Workshop, edition: u32, reason: Reason, minted: bool, raw: &str, now: u64) {
    // Ours comes last, in a block of its own.
    shop.chain.ask("anvil_dropAllTransactions", json!([])).await;
    let other = &shop.minters[1];
    let ids = || (1..=GROUP).map(|serial| id(edition, serial, 0));
    match (reason, minted) {
        (Reason::AlreadyIssued, false) => {
            // Half of them to whom we wanted it, half to a stranger.
            let to =
                |serial| if serial > GROUP / 2 { Account::from_bytes([66; 20]) } else { recipient(serial) };
            shop.interfere(other, &mints(edition, 0, now + 2 * DAY, to)).await;
        }
        (Reason::Tombstone, false) | (Reason::PredecessorLive, true) => {
            let void = |token_id| Call::Void { token_id, reason: VoidReason::Refunded };
            shop.interfere(&shop.registrar, &ids().map(void).collect::<Vec<_>>()).await;
        }
        (Reason::UnknownSerial, true) => shop.interfere(&shop.curator, &[opening(edition, SERIALS)]).await,
        (Reason::CapReached, false) => {
            let others = edition + 1;
            shop.interfere(&shop.curator, &[opening(others, SERIALS)]).await;
            shop.interfere(other, &mints(others, 0, now + 2 * DAY, recipient)).await;
        }
        (Reason::BadSettlesAt, minted) => {
            let later = if minted { 100 } else { 10 };
            shop.chain.ask("evm_setNextBlockTimestamp", json!([now + later])).await;
        }
        _ => shop.chain.mine(1).await,
    }
    shop.chain.ask("eth_sendRawTransaction", json!([raw])).await;
    shop.chain.mine(1).await;
}

fn end_of(reason: Reason, position: usize) -> (&'static str, Option<&'static str>) {
    const STRANGER: &str =
        "the token was minted by somebody else, to 0x4242424242424242424242424242424242424242";
    match reason {
        Reason::AlreadyIssued if position < 10 => ("done", None),
        Reason::AlreadyIssued => ("review", Some(STRANGER)),
        Reason::Tombstone => ("void", None),
        Reason::UnknownSerial => ("refused", Some("unknown_serial")),
        Reason::PredecessorLive => ("queued", Some("predecessor_live")),
        Reason::BadSettlesAt => ("queued", Some("bad_settles_at")),
        Reason::CapReached => ("queued", Some("cap_reached")),
    }
}

/// Passes and blocks until nothing is under way.
async fn settle(shop: &Workshop, lane: &mut Lane) {
    for _ in 0..6 {
        lane.pass().await.expect("a pass");
        shop.chain.mine(3).await;
    }
    lane.pass().await.expect("a pass");
}

fn recipient(serial: u64) -> Account {
    Account::from_bytes([u8::try_from(serial).expect("a small serial"); 20])
}

fn id(edition: u32, serial: u64, issue: u64) -> TokenId {
    TokenId::from_number(u64::from(edition) * 1_000_000 + serial * 100 + issue).expect("a token id")
}

fn mints(edition: u32, issue: u64, settles_at: u64, to: impl Fn(u64) -> Account) -> Vec<Call> {
    let mint =
        |serial| Call::Mint { token_id: id(edition, serial, issue), recipient: to(serial), settles_at };
    (1..=GROUP).map(mint).collect()
}

/// How many tokens of the group the newest block minted; our transaction is in it.
async fn minted_now(shop: &Workshop, edition: u32, issue: u64) -> u64 {
    let by_us = json!(shop.minters[0].account().to_string());
    let block = shop.chain.ask("eth_getBlockByNumber", json!(["latest", true])).await;
    let mut transactions = block["transactions"].as_array().expect("transactions").iter();
    assert!(transactions.any(|transaction| transaction["from"] == by_us), "not in the block: {block:#}");
    let minted = shop.minted_in_newest_block().await;
    let of_group = (1..=GROUP).filter(|serial| minted.contains(&id(edition, *serial, issue).get()));
    u64::try_from(of_group.count()).expect("a count")
}

/// The group's calls are all bound: whatever a block said of them, it is not final.
async fn provisional(db: &TestDb, calls: &[CallId], what: &str) {
    let states = states(db).await;
    for call_id in calls {
        assert_eq!(states[call_id.as_str()], ("bound".to_owned(), None), "{what}");
    }
}

/// State and reason of every call.
async fn states(db: &TestDb) -> BTreeMap<String, (String, Option<String>)> {
    let sql = "SELECT call_id, state, reason FROM calls";
    let mut tx = db.db.begin_read().await.expect("the books");
    let rows: Vec<(String, String, Option<String>)> = tx.fetch_all(sql, &[]).await.expect("the calls");
    rows.into_iter().map(|(id, state, reason)| (id, (state, reason))).collect()
}

/// The block of the transaction under way, as the books have it.
async fn included_in(db: &TestDb) -> Option<String> {
    let sql = "SELECT block_hash FROM transactions ORDER BY nonce DESC LIMIT 1";
    let mut tx = db.db.begin_read().await.expect("the books");
    let (hash,): (Option<String>,) = tx.fetch_one(sql, &[]).await.expect("the transaction");
    hash
}

/// The bytes that were signed last.
async fn newest_bytes(db: &TestDb) -> String {
    let sql =
        "SELECT raw FROM attempts JOIN transactions ON transactions.transaction_id = attempts.transaction_id
               ORDER BY nonce DESC LIMIT 1";
    let mut tx = db.db.begin_read().await.expect("the books");
    let (raw,): (String,) = tx.fetch_one(sql, &[]).await.expect("the bytes");
    format!("0x{}", raw.trim_start_matches("0x"))
}

async fn change(db: &TestDb, sql: &'static str) {
    let mut tx = db.db.begin_write().await.expect("the books");
    tx.execute(sql, &[]).await.expect("an update");
    tx.commit().await.expect("a commit");
}
