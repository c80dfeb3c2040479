//! Giving out an object of the image store. What an object shows, it shows for ever, so its name is its `ETag`.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use catalog::digest::Sha256Digest;
use catalog::store as catalog_store;
use minting::image_store::ImageObject;
use minting::rendition;

use crate::error::ApiError;
use crate::routes::reply::is_held;
use crate::state::App;

/// Who may keep a copy of what is given out.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reach {
    /// The caller alone, asking each time: the artwork's image may be replaced.
    Private,
    /// Everyone, for ever: the address holds the digest.
    Public,
}

impl Reach {
    fn cache_control(self) -> &'static str {
        match self {
            Self::Private => "private, no-cache",
            Self::Public => "public, max-age=31536000, immutable",
        }
    }
}

async fn media_type(app: &App, sha256: Sha256Digest, object: ImageObject) -> Result<&'static str, ApiError> {
    match object {
        ImageObject::Rendition(_) => Ok(rendition::MEDIA_TYPE),
        ImageObject::Original => {
            let mut tx = app.db.begin_read().await?;
            let image = catalog_store::find_print_image(&mut tx, sha256).await?;
            image.map(|image| image.format.media_type()).ok_or_else(|| ApiError::no_such("print image"))
        }
    }
}

/// The object as a response, streamed.
pub(super) async fn serve(
    app: &App,
    sha256: Sha256Digest,
    object: ImageObject,
    reach: Reach,
    request: &HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let etag = format!("\"{sha256}-{}\"", object.as_str());
    let mut response = if is_held(request, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let media_type = media_type(app, sha256, object).await?;
        let stream = app.images.stream(sha256, object).await;
        let stream = stream.map_err(|error| ApiError::Unavailable {
            code: "image_store_unavailable",
            detail: "the image cannot be read now".into(),
            retry_after: 5,
            source: Some(error.into()),
        })?;
        let stream = stream.ok_or_else(|| {
            ApiError::internal("reading an image", format!("the image store has no {}", object.key(sha256)))
        })?;
        let mut response = Response::new(Body::from_stream(stream.pieces));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(header::CONTENT_LENGTH, stream.byte_count.into());
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(reach.cache_control()));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    Ok(response)
}
