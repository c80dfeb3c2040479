//! Accepting connections: bounded in number, in the time that a client may take for its headers, and in the
//! time that is left to requests under way when the service is told to stop.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::Layer as _;

use crate::client_address::Peer;
use crate::idempotency;
use crate::state::AppState;

/// How long a client may take for its headers, and how long a connection may idle between requests.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// Largest head of a request in bytes; a longer one gets 431.
const HEAD_BYTES: usize = 64 * 1024;
/// How long requests under way may go on after the signal to stop.
const GRACE: Duration = Duration::from_secs(10);
/// Pause after the machine has no room for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Pause between two sweeps of old idempotency keys.
const SWEEP_PAUSE: Duration = Duration::from_hours(1);

/// Serves until `stop` is done, then lets requests under way come to their end for at most 10 s.
pub async fn serve(listener: TcpListener, app: Router, connections: usize, stop: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(connections));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIME).max_buf_size(HEAD_BYTES);
    let mut stop = std::pin::pin!(stop);
    loop {
        // A place first: connections beyond the bound wait in the system's own queue.
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, accept(&listener).await)
        };
        let (place, (stream, peer)) = tokio::select! {
            next = next => next,
            () = &mut stop => break,
        };
        let service = TowerToHyperService::new(Extension(Peer(peer)).layer(app.clone()));
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke off");
            }
            drop(place);
        });
    }
    drop(listener);
    tracing::info!("stopping: no new connections");
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!("stopping: requests that took too long are broken off");
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, IpAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are small and wanted at once. Without it they are only later.
                let _ = stream.set_nodelay(true);
                return (stream, peer.ip());
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Done when the process is told to stop: SIGTERM, or SIGINT from the keyboard.
pub async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupt = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt => {}
            }
        }
        Err(error) => {
            tracing::warn!(%error, "SIGTERM cannot be heard");
            let _ = interrupt.await;
        }
    }
}

/// Removes old idempotency keys every hour. Runs until it is dropped or aborted.
pub async fn sweep_forever(app: AppState) {
    let mut hours = tokio::time::interval(SWEEP_PAUSE);
    loop {
        hours.tick().await;
        match idempotency::sweep(&app).await {
            Ok(removed) => tracing::debug!(removed, "swept idempotency keys"),
            Err(error) => {
                tracing::warn!(error = crate::error::chain(&error), "idempotency keys were not swept");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;

    use super::*;

    async fn ask(stream: &mut TcpStream) -> std::io::Result<String> {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        Ok(text)
    }

    #[tokio::test]
    async fn a_request_under_way_is_answered_after_the_signal_to_stop() -> anyhow::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (begun, mut begins) = tokio::sync::mpsc::unbounded_channel();
        let slow = get(async move || {
            let _ = begun.send(());
            tokio::time::sleep(Duration::from_millis(300)).await;
            "answered"
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async {
            let _ = stopped.await;
        };
        let serving = tokio::spawn(serve(listener, Router::new().route("/", slow), 8, stopped));
        let mut stream = TcpStream::connect(address).await?;
        let asking = tokio::spawn(async move { ask(&mut stream).await });
        begins.recv().await;
        let _ = stop.send(());
        assert!(asking.await??.ends_with("answered"));
        serving.await?;
        assert!(TcpStream::connect(address).await.is_err());
        Ok(())
    }

    #[tokio::test]
    async fn a_client_that_does_not_finish_its_headers_is_let_go() -> anyhow::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn(serve(listener, Router::new(), 8, std::future::pending()));
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(b"GET / HTTP/1.1\r\nx: ").await?;
        let begun = Instant::now();
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(HEADER_TIME * 2, stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok() && begun.elapsed() >= HEADER_TIME / 2);
        serving.abort();
        Ok(())
    }
}
