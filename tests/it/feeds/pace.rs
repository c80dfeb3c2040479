//! How fast a delivery is acknowledged at 200 new ones a second, beside an endpoint that does nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::plan::{self, Delivery};
use crate::harness::app::TestApp;

/// New deliveries a second, and of the questions to the endpoint that does nothing.
const RATE: u64 = 200;
const IDLE_RATE: u64 = 50;
/// Numbers of the orders: none of the plan has them.
const FIRST_ORDER: u64 = 7_000_000_000;
/// The article number that they are for.
const SKU: &str = "PACE";

/// Sends at a fixed rate, whatever the answers do, and gives what was measured.
pub(super) async fn measure(app: &TestApp, seconds: u64) -> Value {
    let edition_id = app.publish_edition(RATE * seconds).await;
    let path = format!("/v1/channels/boutique/skus/{SKU}");
    app.put_json(&path, &json!({ "edition_id": edition_id })).by_shop().await.expect(200);
    let (client, url) = (reqwest::Client::new(), app.url().to_owned());
    let (acks, idle) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let refused = Arc::new(Mutex::new(Vec::new()));
    let (begun, cpu) = (Instant::now(), cpu_time());
    let mut asking = JoinSet::new();
    for number in 0..RATE * seconds {
        tokio::time::sleep_until((begun + Duration::from_micros(number * 1_000_000 / RATE)).into()).await;
        let line = tests::shopify::line(1, SKU, 1, "19400.00");
        let order = tests::shopify::order(FIRST_ORDER + number, &[line]);
        let delivery = Delivery::signed("orders/paid", &order);
        let (one, target, times) = (client.clone(), url.clone(), Arc::clone(&acks));
        let not_taken = Arc::clone(&refused);
        asking.spawn(async move {
            let asked = Instant::now();
            let status = plan::send(&one, &target, &delivery).await;
            times.lock().await.push(asked.elapsed());
            if status != Some(200) {
                not_taken.lock().await.push(delivery);
            }
        });
        if number % (RATE / IDLE_RATE) == 0 {
            let (one, target, times) = (client.clone(), format!("{url}/healthz"), Arc::clone(&idle));
            asking.spawn(async move {
                let asked = Instant::now();
                one.get(target).send().await.expect("an answer");
                times.lock().await.push(asked.elapsed());
            });
        }
    }
    asking.join_all().await;
    let share = cpu_time().saturating_sub(cpu).as_secs_f64() / begun.elapsed().as_secs_f64();
    let refused = refused.lock().await;
    // The platform tells those again, later.
    for delivery in refused.iter() {
        assert_eq!(plan::send(&client, &url, delivery).await, Some(200));
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    json!({
        "rate_per_second": RATE,
        "seconds": seconds,
        "acknowledged_ms": quantiles(&mut acks.lock().await),
        "not_acknowledged": refused.len(),
        "do_nothing_ms": quantiles(&mut idle.lock().await),
        "generator_cpu_of_one_core": (share * 100.0).round() / 100.0,
        "cores": cores,
    })
}

fn quantiles(times: &mut [Duration]) -> Value {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() * share / 1000).min(times.len() - 1)].as_secs_f64() * 1e3;
    let round = |ms: f64| (ms * 10.0).round() / 10.0;
    json!({ "p50": round(at(500)), "p99": round(at(990)), "p999": round(at(999)), "max": round(at(1000)) })
}

/// What this process has used of the processors (proc(5): `utime` and `stime`, in hundredths of a second).
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("proc");
    let fields: Vec<_> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
    let ticks = |place: usize| fields[place].parse::<u64>().expect("ticks");
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}
