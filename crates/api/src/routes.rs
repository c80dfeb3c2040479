//! The REST surface (DESIGN §7): one file a resource.

pub mod reply;

use axum::Router;
use utoipa_axum::router::OpenApiRouter;

use crate::error::ApiError;
use crate::state::AppState;

/// Every route, with its description. A new resource is merged here and nowhere else.
fn described() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
    // sales and claims: `.merge(sales::routes()).merge(claims::routes())`
}

/// The whole service as one router.
#[must_use]
pub fn router(state: AppState) -> Router {
    let (router, _openapi) = described().split_for_parts();
    router
        .fallback(async || ApiError::no_such("path"))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .with_state(state)
}
