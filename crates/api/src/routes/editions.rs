//! `/v1/editions`: drafts, and what stands about published editions and their sheets.

mod census;
mod publication;
mod recording;
mod shape;

use axum::extract::State;
use axum::response::Response;
use catalog::db::{DbError, Tx};
use catalog::edition::Edition;
use catalog::ids::{ArtworkId, EditionId};
use catalog::journal;
use catalog::provenance::CatalogEvent;
use catalog::store as catalog_store;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ids::InPath;
use super::paging::{Listing, Page};
use super::reply::Reply;
use crate::auth::{Curator, CuratorOrAuditor};
use crate::error::ApiError;
use crate::idempotency::{self, KeyRequired};
use crate::json::Json;
use crate::state::AppState;

pub(crate) use shape::{EditionInput, EditionView, ImpressionView};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(draft_edition))
        .routes(routes!(get_edition))
        .routes(routes!(list_impressions))
        .merge(census::routes())
        .merge(publication::routes())
}

/// What a client sees of an edition, with the progress of its call.
async fn view(tx: &mut Tx, edition: &Edition) -> Result<EditionView, DbError> {
    let recording = match edition.state.publication() {
        Some(publication) => recording::of(tx, publication.number).await?,
        None => None,
    };
    EditionView::of(edition, recording)
}

/// Drafts an edition of an artwork.
#[utoipa::path(
    post,
    path = "/v1/artworks/{artwork_id}/editions",
    operation_id = "draft_edition",
    tag = "editions",
    params(
        ("artwork_id" = String, Path, description = "`art_…`"),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible characters"),
    ),
    request_body = EditionInput,
    responses((status = 201, description = "Drafted", body = EditionView,
        headers(("Location" = String, description = "Its path")))),
    security(("api_key" = ["curator"])),
)]
async fn draft_edition(
    State(state): State<AppState>,
    Curator(caller): Curator,
    InPath(artwork_id): InPath<ArtworkId>,
    KeyRequired(key): KeyRequired,
    Json { value: input, digest }: Json<EditionInput>,
) -> Result<Response, ApiError> {
    let (app, input, artwork_id, actor) = (&state, &input, &artwork_id, &caller.actor());
    idempotency::once(app, &caller, key, digest, |slot| async move {
        let facts = input.facts()?;
        let occasion = app.occasion(actor.clone());
        let edition_id = EditionId::generate(occasion.at, occasion.chance);
        let edition = Edition::draft(edition_id.clone(), artwork_id.clone(), facts, occasion.at);
        let mut tx = app.db.begin_write().await?;
        if catalog_store::find_artwork(&mut tx, artwork_id).await?.is_none() {
            return Err(ApiError::no_such("artwork"));
        }
        catalog_store::insert_edition(&mut tx, &edition).await?;
        let event =
            CatalogEvent::EditionDrafted { edition_id: edition_id.clone(), artwork_id: artwork_id.clone() };
        journal::append(&mut tx, &occasion, &event)?;
        let reply = Reply::created(format!("/v1/editions/{edition_id}"), &view(&mut tx, &edition).await?)?;
        let done = slot.complete(&mut tx, reply).await?;
        tx.commit().await?;
        Ok(done)
    })
    .await
}

/// One edition.
#[utoipa::path(
    get,
    path = "/v1/editions/{edition_id}",
    operation_id = "get_edition",
    tag = "editions",
    params(("edition_id" = String, Path, description = "`ed_…`")),
    responses((status = 200, description = "The edition", body = EditionView)),
    security(("api_key" = ["curator", "auditor"])),
)]
async fn get_edition(
    State(state): State<AppState>,
    _: CuratorOrAuditor,
    InPath(edition_id): InPath<EditionId>,
) -> Result<Reply, ApiError> {
    let mut tx = state.db.begin_read().await?;
    let edition = catalog_store::find_edition(&mut tx, &edition_id).await?;
    let edition = edition.ok_or_else(|| ApiError::no_such("edition"))?;
    Reply::ok(&view(&mut tx, &edition).await?)
}

/// The sheets of an edition, in the order of their serials. A draft has none yet.
#[utoipa::path(
    get,
    path = "/v1/editions/{edition_id}/impressions",
    operation_id = "list_impressions",
    tag = "editions",
    params(("edition_id" = String, Path, description = "`ed_…`"), Page),
    responses((status = 200, description = "A piece of the list", body = Listing<ImpressionView>)),
    security(("api_key" = ["curator", "auditor"])),
)]
async fn list_impressions(
    State(state): State<AppState>,
    _: CuratorOrAuditor,
    InPath(edition_id): InPath<EditionId>,
    page: Page,
) -> Result<Reply, ApiError> {
    let after: Option<u16> = page.after()?;
    let mut tx = state.db.begin_read().await?;
    if catalog_store::find_edition(&mut tx, &edition_id).await?.is_none() {
        return Err(ApiError::no_such("edition"));
    }
    let (after, limit) = (after.unwrap_or(0), page.fetch_limit());
    let impressions = catalog_store::list_impressions(&mut tx, &edition_id, after, limit).await?;
    let Listing { items, next_cursor } =
        page.listing(impressions, |impression| impression.serial.get().to_string());
    let items: Vec<_> = items.iter().map(ImpressionView::of).collect();
    Reply::ok(&Listing { items, next_cursor })
}
