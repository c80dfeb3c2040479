//! Giving rows of the journal their place and hash: an idempotent step without input.

use std::time::Duration;

use catalog::clock::Clock;
use catalog::crash_point;
use catalog::db::{Db, DbError, retrying};
use catalog::store;

use super::chain;
use crate::chores;
use crate::state::AppState;

/// Rows that one step seals at most: on `SQLite` writers wait for so many updates.
const BATCH: u32 = 500;
/// Pause between two steps that find nothing.
const PAUSE: Duration = Duration::from_secs(1);

/// Seals what is committed, at most one batch; gives how many rows. What another sealer took is left to it.
pub async fn step(db: &Db, clock: &dyn Clock) -> Result<usize, DbError> {
    let mut tx = db.begin_read().await?;
    let begun = store::find_sealed_head(&mut tx).await?;
    let rows = store::list_unsealed(&mut tx, BATCH).await?;
    drop(tx);
    // The hashes are made before the lock is taken.
    let at = clock.now();
    let (mut head, mut seals) = (begun, Vec::with_capacity(rows.len()));
    for row in &rows {
        let odd = |problem| DbError::inconsistent("journal", row.sequence, problem);
        head = chain::next(&head, row, at).map_err(odd)?;
        seals.push((row.sequence, head.position, head.hash));
    }
    if seals.is_empty() {
        return Ok(0);
    }
    let (head, seals) = (&head, &seals);
    retrying(|| async move {
        let mut tx = db.begin_write().await?;
        if store::lock_sealed_head(&mut tx).await? != begun {
            return Ok(0);
        }
        store::seal_rows(&mut tx, seals, at).await?;
        store::move_sealed_head(&mut tx, head).await?;
        crash_point!("audit.seal");
        tx.commit().await?;
        crash_point!("audit.seal.committed");
        Ok(seals.len())
    })
    .await
}

/// Repeats the step. Runs until it is dropped or aborted.
pub async fn seal_forever(app: AppState) {
    chores::work_off("sealing", BATCH, PAUSE, || step(&app.db, app.clock.as_ref())).await;
}
