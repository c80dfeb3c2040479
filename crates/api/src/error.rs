//! The one place where errors become HTTP: RFC 9457 problem details with a stable `code`.
//!
//! A client sees the code, one sentence and the request id; what went wrong inside is logged here, once, with
//! its whole chain, and never shown.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt::Write as _;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use catalog::db::{DbError, Retryable};
use catalog::invalid::InvalidField;
use serde::Serialize;
use utoipa::ToSchema;

use crate::telemetry;

/// The media type of problem details (RFC 9457).
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request was not done. Each variant is one HTTP status; `code` tells cases of a status apart and never
/// changes its meaning. Codes and details are ours alone and hold nothing of the input.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// 400: the request cannot be read.
    #[error("{detail}")]
    BadRequest {
        /// Stable code.
        code: &'static str,
        /// What is wrong with it.
        detail: Cow<'static, str>,
    },
    /// 401: there is no API key.
    #[error("this call needs an API key: `Authorization: Bearer ck_…`")]
    KeyMissing,
    /// 401: the API key is unknown, revoked or malformed.
    #[error("the API key is not valid")]
    KeyInvalid,
    /// 401: what a buyer brought proves nothing.
    #[error("{detail}")]
    Unproven {
        /// Stable code.
        code: &'static str,
        /// What would prove it.
        detail: Cow<'static, str>,
    },
    /// 403: the key may not do this.
    #[error("this call needs an API key with the scope `{needed}`")]
    ScopeInsufficient {
        /// The scope that would do.
        needed: &'static str,
    },
    /// 404: there is no such thing, or not for this caller.
    #[error("{detail}")]
    NotFound {
        /// Stable code.
        code: &'static str,
        /// What is not there.
        detail: Cow<'static, str>,
    },
    /// 405: the path does not know this method.
    #[error("this path does not answer that method")]
    MethodNotAllowed,
    /// 408: the body came too slowly.
    #[error("the body did not arrive in time")]
    BodyTimedOut,
    /// 409: the state of things does not allow it.
    #[error("{detail}")]
    Conflict {
        /// Stable code.
        code: &'static str,
        /// Which state, and what was wanted of it.
        detail: Cow<'static, str>,
    },
    /// 413: the body is larger than this call takes.
    #[error("{detail}")]
    TooLarge {
        /// Stable code.
        code: &'static str,
        /// What it takes at most.
        detail: Cow<'static, str>,
    },
    /// 415: the body is of a kind that this call does not take.
    #[error("{detail}")]
    UnsupportedMedia {
        /// Stable code.
        code: &'static str,
        /// What it takes instead.
        detail: Cow<'static, str>,
    },
    /// 422: the body has not the wanted shape. Always the same for the same body, so never kept for replay.
    #[error("{detail}")]
    Shape {
        /// Stable code.
        code: &'static str,
        /// What is wrong.
        detail: Cow<'static, str>,
        /// Where, if that is known.
        field: Option<String>,
    },
    /// 422: a value that cannot be taken in.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// 429: too much of it.
    #[error("{detail}")]
    TooMany {
        /// Stable code.
        code: &'static str,
        /// Of what.
        detail: Cow<'static, str>,
        /// Seconds after which it may be tried again.
        retry_after: u32,
    },
    /// 503: not now.
    #[error("{detail}")]
    Unavailable {
        /// Stable code.
        code: &'static str,
        /// What is missing.
        detail: Cow<'static, str>,
        /// Seconds after which it may be tried again.
        retry_after: u32,
        /// What happened inside.
        #[source]
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
    /// 507, 503 or 500: the database did not do it.
    #[error("the database failed")]
    Database(#[source] DbError),
    /// 500: a fault of ours.
    #[error("{operation} failed")]
    Internal {
        /// What was being done.
        operation: &'static str,
        /// What happened inside.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
}

/// What a client reads of an error (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the code tells the kind.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    kind: &'static str,
    /// The HTTP status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// Stable code for programs.
    code: &'static str,
    /// One sentence for people.
    detail: String,
    /// The request's id, for support.
    request_id: String,
    /// The field of the input that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

impl ApiError {
    /// 404: there is no such `noun`, "artwork".
    #[must_use]
    pub fn no_such(noun: &'static str) -> Self {
        Self::NotFound { code: "not_found", detail: format!("there is no such {noun}").into() }
    }

    /// 409 under a stable `code`.
    #[must_use]
    pub fn conflict(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Conflict { code, detail: detail.into() }
    }

    /// 503 under a stable `code`: the chain does not answer, or the like.
    #[must_use]
    pub fn unavailable(code: &'static str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let detail = "the chain does not answer now".into();
        Self::Unavailable { code, detail, retry_after: 30, source: Some(source.into()) }
    }

    /// 500: `operation`, "composing the colophon", failed.
    #[must_use]
    pub fn internal(operation: &'static str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Internal { operation, source: source.into() }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest { .. } => StatusCode::BAD_REQUEST,
            Self::KeyMissing | Self::KeyInvalid | Self::Unproven { .. } => StatusCode::UNAUTHORIZED,
            Self::ScopeInsufficient { .. } => StatusCode::FORBIDDEN,
            Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTimedOut => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMedia { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Shape { .. } | Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Database(error) if error.is_for_want_of_room() => StatusCode::INSUFFICIENT_STORAGE,
            Self::Database(error) if may_pass(error) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Database(_) | Self::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadRequest { code, .. }
            | Self::Unproven { code, .. }
            | Self::NotFound { code, .. }
            | Self::Conflict { code, .. }
            | Self::TooLarge { code, .. }
            | Self::UnsupportedMedia { code, .. }
            | Self::Shape { code, .. }
            | Self::TooMany { code, .. }
            | Self::Unavailable { code, .. } => code,
            Self::Invalid(invalid) => invalid.code,
            Self::KeyMissing => "api_key_missing",
            Self::KeyInvalid => "api_key_invalid",
            Self::ScopeInsufficient { .. } => "scope_insufficient",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::BodyTimedOut => "body_timed_out",
            Self::Database(error) if error.is_for_want_of_room() => "storage_full",
            Self::Database(error) if may_pass(error) => "database_unavailable",
            Self::Database(_) | Self::Internal { .. } => "internal_error",
        }
    }

    /// True for an answer that the same request gets again (DESIGN §7): 409 and a business 422.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Conflict { .. } | Self::Invalid(_)) && !self.is_early()
    }

    /// True for an event that is told before what it builds on. The same request is taken in later, so it is never kept for
    /// replay.
    pub(crate) fn is_early(&self) -> bool {
        matches!(self, Self::Conflict { code: "sale_event_early", .. })
    }

    /// The body that the client reads, under the present request's id.
    pub(crate) fn problem(&self) -> Problem {
        let status = self.status();
        let detail = match self {
            Self::Unavailable { detail, .. } => detail.to_string(),
            _ if status == StatusCode::SERVICE_UNAVAILABLE => "the service cannot do this now".to_owned(),
            _ if status == StatusCode::INSUFFICIENT_STORAGE => {
                "the service has no room to write this down".to_owned()
            }
            _ if status.is_server_error() => {
                "something went wrong on our side; the request id tells us what".to_owned()
            }
            _ => self.to_string(),
        };
        let field = match self {
            Self::Invalid(invalid) => Some(invalid.field.to_owned()),
            Self::Shape { field, .. } => field.clone(),
            _ => None,
        };
        Problem {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code: self.code(),
            detail,
            request_id: telemetry::request_id(),
            field,
        }
    }

    fn extra_header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Self::KeyMissing | Self::KeyInvalid => {
                Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")))
            }
            Self::TooMany { retry_after, .. } | Self::Unavailable { retry_after, .. } => {
                Some((header::RETRY_AFTER, (*retry_after).into()))
            }
            Self::Database(error) if error.is_for_want_of_room() => Some((header::RETRY_AFTER, 30.into())),
            Self::Database(error) if may_pass(error) => Some((header::RETRY_AFTER, 1.into())),
            Self::Conflict { code: "request_in_flight", .. } => Some((header::RETRY_AFTER, 1.into())),
            _ => None,
        }
    }

    fn log(&self) {
        if self.status().is_server_error() {
            tracing::error!(code = self.code(), error = chain(self), "request failed");
        }
    }
}

/// True when the database may do it later.
fn may_pass(error: &DbError) -> bool {
    matches!(error, DbError::Unreachable(_)) || error.is_passing_conflict() || error.is_of_the_disk()
}

/// An error with everything that caused it: "a failed: b: c".
#[must_use]
pub fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        // Writing to a String cannot fail.
        let _ = write!(text, ": {inner}");
        cause = inner.source();
    }
    text
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl Retryable for ApiError {
    fn is_passing_conflict(&self) -> bool {
        matches!(self, Self::Database(error) if error.is_passing_conflict())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.log();
        let problem = self.problem();
        // A problem holds nothing but text and one number, which always can be written.
        let body = serde_json::to_string(&problem).unwrap_or_default();
        let mut response = (self.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some((name, value)) = self.extra_header() {
            headers.insert(name, value);
        }
        response
    }
}
