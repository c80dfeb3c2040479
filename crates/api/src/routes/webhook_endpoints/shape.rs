//! Endpoints and deliveries as clients write and read them.

use catalog::clock::Timestamp;
use catalog::ids::EventId;
use catalog::invalid::InvalidField;
use catalog::text::Line;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::outbox::delivery::WebhookDeliveryId;
use crate::outbox::endpoint::{EndpointState, Subscription, WebhookEndpoint, WebhookEndpointId};
use crate::outbox::secret::WebhookSecret;
use crate::store::DeliveryRecord;

/// Where events are to go.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndpointInput {
    /// An `https://` address that leads to public addresses, at port 443 or 8443.
    #[schema(example = "https://shop.example.com/hooks/colophon")]
    pub(super) url: String,
    /// What you call it: one line of at most 500 characters.
    pub(super) description: Option<String>,
    /// Which events to send; left out: all that a shop may read.
    #[schema(example = json!(["token.minted", "token.voided"]))]
    pub(super) event_types: Option<Vec<String>>,
}

/// What is to be changed; what is left out stays.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndpointChange {
    /// Another address.
    pub(super) url: Option<String>,
    /// Another description.
    pub(super) description: Option<String>,
    /// Other event types.
    pub(super) event_types: Option<Vec<String>>,
    /// False sends nothing more, true begins again with what happens from then on.
    pub(super) enabled: Option<bool>,
}

/// Which events to send once more: one of the three.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayInput {
    /// This event alone: `evt_…`.
    pub(super) event_id: Option<String>,
    /// Those after this event, at most 1,000.
    pub(super) after: Option<String>,
    /// Those from this moment on (RFC 3339), at most 1,000.
    pub(super) since: Option<String>,
}

/// What becomes of a replay.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReplayView {
    /// How many events are sent once more.
    pub(super) queued: usize,
    /// There may be more: ask again with this as `after`.
    #[schema(value_type = Option<String>)]
    pub(super) next_after: Option<EventId>,
}

/// An event that was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TestView {
    /// The `webhook-id` of its delivery.
    #[schema(value_type = String)]
    pub(super) event_id: EventId,
    /// Always `webhook_endpoint.tested`.
    #[serde(rename = "type")]
    pub(super) event_type: &'static str,
}

/// An endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EndpointView {
    /// `we_…`.
    #[schema(value_type = String)]
    webhook_endpoint_id: WebhookEndpointId,
    url: String,
    #[schema(value_type = Option<String>)]
    description: Option<Line>,
    /// Null: all that a shop may read.
    event_types: Option<Vec<String>>,
    enabled: bool,
    /// Why it is not enabled: `requested`, `gone` (it answered 410) or `failing` (for days).
    disabled_reason: Option<&'static str>,
    /// The first failure since the last success.
    #[schema(value_type = Option<String>)]
    failing_since: Option<Timestamp>,
    #[schema(value_type = String)]
    created_at: Timestamp,
}

impl EndpointView {
    pub(super) fn of(endpoint: &WebhookEndpoint) -> Self {
        let disabled_reason = match endpoint.state {
            EndpointState::Enabled => None,
            EndpointState::Disabled(reason) => Some(reason.as_str()),
        };
        let event_types = match &endpoint.subscription {
            Subscription::All => None,
            Subscription::Types(types) => Some(types.clone()),
        };
        Self {
            webhook_endpoint_id: endpoint.id.clone(),
            url: endpoint.url.clone(),
            description: endpoint.description.clone(),
            event_types,
            enabled: endpoint.is_enabled(),
            disabled_reason,
            failing_since: endpoint.failing_since,
            created_at: endpoint.created_at,
        }
    }
}

/// An endpoint with its secret, which is shown once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EndpointWithSecret {
    #[serde(flatten)]
    endpoint: EndpointView,
    #[serde(flatten)]
    secret: SecretView,
}

/// A secret, which is shown once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecretView {
    /// `whsec_…`; null in a replay.
    #[schema(required = true)]
    secret: Option<String>,
    /// True in a replay.
    secret_already_shown: bool,
}

impl SecretView {
    pub(super) fn shown(secret: &WebhookSecret) -> Self {
        Self { secret: Some(secret.reveal().to_owned()), secret_already_shown: false }
    }

    pub(super) fn withheld() -> Self {
        Self { secret: None, secret_already_shown: true }
    }
}

impl EndpointWithSecret {
    pub(super) fn of(endpoint: &WebhookEndpoint, secret: SecretView) -> Self {
        Self { endpoint: EndpointView::of(endpoint), secret }
    }
}

/// A delivery of one event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryView {
    /// `wd_…`.
    #[schema(value_type = String)]
    webhook_delivery_id: WebhookDeliveryId,
    #[schema(value_type = String)]
    event_id: EventId,
    #[serde(rename = "type")]
    event_type: String,
    /// `waiting`, `delivered` or `given_up`.
    state: &'static str,
    attempts: i64,
    /// When it is tried next; null when it is not.
    #[schema(value_type = Option<String>)]
    next_attempt_at: Option<Timestamp>,
    #[schema(value_type = Option<String>)]
    last_attempt_at: Option<Timestamp>,
    /// `delivered`, `refused`, `redirected`, `timed_out`, `unreachable` or `address_refused`.
    last_outcome: Option<String>,
    /// The status of the last answer.
    last_status: Option<i64>,
}

impl From<DeliveryRecord> for DeliveryView {
    fn from(record: DeliveryRecord) -> Self {
        let waits = record.state == crate::outbox::delivery::DeliveryState::Waiting;
        Self {
            webhook_delivery_id: record.id,
            event_id: record.event_id,
            event_type: record.event_type,
            state: record.state.as_str(),
            attempts: record.attempts,
            next_attempt_at: waits.then_some(record.next_attempt_at),
            last_attempt_at: record.last_attempt_at,
            last_outcome: record.last_outcome,
            last_status: record.last_status,
        }
    }
}

/// Reads a description.
pub(super) fn description(text: Option<&str>) -> Result<Option<Line>, InvalidField> {
    text.map(|text| Line::parse("description", "description_invalid", text)).transpose()
}
