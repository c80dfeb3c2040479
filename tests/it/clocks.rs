//! The clock of the machine jumps, ahead and back, while a mint is under way. FAULTS row 99.

use std::sync::Arc;
use std::time::Duration;

use catalog::account::Account;
use minting::call::Call;
use minting::chain::Role;
use minting::pipeline::Lane;
use minting::token::TokenId;
use serde_json::json;

use crate::harness::by_hand::count_in_books;
use crate::harness::clock::HandClock;
use crate::harness::database::TestDb;
use crate::harness::workshop::{Workshop, opening};

const MINUTES: Duration = Duration::from_mins(10);
const DAY: Duration = Duration::from_hours(24);

both_databases! {
    async fn a_mint_whose_clock_jumps_is_sent_again_and_is_there_once(db: TestDb) {
        let shop = Workshop::open(&db.db, 100).await;
        let mut curator = shop.lane(&shop.curator, Role::Curator).await;
        shop.queue(&[opening(1, 9)]).await;
        until_done(&shop, &db, &mut curator, 1).await;

        let clock = HandClock::new();
        let again = Duration::from_secs(10);
        let mut minter = shop.lane_by(&shop.minters[0], Role::Minter, Arc::clone(&clock) as _, again).await;
        for (serial, (is_ahead, by)) in (1..).zip([(false, MINUTES), (true, MINUTES), (false, DAY), (true, DAY)]) {
            let token_id = TokenId::from_number(1_000_000 + serial * 100).expect("a token");
            let settles_at = shop.time().await + 30 * 86_400;
            let call = Call::Mint { token_id, recipient: Account::from_bytes([7; 20]), settles_at };
            shop.queue(&[call]).await;
            minter.pass().await.expect("a pass");
            assert_eq!(waiting(&shop).await, 1, "sent");
            // The node forgets it, and the clock jumps.
            shop.chain.ask("anvil_dropAllTransactions", json!([])).await;
            if is_ahead { clock.wait(by) } else { clock.set_back(by) }
            minter.pass().await.expect("a pass");
            assert_eq!(waiting(&shop).await, 1, "sent again");
            until_done(&shop, &db, &mut minter, i64::try_from(serial).expect("a count") + 1).await;
        }
        assert_eq!(shop.minted().await, [1_000_100, 1_000_200, 1_000_300, 1_000_400]);
        let count = shop.chain.ask("eth_getTransactionCount", json!([shop.minters[0].account().to_string(), "latest"]));
        assert_eq!(count.await, json!("0x4"), "a nonce each");
    }
}

/// How many transactions the node holds that are in no block.
async fn waiting(shop: &Workshop) -> usize {
    let content = shop.chain.ask("txpool_content", json!([])).await;
    let signers = content["pending"].as_object().into_iter().flat_map(|signers| signers.values());
    signers.map(|by_nonce| by_nonce.as_object().map_or(0, serde_json::Map::len)).sum()
}

/// Makes blocks and passes until so many calls are done.
async fn until_done(shop: &Workshop, db: &TestDb, lane: &mut Lane, count: i64) {
    for _ in 0..20 {
        lane.pass().await.expect("a pass");
        if count_in_books(db, "SELECT count(*) FROM calls WHERE state = 'done'").await == count {
            return;
        }
        shop.chain.mine(1).await;
    }
    panic!("{count} calls are not done");
}
