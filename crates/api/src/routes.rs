//! The REST surface (DESIGN §7): one file a resource.

pub mod artworks;
pub mod claims;
pub mod editions;
pub mod events;
pub mod health;
pub mod ids;
pub mod images;
pub mod impressions;
mod notice;
pub mod paging;
mod policy;
pub mod reply;
mod reports;
pub mod sales;
pub mod skus;
pub mod tokens;
pub mod webhook_endpoints;
pub mod webhooks;

mod bounds;
mod openapi;

use std::time::Duration;

use axum::Router;
use axum::http::header;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::error::ApiError;
use crate::state::AppState;
use crate::telemetry;

/// How long a body may pause between two pieces.
const BODY_PAUSE: Duration = Duration::from_secs(15);

/// Every route that answers at once. A new resource is merged here and nowhere else.
fn described() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::head())
        .merge(artworks::routes())
        .merge(editions::routes())
        .merge(images::routes())
        .merge(impressions::routes())
        .merge(sales::routes())
        .merge(skus::routes())
        .merge(webhooks::routes())
        .merge(claims::routes())
        .merge(tokens::routes())
        .merge(events::routes())
        .merge(webhook_endpoints::routes())
        .merge(reports::routes())
}

/// The whole service as one router.
pub fn router(state: AppState) -> Router {
    let limits = state.settings.limits;
    let within = |time| from_fn(bounds::within(time));
    let gate = bounds::gate(limits.requests_at_once);
    let (work, description) = described()
        .layer(within(limits.request_time))
        .merge(images::uploads().layer(within(limits.upload_time)))
        .layer(from_fn(gate))
        .merge(health::routes())
        .split_for_parts();
    work.merge(openapi::pages(openapi::with_common_problems(description)))
        .fallback(async || ApiError::no_such("path"))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(RequestBodyTimeoutLayer::new(BODY_PAUSE))
        .layer(CatchPanicLayer::custom(bounds::panicked))
        .layer(from_fn_with_state(state.clone(), telemetry::observe))
        .layer(SetSensitiveRequestHeadersLayer::new([header::AUTHORIZATION, header::COOKIE]))
        .with_state(state)
}

/// The description of the service (OpenAPI 3.1).
#[must_use]
pub fn description() -> OpenApi {
    let whole = described().merge(images::uploads()).merge(health::routes());
    openapi::with_common_problems(whole.into_openapi())
}

#[cfg(test)]
mod tests;
