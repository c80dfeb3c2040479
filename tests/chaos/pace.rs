//! Traffic and faults keep pace with each other, so that neither is over before the other has begun: sheets are sold
//! as faults strike, and faults strike as mints come into blocks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::ground::Ground;
use crate::plan::Plan;

/// Mints that are in a block.
const INCLUDED: &str = "
    SELECT count(*)
    FROM calls
    JOIN transactions ON transactions.transaction_id = calls.transaction_id
    WHERE calls.kind = 'mint'
      AND transactions.state IN ('included', 'confirmed')";

/// How far each side has come.
#[derive(Debug)]
pub(crate) struct Pace {
    mints: u32,
    slack: u32,
    redeemed: AtomicU32,
    /// The most mints that were in blocks at once.
    included: AtomicU32,
    kills: Faults,
    thefts: Faults,
    reorgs: Faults,
}

#[derive(Debug)]
struct Faults {
    all: u32,
    struck: AtomicU32,
}

/// A kind of fault.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    Kill,
    Theft,
    Reorg,
}

impl Pace {
    pub(crate) fn new(plan: &Plan) -> Self {
        let faults = |all| Faults { all, struck: AtomicU32::new(0) };
        Self {
            mints: plan.mints,
            slack: plan.mints / 10 + 1,
            redeemed: AtomicU32::new(0),
            included: AtomicU32::new(0),
            kills: faults(plan.kills),
            thefts: faults(plan.thefts),
            reorgs: faults(plan.reorgs),
        }
    }

    fn faults(&self, fault: Fault) -> &Faults {
        match fault {
            Fault::Kill => &self.kills,
            Fault::Theft => &self.thefts,
            Fault::Reorg => &self.reorgs,
        }
    }

    /// Waits until the faults have come so far that sheet `index` may be sold.
    pub(crate) async fn may_sell(&self, index: u32) {
        let index = u64::from(index.saturating_sub(self.slack));
        for faults in [&self.kills, &self.thefts, &self.reorgs] {
            let far_enough = || {
                let struck = u64::from(faults.struck.load(Ordering::Relaxed));
                index * u64::from(faults.all) <= struck * u64::from(self.mints)
            };
            while !far_enough() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// Waits until the chain has come so far that fault `index` of its kind may strike.
    pub(crate) async fn may_strike(&self, fault: Fault, index: u32) {
        let all = u64::from(self.faults(fault).all);
        let far_enough = || {
            let included = u64::from(self.included.load(Ordering::Relaxed) + self.slack);
            u64::from(index) * u64::from(self.mints) <= included * all
        };
        while !far_enough() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn redeemed(&self) -> u32 {
        self.redeemed.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn struck(&self, fault: Fault) {
        self.faults(fault).struck.fetch_add(1, Ordering::Relaxed);
    }
}

/// Looks in the books how far the chain has come, until it is aborted.
pub(crate) async fn watch(ground: Arc<Ground>, pace: Arc<Pace>) {
    loop {
        let mut tx = ground.books.begin_read().await.expect("the books");
        let (included,): (i64,) = tx.fetch_one(INCLUDED, &[]).await.expect("the books");
        drop(tx);
        pace.included.fetch_max(u32::try_from(included).unwrap_or(0), Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
