//! (a) Redeemed claims that wait in the books, until they are included; beside the two ceilings of the same chain.

use std::time::Instant;

use serde_json::{Value, json};

use super::ceilings;
use super::cpu::used;
use super::house::{House, RUN};
use super::inclusion::Inclusion;
use super::median::{median, rounded};
use super::plan::Plan;
use super::stock::{self, Stock};
use super::tell;

pub(crate) async fn measure(plan: &Plan) -> Value {
    let (mut singles, mut groups, mut drains, mut shares) = (vec![], vec![], vec![], Value::Null);
    for run in 1..=plan.runs {
        let house = House::make(plan).await;
        let ours = (plan.mints + 1).div_ceil(RUN);
        let editions = house.publish(ours + plan.ceiling.div_ceil(RUN)).await;
        let (_, theirs) = editions.split_at(usize::try_from(ours).expect("a count"));
        singles.push(ceilings::singles(&house, plan.ceiling).await);
        stock::fill(&house.books, Stock::Redeemed, "waiting", plan.mints).await;
        tell!("run {run}: {} redeemed claims wait", plan.mints);
        let (rate, used) = drain(&house, plan.mints).await;
        shares = used;
        drains.push(rate);
        groups.push(ceilings::groups(&house, theirs, plan.ceiling).await);
        tell!(
            "run {run}: {rate:.0} a second; singles {:.0}, groups {:.0}",
            singles[run - 1],
            groups[run - 1]
        );
        house.clear_up().await;
    }
    let [s, g, d] = [&singles, &groups, &drains].map(|figures| median(figures));
    let all = |figures: &[f64]| figures.iter().copied().map(rounded).collect::<Vec<_>>();
    json!({
        "bench": "drain",
        "database": plan.database.as_str(),
        "mints": plan.mints,
        "block_gas": plan.block_gas,
        "mints_per_second": rounded(d),
        "singles_per_second": rounded(s),
        "groups_per_second": rounded(g),
        "times_singles": rounded(d / s),
        "share_of_groups": rounded(d / g),
        "cores_used": shares,
        "runs": { "drain": all(&drains), "singles": all(&singles), "groups": all(&groups) },
    })
}

/// Starts the service on what waits; mints a second, and who used the processor.
pub(crate) async fn drain(house: &House, count: u32) -> (f64, Value) {
    let from = house.chain.height().await;
    let service = house.serve().await;
    let (begun, before) = (Instant::now(), used(service.id(), house.chain.id()));
    let inclusion = Inclusion::wait(&house.chain, &house.contract, from, count.into()).await;
    let after = used(service.id(), house.chain.id());
    let shares = after.shares_since(before, begun.elapsed().as_secs_f64());
    let rate = inclusion.rate(&house.chain).await;
    service.stop().await;
    (rate, shares)
}
