//! What `/readyz` asks of the chain.

use std::sync::Arc;

use catalog::account::Account;
use futures_util::future::BoxFuture;
use minting::chain::Chain;
use minting::providers::Providers;

use crate::readiness::{Probe, ProbeError};
use crate::state::ChainFacts;

pub(super) fn of(chain: &Arc<Providers>, facts: &ChainFacts, min_balance: u128) -> Vec<Arc<dyn Probe>> {
    let signers = facts.signers.clone();
    vec![
        Arc::new(ChainIdProbe { chain: Arc::clone(chain), chain_id: facts.chain_id }),
        Arc::new(ProvidersProbe(Arc::clone(chain))),
        Arc::new(SignerBalanceProbe { chain: Arc::clone(chain), signers, min_balance }),
    ]
}

/// `chain_id`: the node answers, as the chain that we are bound to.
struct ChainIdProbe {
    chain: Arc<Providers>,
    chain_id: u64,
}

impl Probe for ChainIdProbe {
    fn name(&self) -> &'static str {
        "chain_id"
    }

    fn check(&self) -> BoxFuture<'_, Result<(), ProbeError>> {
        Box::pin(async {
            let found = self.chain.chain_id().await?;
            if found == self.chain_id { Ok(()) } else { Err(format!("the node is chain {found}").into()) }
        })
    }
}

/// `providers`: enough of the configured providers can be used, so that blocks can be found final.
struct ProvidersProbe(Arc<Providers>);

impl Probe for ProvidersProbe {
    fn name(&self) -> &'static str {
        "providers"
    }

    fn check(&self) -> BoxFuture<'_, Result<(), ProbeError>> {
        Box::pin(async {
            self.0.look().await;
            let enough = self.0.usable_count() >= self.0.majority();
            if enough { Ok(()) } else { Err(self.0.describe().into()) }
        })
    }
}

/// `signer_balance`: every signer can pay.
struct SignerBalanceProbe {
    chain: Arc<Providers>,
    signers: Vec<Account>,
    min_balance: u128,
}

impl Probe for SignerBalanceProbe {
    fn name(&self) -> &'static str {
        "signer_balance"
    }

    fn check(&self) -> BoxFuture<'_, Result<(), ProbeError>> {
        Box::pin(async {
            for signer in &self.signers {
                let balance = self.chain.balance(*signer).await?;
                if balance < self.min_balance {
                    return Err(format!("{signer} owns {balance} wei").into());
                }
            }
            Ok(())
        })
    }
}
