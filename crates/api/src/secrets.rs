//! The secrets of a service: files that only their owner may read, made by us on the first start of an embedded
//! service and never after.

use std::fs;
use std::path::{Path, PathBuf};

use catalog::account::Account;
use catalog::chance::Chance;
use minting::chain::Role;
use minting::signer::{KeystoreError, SigningKey, read_secret, write_secret};
use zeroize::Zeroizing;

use crate::claim::code::{ClaimPepper, PepperTooShort};
use crate::encryption::{self, ContactKey};
use crate::outbox::secret::{KeyTooShort, WebhookKey};

/// File of the secret that claim codes are kept under.
const PEPPER: &str = "claim_pepper";
/// File of the key that what names buyers is encrypted with.
pub const CONTACT_KEY: &str = "contact_key";
/// File of the key that webhook secrets are derived from.
const WEBHOOK_KEY: &str = "webhook_key";
/// Keystore of the account that deploys the contract and administers it.
pub const ADMIN: &str = "admin";
/// Length of the symmetric secrets, in bytes.
const SECRET_BYTES: usize = 32;

/// Why the secrets cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// A key cannot be used.
    #[error(transparent)]
    Key(#[from] KeystoreError),
    /// The folder cannot be used.
    #[error("the secrets folder {} cannot be used", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The pepper is too short.
    #[error("{PEPPER}: {0}")]
    Pepper(#[from] PepperTooShort),
    /// The contact key is too short.
    #[error("{CONTACT_KEY}: {0}")]
    ContactKey(#[from] encryption::KeyTooShort),
    /// The webhook key is too short.
    #[error("{WEBHOOK_KEY}: {0}")]
    WebhookKey(#[from] KeyTooShort),
}

/// Everything secret that the service works with. `Debug` of each part hides it.
#[derive(Debug)]
pub struct Secrets {
    /// The secret that claim codes are kept under.
    pub claim_pepper: ClaimPepper,
    /// The key that what names buyers is encrypted with.
    pub contact_key: ContactKey,
    /// The key that webhook secrets are derived from.
    pub webhook_key: WebhookKey,
    /// The lanes' keys by file name: `minter`, `minter-2`, `registrar`, `curator`, `vault`.
    pub lanes: Vec<(String, Role, SigningKey)>,
}

impl Secrets {
    /// Makes the files that are missing in `dir`, which is made as well.
    pub fn make_missing(dir: &Path, chance: &dyn Chance) -> Result<(), SecretsError> {
        use std::os::unix::fs::DirBuilderExt;
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
        made.map_err(|source| SecretsError::Folder { path: dir.to_owned(), source })?;
        for name in [PEPPER, CONTACT_KEY, WEBHOOK_KEY] {
            let path = dir.join(name);
            if !path.exists() {
                let secret = Zeroizing::new(hex::encode(chance.bytes::<SECRET_BYTES>()));
                write_secret(&path, secret.as_bytes())?;
            }
        }
        for name in Role::ALL.map(Role::as_str).into_iter().chain([ADMIN]) {
            if !dir.join(format!("{name}.json")).exists() {
                // A password without its keystore is what a crash leaves between the two files.
                let _ = fs::remove_file(dir.join(format!("{name}.password")));
                SigningKey::generate(chance).store(dir, name, chance)?;
            }
        }
        Ok(())
    }

    /// Reads the secrets in `dir`.
    pub fn load(dir: &Path) -> Result<Self, SecretsError> {
        let claim_pepper = ClaimPepper::from_bytes(&read_secret(&dir.join(PEPPER))?)?;
        let webhook_key = WebhookKey::from_bytes(&read_secret(&dir.join(WEBHOOK_KEY))?)?;
        let contact_key = Self::load_contact_key(dir)?;
        let mut lanes = Vec::new();
        for (name, role) in lane_names(dir)? {
            let key = SigningKey::open(dir, &name)?;
            lanes.push((name, role, key));
        }
        Ok(Self { claim_pepper, contact_key, webhook_key, lanes })
    }

    /// Reads the contact key alone, for commands that open what is encrypted.
    pub fn load_contact_key(dir: &Path) -> Result<ContactKey, SecretsError> {
        Ok(ContactKey::from_bytes(&read_secret(&dir.join(CONTACT_KEY))?)?)
    }

    /// For each secret, a value that tells a wrong one from the right one without showing it.
    #[must_use]
    pub fn check_values(&self) -> Vec<(String, String)> {
        let symmetric = [
            (PEPPER, self.claim_pepper.check_value()),
            (CONTACT_KEY, self.contact_key.check_value()),
            (WEBHOOK_KEY, self.webhook_key.check_value()),
        ];
        let symmetric = symmetric.into_iter().map(|(name, value)| (name.to_owned(), value));
        let lanes = self.lanes.iter().map(|(name, _, key)| (name.clone(), key.account().to_string()));
        symmetric.chain(lanes).collect()
    }

    /// The accounts that sign for us.
    #[must_use]
    pub fn signers(&self) -> Vec<Account> {
        self.lanes.iter().map(|(_, _, key)| key.account()).collect()
    }

    /// The first account of a role.
    #[must_use]
    pub fn account(&self, role: Role) -> Option<Account> {
        self.lanes.iter().find(|(_, held, _)| *held == role).map(|(_, _, key)| key.account())
    }
}

/// The lanes' keystores in `dir`: one of each role, and further minters as `minter-2`, `minter-3` …
fn lane_names(dir: &Path) -> Result<Vec<(String, Role)>, SecretsError> {
    let folder = |source| SecretsError::Folder { path: dir.to_owned(), source };
    let mut names: Vec<_> = Role::ALL.map(|role| (role.as_str().to_owned(), role)).into();
    for entry in fs::read_dir(dir).map_err(folder)? {
        let file = entry.map_err(folder)?.file_name();
        let stem = file.to_str().and_then(|file| file.strip_suffix(".json"));
        let number = stem.and_then(|stem| stem.strip_prefix("minter-"));
        if let (Some(stem), Some(_)) = (stem, number.filter(|number| number.parse::<u16>().is_ok())) {
            names.push((stem.to_owned(), Role::Minter));
        }
    }
    names.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(names)
}

#[cfg(test)]
mod tests {
    use catalog::chance::SystemChance;

    use super::*;

    #[test]
    fn secrets_that_were_made_are_read_and_never_made_again() {
        let dir = tempfile::tempdir().expect("a folder");
        Secrets::make_missing(dir.path(), &SystemChance).expect("made");
        let first = Secrets::load(dir.path()).expect("read");
        Secrets::make_missing(dir.path(), &SystemChance).expect("left");
        let second = Secrets::load(dir.path()).expect("read");
        assert_eq!(first.check_values(), second.check_values());
        assert_eq!(first.lanes.len(), 4);
    }

    #[test]
    fn further_minters_are_found_and_other_files_are_not() {
        let dir = tempfile::tempdir().expect("a folder");
        Secrets::make_missing(dir.path(), &SystemChance).expect("made");
        SigningKey::generate(&SystemChance).store(dir.path(), "minter-2", &SystemChance).expect("stored");
        fs::write(dir.path().join("minter-old.json"), "{}").expect("written");
        let minters = Secrets::load(dir.path()).expect("read").lanes;
        assert_eq!(minters.iter().filter(|(_, role, _)| *role == Role::Minter).count(), 2);
    }

    #[test]
    fn a_missing_secret_is_named() {
        let dir = tempfile::tempdir().expect("a folder");
        Secrets::make_missing(dir.path(), &SystemChance).expect("made");
        fs::remove_file(dir.path().join(PEPPER)).expect("removed");
        let refused = Secrets::load(dir.path()).expect_err("refused");
        assert!(refused.to_string().contains(PEPPER), "{refused}");
    }
}
