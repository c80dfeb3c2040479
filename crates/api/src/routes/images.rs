//! Print images: taken in as raw bytes, given out as the file itself or as a rendition.

mod serving;

use std::str::FromStr;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use catalog::artwork::Artwork;
use catalog::crash_point;
use catalog::db::retrying;
use catalog::digest::Sha256Digest;
use catalog::ids::ArtworkId;
use catalog::image::PrintImage;
use catalog::journal;
use catalog::provenance::CatalogEvent;
use catalog::store as catalog_store;
use minting::image::ImageRefusal;
use minting::image_intake::ImageIntakeError;
use minting::image_store::ImageObject;
use minting::rendition::Rendition;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::artworks::{self, ArtworkView};
use super::ids::{InPath, Named};
use super::reply::Reply;
use crate::auth::{Caller, Curator, CuratorOrAuditor};
use crate::error::{ApiError, Problem};
use crate::json::broken_body;
use crate::state::{App, AppState};
use crate::store;
use serving::Reach;

/// The routes that take in bytes; they may take longer than the others.
pub(crate) fn uploads() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(put_image))
}

/// The routes that give images out.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get_image))
        .routes(routes!(get_image_object))
        .routes(routes!(get_published_rendition))
}

/// The form of an image that a path names: `original`, `thumb` or `display`.
struct ImageForm(ImageObject);

impl FromStr for ImageForm {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "original" => Ok(Self(ImageObject::Original)),
            _ => Rendition::from_word(word).map(ImageObject::Rendition).map(Self).ok_or(()),
        }
    }
}

impl Named for ImageForm {
    const NOUN: &'static str = "form of the image";
    const PARAMETER: &'static str = "form";
}

impl Named for Sha256Digest {
    const NOUN: &'static str = "image";
    const PARAMETER: &'static str = "sha256";
}

fn refused(refusal: ImageRefusal, most: u64) -> ApiError {
    let (code, detail) = (refusal.code(), refusal.to_string().into());
    match refusal {
        ImageRefusal::TooLarge => {
            ApiError::TooLarge { code, detail: format!("the image must not exceed {most} bytes").into() }
        }
        ImageRefusal::TypeUnsupported => ApiError::UnsupportedMedia { code, detail },
        _ => ApiError::Shape { code, detail, field: None },
    }
}

fn intake_problem(error: ImageIntakeError, most: u64) -> ApiError {
    match error {
        ImageIntakeError::Refused(refusal) => refused(refusal, most),
        ImageIntakeError::Upload(error) => broken_body(error.as_ref()),
        error => ApiError::Unavailable {
            code: "image_store_unavailable",
            detail: "the image could not be kept; send it again".into(),
            retry_after: 5,
            source: Some(error.into()),
        },
    }
}

/// The bytes themselves are asked what they are; only what cannot be an image's bytes is refused here.
fn check_headers(headers: &HeaderMap) -> Result<(), ApiError> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let detail = if headers.contains_key(header::CONTENT_ENCODING) {
        "send the image without `Content-Encoding`"
    } else if text(header::CONTENT_TYPE).trim_start().to_ascii_lowercase().starts_with("multipart/") {
        "send the image's bytes alone as the body, not a form"
    } else {
        return Ok(());
    };
    Err(ApiError::UnsupportedMedia { code: "content_type_unsupported", detail: detail.into() })
}

/// Takes in an artwork's print image: the raw bytes of a PNG, JPEG, TIFF or WebP file.
#[utoipa::path(
    put,
    path = "/v1/artworks/{artwork_id}/image",
    operation_id = "put_image",
    tag = "artworks",
    params(("artwork_id" = String, Path, description = "`art_…`")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream",
        description = "The file, at most 64 MiB and 100 megapixels"),
    responses(
        (status = 200, description = "The artwork with the image's fingerprint", body = ArtworkView),
        (status = 413, description = "`image_too_large`", body = Problem,
            content_type = "application/problem+json"),
        (status = 415, description = "`image_type_unsupported`", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`image_truncated`, `image_too_many_pixels`, …", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = ["curator"])),
)]
async fn put_image(
    State(state): State<AppState>,
    Curator(caller): Curator,
    InPath(artwork_id): InPath<ArtworkId>,
    request: Request,
) -> Result<Reply, ApiError> {
    check_headers(request.headers())?;
    find_artwork(&state, &artwork_id).await?;
    let most = state.settings.limits.image_bytes;
    let chunks = request.into_body().into_data_stream();
    let taken_in = state.intake.take_in(chunks, most, state.clock.now()).await;
    let image = taken_in.map_err(|error| intake_problem(error, most))?;
    let most_pixels = state.settings.limits.image_pixels;
    if u64::from(image.width_px) * u64::from(image.height_px) > most_pixels {
        return Err(refused(ImageRefusal::TooManyPixels, most));
    }
    attach(&state, &caller, &artwork_id, &image).await
}

/// Points the artwork to the image, in one transaction.
async fn attach(
    app: &App,
    caller: &Caller,
    artwork_id: &ArtworkId,
    image: &PrintImage,
) -> Result<Reply, ApiError> {
    retrying(|| async {
        let mut tx = app.db.begin_write().await?;
        if !store::lock_artwork(&mut tx, artwork_id).await? {
            return Err(ApiError::no_such("artwork"));
        }
        let artwork = catalog_store::find_artwork(&mut tx, artwork_id).await?;
        let artwork = artwork.ok_or_else(|| ApiError::no_such("artwork"))?;
        if artwork.image == Some(image.sha256) {
            return Reply::ok(&artworks::view(&mut tx, &artwork).await?);
        }
        let occasion = app.occasion(caller.actor());
        catalog_store::insert_print_image(&mut tx, image).await?;
        catalog_store::set_image(&mut tx, artwork_id, image.sha256, occasion.at).await?;
        let event = CatalogEvent::ImageTakenIn { artwork_id: artwork_id.clone(), sha256: image.sha256 };
        journal::append(&mut tx, &occasion, &event)?;
        let changed = Artwork { image: Some(image.sha256), updated_at: occasion.at, ..artwork };
        let reply = Reply::ok(&artworks::view(&mut tx, &changed).await?)?;
        crash_point!("image.attached");
        tx.commit().await?;
        crash_point!("image.attached.committed");
        Ok(reply)
    })
    .await
}

async fn find_artwork(app: &App, artwork_id: &ArtworkId) -> Result<Artwork, ApiError> {
    let mut tx = app.db.begin_read().await?;
    let artwork = catalog_store::find_artwork(&mut tx, artwork_id).await?;
    artwork.ok_or_else(|| ApiError::no_such("artwork"))
}

/// The artwork's print image as it was taken in, byte for byte.
#[utoipa::path(
    get,
    path = "/v1/artworks/{artwork_id}/image",
    operation_id = "get_image",
    tag = "artworks",
    params(("artwork_id" = String, Path, description = "`art_…`")),
    responses((status = 200, description = "The file", content_type = "image/*", body = Vec<u8>)),
    security(("api_key" = ["curator", "auditor"])),
)]
async fn get_image(
    State(state): State<AppState>,
    _: CuratorOrAuditor,
    InPath(artwork_id): InPath<ArtworkId>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    of_artwork(&state, &artwork_id, ImageObject::Original, &headers).await
}

/// The artwork's print image in one of its forms: `original`, `thumb` or `display`.
#[utoipa::path(
    get,
    path = "/v1/artworks/{artwork_id}/image/{form}",
    operation_id = "get_image_form",
    tag = "artworks",
    params(
        ("artwork_id" = String, Path, description = "`art_…`"),
        ("form" = String, Path, description = "`original`, `thumb` or `display`"),
    ),
    responses((status = 200, description = "The picture", content_type = "image/*", body = Vec<u8>)),
    security(("api_key" = ["curator", "auditor"])),
)]
async fn get_image_object(
    State(state): State<AppState>,
    _: CuratorOrAuditor,
    InPath(artwork_id): InPath<ArtworkId>,
    InPath(ImageForm(object)): InPath<ImageForm>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    of_artwork(&state, &artwork_id, object, &headers).await
}

async fn of_artwork(
    app: &App,
    artwork_id: &ArtworkId,
    object: ImageObject,
    headers: &HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let sha256 = find_artwork(app, artwork_id).await?.image;
    let sha256 = sha256.ok_or_else(|| ApiError::no_such("print image"))?;
    serving::serve(app, sha256, object, Reach::Private, headers).await
}

/// A rendition of a published edition's print image, as token metadata names it. The file itself is not public.
#[utoipa::path(
    get,
    path = "/images/{sha256}/{form}",
    operation_id = "get_published_image",
    tag = "public",
    params(
        ("sha256" = String, Path, description = "SHA-256 of the print image"),
        ("form" = String, Path, description = "`thumb` or `display`"),
    ),
    responses((status = 200, description = "The picture", content_type = "image/jpeg", body = Vec<u8>)),
)]
async fn get_published_rendition(
    State(state): State<AppState>,
    InPath(sha256): InPath<Sha256Digest>,
    InPath(ImageForm(object)): InPath<ImageForm>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    if object == ImageObject::Original {
        return Err(ApiError::no_such("image"));
    }
    let mut tx = state.db.begin_read().await?;
    if !store::is_published_image(&mut tx, sha256).await? {
        return Err(ApiError::no_such("image"));
    }
    drop(tx);
    serving::serve(&state, sha256, object, Reach::Public, &headers).await
}
