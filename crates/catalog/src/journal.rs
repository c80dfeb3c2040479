//! The one append-only event table. Whoever changes state appends its typed event in the same transaction; the
//! audit seals it and the outbox reads it in the sealed order. It knows no sale type: each crate brings its own events.

use std::borrow::Cow;

use serde::Serialize;

use crate::chance::Chance;
use crate::clock::Timestamp;
use crate::db::{DbError, Tx};
use crate::ids::EventId;
use crate::store::{self, NewEvent};

/// Who caused a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The holder of an API key, by the key's id.
    ApiKey(String),
    /// A buyer, by the id of the claim.
    Buyer(String),
    /// A shop's platform, by the name of its channel.
    Channel(String),
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
            Self::Channel(name) => write!(f, "channel:{name}"),
            Self::Operator => f.write_str("operator"),
            Self::Service => f.write_str("service"),
        }
    }
}

/// The circumstances of a change: when, by whom, why, in which request, and the chance its new ids are made with.
#[derive(Debug, Clone)]
pub struct Occasion<'a> {
    /// When it happens.
    pub at: Timestamp,
    /// Who causes it.
    pub actor: Actor,
    /// Why: the words of whoever wanted it, else the call or the step that did it.
    pub reason: Cow<'static, str>,
    /// The HTTP request that asked for it (`req_…`), the command (`cmd_…`), or the service's own step (`step_…`).
    pub request_id: String,
    /// Where new ids come from.
    pub chance: &'a dyn Chance,
}

/// An id that the rows of one command or step have in common.
fn group_id(prefix: &str, chance: &dyn Chance) -> String {
    format!("{prefix}_{}", hex::encode(chance.bytes::<12>()))
}

impl<'a> Occasion<'a> {
    /// A step that the service makes by itself; `reason` says which: "following the chain and the clock".
    #[must_use]
    pub fn by_service(at: Timestamp, reason: &'static str, chance: &'a dyn Chance) -> Self {
        let request_id = group_id("step", chance);
        Self { at, actor: Actor::Service, reason: reason.into(), request_id, chance }
    }

    /// A command of the operator: "colophon key create".
    #[must_use]
    pub fn by_operator(at: Timestamp, command: &'static str, chance: &'a dyn Chance) -> Self {
        let request_id = group_id("cmd", chance);
        Self { at, actor: Actor::Operator, reason: command.into(), request_id, chance }
    }

    /// The same occasion for a reason that somebody gave.
    #[must_use]
    pub fn because(self, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: reason.into(), ..self }
    }
}

/// A thing that happened, in the past tense: `edition_published`.
pub trait Event: Serialize {
    /// What happened; a stable word.
    fn kind(&self) -> &'static str;
    /// The id of what it happened to.
    fn subject(&self) -> String;
}

/// Appends an event: it is written with the others of its transaction, in their order, before the commit. Its payload is
/// canonical JSON (RFC 8785).
pub fn append(tx: &mut Tx, occasion: &Occasion<'_>, event: &impl Event) -> Result<(), DbError> {
    append_as(tx, occasion, event).map(drop)
}

/// Appends an event and gives the id under which it will stand.
pub fn append_as(tx: &mut Tx, occasion: &Occasion<'_>, event: &impl Event) -> Result<EventId, DbError> {
    let written = written(occasion, event)?;
    store::append_event(tx, occasion, &written)?;
    Ok(written.0)
}

/// Appends events of one occasion in this order.
pub fn append_all(tx: &mut Tx, occasion: &Occasion<'_>, events: &[impl Event]) -> Result<(), DbError> {
    events.iter().try_for_each(|event| append(tx, occasion, event))
}

fn written(occasion: &Occasion<'_>, event: &impl Event) -> Result<NewEvent, DbError> {
    let payload = serde_json_canonicalizer::to_string(event)
        .map_err(|problem| DbError::inconsistent("journal", event.kind(), problem))?;
    let event_id = EventId::generate(occasion.at, occasion.chance);
    Ok((event_id, event.kind(), event.subject(), payload))
}
