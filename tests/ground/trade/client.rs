//! HTTP with the patience of a shop: what gets no answer, or one that says later, is asked again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

/// How long one answer is waited for.
const ONE_ANSWER: Duration = Duration::from_secs(5);
/// After this a question without an answer is a complaint. A request that died with its process holds its idempotency
/// key for a minute, and may die again.
const PATIENCE: Duration = Duration::from_mins(10);

/// Who asks.
#[derive(Clone, Copy)]
pub enum Who {
    /// With a curator's key.
    Curator,
    /// With a shop's key.
    Shop,
    /// Without a key.
    Buyer,
}

/// A question to the service.
pub struct Question {
    /// Who asks.
    pub who: Who,
    /// How.
    pub method: Method,
    /// Where, from the first slash on.
    pub path: String,
    /// The idempotency key.
    pub once: Option<String>,
    /// What is sent along.
    pub body: Body,
}

/// What is sent along.
pub enum Body {
    /// No body.
    Nothing,
    /// JSON.
    Json(Value),
    /// An image.
    Bytes(Vec<u8>),
}

/// An answer that stands.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its HTTP status.
    pub status: u16,
    /// Its JSON; null when it has none.
    pub body: Value,
}

/// The way to the service's processes, which take turns.
pub struct Client {
    http: reqwest::Client,
    addresses: Vec<String>,
    turn: AtomicUsize,
    curator: String,
    shop: String,
}

impl Question {
    /// A POST without an idempotency key.
    #[must_use]
    pub fn post(who: Who, path: impl Into<String>, body: Body) -> Self {
        Self { who, method: Method::POST, path: path.into(), once: None, body }
    }

    /// Under that idempotency key.
    #[must_use]
    pub fn once(mut self, key: String) -> Self {
        self.once = Some(key);
        self
    }
}

impl Client {
    /// A client of the processes at `addresses`, with a curator's and a shop's API key.
    #[must_use]
    pub fn new(addresses: Vec<String>, curator: String, shop: String) -> Self {
        let http = reqwest::Client::builder().timeout(ONE_ANSWER).build().expect("a client");
        Self { http, addresses, turn: AtomicUsize::new(0), curator, shop }
    }

    /// Asks until an answer stands; a complaint when none does, or when it is none of `good`.
    pub async fn insist(&self, question: &Question, good: &[u16]) -> Result<Answer, String> {
        let begun = Instant::now();
        let mut last = "no answer".to_owned();
        while begun.elapsed() < PATIENCE {
            match self.ask(question).await {
                Ok(answer) if good.contains(&answer.status) => return Ok(answer),
                Ok(Answer { status, body }) => {
                    last = format!("{status} {body}");
                    let later = matches!(status, 408 | 429 | 500..) || body["code"] == "request_in_flight";
                    if !later {
                        break;
                    }
                }
                Err(problem) => last = problem,
            }
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        Err(format!("{} {} after {:.0?}: {last}", question.method, question.path, begun.elapsed()))
    }

    /// Asks once; the answer, or why there was none.
    pub async fn ask(&self, question: &Question) -> Result<Answer, String> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.addresses.len();
        let url = format!("http://{}{}", self.addresses[turn], question.path);
        let mut request = self.http.request(question.method.clone(), url);
        request = match question.who {
            Who::Curator => request.bearer_auth(&self.curator),
            Who::Shop => request.bearer_auth(&self.shop),
            Who::Buyer => request,
        };
        if let Some(key) = &question.once {
            request = request.header("Idempotency-Key", key);
        }
        request = match &question.body {
            Body::Nothing => request,
            Body::Json(body) => request.json(body),
            Body::Bytes(bytes) => request.body(bytes.clone()),
        };
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.map_err(|error| error.to_string())?;
        Ok(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
    }
}

impl Answer {
    /// A text of the body, by its JSON pointer (RFC 6901).
    pub fn text(&self, pointer: &str) -> Result<String, String> {
        let found = self.body.pointer(pointer).and_then(Value::as_str);
        found.map(ToOwned::to_owned).ok_or_else(|| format!("no {pointer} in {}", self.body))
    }

    /// A number of the body, by its JSON pointer.
    pub fn number(&self, pointer: &str) -> Result<u64, String> {
        let found = self.body.pointer(pointer).and_then(Value::as_u64);
        found.ok_or_else(|| format!("no {pointer} in {}", self.body))
    }
}
