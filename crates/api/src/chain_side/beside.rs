//! The chain's side for a command beside the service.

use std::sync::Arc;

use catalog::chance::SystemChance;
use catalog::clock::SystemClock;
use catalog::db::Db;
use minting::devchain::DevChain;
use minting::metadata::Home;
use minting::providers::Providers;

use super::{ChainSideError, Reached, addresses, finality, reach};
use crate::binding::{self, Bound};
use crate::config::Settings;

/// The chain that a database was bound to, for a command beside the service.
pub struct Beside {
    /// Which chain, which contract.
    pub bound: Bound,
    /// The chain, behind all its providers.
    pub chain: Arc<Providers>,
    devchain: Option<DevChain>,
}

impl Beside {
    /// Reaches the chain that `db` was bound to by a service.
    pub async fn open(settings: &Settings, db: &Db) -> Result<Self, ChainSideError> {
        let bound = binding::bound(db).await?.ok_or(ChainSideError::NotBound)?;
        let Reached { devchain, url, chain_id } = reach(settings).await?;
        let urls = if devchain.is_some() { vec![url] } else { addresses(settings)? };
        let finality = finality(&settings.minting);
        let (clock, chance) = (Arc::new(SystemClock), Arc::new(SystemChance));
        let chain = Providers::connect(urls, bound.contract, finality, chain_id, clock, chance).await?;
        Ok(Self { bound, chain, devchain })
    }

    /// Where the tokens of that database live.
    pub fn home(&self, settings: &Settings) -> Result<Home, ChainSideError> {
        let odd = |_| ChainSideError::OddBaseUrl;
        let site = settings.public_base_url.parse().map_err(odd)?;
        Home::new(site, self.bound.chain_id, self.bound.contract).map_err(|_| ChainSideError::OddBaseUrl)
    }

    /// A node that was not running before is not left running.
    pub async fn leave(self) {
        if let Some(devchain) = self.devchain.filter(DevChain::was_started_here) {
            devchain.end().await;
        }
    }
}
