//! Table `webhook_endpoints`.

use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx};
use catalog::text::Line;

use crate::outbox::endpoint::{
    DisabledReason, EndpointState, Subscription, WebhookEndpoint, WebhookEndpointId,
};

/// The columns of an endpoint, in the order of [`EndpointRow`].
macro_rules! columns {
    () => {
        "webhook_endpoint_id,
               url,
               description,
               event_types,
               state,
               disabled_reason,
               failing_since,
               paused_until,
               created_at"
    };
}

catalog::statements! {
    INSERT = "
        INSERT INTO webhook_endpoints (
            webhook_endpoint_id,
            url,
            description,
            event_types,
            state,
            created_at,
            updated_at
        ) VALUES ($1, $2, $3, $4, 'enabled', $5, $5)";
    FIND = concat!("
        SELECT ", columns!(), "
        FROM webhook_endpoints
        WHERE webhook_endpoint_id = $1
          AND state <> 'removed'");
    LIST = concat!("
        SELECT ", columns!(), "
        FROM webhook_endpoints
        WHERE state <> 'removed'
        ORDER BY webhook_endpoint_id");
    UPDATE = "
        UPDATE webhook_endpoints
        SET url = $2,
            description = $3,
            event_types = $4,
            state = $5,
            disabled_reason = $6,
            failing_since = $7,
            paused_until = $8,
            updated_at = $9
        WHERE webhook_endpoint_id = $1";
    REMOVE = "
        UPDATE webhook_endpoints
        SET state = 'removed',
            updated_at = $2
        WHERE webhook_endpoint_id = $1";
    LIST_DUE = "
        SELECT webhook_endpoint_id
        FROM webhook_endpoints
        WHERE state = 'enabled'
          AND paused_until <= $1
          AND EXISTS (SELECT 1
                      FROM webhook_deliveries AS due
                      WHERE due.webhook_endpoint_id = webhook_endpoints.webhook_endpoint_id
                        AND due.state = 'waiting'
                        AND due.next_attempt_at <= $1
                        -- What waits for its turn in its stream is not due.
                        AND NOT EXISTS (SELECT 1
                                        FROM webhook_deliveries AS earlier
                                        WHERE earlier.webhook_endpoint_id = due.webhook_endpoint_id
                                          AND earlier.stream = due.stream
                                          AND earlier.state = 'waiting'
                                          AND earlier.position < due.position))
        ORDER BY webhook_endpoint_id";
    @locked {
        LOCK = concat!("
            SELECT ", columns!(), "
            FROM webhook_endpoints
            WHERE webhook_endpoint_id = $1
              AND state <> 'removed'");
    }
}

#[derive(sqlx::FromRow)]
struct EndpointRow {
    webhook_endpoint_id: String,
    url: String,
    description: Option<String>,
    event_types: Option<String>,
    state: String,
    disabled_reason: Option<String>,
    failing_since: Option<i64>,
    paused_until: i64,
    created_at: i64,
}

impl TryFrom<EndpointRow> for WebhookEndpoint {
    type Error = DbError;

    fn try_from(row: EndpointRow) -> Result<Self, Self::Error> {
        let odd = |problem: &dyn std::fmt::Display| {
            DbError::inconsistent("webhook_endpoints", &row.webhook_endpoint_id, problem)
        };
        let reason = |word: &str| DisabledReason::ALL.into_iter().find(|reason| reason.as_str() == word);
        let state = match (row.state.as_str(), row.disabled_reason.as_deref()) {
            ("enabled", None) => EndpointState::Enabled,
            ("disabled", Some(word)) => {
                EndpointState::Disabled(reason(word).ok_or_else(|| odd(&"unknown reason"))?)
            }
            _ => return Err(odd(&"its state and its reason disagree")),
        };
        let line = |text: &str| Line::parse("description", "description_invalid", text);
        let types = |text: &str| text.split(' ').map(ToOwned::to_owned).collect();
        Ok(Self {
            id: row.webhook_endpoint_id.parse().map_err(|e| odd(&e))?,
            description: row.description.as_deref().map(line).transpose().map_err(|e| odd(&e))?,
            subscription: row
                .event_types
                .as_deref()
                .map_or(Subscription::All, |text| Subscription::Types(types(text))),
            state,
            failing_since: row.failing_since.map(Timestamp::from_micros).transpose().map_err(|e| odd(&e))?,
            paused_until: Timestamp::from_micros(row.paused_until).map_err(|e| odd(&e))?,
            created_at: Timestamp::from_micros(row.created_at).map_err(|e| odd(&e))?,
            url: row.url.clone(),
        })
    }
}

fn types_of(endpoint: &WebhookEndpoint) -> Option<String> {
    match &endpoint.subscription {
        Subscription::All => None,
        Subscription::Types(types) => Some(types.join(" ")),
    }
}

/// Writes a new endpoint.
pub(crate) async fn insert_endpoint(tx: &mut Tx, endpoint: &WebhookEndpoint) -> Result<(), DbError> {
    let values = [
        (&endpoint.id).into(),
        endpoint.url.as_str().into(),
        endpoint.description.as_ref().map(Line::as_str).into(),
        types_of(endpoint).into(),
        endpoint.created_at.into(),
    ];
    tx.execute(INSERT, &values).await?;
    Ok(())
}

/// The endpoint with that id, unless it was removed.
pub(crate) async fn find_endpoint(
    tx: &mut Tx,
    id: &WebhookEndpointId,
) -> Result<Option<WebhookEndpoint>, DbError> {
    let row: Option<EndpointRow> = tx.fetch_optional(FIND, &[id.into()]).await?;
    row.map(TryInto::try_into).transpose()
}

/// The same, locked.
pub(crate) async fn lock_endpoint(
    tx: &mut Tx,
    id: &WebhookEndpointId,
) -> Result<Option<WebhookEndpoint>, DbError> {
    let row: Option<EndpointRow> = tx.fetch_optional(LOCK, &[id.into()]).await?;
    row.map(TryInto::try_into).transpose()
}

/// All endpoints but those removed, in the order of their making. Their number is bounded where they are made.
pub(crate) async fn list_endpoints(tx: &mut Tx) -> Result<Vec<WebhookEndpoint>, DbError> {
    let rows: Vec<EndpointRow> = tx.fetch_all(LIST, &[]).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Writes how an endpoint stands now.
pub(crate) async fn update_endpoint(
    tx: &mut Tx,
    endpoint: &WebhookEndpoint,
    at: Timestamp,
) -> Result<(), DbError> {
    let (state, reason) = match endpoint.state {
        EndpointState::Enabled => ("enabled", None),
        EndpointState::Disabled(reason) => ("disabled", Some(reason.as_str())),
    };
    let values = [
        (&endpoint.id).into(),
        endpoint.url.as_str().into(),
        endpoint.description.as_ref().map(Line::as_str).into(),
        types_of(endpoint).into(),
        state.into(),
        reason.into(),
        endpoint.failing_since.into(),
        endpoint.paused_until.into(),
        at.into(),
    ];
    tx.execute(UPDATE, &values).await?;
    Ok(())
}

/// Removes an endpoint for ever; its row stays for its deliveries.
pub(crate) async fn remove_endpoint(
    tx: &mut Tx,
    id: &WebhookEndpointId,
    at: Timestamp,
) -> Result<(), DbError> {
    tx.execute(REMOVE, &[id.into(), at.into()]).await?;
    Ok(())
}

/// Endpoints to which something is due.
pub(crate) async fn list_due_endpoints(
    tx: &mut Tx,
    now: Timestamp,
) -> Result<Vec<WebhookEndpointId>, DbError> {
    let rows: Vec<(String,)> = tx.fetch_all(LIST_DUE, &[now.into()]).await?;
    let parse = |(id,): (String,)| {
        id.parse().map_err(|problem| DbError::inconsistent("webhook_endpoints", &id, problem))
    };
    rows.into_iter().map(parse).collect()
}
