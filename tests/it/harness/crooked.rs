//! A provider that misbehaves on purpose: an HTTP server in front of a real node, which hands questions on and spoils
//! the answers.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// How a provider behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Hands everything on as it is.
    Honest,
    /// An HTTP status and a page.
    Page(u16),
    /// 200 MB that never become an answer.
    Huge,
    /// One byte at a time.
    Drip,
    /// No JSON.
    Malformed,
    /// The answer to another question.
    WrongId,
    /// A hundred thousand brackets.
    Nested,
    /// The answer is said to lie elsewhere.
    Redirect(String),
    /// Says that it is of another chain.
    OtherChain(u64),
    /// So many blocks behind.
    Lagging(u64),
    /// Says that the newest block is final, that what failed went through and the reverse, counts more, and says yes to
    /// every question that is put to a contract.
    Lying,
    /// Keeps questions of this method, unanswered, until it behaves otherwise.
    Holding(&'static str),
    /// Answers `eth_sendRawTransaction` with this refusal.
    Refusing(&'static str),
    /// Hands what it is sent on after so long, whether or not anybody still waits, and answers then.
    Late(Duration),
    /// Says that every call to a contract needs so much gas.
    Estimating(u64),
    /// Answers this method with an error of its own.
    Failing(&'static str),
}

/// A running provider. It ends when it is dropped.
pub(crate) struct CrookedNode {
    url: String,
    desk: Arc<Desk>,
    server: JoinHandle<()>,
}

struct Desk {
    upstream: String,
    client: reqwest::Client,
    manner: Mutex<Manner>,
    asked: Mutex<Vec<(String, Value)>>,
    bytes_given: AtomicUsize,
}

impl CrookedNode {
    /// A provider in front of the node at `upstream`.
    pub(crate) async fn start(upstream: &str, manner: Manner) -> Self {
        let desk = Arc::new(Desk {
            upstream: upstream.to_owned(),
            client: reqwest::Client::new(),
            manner: Mutex::new(manner),
            asked: Mutex::default(),
            bytes_given: AtomicUsize::new(0),
        });
        let router = Router::new().fallback(post(answer)).with_state(Arc::clone(&desk));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("to serve") });
        Self { url, desk, server }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn behave(&self, manner: Manner) {
        *self.desk.manner.lock().expect("its manner") = manner;
    }

    /// The parameters of each question with that method, since the start.
    pub(crate) fn asked(&self, method: &str) -> Vec<Value> {
        let asked = self.desk.asked.lock().expect("its questions");
        asked.iter().filter(|(name, _)| name == method).map(|(_, parameters)| parameters.clone()).collect()
    }

    /// How many bytes of endless answers were taken from it.
    pub(crate) fn bytes_given(&self) -> usize {
        self.desk.bytes_given.load(Ordering::Relaxed)
    }
}

impl Drop for CrookedNode {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(desk): State<Arc<Desk>>, body: Bytes) -> Response {
    let question: Value = serde_json::from_slice(&body).expect("a question");
    let method = question["method"].as_str().expect("a method").to_owned();
    desk.asked.lock().expect("its questions").push((method.clone(), question["params"].clone()));
    let manner = desk.manner.lock().expect("its manner").clone();
    let honest = || desk.ask(&question);
    match manner {
        Manner::Page(status) => {
            let page = "<html><body><h1>nonce too low</h1></body></html>";
            let status = axum::http::StatusCode::from_u16(status).expect("a status");
            (status, page).into_response()
        }
        Manner::Huge => {
            let pieces = stream::iter((0..3_200).map(|_| Bytes::from(vec![b'0'; 64 << 10])));
            desk.endless(pieces)
        }
        Manner::Drip => {
            let drip = stream::unfold((), async |()| {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Some((Bytes::from_static(b" "), ()))
            });
            desk.endless(drip)
        }
        Manner::Malformed => "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":".into_response(),
        Manner::WrongId => {
            let mut answer = honest().await;
            answer["id"] = json!(4_711);
            answer.to_string().into_response()
        }
        Manner::Nested => {
            let id = &question["id"];
            let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
            format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{open}{close}}}").into_response()
        }
        Manner::Redirect(place) => {
            (axum::http::StatusCode::TEMPORARY_REDIRECT, [("location", place)]).into_response()
        }
        Manner::OtherChain(id) if method == "eth_chainId" => told(&question, &json!(format!("{id:#x}"))),
        Manner::Refusing(text) if method == "eth_sendRawTransaction" => {
            let error = json!({ "code": -32_000, "message": text });
            json!({ "jsonrpc": "2.0", "id": question["id"], "error": error }).to_string().into_response()
        }
        Manner::Holding(held) if method == held => {
            // Whoever gives up waiting takes the question back with the connection.
            while *desk.manner.lock().expect("its manner") == Manner::Holding(held) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            honest().await.to_string().into_response()
        }
        Manner::Late(time) if method == "eth_sendRawTransaction" => {
            let late = tokio::spawn(async move {
                tokio::time::sleep(time).await;
                desk.ask(&question).await
            });
            late.await.expect("the node").to_string().into_response()
        }
        Manner::Estimating(gas) if method == "eth_estimateGas" => {
            told(&question, &json!(format!("{gas:#x}")))
        }
        Manner::Failing(failing) if method == failing => {
            let error = json!({ "code": -32_603, "message": "internal error" });
            json!({ "jsonrpc": "2.0", "id": question["id"], "error": error }).to_string().into_response()
        }
        Manner::Honest
        | Manner::Holding(_)
        | Manner::OtherChain(_)
        | Manner::Refusing(_)
        | Manner::Late(_)
        | Manner::Estimating(_)
        | Manner::Failing(_) => honest().await.to_string().into_response(),
        Manner::Lagging(blocks) => desk.lag(question, &method, blocks).await,
        Manner::Lying => desk.lie(question, &method).await,
    }
}

/// Waits for something that another task does, such as asking a node.
pub(crate) async fn eventually(holds: impl Fn() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it never came about");
}

fn told(question: &Value, result: &Value) -> Response {
    json!({ "jsonrpc": "2.0", "id": question["id"], "result": result }).to_string().into_response()
}

fn number(quantity: &Value) -> u64 {
    let digits = quantity.as_str().and_then(|text| text.strip_prefix("0x")).expect("a quantity");
    u64::from_str_radix(digits, 16).expect("a quantity")
}

impl Desk {
    async fn ask(&self, question: &Value) -> Value {
        let answer = self.client.post(&self.upstream).json(question).send().await.expect("the node");
        answer.json().await.expect("JSON")
    }

    async fn result(&self, method: &str, parameters: Value) -> Value {
        let question = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": parameters });
        self.ask(&question).await["result"].take()
    }

    fn endless(
        self: &Arc<Self>,
        pieces: impl futures_util::Stream<Item = Bytes> + Send + 'static,
    ) -> Response {
        let desk = Arc::clone(self);
        let counted = futures_util::StreamExt::map(pieces, move |piece| {
            desk.bytes_given.fetch_add(piece.len(), Ordering::Relaxed);
            Ok::<_, Infallible>(piece)
        });
        Body::from_stream(counted).into_response()
    }

    /// As a replica that has not heard of the last blocks.
    async fn lag(&self, mut question: Value, method: &str, blocks: u64) -> Response {
        let head = number(&self.result("eth_blockNumber", json!([])).await).saturating_sub(blocks);
        match method {
            "eth_blockNumber" => return told(&question, &json!(format!("{head:#x}"))),
            "eth_getBlockByNumber" => {
                let asked = &question["params"][0];
                let height = match asked.as_str() {
                    Some("latest" | "pending") => head,
                    Some("finalized" | "safe") => head.saturating_sub(2),
                    _ => number(asked),
                };
                if height > head {
                    return told(&question, &Value::Null);
                }
                question["params"][0] = json!(format!("{height:#x}"));
            }
            "eth_getTransactionCount"
                if question["params"][1].as_str().is_some_and(|at| !at.starts_with("0x")) =>
            {
                question["params"][1] = json!(format!("{head:#x}"));
            }
            "eth_getTransactionReceipt" => {
                let mut answer = self.ask(&question).await;
                if answer["result"].is_object() && number(&answer["result"]["blockNumber"]) > head {
                    answer["result"] = Value::Null;
                }
                return answer.to_string().into_response();
            }
            _ => {}
        }
        self.ask(&question).await.to_string().into_response()
    }

    async fn lie(&self, mut question: Value, method: &str) -> Response {
        if method == "eth_getBlockByNumber" && question["params"][0] == "finalized" {
            question["params"][0] = json!("latest");
        }
        let mut answer = self.ask(&question).await;
        match method {
            "eth_getTransactionCount" => {
                let count = number(&answer["result"]) + 5;
                answer["result"] = json!(format!("{count:#x}"));
            }
            "eth_call" => answer["result"] = json!(format!("0x{:064x}", 1)),
            "eth_getTransactionReceipt" if answer["result"].is_object() => {
                let succeeded = answer["result"]["status"] == "0x1";
                answer["result"]["status"] = json!(if succeeded { "0x0" } else { "0x1" });
            }
            _ => {}
        }
        answer.to_string().into_response()
    }
}
