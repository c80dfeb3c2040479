//! The one append-only event table. Whoever changes state appends its typed event in the same transaction; the
//! outbox and the audit seal read it by sequence. It knows no sale type: each crate brings its own events.

use serde::Serialize;

use crate::chance::Chance;
use crate::clock::Timestamp;
use crate::db::{DbError, Tx};
use crate::ids::EventId;
use crate::store;

/// Who caused a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The holder of an API key, by the key's id.
    ApiKey(String),
    /// A buyer, by the id of the claim.
    Buyer(String),
    /// The operator at the command line.
    Operator,
    /// The service itself, following the chain or the clock.
    Service,
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ApiKey(id) => write!(f, "api_key:{id}"),
            Self::Buyer(claim) => write!(f, "buyer:{claim}"),
            Self::Operator => f.write_str("operator"),
            Self::Service => f.write_str("service"),
        }
    }
}

/// The circumstances of a change: when, by whom, in which request, and the chance its new ids are made with.
#[derive(Debug, Clone)]
pub struct Occasion<'a> {
    /// When it happens.
    pub at: Timestamp,
    /// Who causes it.
    pub actor: Actor,
    /// The HTTP request that asked for it.
    pub request_id: Option<String>,
    /// Where new ids come from.
    pub chance: &'a dyn Chance,
}

/// A thing that happened, in the past tense: `edition_published`.
pub trait Event: Serialize {
    /// What happened; a stable word.
    fn kind(&self) -> &'static str;
    /// The id of what it happened to.
    fn subject(&self) -> String;
}

/// Appends an event. Its payload is canonical JSON (RFC 8785).
pub async fn append(tx: &mut Tx, occasion: &Occasion<'_>, event: &impl Event) -> Result<(), DbError> {
    let payload = serde_json_canonicalizer::to_string(event)
        .map_err(|problem| DbError::inconsistent("journal", event.kind(), problem))?;
    let event_id = EventId::generate(occasion.at, occasion.chance);
    store::append_event(tx, &event_id, occasion, event.kind(), &event.subject(), payload).await
}
