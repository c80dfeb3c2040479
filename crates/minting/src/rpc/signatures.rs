//! What accounts that are contracts say of signatures (ERC-1271, ERC-6492).

use alloy::eips::BlockId;
use alloy::primitives::U256;
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;

use super::{RpcChain, failed, impossible};
use crate::chain::{Block, ChainError};
use crate::wallet::code_proof::{self, CodeQuestion};

impl RpcChain {
    /// What the code of an account answers at a block.
    pub(crate) async fn takes_signature_at(
        &self,
        question: &CodeQuestion,
        block: Block,
    ) -> Result<bool, ChainError> {
        let request = TransactionRequest::default()
            .gas_limit(code_proof::GAS)
            .input(question.program().into())
            .create();
        let answer = self.provider.call(request).block(BlockId::hash(block.hash)).await;
        // The program answers whatever the account does; a node's error is the node's own.
        let answer = answer.map_err(|error| failed("eth_call", &error))?;
        let word = U256::try_from_be_slice(&answer).filter(|_| answer.len() == 32);
        match word {
            Some(U256::ZERO) => Ok(false),
            Some(U256::ONE) => Ok(true),
            _ => Err(impossible("eth_call", "neither yes nor no")),
        }
    }
}
