//! Many at once, over the routes: one claim, one last sheet and one idempotency key have one winner each, every time.
//!
//! `COLOPHON_TEST_RIVALS` says how many ask at once (for one key a fifth of them), `COLOPHON_TEST_ROUNDS` how often;
//! `make prove-races` takes 1,000 and 100.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::Barrier;

use super::house::{Answer, House, address, order_line, setting, text, wallet};

/// Nobody comes more often than that.
const MOST_TRIES: u32 = 500;

fn rivals() -> usize {
    usize::try_from(setting("COLOPHON_TEST_RIVALS", 100)).expect("a few")
}

fn rounds() -> u64 {
    setting("COLOPHON_TEST_ROUNDS", 2)
}

/// A house that turns nobody away for coming with many others, or for asking long.
async fn open(db: &catalog::db::Db) -> House {
    let settings = [("limits.requests_at_once", "100000"), ("limits.request_seconds", "300")];
    House::open_with(db, &settings).await
}

/// Sets all of `requests` off in one moment, on all the threads there are, and counts their outcomes. Who is told that the
/// database has no room now comes again, as the answer says.
async fn at_once<R, F>(requests: Vec<R>) -> BTreeMap<String, usize>
where
    R: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let start = Arc::new(Barrier::new(requests.len()));
    let spawned: Vec<_> = requests
        .into_iter()
        .map(|request| {
            let start = Arc::clone(&start);
            tokio::spawn(async move {
                start.wait().await;
                for _ in 0..MOST_TRIES {
                    let answer = request().await;
                    if answer.outcome() != (503, "database_unavailable") {
                        return answer;
                    }
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                panic!("the database never had room");
            })
        })
        .collect();
    let mut outcomes = BTreeMap::new();
    for request in spawned {
        let answer = request.await.expect("an answer");
        let (status, code) = answer.outcome();
        *outcomes.entry(format!("{status} {code}").trim().to_owned()).or_default() += 1;
    }
    outcomes
}

fn told(what: &str, round: u64, outcomes: &BTreeMap<String, usize>) {
    println!("{what}, round {} of {}: {outcomes:?}", round + 1, rounds());
}

fn counts<const N: usize>(expected: [(&str, usize); N]) -> BTreeMap<String, usize> {
    expected.into_iter().map(|(outcome, count)| (outcome.to_owned(), count)).collect()
}

both_databases! {
    async fn the_last_sheet_has_one_buyer_however_many_ask(db: TestDb) {
        let house = open(&db.db).await;
        for round in 0..rounds() {
            let (edition_id, _) = house.publish(1).await;
            let requests = (0..rivals())
                .map(|rival| {
                    let (house, edition_id) = (house.clone(), edition_id.clone());
                    move || {
                        let (house, edition_id) = (house.clone(), edition_id.clone());
                        async move { house.sell(&edition_id, &format!("A-{round}-{rival}")).await }
                    }
                })
                .collect();
            let outcomes = at_once(requests).await;
            told("sales of the last sheet", round, &outcomes);
            assert_eq!(outcomes, counts([("201", 1), ("409 edition_sold_out", rivals() - 1)]));
        }
        let rounds = i64::try_from(rounds()).expect("a few");
        assert_eq!(house.count("SELECT count(*) FROM sales").await, rounds);
        assert_eq!(house.count("SELECT count(*) FROM claims").await, rounds);
        assert_eq!(house.count("SELECT count(*) FROM impressions WHERE state = 'reserved'").await, rounds);
        assert_eq!(api::conservation::check(&house.app).await.expect("an answer"), 0);
    }

    async fn a_claim_is_redeemed_once_however_many_wallets_ask(db: TestDb) {
        let house = open(&db.db).await;
        for round in 0..rounds() {
            let (edition_id, _) = house.publish(1).await;
            let (_, code) = house.shipped(&edition_id, &format!("A-{round}")).await;
            let mut requests = Vec::new();
            for _ in 0..rivals() {
                let (house, code, buyer) = (house.clone(), code.clone(), wallet());
                let challenge = house.challenge(&code, &address(&buyer)).await;
                let signature = buyer.sign_text(&text(&challenge.body["message"])).expect("a signature");
                let to = address(&buyer);
                requests.push(move || {
                    let (house, code, to, signature) =
                        (house.clone(), code.clone(), to.clone(), signature.clone());
                    async move { house.redeem(&code, &to, &signature).await }
                });
            }
            let outcomes = at_once(requests).await;
            told("redemptions of one claim", round, &outcomes);
            assert_eq!(outcomes, counts([("202", 1), ("404 claim_not_found", rivals() - 1)]));
        }
        let rounds = i64::try_from(rounds()).expect("a few");
        assert_eq!(house.count("SELECT count(*) FROM tokens").await, rounds);
        assert_eq!(house.count("SELECT count(*) FROM calls WHERE kind = 'mint'").await, rounds);
        assert_eq!(house.count("SELECT count(*) FROM claims WHERE state = 'redeemed'").await, rounds);
    }

    async fn an_idempotency_key_takes_effect_once_however_often_it_is_used_at_once(db: TestDb) {
        let house = open(&db.db).await;
        let (edition_id, _) = house.publish(500).await;
        let uses = rivals() / 5;
        for round in 0..rounds() {
            let line = order_line(&edition_id, &format!("A-{round}"));
            let key = format!("key-{round}");
            let requests = (0..uses)
                .map(|_| {
                    let (house, key, line) = (house.clone(), key.clone(), line.clone());
                    move || {
                        let (house, key, line) = (house.clone(), key.clone(), line.clone());
                        async move { house.shop("POST", "/v1/sales", Some(&key), Some(line)).await }
                    }
                })
                .collect();
            let mut outcomes = at_once(requests).await;
            told("uses of one idempotency key", round, &outcomes);
            // Whoever comes while the winner is at work is told to come again; the others get the winner's answer.
            let waited = outcomes.remove("409 request_in_flight").unwrap_or_default();
            assert!(waited < uses, "nobody won");
            assert_eq!(outcomes, counts([("201", uses - waited)]));
            let late = house.shop("POST", "/v1/sales", Some(&key), Some(line)).await;
            assert_eq!(late.status, 201);
            let mut other = order_line(&edition_id, &format!("A-{round}"));
            other["line"] = json!("2");
            let reused = house.shop("POST", "/v1/sales", Some(&key), Some(other)).await;
            assert_eq!(reused.outcome(), (422, "idempotency_key_reused"));
        }
        let rounds = i64::try_from(rounds()).expect("a few");
        assert_eq!(house.count("SELECT count(*) FROM sales").await, rounds);
        assert_eq!(house.count("SELECT count(*) FROM journal WHERE kind = 'sale_recorded'").await, rounds);
    }
}
