//! `/v1/editions/{edition_id}/census`: where all the sheets of an edition are, for anyone to add up.

use axum::extract::State;
use catalog::ids::EditionId;
use catalog::impression::ImpressionState;
use catalog::store as catalog_store;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::routes::ids::InPath;
use crate::routes::reply::Reply;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_census))
}

/// How many sheets of an edition stand where.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CensusView {
    edition_id: String,
    /// Run and proofs together, as published.
    declared_size: u64,
    /// In the house, may be sold.
    available: u64,
    /// Belong to a sale, not shipped.
    reserved: u64,
    /// Shipped to their buyers.
    sold: u64,
    /// On their way back, or back and not looked at.
    in_return: u64,
    /// Must not be sold until somebody has looked.
    quarantined: u64,
    /// Taken out of the trade for ever.
    withdrawn: u64,
    /// Whether the six add up to the declared size.
    adds_up: bool,
}

/// How many sheets of a published edition stand where. The six numbers add up to the declared size, always.
#[utoipa::path(
    get,
    path = "/v1/editions/{edition_id}/census",
    operation_id = "get_census",
    tag = "public",
    params(("edition_id" = String, Path, description = "`ed_…`")),
    responses((status = 200, description = "The census", body = CensusView)),
)]
async fn get_census(
    State(state): State<AppState>,
    InPath(edition_id): InPath<EditionId>,
) -> Result<Reply, ApiError> {
    let mut tx = state.db.begin_read().await?;
    let edition = catalog_store::find_edition(&mut tx, &edition_id).await?;
    // A draft is nobody's business yet.
    let edition = edition.filter(|edition| edition.state.publication().is_some());
    let edition = edition.ok_or_else(|| ApiError::no_such("edition"))?;
    let counts = catalog_store::census(&mut tx, &edition_id).await?;
    let of = |wanted| counts.iter().filter(|(state, _)| *state == wanted).map(|(_, count)| count).sum();
    let declared_size = u64::from(edition.facts.run.declared_size());
    Reply::ok(&CensusView {
        edition_id: edition_id.to_string(),
        declared_size,
        available: of(ImpressionState::Available),
        reserved: of(ImpressionState::Reserved),
        sold: of(ImpressionState::Sold),
        in_return: of(ImpressionState::InReturn),
        quarantined: of(ImpressionState::Quarantined),
        withdrawn: of(ImpressionState::Withdrawn),
        adds_up: counts.iter().map(|(_, count)| count).sum::<u64>() == declared_size,
    })
}
