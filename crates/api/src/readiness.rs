//! What must work before this process should be given requests.

use futures_util::future::BoxFuture;

/// One thing that `/readyz` checks. Each part of the service brings its own: the database and the image store
/// stand here, the chain and its signers with the code that speaks to the chain.
pub trait Probe: Send + Sync {
    /// A stable word for the answer: `database_write`, `chain_id`, `signer_balance`.
    fn name(&self) -> &'static str;

    /// Checks it. The error's text is logged, not shown.
    fn check(&self) -> BoxFuture<'_, Result<(), ProbeError>>;
}

/// What a failed check found.
pub type ProbeError = Box<dyn std::error::Error + Send + Sync>;
