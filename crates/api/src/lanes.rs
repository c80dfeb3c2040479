//! Lanes from the operator's side: how they stand, and letting a frozen one go on.

use catalog::account::Account;
use catalog::chance::SystemChance;
use catalog::clock::SystemClock;
use catalog::db::{Db, DbError};
use minting::devchain::DevChain;
use minting::resumption::{ResumeError, Resumption};
use minting::rpc::{Finality, RpcChain};
use minting::store::{self, LaneRecord};

use crate::binding;
use crate::chain_side::{self, ChainSideError};
use crate::config::Settings;

/// Why a lane does not go on.
#[derive(Debug, thiserror::Error)]
pub enum LaneError {
    /// The chain's side.
    #[error(transparent)]
    Chain(#[from] ChainSideError),
    /// It must not.
    #[error(transparent)]
    Refused(#[from] ResumeError),
    /// The database was never used by a service.
    #[error("this database belongs to no chain yet")]
    NotBound,
    /// The database failed.
    #[error("the books could not be read")]
    Db(#[from] DbError),
}

/// All lanes.
pub async fn list(db: &Db) -> Result<Vec<LaneRecord>, DbError> {
    let mut tx = db.begin_read().await?;
    store::list_lanes(&mut tx).await
}

/// Lets the lane of `signer` go on; how many final transactions the chain had lost.
pub async fn resume(settings: &Settings, db: &Db, signer: Account) -> Result<usize, LaneError> {
    let bound = binding::bound(db).await?.ok_or(LaneError::NotBound)?;
    let reached = chain_side::reach(settings).await?;
    let chain = RpcChain::new(reached.url, bound.contract, Finality::Tag).map_err(ChainSideError::from)?;
    let resumption = Resumption { db, chain: &chain, clock: &SystemClock, chance: &SystemChance };
    let resumed = resumption.resume(signer).await;
    // A node that was not running before is not left running.
    if let Some(devchain) = reached.devchain.filter(DevChain::was_started_here) {
        devchain.end().await;
    }
    Ok(resumed?)
}
