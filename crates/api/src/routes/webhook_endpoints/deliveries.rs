//! The deliveries of an endpoint, and sending events once more.

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::response::Response;
use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx};
use catalog::invalid::InvalidField;
use catalog::journal::{self, Occasion};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::shape::{DeliveryView, ReplayInput, ReplayView};
use super::{disabled, lock, no_such};
use crate::auth::{Shop, ShopOrAuditor};
use crate::error::{ApiError, Problem};
use crate::idempotency::{self, KeyOptional};
use crate::json::Json;
use crate::outbox::delivery::{DeliveryState, WebhookDeliveryId};
use crate::outbox::endpoint::{WebhookEndpoint, WebhookEndpointId};
use crate::outbox::event_type::Audience;
use crate::outbox::events::{EndpointEvent, Happened, OutgoingEvent};
use crate::outbox::publishing::may_read;
use crate::routes::events::event_unknown;
use crate::routes::ids::InPath;
use crate::routes::paging::{Listing, Page, filtered_by};
use crate::routes::reply::Reply;
use crate::state::AppState;
use crate::store::{self, EventFilter};

/// Events that one call sends once more at most.
const MOST_REPLAYED: u32 = 1_000;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_webhook_deliveries)).routes(routes!(replay_webhook_events))
}

/// Which deliveries are asked for.
#[derive(Debug)]
struct DeliveriesQuery {
    state: Option<DeliveryState>,
    page: Page,
}

impl FromRequestParts<AppState> for DeliveriesQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        let mut state = None;
        let mut rest = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            if name == "state" {
                let problem = "must be `waiting`, `delivered` or `given_up`";
                let known = DeliveryState::from_word(&value);
                state = Some(known.ok_or_else(|| InvalidField::new("state", "filter_invalid", problem))?);
            } else {
                rest.append_pair(&name, &value);
            }
        }
        Ok(Self { state, page: Page::parse(&rest.finish())? })
    }
}

impl IntoParams for DeliveriesQuery {
    fn into_params(parameter_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        filtered_by(&[("state", "`waiting`, `delivered` or `given_up`")], parameter_in)
    }
}

/// The deliveries of an endpoint, those of the newest events first.
#[utoipa::path(
    get,
    path = "/v1/webhook-endpoints/{webhook_endpoint_id}/deliveries",
    operation_id = "list_webhook_deliveries",
    tag = "events",
    params(("webhook_endpoint_id" = String, Path, description = "`we_…`"), DeliveriesQuery),
    responses((status = 200, description = "A piece of the list", body = Listing<DeliveryView>)),
    security(("api_key" = ["shop", "auditor"])),
)]
async fn list_webhook_deliveries(
    State(state): State<AppState>,
    _: ShopOrAuditor,
    InPath(id): InPath<WebhookEndpointId>,
    DeliveriesQuery { state: wanted, page }: DeliveriesQuery,
) -> Result<Reply, ApiError> {
    let before: i64 = page.after()?.unwrap_or(i64::MAX);
    let mut tx = state.db.begin_read().await?;
    store::find_endpoint(&mut tx, &id).await?.ok_or_else(no_such)?;
    let found = store::list_deliveries(&mut tx, &id, wanted, before, page.fetch_limit()).await?;
    let Listing { items, next_cursor } = page.listing(found, |delivery| delivery.position.to_string());
    Reply::ok(&Listing { items: items.into_iter().map(DeliveryView::from).collect(), next_cursor })
}

/// What is to be sent once more.
enum Wanted {
    /// The event at that place.
    One(i64),
    /// Those behind that place.
    After(i64),
}

async fn wanted(tx: &mut Tx, input: &ReplayInput) -> Result<Wanted, ApiError> {
    let one = || {
        InvalidField::new(
            "event_id",
            "replay_invalid",
            "must be given, or `after`, or `since`, and no two of them",
        )
    };
    match (&input.event_id, &input.after, &input.since) {
        (Some(id), None, None) => Ok(Wanted::One(position(tx, "event_id", id).await?)),
        (None, Some(id), None) => Ok(Wanted::After(position(tx, "after", id).await?)),
        (None, None, Some(text)) => {
            let problem =
                |_| InvalidField::new("since", "time_invalid", "must be a time such as 2026-11-23T09:30:00Z");
            let since: Timestamp = text.parse().map_err(problem)?;
            let first = store::first_position_since(tx, since).await?;
            Ok(Wanted::After(first.map_or(i64::MAX, |first| first - 1)))
        }
        _ => Err(one().into()),
    }
}

async fn position(tx: &mut Tx, field: &'static str, event_id: &str) -> Result<i64, ApiError> {
    let found = store::find_event_position(tx, event_id, Audience::Shop).await?;
    found.ok_or_else(|| event_unknown(field).into())
}

/// Sends events once more, whether or not they were delivered, under the ids that they have.
#[utoipa::path(
    post,
    path = "/v1/webhook-endpoints/{webhook_endpoint_id}/replay",
    operation_id = "replay_webhook_events",
    tag = "events",
    params(
        ("webhook_endpoint_id" = String, Path, description = "`we_…`"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters"),
    ),
    request_body = ReplayInput,
    responses(
        (status = 202, description = "They will be sent", body = ReplayView,
            headers(("Location" = String, description = "The endpoint's deliveries"))),
        (status = 409, description = "`webhook_endpoint_disabled`", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`replay_invalid`, `event_unknown`, `time_invalid`", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = ["shop"])),
)]
async fn replay_webhook_events(
    State(state): State<AppState>,
    Shop(caller): Shop,
    InPath(id): InPath<WebhookEndpointId>,
    KeyOptional(key): KeyOptional,
    Json { value: input, digest }: Json<ReplayInput>,
) -> Result<Response, ApiError> {
    let (app, input, id, actor) = (&state, &input, &id, &caller.actor());
    idempotency::once(app, &caller, key, digest, |slot| async move {
        let occasion = app.occasion(actor.clone());
        let mut tx = app.db.begin_write().await?;
        let endpoint = lock(&mut tx, id).await?;
        if !endpoint.is_enabled() {
            return Err(disabled());
        }
        let wanted = wanted(&mut tx, input).await?;
        let view = replay(&mut tx, &occasion, &endpoint, &wanted).await?;
        if view.queued > 0 {
            let happened = Happened::Replayed { events: view.queued };
            journal::append(&mut tx, &occasion, &EndpointEvent::of(id, happened))?;
        }
        let location = format!("/v1/webhook-endpoints/{id}/deliveries");
        let done = slot.complete(&mut tx, Reply::accepted(location, &view)?).await?;
        tx.commit().await?;
        Ok(done)
    })
    .await
}

async fn replay(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    endpoint: &WebhookEndpoint,
    wanted: &Wanted,
) -> Result<ReplayView, DbError> {
    let filter = EventFilter { audience: Audience::Shop, event_type: None, stream: None };
    let events: Vec<OutgoingEvent> = match wanted {
        Wanted::One(position) => store::find_event(tx, *position).await?.into_iter().collect(),
        Wanted::After(position) => store::list_events(tx, &filter, *position, MOST_REPLAYED).await?,
    };
    let full = events.len() >= MOST_REPLAYED as usize;
    let mut queued = 0;
    for event in events.iter().filter(|event| may_read(endpoint, event, Audience::Shop)) {
        let id = WebhookDeliveryId::generate(occasion.at, occasion.chance);
        store::replay_delivery(tx, &id, &endpoint.id, event.position, &event.stream, occasion.at).await?;
        queued += 1;
    }
    let next_after = events.last().filter(|_| full).map(|event| event.event_id.clone());
    Ok(ReplayView { queued, next_after })
}
