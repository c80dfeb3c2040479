//! Who judges proofs: by the key alone where that is enough, by the account's code where it is not.

use std::sync::Arc;
use std::time::Duration;

use catalog::account::Account;
use tokio::sync::Semaphore;

use super::code_proof::CodeQuestion;
use super::{NotProven, verify_personal_sign};
use crate::chain::{Chain, ChainError};

/// How long a proof may take in all.
const PATIENCE: Duration = Duration::from_secs(8);
/// Questions about wallets that are under way at once. Whoever burns a node's gas keeps nobody but his like waiting.
const AT_ONCE: usize = 4;

/// Why a proof does not count.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// It proves nothing.
    #[error(transparent)]
    NotProven(#[from] NotProven),
    /// The account's code could not be asked.
    #[error("the code of the wallet could not be asked")]
    Unanswered(#[source] ChainError),
}

/// Judges proofs of wallets.
#[derive(Debug)]
pub struct WalletJudge {
    chain: Option<Arc<dyn Chain>>,
    places: Semaphore,
}

impl WalletJudge {
    /// One that asks `chain` about accounts with code.
    #[must_use]
    pub fn new(chain: Arc<dyn Chain>) -> Self {
        Self { chain: Some(chain), places: Semaphore::new(AT_ONCE) }
    }

    /// One that knows no chain: accounts prove themselves by their key or not at all.
    #[must_use]
    pub fn of_keys_alone() -> Self {
        Self { chain: None, places: Semaphore::new(AT_ONCE) }
    }

    /// Judges whether `account` signed `message` (EIP-191 version 0x45): by its key, or, as ERC-1271 and ERC-6492 have
    /// it, by the verdict of its code. `signature` is `0x` and hex digits.
    pub async fn judge(&self, account: Account, message: &str, signature: &str) -> Result<(), ProofError> {
        let Err(not_proven) = verify_personal_sign(account, message, signature) else { return Ok(()) };
        let Some(chain) = &self.chain else { return Err(not_proven.into()) };
        let question = Arc::new(CodeQuestion::parse(account, message, signature)?);
        let asked = async {
            // The places are never closed.
            let _place = self.places.acquire().await;
            chain.takes_signature(question).await
        };
        let late = |_| ChainError::NoAnswer { question: "eth_call", reason: "no answer in time".to_owned() };
        let answer = tokio::time::timeout(PATIENCE, asked).await.map_err(late);
        if answer.and_then(|answer| answer).map_err(ProofError::Unanswered)? {
            Ok(())
        } else {
            Err(not_proven.into())
        }
    }
}
