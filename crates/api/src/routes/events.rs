//! `/v1/events`: what happened, in the sealed order, for whoever would rather ask than be told.

use std::str::FromStr;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use catalog::clock::Timestamp;
use catalog::ids::EventId;
use catalog::invalid::InvalidField;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::paging::{Listing, Page, filtered_by};
use super::reply::Reply;
use crate::auth::{Caller, Scope, ShopOrAuditor};
use crate::error::ApiError;
use crate::outbox::event_type::{self, Audience};
use crate::outbox::events::OutgoingEvent;
use crate::sale::SaleId;
use crate::state::AppState;
use crate::store::{self, EventFilter};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_events))
}

/// What a caller may read.
pub(super) fn audience_of(caller: &Caller) -> Audience {
    match caller.scope {
        Scope::Auditor | Scope::Admin => Audience::Auditor,
        Scope::Shop | Scope::Curator => Audience::Shop,
    }
}

/// An event. docs/EVENTS.md tells what each type holds.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventView {
    /// `evt_…`, the `webhook-id` of its deliveries.
    #[schema(value_type = String)]
    event_id: EventId,
    /// `sale.recorded`.
    #[serde(rename = "type")]
    #[schema(example = "token.minted")]
    event_type: String,
    /// When it happened (RFC 3339).
    #[schema(value_type = String)]
    timestamp: Timestamp,
    /// Its facts, as in the body of a delivery.
    data: Map<String, Value>,
}

impl From<OutgoingEvent> for EventView {
    fn from(event: OutgoingEvent) -> Self {
        let OutgoingEvent { event_id, event_type, occurred_at, data, .. } = event;
        Self { event_id, event_type, timestamp: occurred_at, data }
    }
}

/// Which events are asked for.
#[derive(Debug)]
struct EventsQuery {
    event_type: Option<String>,
    sale_id: Option<SaleId>,
    after: Option<EventId>,
    page: Page,
}

/// The value of a parameter, or 422 for its name.
fn parsed<T: FromStr>(field: &'static str, value: &str) -> Result<T, InvalidField> {
    value.parse().map_err(|_| InvalidField::new(field, "filter_invalid", "is not an id of that kind"))
}

impl EventsQuery {
    fn parse(query: &str) -> Result<Self, ApiError> {
        let (mut event_type, mut sale_id, mut after) = (None, None, None);
        let mut rest = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "type" => {
                    if !event_type::all().contains(&value.as_ref()) {
                        let problem = "is no event type of docs/EVENTS.md";
                        return Err(InvalidField::new("type", "event_type_unknown", problem).into());
                    }
                    event_type = Some(value.into_owned());
                }
                "sale_id" => sale_id = Some(parsed("sale_id", &value)?),
                "after" => after = Some(parsed("after", &value)?),
                _ => {
                    rest.append_pair(&name, &value);
                }
            }
        }
        Ok(Self { event_type, sale_id, after, page: Page::parse(&rest.finish())? })
    }
}

impl FromRequestParts<AppState> for EventsQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }
}

impl IntoParams for EventsQuery {
    fn into_params(parameter_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let texts = [
            ("type", "Only events of this type"),
            ("sale_id", "Only events of this sale, with its claim and its tokens"),
            ("after", "Only events after this one: `evt_…`, the last one that you have seen"),
        ];
        filtered_by(&texts, parameter_in)
    }
}

/// 422: no event has that id.
pub(super) fn event_unknown(field: &'static str) -> InvalidField {
    InvalidField::new(field, "event_unknown", "names no event that you may read")
}

/// The events in the order in which they were sealed: an event that is listed once keeps its place, and none comes before it
/// later. Auditors read all of them, the shop those that concern it.
#[utoipa::path(
    get,
    path = "/v1/events",
    operation_id = "list_events",
    tag = "events",
    params(EventsQuery),
    responses((status = 200, description = "A piece of the list", body = Listing<EventView>)),
    security(("api_key" = ["shop", "auditor"])),
)]
async fn list_events(
    State(state): State<AppState>,
    ShopOrAuditor(caller): ShopOrAuditor,
    EventsQuery { event_type, sale_id, after, page }: EventsQuery,
) -> Result<Reply, ApiError> {
    let audience = audience_of(&caller);
    let stream = sale_id.as_ref().map(SaleId::as_str);
    let filter = EventFilter { audience, event_type: event_type.as_deref(), stream };
    let mut tx = state.db.begin_read().await?;
    let mut from: i64 = page.after()?.unwrap_or(0);
    if let Some(after) = &after {
        let position = store::find_event_position(&mut tx, after.as_str(), audience).await?;
        from = from.max(position.ok_or_else(|| event_unknown("after"))?);
    }
    let events = store::list_events(&mut tx, &filter, from, page.fetch_limit()).await?;
    let Listing { items, next_cursor } = page.listing(events, |event| event.position.to_string());
    Reply::ok(&Listing { items: items.into_iter().map(EventView::from).collect(), next_cursor })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_questions_are_refused() {
        let code = |query: &str| EventsQuery::parse(query).err().map(|error| error.code());
        assert_eq!(code("type=token.minted&limit=5&after=evt_01988888888870008000000000000001"), None);
        assert_eq!(code("type=token.eaten"), Some("event_type_unknown"));
        assert_eq!(code("sale_id=' OR 1=1"), Some("filter_invalid"));
        assert_eq!(code("after=sale_01988888888870008000000000000001"), Some("filter_invalid"));
        assert_eq!(code("order=1"), Some("parameter_unknown"));
    }
}
