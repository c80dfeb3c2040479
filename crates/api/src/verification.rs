//! Checks a token against the chain and the stored image alone: what stands in our books is not asked.

use catalog::account::Account;
use catalog::db::{Db, DbUrl};
use catalog::digest::Sha256Digest;
use minting::chain::{Chain, StatusOnChain};
use minting::devchain::DevChain;
use minting::image_store::ImageObject;
use minting::rpc::{Finality, RpcChain};
use minting::token::TokenId;
use minting::wallet;
use serde::Serialize;

use crate::chain_side::{self, ChainSideError};
use crate::config::Settings;
use crate::service::{self, StartError};

/// What the chain and the image store say.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// The token.
    pub token_id: String,
    /// The chain's id.
    pub chain_id: u64,
    /// The contract, by its EIP-55 address.
    pub contract: String,
    /// `unissued`, `bound`, `settled`, `voided` or `surrendered`.
    pub status: &'static str,
    /// Its owner, while it has one.
    pub owner: Option<String>,
    /// Unix seconds from which nobody can void it.
    pub settles_at: u64,
    /// The image's digest that the contract holds for the edition.
    pub image_sha256: Option<Sha256Digest>,
    /// Whether the stored image's bytes have that digest; none when the store has no such image.
    pub stored_image_fits: Option<bool>,
    /// In one sentence.
    pub verdict: &'static str,
}

/// Why nothing could be found out.
#[derive(Debug, thiserror::Error)]
pub enum VerificationError {
    /// The chain's side.
    #[error(transparent)]
    Chain(#[from] ChainSideError),
    /// The service's parts.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The image could not be read.
    #[error("the image store cannot be read")]
    Image(#[from] minting::image_store::ImageStoreError),
}

impl From<minting::chain::ChainError> for VerificationError {
    fn from(error: minting::chain::ChainError) -> Self {
        Self::Chain(error.into())
    }
}

impl Finding {
    /// Whether the token lives and the stored image is the one that it certifies.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.owner.is_some() && self.stored_image_fits == Some(true)
    }
}

/// Asks about `token_id`.
pub async fn verify(settings: &Settings, token_id: TokenId) -> Result<Finding, VerificationError> {
    let reached = chain_side::reach(settings).await?;
    let contract = contract_of(settings).await?;
    let chain = RpcChain::new(reached.url, contract, Finality::Tag)?;
    let found = examine(settings, &chain, reached.chain_id, contract, token_id).await;
    // A node that was not running before is not left running.
    if let Some(devchain) = reached.devchain.filter(DevChain::was_started_here) {
        devchain.end().await;
    }
    found
}

/// The contract that the settings name, else the one that the database is bound to from its first start.
async fn contract_of(settings: &Settings) -> Result<Account, VerificationError> {
    if let Some(contract) = settings.chain.contract {
        return Ok(contract);
    }
    let missing = ChainSideError::SettingMissing("contract");
    if matches!(&settings.database_url, DbUrl::Sqlite(path) if !path.exists()) {
        return Err(missing.into());
    }
    let odd = |source| StartError::Database { url: settings.database_url.clone(), source };
    let db = Db::connect(&settings.database_url).await.map_err(odd)?;
    let bound = crate::binding::bound(&db).await.map_err(odd)?;
    db.close().await;
    Ok(bound.ok_or(missing)?.contract)
}

async fn examine(
    settings: &Settings,
    chain: &RpcChain,
    chain_id: u64,
    contract: Account,
    token_id: TokenId,
) -> Result<Finding, VerificationError> {
    let token = chain.token(token_id).await?;
    let terms = chain.edition_terms(token_id.get() / 1_000_000, None).await?;
    let image_sha256 = terms.map(|terms| terms.image_digest);
    let stored_image_fits = match image_sha256 {
        Some(digest) => {
            let images = service::open_images(settings).await?;
            let bytes = images.read(digest, ImageObject::Original).await?;
            bytes.map(|bytes| Sha256Digest::of(&bytes) == digest)
        }
        None => None,
    };
    Ok(Finding {
        token_id: token_id.to_string(),
        chain_id,
        contract: wallet::checksummed(contract),
        status: token.status.as_str(),
        owner: token.owner.map(wallet::checksummed),
        settles_at: token.settles_at,
        image_sha256,
        stored_image_fits,
        verdict: verdict(token.status, stored_image_fits),
    })
}

fn verdict(status: StatusOnChain, stored_image_fits: Option<bool>) -> &'static str {
    match (status, stored_image_fits) {
        (StatusOnChain::Unissued, _) => "the chain knows no such token",
        (StatusOnChain::Voided, _) => "the issuer voided this token",
        (StatusOnChain::Surrendered, _) => "its owner surrendered this token",
        (_, None) => "the token lives; its image is not in this store",
        (_, Some(false)) => "the stored image is not the one that the token certifies",
        (StatusOnChain::Bound, Some(true)) => {
            "the token lives and certifies the stored image; it can still be voided"
        }
        (StatusOnChain::Settled, Some(true)) => "the token lives and certifies the stored image, for good",
    }
}
