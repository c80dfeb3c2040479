//! API keys from the operator's side: making, listing, revoking. Each act stands in the journal.

use catalog::chance::Chance;
use catalog::clock::Clock;
use catalog::db::{Db, DbError, retrying};
use catalog::invalid::InvalidField;
use catalog::journal::{self, Event, Occasion};
use catalog::text::Line;
use serde::Serialize;

use crate::auth::{ApiKey, ApiKeyId, ApiKeyRecord, Scope};
use crate::store;

#[derive(Serialize)]
#[serde(untagged)]
enum KeyEvent {
    Created { api_key_id: ApiKeyId, scope: &'static str },
    Revoked { api_key_id: ApiKeyId },
}

impl Event for KeyEvent {
    fn kind(&self) -> &'static str {
        match self {
            Self::Created { .. } => "api_key_created",
            Self::Revoked { .. } => "api_key_revoked",
        }
    }

    fn subject(&self) -> String {
        match self {
            Self::Created { api_key_id, .. } | Self::Revoked { api_key_id } => api_key_id.to_string(),
        }
    }
}

/// The operator's hand on the keys.
#[derive(Debug)]
pub struct KeyRing<'a> {
    /// Where the keys are.
    pub db: &'a Db,
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Gives random bytes.
    pub chance: &'a dyn Chance,
}

impl KeyRing<'_> {
    fn occasion(&self, command: &'static str) -> Occasion<'_> {
        Occasion::by_operator(self.clock.now(), command, self.chance)
    }

    /// Makes a key. It is never to be seen again.
    pub async fn create(&self, name: &Line, scope: Scope) -> Result<(ApiKeyRecord, ApiKey), DbError> {
        let occasion = &self.occasion("colophon key create");
        let key = ApiKey::generate(scope, self.chance);
        let digest = key.digest();
        let record = ApiKeyRecord {
            api_key_id: ApiKeyId::generate(occasion.at, self.chance),
            name: name.as_str().to_owned(),
            scope,
            created_at: occasion.at,
            revoked_at: None,
        };
        let event = KeyEvent::Created { api_key_id: record.api_key_id.clone(), scope: scope.as_str() };
        let (new, event) = (&record, &event);
        retrying(|| async move {
            let mut tx = self.db.begin_write().await?;
            store::insert_key(&mut tx, new, digest).await?;
            journal::append(&mut tx, occasion, event)?;
            tx.commit().await
        })
        .await?;
        Ok((record, key))
    }

    /// All keys.
    pub async fn list(&self) -> Result<Vec<ApiKeyRecord>, DbError> {
        let mut tx = self.db.begin_read().await?;
        store::list_keys(&mut tx).await
    }

    /// Revokes a key; tells whether there was a live one. From then on it opens nothing.
    pub async fn revoke(&self, api_key_id: &ApiKeyId) -> Result<bool, DbError> {
        let occasion = &self.occasion("colophon key revoke");
        let event = &KeyEvent::Revoked { api_key_id: api_key_id.clone() };
        retrying(|| async move {
            let mut tx = self.db.begin_write().await?;
            let revoked = store::revoke_key(&mut tx, api_key_id, occasion.at).await?;
            if revoked {
                journal::append(&mut tx, occasion, event)?;
            }
            tx.commit().await?;
            Ok(revoked)
        })
        .await
    }
}

/// Checks what a key is to be called.
pub fn key_name(text: &str) -> Result<Line, InvalidField> {
    Line::parse("--name", "name_invalid", text)
}
