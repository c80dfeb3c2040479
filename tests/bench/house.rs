//! What stands around the service that is measured: a folder, a chain with the contract on it, secrets, a database.

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use api::secrets::Secrets;
use catalog::chance::SystemChance;
use catalog::db::Db;
use minting::signer::SigningKey;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;
use tests::anvil::{Anvil, Blocks};
use tests::database::open;
use tests::house::{self, Settings};
use tests::postgres;
use tests::program::{free_address, tail};
use tests::trade::client::Client;
use tests::trade::publishing::{self, Published};

use super::inclusion::Inclusion;
use super::plan::{Database, Plan};
use super::{stock, tell};

/// A million ether.
const ALLOWANCE: &str = "0xd3c21bcecceda1000000";
/// Chain id of the chains that anvil makes when it is not told otherwise.
pub(crate) const CHAIN_ID: u64 = 31_337;
/// Numbered sheets of an edition: with one artist's proof the most that an edition may have.
pub(crate) const RUN: u32 = 9_998;
/// How long the service may take to start, and to end.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long editions may take until they are open.
const OPENING: Duration = Duration::from_mins(5);

/// Where the service lives.
pub(crate) struct House {
    folder: TempDir,
    settings: Settings,
    database_name: Option<String>,
    pub(crate) chain: Anvil,
    /// The contract (`0x…`).
    pub(crate) contract: String,
    pub(crate) books: Db,
    pub(crate) address: String,
    curator: String,
    shop: String,
}

/// A running service. It ends when it is dropped.
pub(crate) struct Service(Child);

impl House {
    /// Makes everything as an operator would.
    pub(crate) async fn make(plan: &Plan) -> Self {
        let folder = TempDir::with_prefix("colophon-bench-").expect("a folder");
        let chain = Anvil::start(Blocks::EverySecondWithRoom(plan.block_gas));
        let secrets = folder.path().join("secrets");
        for account in house::make_secrets(&secrets, plan.signers, &SystemChance) {
            chain.ask("anvil_setBalance", json!([account, ALLOWANCE])).await;
        }
        let (database_url, database_name) = match plan.database {
            Database::Sqlite => {
                (format!("sqlite:{}", folder.path().join("data/colophon.db").display()), None)
            }
            Database::Postgres => {
                let name = postgres::create_database().await;
                (postgres::url_of(&name), Some(name))
            }
        };
        let address = free_address();
        let mut settings = vec![
            ("COLOPHON_PUBLIC_BASE_URL", format!("http://{address}")),
            ("COLOPHON_DATA_DIR", folder.path().join("data").display().to_string()),
            ("COLOPHON_DATABASE_URL", database_url.clone()),
            ("COLOPHON_SECRETS_DIR", secrets.display().to_string()),
            ("COLOPHON_CHAIN_ID", CHAIN_ID.to_string()),
            ("COLOPHON_MINTING__HOURLY_CAP", "1000000".to_owned()),
        ];
        let contract =
            house::say(folder.path(), &settings, &["--rpc-url", chain.url(), "contract", "deploy"]);
        settings.push(("COLOPHON_CONTRACT", contract.clone()));
        settings.push(("COLOPHON_RPC_URLS", chain.url().to_owned()));
        let key =
            |scope| house::say(folder.path(), &settings, &["key", "create", "--scope", scope, "--quiet"]);
        let (curator, shop) = (key("curator"), key("shop"));
        let books = open(&database_url).await;
        Self { folder, settings, database_name, chain, contract, books, address, curator, shop }
    }

    /// Starts the service and waits until it answers.
    pub(crate) async fn serve(&self) -> Service {
        let log = self.folder.path().join("service.log");
        let file = std::fs::File::options().create(true).append(true).open(&log).expect("a log");
        let mut command = house::command(self.folder.path(), &self.settings);
        command.args(["serve", "--listen", &self.address]);
        command.stdin(Stdio::null()).stdout(file.try_clone().expect("a log")).stderr(file);
        let service = Service(command.spawn().expect("the service to be started"));
        let url = format!("http://{}/healthz", self.address);
        let begun = Instant::now();
        while !reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(begun.elapsed() < PATIENCE, "the service did not start:\n{}", tail(&log));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        service
    }

    /// A way to the service.
    pub(crate) fn client(&self) -> Client {
        Client::new(vec![self.address.clone()], self.curator.clone(), self.shop.clone())
    }

    /// The minter's key.
    pub(crate) fn minter(&self) -> SigningKey {
        SigningKey::open(&self.folder.path().join("secrets"), "minter").expect("the minter's keystore")
    }

    /// Everything secret that the service works with.
    pub(crate) fn secrets(&self) -> Secrets {
        Secrets::load(&self.folder.path().join("secrets")).expect("the secrets")
    }

    /// The folder of it all.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Publishes so many editions of [`RUN`] sheets, waits until the chain has them, and sells and redeems one sheet:
    /// the sale that others are copies of.
    pub(crate) async fn publish(&self, count: u32) -> Vec<Published> {
        let service = self.serve().await;
        let client = self.client();
        let mut editions = Vec::new();
        for number in 0..count {
            editions
                .push(publishing::publish(&client, number.into(), number, RUN).await.expect("an edition"));
        }
        let begun = Instant::now();
        while stock::closed_editions(&self.books).await > 0 {
            assert!(begun.elapsed() < OPENING, "the editions did not open");
            // Nobody waits here for a minute until blocks are final.
            self.chain.mine(8).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let from = self.chain.height().await;
        stock::sell_the_first(&client, &editions[0]).await;
        Inclusion::wait(&self.chain, &self.contract, from, 1).await;
        service.stop().await;
        tell!("{count} editions are open, with a sale in the books");
        editions
    }

    /// Removes what was made.
    pub(crate) async fn clear_up(self) {
        self.books.close().await;
        if let Some(name) = self.database_name {
            postgres::drop_database(name).await;
        }
    }
}

impl Service {
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Tells it to end, and waits for it.
    pub(crate) async fn stop(mut self) {
        let id = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw).expect("a process");
        kill_process(id, Signal::TERM).expect("a signal");
        let begun = Instant::now();
        while matches!(self.0.try_wait(), Ok(None)) && begun.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
