//! An event as it goes out, and what happens to endpoints, as events of the journal. No event holds a secret.

use catalog::clock::Timestamp;
use catalog::ids::EventId;
use catalog::journal::Event;
use serde::Serialize;
use serde_json::{Map, Value};

use super::endpoint::WebhookEndpointId;
use super::event_type::{Audience, TESTED_KIND};

/// An event as it goes out.
#[derive(Debug, Clone, PartialEq)]
pub struct OutgoingEvent {
    /// Its place in the sealed journal.
    pub position: i64,
    /// Its id, for ever.
    pub event_id: EventId,
    /// `sale.recorded`.
    pub event_type: String,
    /// What it is in order with: the id of a sale, else of whatever it happened to.
    pub stream: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Its facts.
    pub data: Map<String, Value>,
}

/// An event, who may read it, and the token that it is about.
#[derive(Debug, Clone)]
pub(crate) struct Published {
    /// The event.
    pub(crate) event: OutgoingEvent,
    /// Who may read it.
    pub(crate) audience: Audience,
    /// The id of the token, where it is about one.
    pub(crate) token_id: Option<String>,
}

/// The body of a delivery (Standard Webhooks).
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    event_type: &'a str,
    timestamp: Timestamp,
    data: &'a Map<String, Value>,
}

impl OutgoingEvent {
    /// The body of its deliveries: the same bytes in each attempt.
    pub fn body(&self) -> Result<String, serde_json::Error> {
        let body = Body { event_type: &self.event_type, timestamp: self.occurred_at, data: &self.data };
        serde_json_canonicalizer::to_string(&body)
    }
}

/// An event of an endpoint.
#[derive(Debug, Clone, Serialize)]
pub struct EndpointEvent {
    webhook_endpoint_id: WebhookEndpointId,
    #[serde(flatten)]
    happened: Happened,
}

/// What happened to an endpoint.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Happened {
    /// It was made.
    Created {
        /// Where events go.
        url: String,
    },
    /// Address, description or types were changed.
    Changed {
        /// Where events go now.
        url: String,
    },
    /// Events are sent again.
    Enabled {},
    /// No event is sent any more.
    Disabled {
        /// Why.
        reason: &'static str,
    },
    /// It was removed.
    Removed {},
    /// It got a further secret.
    SecretRotated {
        /// Its number.
        version: u32,
    },
    /// Somebody asked for a test event.
    Tested {},
    /// Events are sent once more.
    Replayed {
        /// How many.
        events: usize,
    },
    /// A delivery was tried as often as it is.
    DeliveryGivenUp {
        /// Of which event.
        event_id: EventId,
    },
}

impl EndpointEvent {
    /// That something happened to an endpoint.
    #[must_use]
    pub fn of(endpoint: &WebhookEndpointId, happened: Happened) -> Self {
        Self { webhook_endpoint_id: endpoint.clone(), happened }
    }
}

impl Event for EndpointEvent {
    fn kind(&self) -> &'static str {
        match &self.happened {
            Happened::Created { .. } => "webhook_endpoint_created",
            Happened::Changed { .. } => "webhook_endpoint_changed",
            Happened::Enabled {} => "webhook_endpoint_enabled",
            Happened::Disabled { .. } => "webhook_endpoint_disabled",
            Happened::Removed {} => "webhook_endpoint_removed",
            Happened::SecretRotated { .. } => "webhook_secret_rotated",
            Happened::Tested {} => TESTED_KIND,
            Happened::Replayed { .. } => "webhook_deliveries_replayed",
            Happened::DeliveryGivenUp { .. } => "webhook_delivery_given_up",
        }
    }

    fn subject(&self) -> String {
        self.webhook_endpoint_id.to_string()
    }
}
