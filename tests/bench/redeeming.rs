//! (c) How long a redemption waits for its answer, at a fixed rate of questions, asked whether or not the earlier
//! ones were answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::trade::client::Client;
use tokio::task::JoinSet;

use super::cpu::used;
use super::house::{House, RUN};
use super::median::{median, quantile, rounded};
use super::plan::Plan;
use super::stock::{self, Stock};
use super::whole_way::{Ready, prepare};
use super::{disk, tell};

/// Questions a second.
const RATES: [u32; 3] = [50, 200, 500];
/// Seconds of each rate.
const SECONDS: u32 = 10;

/// What answers took, in milliseconds.
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

pub(crate) async fn measure(plan: &Plan) -> Value {
    let mut found: Vec<[Latency; 3]> = vec![];
    let (mut shares, mut fsync) = (Value::Null, Value::Null);
    for run in 1..=plan.runs {
        let house = House::make(plan).await;
        let claims = RATES.iter().sum::<u32>() * SECONDS;
        house.publish((claims + 1).div_ceil(RUN)).await;
        fsync = disk::fsync(&house.folder());
        stock::fill(&house.books, Stock::Open, "open", claims).await;
        let service = house.serve().await;
        let client = Arc::new(house.client());
        let mut ready = prepare(&house, &client, "open").await;
        let (begun, before) = (Instant::now(), used(service.id(), house.chain.id()));
        let mut of_run = vec![];
        for rate in RATES {
            let buyers = ready.split_off(ready.len() - usize::try_from(rate * SECONDS).expect("a count"));
            let latency = at_rate(&client, buyers, rate).await;
            tell!("run {run}: at {rate} a second p50 {:.1} ms, p99 {:.1} ms", latency.p50, latency.p99);
            of_run.push(latency);
        }
        shares = used(service.id(), house.chain.id()).shares_since(before, begun.elapsed().as_secs_f64());
        found.extend(of_run.try_into().ok());
        service.stop().await;
        house.clear_up().await;
    }
    let rates: Vec<Value> = RATES
        .iter()
        .enumerate()
        .map(|(place, rate)| {
            let of = |figure: fn(&Latency) -> f64| {
                median(&found.iter().map(|run| figure(&run[place])).collect::<Vec<_>>())
            };
            json!({
                "per_second": rate,
                "p50_ms": rounded(of(|latency| latency.p50)),
                "p99_ms": rounded(of(|latency| latency.p99)),
                "p99_ms_of_runs": found.iter().map(|run| rounded(run[place].p99)).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "bench": "redeem",
        "database": plan.database.as_str(),
        "rates": rates,
        "cores_used": shares,
        "fsync": fsync,
    })
}

/// Redeems at a fixed rate; each answer is timed from the moment at which its question was due.
pub(crate) async fn at_rate(client: &Arc<Client>, buyers: Vec<Ready>, rate: u32) -> Latency {
    let mut answers = JoinSet::new();
    let begun = Instant::now();
    for (Ready { code, wallet, signature }, place) in buyers.into_iter().zip(0_u32..) {
        let due = begun + Duration::from_secs(1) * place / rate;
        tokio::time::sleep_until(due.into()).await;
        let client = Arc::clone(client);
        answers.spawn(async move {
            stock::redeem(&client, &code, &wallet, &signature).await.expect("a redeemed claim");
            due.elapsed().as_secs_f64() * 1_000.0
        });
    }
    let times = answers.join_all().await;
    Latency { p50: quantile(&times, 0.5), p99: quantile(&times, 0.99) }
}
