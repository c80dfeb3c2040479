//! What is asked once a pass.

use super::Lane;
use crate::call::CallKind;
use crate::chain::{ChainError, FeeHistory};

/// What the chain told in this pass. The next one asks again.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The nodes' count of the signer's transactions with those that wait.
    pub(super) waiting_count: Option<u64>,
    /// What gas costs, and how much of it a block takes.
    pub(super) market: Option<(FeeHistory, u64)>,
    /// What the signer owns, in wei.
    pub(super) balance: Option<u128>,
    /// Whether nobody answered to an attempt that was handed over: each silence takes its time, and what else is to be handed
    /// over waits for the next pass.
    pub(super) is_silent: bool,
    /// The kind of call of which one was tried that would go through.
    pub(super) tried: Option<CallKind>,
}

impl Lane {
    /// What gas costs, and how much of it a block takes: asked once a pass.
    pub(super) async fn market(&mut self) -> Result<(FeeHistory, u64), ChainError> {
        if let Some(told) = self.told.market {
            return Ok(told);
        }
        let chain = &self.pipeline.chain;
        let told = (chain.fee_history().await?, chain.block_gas_limit().await?);
        self.told.market = Some(told);
        Ok(told)
    }

    /// What the signer owns, in wei: asked once a pass. What it spends meanwhile counts as what is under way.
    pub(super) async fn balance(&mut self) -> Result<u128, ChainError> {
        if let Some(told) = self.told.balance {
            return Ok(told);
        }
        let told = self.pipeline.chain.balance(self.signer()).await?;
        self.told.balance = Some(told);
        Ok(told)
    }
}
