//! Steals leases: the process that works a lane stands still until another one has taken the lane, and then goes on where
//! it was, believing that it still holds it.

use std::sync::Arc;
use std::time::{Duration, Instant};
use tests::dice::Dice;

use crate::fleet::Fleet;
use crate::ground::Ground;
use crate::pace::{Fault, Pace};
use crate::plan::Plan;
use crate::tell;

/// The minters' lanes under somebody's lease: who has them, and the fence.
const HELD: &str = "
    SELECT signer,
           lease_holder,
           fence
    FROM lanes
    WHERE role = 'minter'
      AND lease_until > 0
      AND lease_holder IS NOT NULL
    ORDER BY signer";
/// The fence of a lane.
const FENCE: &str = "
    SELECT fence
    FROM lanes
    WHERE signer = $1";
/// No theft takes longer: the lease lasts five seconds.
const PATIENCE: Duration = Duration::from_secs(15);

/// A theft is tried so often: it fails where nobody holds a lane just then, or nobody takes it in time.
const TRIES: u32 = 3;

/// Steals as often as the plan says; tells how often another process really took the lane meanwhile.
pub(crate) async fn strike(plan: Arc<Plan>, ground: Arc<Ground>, fleet: Arc<Fleet>, pace: Arc<Pace>) -> u32 {
    let mut stolen = 0;
    for index in 0..plan.thefts {
        pace.may_strike(Fault::Theft, index).await;
        let mut dice = Dice::of(plan.seed, "theft", index.into());
        for _ in 0..TRIES {
            // In the middle of whatever it does.
            tokio::time::sleep(dice.millis(0, 700)).await;
            if steal(&ground, &fleet, &mut dice).await {
                stolen += 1;
                break;
            }
        }
        pace.struck(Fault::Theft);
        if (index + 1).is_multiple_of(10) {
            tell!("{stolen} leases stolen");
        }
    }
    stolen
}

async fn steal(ground: &Ground, fleet: &Fleet, dice: &mut Dice) -> bool {
    let mut tx = ground.books.begin_read().await.expect("the books");
    let held: Vec<(String, String, i64)> = tx.fetch_all(HELD, &[]).await.expect("the lanes");
    drop(tx);
    let Some((signer, holder, fence)) = held.get(dice.index(held.len())) else { return false };
    // A holder is named by its process id and something random.
    let id = holder.split_once('-').and_then(|(id, _)| id.parse().ok());
    let Some(victim) = id.and_then(|id| fleet.with_id(id)) else { return false };
    fleet.stop(victim);
    let begun = Instant::now();
    let mut taken = false;
    while !taken && begun.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let mut tx = ground.books.begin_read().await.expect("the books");
        let (now,): (i64,) = tx.fetch_one(FENCE, &[signer.as_str().into()]).await.expect("the lane");
        taken = now > *fence;
    }
    // At times the new holder has just begun, at times it has long been at work.
    tokio::time::sleep(dice.millis(0, 300)).await;
    fleet.go_on(victim);
    taken
}
