//! The description of the service: OpenAPI 3.1, generated from the handlers, and its page without a CDN.

use axum::Router;
use axum::routing::get;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{
    Components, Content, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Response, ResponseBuilder,
};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::error::PROBLEM_JSON;

/// What a security scheme is called in the description.
const SCHEME: &str = "api_key";

/// Answers that any call may give, so that no handler has to say so.
const COMMON: [(&str, &str); 5] = [
    ("400", "The request cannot be read, for example `malformed_json`"),
    ("422", "A value or a field cannot be taken in; `field` names it"),
    ("500", "A fault of ours: `internal_error`"),
    ("503", "Not now, for example `database_unavailable`; `Retry-After` says when"),
    ("507", "`storage_full`: there is no room to write it down; `Retry-After` says when"),
];
/// Answers that calls with an API key may give besides.
const KEYED: [(&str, &str); 4] = [
    ("401", "`api_key_missing` or `api_key_invalid`"),
    ("403", "`scope_insufficient`"),
    ("404", "`not_found`"),
    ("429", "`too_many_failures`: wrong keys from this address; `Retry-After` says when"),
];

/// The head of the description; the routes add themselves.
pub(super) fn head() -> OpenApi {
    let info = InfoBuilder::new().title("Colophon").version(env!("CARGO_PKG_VERSION")).description(Some(
        "Joins each physical sheet of a limited-edition print to one token. Errors are problem details \
         (RFC 9457) with a stable `code`; every response bears `X-Request-Id`.",
    ));
    let mut components = Components::new();
    let scheme = Http::builder()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("ck_<scope>_…")
        .description(Some("An API key made by `colophon key create`; the scopes stand with each call."))
        .build();
    components.add_security_scheme(SCHEME, SecurityScheme::Http(scheme));
    OpenApiBuilder::new().info(info.build()).components(Some(components)).build()
}

fn problem(description: &str) -> RefOr<Response> {
    let schema = Ref::from_schema_name("Problem");
    let content = Content::new(Some(schema));
    RefOr::T(ResponseBuilder::new().description(description).content(PROBLEM_JSON, content).build())
}

/// Adds the problems that every call shares, where a call has not told its own.
pub(super) fn with_common_problems(mut description: OpenApi) -> OpenApi {
    for item in description.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            let keyed = operation.security.is_some();
            let shared = COMMON.iter().chain(KEYED.iter().filter(|_| keyed));
            for (status, meaning) in shared {
                let responses = &mut operation.responses.responses;
                responses.entry((*status).to_owned()).or_insert_with(|| problem(meaning));
            }
        }
    }
    description
}

/// `/openapi.json`, and `/docs` that renders it.
pub(super) fn pages<S: Clone + Send + Sync + 'static>(description: OpenApi) -> Router<S> {
    let config = Config::from("/openapi.json").validator_url("none").use_base_layout();
    let document = axum::Json(description);
    Router::new()
        .route("/openapi.json", get(async move || document))
        .merge(SwaggerUi::new("/docs").config(config))
}
