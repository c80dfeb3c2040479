//! The proxy between the service and its node: it keeps a log of every transaction that it sees, loses requests and
//! replies, delays, resets connections, answers like an overloaded gateway, lets receipts lag and lie; it holds to
//! the pool rules of geth that anvil lacks, and speaks the dialects of several nodes.

mod dialect;
mod pool;
mod receipts;
mod restarts;
mod sending;
mod server;
mod weather;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use catalog::db::Db;
use serde_json::{Value, json};

use self::pool::Pool;
use self::restarts::Restarts;
use self::weather::{Luck, Weather};
use self::wire::Wire;
use tests::dice::Dice;

use crate::plan::Plan;

/// What comes back to the service.
pub(crate) enum Reply {
    /// JSON, as a node answers.
    Json(Value),
    /// What an overloaded gateway says.
    Gateway(u16),
    /// The beginning of an answer, and then the end of the connection.
    Torn(Value),
    /// The end of the connection.
    Nothing,
}

/// The proxy.
pub(crate) struct Proxy {
    address: String,
    node: String,
    client: reqwest::Client,
    seed: u64,
    lost: u64,
    honest: AtomicBool,
    questions: AtomicU64,
    receipts: AtomicU64,
    sendings: AtomicU64,
    weather: Weather,
    pool: Pool,
    /// Every transaction that was seen.
    pub(crate) wire: Wire,
    /// How long processes took to come back.
    pub(crate) restarts: Restarts,
    /// Replies that were lost after the node took a transaction.
    pub(crate) lost_replies: AtomicU64,
    /// Requests of any kind that were spoiled in another way.
    pub(crate) spoiled: AtomicU64,
}

impl Proxy {
    /// Starts on a free port; honest until it is told otherwise.
    pub(crate) async fn start(plan: &Plan, node: &str, books: Db) -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port for the proxy");
        let address = listener.local_addr().expect("its address").to_string();
        let proxy = Arc::new(Self {
            address,
            node: node.to_owned(),
            client: reqwest::Client::new(),
            seed: plan.seed,
            lost: plan.lost,
            honest: AtomicBool::new(true),
            questions: AtomicU64::new(0),
            receipts: AtomicU64::new(0),
            sendings: AtomicU64::new(0),
            weather: Weather::of(plan.seed),
            pool: Pool::default(),
            wire: Wire::new(books),
            restarts: Restarts::new(plan.processes),
            lost_replies: AtomicU64::new(0),
            spoiled: AtomicU64::new(0),
        });
        tokio::spawn(server::serve(listener, Arc::clone(&proxy)));
        proxy
    }

    /// The node's address for process `index`.
    pub(crate) fn url(&self, index: usize) -> String {
        format!("http://{}/{index}", self.address)
    }

    /// From now on nothing is spoiled; or something is.
    pub(crate) fn be_honest(&self, honest: bool) {
        self.honest.store(honest, Ordering::SeqCst);
    }

    fn is_honest(&self) -> bool {
        self.honest.load(Ordering::SeqCst)
    }

    /// Hands a question to the node.
    async fn ask(&self, question: &Value) -> Result<Value, Reply> {
        let answer = self.client.post(&self.node).json(question).send().await;
        let answer = answer.map_err(|_| Reply::Gateway(502))?;
        answer.json().await.map_err(|_| Reply::Gateway(502))
    }

    /// Asks the node something of our own.
    async fn ask_node(&self, method: &str, parameters: Value) -> Option<Value> {
        let question = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": parameters });
        self.ask(&question).await.ok().and_then(|mut answer| answer.get_mut("result").map(Value::take))
    }

    /// Answers a question of process `index`.
    async fn answer(&self, index: usize, question: Value) -> Reply {
        let method = question["method"].as_str().unwrap_or_default();
        self.restarts.asked(index, method);
        let answer = match method {
            "eth_sendRawTransaction" => self.send(&question).await,
            "eth_getTransactionReceipt" => self.receipt(&question).await,
            _ => self.other(&question).await,
        };
        answer.unwrap_or_else(|reply| reply)
    }

    async fn other(&self, question: &Value) -> Result<Reply, Reply> {
        self.strike("question", &self.questions, question).await?;
        Ok(Reply::Json(self.ask(question).await?))
    }

    /// What the weather does to a question before it is answered.
    async fn strike(&self, kind: &str, count: &AtomicU64, question: &Value) -> Result<Dice, Reply> {
        let index = count.fetch_add(1, Ordering::Relaxed);
        let mut dice = Dice::of(self.seed, kind, index);
        if self.is_honest() {
            return Ok(dice);
        }
        let luck = self.weather.now().luck(&mut dice);
        if !matches!(luck, Luck::Good | Luck::Late(_)) {
            self.spoiled.fetch_add(1, Ordering::Relaxed);
        }
        match luck {
            Luck::Good => Ok(dice),
            Luck::Late(pause) => {
                tokio::time::sleep(pause).await;
                Ok(dice)
            }
            Luck::Gateway(status) => Err(Reply::Gateway(status)),
            Luck::RequestLost => Err(Reply::Nothing),
            Luck::ReplyLost => {
                self.ask(question).await?;
                Err(Reply::Nothing)
            }
            Luck::Torn => Err(Reply::Torn(self.ask(question).await?)),
        }
    }
}
