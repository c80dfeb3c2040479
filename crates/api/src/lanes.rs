//! Lanes from the operator's side: how they stand, and letting a frozen one go on.

use catalog::account::Account;
use catalog::chance::SystemChance;
use catalog::clock::SystemClock;
use catalog::db::{Db, DbError};
use catalog::text::Line;
use minting::recovery::{Adopted, Recovery, RecoveryError};
use minting::resumption::{ResumeError, Resumption};
use minting::store::{self, LaneRecord};

use crate::chain_side::{Beside, ChainSideError};
use crate::config::Settings;

/// Why a lane does not go on.
#[derive(Debug, thiserror::Error)]
pub enum LaneError {
    /// The chain's side.
    #[error(transparent)]
    Chain(#[from] ChainSideError),
    /// It must not be resumed.
    #[error(transparent)]
    Refused(#[from] ResumeError),
    /// It must not be adopted.
    #[error(transparent)]
    NotAdopted(#[from] RecoveryError),
}

/// All lanes.
pub async fn list(db: &Db) -> Result<Vec<LaneRecord>, DbError> {
    let mut tx = db.begin_read().await?;
    store::list_lanes(&mut tx).await
}

/// Lets the lane of `signer` go on; how many final transactions the chain had lost.
pub async fn resume(settings: &Settings, db: &Db, signer: Account) -> Result<usize, LaneError> {
    let beside = Beside::open(settings, db).await?;
    let resumption =
        Resumption { db, chain: beside.chain.as_ref(), clock: &SystemClock, chance: &SystemChance };
    let resumed = resumption.resume(signer).await;
    beside.leave().await;
    Ok(resumed?)
}

/// Lets the lane of `signer` go on whose key was used without these books.
pub async fn adopt(
    settings: &Settings,
    db: &Db,
    signer: Account,
    reason: &Line,
) -> Result<Adopted, LaneError> {
    let beside = Beside::open(settings, db).await?;
    let recovery = Recovery { db, chain: beside.chain.as_ref(), clock: &SystemClock, chance: &SystemChance };
    let adopted = recovery.adopt(signer, reason).await;
    beside.leave().await;
    Ok(adopted?)
}
