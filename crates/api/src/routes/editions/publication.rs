//! Publication: the draft is frozen, its sheets exist, and the chain is told, all in one transaction.

use axum::extract::State;
use axum::response::Response;
use catalog::colophon;
use catalog::crash_point;
use catalog::db::{DbError, Tx};
use catalog::edition::{AlreadyPublished, Edition, EditionNumber, Publication};
use catalog::ids::{EditionId, ImpressionId};
use catalog::impression::{Impression, ImpressionState, sheets};
use catalog::journal::{self, Occasion};
use catalog::provenance::CatalogEvent;
use catalog::store as catalog_store;
use minting::call::EditionTerms;
use minting::store as minting_store;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{EditionView, view};
use crate::auth::Curator;
use crate::error::{ApiError, Problem};
use crate::idempotency::{self, KeyOptional};
use crate::json::NoBody;
use crate::routes::ids::InPath;
use crate::routes::reply::Reply;
use crate::state::{App, AppState};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(publish_edition))
}

/// Publishes a draft: from now on its facts stand, and its sheets can be sold. The chain follows.
#[utoipa::path(
    post,
    path = "/v1/editions/{edition_id}/publish",
    operation_id = "publish_edition",
    tag = "editions",
    params(
        ("edition_id" = String, Path, description = "`ed_…`"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters"),
    ),
    responses(
        (status = 202, description = "Published; `recording` tells how far the chain is", body = EditionView,
            headers(("Location" = String, description = "Where to follow it"))),
        (status = 409, description = "`image_missing`, `already_published`", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = ["curator"])),
)]
async fn publish_edition(
    State(state): State<AppState>,
    Curator(caller): Curator,
    InPath(edition_id): InPath<EditionId>,
    KeyOptional(key): KeyOptional,
    NoBody(digest): NoBody,
) -> Result<Response, ApiError> {
    let (app, edition_id, actor) = (&state, &edition_id, &caller.actor());
    idempotency::once(app, &caller, key, digest, |slot| async move {
        let occasion = app.occasion(actor.clone());
        let mut tx = app.db.begin_write().await?;
        let edition = publish(app, &mut tx, &occasion, edition_id).await?;
        let location = format!("/v1/editions/{edition_id}");
        let reply = Reply::accepted(location, &view(&mut tx, &edition).await?)?;
        let done = slot.complete(&mut tx, reply).await?;
        crash_point!("publish");
        tx.commit().await?;
        crash_point!("publish.committed");
        app.wake.ring();
        Ok(done)
    })
    .await
}

fn already_published(AlreadyPublished: AlreadyPublished) -> ApiError {
    ApiError::conflict("already_published", AlreadyPublished.to_string())
}

async fn publish(
    app: &App,
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    edition_id: &EditionId,
) -> Result<Edition, ApiError> {
    let edition = catalog_store::lock_edition(tx, edition_id).await?;
    let edition = edition.ok_or_else(|| ApiError::no_such("edition"))?;
    if edition.state.publication().is_some() {
        return Err(already_published(AlreadyPublished));
    }
    let publication = compose(tx, occasion, &edition).await?;
    catalog_store::publish_edition(tx, edition_id, &publication).await?;
    let edition = edition.publish(publication.clone()).map_err(already_published)?;

    let sheet = |(serial, label)| Impression {
        impression_id: ImpressionId::generate(occasion.at, occasion.chance),
        edition_id: edition_id.clone(),
        serial,
        label,
        state: ImpressionState::Available,
        unreturned: false,
    };
    let impressions: Vec<_> = sheets(&edition.facts.run).map(sheet).collect();
    catalog_store::insert_impressions(tx, &impressions, occasion.at).await?;
    crash_point!("publish.sheets");

    let event = CatalogEvent::EditionPublished {
        edition_id: edition_id.clone(),
        number: publication.number,
        image_sha256: publication.image,
        colophon_sha256: publication.colophon_digest,
        declared_size: edition.facts.run.declared_size(),
    };
    journal::append(tx, occasion, &event)?;
    let terms = EditionTerms {
        serials: edition.facts.run.declared_size(),
        image_digest: publication.image,
        colophon_digest: publication.colophon_digest,
        royalty_receiver: edition.facts.royalty_receiver.unwrap_or(app.chain.royalty_receiver),
        royalty_basis_points: edition.facts.royalty.get(),
    };
    minting_store::open_edition(tx, occasion, publication.number, terms).await?;
    Ok(edition)
}

/// What is frozen: the next number, the image and the colophon that names both.
async fn compose(tx: &mut Tx, occasion: &Occasion<'_>, edition: &Edition) -> Result<Publication, ApiError> {
    let missing = || ApiError::conflict("image_missing", "the artwork has no print image yet");
    let artwork = catalog_store::find_artwork(tx, &edition.artwork_id).await?;
    let artwork = artwork.ok_or_else(|| ApiError::no_such("artwork"))?;
    let image = catalog_store::find_print_image(tx, artwork.image.ok_or_else(missing)?).await?;
    let image = image.ok_or_else(missing)?;
    let write = |number| {
        colophon::compose(&artwork.facts, &edition.facts, number, &image)
            .map_err(|error| ApiError::internal("composing the colophon", error))
    };
    let next = catalog_store::next_edition_number(tx).await?;
    // Editions that the chain has and the books forgot: the same one gets its number back, and no other one does.
    let foreign = minting_store::list_foreign_editions(tx).await?;
    let mut number = next;
    for (taken, terms) in &foreign {
        let same = terms.image_digest == image.sha256
            && terms.serials == edition.facts.run.declared_size()
            && terms.colophon_digest == write(*taken)?.0;
        if same {
            number = *taken;
            break;
        }
        number = number.max(taken.next().ok_or_else(|| numbers_exhausted(*taken))?);
    }
    let (colophon_digest, colophon) = write(number)?;
    Ok(Publication { number, image: image.sha256, colophon, colophon_digest, published_at: occasion.at })
}

fn numbers_exhausted(last: EditionNumber) -> DbError {
    DbError::inconsistent("foreign_editions", last.get(), "no edition number is left")
}
