//! One of several providers: its node, its name, and what is remembered of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use catalog::chance::Chance;
use catalog::clock::{Clock, Timestamp};

use super::health::{Health, Quarantine, Standing};
use super::identity::Identity;
use crate::chain::{Chain, ChainError};
use crate::rpc::RpcChain;

/// A provider. `Debug` shows its name alone.
pub(super) struct Provider {
    pub(super) position: usize,
    pub(super) name: String,
    pub(super) chain: RpcChain,
    memory: Mutex<Memory>,
    final_seen: AtomicU64,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
}

#[derive(Default)]
struct Memory {
    health: Health,
    identity: Option<Identity>,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Provider {
    pub(super) fn new(
        position: usize,
        name: String,
        chain: RpcChain,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Chance>,
    ) -> Self {
        let (memory, final_seen) = (Mutex::default(), AtomicU64::new(0));
        Self { position, name, chain, memory, final_seen, clock, chance }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn standing(&self, now: Timestamp) -> Standing {
        self.memory().health.standing(now)
    }

    pub(super) fn check_is_due(&self, now: Timestamp) -> bool {
        self.memory().health.check_is_due(now)
    }

    /// What it told last of itself.
    pub(super) fn identity(&self) -> Option<Identity> {
        self.memory().identity
    }

    /// The height of the newest final block that it told of.
    pub(super) fn final_seen(&self) -> u64 {
        self.final_seen.load(Ordering::Relaxed)
    }

    pub(super) fn saw_final(&self, number: u64) {
        self.final_seen.store(number, Ordering::Relaxed);
    }

    /// Asks it who it is; `fully`, for comparing it with others.
    pub(super) async fn introduce(&self, fully: bool) -> Option<Identity> {
        let chain_id = self.chain.chain_id().await;
        self.note(&chain_id);
        let chain_id = chain_id.ok()?;
        let genesis = if fully { self.chain.block_hash(0).await.ok().flatten() } else { None };
        let code = if fully { self.chain.code_digest().await.ok() } else { None };
        let identity = Identity { chain_id, genesis, code };
        self.memory().identity = Some(identity);
        Some(identity)
    }

    /// Takes in what a check found.
    pub(super) fn judged(&self, verdict: Result<(), Quarantine>) {
        let now = self.clock.now();
        self.change(now, "it told who it is", |health| health.checked(now, verdict));
    }

    /// Takes in an answer; true when it counts against the provider. A node that answers with an error of its own is
    /// well: the question was the trouble.
    pub(super) fn note<T>(&self, answer: &Result<T, ChainError>) -> bool {
        match answer {
            Err(error) if error.is_of_the_provider() => {
                self.failed(&error.to_string());
                true
            }
            _ => {
                self.memory().health.answered();
                false
            }
        }
    }

    /// It failed, for a reason that names no address.
    pub(super) fn failed(&self, reason: &str) {
        tracing::debug!(provider = self.name, reason, "a provider failed");
        metrics::counter!("colophon_provider_failures_total", "provider" => self.name.clone()).increment(1);
        let now = self.clock.now();
        let [chance] = self.chance.bytes::<1>();
        self.change(now, reason, |health| health.failed(now, chance));
    }

    /// It said that it is of another chain: asked before it is used again.
    pub(super) fn doubted(&self) {
        self.change(self.clock.now(), "it seems to be of another chain", Health::doubted);
    }

    /// Changes its health, and tells the log and the metrics when it stands otherwise then.
    fn change(&self, now: Timestamp, reason: &str, change: impl FnOnce(&mut Health)) {
        let mut memory = self.memory();
        let before = memory.health.standing(now);
        change(&mut memory.health);
        let after = memory.health.standing(now);
        drop(memory);
        let gauge = |name: &'static str, holds: bool| {
            metrics::gauge!(name, "provider" => self.name.clone()).set(if holds { 1.0 } else { 0.0 });
        };
        gauge("colophon_provider_healthy", after == Standing::Healthy);
        gauge("colophon_provider_quarantined", matches!(after, Standing::Quarantined(_)));
        match &after {
            _ if before == after => {}
            Standing::Healthy => tracing::info!(provider = self.name, "provider in use"),
            Standing::Quarantined(reason) => {
                tracing::error!(provider = self.name, %reason, "provider quarantined: nothing is asked of it or sent to it");
            }
            standing => {
                tracing::warn!(
                    provider = self.name,
                    standing = standing.as_str(),
                    reason,
                    "provider left alone"
                );
            }
        }
    }
}
