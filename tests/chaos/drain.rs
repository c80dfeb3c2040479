//! Waits until nothing is under way any more.

use std::time::{Duration, Instant};

use crate::ground::Ground;
use crate::plan::Plan;
use crate::tell;

/// Calls and transactions that have not come to an end.
const UNDER_WAY: &str = "
    SELECT (SELECT count(*) FROM calls WHERE state IN ('queued', 'bound')),
           (SELECT count(*) FROM transactions WHERE state IN ('bound', 'signed', 'live', 'included'))";

/// Waits until every call and every transaction has come to its end; what is left when that takes too long.
pub(crate) async fn wait(plan: &Plan, ground: &Ground) -> Result<(), String> {
    let begun = Instant::now();
    let longest = Duration::from_mins(3) + Duration::from_millis(200) * plan.mints;
    let mut told = Instant::now();
    loop {
        let (calls, transactions) = under_way(ground).await;
        if calls == 0 && transactions == 0 {
            tell!("drained in {:.0?}", begun.elapsed());
            return Ok(());
        }
        if begun.elapsed() > longest {
            return Err(format!(
                "after {longest:?} {calls} calls and {transactions} transactions were under way"
            ));
        }
        if told.elapsed() > Duration::from_secs(10) {
            tell!("{calls} calls and {transactions} transactions are under way");
            told = Instant::now();
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

async fn under_way(ground: &Ground) -> (i64, i64) {
    let mut tx = ground.books.begin_read().await.expect("the books");
    tx.fetch_one(UNDER_WAY, &[]).await.expect("the books")
}
