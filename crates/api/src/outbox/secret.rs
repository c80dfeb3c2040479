//! The secrets that deliveries are signed with. None is stored: each is derived from a key file, the endpoint and a number,
//! so that the database alone signs nothing.

use std::fmt;

use catalog::clock::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use standardwebhooks::Webhook;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::endpoint::WebhookEndpointId;

/// Shortest key in bytes.
const KEY_BYTES: usize = 32;
/// What every secret begins with (Standard Webhooks).
const PREFIX: &str = "whsec_";

/// The key that webhook secrets are derived from. Its `Debug` hides it.
#[derive(Clone)]
pub struct WebhookKey(Hmac<Sha256>);

/// A key that is too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the webhook key must have at least {KEY_BYTES} bytes")]
pub struct KeyTooShort;

impl fmt::Debug for WebhookKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookKey(…)")
    }
}

impl WebhookKey {
    /// Takes the bytes of the secret's file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyTooShort> {
        if bytes.len() < KEY_BYTES {
            return Err(KeyTooShort);
        }
        Hmac::new_from_slice(bytes).map(Self).map_err(|_| KeyTooShort)
    }

    /// A value that tells a wrong key from the right one without showing it.
    #[must_use]
    pub fn check_value(&self) -> String {
        hex::encode(self.0.clone().chain_update(b"colophon key check/1").finalize().into_bytes())
    }

    /// The secret of an endpoint under a number.
    #[must_use]
    pub fn secret(&self, endpoint: &WebhookEndpointId, version: u32) -> WebhookSecret {
        let text = format!("colophon webhook secret/1\n{endpoint}\n{version}");
        let bytes = self.0.clone().chain_update(text.as_bytes()).finalize().into_bytes();
        WebhookSecret(format!("{PREFIX}{}", BASE64_STANDARD.encode(bytes)).into())
    }
}

/// A secret as the receiver has it: `whsec_…`. Its `Debug` hides it.
#[derive(Debug)]
pub struct WebhookSecret(SecretString);

/// A delivery that could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("a delivery could not be signed")]
pub struct SigningError(#[from] standardwebhooks::WebhookError);

impl WebhookSecret {
    /// The secret itself, for the one response that shows it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }

    /// `v1,…` over id, time and body.
    fn sign(&self, event_id: &str, at: Timestamp, body: &str) -> Result<String, SigningError> {
        let seconds = i64::try_from(at.as_seconds()).unwrap_or(i64::MAX);
        Ok(Webhook::new(self.0.expose_secret())?.sign(event_id, seconds, body.as_bytes())?)
    }
}

/// What stands in `webhook-signature`: one signature for each secret that holds, with a space between them.
pub fn signatures(
    secrets: &[WebhookSecret],
    event_id: &str,
    at: Timestamp,
    body: &str,
) -> Result<String, SigningError> {
    let signed: Result<Vec<_>, _> = secrets.iter().map(|secret| secret.sign(event_id, at, body)).collect();
    Ok(signed?.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_the_same_each_time_and_another_for_each_endpoint_and_number() {
        let key = WebhookKey::from_bytes(&[7; 32]).unwrap();
        let one: WebhookEndpointId = "we_01988888888870008000000000000001".parse().unwrap();
        let other: WebhookEndpointId = "we_01988888888870008000000000000002".parse().unwrap();
        let secret = key.secret(&one, 1);
        assert!(secret.reveal().starts_with("whsec_") && secret.reveal().len() == 6 + 44);
        assert_eq!(secret.reveal(), key.secret(&one, 1).reveal());
        let another_key = WebhookKey::from_bytes(&[8; 32]).unwrap();
        for different in [key.secret(&one, 2), key.secret(&other, 1), another_key.secret(&one, 1)] {
            assert_ne!(secret.reveal(), different.reveal());
        }
        assert!(!format!("{secret:?}{key:?}").contains(&secret.reveal()[6..]));
        assert_eq!(WebhookKey::from_bytes(&[7; 31]).err(), Some(KeyTooShort));
    }

    /// The worked example of the specification.
    #[test]
    fn a_signature_is_the_published_one() {
        let secret = WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned().into());
        let at = Timestamp::from_micros(1_614_265_330_000_000).unwrap();
        let signed =
            signatures(&[secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, r#"{"test": 2432232314}"#).unwrap();
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
