//! A receiver of events on loopback that verifies signatures by itself, and answers as a test tells it to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpListener;

/// What came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    /// `webhook-id`.
    pub(crate) id: String,
    /// `webhook-timestamp`.
    pub(crate) timestamp: String,
    /// `webhook-signature`.
    pub(crate) signature: String,
    /// The body, byte for byte.
    pub(crate) body: String,
}

impl Received {
    /// How many of its signatures are those of `secret`, by the text of the specification.
    pub(crate) fn signatures_of(&self, secret: &str) -> usize {
        let key =
            BASE64_STANDARD.decode(secret.strip_prefix("whsec_").expect("the prefix")).expect("base 64");
        let signed = format!("{}.{}.{}", self.id, self.timestamp, self.body);
        let mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key").chain_update(signed.as_bytes());
        let wanted = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
        self.signature.split(' ').filter(|one| *one == wanted).count()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// `sale.recorded`.
    pub(crate) fn event_type(&self) -> String {
        self.json()["type"].as_str().expect("a type").to_owned()
    }

    /// The sale that it is about.
    pub(crate) fn sale(&self) -> String {
        self.json()["data"]["sale_id"].as_str().unwrap_or_default().to_owned()
    }
}

/// How a request is answered.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// With a status.
    Status(u16),
    /// With a status and a header.
    With(u16, &'static str, String),
    /// Never.
    Hang,
    /// With a body that never ends.
    Endless,
}

#[derive(Debug, Default)]
struct Book {
    received: Vec<Received>,
    replies: VecDeque<Reply>,
    /// What is answered when no reply is left; 204 where there is none.
    usual: Option<Reply>,
}

/// A receiver that listens.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    address: SocketAddr,
    book: Arc<Mutex<Book>>,
}

impl Receiver {
    /// Listens on a free port; takes everything.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let book = Arc::<Mutex<Book>>::default();
        let router = Router::new().fallback(receive).with_state(Arc::clone(&book));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, book }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    /// Answers the next request so; may be called more than once.
    pub(crate) fn then(&self, reply: Reply) {
        self.book.lock().expect("the book").replies.push_back(reply);
    }

    /// Answers so from now on.
    pub(crate) fn always(&self, reply: Option<Reply>) {
        self.book.lock().expect("the book").usual = reply;
    }

    /// What has come in so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.book.lock().expect("the book").received.clone()
    }

    /// What has come in since the last time.
    pub(crate) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.book.lock().expect("the book").received)
    }

    /// Waits until something came in that is as wanted.
    pub(crate) async fn wait_for(&self, wanted: impl Fn(&Received) -> bool) -> Received {
        for _ in 0..600 {
            if let Some(found) = self.received().into_iter().find(&wanted) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("it did not come; what came: {:#?}", self.received());
    }
}

async fn receive(State(book): State<Arc<Mutex<Book>>>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_else(|| panic!("no header {name}")).to_owned()
    };
    assert_eq!(header("content-type"), "application/json");
    let received = Received {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
        body: String::from_utf8(body.to_vec()).expect("UTF-8"),
    };
    let reply = {
        let mut book = book.lock().expect("the book");
        book.received.push(received);
        book.replies.pop_front().or_else(|| book.usual.clone())
    };
    let status = |code| StatusCode::from_u16(code).expect("a status");
    match reply {
        None => StatusCode::NO_CONTENT.into_response(),
        Some(Reply::Status(code)) => status(code).into_response(),
        Some(Reply::With(code, name, value)) => (status(code), [(name, value)]).into_response(),
        Some(Reply::Hang) => std::future::pending().await,
        Some(Reply::Endless) => {
            let piece = || Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 4096]));
            let endless = futures_util::stream::iter(std::iter::repeat_with(piece));
            axum::body::Body::from_stream(endless).into_response()
        }
    }
}
