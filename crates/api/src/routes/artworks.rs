//! `/v1/artworks`: cataloging the conceived works.

mod revision;
mod shape;

use axum::extract::State;
use axum::response::Response;
use catalog::artwork::Artwork;
use catalog::crash_point;
use catalog::db::{DbError, Tx, retrying};
use catalog::ids::ArtworkId;
use catalog::journal;
use catalog::provenance::CatalogEvent;
use catalog::store as catalog_store;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ids::InPath;
use super::paging::{Listing, Page};
use super::reply::Reply;
use crate::auth::{Curator, CuratorOrAuditor};
use crate::error::{ApiError, Problem};
use crate::idempotency::{self, KeyRequired};
use crate::json::Json;
use crate::state::AppState;
use crate::store;

pub(crate) use revision::ArtworkRevision;
pub(crate) use shape::{ArtworkInput, ArtworkView};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create_artwork, list_artworks))
        .routes(routes!(get_artwork, revise_artwork))
}

/// What a client sees of an artwork, with its print image.
pub(super) async fn view(tx: &mut Tx, artwork: &Artwork) -> Result<ArtworkView, DbError> {
    let image = match artwork.image {
        Some(sha256) => catalog_store::find_print_image(tx, sha256).await?,
        None => None,
    };
    Ok(ArtworkView::of(artwork, image.as_ref()))
}

/// Two artworks cannot bear one accession number.
fn taken(error: DbError) -> ApiError {
    if error.is_unique_violation() {
        let detail = "another artwork bears this accession number";
        ApiError::conflict("accession_number_taken", detail)
    } else {
        error.into()
    }
}

/// Catalogs an artwork.
#[utoipa::path(
    post,
    path = "/v1/artworks",
    operation_id = "create_artwork",
    tag = "artworks",
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible characters")),
    request_body = ArtworkInput,
    responses(
        (status = 201, description = "Cataloged", body = ArtworkView,
            headers(("Location" = String, description = "Its path"))),
        (status = 409, description = "`accession_number_taken`, `request_in_flight`", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = ["curator"])),
)]
async fn create_artwork(
    State(state): State<AppState>,
    Curator(caller): Curator,
    KeyRequired(key): KeyRequired,
    Json { value: input, digest }: Json<ArtworkInput>,
) -> Result<Response, ApiError> {
    let (app, input, actor) = (&state, &input, &caller.actor());
    idempotency::once(app, &caller, key, digest, |slot| async move {
        let facts = input.facts()?;
        let occasion = app.occasion(actor.clone());
        let artwork_id = ArtworkId::generate(occasion.at, occasion.chance);
        let artwork = Artwork::catalog(artwork_id.clone(), facts, occasion.at);
        let mut tx = app.db.begin_write().await?;
        catalog_store::insert_artwork(&mut tx, &artwork).await.map_err(taken)?;
        let event = CatalogEvent::ArtworkCataloged { artwork_id: artwork_id.clone() };
        journal::append(&mut tx, &occasion, &event)?;
        let reply = Reply::created(format!("/v1/artworks/{artwork_id}"), &ArtworkView::of(&artwork, None))?;
        let done = slot.complete(&mut tx, reply).await?;
        tx.commit().await?;
        crash_point!("artwork.committed");
        Ok(done)
    })
    .await
}

/// The artworks, in the order in which they were catalogued.
#[utoipa::path(
    get,
    path = "/v1/artworks",
    operation_id = "list_artworks",
    tag = "artworks",
    params(Page),
    responses((status = 200, description = "A piece of the list", body = Listing<ArtworkView>)),
    security(("api_key" = ["curator", "auditor"])),
)]
async fn list_artworks(
    State(state): State<AppState>,
    _: CuratorOrAuditor,
    page: Page,
) -> Result<Reply, ApiError> {
    let after: Option<ArtworkId> = page.after()?;
    let mut tx = state.db.begin_read().await?;
    let artworks = catalog_store::list_artworks(&mut tx, after.as_ref(), page.fetch_limit()).await?;
    let Listing { items, next_cursor } = page.listing(artworks, |artwork| artwork.artwork_id.to_string());
    let mut views = Vec::with_capacity(items.len());
    for artwork in &items {
        views.push(view(&mut tx, artwork).await?);
    }
    Reply::ok(&Listing { items: views, next_cursor })
}

/// One artwork.
#[utoipa::path(
    get,
    path = "/v1/artworks/{artwork_id}",
    operation_id = "get_artwork",
    tag = "artworks",
    params(("artwork_id" = String, Path, description = "`art_…`")),
    responses((status = 200, description = "The artwork", body = ArtworkView)),
    security(("api_key" = ["curator", "auditor"])),
)]
async fn get_artwork(
    State(state): State<AppState>,
    _: CuratorOrAuditor,
    InPath(artwork_id): InPath<ArtworkId>,
) -> Result<Reply, ApiError> {
    let mut tx = state.db.begin_read().await?;
    let artwork = catalog_store::find_artwork(&mut tx, &artwork_id).await?;
    let artwork = artwork.ok_or_else(|| ApiError::no_such("artwork"))?;
    Reply::ok(&view(&mut tx, &artwork).await?)
}

/// Revises an artwork: fields that are given replace, null removes (RFC 7396). Published editions keep theirs.
#[utoipa::path(
    patch,
    path = "/v1/artworks/{artwork_id}",
    operation_id = "revise_artwork",
    tag = "artworks",
    params(("artwork_id" = String, Path, description = "`art_…`")),
    request_body = ArtworkRevision,
    responses(
        (status = 200, description = "The artwork as it stands now", body = ArtworkView),
        (status = 409, description = "`accession_number_taken`", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = ["curator"])),
)]
async fn revise_artwork(
    State(state): State<AppState>,
    Curator(caller): Curator,
    InPath(artwork_id): InPath<ArtworkId>,
    Json { value: revision, .. }: Json<ArtworkRevision>,
) -> Result<Reply, ApiError> {
    let (app, artwork_id, revision, actor) = (&state, &artwork_id, &revision, &caller.actor());
    retrying(|| async move {
        let mut tx = app.db.begin_write().await?;
        if !store::lock_artwork(&mut tx, artwork_id).await? {
            return Err(ApiError::no_such("artwork"));
        }
        let artwork = catalog_store::find_artwork(&mut tx, artwork_id).await?;
        let artwork = artwork.ok_or_else(|| ApiError::no_such("artwork"))?;
        let facts = revision.of(&artwork.facts)?;
        if facts == artwork.facts {
            return Reply::ok(&view(&mut tx, &artwork).await?);
        }
        let occasion = app.occasion(actor.clone());
        catalog_store::update_artwork(&mut tx, artwork_id, &facts, occasion.at).await.map_err(taken)?;
        let event = CatalogEvent::ArtworkRevised { artwork_id: artwork_id.clone() };
        journal::append(&mut tx, &occasion, &event)?;
        let revised = Artwork { facts, updated_at: occasion.at, ..artwork };
        let reply = Reply::ok(&view(&mut tx, &revised).await?)?;
        tx.commit().await?;
        Ok(reply)
    })
    .await
}
