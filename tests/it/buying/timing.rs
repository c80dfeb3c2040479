//! Codes that do not stand are told apart neither by what is said nor by how long it takes.
//!
//! `make bench-claims` asks for `COLOPHON_TEST_LOOKUPS` (100,000) codes of each kind, interleaved, three times, and
//! compares the times by Welch's test. `make test` asks for a few and compares the answers alone.

use std::time::Instant;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::house::{House, setting, text};

/// Ways in which a code does not stand.
const KINDS: [&str; 4] = ["unknown", "replaced", "void", "expired"];
/// Who ask at once.
const AT_ONCE: u64 = 16;
/// Codes of each kind.
const CODES: usize = 8;
const DAY: std::time::Duration = std::time::Duration::from_hours(24);
/// The bound on Welch's t, as it is usual for leaks of time.
const LARGEST_T: f64 = 4.5;

/// Sold and shipped sheets whose codes came to nothing in every way.
async fn dead_codes(house: &House) -> [Vec<String>; 4] {
    let (edition_id, _) = house.publish(199).await;
    let mut codes = [const { Vec::new() }; 4];
    for number in 0..CODES {
        codes[0].push(format!("0000{number}-00000-00000-00000-000000"));
        let (replaced, code) = house.shipped(&edition_id, &format!("R-{number}")).await;
        house.code(&replaced, &format!("again-{number}")).await;
        codes[1].push(code);
        let (void, code) = house.shipped(&edition_id, &format!("V-{number}")).await;
        let refund = json!({ "scope": "sale", "refunded_at": "2026-11-23T12:00:00Z" });
        assert_eq!(house.tell(&void, "refund", refund).await.status, 200);
        codes[2].push(code);
        codes[3].push(house.shipped(&edition_id, &format!("E-{number}")).await.1);
    }
    house.wait(2 * DAY);
    // Every tree of the database is as deep for one kind as for another: more claims stand than do not.
    for number in 0..2 * CODES {
        house.shipped(&edition_id, &format!("S-{number}")).await;
    }
    codes
}

/// The microseconds of `lookups` of each kind, interleaved in an order that follows no pattern.
async fn measure(house: &House, bodies: &[Vec<Value>; 4], lookups: u64) -> [Vec<f64>; 4] {
    let shares = join_all((0..AT_ONCE).map(|first| ask(house, bodies, first, lookups / AT_ONCE))).await;
    let mut times = [const { Vec::new() }; 4];
    for (kind, time) in shares.into_iter().flatten() {
        times[kind].push(time);
    }
    times
}

/// One that asks after the other, `lookups` times for each kind; the kinds and their microseconds.
async fn ask(house: &House, bodies: &[Vec<Value>; 4], first: u64, lookups: u64) -> Vec<(usize, f64)> {
    let mut times = Vec::new();
    let (mut chance, warming) = (first, lookups / 50);
    for round in 0..lookups + warming {
        let mut order = [0, 1, 2, 3];
        for place in (1..4).rev() {
            // Knuth's generator, its upper bits.
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let other = usize::try_from(chance >> 33).expect("31 bits") % (place + 1);
            order.swap(place, other);
        }
        for kind in order {
            let body = &bodies[kind][usize::try_from(chance >> 40).expect("24 bits") % CODES];
            let begun = Instant::now();
            let answer = house.buyer("/v1/claims/lookup", body).await;
            let took = begun.elapsed();
            assert_eq!(answer.outcome(), (404, "claim_not_found"));
            if round >= warming {
                times.push((kind, took.as_secs_f64() * 1e6));
            }
        }
    }
    times
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn mean_and_variance(times: &[f64]) -> (f64, f64) {
    let count = times.len() as f64;
    let mean = times.iter().sum::<f64>() / count;
    (mean, times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0))
}

/// Welch's t of two samples of one size.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn welch(one: &[f64], other: &[f64]) -> f64 {
    let ((mean, variance), (other_mean, other_variance)) = (mean_and_variance(one), mean_and_variance(other));
    let spread = variance / one.len() as f64 + other_variance / other.len() as f64;
    (mean - other_mean).abs() / spread.sqrt()
}

/// The times up to a bound that cuts off the slowest twentieth of all: what the scheduler did, and not we.
fn without_slowest(times: &[Vec<f64>; 4]) -> [Vec<f64>; 4] {
    let mut all: Vec<f64> = times.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let bound = all[all.len() * 19 / 20];
    times.each_ref().map(|times| times.iter().copied().filter(|time| *time <= bound).collect())
}

fn largest(times: &[Vec<f64>; 4]) -> (f64, String) {
    let pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];
    let all = pairs
        .map(|(one, other)| (welch(&times[one], &times[other]), format!("{}/{}", KINDS[one], KINDS[other])));
    all.into_iter().max_by(|one, other| one.0.total_cmp(&other.0)).expect("pairs")
}

both_databases! {
    async fn codes_that_do_not_stand_take_the_same_time(db: TestDb) {
        let expiring = [("claims.expire_after_days", "1")];
        let house = House::open_with(&db.db, &expiring).await;
        let bodies = dead_codes(&house).await.map(|codes| codes.iter().map(|code| json!({ "code": code })).collect::<Vec<_>>());
        let mut answers = Vec::new();
        for body in bodies.iter().flatten() {
            answers.push(house.buyer("/v1/claims/lookup", body).await.anonymous());
        }
        assert!(answers.iter().all(|answer| *answer == answers[0] && answer.status == 404), "{answers:?}");
        let lookups = setting("COLOPHON_TEST_LOOKUPS", 0);
        if lookups == 0 {
            return;
        }
        let mut held = 0;
        for run in 1..=3 {
            let times = measure(&house, &bodies, lookups).await;
            let means = times.each_ref().map(|times| (mean_and_variance(times).0 * 10.0).round() / 10.0);
            let (t, pair) = largest(&times);
            let (cropped, cropped_pair) = largest(&without_slowest(&times));
            held += usize::from(t <= LARGEST_T && cropped <= LARGEST_T);
            println!("{}", json!({
                "bench": "claims", "database": text(&json!(db.url.split(':').next())), "run": run, "lookups_of_each": times[0].len(),
                "mean_us": { KINDS[0]: means[0], KINDS[1]: means[1], KINDS[2]: means[2], KINDS[3]: means[3] },
                "largest_t": t, "of": pair, "largest_t_without_slowest_twentieth": cropped, "of_these": cropped_pair,
            }));
        }
        assert!(held >= 2, "the times of codes that do not stand differ");
    }
}
