//! How often a lane looks that is woken all the time, and what it asks and sends when it does.

use std::time::{Duration, Instant};

use catalog::account::Account;
use minting::call::Call;
use minting::chain::Role;
use minting::token::TokenId;
use minting::worker::{self, Rhythm, Wake};
use serde_json::json;
use tokio::sync::watch;

use crate::harness::by_hand::{count_in_books, until_books};
use crate::harness::crooked::{CrookedNode, Manner, eventually};
use crate::harness::workshop::{Workshop, opening};

const BUSY: Duration = Duration::from_secs(2);
const DAY: u64 = 24 * 3600;
/// Nothing is sent again in the time of a test.
const LATER: Duration = Duration::from_hours(1);
/// What a lane of the workshop has under way at most.
const MOST_WAITING: i64 = 16;
const COUNT_OF_MINTING: &str = "SELECT count(*) FROM transactions WHERE kind = 'mint'";
const RAW_BY_NONCE: &str = "
    SELECT attempts.raw
    FROM attempts
    JOIN transactions ON transactions.transaction_id = attempts.transaction_id
    ORDER BY transactions.nonce";

both_databases! {
    async fn a_lane_that_is_woken_all_the_time_looks_no_sooner_than_its_rhythm(db: TestDb) {
        let shop = Workshop::open(&db.db, 100).await;
        let node = CrookedNode::start(shop.chain.url(), Manner::Honest).await;
        let lane = shop.lane_through(node.url(), &shop.minters[0], Role::Minter, Duration::ZERO).await;
        mints_wait(&shop, 1).await;

        let (end, ending) = watch::channel(false);
        let (wake, rhythm) = (Wake::default(), Rhythm { busy: BUSY, idle: Duration::from_hours(1) });
        let begun = Instant::now();
        let work = worker::spawn(lane, wake.clone(), rhythm, ending);
        until_books(&db, "SELECT count(*) FROM transactions WHERE state = 'live'", 1).await;
        // No block takes the mint, so that each pass sends it again.
        while begun.elapsed() < 2 * BUSY {
            wake.ring();
            tokio::time::sleep(BUSY / 20).await;
        }
        end.send(true).expect("a lane that listens");
        work.await.expect("its end");
        let most = begun.elapsed().as_secs() / BUSY.as_secs() + 1;
        let sent = u64::try_from(node.asked("eth_sendRawTransaction").len()).expect("a count");
        assert!((2..=most).contains(&sent), "sent {sent} times, {most} at most");
    }

    async fn what_came_into_a_block_is_told_by_the_block_and_ends_by_its_receipt(db: TestDb) {
        let shop = Workshop::open(&db.db, 100).await;
        let node = CrookedNode::start(shop.chain.url(), Manner::Honest).await;
        let mut lane = shop.lane_through(node.url(), &shop.minters[0], Role::Minter, LATER).await;
        mints_wait(&shop, 3).await;
        lane.pass().await.expect("a pass");
        // It waits in the pool: the bytes are not asked for, and not sent again.
        lane.pass().await.expect("a pass");
        assert_eq!(node.asked("eth_getTransactionReceipt").len(), 0);
        shop.chain.mine(1).await;
        lane.pass().await.expect("a pass");
        assert_eq!(count_in_books(&db, "SELECT count(*) FROM transactions WHERE state = 'included'").await, 1);
        assert_eq!(node.asked("eth_getTransactionReceipt").len(), 0);
        shop.chain.mine(2).await;
        lane.pass().await.expect("a pass");
        assert_eq!(count_in_books(&db, "SELECT count(*) FROM transactions WHERE state = 'confirmed'").await, 1);
        assert_eq!(count_in_books(&db, "SELECT count(*) FROM calls WHERE state = 'done'").await, 3);
        assert_eq!(node.asked("eth_getTransactionReceipt").len(), 1);
        assert_eq!(node.asked("eth_sendRawTransaction").len(), 1);
    }

    async fn what_the_pool_lost_or_a_reorg_moved_is_looked_for_by_its_receipt(db: TestDb) {
        let shop = Workshop::open(&db.db, 100).await;
        let node = CrookedNode::start(shop.chain.url(), Manner::Honest).await;
        let mut lane = shop.lane_through(node.url(), &shop.minters[0], Role::Minter, LATER).await;
        mints_wait(&shop, 3).await;
        lane.pass().await.expect("a pass");
        shop.chain.ask("anvil_dropAllTransactions", json!([])).await;
        lane.pass().await.expect("a pass");
        assert_eq!(node.asked("eth_getTransactionReceipt").len(), 1);

        let raw = node.asked("eth_sendRawTransaction").remove(0);
        shop.chain.ask("eth_sendRawTransaction", raw.clone()).await;
        shop.chain.mine(1).await;
        lane.pass().await.expect("a pass");
        // At a height that was read before, in another block.
        shop.chain.ask("anvil_reorg", json!([1, [[raw[0], 0]]])).await;
        lane.pass().await.expect("a pass");
        assert_eq!(node.asked("eth_getTransactionReceipt").len(), 2);
        shop.chain.mine(2).await;
        lane.pass().await.expect("a pass");
        assert_eq!(count_in_books(&db, "SELECT count(*) FROM calls WHERE state = 'done'").await, 3);
    }

    async fn while_a_node_takes_one_group_the_next_are_signed_and_all_leave_in_their_order(db: TestDb) {
        let shop = Workshop::open(&db.db, 10_000).await;
        let node = CrookedNode::start(shop.chain.url(), Manner::Holding("eth_sendRawTransaction")).await;
        let mut lane = shop.lane_through(node.url(), &shop.minters[0], Role::Minter, LATER).await;
        // More than a lane has under way.
        mints_wait(&shop, 1_100).await;
        let passes = tokio::spawn(async move {
            let report = lane.pass().await.expect("a pass");
            (lane, report)
        });
        until_books(&db, "SELECT count(*) FROM transactions WHERE state = 'signed'", MOST_WAITING).await;
        node.behave(Manner::Honest);
        let (mut lane, report) = passes.await.expect("a pass");
        assert_eq!((report.signed, report.sent, report.waiting), (16, 16, 16));
        let mut tx = db.db.begin_read().await.expect("the books");
        let stored: Vec<(String,)> = tx.fetch_all(RAW_BY_NONCE, &[]).await.expect("the attempts");
        drop(tx);
        let stored: Vec<_> = stored.into_iter().map(|(raw,)| json!([format!("0x{raw}")])).collect();
        assert_eq!(node.asked("eth_sendRawTransaction"), stored);
        for _ in 0..2 {
            shop.chain.mine(4).await;
            lane.pass().await.expect("a pass");
        }
        shop.chain.mine(3).await;
        lane.pass().await.expect("a pass");
        assert_eq!(count_in_books(&db, "SELECT count(*) FROM calls WHERE state = 'done'").await, 1_100);
    }

    async fn what_comes_while_a_pass_sends_gathers_for_the_next_and_shares_a_transaction(db: TestDb) {
        let shop = Workshop::open(&db.db, 10_000).await;
        let node = CrookedNode::start(shop.chain.url(), Manner::Holding("eth_feeHistory")).await;
        let mut lane = shop.lane_through(node.url(), &shop.minters[0], Role::Minter, LATER).await;
        let mints = mints_of(&shop, 5).await;
        let (first, later) = mints.split_at(2);
        shop.queue(first).await;
        let passes = tokio::spawn(async move {
            lane.pass().await.expect("a pass");
            lane
        });
        // Those that wait have been looked for; what they would cost is being asked.
        eventually(|| !node.asked("eth_feeHistory").is_empty()).await;
        shop.queue(later).await;
        node.behave(Manner::Honest);
        let mut lane = passes.await.expect("a pass");
        assert_eq!(count_in_books(&db, COUNT_OF_MINTING).await, 1, "the pass ends with what waited at its start");
        lane.pass().await.expect("a pass");
        assert_eq!(count_in_books(&db, COUNT_OF_MINTING).await, 2, "what came meanwhile goes together");
        assert_eq!(count_in_books(&db, "SELECT count(*) FROM calls WHERE state = 'queued'").await, 0);
    }
}

/// Opens an edition of so many sheets, and writes their mints into the queue.
async fn mints_wait(shop: &Workshop, count: u16) {
    shop.queue(&mints_of(shop, count).await).await;
}

/// Opens an edition of so many sheets, and gives their mints.
async fn mints_of(shop: &Workshop, count: u16) -> Vec<Call> {
    shop.interfere(&shop.curator, &[opening(1, count)]).await;
    let (recipient, settles_at) = (Account::from_bytes([7; 20]), shop.time().await + 2 * DAY);
    let mint = |serial| {
        let token_id = TokenId::from_number(1_000_000 + 100 * u64::from(serial)).expect("a token");
        Call::Mint { token_id, recipient, settles_at }
    };
    (1..=count).map(mint).collect()
}
