//! A buyer's wallet.

use catalog::chance::{Chance, SystemChance};
use minting::signer::SigningKey;
use minting::wallet;

/// A buyer's wallet.
pub struct Wallet {
    key: SigningKey,
}

impl Wallet {
    /// A wallet that nobody had before.
    #[must_use]
    pub fn fresh() -> Self {
        Self::of(&SystemChance)
    }

    /// The wallet that this chance gives.
    #[must_use]
    pub fn of(chance: &dyn Chance) -> Self {
        Self { key: SigningKey::generate(chance) }
    }

    /// Its address (EIP-55).
    #[must_use]
    pub fn address(&self) -> String {
        wallet::checksummed(self.key.account())
    }

    /// Its signature over a text (EIP-191).
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        self.key.sign_text(text).expect("a signature")
    }
}
