//! Kills and stops processes, seeded.

use std::sync::Arc;
use std::time::Duration;
use tests::dice::Dice;

use crate::fleet::Fleet;
use crate::pace::{Fault, Pace};
use crate::plan::Plan;
use crate::tell;

/// How long a victim may take to be up.
const UP: Duration = Duration::from_secs(20);

/// What was done to the processes.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Struck {
    pub(crate) kills: u32,
    pub(crate) stops: u32,
}

/// Kills as often as the plan says: mostly 50 to 1,500 ms after a process was up, at times while it starts; now and
/// then one stands still before, at times for longer than its lease lasts.
pub(crate) async fn strike(plan: Arc<Plan>, fleet: Arc<Fleet>, pace: Arc<Pace>) -> Struck {
    let mut struck = Struck::default();
    for index in 0..plan.kills {
        pace.may_strike(Fault::Kill, index).await;
        let mut dice = Dice::of(plan.seed, "kill", index.into());
        let victim = dice.index(fleet.len());
        if !dice.in_million(150_000) {
            fleet.answers(victim, UP).await;
        }
        tokio::time::sleep(dice.millis(50, 1_500)).await;
        if dice.in_million(150_000) {
            let long = fleet.len() > 1 && dice.in_million(300_000);
            let pause = if long { dice.millis(5_200, 8_000) } else { dice.millis(100, 1_500) };
            fleet.stop_for(victim, pause).await;
            struck.stops += 1;
            // What a process does that comes back late is the point.
            tokio::time::sleep(dice.millis(0, 400)).await;
        }
        fleet.kill(victim);
        fleet.launch(victim);
        pace.struck(Fault::Kill);
        struck.kills += 1;
        if struck.kills.is_multiple_of(10) {
            tell!("{} kills, {} stops", struck.kills, struck.stops);
        }
    }
    struck
}
