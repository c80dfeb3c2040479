//! (d) How draining and redeeming grow with the settled claims that are in the books already.

use std::sync::Arc;

use serde_json::{Value, json};

use super::drain::drain;
use super::house::{House, RUN};
use super::median::{median, rounded};
use super::plan::Plan;
use super::redeeming::at_rate;
use super::stock::{self, Stock};
use super::tell;
use super::whole_way::prepare;

/// Redeemed claims that wait.
const WAITING: u32 = 20_000;
/// Redemptions a second, and for how many seconds.
const RATE: u32 = 200;
const SECONDS: u32 = 10;

pub(crate) async fn measure(plan: &Plan) -> Value {
    let waiting = plan.mints.min(WAITING);
    let mut figures = vec![];
    for settled in plan.settled {
        let (mut rates, mut p99s) = (vec![], vec![]);
        for run in 1..=plan.runs {
            let house = House::make(plan).await;
            let claims = RATE * SECONDS;
            let editions = house.publish((waiting + claims + 1).div_ceil(RUN)).await;
            stock::more_editions(&house.books, &editions[0], settled).await;
            stock::fill(&house.books, Stock::Settled, "settled", settled).await;
            stock::fill(&house.books, Stock::Redeemed, "waiting", waiting).await;
            stock::fill(&house.books, Stock::Open, "open", claims).await;
            tell!("run {run}: {settled} settled claims are in the books");
            rates.push(drain(&house, waiting).await.rate);
            let service = house.serve().await;
            let client = Arc::new(house.client());
            let buyers = prepare(&house, &client, "open").await;
            p99s.push(at_rate(&client, buyers, RATE).await.p99);
            tell!("run {run}: {:.0} a second, redeem p99 {:.1} ms", rates[run - 1], p99s[run - 1]);
            service.stop().await;
            house.clear_up().await;
        }
        figures.push((settled, median(&rates), median(&p99s)));
    }
    let lines: Vec<Value> = figures
        .iter()
        .map(|(settled, rate, p99)| {
            json!({ "settled": settled, "mints_per_second": rounded(*rate), "redeem_p99_ms": rounded(*p99) })
        })
        .collect();
    let [few, many] = [&figures[0], &figures[1]];
    json!({
        "bench": "growth",
        "database": plan.database.as_str(),
        "waiting": waiting,
        "books": lines,
        "drain_many_to_few": rounded(many.1 / few.1),
        "redeem_p99_many_to_few": rounded(many.2 / few.2),
    })
}
