//! Who calls: bearer API keys (RFC 6750) with a scope.
//!
//! A key is shown once, when it is made; we keep its SHA-256. It holds 256 bits of chance, so a plain digest is
//! enough, and looking it up by the digest tells nothing about other keys.

use std::fmt;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use catalog::chance::Chance;
use catalog::clock::Timestamp;
use catalog::digest::Sha256Digest;
use catalog::journal::Actor;
use catalog::typed_id;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::client_address::client_of;
use crate::error::ApiError;
use crate::state::AppState;
use crate::store;

typed_id!(
    /// An API key's public name: `key_…`.
    ApiKeyId, "key");

/// What a key may do. `admin` may do everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Scope {
    /// Catalog artworks, publish editions.
    Curator,
    /// Report sales and what becomes of them.
    Shop,
    /// Read reports.
    Auditor,
    /// Everything.
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Curator, Self::Shop, Self::Auditor, Self::Admin];

    /// The word in the database, in keys and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Curator => "curator",
            Self::Shop => "shop",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }

    /// The scope that `word` names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }

    /// True when a key of this scope may make a call that asks for `needed`.
    #[must_use]
    pub fn allows(self, needed: Self) -> bool {
        self == needed || self == Self::Admin
    }
}

/// An API key in clear: `ck_<scope>_<43 characters>`. Its `Debug` hides it.
#[derive(Debug)]
pub struct ApiKey(SecretString);

/// A text that has not the form of an API key. The text is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an API key")]
pub struct InvalidApiKey;

impl ApiKey {
    /// A new key for `scope` with 256 bits of chance.
    #[must_use]
    pub fn generate(scope: Scope, chance: &dyn Chance) -> Self {
        let bytes = Zeroizing::new(chance.bytes::<32>());
        let tail = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(bytes.as_slice()));
        Self(format!("ck_{}_{}", scope.as_str(), tail.as_str()).into())
    }

    /// What is kept of it.
    #[must_use]
    pub fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(self.0.expose_secret().as_bytes())
    }

    /// The key itself, to be shown once to whoever made it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }
}

impl FromStr for ApiKey {
    type Err = InvalidApiKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.strip_prefix("ck_").and_then(|rest| rest.split_once('_'));
        let well_formed = parts.is_some_and(|(scope, tail)| {
            Scope::from_word(scope).is_some()
                && tail.len() == 43
                && tail.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        });
        if well_formed { Ok(Self(text.into())) } else { Err(InvalidApiKey) }
    }
}

/// A key as it stands in the books.
#[derive(Debug, Clone)]
pub struct ApiKeyRecord {
    /// Its public name.
    pub api_key_id: ApiKeyId,
    /// What the operator called it.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// The holder of a valid key.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The key's public name.
    pub api_key_id: ApiKeyId,
    /// What the key may do.
    pub scope: Scope,
}

impl Caller {
    /// The caller as the journal names it.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::ApiKey(self.api_key_id.to_string())
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.api_key_id.fmt(f)
    }
}

/// Reads the one key that a request may bear.
fn bearer(headers: &HeaderMap) -> Result<ApiKey, ApiError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(ApiError::KeyMissing)?;
    if values.next().is_some() {
        return Err(ApiError::KeyInvalid);
    }
    let text = value.to_str().map_err(|_| ApiError::KeyInvalid)?.trim();
    if text.is_empty() {
        return Err(ApiError::KeyMissing);
    }
    let (scheme, key) = text.split_once(' ').ok_or(ApiError::KeyInvalid)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ApiError::KeyInvalid);
    }
    key.trim().parse().map_err(|InvalidApiKey| ApiError::KeyInvalid)
}

/// Finds out who calls, and whether they may.
async fn authenticate(
    parts: &Parts,
    state: &AppState,
    allowed: &[Scope],
    needed: &'static str,
) -> Result<Caller, ApiError> {
    let key = bearer(&parts.headers)?;
    let find = async {
        let mut tx = state.db.begin_read().await?;
        store::find_live_key(&mut tx, key.digest()).await?.ok_or(ApiError::KeyInvalid)
    };
    let client = client_of(parts, state);
    let record = state.throttles.keys.guard(client, state.clock.as_ref(), find).await?;
    if !allowed.iter().any(|scope| record.scope.allows(*scope)) {
        return Err(ApiError::ScopeInsufficient { needed });
    }
    Ok(Caller { api_key_id: record.api_key_id, scope: record.scope })
}

/// Declares an extractor that lets in keys of some scopes, and `admin`.
macro_rules! scope_extractor {
    ($($(#[$doc:meta])* $name:ident => $scopes:expr, $words:literal;)+) => {
        $($(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(pub Caller);

        impl FromRequestParts<AppState> for $name {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
                authenticate(parts, state, &$scopes, $words).await.map(Self)
            }
        })+
    };
}

scope_extractor! {
    /// A caller who may do what curators do.
    Curator => [Scope::Curator], "curator";
    /// A caller who may do what curators do, or read reports.
    CuratorOrAuditor => [Scope::Curator, Scope::Auditor], "curator` or `auditor";
    /// A caller who may do what the shop does.
    Shop => [Scope::Shop], "shop";
    /// A caller who may read reports.
    Auditor => [Scope::Auditor], "auditor";
    /// A caller who may do what the shop does, or read reports.
    ShopOrAuditor => [Scope::Shop, Scope::Auditor], "shop` or `auditor";
    /// A caller who may do everything.
    Admin => [Scope::Admin], "admin";
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalog::chance::SystemChance;

    #[test]
    fn a_new_key_reads_back_and_hides_in_debug() {
        let key = ApiKey::generate(Scope::Shop, &SystemChance);
        assert!(key.reveal().starts_with("ck_shop_"));
        assert_eq!(key.reveal().parse::<ApiKey>().map(|same| same.digest()), Ok(key.digest()));
        assert!(!format!("{key:?}").contains(key.reveal()));
    }

    #[test]
    fn admin_may_everything_and_the_others_only_their_own() {
        for scope in Scope::ALL {
            assert!(Scope::Admin.allows(scope));
            assert_eq!(scope.allows(Scope::Shop), matches!(scope, Scope::Shop | Scope::Admin));
        }
    }
}
