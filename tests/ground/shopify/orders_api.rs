//! The orders' API of a shop: lists in pages, a token at the door, and too many questions turned away.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::TOKEN;

/// Orders on a page.
const PAGE: usize = 50;

#[derive(Default)]
struct Books {
    orders: Mutex<Vec<Value>>,
    disputes: Mutex<Option<Vec<Value>>>,
    /// Questions that are still to be turned away.
    busy: AtomicU32,
    asked: AtomicU32,
    address: String,
    elsewhere: Mutex<Option<String>>,
}

/// A shop whose orders can be read.
pub struct FakeShop {
    books: Arc<Books>,
    serving: JoinHandle<()>,
}

#[derive(serde::Deserialize)]
struct Asked {
    page_info: Option<usize>,
    status: Option<String>,
    limit: Option<u32>,
}

impl FakeShop {
    /// Opens a shop without orders.
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address").to_string();
        let books = Arc::new(Books { address, ..Books::default() });
        let router = Router::new()
            .route("/admin/api/2026-10/orders.json", get(orders))
            .route("/admin/api/2026-10/shopify_payments/disputes.json", get(disputes))
            .with_state(Arc::clone(&books));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("to serve") });
        Self { books, serving }
    }

    /// The root of its API.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("http://{}/admin/api/2026-10", self.books.address)
    }

    /// Its orders from now on, each with its fulfillments and refunds in it.
    pub fn set_orders(&self, orders: Vec<Value>) {
        *self.books.orders.lock().expect("the orders") = orders;
    }

    /// Its disputes from now on; a shop without any has no payments of the platform's own.
    pub fn set_disputes(&self, disputes: Vec<Value>) {
        *self.books.disputes.lock().expect("the disputes") = Some(disputes);
    }

    /// Turns the next questions away.
    pub fn is_busy_for(&self, questions: u32) {
        self.books.busy.store(questions, Ordering::SeqCst);
    }

    /// Names a next page at another address from now on.
    pub fn lead_to(&self, address: &str) {
        *self.books.elsewhere.lock().expect("an address") = Some(address.to_owned());
    }

    /// How many questions it was asked.
    #[must_use]
    pub fn asked(&self) -> u32 {
        self.books.asked.load(Ordering::SeqCst)
    }
}

impl Drop for FakeShop {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// What the door says: too busy, or who are you.
fn at_the_door(books: &Books, headers: &HeaderMap) -> Option<Response> {
    books.asked.fetch_add(1, Ordering::SeqCst);
    let left = books.busy.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    if left.is_ok() {
        let later = [(header::RETRY_AFTER, "0.05")];
        return Some((StatusCode::TOO_MANY_REQUESTS, later, "").into_response());
    }
    let known = headers.get("x-shopify-access-token").is_some_and(|token| token == TOKEN);
    (!known).then(|| StatusCode::UNAUTHORIZED.into_response())
}

async fn orders(State(books): State<Arc<Books>>, headers: HeaderMap, Query(asked): Query<Asked>) -> Response {
    if let Some(refusal) = at_the_door(&books, &headers) {
        return refusal;
    }
    // As the platform does: what was asked for first stands in `page_info`, and is not asked for again.
    if asked.page_info.is_none() && (asked.status.as_deref() != Some("any") || asked.limit != Some(250)) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let (from, all) = (asked.page_info.unwrap_or(0), books.orders.lock().expect("the orders").clone());
    let page: Vec<_> = all.iter().skip(from).take(PAGE).cloned().collect();
    let body = axum::Json(json!({ "orders": page }));
    if from + PAGE >= all.len() {
        return body.into_response();
    }
    let elsewhere = books.elsewhere.lock().expect("an address").clone();
    let host = elsewhere.unwrap_or_else(|| books.address.clone());
    let path = format!("http://{host}/admin/api/2026-10/orders.json");
    let link =
        format!("<{path}?page_info=0>; rel=\"previous\", <{path}?page_info={}>; rel=\"next\"", from + PAGE);
    ([(header::LINK, link)], body).into_response()
}

async fn disputes(State(books): State<Arc<Books>>, headers: HeaderMap) -> Response {
    if let Some(refusal) = at_the_door(&books, &headers) {
        return refusal;
    }
    let disputes = books.disputes.lock().expect("the disputes").clone();
    let found = disputes.map(|disputes| axum::Json(json!({ "disputes": disputes })).into_response());
    found.unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}
