//! What the operator sees: one log line a request, a request id everywhere, counters by route. Logs go to
//! standard error and hold no query string, no body, no header, and no path that names nothing of ours.

use std::future::Future;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing::Instrument;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, LogSettings};
use crate::state::AppState;

/// The header that carries a request's id in both directions.
pub const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Longest request id that is taken from outside.
const ID_CHARS: usize = 64;
/// Lines that wait for a log's reader at most.
const KEPT_LINES: usize = 10_000;
/// How often dropped lines are counted.
const COUNT_EVERY: Duration = Duration::from_secs(5);
/// Upper bounds of the latency histogram, in seconds.
const BUCKETS: [f64; 12] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

tokio::task_local! {
    static REQUEST: Present;
}

/// The request that is being handled.
struct Present {
    id: String,
    /// `POST /v1/sales/{sale_id}/refund`.
    operation: String,
}

/// Telemetry that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The setting `log.level` is no filter.
    #[error("the setting `log.level` is not a log filter such as `info` or `info,sqlx=warn`")]
    Level(#[source] tracing_subscriber::filter::ParseError),
    /// Somebody else writes the logs of this process.
    #[error("logging is set up already")]
    Logging(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Somebody else counts in this process.
    #[error("the metrics could not be set up")]
    Metrics(#[source] metrics_exporter_prometheus::BuildError),
}

/// The log of this process. When it is dropped, what is still to be written is written.
pub struct Log {
    dropped: ErrorCounter,
    _writer: WorkerGuard,
}

/// Sends the logs of this process to standard error. Nobody waits for the reader: when it stands still, lines are kept for
/// a while, then dropped and counted.
pub fn start_logging(settings: &LogSettings) -> Result<Log, TelemetryError> {
    let filter = EnvFilter::try_new(&settings.level).map_err(TelemetryError::Level)?;
    let (queue, writer) =
        NonBlockingBuilder::default().buffered_lines_limit(KEPT_LINES).finish(std::io::stderr());
    let log = Log { dropped: queue.error_counter(), _writer: writer };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(queue);
    match settings.format {
        LogFormat::Plain => lines.with_ansi(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).try_init(),
    }
    .map_err(TelemetryError::Logging)?;
    Ok(log)
}

impl Log {
    /// Counts the lines that were dropped, in `colophon_log_lines_dropped_total`. Runs until it is dropped or aborted.
    pub fn count_dropped(&self) -> impl Future<Output = ()> + use<> {
        let dropped = self.dropped.clone();
        async move {
            let mut beats = tokio::time::interval(COUNT_EVERY);
            loop {
                beats.tick().await;
                let count = u64::try_from(dropped.dropped_lines()).unwrap_or(u64::MAX);
                metrics::counter!("colophon_log_lines_dropped_total").absolute(count);
            }
        }
    }
}

fn counting() -> Result<PrometheusBuilder, TelemetryError> {
    PrometheusBuilder::new().set_buckets(&BUCKETS).map_err(TelemetryError::Metrics)
}

/// Counts for the whole process from now on.
pub fn start_counting() -> Result<PrometheusHandle, TelemetryError> {
    counting()?.install_recorder().map_err(TelemetryError::Metrics)
}

/// A place for counts that nothing is counted into, for tests.
#[must_use]
pub fn idle_metrics() -> PrometheusHandle {
    PrometheusBuilder::new().build_recorder().handle()
}

/// The id of the request that is being handled; `-` outside of one.
#[must_use]
pub fn request_id() -> String {
    REQUEST.try_with(|present| present.id.clone()).unwrap_or_else(|_| "-".to_owned())
}

/// The call that is being handled, `POST /v1/sales/{sale_id}/refund`; `-` outside of one.
#[must_use]
pub fn operation() -> String {
    REQUEST.try_with(|present| present.operation.clone()).unwrap_or_else(|_| "-".to_owned())
}

/// The id that came with the request, if it is one that can stand in a log.
fn sane_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID_HEADER)?.to_str().ok()?;
    let sane = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    ((1..=ID_CHARS).contains(&id.len()) && id.bytes().all(sane)).then(|| id.to_owned())
}

/// Methods as metrics name them: what others invent is one word, or anyone could make new time series.
fn method_word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

/// Whether an answer shows that the path named something of ours. Any other may hold anything, a claim code too, and is not
/// logged: the route tells what was called.
fn names_something(status: u16) -> bool {
    matches!(status, 200..=399 | 409)
}

/// Middleware: gives the request its id, writes its one line, counts it.
pub(crate) async fn observe(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let id = sane_id(request.headers())
        .unwrap_or_else(|| format!("req_{}", hex::encode(state.chance.bytes::<12>())));
    let method = method_word(request.method());
    let matched = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let path = request.uri().path().to_owned();
    let route = matched.unwrap_or_else(|| "unmatched".to_owned());
    let span = tracing::info_span!("request", request_id = id);
    let begun = Instant::now();

    let present = Present { id: id.clone(), operation: format!("{method} {route}") };
    let handled = REQUEST.scope(present, next.run(request));
    let mut response = handled.instrument(span.clone()).await;

    let took = begun.elapsed();
    let status = response.status().as_u16();
    let path = if names_something(status) { path } else { String::new() };
    span.in_scope(|| {
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(method, route, path, status, ms, "handled");
    });
    let labels = [("method", method.to_owned()), ("route", route), ("status", status.to_string())];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_duration_seconds", &labels).record(took);
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID_HEADER, id);
    }
    response
}
