//! `/v1/reports`: what auditors read.

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use catalog::invalid::InvalidField;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Auditor;
use crate::error::ApiError;
use crate::reconciliation::{PATIENCE, to_csv};
use crate::reconciling::{Reconciling, ReconcilingError, Report};
use crate::routes::reply::Reply;
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_reconciliation))
}

/// How the report is wanted.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// `json`, or `csv`: the findings alone, a line each.
    #[param(inline, default = "json", required = false)]
    format: Format,
}

#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(rename_all = "lowercase")]
enum Format {
    Json,
    Csv,
}

impl FromRequestParts<AppState> for Wanted {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        let mut format = Format::Json;
        for (name, value) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            format = match (name.as_ref(), value.as_ref()) {
                ("format", "json") => Format::Json,
                ("format", "csv") => Format::Csv,
                ("format", _) => {
                    return Err(
                        InvalidField::new("format", "format_unknown", "must be `json` or `csv`").into()
                    );
                }
                _ => {
                    let detail = "this call knows the parameter `format` alone".into();
                    return Err(ApiError::Shape { code: "parameter_unknown", detail, field: None });
                }
            };
        }
        Ok(Self { format })
    }
}

/// Compares shop, books and chain: sales without token, tokens without sale, refunds whose token lives, tokens that moved
/// while locked, foreign mints, nonce gaps, quarantined sheets, windows that outlive locks; and each edition's census, recomputed
/// from the chain's events. The whole log is read: for large collections `colophon reconcile` has no time limit.
#[utoipa::path(
    get,
    path = "/v1/reports/reconciliation",
    operation_id = "get_reconciliation",
    tag = "reports",
    params(Wanted),
    responses(
        (status = 200, description = "The report; `findings` is empty when everything fits", content(
            (Report = "application/json"),
            (String = "text/csv"),
        )),
        (status = 503, description = "`chain_unavailable`", body = crate::error::Problem,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = ["auditor"])),
)]
async fn get_reconciliation(
    State(state): State<AppState>,
    _: Auditor,
    wanted: Wanted,
) -> Result<Response, ApiError> {
    let reconciling = Reconciling {
        db: &state.db,
        chain: state.on_chain.as_ref(),
        policies: &state.settings.policies,
        patience: PATIENCE,
        now: state.clock.now(),
    };
    let report = reconciling.report().await.map_err(|error| match error {
        ReconcilingError::Db(error) => ApiError::from(error),
        ReconcilingError::Chain(error) => ApiError::unavailable("chain_unavailable", error),
    })?;
    match wanted.format {
        Format::Json => Ok(Reply::ok(&report)?.into_response()),
        Format::Csv => {
            let text =
                to_csv(&report.findings).map_err(|error| ApiError::internal("writing the report", error))?;
            let mut response = text.into_response();
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            Ok(response)
        }
    }
}
