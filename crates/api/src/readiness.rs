//! What must work before this process should be given requests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog::db::Db;
use futures_util::future::{BoxFuture, join_all};
use minting::image_store::ImageStore;
use tokio::sync::Mutex;

use crate::store;

/// How long one check may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long an answer stands: whoever asks more often costs nothing.
const FRESH: Duration = Duration::from_secs(1);

/// What a failed check found.
pub type ProbeError = Box<dyn std::error::Error + Send + Sync>;

/// One thing that `/readyz` checks. Each part of the service brings its own: the database and the image store
/// stand here, the chain and its signers with the code that speaks to the chain.
pub trait Probe: Send + Sync {
    /// A stable word for the answer: `database_write`, `chain_id`, `signer_balance`.
    fn name(&self) -> &'static str;

    /// Checks it. The error's text is logged, not shown.
    fn check(&self) -> BoxFuture<'_, Result<(), ProbeError>>;
}

/// The checks of this process, with their latest outcome.
pub struct Readiness {
    probes: Vec<Arc<dyn Probe>>,
    latest: Mutex<Option<(Instant, Outcome)>>,
}

/// Which checks passed.
pub type Outcome = BTreeMap<&'static str, bool>;

impl Readiness {
    /// These checks.
    #[must_use]
    pub fn new(probes: Vec<Arc<dyn Probe>>) -> Self {
        Self { probes, latest: Mutex::new(None) }
    }

    /// Runs every check, unless they ran a moment ago.
    pub async fn outcome(&self) -> Outcome {
        let mut latest = self.latest.lock().await;
        if let Some((at, outcome)) = latest.as_ref()
            && at.elapsed() < FRESH
        {
            return outcome.clone();
        }
        let checks = self.probes.iter().map(|probe| async { (probe.name(), passes(probe.as_ref()).await) });
        let outcome: Outcome = join_all(checks).await.into_iter().collect();
        *latest = Some((Instant::now(), outcome.clone()));
        outcome
    }
}

async fn passes(probe: &dyn Probe) -> bool {
    match tokio::time::timeout(PATIENCE, probe.check()).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(check = probe.name(), error = crate::error::chain(&*error), "not ready");
            false
        }
        Err(_) => {
            tracing::warn!(check = probe.name(), "not ready: the check took too long");
            false
        }
    }
}

/// `database_write`: a row can be written and committed.
#[derive(Debug)]
pub struct DatabaseProbe(pub Db);

impl Probe for DatabaseProbe {
    fn name(&self) -> &'static str {
        "database_write"
    }

    fn check(&self) -> BoxFuture<'_, Result<(), ProbeError>> {
        Box::pin(async {
            let mut tx = self.0.begin_write().await?;
            let now = tx.now().await?;
            store::write_pulse(&mut tx, now).await?;
            Ok(tx.commit().await?)
        })
    }
}

/// `image_store`: an object can be written and read back.
#[derive(Debug)]
pub struct ImageStoreProbe(pub ImageStore);

impl Probe for ImageStoreProbe {
    fn name(&self) -> &'static str {
        "image_store"
    }

    fn check(&self) -> BoxFuture<'_, Result<(), ProbeError>> {
        Box::pin(async { Ok(self.0.probe().await?) })
    }
}
