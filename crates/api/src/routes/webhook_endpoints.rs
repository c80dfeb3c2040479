//! `/v1/webhook-endpoints`: where events are sent, and how their deliveries fare.

mod deliveries;
mod shape;

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use catalog::db::{Tx, retrying};
use catalog::journal::{self, Occasion};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::shape::{
    EndpointChange, EndpointInput, EndpointView, EndpointWithSecret, SecretView, TestView, description,
};
use super::ids::{InPath, Named};
use super::paging::Listing;
use super::reply::Reply;
use crate::auth::{Shop, ShopOrAuditor};
use crate::error::{ApiError, Problem};
use crate::idempotency::{self, KeyOptional, KeyRequired};
use crate::json::{Json, NoBody};
use crate::outbox::courier;
use crate::outbox::endpoint::{
    DisabledReason, EndpointState, Subscription, WebhookEndpoint, WebhookEndpointId,
};
use crate::outbox::endpoint_url::{EndpointUrl, not_public};
use crate::outbox::event_type::TESTED;
use crate::outbox::events::{EndpointEvent, Happened};
use crate::state::{App, AppState};
use crate::store;

/// Endpoints of one service.
const MOST_ENDPOINTS: usize = 32;
/// How long a secret holds beside the one that took its place.
const OVERLAP: Duration = Duration::from_hours(24);
/// Secrets of one endpoint that hold at once.
const MOST_SECRETS: usize = 5;
/// How long a name may take to be looked up when an endpoint is made.
const LOOKUP_TIME: Duration = Duration::from_secs(5);

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create_webhook_endpoint, list_webhook_endpoints))
        .routes(routes!(get_webhook_endpoint, change_webhook_endpoint, remove_webhook_endpoint))
        .routes(routes!(rotate_webhook_secret))
        .routes(routes!(test_webhook_endpoint))
        .merge(deliveries::routes())
}

impl Named for WebhookEndpointId {
    const NOUN: &'static str = "webhook endpoint";
    const PARAMETER: &'static str = "webhook_endpoint_id";
}

fn no_such() -> ApiError {
    ApiError::no_such(WebhookEndpointId::NOUN)
}

/// The endpoint under its lock.
async fn lock(tx: &mut Tx, id: &WebhookEndpointId) -> Result<WebhookEndpoint, ApiError> {
    store::lock_endpoint(tx, id).await?.ok_or_else(no_such)
}

/// Checks an address, and where its name leads today; where it leads later is checked at each connection.
async fn checked_url(app: &App, text: &str) -> Result<EndpointUrl, ApiError> {
    let reach = app.settings.outbox.reach;
    let url = EndpointUrl::parse(text, reach)?;
    let guard = &app.outbox.guard;
    let leads_outside = match url.as_url().domain() {
        None => guard.admits_literal(url.as_url()),
        // A name that is not found in time may be found later.
        Some(name) => tokio::time::timeout(LOOKUP_TIME, guard.admits_name(name)).await.unwrap_or(true),
    };
    if leads_outside { Ok(url) } else { Err(not_public().into()) }
}

/// Makes an endpoint to which events are sent from now on (Standard Webhooks). Its secret is shown here once.
#[utoipa::path(
    post,
    path = "/v1/webhook-endpoints",
    operation_id = "create_webhook_endpoint",
    tag = "events",
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible characters")),
    request_body = EndpointInput,
    responses(
        (status = 201, description = "Made; a replay does not show the secret again", body = EndpointWithSecret,
            headers(("Location" = String, description = "The path of the endpoint"))),
        (status = 409, description = "`webhook_endpoint_limit`: there are 32 already; `request_in_flight`",
            body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`webhook_url_invalid`, `webhook_url_port_refused`, `webhook_url_not_public`, \
            `event_type_unknown`", body = Problem, content_type = "application/problem+json"),
    ),
    security(("api_key" = ["shop"])),
)]
async fn create_webhook_endpoint(
    State(state): State<AppState>,
    Shop(caller): Shop,
    KeyRequired(key): KeyRequired,
    Json { value: input, digest }: Json<EndpointInput>,
) -> Result<Response, ApiError> {
    let (app, input, actor) = (&state, &input, &caller.actor());
    idempotency::once(app, &caller, key, digest, |slot| async move {
        let url = checked_url(app, &input.url).await?;
        let occasion = app.occasion(actor.clone());
        let endpoint = WebhookEndpoint {
            id: WebhookEndpointId::generate(occasion.at, occasion.chance),
            url: url.to_string(),
            description: description(input.description.as_deref())?,
            subscription: Subscription::parse(input.event_types.clone())?,
            state: EndpointState::Enabled,
            failing_since: None,
            paused_until: catalog::clock::Timestamp::EPOCH,
            created_at: occasion.at,
        };
        let mut tx = app.db.begin_write().await?;
        if store::list_endpoints(&mut tx).await?.len() >= MOST_ENDPOINTS {
            let detail = format!("there are {MOST_ENDPOINTS} endpoints; remove one first");
            return Err(ApiError::conflict("webhook_endpoint_limit", detail));
        }
        store::insert_endpoint(&mut tx, &endpoint).await?;
        let version = store::add_secret(&mut tx, &endpoint.id, occasion.at, occasion.at).await?;
        let happened = Happened::Created { url: endpoint.url.clone() };
        journal::append(&mut tx, &occasion, &EndpointEvent::of(&endpoint.id, happened))?;
        let secret = SecretView::shown(&app.outbox.key.secret(&endpoint.id, version));
        let location = format!("/v1/webhook-endpoints/{}", endpoint.id);
        let reply = Reply::created(location, &EndpointWithSecret::of(&endpoint, secret))?
            .keeping(&EndpointWithSecret::of(&endpoint, SecretView::withheld()))?;
        let done = slot.complete(&mut tx, reply).await?;
        tx.commit().await?;
        Ok(done)
    })
    .await
}

/// All endpoints, in the order of their making.
#[utoipa::path(
    get,
    path = "/v1/webhook-endpoints",
    operation_id = "list_webhook_endpoints",
    tag = "events",
    responses((status = 200, description = "All of them: there are at most 32", body = Listing<EndpointView>)),
    security(("api_key" = ["shop", "auditor"])),
)]
async fn list_webhook_endpoints(State(state): State<AppState>, _: ShopOrAuditor) -> Result<Reply, ApiError> {
    let mut tx = state.db.begin_read().await?;
    let endpoints = store::list_endpoints(&mut tx).await?;
    let items: Vec<_> = endpoints.iter().map(EndpointView::of).collect();
    Reply::ok(&Listing { items, next_cursor: None })
}

/// One endpoint.
#[utoipa::path(
    get,
    path = "/v1/webhook-endpoints/{webhook_endpoint_id}",
    operation_id = "get_webhook_endpoint",
    tag = "events",
    params(("webhook_endpoint_id" = String, Path, description = "`we_…`")),
    responses((status = 200, description = "The endpoint", body = EndpointView)),
    security(("api_key" = ["shop", "auditor"])),
)]
async fn get_webhook_endpoint(
    State(state): State<AppState>,
    _: ShopOrAuditor,
    InPath(id): InPath<WebhookEndpointId>,
) -> Result<Reply, ApiError> {
    let mut tx = state.db.begin_read().await?;
    let endpoint = store::find_endpoint(&mut tx, &id).await?.ok_or_else(no_such)?;
    Reply::ok(&EndpointView::of(&endpoint))
}

/// Changes an endpoint. Disabled, it is sent nothing, and what waits for it is given up; enabled again, it is sent what
/// happens from then on, and the rest by replay.
#[utoipa::path(
    patch,
    path = "/v1/webhook-endpoints/{webhook_endpoint_id}",
    operation_id = "change_webhook_endpoint",
    tag = "events",
    params(
        ("webhook_endpoint_id" = String, Path, description = "`we_…`"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters"),
    ),
    request_body = EndpointChange,
    responses(
        (status = 200, description = "The endpoint as it stands now", body = EndpointView),
        (status = 422, description = "`webhook_url_invalid`, `webhook_url_port_refused`, `webhook_url_not_public`, \
            `event_type_unknown`", body = Problem, content_type = "application/problem+json"),
    ),
    security(("api_key" = ["shop"])),
)]
async fn change_webhook_endpoint(
    State(state): State<AppState>,
    Shop(caller): Shop,
    InPath(id): InPath<WebhookEndpointId>,
    KeyOptional(key): KeyOptional,
    Json { value: input, digest }: Json<EndpointChange>,
) -> Result<Response, ApiError> {
    let (app, input, id, actor) = (&state, &input, &id, &caller.actor());
    idempotency::once(app, &caller, key, digest, |slot| async move {
        let url = match &input.url {
            Some(text) => Some(checked_url(app, text).await?),
            None => None,
        };
        let occasion = app.occasion(actor.clone());
        let mut tx = app.db.begin_write().await?;
        let before = lock(&mut tx, id).await?;
        let mut changed = before.clone();
        if let Some(url) = url {
            changed.url = url.to_string();
        }
        if let Some(text) = &input.description {
            changed.description = description(Some(text))?;
        }
        if let Some(types) = &input.event_types {
            changed.subscription = Subscription::parse(Some(types.clone()))?;
        }
        if changed != before {
            store::update_endpoint(&mut tx, &changed, occasion.at).await?;
            let happened = Happened::Changed { url: changed.url.clone() };
            journal::append(&mut tx, &occasion, &EndpointEvent::of(id, happened))?;
        }
        let endpoint = switch(&mut tx, &occasion, changed, input.enabled).await?;
        let done = slot.complete(&mut tx, Reply::ok(&EndpointView::of(&endpoint))?).await?;
        tx.commit().await?;
        Ok(done)
    })
    .await
}

/// Enables or disables, where that is a change.
async fn switch(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    endpoint: WebhookEndpoint,
    enabled: Option<bool>,
) -> Result<WebhookEndpoint, ApiError> {
    match enabled {
        Some(true) if !endpoint.is_enabled() => {
            let paused_until = catalog::clock::Timestamp::EPOCH;
            let endpoint = WebhookEndpoint {
                state: EndpointState::Enabled,
                failing_since: None,
                paused_until,
                ..endpoint
            };
            store::update_endpoint(tx, &endpoint, occasion.at).await?;
            journal::append(tx, occasion, &EndpointEvent::of(&endpoint.id, Happened::Enabled {}))?;
            Ok(endpoint)
        }
        Some(false) if endpoint.is_enabled() => {
            let reason = DisabledReason::Requested;
            courier::disable(tx, occasion, endpoint.clone(), reason).await?;
            Ok(WebhookEndpoint { state: EndpointState::Disabled(reason), ..endpoint })
        }
        _ => Ok(endpoint),
    }
}

/// Removes an endpoint for ever. What waits for it is given up.
#[utoipa::path(
    delete,
    path = "/v1/webhook-endpoints/{webhook_endpoint_id}",
    operation_id = "remove_webhook_endpoint",
    tag = "events",
    params(("webhook_endpoint_id" = String, Path, description = "`we_…`")),
    responses((status = 204, description = "Removed")),
    security(("api_key" = ["shop"])),
)]
async fn remove_webhook_endpoint(
    State(state): State<AppState>,
    Shop(caller): Shop,
    InPath(id): InPath<WebhookEndpointId>,
) -> Result<Response, ApiError> {
    let (app, id, actor) = (&state, &id, &caller.actor());
    retrying(|| async move {
        let occasion = app.occasion(actor.clone());
        let mut tx = app.db.begin_write().await?;
        lock(&mut tx, id).await?;
        store::remove_endpoint(&mut tx, id, occasion.at).await?;
        store::give_up_waiting(&mut tx, id, occasion.at).await?;
        journal::append(&mut tx, &occasion, &EndpointEvent::of(id, Happened::Removed {}))?;
        tx.commit().await?;
        Ok::<_, ApiError>(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Makes a new secret, which is shown here once. For 24 hours deliveries bear a signature of the one before as well.
#[utoipa::path(
    post,
    path = "/v1/webhook-endpoints/{webhook_endpoint_id}/secret/rotate",
    operation_id = "rotate_webhook_secret",
    tag = "events",
    params(
        ("webhook_endpoint_id" = String, Path, description = "`we_…`"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters"),
    ),
    responses(
        (status = 200, description = "The secret; a replay does not show it again", body = SecretView),
        (status = 409, description = "`webhook_secret_limit`: five secrets hold at this moment", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = ["shop"])),
)]
async fn rotate_webhook_secret(
    State(state): State<AppState>,
    Shop(caller): Shop,
    InPath(id): InPath<WebhookEndpointId>,
    KeyOptional(key): KeyOptional,
    NoBody(digest): NoBody,
) -> Result<Response, ApiError> {
    let (app, id, actor) = (&state, &id, &caller.actor());
    idempotency::once(app, &caller, key, digest, |slot| async move {
        let occasion = app.occasion(actor.clone());
        let mut tx = app.db.begin_write().await?;
        lock(&mut tx, id).await?;
        if store::valid_secrets(&mut tx, id, occasion.at).await?.len() >= MOST_SECRETS {
            let detail = format!(
                "{MOST_SECRETS} secrets of this endpoint hold; each ends 24 hours after it was replaced"
            );
            return Err(ApiError::conflict("webhook_secret_limit", detail));
        }
        let version = store::add_secret(&mut tx, id, occasion.at, occasion.at.plus(OVERLAP)).await?;
        journal::append(&mut tx, &occasion, &EndpointEvent::of(id, Happened::SecretRotated { version }))?;
        let shown = SecretView::shown(&app.outbox.key.secret(id, version));
        let reply = Reply::ok(&shown)?.keeping(&SecretView::withheld())?;
        let done = slot.complete(&mut tx, reply).await?;
        tx.commit().await?;
        Ok(done)
    })
    .await
}

/// Sends a test event to this endpoint alone.
#[utoipa::path(
    post,
    path = "/v1/webhook-endpoints/{webhook_endpoint_id}/test",
    operation_id = "test_webhook_endpoint",
    tag = "events",
    params(
        ("webhook_endpoint_id" = String, Path, description = "`we_…`"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters"),
    ),
    responses(
        (status = 202, description = "It will be sent", body = TestView,
            headers(("Location" = String, description = "The endpoint's deliveries"))),
        (status = 409, description = "`webhook_endpoint_disabled`", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = ["shop"])),
)]
async fn test_webhook_endpoint(
    State(state): State<AppState>,
    Shop(caller): Shop,
    InPath(id): InPath<WebhookEndpointId>,
    KeyOptional(key): KeyOptional,
    NoBody(digest): NoBody,
) -> Result<Response, ApiError> {
    let (app, id, actor) = (&state, &id, &caller.actor());
    idempotency::once(app, &caller, key, digest, |slot| async move {
        let occasion = app.occasion(actor.clone());
        let mut tx = app.db.begin_write().await?;
        if !lock(&mut tx, id).await?.is_enabled() {
            return Err(disabled());
        }
        let event = EndpointEvent::of(id, Happened::Tested {});
        let event_id = journal::append_as(&mut tx, &occasion, &event)?;
        let location = format!("/v1/webhook-endpoints/{id}/deliveries");
        let reply = Reply::accepted(location, &TestView { event_id, event_type: TESTED })?;
        let done = slot.complete(&mut tx, reply).await?;
        tx.commit().await?;
        Ok(done)
    })
    .await
}

/// 409: nothing is sent to a disabled endpoint.
fn disabled() -> ApiError {
    ApiError::conflict("webhook_endpoint_disabled", "nothing is sent to this endpoint; enable it first")
}
