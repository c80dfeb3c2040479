//! Bounds on every request: how many at once, how long, and what becomes of a panic.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

use crate::error::ApiError;

fn not_now(code: &'static str, detail: &'static str) -> Response {
    ApiError::Unavailable { code, detail: detail.into(), retry_after: 1, source: None }.into_response()
}

/// Middleware: lets in `most` requests at once and turns the others away.
pub(super) fn gate(
    most: usize,
) -> impl Fn(Request, Next) -> BoxFuture<'static, Response> + Clone + Send + Sync + 'static {
    let places = Arc::new(Semaphore::new(most));
    move |request, next| {
        let place = Arc::clone(&places).try_acquire_owned();
        Box::pin(async move {
            match place {
                Ok(_place) => next.run(request).await,
                Err(_) => not_now("overloaded", "too many requests are under way"),
            }
        })
    }
}

/// Middleware: gives up on a request after `time`.
pub(super) fn within(
    time: Duration,
) -> impl Fn(Request, Next) -> BoxFuture<'static, Response> + Clone + Send + Sync + 'static {
    move |request, next| {
        Box::pin(async move {
            let answered = tokio::time::timeout(time, next.run(request)).await;
            answered.unwrap_or_else(|_| not_now("request_timed_out", "the request took too long"))
        })
    }
}

/// What the client sees of a panic: nothing of it.
#[expect(clippy::needless_pass_by_value, reason = "the signature is given by tower-http")]
pub(super) fn panicked(payload: Box<dyn Any + Send + 'static>) -> Response {
    let text = payload.downcast_ref::<&'static str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let text = format!("panic: {}", text.unwrap_or("without a text"));
    ApiError::internal("handling the request", text).into_response()
}
