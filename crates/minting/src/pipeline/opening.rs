//! Opening a lane: the role on chain, and the first nonce of a lane that is new.

use std::collections::HashMap;
use std::sync::Arc;

use catalog::account::Account;
use catalog::crash_point;
use catalog::db::DbError;
use catalog::journal::{self, Occasion};
use tokio::sync::watch;

use super::gas_need::GasNeed;
use super::told::Told;
use super::{Lane, Pipeline};
use crate::chain::{Chain, ChainError, CountAt, Role};
use crate::event::MintingEvent;
use crate::recovery;
use crate::signer::SigningKey;
use crate::store;

/// A lane that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenLaneError {
    /// The signer lacks the role on chain.
    #[error("the {} key {signer} does not hold the {} role of the contract", role.as_str(), role.as_str())]
    RoleMissing {
        /// The account.
        signer: Account,
        /// The role.
        role: Role,
    },
    /// The vault's signer could do more than keep tokens.
    #[error(
        "the vault key {signer} holds another role of the contract too: the vault must hold its own alone"
    )]
    RoleNotAlone {
        /// The account.
        signer: Account,
    },
    /// A new lane's signer has transactions under way that we know nothing of.
    #[error("the {} key {signer} has unfinished transactions: wait until they are final", role.as_str())]
    Unsettled {
        /// The account.
        signer: Account,
        /// The role.
        role: Role,
    },
    /// The chain did not answer.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The database failed.
    #[error("the books could not be read or written")]
    Db(#[from] DbError),
}

/// True when the vault's signer holds a role besides its own.
async fn holds_more(chain: &dyn Chain, signer: Account) -> Result<bool, ChainError> {
    for role in Role::ALL {
        if role != Role::Vault && chain.has_role(role, signer).await? {
            return Ok(true);
        }
    }
    chain.governs(signer).await
}

impl Lane {
    /// Opens the lane of `key`: checks the role on chain, and stores the first nonce when the lane is new.
    pub async fn open(pipeline: Arc<Pipeline>, key: SigningKey, role: Role) -> Result<Self, OpenLaneError> {
        let signer = key.account();
        if !pipeline.chain.has_role(role, signer).await? {
            return Err(OpenLaneError::RoleMissing { signer, role });
        }
        if role == Role::Vault && holds_more(pipeline.chain.as_ref(), signer).await? {
            return Err(OpenLaneError::RoleNotAlone { signer });
        }
        let mut tx = pipeline.db.begin_read().await?;
        let known = store::list_lanes(&mut tx).await?.iter().any(|lane| lane.signer == signer);
        drop(tx);
        if !known {
            let finalized = pipeline.chain.finalized().await?;
            let chain = &pipeline.chain;
            let final_count = chain.transaction_count(signer, CountAt::Height(finalized.number)).await?;
            let latest = chain.transaction_count(signer, CountAt::Latest).await?;
            let pending = chain.transaction_count(signer, CountAt::Pending).await?;
            if latest != final_count || pending != final_count {
                return Err(OpenLaneError::Unsettled { signer, role });
            }
            let occasion = Occasion::by_service(pipeline.clock.now(), "a start", pipeline.chance.as_ref());
            let mut tx = pipeline.db.begin_write().await?;
            if store::create_lane(&mut tx, signer, role, final_count, occasion.at).await? {
                let (word, first_nonce) = (role.as_str(), final_count);
                let event = MintingEvent::LaneOpened { signer, role: word, first_nonce };
                journal::append(&mut tx, &occasion, &event)?;
                // A key that was used before belongs to other books: an operator says that these take their place.
                if final_count > 0 {
                    let reason = recovery::used_before(role, final_count);
                    store::freeze_lane(&mut tx, signer, &reason, occasion.at).await?;
                    tracing::error!(%signer, reason, "lane frozen");
                    metrics::counter!("colophon_lanes_frozen_total").increment(1);
                    let event = MintingEvent::LaneFrozen { signer, reason };
                    journal::append(&mut tx, &occasion, &event)?;
                }
            }
            crash_point!("lane.made");
            tx.commit().await?;
            crash_point!("lane.made.committed");
        }
        let lane = Self {
            pipeline,
            key,
            role,
            fence: None,
            renewed_at: None,
            counted_at: None,
            sent: HashMap::new(),
            read_up_to: None,
            told: Told::default(),
            costs: HashMap::new(),
            cannot_pay: false,
            gas_need: GasNeed::default(),
            bound: None,
            // Of a sender that is gone: never told to stop.
            stop: watch::channel(false).1,
        };
        Ok(lane)
    }
}
