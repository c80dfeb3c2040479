//! Every token is asked for twice, with one barrier alone: the chain's, or the database's. And, so that nobody has to believe
//! that the doubles were real, with neither.
//!
//! The switches stand in the tests. A trigger in the test's own database gives every call a key of its own; a contract of
//! ours mints every item under a fresh id. Nothing of them is in the program.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use catalog::account::Account;
use catalog::db::DbKind;
use minting::call::Call;
use minting::chain::Role;
use minting::token::TokenId;

use crate::harness::database::TestDb;
use crate::harness::workshop::{Workshop, opening};

/// Creation codes of the contracts that only tests deploy.
const BARRIERLESS: &str = include_str!("../../contracts/artifacts/FreshIds.json");
/// Serials that an edition can have.
const SERIALS: u16 = 9_999;
/// Calls that are written at once.
const BATCH: usize = 50;
/// How long all of it may take.
const PATIENCE: Duration = Duration::from_hours(1);

both_databases! {
    async fn the_chain_alone_mints_each_of_many_doubled_calls_once(db: TestDb) {
        take_the_database_barrier_away(&db).await;
        let shop = Workshop::open(&db.db, 1_000_000).await;
        let ids = token_ids(doubles());
        open_editions(&shop, &ids).await;
        submit_twice_and_drain(&shop, &db, &ids).await;
        assert_eq!(count(&db, "SELECT count(*) FROM calls WHERE state = 'done'").await, 2 * ids.len());
        told("the chain alone", &ids, &shop.minted().await, 0);
    }

    async fn the_database_alone_mints_each_of_many_doubled_calls_once(db: TestDb) {
        let shop = Workshop::open_with(&db.db, &barrierless()).await;
        let ids = token_ids(doubles());
        submit_twice_and_drain(&shop, &db, &ids).await;
        assert_eq!(count(&db, "SELECT count(*) FROM calls WHERE state = 'done'").await, ids.len());
        told("the database alone", &ids, &shop.minted().await, 0);
    }

    async fn without_either_barrier_every_doubled_call_mints_twice(db: TestDb) {
        take_the_database_barrier_away(&db).await;
        let shop = Workshop::open_with(&db.db, &barrierless()).await;
        let ids = token_ids(50);
        submit_twice_and_drain(&shop, &db, &ids).await;
        told("neither", &ids, &shop.minted().await, ids.len());
    }
}

#[expect(clippy::disallowed_methods, reason = "the size of the proof comes from the environment")]
fn doubles() -> u64 {
    std::env::var("COLOPHON_TEST_DOUBLES").ok().and_then(|count| count.parse().ok()).unwrap_or(200)
}

/// So many ids, from edition 1 on.
fn token_ids(count: u64) -> Vec<TokenId> {
    let serials = u64::from(SERIALS);
    let id = |n: u64| (1 + n / serials) * 1_000_000 + (1 + n % serials) * 100;
    (0..count).map(|n| TokenId::from_number(id(n)).expect("a token id")).collect()
}

fn barrierless() -> String {
    let codes: serde_json::Value = serde_json::from_str(BARRIERLESS).expect("creation codes");
    codes["FreshIds"].as_str().expect("a creation code").to_owned()
}

/// From now on no two calls have the same business key.
async fn take_the_database_barrier_away(db: &TestDb) {
    let statements: &[&'static str] = match db.db.kind() {
        DbKind::Sqlite => &["
            CREATE TRIGGER no_barrier AFTER INSERT ON calls
            BEGIN
                UPDATE calls SET business_key = business_key || '/' || call_id WHERE call_id = NEW.call_id;
            END"],
        DbKind::Postgres => &[
            "CREATE FUNCTION no_barrier() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN NEW.business_key := NEW.business_key || '/' || NEW.call_id; RETURN NEW; END $$",
            "CREATE TRIGGER no_barrier BEFORE INSERT ON calls FOR EACH ROW EXECUTE FUNCTION no_barrier()",
        ],
    };
    let mut tx = db.db.begin_write().await.expect("a transaction");
    for statement in statements {
        tx.execute(*statement, &[]).await.expect("a trigger");
    }
    tx.commit().await.expect("a commit");
}

async fn open_editions(shop: &Workshop, ids: &[TokenId]) {
    let last = ids.last().map_or(1, |id| id.edition());
    for number in 1..=last {
        let edition = u32::try_from(number).expect("a number");
        shop.interfere(&shop.curator, &[opening(edition, SERIALS)]).await;
    }
}

/// Two submitters write the same mints at the same time; two lanes with a key each send what they find, until nothing waits.
async fn submit_twice_and_drain(shop: &Workshop, db: &TestDb, ids: &[TokenId]) {
    let settles_at = shop.time().await + 40 * 24 * 3600;
    let mint = |token_id: &TokenId| Call::Mint {
        token_id: *token_id,
        recipient: Account::from_bytes([1; 20]),
        settles_at,
    };
    let calls: Vec<Call> = ids.iter().map(mint).collect();
    let submit = || async {
        for batch in calls.chunks(BATCH) {
            shop.queue(batch).await;
        }
    };
    let all_submitted = AtomicBool::new(false);
    let drain = async {
        let mut lanes = [
            shop.lane(&shop.minters[0], Role::Minter).await,
            shop.lane(&shop.minters[1], Role::Minter).await,
        ];
        let begun = Instant::now();
        loop {
            let mut under_way = 0;
            for lane in &mut lanes {
                under_way += lane.pass().await.expect("a pass").under_way;
            }
            shop.chain.mine(1).await;
            let waiting = count(db, "SELECT count(*) FROM calls WHERE state IN ('queued', 'bound')").await;
            if waiting == 0 && under_way == 0 && all_submitted.load(Ordering::SeqCst) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{waiting} calls still wait");
        }
    };
    // The second submitter comes somewhat later: what it doubles waits, is under way, or is done.
    let late = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        submit().await;
    };
    let submitting = async {
        tokio::join!(submit(), late);
        all_submitted.store(true, Ordering::SeqCst);
    };
    tokio::join!(submitting, drain);
}

/// Each id was minted at least once, and so many of them more than once; the figures go to the output.
fn told(barrier: &str, ids: &[TokenId], minted: &[u64], doubled: usize) {
    let mut times: BTreeMap<u64, usize> = BTreeMap::new();
    for id in minted {
        *times.entry(*id).or_default() += 1;
    }
    let twice = times.values().filter(|count| **count > 1).count();
    println!(
        "{{\"barrier\":\"{barrier}\",\"submitted\":{},\"tokens\":{},\"doubled\":{twice}}}",
        2 * ids.len(),
        times.len()
    );
    let expected: Vec<u64> = ids.iter().map(|id| id.get()).collect();
    assert_eq!(times.keys().copied().collect::<Vec<_>>(), expected, "each of them, and nothing else");
    assert_eq!(twice, doubled, "with {barrier}");
}

async fn count(db: &TestDb, sql: &'static str) -> usize {
    let mut tx = db.db.begin_read().await.expect("the books");
    let (count,): (i64,) = tx.fetch_one(sql, &[]).await.expect("a count");
    usize::try_from(count).expect("a count")
}
