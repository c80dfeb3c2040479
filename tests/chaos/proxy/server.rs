//! HTTP/1.1, able to end a connection in the middle of an answer.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::{Proxy, Reply};

/// No question is longer.
const LONGEST: usize = 4 << 20;

type Body = BoxBody<Bytes, std::io::Error>;

/// Serves for ever.
pub(super) async fn serve(listener: TcpListener, proxy: Arc<Proxy>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let proxy = Arc::clone(&proxy);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&proxy), request));
            let connection = hyper::server::conn::http1::Builder::new();
            // Ends with an error whenever a connection is broken, which is what happens here all the time.
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(proxy: Arc<Proxy>, request: Request<Incoming>) -> Result<Response<Body>, std::io::Error> {
    let index = request.uri().path().trim_matches('/').parse().unwrap_or(usize::MAX);
    let body = Limited::new(request.into_body(), LONGEST).collect().await.map_err(std::io::Error::other)?;
    let question = serde_json::from_slice(&body.to_bytes()).map_err(std::io::Error::other)?;
    let reply = proxy.answer(index, question).await;
    let response = Response::builder();
    let response = match reply {
        Reply::Nothing => return Err(broken()),
        Reply::Json(answer) => {
            response.header("content-type", "application/json").body(whole(answer.to_string()))
        }
        Reply::Gateway(status) => {
            let page =
                format!("<html><head><title>{status}</title></head><body>Try again later.</body></html>");
            response.status(status).header("content-type", "text/html").body(whole(page))
        }
        Reply::Torn(answer) => {
            let text = answer.to_string();
            let half = text.as_bytes()[..text.len() / 2].to_vec();
            let frames = [Ok(Frame::data(Bytes::from(half))), Err(broken())];
            let body = BoxBody::new(StreamBody::new(stream::iter(frames)));
            response
                .header("content-type", "application/json")
                .header("content-length", text.len())
                .body(body)
        }
    };
    response.map_err(std::io::Error::other)
}

fn whole(text: String) -> Body {
    Full::from(text).map_err(|never: Infallible| match never {}).boxed()
}

fn broken() -> std::io::Error {
    std::io::ErrorKind::ConnectionReset.into()
}
