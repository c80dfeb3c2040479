//! A service that is made to die at one place after the other, and whoever asks it until it answers.

use std::collections::VecDeque;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog::db::{Db, DbKind};
use futures_util::future::BoxFuture;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::ledger::Ledger;
use crate::harness::app::{Answer, Request, TestApp, fresh};
use crate::harness::database::TestDb;
use crate::harness::receiver::Receiver;

/// A block comes so often; it is final two blocks later.
const BLOCK_TIME: Duration = Duration::from_millis(60);
/// How long anything that is waited for may take.
const PATIENCE: Duration = Duration::from_secs(40);
/// The number of the signal by which `abort` ends a process.
pub(super) const ABORT: i32 = 6;

const SETTINGS: [(&str, &str); 10] = [
    ("COLOPHON_OUTBOX__ALLOW_LOOPBACK", "true"),
    ("COLOPHON_OUTBOX__TIMEOUT_SECONDS", "2"),
    ("COLOPHON_OUTBOX__RETRY_SECONDS", "1,1,1,1,1,1,1,1,1,1"),
    ("COLOPHON_RETURNS__SETTLE_EARLY", "true"),
    ("COLOPHON_RETURNS__WINDOW_DAYS", "0"),
    ("COLOPHON_RETURNS__PROCESSING_DAYS", "1"),
    ("COLOPHON_RETURNS__TRANSIT_DAYS", "0"),
    ("COLOPHON_MINTING__LEASE_SECONDS", "5"),
    ("COLOPHON_MINTING__BUMP_AFTER_SECONDS", "2"),
    ("COLOPHON_MINTING__POLL_INTERVAL_MS", "60"),
];

/// What happens between two deaths.
pub(super) type Story = for<'a> fn(&'a mut Ordeal) -> BoxFuture<'a, ()>;

/// A question about what can be seen from outside.
pub(super) trait Seen: for<'a> Fn(&'a Ordeal) -> BoxFuture<'a, bool> + Send {}

impl<F: for<'a> Fn(&'a Ordeal) -> BoxFuture<'a, bool> + Send> Seen for F {}

/// The service, the places where it has yet to die, and what was agreed with it.
pub(super) struct Ordeal {
    pub(super) app: TestApp,
    pub(super) books: Db,
    pub(super) ledger: Ledger,
    /// Whom events are told, once somebody asked for it.
    pub(super) receiver: Option<Receiver>,
    /// Its address.
    pub(super) contract: String,
    /// Held by whoever makes blocks or unmakes them.
    pub(super) blocks: Arc<Mutex<()>>,
    waiting: VecDeque<&'static str>,
    armed: Option<&'static str>,
    deaths: usize,
    miner: JoinHandle<()>,
}

impl Ordeal {
    /// Starts a house on a chain of quick blocks; the service will die at `points`, one after the other.
    pub(super) async fn begin(db: &TestDb, points: &[&'static str]) -> Self {
        let app = TestApp::start_beside_a_chain_with(db, &SETTINGS).await;
        app.chain().ask("evm_setIntervalMining", json!([0])).await;
        let blocks = Arc::new(Mutex::new(()));
        let miner = tokio::spawn(make_blocks(app.chain_url(), Arc::clone(&blocks)));
        let contract = app.contract().to_owned();
        let mut ordeal = Self {
            app,
            contract,
            books: db.db.clone(),
            ledger: Ledger::default(),
            receiver: None,
            blocks,
            waiting: VecDeque::new(),
            armed: None,
            deaths: 0,
            miner,
        };
        ordeal.await_points(points);
        ordeal
    }

    /// From the next start on, the service dies at these places.
    pub(super) fn await_points(&mut self, points: &[&'static str]) {
        // Whoever is on the second database in an ordinary test run dies at one place in four: it is the same code.
        let thinned = self.books.kind() == DbKind::Postgres && points.len() > 8 && !all_places();
        self.waiting.extend(points.iter().step_by(if thinned { 4 } else { 1 }));
    }

    /// Plays a story again and again until the service has died at every place. A story in which it does not die
    /// shows a place that is never come to.
    pub(super) async fn drive(&mut self, story: Story) {
        self.app.die();
        self.free_lanes().await;
        self.start_armed().await;
        while self.armed.is_some() {
            let before = self.deaths;
            story(self).await;
            assert!(self.deaths > before, "{:?} is never come to", self.armed);
        }
    }

    /// Whether the service died at every place.
    pub(super) fn is_over(&self) -> bool {
        self.armed.is_none()
    }

    /// Whether it is to die at `point` now.
    pub(super) fn is_at(&self, point: &str) -> bool {
        self.armed == Some(point)
    }

    /// Lets everything come to its end, stops the service and compares what is there with what was agreed.
    pub(super) async fn end(mut self) {
        let ledger = std::mem::take(&mut self.ledger);
        ledger.judge(&mut self).await;
        println!("died {} times", self.deaths);
    }

    /// Asks under an idempotency key until there is an answer.
    pub(super) async fn ask(&mut self, make: impl Fn(&TestApp) -> Request<'_>) -> Answer {
        let mut key = fresh("once");
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < PATIENCE, "no answer; at {:?}\n{}", self.armed, self.app.log_tail());
            match make(&self.app).under(&key).attempt().await {
                // The other database cannot know that whoever held the key is dead.
                Some(answer) if answer.is("request_in_flight") && self.books.kind() == DbKind::Postgres => {
                    key = fresh("once");
                }
                Some(answer) => return answer,
                None => self.go_on().await,
            }
        }
    }

    /// Asks for a path until the answer is as wanted.
    pub(super) async fn until(&mut self, path: &str, done: impl Fn(&Value) -> bool) -> Value {
        self.until_answered(|app| app.get(path).by_shop(), done).await
    }

    /// The same for what only curators see.
    pub(super) async fn until_by_curator(&mut self, path: &str, done: impl Fn(&Value) -> bool) -> Value {
        self.until_answered(|app| app.get(path).by_curator(), done).await
    }

    async fn until_answered(
        &mut self,
        make: impl Fn(&TestApp) -> Request<'_>,
        done: impl Fn(&Value) -> bool,
    ) -> Value {
        let begun = Instant::now();
        loop {
            match make(&self.app).attempt().await {
                Some(answer) if answer.status == 200 && done(&answer.body) => return answer.body,
                Some(answer) => {
                    let (status, body) = (answer.status, answer.body);
                    let waited = begun.elapsed();
                    assert!(waited < PATIENCE, "still {status}\n{body:#}\n{}", self.app.log_tail());
                    tokio::time::sleep(Duration::from_millis(25)).await;
                }
                None => self.go_on().await,
            }
        }
    }

    /// Waits until something else than an answer shows that the service went on, or died.
    pub(super) async fn until_seen(&mut self, what: &str, seen: impl Seen) {
        let begun = Instant::now();
        while !seen(self).await {
            assert!(begun.elapsed() < PATIENCE, "{what}: not seen\n{}", self.app.log_tail());
            self.look().await;
        }
    }

    /// Waits until the service has died at every place.
    pub(super) async fn until_over(&mut self) {
        self.until_seen("the last place", |ordeal| Box::pin(async { ordeal.is_over() })).await;
    }

    /// Starts the service again if it has died.
    pub(super) async fn look(&mut self) {
        if let Some(ended) = self.app.end_within(Duration::from_millis(25)).await {
            self.died(ended);
            self.start_next().await;
        }
    }

    /// Kills the service and starts it again, with the same place to die at.
    pub(super) async fn start_anew(&mut self) {
        self.app.die();
        self.free_lanes().await;
        self.start_armed_or_again().await;
    }

    /// The service gave no answer: it must have died where it was to, and is started again.
    pub(super) async fn go_on(&mut self) {
        let ended = self.app.end_within(Duration::from_secs(5)).await;
        let ended =
            ended.unwrap_or_else(|| panic!("a service that lives gave no answer\n{}", self.app.log_tail()));
        self.died(ended);
        self.start_next().await;
    }

    fn died(&mut self, ended: ExitStatus) {
        assert_eq!(ended.signal(), Some(ABORT), "the service ended by itself, at {:?}: {ended}", self.armed);
        assert!(self.armed.is_some(), "the service died where it should not");
        self.armed = None;
        self.deaths += 1;
    }

    async fn start_next(&mut self) {
        self.free_lanes().await;
        self.start_armed().await;
    }

    async fn start_armed(&mut self) {
        self.armed = self.waiting.pop_front();
        self.start_armed_or_again().await;
    }

    async fn start_armed_or_again(&mut self) {
        loop {
            let plan = self.armed.map(|point| format!("{point}=abort")).unwrap_or_default();
            self.app.set("FAILPOINTS", &plan);
            let Some(ended) = self.app.try_start_again().await else { return };
            self.died(ended);
            self.armed = self.waiting.pop_front();
            self.free_lanes().await;
        }
    }

    /// Another process takes every lane.
    pub(super) async fn steal_lanes(&self) {
        self.write(
            "UPDATE lanes SET lease_holder = 'thief', fence = fence + 1, lease_until = 9000000000000000",
        )
        .await;
    }

    /// The time is over in which calls that did not go through wait.
    pub(super) async fn let_parked_calls_go(&self) {
        self.write("UPDATE calls SET not_before_at = 0 WHERE state = 'queued'").await;
    }

    /// A dead process keeps its lanes until their leases run out; here they have.
    pub(super) async fn free_lanes(&self) {
        self.write("UPDATE lanes SET lease_until = 0").await;
    }

    async fn write(&self, statement: &'static str) {
        let mut tx = self.books.begin_write().await.expect("the books");
        tx.execute(statement, &[]).await.expect("an update");
        tx.commit().await.expect("a commit");
    }
}

impl Drop for Ordeal {
    fn drop(&mut self) {
        self.miner.abort();
    }
}

#[expect(clippy::disallowed_methods, reason = "how much is tested is told in the environment")]
fn all_places() -> bool {
    std::env::var("COLOPHON_TEST_CRASHES").is_ok_and(|how_many| how_many == "all")
}

async fn make_blocks(chain: String, blocks: Arc<Mutex<()>>) {
    let client = Client::new();
    let block = json!({ "jsonrpc": "2.0", "id": 1, "method": "evm_mine", "params": [] });
    let mut clock = tokio::time::interval(BLOCK_TIME);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        clock.tick().await;
        let _one_at_a_time = blocks.lock().await;
        // A chain that is gone needs no blocks.
        let _ = client.post(&chain).json(&block).send().await;
    }
}
