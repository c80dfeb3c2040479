//! How much gas a group gets, and whether it would go through with it.

use std::time::Duration;

use catalog::clock::Timestamp;

use super::Lane;
use crate::call::{Call, CallKind};
use crate::chain::DryRunError;
use crate::contract::UnfitGroup;
use crate::{contract, gas};

/// So long it is believed that a chain adds nothing to what a call uses.
const BELIEVED: Duration = Duration::from_mins(10);

/// What a process remembers of the gas that a chain asks for. Memory only spares questions.
#[derive(Debug, Default)]
pub(super) struct GasNeed {
    /// When the chain's own estimate was last below our worst case.
    nothing_added_at: Option<Timestamp>,
}

/// A group that cannot be tried.
#[derive(Debug, thiserror::Error)]
pub(super) enum GasError {
    /// It would not go through.
    #[error(transparent)]
    DryRun(#[from] DryRunError),
    /// Its calls do not fit together.
    #[error(transparent)]
    Unfit(#[from] UnfitGroup),
}

impl Lane {
    /// Tries the group without sending it; gives the gas limit that it gets. The node is asked for its own estimate,
    /// which executes the group several times, only where the chain adds a data fee, and now and then to know that.
    pub(super) async fn try_group(&mut self, kind: CallKind, calls: &[Call]) -> Result<u64, GasError> {
        let (chain, signer) = (self.pipeline.chain.clone(), self.signer());
        let worst = gas::limit(kind, calls.len(), 0);
        let now = self.pipeline.clock.now();
        let believed = |at: Timestamp| !now.is_over(at, BELIEVED);
        if self.gas_need.nothing_added_at.is_some_and(believed) {
            // The contract passes over what concerns one call; what it refuses all of them for, it refuses the first for.
            if kind.goes_alone() || self.told.tried != Some(kind) {
                let first = contract::calldata(calls.get(..1).unwrap_or_default())?;
                chain.dry_run(signer, &first, gas::limit(kind, 1, 0)).await?;
                self.told.tried = Some(kind);
            }
            return Ok(worst);
        }
        let estimate = chain.estimate(signer, &contract::calldata(calls)?).await?;
        // An eighth more: between the estimate and the block others change what the calls meet.
        let limit = gas::limit(kind, calls.len(), estimate.saturating_add(estimate / 8));
        self.gas_need.nothing_added_at = (limit == worst).then_some(now);
        Ok(limit)
    }
}
