//! Ids in paths. One that does not parse names nothing: 404, like one that nobody has.

use std::collections::HashMap;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use catalog::ids::{ArtworkId, EditionId};

use crate::error::ApiError;

/// Something that a path can name.
pub trait Named: FromStr {
    /// What it is called in a sentence: "artwork".
    const NOUN: &'static str;
    /// Its place in the route template: `artwork_id`.
    const PARAMETER: &'static str;
}

/// Extractor of the id that stands in the path.
#[derive(Debug, Clone)]
pub struct InPath<T>(pub T);

impl<S: Send + Sync, T: Named> FromRequestParts<S> for InPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let named = Path::<HashMap<String, String>>::from_request_parts(parts, state).await.ok();
        let text = named.and_then(|Path(mut names)| names.remove(T::PARAMETER));
        text.and_then(|text| text.parse().ok()).map(Self).ok_or_else(|| ApiError::no_such(T::NOUN))
    }
}

impl Named for ArtworkId {
    const NOUN: &'static str = "artwork";
    const PARAMETER: &'static str = "artwork_id";
}

impl Named for EditionId {
    const NOUN: &'static str = "edition";
    const PARAMETER: &'static str = "edition_id";
}
