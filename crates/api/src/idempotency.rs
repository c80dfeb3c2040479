//! `Idempotency-Key` (DESIGN §7): a request that is sent again gets the first answer, and is not done twice.
//!
//! A key belongs to one API key, method and path. A small transaction of its own takes the row and leases it for
//! 60 s by the database's clock, so that a crash frees it. The answer is stored in the transaction of the
//! effect. An attempt whose row was taken over in the meantime finds another attempt's name on it, and its whole
//! transaction fails.
//!
//! A handler hands its work to [`once`], as a closure that opens one transaction, completes the slot in it and
//! commits. Only [`Slot::complete`] makes the [`Done`] that the closure must give back. The closure may run more
//! than once ([`catalog::db::retrying`]) and has no effect outside its transaction:
//!
//! ```ignore
//! idempotency::once(&state, &caller, key, body.digest, |slot| async move {
//!     let mut tx = state.db.begin_write().await?;
//!     // … the effect, in `tx` …
//!     let done = slot.complete(&mut tx, Reply::created(location, &view)?).await?;
//!     tx.commit().await?;
//!     Ok(done)
//! })
//! .await
//! ```

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use catalog::crash_point;
use catalog::db::{Db, DbError, Tx, retrying};
use catalog::digest::Sha256Digest;

use crate::auth::Caller;
use crate::error::{ApiError, chain};
use crate::routes::reply::Reply;
use crate::state::{App, AppState};
use crate::store::{self, SlotKey, SlotRow};

/// How long an attempt may hold its key before another may take it over.
const LEASE: Duration = Duration::from_mins(1);
/// How long answers are kept.
const KEPT: Duration = Duration::from_hours(30 * 24);
/// Old rows that one sweep removes at most.
const SWEEP_ROWS: u32 = 10_000;
/// Longest key in characters.
const KEY_CHARS: usize = 255;

/// The key of a request, with the method and path that it belongs to.
#[derive(Debug, Clone)]
pub struct RequestKey {
    method: String,
    path: String,
    key: Option<String>,
}

/// Extractor for calls that need an `Idempotency-Key`: without one, 400 `idempotency_key_missing`.
#[derive(Debug, Clone)]
pub struct KeyRequired(pub RequestKey);

/// Extractor for calls that take an `Idempotency-Key` and do without.
#[derive(Debug, Clone)]
pub struct KeyOptional(pub RequestKey);

fn read_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let invalid = || ApiError::BadRequest {
        code: "idempotency_key_invalid",
        detail: "the header `Idempotency-Key` must stand once and have 1 to 255 visible ASCII characters"
            .into(),
    };
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.as_bytes();
    let visible = !key.is_empty() && key.len() <= KEY_CHARS && key.iter().all(u8::is_ascii_graphic);
    if values.next().is_some() || !visible {
        return Err(invalid());
    }
    value.to_str().map(|key| Some(key.to_owned())).map_err(|_| invalid())
}

impl RequestKey {
    fn of(parts: &Parts) -> Result<Self, ApiError> {
        let key = read_key(&parts.headers)?;
        Ok(Self { method: parts.method.to_string(), path: parts.uri.path().to_owned(), key })
    }
}

impl FromRequestParts<AppState> for KeyRequired {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        let request = RequestKey::of(parts)?;
        if request.key.is_none() {
            let detail = "this call needs the header `Idempotency-Key`".into();
            return Err(ApiError::BadRequest { code: "idempotency_key_missing", detail });
        }
        Ok(Self(request))
    }
}

impl FromRequestParts<AppState> for KeyOptional {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        RequestKey::of(parts).map(Self)
    }
}

/// The place where one attempt stores its answer. Without a key it stores nothing.
#[derive(Debug, Clone)]
pub struct Slot(Option<Arc<Held>>);

#[derive(Debug)]
struct Held {
    key: SlotKey,
    attempt: String,
}

/// Proof that the answer was stored with the effect.
#[derive(Debug)]
#[must_use = "commit the transaction, then give this back"]
pub struct Done(Reply);

impl Slot {
    /// Stores the answer in the transaction of its effect. Fails when another attempt took the key over: then
    /// the transaction must not be committed.
    pub async fn complete(&self, tx: &mut Tx, reply: Reply) -> Result<Done, ApiError> {
        if let Some(held) = &self.0 {
            held.store(tx, &reply).await?;
            crash_point!("idempotency.answered");
        }
        Ok(Done(reply))
    }
}

impl Held {
    async fn store(&self, tx: &mut Tx, reply: &Reply) -> Result<(), ApiError> {
        if store::complete_slot(tx, &self.key, &self.attempt, &reply.to_stored()).await? {
            Ok(())
        } else {
            Err(in_flight())
        }
    }

    async fn settle(&self, app: &App, error: &ApiError) -> Result<(), ApiError> {
        let reply = Reply::problem(error)?;
        retrying(|| async {
            let mut tx = app.db.begin_write().await?;
            self.store(&mut tx, &reply).await?;
            crash_point!("idempotency.refused");
            tx.commit().await.map_err(ApiError::from)
        })
        .await
    }

    async fn release(&self, app: &App) {
        let outcome: Result<(), ApiError> = retrying(|| async {
            let mut tx = app.db.begin_write().await?;
            store::release_slot(&mut tx, &self.key, &self.attempt).await?;
            crash_point!("idempotency.freed");
            tx.commit().await.map_err(ApiError::from)
        })
        .await;
        if let Err(error) = outcome {
            tracing::warn!(error = chain(&error), "an idempotency key stays leased until its time is up");
        }
    }
}

/// Frees the key when the request is dropped half way: its client hung up, or its time was up.
struct Guard {
    app: AppState,
    held: Option<Arc<Held>>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            let app = Arc::clone(&self.app);
            tokio::spawn(async move { held.release(&app).await });
        }
    }
}

enum Begin {
    Replay(Reply),
    Proceed(Slot),
}

fn in_flight() -> ApiError {
    ApiError::conflict(
        "request_in_flight",
        "a request with this idempotency key is under way; ask again soon",
    )
}

fn reused() -> ApiError {
    ApiError::Shape {
        code: "idempotency_key_reused",
        detail: "this idempotency key was used for another body".into(),
        field: None,
    }
}

async fn begin(app: &App, key: SlotKey, body: Sha256Digest) -> Result<Begin, ApiError> {
    let attempt = hex::encode(app.chance.bytes::<16>());
    retrying(|| async {
        let mut tx = app.db.begin_write().await?;
        let now = tx.now().await?;
        if store::take_slot(&mut tx, &key, body, &attempt, now, now.plus(LEASE)).await? {
            tx.commit().await?;
            crash_point!("idempotency.taken");
            let held = Held { key: key.clone(), attempt: attempt.clone() };
            return Ok(Begin::Proceed(Slot(Some(Arc::new(held)))));
        }
        match store::find_slot(&mut tx, &key).await? {
            Some(row) if row.body_sha256() != body => Err(reused()),
            Some(SlotRow::Completed { stored, .. }) => Reply::from_stored(stored).map(Begin::Replay),
            Some(SlotRow::InFlight { .. }) | None => Err(in_flight()),
        }
    })
    .await
}

/// Does `effect` once for its idempotency key, and answers as it was answered the first time.
///
/// A passing conflict in the database runs `effect` again. An answer of 409 or a business 422 is stored like a
/// success; after any other error the key is free again, and after a 409 `sale_event_early`: what was early is told again.
pub async fn once<F, Fut>(
    state: &AppState,
    caller: &Caller,
    request: RequestKey,
    body: Sha256Digest,
    mut effect: F,
) -> Result<Response, ApiError>
where
    F: FnMut(Slot) -> Fut + Send,
    Fut: Future<Output = Result<Done, ApiError>> + Send,
{
    let RequestKey { method, path, key } = request;
    let slot = match key {
        None => Slot(None),
        Some(key) => {
            let key = SlotKey { api_key_id: caller.api_key_id.clone(), method, path, key };
            match begin(state, key, body).await? {
                Begin::Replay(reply) => return Ok(reply.into_response()),
                Begin::Proceed(slot) => slot,
            }
        }
    };
    let mut guard = Guard { app: Arc::clone(state), held: slot.0.clone() };
    let outcome = retrying(|| effect(slot.clone())).await;
    // From here on the key's fate is decided below, not by the guard.
    let held = guard.held.take();
    match (outcome, held) {
        (Ok(Done(reply)), _) => {
            crash_point!("idempotency.committed");
            Ok(reply.into_response())
        }
        (Err(error), None) => Err(error),
        (Err(error), Some(held)) => {
            if error.is_final() && held.settle(state, &error).await.is_ok() {
                return Err(error);
            }
            held.release(state).await;
            Err(error)
        }
    }
}

/// Frees the keys that attempts hold which died with their process, where no other process can hold one; says how many.
pub async fn free_all(db: &Db) -> Result<u64, DbError> {
    let mut tx = db.begin_write().await?;
    let freed = store::free_slots(&mut tx).await?;
    tx.commit().await?;
    Ok(freed)
}

/// Removes answers older than 30 days, at most 10,000 at once; says how many.
pub async fn sweep(app: &App) -> Result<u64, ApiError> {
    retrying(|| async {
        let mut tx = app.db.begin_write().await?;
        let before = tx.now().await?.minus(KEPT);
        let removed = store::remove_old_slots(&mut tx, before, SWEEP_ROWS).await?;
        crash_point!("idempotency.swept");
        tx.commit().await?;
        Ok(removed)
    })
    .await
}
