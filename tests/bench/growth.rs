//! (d) How draining and redeeming grow with the settled claims that are in the books already.

use std::sync::Arc;

use serde_json::{Value, json};

use super::drain::drain;
use super::house::{House, RUN};
use super::median::{median, rounded};
use super::plan::Plan;
use super::redeeming::{Latency, at_rate};
use super::stock::{self, Stock};
use super::tell;
use super::whole_way::prepare;

/// Redemptions a second, and for how many seconds: so many that one pause of the machine does not make the p99.
const RATE: u32 = 200;
const SECONDS: u32 = 60;

pub(crate) async fn measure(plan: &Plan) -> Value {
    let waiting = plan.mints;
    let mut figures = vec![];
    for settled in plan.settled {
        let (mut rates, mut p50s, mut p99s) = (vec![], vec![], vec![]);
        for run in 1..=plan.runs {
            let house = House::make(plan).await;
            let claims = RATE * SECONDS;
            let editions = house.publish((waiting + claims + 1).div_ceil(RUN)).await;
            stock::more_editions(&house.books, &editions[0], settled).await;
            stock::fill_settled(&house.books, settled).await;
            stock::fill(&house.books, Stock::Redeemed, "waiting", waiting).await;
            tell!("run {run}: {settled} settled claims are in the books");
            rates.push(drain(&house, waiting).await.rate);
            // After the drain, so that what it left in the journal is sealed before anything is timed.
            stock::fill(&house.books, Stock::Open, "open", claims).await;
            let service = house.serve().await;
            let client = Arc::new(house.client());
            let buyers = prepare(&house, &client, "open").await;
            let Latency { p50, p99 } = at_rate(&client, buyers, RATE).await;
            tell!("run {run}: {:.0} a second, redeem p50 {p50:.1} ms, p99 {p99:.1} ms", rates[run - 1]);
            p50s.push(p50);
            p99s.push(p99);
            service.stop().await;
            house.clear_up().await;
        }
        figures.push((settled, [&rates, &p50s, &p99s].map(|all| median(all))));
    }
    let lines: Vec<Value> = figures
        .iter()
        .map(|(settled, [rate, p50, p99])| {
            json!({
                "settled": settled,
                "mints_per_second": rounded(*rate),
                "redeem_p50_ms": rounded(*p50),
                "redeem_p99_ms": rounded(*p99),
            })
        })
        .collect();
    let [few, many] = [figures[0].1, figures[1].1];
    let grown = |figure: usize| rounded(many[figure] / few[figure]);
    json!({
        "bench": "growth",
        "database": plan.database.as_str(),
        "waiting": waiting,
        "books": lines,
        "drain_many_to_few": grown(0),
        "redeem_p50_many_to_few": grown(1),
        "redeem_p99_many_to_few": grown(2),
    })
}
