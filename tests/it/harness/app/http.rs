//! Requests that read as who asks what, and answers that explain themselves when they are not the expected ones.

use std::path::PathBuf;
use std::pin::Pin;

use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tests::program::tail;

use super::{TestApp, fresh};

/// A request about to be sent: `app.post(…).by_shop().once().await`.
pub(crate) struct Request<'a> {
    app: &'a TestApp,
    what: String,
    log: PathBuf,
    builder: RequestBuilder,
}

/// What came back.
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The JSON body; null when there is none.
    pub(crate) body: Value,
    what: String,
    log: PathBuf,
}

impl TestApp {
    fn request(&self, method: Method, path: &str) -> Request<'_> {
        let service = self.next_process();
        let builder = self.client.request(method.clone(), format!("{}{path}", service.url()));
        Request { app: self, what: format!("{method} {path}"), log: service.log().to_owned(), builder }
    }

    /// Asks for a path.
    pub(crate) fn get(&self, path: &str) -> Request<'_> {
        self.request(Method::GET, path)
    }

    /// Posts JSON.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Request<'_> {
        let mut request = self.request(Method::POST, path);
        request.builder = request.builder.json(body);
        request
    }

    /// Posts without a body.
    pub(crate) fn post_nothing(&self, path: &str) -> Request<'_> {
        self.request(Method::POST, path)
    }

    /// Puts JSON.
    pub(crate) fn put_json(&self, path: &str, body: &Value) -> Request<'_> {
        let mut request = self.request(Method::PUT, path);
        request.builder = request.builder.json(body);
        request
    }

    /// Deletes.
    pub(crate) fn delete(&self, path: &str) -> Request<'_> {
        self.request(Method::DELETE, path)
    }

    /// Puts raw bytes.
    pub(crate) fn put(&self, path: &str, bytes: Vec<u8>) -> Request<'_> {
        let mut request = self.request(Method::PUT, path);
        request.builder = request.builder.body(bytes);
        request
    }
}

impl Request<'_> {
    /// With the curator's key.
    pub(crate) fn by_curator(self) -> Self {
        let key = self.app.curator.clone();
        self.with_key(&key)
    }

    /// With the shop's key.
    pub(crate) fn by_shop(self) -> Self {
        let key = self.app.shop.clone();
        self.with_key(&key)
    }

    /// With that key.
    pub(crate) fn with_key(mut self, key: &str) -> Self {
        self.builder = self.builder.bearer_auth(key);
        self
    }

    /// Under an idempotency key that no other request has.
    pub(crate) fn once(self) -> Self {
        self.under(&fresh("once"))
    }

    /// Under that idempotency key.
    pub(crate) fn under(mut self, key: &str) -> Self {
        self.builder = self.builder.header("Idempotency-Key", key);
        self
    }
}

impl Request<'_> {
    /// The answer, if there is one: a service that dies gives none.
    pub(crate) async fn attempt(self) -> Option<Answer> {
        let response = self.builder.send().await.ok()?;
        let status = response.status().as_u16();
        let text = response.text().await.ok()?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Some(Answer { status, body, what: self.what, log: self.log })
    }
}

impl<'a> IntoFuture for Request<'a> {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let log = self.log;
            let response = self.builder.send().await;
            let response =
                response.unwrap_or_else(|error| panic!("{}: {error:?}\n{}", self.what, tail(&log)));
            let status = response.status().as_u16();
            let text = response.text().await.expect("a body");
            let body = serde_json::from_str(&text).unwrap_or(Value::Null);
            Answer { status, body, what: self.what, log }
        })
    }
}

impl Answer {
    /// The answer, which must have that status.
    pub(crate) fn expect(self, status: u16) -> Self {
        let Self { what, log, .. } = &self;
        assert_eq!(self.status, status, "{what} answered\n{:#}\nThe service said:\n{}", self.body, tail(log));
        self
    }

    /// Asserts that it was refused with that status and stable code.
    pub(crate) fn refused(self, status: u16, code: &str) {
        let answer = self.expect(status);
        assert_eq!(answer.body["code"], code, "{} answered\n{:#}", answer.what, answer.body);
    }

    /// Whether it is the problem with that stable code.
    pub(crate) fn is(&self, code: &str) -> bool {
        self.body["code"] == code
    }

    /// A text of the body.
    pub(crate) fn text(&self, field: &str) -> String {
        self.at(&format!("/{field}"))
    }

    /// A text of the body, by its JSON pointer (RFC 6901).
    pub(crate) fn at(&self, pointer: &str) -> String {
        let found = self.body.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("{} gave no {pointer}: {:#}", self.what, self.body)).to_owned()
    }
}
