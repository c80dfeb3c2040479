//! The logs by which a token left an account.

use alloy::primitives::{B256, U256};
use alloy::providers::Provider;
use alloy::rpc::types::{BlockNumberOrTag as Tag, Filter};
use alloy::sol_types::SolEvent;
use catalog::account::Account;

use super::{RpcChain, failed};
use crate::chain::{Block, ChainError};
use crate::contract::{self, IPrintEditions, Inherited};
use crate::departure::{Departure, Way};
use crate::token::TokenId;

impl RpcChain {
    /// How a token left `keeper`, in the order of the blocks.
    pub(super) async fn read_departures(
        &self,
        token_id: TokenId,
        keeper: Account,
    ) -> Result<Vec<Departure>, ChainError> {
        use IPrintEditions as Editions;
        let id = B256::from(U256::from(token_id.get()));
        let ours = || Filter::new().address(self.contract).from_block(Tag::Earliest);
        let moved = ours()
            .event_signature(Inherited::Transfer::SIGNATURE_HASH)
            .topic1(contract::address(keeper).into_word())
            .topic3(id);
        let ended = ours()
            .event_signature(vec![
                Editions::Released::SIGNATURE_HASH,
                Editions::Surrendered::SIGNATURE_HASH,
                Editions::Voided::SIGNATURE_HASH,
            ])
            .topic1(id);
        let mut departures = Vec::new();
        for filter in [moved, ended] {
            let logs =
                self.provider.get_logs(&filter).await.map_err(|error| failed("eth_getLogs", &error))?;
            departures.extend(logs.iter().filter_map(departure));
        }
        departures.sort_by_key(|departure| departure.block.number);
        Ok(departures)
    }
}

/// Reads how a token left an account. A transfer to nobody is told better by the event beside it.
fn departure(log: &alloy::rpc::types::Log) -> Option<Departure> {
    use IPrintEditions as Editions;
    let block = Block { number: log.block_number?, hash: log.block_hash? };
    let way = match *log.topic0()? {
        Inherited::Transfer::SIGNATURE_HASH => {
            let to = log.log_decode::<Inherited::Transfer>().ok()?.inner.data.to;
            (!to.is_zero()).then(|| Way::Moved(contract::account(to)))?
        }
        Editions::Released::SIGNATURE_HASH => {
            let event = log.log_decode::<Editions::Released>().ok()?.inner.data;
            Way::Released(contract::account(event.recipient))
        }
        Editions::Surrendered::SIGNATURE_HASH => Way::Surrendered,
        Editions::Voided::SIGNATURE_HASH => Way::Voided,
        _ => return None,
    };
    Some(Departure { way, block })
}
