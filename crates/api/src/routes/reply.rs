//! An answer that can be kept and given again byte for byte.

use std::fmt;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::error::{ApiError, PROBLEM_JSON};
use crate::store::StoredReply;

/// Says that an answer was given before.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// True when the client holds the object already (RFC 9110, 13.1.2).
pub(crate) fn is_held(headers: &HeaderMap, etag: &str) -> bool {
    let given = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    given
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// An answer with a JSON body. Its `Debug` hides the body.
#[derive(Clone)]
pub struct Reply {
    status: StatusCode,
    location: Option<String>,
    body: String,
    /// What is kept in the place of a body that shows a secret.
    kept: Option<String>,
    replayed: bool,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("status", &self.status).finish_non_exhaustive()
    }
}

fn write(body: &impl Serialize) -> Result<String, ApiError> {
    serde_json::to_string(body).map_err(|error| ApiError::internal("writing the answer", error))
}

impl Reply {
    fn new(status: StatusCode, location: Option<String>, body: &impl Serialize) -> Result<Self, ApiError> {
        Ok(Self { status, location, body: write(body)?, kept: None, replayed: false })
    }

    /// 200.
    pub fn ok(body: &impl Serialize) -> Result<Self, ApiError> {
        Self::new(StatusCode::OK, None, body)
    }

    /// 201 with the path of what was made.
    pub fn created(location: String, body: &impl Serialize) -> Result<Self, ApiError> {
        Self::new(StatusCode::CREATED, Some(location), body)
    }

    /// 202 with the path where the progress can be followed.
    pub fn accepted(location: String, body: &impl Serialize) -> Result<Self, ApiError> {
        Self::new(StatusCode::ACCEPTED, Some(location), body)
    }

    /// Keeps `redacted` for replays, because the body shows a secret.
    pub fn keeping(self, redacted: &impl Serialize) -> Result<Self, ApiError> {
        Ok(Self { kept: Some(write(redacted)?), ..self })
    }

    /// A refusal, to be kept.
    pub(crate) fn problem(error: &ApiError) -> Result<Self, ApiError> {
        Self::new(error.status(), None, &error.problem())
    }

    pub(crate) fn to_stored(&self) -> StoredReply {
        StoredReply {
            status: self.status.as_u16(),
            location: self.location.clone(),
            body: self.kept.as_ref().unwrap_or(&self.body).clone(),
        }
    }

    pub(crate) fn from_stored(stored: StoredReply) -> Result<Self, ApiError> {
        let status = StatusCode::from_u16(stored.status)
            .map_err(|error| ApiError::internal("reading a stored answer", error))?;
        Ok(Self { status, location: stored.location, body: stored.body, kept: None, replayed: true })
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let is_problem = self.status.is_client_error();
        let media_type = if is_problem { PROBLEM_JSON } else { "application/json" };
        let mut response = (self.status, self.body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(location) = self.location.and_then(|path| path.try_into().ok()) {
            headers.insert(header::LOCATION, location);
        }
        if self.replayed {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}
