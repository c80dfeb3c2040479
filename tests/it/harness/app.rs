//! The real service for one test: the program `colophon serve` on a fresh data directory, spoken to over HTTP as
//! a curator, a shop and a buyer would.

mod http;
mod process;
mod world;

use std::path::PathBuf;
use std::process::{ChildStderr, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use catalog::chance::SystemChance;
use catalog::clock::{Clock, SystemClock};
use catalog::ids::EventId;
use catalog::image::ImageFormat;
use minting::drawing;
use minting::signer::SigningKey;
use serde_json::{Value, json};
use tests::anvil::Anvil;
use tests::program::free_address;
pub(crate) use tests::wallet::Wallet;

pub(crate) use self::http::{Answer, Request};
use self::process::Service;
use self::world::World;
use super::crooked::{CrookedNode, Manner};
use super::database::TestDb;

/// How long a token may take to be confirmed: blocks come once a second, finality two blocks later.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running service with its world: database, chain, secrets.
pub(crate) struct TestApp {
    /// The processes of the service; requests take turns among them.
    processes: Vec<Service>,
    turn: AtomicUsize,
    world: World,
    curator: String,
    shop: String,
    client: reqwest::Client,
}

impl TestApp {
    /// Starts the service on the database of this test. On `SQLite` it is the embedded default, which brings its own
    /// chain; on `PostgreSQL` chain, contract and secrets are given to it, as in production.
    pub(crate) async fn start(db: &TestDb) -> Self {
        Self::start_with(db, &[]).await
    }

    /// Starts the service with some settings of the test's own.
    pub(crate) async fn start_with(db: &TestDb, settings: &[(&'static str, &str)]) -> Self {
        Self::start_in(World::make(db, settings).await).await
    }

    /// Starts the service beside a chain that the test has its hand on, on both databases.
    pub(crate) async fn start_beside_a_chain(db: &TestDb) -> Self {
        Self::start_beside_a_chain_with(db, &[]).await
    }

    /// The same, with some settings of the test's own.
    pub(crate) async fn start_beside_a_chain_with(db: &TestDb, settings: &[(&'static str, &str)]) -> Self {
        Self::start_in(World::beside_a_chain(db, settings).await).await
    }

    /// The same, behind a provider that does as the test tells it.
    pub(crate) async fn start_behind_a_provider(
        db: &TestDb,
        settings: &[(&'static str, &str)],
    ) -> (Self, CrookedNode) {
        let mut world = World::beside_a_chain(db, settings).await;
        let provider = CrookedNode::start(world.chain().url(), Manner::Honest).await;
        world.set("COLOPHON_RPC_URLS", provider.url());
        (Self::start_in(world).await, provider)
    }

    async fn start_in(world: World) -> Self {
        let mut app = Self::not_started_in(world);
        app.start_again().await;
        app
    }

    /// The service in its world, with its API keys, before its first start.
    pub(crate) async fn not_started(db: &TestDb) -> Self {
        Self::not_started_in(World::make(db, &[]).await)
    }

    fn not_started_in(world: World) -> Self {
        let (curator, shop) = (world.create_key("curator"), world.create_key("shop"));
        // A connection each: one that was kept may be closed while a question is on its way.
        let client = reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("a client");
        Self { processes: Vec::new(), turn: AtomicUsize::new(0), world, curator, shop, client }
    }

    /// Makes new API keys: those that there were are not in these books.
    pub(crate) fn make_keys(&mut self) {
        (self.curator, self.shop) = (self.world.create_key("curator"), self.world.create_key("shop"));
    }

    /// Starts a further process of the same service; from now on requests take turns.
    pub(crate) async fn add_process(&mut self) {
        self.processes.push(Service::start(&self.world, &free_address()).await);
    }

    fn next_process(&self) -> &Service {
        &self.processes[self.turn.fetch_add(1, Ordering::Relaxed) % self.processes.len()]
    }

    /// Kills the service as a power cut would.
    pub(crate) fn die(&mut self) {
        self.processes.iter_mut().for_each(Service::kill);
        self.processes.clear();
    }

    /// Starts the service again on what is left.
    pub(crate) async fn start_again(&mut self) {
        self.processes.push(Service::start(&self.world, self.world.address()).await);
    }

    /// Starts the service again with its log in a pipe that nobody reads. It breaks when it is dropped.
    pub(crate) async fn start_with_an_unread_log(&mut self) -> ChildStderr {
        let (service, log) = Service::start_with_an_unread_log(&self.world, self.world.address()).await;
        self.processes.push(service);
        log
    }

    /// Starts the service again; how it ended before it was ready, if it did.
    pub(crate) async fn try_start_again(&mut self) -> Option<ExitStatus> {
        match Service::try_start(&self.world, self.world.address()).await {
            Ok(service) => {
                self.processes.push(service);
                None
            }
            Err(ended) => Some(ended),
        }
    }

    /// How the one process of the service ended, if it does within `patience`.
    pub(crate) async fn end_within(&mut self, patience: Duration) -> Option<ExitStatus> {
        let ended = self.processes[0].end_within(patience).await;
        if ended.is_some() {
            self.processes.clear();
        }
        ended
    }

    /// Tells every process to stop, as a supervisor does.
    pub(crate) fn tell_to_stop(&self) {
        self.processes.iter().for_each(Service::tell_to_stop);
    }

    /// Lets no process write to a file beyond so many bytes from now on; none: as they like.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        self.processes.iter().for_each(|service| service.limit_files(bytes));
    }

    /// All that the first process has said.
    pub(crate) fn log(&self) -> String {
        let log = std::fs::read(self.processes[0].log()).expect("a log");
        String::from_utf8_lossy(&log).into_owned()
    }

    /// What the first process said last.
    pub(crate) fn log_tail(&self) -> String {
        self.processes.first().map(Service::log_tail).unwrap_or_default()
    }

    /// Changes a setting for the next start.
    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.world.set(name, value);
    }

    /// Goes on with another database from the next start on. It has no keys of ours: they are made anew.
    pub(crate) fn move_to(&mut self, url: &str) {
        self.world.set("COLOPHON_DATABASE_URL", url);
        self.curator = self.world.create_key("curator");
        self.shop = self.world.create_key("shop");
    }

    /// The account of a lane (EIP-55).
    pub(crate) fn signer(&self, name: &str) -> String {
        self.world.signer(name)
    }

    /// The key of a lane.
    pub(crate) fn signing_key(&self, name: &str) -> SigningKey {
        self.world.signing_key(name)
    }

    /// What a process with one other setting says when it refuses to start.
    pub(crate) fn refuses_to_start_with(&self, name: &str, value: &str) -> String {
        Service::refuses_to_start(&self.world, (name, value))
    }

    /// A folder beside the service's own.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.world.folder(name)
    }

    /// Kills the development chain that the service started.
    pub(crate) fn kill_embedded_chain(&self) {
        self.world.kill_embedded_chain();
    }

    // The curator.

    /// Catalogs an artwork; gives its id.
    pub(crate) async fn catalog_artwork(&self) -> String {
        let artwork = json!({
            "artist": "葛飾北斎",
            "title": { "zh": "神奈川冲浪里", "en": "Under the Wave off Kanagawa" },
            "year": 1831,
        });
        self.post("/v1/artworks", &artwork).by_curator().once().await.expect(201).text("artwork_id")
    }

    /// Uploads a print image that no other test has; gives its SHA-256.
    pub(crate) async fn upload_image(&self, artwork_id: &str) -> String {
        self.upload_drawing(artwork_id, u64::try_from(SystemClock.now().as_micros()).expect("a time")).await
    }

    /// Uploads the print image that is drawn from `seed`; gives its SHA-256.
    pub(crate) async fn upload_drawing(&self, artwork_id: &str, seed: u64) -> String {
        let image = drawing::encode(&drawing::draw(seed, 640, 480), ImageFormat::Png).expect("a picture");
        let artwork = self.put(&format!("/v1/artworks/{artwork_id}/image"), image).by_curator().await;
        artwork.expect(200).at("/image/sha256")
    }

    /// Uploads an image whose second half comes when `more` says so; gives the status.
    pub(crate) async fn upload_slowly(
        &self,
        artwork_id: &str,
        image: Vec<u8>,
        more: tokio::sync::oneshot::Receiver<()>,
    ) -> u16 {
        let (first, second) = image.split_at(image.len() / 2);
        let (first, second) = (first.to_vec(), second.to_vec());
        let halves = futures_util::stream::once(async move { Ok::<_, std::io::Error>(first) });
        let halves = futures_util::StreamExt::chain(
            halves,
            futures_util::stream::once(async move {
                let _ = more.await;
                Ok(second)
            }),
        );
        let url = format!("{}/v1/artworks/{artwork_id}/image", self.url());
        let body = reqwest::Body::wrap_stream(halves);
        let answer = self.client.put(url).bearer_auth(&self.curator).body(body).send().await;
        answer.expect("an answer").status().as_u16()
    }

    /// Drafts an edition of `size` sheets and two artist's proofs; gives its id.
    pub(crate) async fn draft_edition(&self, artwork_id: &str, size: u64) -> String {
        let edition = json!({
            "size": size,
            "proofs": { "artist_proofs": 2 },
            "medium": "color woodblock print",
            "support": "kozo paper",
            "sheet_size_mm": { "height": 257, "width": 379 },
            "royalty": { "basis_points": 500 },
        });
        let path = format!("/v1/artworks/{artwork_id}/editions");
        self.post(&path, &edition).by_curator().once().await.expect(201).text("edition_id")
    }

    /// Catalogs an artwork with an image and publishes an edition of it; gives the edition's id.
    pub(crate) async fn publish_edition(&self, size: u64) -> String {
        let artwork_id = self.catalog_artwork().await;
        self.upload_image(&artwork_id).await;
        let edition_id = self.draft_edition(&artwork_id, size).await;
        self.publish(&edition_id).await.expect(202);
        edition_id
    }

    /// Publishes a draft.
    pub(crate) async fn publish(&self, edition_id: &str) -> Answer {
        self.post_nothing(&format!("/v1/editions/{edition_id}/publish")).by_curator().await
    }

    // The shop.

    /// Sells one sheet of an edition under an order of its own; gives the sale.
    pub(crate) async fn sell(&self, edition_id: &str) -> Value {
        let order = fresh("order");
        self.record_sale(edition_id, &order).await.expect(201).body["sales"][0].clone()
    }

    /// Tells of a sale under a given order.
    pub(crate) async fn record_sale(&self, edition_id: &str, order: &str) -> Answer {
        let sale = json!({
            "channel": "boutique",
            "order": order,
            "line": "1",
            "edition_id": edition_id,
            "price": { "amount_minor": 1_940_000, "currency": "CNY" },
            "sold_at": "2026-11-20T09:30:00Z",
        });
        self.post("/v1/sales", &sale).by_shop().once().await
    }

    /// Tells that the sheet of a sale left the house.
    pub(crate) async fn ship(&self, sale: &Value) -> Answer {
        let shipment = json!({ "carrier": "SF Express", "shipped_at": "2026-11-21T10:00:00Z" });
        self.post(&format!("/v1/sales/{}/shipment", id_of(sale)), &shipment).by_shop().await
    }

    /// Sells a sheet and ships it with its card; gives the code on the card.
    pub(crate) async fn shipped(&self, edition_id: &str) -> String {
        self.shipped_sale(edition_id).await.1
    }

    /// Sells a sheet and ships it with its card; gives the sale and the code on the card.
    pub(crate) async fn shipped_sale(&self, edition_id: &str) -> (Value, String) {
        let sale = self.sell(edition_id).await;
        let code = self.claim_code(&sale).await;
        self.ship(&sale).await.expect(200);
        (sale, code)
    }

    /// The code for the card in the box.
    pub(crate) async fn claim_code(&self, sale: &Value) -> String {
        let path = format!("/v1/sales/{}/claim/code", id_of(sale));
        self.post_nothing(&path).by_shop().once().await.expect(201).text("code")
    }

    /// Tells what else happened to a sale: `refund`, `return`, `dispute`, …
    pub(crate) async fn tell(&self, sale: &Value, what: &str, body: &Value) -> Answer {
        self.post(&format!("/v1/sales/{}/{what}", id_of(sale)), body).by_shop().await
    }

    // The buyer.

    /// Redeems a code for a wallet that signs its challenge.
    pub(crate) async fn redeem(&self, code: &str, wallet: &Wallet) -> Answer {
        let asked = json!({ "code": code, "recipient": wallet.address() });
        let challenge = self.post("/v1/claims/challenge", &asked).await;
        if challenge.status != 200 {
            return challenge;
        }
        let signature = wallet.sign(&challenge.text("message"));
        self.redeem_with(code, &wallet.address(), &signature).await
    }

    /// Redeems a code with whatever signature.
    pub(crate) async fn redeem_with(&self, code: &str, recipient: &str, signature: &str) -> Answer {
        let asked = json!({ "code": code, "recipient": recipient, "signature": signature });
        self.post("/v1/claims/redeem", &asked).await
    }

    /// Redeems a code without a wallet.
    pub(crate) async fn keep(&self, code: &str) -> Answer {
        self.post("/v1/claims/redeem", &json!({ "code": code, "safekeeping": true })).await
    }

    /// Has a token released out of safekeeping to a wallet that signs a challenge.
    pub(crate) async fn release(&self, code: &str, wallet: &Wallet) -> Answer {
        let asked = json!({ "code": code, "recipient": wallet.address() });
        let challenge = self.post("/v1/claims/challenge", &asked).await;
        if challenge.status != 200 {
            return challenge;
        }
        let signature = wallet.sign(&challenge.text("message"));
        let asked = json!({ "code": code, "recipient": wallet.address(), "signature": signature });
        self.post("/v1/claims/release", &asked).await
    }

    /// What a code stands for.
    pub(crate) async fn look_up(&self, code: &str) -> Answer {
        self.post("/v1/claims/lookup", &json!({ "code": code })).await
    }

    // Anyone.

    /// Waits until the chain has confirmed a token.
    pub(crate) async fn recorded(&self, token_id: &str) -> Value {
        let path = format!("/v1/tokens/{token_id}");
        self.wait_until(&path, |token| token["progress"] == "recorded").await
    }

    /// Waits until the chain has confirmed that an edition is open.
    pub(crate) async fn opened(&self, edition_id: &str) -> Value {
        let path = format!("/v1/editions/{edition_id}");
        let done = |edition: &Value| edition["recording"]["progress"] == "recorded";
        self.wait_until(&path, done).await
    }

    /// How far a counter of the metrics stands; zero while it never moved.
    pub(crate) async fn counted(&self, counter: &str) -> u64 {
        let url = format!("{}/metrics", self.url());
        let metrics = self.client.get(url).send().await.expect("metrics").text().await.expect("a text");
        let line = metrics.lines().find_map(|line| line.strip_prefix(counter));
        line.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
    }

    /// Waits until the service's metrics hold a line.
    pub(crate) async fn measures(&self, line: &str) {
        let begun = Instant::now();
        loop {
            let url = format!("{}/metrics", self.url());
            let metrics = self.client.get(url).send().await.expect("metrics").text().await.expect("a text");
            if metrics.lines().any(|told| told == line) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "no `{line}` in\n{metrics}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Asks for a path until the answer is as wanted.
    pub(crate) async fn wait_until(&self, path: &str, done: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let found = self.get(path).by_curator().await.expect(200).body;
            if done(&found) {
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "still\n{found:#}\n{}", self.processes[0].log_tail());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Where the service answers.
    pub(crate) fn url(&self) -> &str {
        self.processes[0].url()
    }

    /// Lets a command of the checkout find this service's data, as the program itself does.
    pub(crate) fn surround(&self, command: &mut std::process::Command) {
        self.world.surround(command);
        command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    }

    /// The chain that the test has its hand on.
    pub(crate) fn chain(&self) -> &Anvil {
        self.world.chain()
    }

    /// What the command line says to an operator, line by line.
    pub(crate) fn say(&self, arguments: &[&str]) -> Vec<String> {
        self.world.say(arguments)
    }

    /// How the command line ended.
    pub(crate) fn try_say(&self, arguments: &[&str]) -> ExitStatus {
        self.world.try_say(arguments)
    }

    /// The exit code of a command, and what it said on its standard output.
    pub(crate) fn ends(&self, arguments: &[&str]) -> (i32, String) {
        self.world.ends(arguments)
    }

    /// A key of that scope.
    pub(crate) fn key(&self, scope: &str) -> String {
        self.world.create_key(scope)
    }

    /// The program with the settings of this service.
    pub(crate) fn program(&self) -> std::process::Command {
        self.world.command()
    }

    /// What the command line objects.
    pub(crate) fn objects(&self, arguments: &[&str]) -> String {
        self.world.objects(arguments)
    }

    /// The contract that was given, by its address.
    pub(crate) fn contract(&self) -> &str {
        self.world.setting("COLOPHON_CONTRACT")
    }

    /// How many development chains run on this service's data.
    pub(crate) fn count_chains(&self) -> usize {
        self.world.count_chains()
    }

    /// Where the chain of this test answers.
    pub(crate) fn chain_url(&self) -> String {
        self.world.chain_url()
    }
}

/// The id of a sale.
pub(crate) fn id_of(sale: &Value) -> &str {
    sale["sale_id"].as_str().expect("a sale")
}

/// A text that was never used before.
pub(crate) fn fresh(kind: &str) -> String {
    format!("{kind}-{}", EventId::generate(SystemClock.now(), &SystemChance))
}
