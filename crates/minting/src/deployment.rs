//! Puts a new `PrintEditions` on a chain.

use std::time::Duration;

use catalog::account::Account;
use catalog::crash_point;

use crate::chain::{Chain, ChainError, CountAt};
use crate::contract::{self, DamagedArtifact, IPrintEditions};
use crate::fees::{self, AboveCap, FeePolicy};
use crate::rpc::{Finality, RpcChain};
use crate::send_error::SendRefusal;
use crate::signer::{KeystoreError, SigningKey, Unsigned};

/// How long a deployment waits for its receipt.
const PATIENCE: Duration = Duration::from_mins(3);
/// How often it looks.
const PAUSE: Duration = Duration::from_millis(250);

/// Who gets which role, and what the contract is called.
#[derive(Debug, Clone)]
pub struct DeploymentPlan {
    /// Collection name.
    pub name: String,
    /// Collection symbol.
    pub symbol: String,
    /// Public base URL of the service: metadata stands below it.
    pub public_base_url: String,
    /// Default admin, by a two-step, delayed hand-over.
    pub admin: Account,
    /// Opens editions.
    pub curator: Account,
    /// Mint.
    pub minters: Vec<Account>,
    /// Voids and settles.
    pub registrar: Account,
    /// Keeps tokens in a buyer's name.
    pub vault: Account,
    /// Mints in one clock hour.
    pub hourly_mint_cap: u32,
}

/// A deployment that did not come about.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The chain did not answer.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The node refused the transaction.
    #[error("the node did not take the deployment")]
    Refused(#[source] SendRefusal),
    /// The fees are above the cap.
    #[error(transparent)]
    AboveCap(#[from] AboveCap),
    /// The key could not sign.
    #[error(transparent)]
    Key(#[from] KeystoreError),
    /// This program is damaged.
    #[error(transparent)]
    Damaged(#[from] DamagedArtifact),
    /// The constructor reverted.
    #[error("the contract refused its constructor arguments")]
    Reverted,
    /// No receipt in time. The deployment may still come about.
    #[error("no receipt in time: the deployment at {contract} may still come about")]
    NoReceipt {
        /// Where the contract would stand.
        contract: Account,
    },
}

/// Seconds between scheduling and accepting an admin hand-over: three days.
const ADMIN_DELAY_SECONDS: u64 = 3 * 24 * 3600;

fn constructor_arguments(plan: &DeploymentPlan) -> IPrintEditions::Deployment {
    let base = plan.public_base_url.trim_end_matches('/');
    IPrintEditions::Deployment {
        name: plan.name.clone(),
        symbol: plan.symbol.clone(),
        tokenBaseURI: format!("{base}/metadata/"),
        contractURI: format!("{base}/contract.json"),
        admin: contract::address(plan.admin),
        adminDelay: alloy::primitives::Uint::from(ADMIN_DELAY_SECONDS),
        curator: contract::address(plan.curator),
        minters: plan.minters.iter().copied().map(contract::address).collect(),
        registrar: contract::address(plan.registrar),
        pauser: contract::address(plan.registrar),
        vault: contract::address(plan.vault),
        hourlyMintCap: plan.hourly_mint_cap,
    }
}

/// Deploys from `deployer`'s account and waits for the receipt. Gives the contract's address.
pub async fn deploy(
    url: url::Url,
    deployer: &SigningKey,
    plan: &DeploymentPlan,
    policy: FeePolicy,
) -> Result<Account, DeployError> {
    let account = deployer.account();
    let chain = RpcChain::new(url, Account::from_bytes([0; 20]), Finality::Tag)?;
    let code = contract::creation_code(&constructor_arguments(plan))?;
    let gas = chain.estimate_creation(account, &code).await.map_err(|_| DeployError::Reverted)?;
    let nonce = chain.transaction_count(account, CountAt::Latest).await?;
    let bytes = deployer.sign(&Unsigned {
        chain_id: chain.chain_id().await?,
        nonce,
        to: None,
        data: &code,
        gas_limit: gas.saturating_add(gas / 5),
        fees: fees::quote(chain.fee_history().await?, policy)?,
    })?;
    let address = contract::account(contract::address(account).create(nonce));
    crash_point!("deploy.signed");
    match chain.send(&bytes.raw).await {
        Ok(()) | Err(SendRefusal::AlreadyKnown | SendRefusal::Unknown(_)) => {}
        Err(refusal) => return Err(DeployError::Refused(refusal)),
    }
    crash_point!("deploy.sent");
    let looks = PATIENCE.as_millis() / PAUSE.as_millis();
    for _ in 0..looks {
        if let Some(receipt) = chain.receipt(bytes.hash).await? {
            return if receipt.succeeded { Ok(address) } else { Err(DeployError::Reverted) };
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(DeployError::NoReceipt { contract: address })
}
