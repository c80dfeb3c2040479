//! The signature of a delivery: HMAC-SHA256 (RFC 2104) of the raw body under the shop's secret, in base64 (RFC 4648 §4), as
//! Shopify's `X-Shopify-Hmac-SHA256` bears it.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

/// What a shop signs with. `Debug` hides it.
pub struct WebhookSecret(Zeroizing<Vec<u8>>);

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

impl WebhookSecret {
    /// The secret as the shop shows it, byte for byte.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self(Zeroizing::new(secret.to_vec()))
    }

    /// The signature of `body`, as a shop puts it into the header.
    #[must_use]
    pub fn sign(&self, body: &[u8]) -> String {
        BASE64_STANDARD.encode(self.mac(body))
    }

    fn mac(&self, body: &[u8]) -> [u8; 32] {
        // HMAC takes a key of any length.
        let mac = Hmac::<Sha256>::new_from_slice(&self.0).map(|mac| mac.chain_update(body));
        mac.map(|mac| mac.finalize().into_bytes().into()).unwrap_or_default()
    }
}

/// A well-formed signature: 32 bytes.
#[derive(Clone, Copy)]
pub struct Signature([u8; 32]);

impl Signature {
    /// Reads the one header that a delivery bears: 44 characters of padded base64 in its one canonical spelling. Two
    /// headers, or any other spelling, are none.
    pub fn read<'a>(mut headers: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let header = headers.next()?;
        if headers.next().is_some() {
            return None;
        }
        BASE64_STANDARD.decode(header).ok()?.try_into().ok().map(Self)
    }

    /// Whether one of `secrets` signed `body`. Takes the same time whichever it is and wherever they differ.
    #[must_use]
    pub fn is_of(&self, body: &[u8], secrets: &[WebhookSecret]) -> bool {
        let one = |found: Choice, secret: &WebhookSecret| found | secret.mac(body).ct_eq(&self.0);
        secrets.iter().fold(Choice::from(0), one).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":1}"#;

    fn secrets() -> [WebhookSecret; 2] {
        [b"the secret of old", b"the secret of new"].map(|secret| WebhookSecret::new(secret))
    }

    fn holds(headers: &[&str], body: &[u8]) -> bool {
        let signature = Signature::read(headers.iter().map(|text| text.as_bytes()));
        signature.is_some_and(|signature| signature.is_of(body, &secrets()))
    }

    /// From RFC 4231, test case 2.
    #[test]
    fn the_signature_is_that_of_the_standard() {
        let secret = WebhookSecret::new(b"Jefe");
        let told = hex::encode(secret.mac(b"what do ya want for nothing?"));
        assert_eq!(told, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn either_secret_of_a_rotation_signs_and_a_third_does_not() {
        for secret in &secrets() {
            assert!(holds(&[&secret.sign(BODY)], BODY));
        }
        assert!(!holds(&[&WebhookSecret::new(b"another secret").sign(BODY)], BODY));
    }

    #[test]
    fn only_the_one_spelling_of_a_signature_is_one() {
        let right = secrets()[0].sign(BODY);
        let bytes = BASE64_STANDARD.decode(&right).unwrap();
        let url = base64::prelude::BASE64_URL_SAFE.encode(&bytes);
        let spellings = [
            String::new(),
            hex::encode(&bytes),
            right.trim_end_matches('=').to_owned(),
            format!("{right}="),
            format!(" {right}"),
            format!("{right}\n"),
            right.to_ascii_lowercase(),
            BASE64_STANDARD.encode(&bytes[..31]),
            BASE64_STANDARD.encode([&bytes[..], &[0]].concat()),
            right.replacen(&right[..1], "!", 1),
        ];
        for spelling in &spellings {
            assert!(!holds(&[spelling], BODY), "{spelling:?}");
        }
        // Where the two alphabets spell a signature alike, it is the same signature.
        assert_eq!(holds(&[&url], BODY), url == right);
        assert!(!holds(&[], BODY) && !holds(&[&right, &right], BODY));
    }

    #[test]
    fn a_body_that_changed_on_its_way_is_not_signed() {
        let right = secrets()[1].sign(BODY);
        let changed: [&[u8]; 5] =
            [b"", b"{\"id\":1}\n", b"\xEF\xBB\xBF{\"id\":1}", b"{ \"id\":1}", b"{\"id\":2}"];
        for body in changed {
            assert!(!holds(&[&right], body));
        }
    }
}
