//! The one line of JSON at the end.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use crate::fleet::Fleet;
use crate::ground::Ground;
use crate::killer::Struck;
use crate::oracle::Verdict;
use crate::plan::Plan;
use crate::reorgs::Reorged;

/// Everything that the line tells.
pub(crate) struct Report<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) verdict: &'a Verdict,
    pub(crate) struck: Struck,
    pub(crate) stolen: u32,
    pub(crate) reorged: Reorged,
    pub(crate) fleet: &'a Fleet,
    pub(crate) ground: &'a Ground,
}

impl Report<'_> {
    pub(crate) fn line(&self, took: Duration) -> String {
        let Self { plan, verdict, struck, stolen, reorged, fleet, ground } = self;
        let [first, lane] = ground.proxy.restarts.times();
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        json!({
            "mints": plan.mints,
            "tokens": verdict.tokens,
            "lost": verdict.lost,
            "duplicated": verdict.duplicated,
            "wrong_owner": verdict.wrong_owner,
            "unexplained_nonces": verdict.unexplained_nonces,
            "findings": verdict.findings.len(),
            "kills": struck.kills,
            "stops": struck.stops,
            "thefts": stolen,
            "gave_up": fleet.gave_up.load(Ordering::Relaxed),
            "reorgs": reorged.reorgs,
            "reorged_out": reorged.dropped,
            "reorged_elsewhere": reorged.moved,
            "pools_wiped": reorged.pools_wiped,
            "lost_replies": count(&ground.proxy.lost_replies),
            "spoiled_requests": count(&ground.proxy.spoiled),
            "attempts": ground.proxy.wire.hashes().len(),
            "restart_ms_p50": percentile(&first, 50),
            "restart_ms_p99": percentile(&first, 99),
            "lane_ms_p50": percentile(&lane, 50),
            "lane_ms_p99": percentile(&lane, 99),
            "seconds": took.as_secs(),
            "seed": plan.seed,
            "db": plan.database.as_str(),
            "processes": plan.processes,
            "signers": plan.signers,
            "weather": if plan.weather { "changing" } else { "clear" },
            "sabotage": plan.sabotage.map(crate::sabotage::Sabotage::as_str),
        })
        .to_string()
    }
}

/// The time in milliseconds that `share` percent of `times`, which are in order, do not exceed.
fn percentile(times: &[Duration], share: usize) -> Option<u128> {
    let rank = (times.len() * share).div_ceil(100).max(1);
    times.get(rank - 1).map(Duration::as_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_nearest_rank() {
        let times: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!([50, 99, 100].map(|share| percentile(&times, share)), [Some(100), Some(198), Some(200)]);
        assert_eq!(percentile(&times[..1], 99), Some(1));
        assert_eq!(percentile(&[], 99), None);
    }
}
