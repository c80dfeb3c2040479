//! (a) Redeemed claims that wait in the books, until they are included; beside the two ceilings of the same chain.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::ceilings;
use super::cpu::used;
use super::house::{House, RUN};
use super::inclusion::Inclusion;
use super::median::{median, rounded};
use super::plan::Plan;
use super::stock::{self, Stock};
use super::tell;

/// Blocks after which a block is final on the chain of a house, with one to spare.
const FINAL_AFTER: u64 = 65;
/// How long the books may take to confirm what is final.
const PATIENCE: Duration = Duration::from_mins(10);

pub(crate) async fn measure(plan: &Plan) -> Value {
    let (mut singles, mut groups, mut drains, mut finals) = (vec![], vec![], vec![], vec![]);
    let mut shares = Value::Null;
    for run in 1..=plan.runs {
        let house = House::make(plan).await;
        let ours = (plan.mints + 1).div_ceil(RUN);
        let editions = house.publish(ours + plan.mints.div_ceil(RUN)).await;
        let (_, theirs) = editions.split_at(usize::try_from(ours).expect("a count"));
        singles.push(ceilings::singles(&house, plan.ceiling).await);
        stock::fill(&house.books, Stock::Redeemed, "waiting", plan.mints).await;
        tell!("run {run}: {} redeemed claims wait", plan.mints);
        let Drained { rate, final_rate, used } = drain(&house, plan.mints).await;
        shares = used;
        drains.push(rate);
        finals.push(final_rate);
        groups.push(ceilings::groups(&house, theirs, plan.mints).await);
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
        "signers": plan.signers,
        "mints_per_second": rounded(d),
        "singles_per_second": rounded(s),
        "groups_per_second": rounded(g),
        "times_singles": rounded(d / s),
        "share_of_groups": rounded(d / g),
        "confirmed_per_second": rounded(median(&finals)),
        "cores_used": shares,
        "runs": { "drain": all(&drains), "singles": all(&singles), "groups": all(&groups), "confirmed": all(&finals) },
    })
}

/// What came of what waited.
pub(crate) struct Drained {
    /// Mints a second that came into blocks.
    pub(crate) rate: f64,
    /// Mints a second that were confirmed in the books, once their blocks were final, all at one moment.
    pub(crate) final_rate: f64,
    /// Who used the processor until the last one was in a block.
    pub(crate) used: Value,
}

/// Starts the service on what waits.
pub(crate) async fn drain(house: &House, count: u32) -> Drained {
    let from = house.chain.height().await;
    let service = house.serve().await;
    let (begun, before) = (Instant::now(), used(service.id(), house.chain.id()));
    let inclusion = Inclusion::wait(&house.chain, &house.contract, from, count.into()).await;
    let after = used(service.id(), house.chain.id());
    let shares = after.shares_since(before, begun.elapsed().as_secs_f64());
    let rate = inclusion.rate(&house.chain).await;
    tell!("by block: {:?}", inclusion.by_block());
    let begun = Instant::now();
    house.chain.mine(FINAL_AFTER).await;
    while stock::unconfirmed_mints(&house.books).await > 0 {
        assert!(begun.elapsed() < PATIENCE, "the mints were not confirmed");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let final_rate = f64::from(count) / begun.elapsed().as_secs_f64();
    service.stop().await;
    Drained { rate, final_rate, used: shares }
}
