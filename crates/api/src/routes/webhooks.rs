//! `/v1/webhooks/{channel}`: what a shop's platform sends. A delivery is checked, kept, and answered; the work comes later.

use axum::Json as Answer;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use catalog::db::{DbError, retrying};
use catalog::digest::Sha256Digest;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ids::{InPath, Named};
use crate::error::{ApiError, Problem};
use crate::feed::signature::Signature;
use crate::feed::{ChannelName, EncryptedBody, Entry, EntryId, Origin, shopify};
use crate::json::read_body;
use crate::state::{App, AppState};
use crate::store;

/// The header that bears the signature.
const SIGNATURE: &str = "x-shopify-hmac-sha256";
/// Headers that are not signed: they say how the body is to be read, and no more.
const TOPIC: &str = "x-shopify-topic";
const VERSION: &str = "x-shopify-api-version";
/// Longest word that is kept of a header.
const WORD_CHARS: usize = 64;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(take_webhook))
}

impl Named for ChannelName {
    const NOUN: &'static str = "channel";
    const PARAMETER: &'static str = "channel";
}

/// What the platform reads.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Taken {
    /// True: it is kept. The same body sent again is kept once.
    taken: bool,
}

/// Takes in a delivery of a shop's platform. The signature is HMAC-SHA256 of the body's bytes under one of the channel's
/// secrets, in base64. What is signed is always answered with 200, whatever it says; what cannot be used is parked for review.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{channel}",
    operation_id = "take_webhook",
    tag = "feeds",
    params(
        ("channel" = String, Path, description = "The shop, as the settings name it"),
        ("X-Shopify-Hmac-SHA256" = String, Header, description = "44 characters of base64"),
        ("X-Shopify-Topic" = Option<String>, Header, description = "`orders/paid`, `refunds/create`, …"),
        ("X-Shopify-API-Version" = Option<String>, Header, description = "`2026-10`"),
    ),
    request_body(content = String, content_type = "application/json", description = "The platform's own JSON"),
    responses(
        (status = 200, description = "It is kept", body = Taken),
        (status = 401, description = "`webhook_signature_invalid`", body = Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "`not_found`: there is no such channel", body = Problem,
            content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn take_webhook(
    State(state): State<AppState>,
    InPath(name): InPath<ChannelName>,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<Taken>, ApiError> {
    let channel = state.channels.find(&name).ok_or_else(|| ApiError::no_such("channel"))?;
    let signature = Signature::read(headers.get_all(SIGNATURE).iter().map(HeaderValue::as_bytes));
    let signature = signature.ok_or_else(|| refused(&name))?;
    let body = read_body(body, state.settings.limits.webhook_bytes).await?;
    if !signature.is_of(&body, &channel.secrets) {
        return Err(refused(&name));
    }
    let mac = state.contact_key.inbox_digest(Sha256Digest::of(&body));
    let is_new =
        !is_known(&state, &name, &headers, mac).await? && keep(&state, &name, &headers, &body).await?;
    count(&name, if is_new { "taken" } else { "known" });
    if is_new {
        state.inbox_bell.notify_one();
    }
    Ok(Answer(Taken { taken: true }))
}

fn topic_told(headers: &HeaderMap) -> String {
    word(headers, TOPIC).unwrap_or_default()
}

/// Whether a body is there already. Platforms send most bodies again: that takes no write.
async fn is_known(
    app: &App,
    channel: &ChannelName,
    headers: &HeaderMap,
    mac: Sha256Digest,
) -> Result<bool, DbError> {
    let topic = shopify::topic(&topic_told(headers));
    let mut tx = app.db.begin_read().await?;
    store::is_known_body(&mut tx, channel, topic, mac).await
}

/// Writes a delivery down; false when its body has come there meanwhile.
async fn keep(app: &App, channel: &ChannelName, headers: &HeaderMap, body: &[u8]) -> Result<bool, ApiError> {
    let now = app.clock.now();
    let told = topic_told(headers);
    let entry_id = EntryId::generate(now, app.chance.as_ref());
    let body = EncryptedBody::encrypt(&app.contact_key, &entry_id, body, app.chance.as_ref());
    let body = body.map_err(|error| ApiError::internal("encrypting a delivery", error))?;
    let topic = shopify::topic(&told);
    let entry = &Entry {
        version_told: word(headers, VERSION),
        topic_told: told,
        ..Entry::new(entry_id, channel.clone(), topic, Origin::Webhook, body, now)
    };
    retrying(|| async move {
        let mut tx = app.db.begin_write().await?;
        let is_new = store::insert_entry(&mut tx, entry).await?;
        tx.commit().await?;
        Ok(is_new)
    })
    .await
}

/// The first 64 visible characters of a header.
fn word(headers: &HeaderMap, name: &str) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?;
    Some(text.chars().filter(char::is_ascii_graphic).take(WORD_CHARS).collect())
}

fn refused(channel: &ChannelName) -> ApiError {
    count(channel, "refused");
    let detail = "the body is not signed with a secret of this channel";
    ApiError::Unproven { code: "webhook_signature_invalid", detail: detail.into() }
}

fn count(channel: &ChannelName, outcome: &'static str) {
    let labels = [("channel", channel.to_string()), ("outcome", outcome.to_owned())];
    metrics::counter!("colophon_webhooks_total", &labels).increment(1);
}
