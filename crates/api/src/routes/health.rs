//! What the operator's machines ask: alive, ready, counts. Not for the public: keep them behind the proxy.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(healthz)).routes(routes!(readyz)).routes(routes!(metrics))
}

/// Whether this process should be given requests.
#[derive(Debug, Serialize, ToSchema)]
struct ReadinessView {
    /// `ready` or `not_ready`.
    status: &'static str,
    /// Each check by name: `ok` or `failed`.
    checks: BTreeMap<&'static str, &'static str>,
    /// Alarms that stand and that do not keep the process from its work: `claim_guessing`, `key_guessing`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    alarms: Vec<&'static str>,
}

fn fresh(status: StatusCode, body: &impl Serialize) -> Response {
    let mut response = (status, axum::Json(body)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The process is alive.
#[utoipa::path(get, path = "/healthz", operation_id = "healthz", tag = "operation",
    responses((status = 200, description = "Alive")))]
async fn healthz() -> Response {
    fresh(StatusCode::OK, &serde_json::json!({ "status": "ok" }))
}

/// The process can do its work: database, image store, chain and signers.
#[utoipa::path(get, path = "/readyz", operation_id = "readyz", tag = "operation",
    responses(
        (status = 200, description = "Ready", body = ReadinessView),
        (status = 503, description = "Not ready; the checks that failed are named", body = ReadinessView),
    ))]
async fn readyz(State(state): State<AppState>) -> Response {
    let outcome = state.readiness.outcome().await;
    let ready = outcome.values().all(|passed| *passed);
    let word = |passed| if passed { "ok" } else { "failed" };
    let view = ReadinessView {
        status: if ready { "ready" } else { "not_ready" },
        checks: outcome.into_iter().map(|(name, passed)| (name, word(passed))).collect(),
        alarms: state.throttles.alarms(state.clock.now()),
    };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut response = fresh(status, &view);
    if !ready {
        response.headers_mut().insert(header::RETRY_AFTER, 5.into());
    }
    response
}

/// Counts in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "operation",
    responses((status = 200, description = "Counts", body = String, content_type = "text/plain")))]
async fn metrics(State(state): State<AppState>) -> Response {
    let media_type = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, media_type)], state.metrics.render()).into_response()
}
