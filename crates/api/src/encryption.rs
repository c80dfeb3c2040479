//! What names buyers, at rest: encrypted under a key that is not in the database, and bound to the row in which it stands.
//!
//! The cipher is XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha): its nonces of 192 bits may be drawn at random, however many
//! texts one key encrypts. What a text belongs to is authenticated with it, so that a text in another row cannot be decrypted.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use catalog::chance::Chance;
use catalog::digest::Sha256Digest;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::feed::EntryId;
use crate::sale::SaleId;

/// Shortest key in bytes.
const KEY_BYTES: usize = 32;
/// Length of a nonce in bytes.
const NONCE_BYTES: usize = 24;

/// The key that what names buyers is encrypted with. Its `Debug` hides it.
#[derive(Clone)]
pub struct ContactKey {
    secret: Hmac<Sha256>,
    cipher: XChaCha20Poly1305,
}

/// A key that is too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the contact key must have at least {KEY_BYTES} bytes")]
pub struct KeyTooShort;

/// A text that is longer than the cipher takes: 256 GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a text could not be encrypted")]
pub struct NotEncrypted;

/// A text that was encrypted with another key, for another row, or was changed since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what is encrypted here cannot be decrypted")]
pub struct NotDecrypted;

/// What an encrypted text belongs to.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// The contact data of the buyer of a sale.
    Contact(&'a SaleId),
    /// The text of an entry of the inbox.
    InboxBody(&'a EntryId),
}

impl Place<'_> {
    fn associated_data(self) -> String {
        match self {
            Self::Contact(sale_id) => format!("colophon contact/1\n{sale_id}"),
            Self::InboxBody(entry_id) => format!("colophon inbox body/1\n{entry_id}"),
        }
    }
}

/// An encrypted text as it is stored: nonce, ciphertext and tag, in base64. Its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Encrypted(String);

impl Encrypted {
    /// What a row holds.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// What a row is to hold.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Encrypted(…)")
    }
}

impl fmt::Debug for ContactKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContactKey(…)")
    }
}

impl ContactKey {
    /// Takes the bytes of the secret's file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyTooShort> {
        if bytes.len() < KEY_BYTES {
            return Err(KeyTooShort);
        }
        let secret = Hmac::<Sha256>::new_from_slice(bytes).map_err(|_| KeyTooShort)?;
        let derived = Zeroizing::new(<[u8; 32]>::from(
            secret.clone().chain_update(b"colophon encryption/1").finalize().into_bytes(),
        ));
        let cipher = XChaCha20Poly1305::new_from_slice(derived.as_slice()).map_err(|_| KeyTooShort)?;
        Ok(Self { secret, cipher })
    }

    /// A value that tells a wrong key from the right one without showing it.
    #[must_use]
    pub fn check_value(&self) -> String {
        hex::encode(self.secret.clone().chain_update(b"colophon key check/1").finalize().into_bytes())
    }

    /// Encrypts a text for the place in which it will stand.
    pub fn encrypt(
        &self,
        place: Place<'_>,
        text: &[u8],
        chance: &dyn Chance,
    ) -> Result<Encrypted, NotEncrypted> {
        let nonce = chance.bytes::<NONCE_BYTES>();
        let associated_data = place.associated_data();
        let payload = Payload { msg: text, aad: associated_data.as_bytes() };
        let encrypted = self.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| NotEncrypted)?;
        Ok(Encrypted(BASE64_STANDARD.encode([&nonce[..], &encrypted].concat())))
    }

    /// Decrypts what stands in a place.
    pub fn decrypt(
        &self,
        place: Place<'_>,
        encrypted: &Encrypted,
    ) -> Result<Zeroizing<Vec<u8>>, NotDecrypted> {
        let bytes = BASE64_STANDARD.decode(&encrypted.0).map_err(|_| NotDecrypted)?;
        let (nonce, encrypted) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or(NotDecrypted)?;
        let associated_data = place.associated_data();
        let payload = Payload { msg: encrypted, aad: associated_data.as_bytes() };
        self.cipher.decrypt(&XNonce::from(*nonce), payload).map(Zeroizing::new).map_err(|_| NotDecrypted)
    }

    /// By what a body of the inbox is known again. A plain digest would tell whoever guesses a body that the guess is right.
    #[must_use]
    pub fn inbox_digest(&self, body_sha256: Sha256Digest) -> Sha256Digest {
        self.keyed(b"colophon inbox digest/1\0", body_sha256)
    }

    /// By what a request that names a buyer is known again under its idempotency key.
    #[must_use]
    pub fn request_digest(&self, body_sha256: Sha256Digest) -> Sha256Digest {
        self.keyed(b"colophon request digest/1\0", body_sha256)
    }

    fn keyed(&self, purpose: &[u8], digest: Sha256Digest) -> Sha256Digest {
        let mac = self.secret.clone().chain_update(purpose).chain_update(digest.as_bytes());
        Sha256Digest::from_bytes(mac.finalize().into_bytes().into())
    }
}

#[cfg(test)]
mod tests {
    use catalog::chance::SystemChance;

    use super::*;

    const NAME: &[u8] = "吉田 Ada".as_bytes();

    fn key(byte: u8) -> ContactKey {
        ContactKey::from_bytes(&[byte; 32]).unwrap()
    }

    #[test]
    fn an_encrypted_text_is_read_in_its_place_with_its_key_and_nowhere_else() {
        let one: SaleId = "sale_01988888888870008000000000000001".parse().unwrap();
        let other: SaleId = "sale_01988888888870008000000000000002".parse().unwrap();
        let entry: EntryId = "inb_01988888888870008000000000000001".parse().unwrap();
        let encrypted = key(7).encrypt(Place::Contact(&one), NAME, &SystemChance).unwrap();
        assert_eq!(key(7).decrypt(Place::Contact(&one), &encrypted).unwrap().as_slice(), NAME);
        for (key, place) in [
            (key(7), Place::Contact(&other)),
            (key(7), Place::InboxBody(&entry)),
            (key(8), Place::Contact(&one)),
        ] {
            assert_eq!(key.decrypt(place, &encrypted), Err(NotDecrypted), "{place:?}");
        }
    }

    #[test]
    fn a_text_that_was_changed_or_cut_is_not_read() {
        let sale_id: SaleId = "sale_01988888888870008000000000000001".parse().unwrap();
        let place = Place::Contact(&sale_id);
        let encrypted = key(7).encrypt(place, NAME, &SystemChance).unwrap();
        let bytes = BASE64_STANDARD.decode(encrypted.as_str()).unwrap();
        for place_of_bit in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place_of_bit] ^= 1;
            let cut = &bytes[..place_of_bit];
            for odd in [&changed[..], cut] {
                let odd = Encrypted::from_stored(BASE64_STANDARD.encode(odd));
                assert_eq!(key(7).decrypt(place, &odd), Err(NotDecrypted));
            }
        }
        for odd in ["", "~", "plain text"] {
            assert_eq!(key(7).decrypt(place, &Encrypted::from_stored(odd.to_owned())), Err(NotDecrypted));
        }
    }

    #[test]
    fn the_same_text_is_encrypted_differently_each_time_and_nothing_shows_in_debug() {
        let sale_id: SaleId = "sale_01988888888870008000000000000001".parse().unwrap();
        let encrypt = || key(7).encrypt(Place::Contact(&sale_id), NAME, &SystemChance).unwrap();
        assert_ne!(encrypt(), encrypt());
        assert_eq!(format!("{:?} {:?}", key(7), encrypt()), "ContactKey(…) Encrypted(…)");
    }

    #[test]
    fn digests_differ_by_key_and_by_purpose_and_short_keys_are_refused() {
        let plain = Sha256Digest::of(NAME);
        assert_eq!(key(7).inbox_digest(plain), key(7).inbox_digest(plain));
        for other in [plain, key(7).request_digest(plain), key(8).inbox_digest(plain)] {
            assert_ne!(key(7).inbox_digest(plain), other);
        }
        assert_ne!(key(7).check_value(), key(8).check_value());
        assert_eq!(ContactKey::from_bytes(&[7; 31]).err(), Some(KeyTooShort));
    }
}
