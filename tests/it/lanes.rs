//! How often a lane looks that is woken all the time.

use std::time::{Duration, Instant};

use catalog::account::Account;
use minting::call::Call;
use minting::chain::Role;
use minting::token::TokenId;
use minting::worker::{self, Rhythm, Wake};
use tokio::sync::watch;

use crate::harness::by_hand::until_books;
use crate::harness::crooked::{CrookedNode, Manner};
use crate::harness::workshop::{Workshop, opening};

const BUSY: Duration = Duration::from_secs(2);
const DAY: u64 = 24 * 3600;

both_databases! {
    async fn a_lane_that_is_woken_all_the_time_looks_no_sooner_than_its_rhythm(db: TestDb) {
        let shop = Workshop::open(&db.db, 100).await;
        shop.interfere(&shop.curator, &[opening(1, 1)]).await;
        let node = CrookedNode::start(shop.chain.url(), Manner::Honest).await;
        let lane = shop.lane_through(node.url(), &shop.minters[0], Role::Minter).await;
        let token_id = TokenId::from_number(1_000_100).expect("a token");
        let (recipient, settles_at) = (Account::from_bytes([7; 20]), shop.time().await + 2 * DAY);
        shop.queue(&[Call::Mint { token_id, recipient, settles_at }]).await;

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
}
