//! The keys of the lanes: read from keystore files, used to sign, never shown.

mod wire;

use std::fmt;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy::primitives::{Bytes, TxKind};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use catalog::account::Account;
use catalog::chance::Chance;
use zeroize::Zeroizing;

use crate::chain::B256;
use crate::contract;
use crate::fees::Fees;

pub use wire::{Unreadable, WireTransaction};

/// A key that signs. Neither `Debug` nor any error shows it.
#[derive(Clone)]
pub struct SigningKey(PrivateKeySigner);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.account())
    }
}

/// Everything that an attempt's bytes are made of.
#[derive(Debug, Clone)]
pub struct Unsigned<'a> {
    /// Chain id (EIP-155).
    pub chain_id: u64,
    /// Nonce of the transaction.
    pub nonce: u64,
    /// The called contract; none creates one.
    pub to: Option<Account>,
    /// Calldata, or creation code.
    pub data: &'a [u8],
    /// Gas limit.
    pub gas_limit: u64,
    /// Fees.
    pub fees: Fees,
}

/// Signed bytes and their hash, known before any node sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedBytes {
    /// The transaction hash.
    pub hash: B256,
    /// The bytes (EIP-2718).
    pub raw: Vec<u8>,
}

/// A keystore that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// A file is missing or cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file can be read by others than its owner.
    #[error("{} can be read by others: run `chmod 600` on it", path.display())]
    ReadableByOthers {
        /// The file.
        path: PathBuf,
    },
    /// The password does not open the keystore, or the keystore is none.
    #[error("{} is not a keystore that its password file opens", path.display())]
    Closed {
        /// The keystore file.
        path: PathBuf,
    },
    /// A file could not be written.
    #[error("cannot write {}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The signature could not be made.
    #[error("the key could not sign")]
    Unsigned,
}

/// Hands our chance to a library that asks for an older generator trait.
struct Generator<'a>(&'a dyn Chance);

impl rand_core_06::RngCore for Generator<'_> {
    fn next_u32(&mut self) -> u32 {
        u32::from_le_bytes(self.0.bytes())
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_le_bytes(self.0.bytes())
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core_06::Error> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl rand_core_06::CryptoRng for Generator<'_> {}

impl SigningKey {
    /// A new random key.
    #[must_use]
    pub fn generate(chance: &dyn Chance) -> Self {
        Self(PrivateKeySigner::random_with(&mut Generator(chance)))
    }

    /// The account that this key controls.
    #[must_use]
    pub fn account(&self) -> Account {
        contract::account(self.0.address())
    }

    /// Signs an EIP-1559 transaction. The same input gives the same bytes (RFC 6979).
    pub fn sign(&self, unsigned: &Unsigned<'_>) -> Result<SignedBytes, KeystoreError> {
        let transaction = TxEip1559 {
            chain_id: unsigned.chain_id,
            nonce: unsigned.nonce,
            gas_limit: unsigned.gas_limit,
            max_fee_per_gas: unsigned.fees.max_fee,
            max_priority_fee_per_gas: unsigned.fees.max_priority_fee,
            to: unsigned.to.map_or(TxKind::Create, |to| TxKind::Call(contract::address(to))),
            input: Bytes::copy_from_slice(unsigned.data),
            ..TxEip1559::default()
        };
        let signature = self.0.sign_hash_sync(&transaction.signature_hash());
        let signature = signature.map_err(|_| KeystoreError::Unsigned)?;
        let envelope = TxEnvelope::from(transaction.into_signed(signature));
        Ok(SignedBytes { hash: *envelope.tx_hash(), raw: envelope.encoded_2718() })
    }

    /// Signs a text as wallets do (EIP-191, `personal_sign`): 65 bytes as `0x` hex.
    pub fn sign_text(&self, text: &str) -> Result<String, KeystoreError> {
        let signature = self.0.sign_message_sync(text.as_bytes()).map_err(|_| KeystoreError::Unsigned)?;
        Ok(format!("0x{}", hex::encode(signature.as_bytes())))
    }

    /// Writes `DIR/NAME.json` (Web3 secret storage) and `DIR/NAME.password`, both for their owner alone.
    pub fn store(&self, dir: &Path, name: &str, chance: &dyn Chance) -> Result<(), KeystoreError> {
        let password = Zeroizing::new(hex::encode(chance.bytes::<32>()));
        write_secret(&password_path(dir, name), password.as_bytes())?;
        let file = format!("{name}.json");
        let path = dir.join(&file);
        let key = Zeroizing::new(self.0.to_bytes().0);
        PrivateKeySigner::encrypt_keystore(
            dir,
            &mut Generator(chance),
            key.as_slice(),
            password.as_bytes(),
            Some(&file),
        )
        .and_then(|_| Ok(fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?))
        .map_err(|error| KeystoreError::Unwritable { path, source: std::io::Error::other(error.to_string()) })
    }

    /// Opens `DIR/NAME.json` with the password in `DIR/NAME.password`.
    pub fn open(dir: &Path, name: &str) -> Result<Self, KeystoreError> {
        let path = dir.join(format!("{name}.json"));
        read_secret(&path)?;
        let password = read_secret(&password_path(dir, name))?;
        let password = String::from_utf8_lossy(&password).trim_end_matches(['\r', '\n']).to_owned();
        let password = Zeroizing::new(password);
        PrivateKeySigner::decrypt_keystore(&path, password.as_bytes())
            .map(Self)
            .map_err(|_| KeystoreError::Closed { path })
    }
}

fn password_path(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.password"))
}

/// Reads a secret file, which must be closed to everyone but its owner.
pub fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
    let unreadable = |source| KeystoreError::Unreadable { path: path.to_owned(), source };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(KeystoreError::ReadableByOthers { path: path.to_owned() });
    }
    fs::read(path).map(Zeroizing::new).map_err(unreadable)
}

/// Writes a new secret file for its owner alone. One that is there already is an error: a key is never replaced.
pub fn write_secret(path: &Path, secret: &[u8]) -> Result<(), KeystoreError> {
    let unwritable = |source| KeystoreError::Unwritable { path: path.to_owned(), source };
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.map_err(unwritable)?;
    file.write_all(secret).and_then(|()| file.sync_all()).map_err(unwritable)
}

#[cfg(test)]
mod tests {
    use alloy::eips::Decodable2718;
    use catalog::chance::SystemChance;

    use super::*;

    #[test]
    fn a_key_opens_again_from_its_keystore() {
        let dir = tempfile::tempdir().expect("a directory");
        let key = SigningKey::generate(&SystemChance);
        key.store(dir.path(), "minter", &SystemChance).expect("stored");
        let again = SigningKey::open(dir.path(), "minter").expect("opened");
        assert_eq!(again.account(), key.account());
    }

    #[test]
    fn a_keystore_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        SigningKey::generate(&SystemChance).store(dir.path(), "minter", &SystemChance).expect("stored");
        let open = fs::Permissions::from_mode(0o644);
        fs::set_permissions(dir.path().join("minter.password"), open).expect("permissions");
        let refused = SigningKey::open(dir.path(), "minter");
        assert!(matches!(refused, Err(KeystoreError::ReadableByOthers { .. })), "{refused:?}");
    }

    #[test]
    fn a_keystore_that_is_missing_or_that_its_password_does_not_open_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let missing = SigningKey::open(dir.path(), "minter");
        assert!(matches!(missing, Err(KeystoreError::Unreadable { .. })), "{missing:?}");
        for name in ["minter", "curator"] {
            SigningKey::generate(&SystemChance).store(dir.path(), name, &SystemChance).expect("stored");
        }
        fs::copy(dir.path().join("curator.password"), dir.path().join("minter.password")).expect("a copy");
        let closed = SigningKey::open(dir.path(), "minter");
        assert!(matches!(closed, Err(KeystoreError::Closed { .. })), "{closed:?}");
    }

    fn unsigned(key: &SigningKey, nonce: u64) -> Unsigned<'static> {
        Unsigned {
            chain_id: 31337,
            nonce,
            to: Some(key.account()),
            data: &[1, 2, 3],
            gas_limit: 100_000,
            fees: Fees { max_fee: 2_000_000_000, max_priority_fee: 1_000_000_000 },
        }
    }

    #[test]
    fn signing_twice_gives_the_same_bytes() {
        let key = SigningKey::generate(&SystemChance);
        let first = key.sign(&unsigned(&key, 7)).expect("signed");
        assert_eq!(key.sign(&unsigned(&key, 7)).ok(), Some(first));
    }

    #[test]
    fn every_signature_is_the_lower_of_its_two_forms() {
        // EIP-2: nodes refuse the other one. Half of all signatures would be that without care.
        let key = SigningKey::generate(&SystemChance);
        for nonce in 0..64 {
            let signed = key.sign(&unsigned(&key, nonce)).expect("signed");
            let read = TxEnvelope::decode_2718(&mut signed.raw.as_slice()).expect("a transaction");
            assert!(read.signature().normalize_s().is_none(), "nonce {nonce}");
        }
    }

    #[test]
    fn a_key_does_not_show_itself() {
        let key = SigningKey::generate(&SystemChance);
        let secret = hex::encode(key.0.to_bytes());
        assert!(!format!("{key:?}").contains(&secret));
    }
}
