//! `/v1/impressions`: what a curator decides about one sheet.

use axum::extract::State;
use axum::response::Response;
use catalog::db::Tx;
use catalog::ids::ImpressionId;
use catalog::impression::{Impression, ImpressionState};
use catalog::journal::{self, Occasion};
use catalog::provenance::CatalogEvent;
use catalog::store as catalog_store;
use catalog::text::Line;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::editions::ImpressionView;
use super::ids::{InPath, Named};
use super::reply::Reply;
use crate::auth::Curator;
use crate::error::ApiError;
use crate::idempotency::{self, KeyOptional};
use crate::json::Json;
use crate::selling::move_sheet;
use crate::state::AppState;
use crate::store;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(withdraw_impression))
}

impl Named for ImpressionId {
    const NOUN: &'static str = "impression";
    const PARAMETER: &'static str = "impression_id";
}

/// Why a sheet leaves the trade.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WithdrawalInput {
    /// One line of at most 500 characters, kept in the sheet's provenance.
    #[schema(example = "torn in the press room")]
    reason: String,
}

/// Takes a sheet out of the trade for ever. A sheet that is withdrawn already stays so, with its first reason.
#[utoipa::path(
    post,
    path = "/v1/impressions/{impression_id}/withdraw",
    operation_id = "withdraw_impression",
    tag = "editions",
    params(
        ("impression_id" = String, Path, description = "`imp_…`"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters"),
    ),
    request_body = WithdrawalInput,
    responses((status = 200, description = "The sheet as it stands now", body = ImpressionView)),
    security(("api_key" = ["curator"])),
)]
async fn withdraw_impression(
    State(state): State<AppState>,
    Curator(caller): Curator,
    InPath(impression_id): InPath<ImpressionId>,
    KeyOptional(key): KeyOptional,
    Json { value: input, digest }: Json<WithdrawalInput>,
) -> Result<Response, ApiError> {
    let (app, input, impression_id, actor) = (&state, &input, &impression_id, &caller.actor());
    idempotency::once(app, &caller, key, digest, |slot| async move {
        let reason = Line::parse("reason", "reason_invalid", &input.reason)?;
        let occasion = app.occasion(actor.clone()).because(reason.as_str().to_owned());
        let mut tx = app.db.begin_write().await?;
        let sheet = withdraw(&mut tx, &occasion, impression_id, &reason).await?;
        let done = slot.complete(&mut tx, Reply::ok(&ImpressionView::of(&sheet))?).await?;
        tx.commit().await?;
        Ok(done)
    })
    .await
}

/// Under the locks of the edition, which allots sheets, and of the sale that the sheet belongs to.
async fn withdraw(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    impression_id: &ImpressionId,
    reason: &Line,
) -> Result<Impression, ApiError> {
    let no_such = || ApiError::no_such("impression");
    let sheet = catalog_store::find_impression(tx, impression_id).await?.ok_or_else(no_such)?;
    catalog_store::lock_edition(tx, &sheet.edition_id).await?;
    store::lock_holder(tx, impression_id).await?;
    // Read again: it may have moved while we waited for the locks.
    let sheet = catalog_store::find_impression(tx, impression_id).await?.ok_or_else(no_such)?;
    if sheet.state == ImpressionState::Withdrawn {
        return Ok(sheet);
    }
    let from = sheet.state;
    let withdrawn = sheet
        .withdraw()
        .map_err(|refused| ApiError::conflict("impression_not_available", refused.to_string()))?;
    move_sheet(tx, occasion, from, &withdrawn).await?;
    let event = CatalogEvent::ImpressionWithdrawn {
        impression_id: impression_id.clone(),
        reason: reason.as_str().to_owned(),
    };
    journal::append(tx, occasion, &event)?;
    Ok(withdrawn)
}
