//! JSON bodies from outside: strict, bounded, and never repeated in an error.

mod object;

use std::error::Error as StdError;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use catalog::digest::Sha256Digest;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::{DeserializeOwned, IgnoredAny};
use tower_http::timeout::TimeoutError;

use crate::error::ApiError;
use crate::state::AppState;

use object::Object;
pub(crate) use object::{object, optional_object};

/// Extractor of a JSON body. Structs that are read by it say `#[serde(deny_unknown_fields)]`.
#[derive(Debug, Clone)]
pub struct Json<T> {
    /// What the body says.
    pub value: T,
    /// SHA-256 of its bytes, by which an idempotency key knows it again.
    pub digest: Sha256Digest,
}

impl<T: DeserializeOwned + Send> FromRequest<AppState> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        check_headers(request.headers())?;
        let bytes = read_body(request.into_body(), state.settings.limits.json_bytes).await?;
        Ok(Self { value: parse(&bytes)?, digest: Sha256Digest::of(&bytes) })
    }
}

/// The digest of a call that says all in its path. Its body is empty, or the object `{}`.
#[derive(Debug, Clone, Copy)]
pub struct NoBody(pub Sha256Digest);

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl FromRequest<AppState> for NoBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let bytes = read_body(request.into_body(), state.settings.limits.json_bytes).await?;
        if !bytes.is_empty() {
            let Nothing {} = parse(&bytes)?;
        }
        Ok(Self(Sha256Digest::of(&bytes)))
    }
}

fn check_headers(headers: &HeaderMap) -> Result<(), ApiError> {
    let refuse = |detail: &'static str| {
        Err(ApiError::UnsupportedMedia { code: "content_type_unsupported", detail: detail.into() })
    };
    if headers.contains_key(header::CONTENT_ENCODING) {
        return refuse("send the body without `Content-Encoding`");
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mut parts = content_type.unwrap_or_default().split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    // RFC 8259: JSON is UTF-8.
    let is_utf8 = parts.all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    });
    if is_json && is_utf8 { Ok(()) } else { refuse("send `Content-Type: application/json`, in UTF-8") }
}

/// Reads a whole body of at most `most` bytes.
pub(crate) async fn read_body(body: Body, most: u64) -> Result<Bytes, ApiError> {
    let limit = usize::try_from(most).unwrap_or(usize::MAX);
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let detail = format!("the body must not exceed {most} bytes").into();
            Err(ApiError::TooLarge { code: "body_too_large", detail })
        }
        Err(error) => Err(broken_body(error.as_ref())),
    }
}

/// A body that stopped before its end.
pub(crate) fn broken_body(error: &(dyn StdError + 'static)) -> ApiError {
    let mut cause = Some(error);
    while let Some(inner) = cause {
        if inner.is::<TimeoutError>() {
            return ApiError::BodyTimedOut;
        }
        cause = inner.source();
    }
    let detail = "the body broke off or is not framed as HTTP wants it".into();
    ApiError::BadRequest { code: "body_unreadable", detail }
}

fn malformed(detail: &'static str) -> ApiError {
    ApiError::BadRequest { code: "malformed_json", detail: detail.into() }
}

/// Reads `T` from JSON text.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    if holds_nul(bytes) {
        let detail = "the body holds the character U+0000".into();
        return Err(ApiError::Shape { code: "text_invalid", detail, field: None });
    }
    // The grammar first: what is not JSON at all is told apart from JSON of another shape.
    serde_json::from_slice::<IgnoredAny>(bytes).map_err(|_| malformed("the body is not well-formed JSON"))?;
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let Object(value) = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        shape_problem(error.inner(), &path)
    })?;
    Ok(value)
}

/// Tells what is wrong in our own words: serde's repeat the input.
fn shape_problem(error: &serde_json::Error, path: &str) -> ApiError {
    if !error.is_data() {
        return malformed("the body is not well-formed JSON");
    }
    let text = error.to_string();
    let code = if text.starts_with("unknown field") {
        "unknown_field"
    } else if text.starts_with("missing field") {
        "field_missing"
    } else if text.starts_with("duplicate field") {
        return malformed("the body names a field twice");
    } else {
        "wrong_type"
    };
    let field = known_path(path, code);
    let detail = match code {
        "unknown_field" => expected_fields(&text),
        "field_missing" => match text.split('`').nth(1) {
            Some(name) => format!("the field `{name}` is missing"),
            None => "a field is missing".to_owned(),
        },
        _ => format!("a value has the wrong type at line {}, column {}", error.line(), error.column()),
    };
    ApiError::Shape { code, detail: detail.into(), field }
}

/// "unknown field `x`, expected one of `a`, `b`": the part that is ours.
fn expected_fields(text: &str) -> String {
    match text.rsplit_once(", expected ").and_then(|(_, rest)| rest.split(" at line ").next()) {
        Some(known) => format!("the body has a field that this call does not know; it knows {known}"),
        None => "the body has a field that this call does not know".to_owned(),
    }
}

/// The path to the value, as far as its names are ours.
fn known_path(path: &str, code: &str) -> Option<String> {
    let path = match code {
        // Its last name is the client's own.
        "unknown_field" => path.rsplit_once('.').map_or("", |(parent, _)| parent),
        _ => path,
    };
    (!path.is_empty() && path != "." && path != "?").then(|| path.to_owned())
}

/// True when a string in the JSON text holds the escape of U+0000, which `PostgreSQL` cannot keep. The bare
/// character is refused by the JSON grammar itself.
fn holds_nul(json: &[u8]) -> bool {
    let mut rest = json;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        rest = rest.get(at + 1..).unwrap_or_default();
        if rest.starts_with(b"u0000") {
            return true;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}
