//! Several providers as one chain (decision 0004).
//!
//! Ordinary questions go to one provider, the same one until it fails: nodes that differ by some blocks do not make
//! us flap. What cannot be taken back (a final block, a receipt or its absence, a count) is asked of all, and needs a
//! majority of the configured ones. Signed bytes go to all. A provider is used only after it told who it is.
//!
//! *Invariant: no verdict on one word.* With several providers configured, no single one can make us confirm a
//! transaction, or give one up.

mod agreement;
mod ask;
mod chain;
mod health;
mod identity;
mod provider;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use catalog::account::Account;
use catalog::chance::Chance;
use catalog::clock::{Clock, Timestamp};
use futures_util::future::join_all;

use crate::chain::{Block, ChainError};
use crate::rpc::{Finality, RpcChain};
use provider::Provider;

pub use health::{Quarantine, Standing};

/// How often the providers are looked at. Only those whose check is due are asked.
const WATCH: Duration = Duration::from_secs(1);

/// The configured providers of one chain.
#[derive(Debug)]
pub struct Providers {
    chain_id: u64,
    all: Vec<Arc<Provider>>,
    current: AtomicUsize,
    agreed_final: Mutex<Option<Block>>,
    highest_final: AtomicU64,
    checking: tokio::sync::Mutex<()>,
    clock: Arc<dyn Clock>,
}

/// How to tell a provider apart in logs and metrics: by its position and host, never by its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderStanding {
    /// For example `2 rpc.example.com`.
    pub name: String,
    /// Where it stands.
    pub standing: Standing,
}

impl Providers {
    /// Asks each address who it is. Those that do not answer, or not as `chain_id`, are asked again later: at least
    /// one may be used at the return if [`Self::usable_count`] is not zero.
    pub async fn connect(
        urls: Vec<url::Url>,
        contract: Account,
        finality: Finality,
        chain_id: u64,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Chance>,
    ) -> Result<Arc<Self>, ChainError> {
        let provider = |(position, url): (usize, url::Url)| {
            let name = format!("{} {}", position + 1, url.host_str().unwrap_or("?"));
            let chain = RpcChain::new(url, contract, finality)?;
            Ok(Arc::new(Provider::new(position, name, chain, Arc::clone(&clock), Arc::clone(&chance))))
        };
        let all = urls.into_iter().enumerate().map(provider).collect::<Result<Vec<_>, ChainError>>()?;
        let providers = Arc::new(Self {
            chain_id,
            all,
            current: AtomicUsize::new(0),
            agreed_final: Mutex::new(None),
            highest_final: AtomicU64::new(0),
            checking: tokio::sync::Mutex::default(),
            clock,
        });
        providers.look().await;
        tokio::spawn(keep_watch(Arc::downgrade(&providers)));
        Ok(providers)
    }

    /// Asks those whose check is due who they are.
    pub async fn look(&self) {
        let _turn = self.checking.lock().await;
        let now = self.now();
        let due = self.all.iter().filter(|provider| provider.check_is_due(now)).cloned().collect();
        self.check(due).await;
    }

    /// Where each provider stands, in the order of the settings.
    #[must_use]
    pub fn standings(&self) -> Vec<ProviderStanding> {
        let now = self.now();
        let told = |provider: &Arc<Provider>| ProviderStanding {
            name: provider.name.clone(),
            standing: provider.standing(now),
        };
        self.all.iter().map(told).collect()
    }

    /// How many may be used now.
    #[must_use]
    pub fn usable_count(&self) -> usize {
        self.healthy().len()
    }

    /// How many are needed for evidence.
    #[must_use]
    pub fn majority(&self) -> usize {
        agreement::majority(self.all.len())
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The healthy ones: the one in use first, then in the order of the settings.
    fn healthy(&self) -> Vec<Arc<Provider>> {
        let now = self.now();
        let current = self.current.load(Ordering::Relaxed);
        let healthy = |provider: &&Arc<Provider>| provider.standing(now) == Standing::Healthy;
        let mut healthy: Vec<_> = self.all.iter().filter(healthy).cloned().collect();
        healthy.sort_by_key(|provider| (provider.position != current, provider.position));
        healthy
    }

    /// The healthy ones; when there is none, all that are not quarantined are asked at once who they are.
    async fn usable(&self) -> Result<Vec<Arc<Provider>>, ChainError> {
        let healthy = self.healthy();
        if !healthy.is_empty() {
            return Ok(healthy);
        }
        let _turn = self.checking.lock().await;
        if self.healthy().is_empty() {
            let now = self.now();
            let worth_asking = |provider: &&Arc<Provider>| {
                !matches!(provider.standing(now), Standing::Quarantined(_)) || provider.check_is_due(now)
            };
            self.check(self.all.iter().filter(worth_asking).cloned().collect()).await;
        }
        let healthy = self.healthy();
        if healthy.is_empty() {
            Err(ChainError::NoProvider { standings: self.describe() })
        } else {
            Ok(healthy)
        }
    }

    /// Every provider and where it stands, in one line.
    #[must_use]
    pub fn describe(&self) -> String {
        let line = |told: ProviderStanding| match told.standing {
            Standing::Quarantined(reason) => format!("{}: quarantined, {reason}", told.name),
            standing => format!("{}: {}", told.name, standing.as_str()),
        };
        self.standings().into_iter().map(line).collect::<Vec<_>>().join("; ")
    }

    /// Asks them who they are, and judges each by what all told last. One check at a time.
    async fn check(&self, due: Vec<Arc<Provider>>) {
        // With one provider there is nothing to compare it with.
        let compared = self.all.len() > 1;
        let introduced = join_all(due.iter().map(|provider| provider.introduce(compared))).await;
        let told: Vec<_> = self.all.iter().map(|provider| provider.identity()).collect();
        for (provider, identity) in due.iter().zip(introduced) {
            let Some(identity) = identity else { continue };
            let stayed = provider.standing(self.now()) == Standing::Healthy;
            provider.judged(identity::verdict(identity, self.chain_id, &told));
            self.prefer(provider, stayed);
        }
    }

    /// Goes back to a provider named earlier in the settings once it was healthy from one check to the next and is
    /// not behind.
    fn prefer(&self, provider: &Provider, stayed: bool) {
        let Some(current) = self.all.get(self.current.load(Ordering::Relaxed)) else { return };
        let ahead = provider.final_seen() >= current.final_seen();
        if stayed && ahead && provider.position < current.position {
            self.current.store(provider.position, Ordering::Relaxed);
        }
    }

    fn agreed_final(&self) -> Option<Block> {
        *self.agreed_final.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what was agreed on last, lower or not: a lower one only makes us wait. The highest ever says from where on
    /// a provider's silence about a receipt counts, whatever another lane agrees on meanwhile.
    fn keep_final(&self, block: Block) -> Block {
        *self.agreed_final.lock().unwrap_or_else(PoisonError::into_inner) = Some(block);
        self.highest_final.fetch_max(block.number, Ordering::Relaxed);
        block
    }
}

/// Looks at the providers, as long as somebody uses the providers.
async fn keep_watch(providers: Weak<Providers>) {
    loop {
        tokio::time::sleep(WATCH).await;
        let Some(providers) = providers.upgrade() else { return };
        providers.look().await;
    }
}
