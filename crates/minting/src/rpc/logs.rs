//! The contract's log and its first block.

use alloy::eips::BlockId;
use alloy::providers::Provider;
use alloy::rpc::types::{BlockNumberOrTag as Tag, Filter};

use super::{RpcChain, failed, impossible};
use crate::chain::{Chain, ChainError};
use crate::contract::{LogEntry, LogEvent, log_entry};

impl RpcChain {
    /// What the contract wrote into its log in the blocks from `from` to `to`, both included, in its order.
    pub(super) async fn read_log(&self, from: u64, to: u64) -> Result<Vec<LogEntry>, ChainError> {
        let question = "eth_getLogs";
        let filter = Filter::new().address(self.contract).from_block(from).to_block(to);
        let mut logs = self.provider.get_logs(&filter).await.map_err(|error| failed(question, &error))?;
        let elsewhere = |log: &alloy::rpc::types::Log| {
            log.address() != self.contract
                || log.removed
                || log.block_number.is_none_or(|number| !(from..=to).contains(&number))
        };
        if logs.iter().any(elsewhere) {
            return Err(impossible(question, "logs that were not asked for"));
        }
        logs.sort_by_key(|log| (log.block_number, log.log_index));
        let mut entries: Vec<LogEntry> = logs.iter().filter_map(log_entry).collect();
        for entry in &mut entries {
            if let LogEvent::Moved { at: at @ 0, .. } = &mut entry.event {
                *at = self.time_of(entry.block.number).await?;
            }
        }
        Ok(entries)
    }

    /// When a block was made, in Unix seconds.
    async fn time_of(&self, number: u64) -> Result<u64, ChainError> {
        let question = "eth_getBlockByNumber";
        let block = self.provider.get_block_by_number(Tag::Number(number)).await;
        let block = block.map_err(|error| failed(question, &error))?;
        block.map(|block| block.header.timestamp).ok_or_else(|| impossible(question, "no such block"))
    }

    /// The block that the contract's code stands in from on. A node that does not keep so old a state is believed to have
    /// had it always.
    pub(super) async fn find_first_block(&self) -> Result<u64, ChainError> {
        let (mut without, mut with) = (0, self.head().await?.number);
        while without < with {
            let middle = without + (with - without) / 2;
            let code =
                self.provider.get_code_at(self.contract).block_id(BlockId::Number(Tag::Number(middle)));
            match code.await.map_err(|error| failed("eth_getCode", &error)) {
                Ok(code) if code.is_empty() => without = middle + 1,
                Ok(_) => with = middle,
                Err(ChainError::Declined { .. }) => return Ok(0),
                Err(error) => return Err(error),
            }
        }
        Ok(with)
    }
}
