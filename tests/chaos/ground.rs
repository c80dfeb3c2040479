//! What stands around the service: a folder, a chain with the contract on it, secrets, a database, and the proxy that
//! the service takes for its node.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use catalog::account::Account;
use catalog::db::Db;
use minting::signer::SigningKey;
use minting::wallet;
use serde_json::json;
use tempfile::TempDir;
use tests::anvil::{Anvil, Blocks};
use tests::database::open;
use tests::dice::SeededChance;
use tests::house::{self, Settings};
use tests::postgres;
use tests::program::free_address;
use tests::trade::client::Client;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::plan::{Database, Plan};
use crate::proxy::Proxy;
use crate::tell;

/// A hundred thousand ether: gas for a long run.
const ALLOWANCE: &str = "0x152d02c7e14af6800000";
/// Chain id of the chains that anvil makes when it is not told otherwise.
const CHAIN_ID: &str = "31337";
/// A block comes so often.
const BLOCK_TIME: Duration = Duration::from_millis(250);
/// Blocks after the deployment, so that no reorg reaches it.
const FOUNDATION: u64 = 100;

/// Tables that are kept when something was found, a row a line.
const KEPT: [(&str, &str); 4] = [
    (
        "lanes",
        "
        SELECT signer || ' ' || role || ' fence ' || fence || ' first nonce ' || first_nonce || ' '
               || coalesce(frozen_reason, 'works')
        FROM lanes
        ORDER BY signer",
    ),
    (
        "transactions",
        "
        SELECT signer || ' nonce ' || nonce || ' ' || transaction_id || ' ' || kind || ' ' || state || ' fence ' || fence
               || ' attempt ' || coalesce(attempt_hash, '-') || ' block ' || coalesce(block_number, 0) || ' '
               || coalesce(block_hash, '-') || ' bound ' || bound_at || ' updated ' || updated_at
        FROM transactions
        ORDER BY signer, nonce",
    ),
    (
        "attempts",
        "
        SELECT transaction_id || ' ' || attempt_hash || ' fee ' || max_fee || ' tip ' || max_priority_fee || ' fence '
               || fence || ' signed ' || signed_at
        FROM attempts
        ORDER BY transaction_id, signed_at",
    ),
    (
        "calls",
        "
        SELECT business_key || ' ' || state || ' ' || coalesce(transaction_id, '-') || ' setbacks ' || setbacks || ' '
               || coalesce(reason, '')
        FROM calls
        ORDER BY business_key",
    ),
];

/// Where the service lives.
pub(crate) struct Ground {
    folder: PathBuf,
    settings: Settings,
    /// The chain itself, which the service never sees.
    pub(crate) chain: Arc<Anvil>,
    /// Held by whoever makes blocks or unmakes them: anvil's own clock strikes in the middle of a reorg, and then its
    /// blocks and its state contradict each other.
    pub(crate) blocks: Arc<Mutex<()>>,
    miner: JoinHandle<()>,
    /// What the service takes for the chain.
    pub(crate) proxy: Arc<Proxy>,
    /// The contract.
    pub(crate) contract: Account,
    /// The books, read beside the service.
    pub(crate) books: Db,
    database_name: Option<String>,
    /// Where each process listens.
    pub(crate) addresses: Vec<String>,
    curator: String,
    shop: String,
}

impl Ground {
    /// Makes everything as an operator would: secrets, contract, roles, keys.
    pub(crate) async fn make(plan: Arc<Plan>) -> Self {
        let folder = TempDir::with_prefix("colophon-chaos-").expect("a folder").keep();
        let chain = Arc::new(Anvil::start(Blocks::OnDemandWithEpochs));
        let blocks = Arc::new(Mutex::new(()));
        let miner = tokio::spawn(make_blocks(Arc::clone(&chain), Arc::clone(&blocks)));
        let secrets = folder.join("secrets");
        let signers = house::make_secrets(&secrets, plan.signers, &SeededChance::of(plan.seed, "secrets", 0));
        for account in &signers {
            chain.ask("anvil_setBalance", json!([account, ALLOWANCE])).await;
        }
        let (database_url, database_name) = match plan.database {
            Database::Sqlite => (format!("sqlite:{}", folder.join("data/colophon.db").display()), None),
            Database::Postgres => {
                let name = postgres::create_database().await;
                (postgres::url_of(&name), Some(name))
            }
        };
        let addresses: Vec<_> = (0..plan.processes).map(|_| free_address()).collect();
        let mut settings = vec![
            ("COLOPHON_PUBLIC_BASE_URL", format!("http://{}", addresses[0])),
            ("COLOPHON_DATA_DIR", folder.join("data").display().to_string()),
            ("COLOPHON_DATABASE_URL", database_url.clone()),
            ("COLOPHON_SECRETS_DIR", secrets.display().to_string()),
            ("COLOPHON_CHAIN_ID", CHAIN_ID.to_owned()),
            ("COLOPHON_MINTING__HOURLY_CAP", "1000000".to_owned()),
            // Small groups make many nonces.
            ("COLOPHON_MINTING__GROUP_GAS_CEILING", "1000000".to_owned()),
            ("COLOPHON_MINTING__POLL_INTERVAL_MS", "250".to_owned()),
            ("COLOPHON_MINTING__BUMP_AFTER_SECONDS", "3".to_owned()),
            ("COLOPHON_MINTING__LEASE_SECONDS", "5".to_owned()),
        ];
        let deploy = house::say(&folder, &settings, &["--rpc-url", chain.url(), "contract", "deploy"]);
        let contract = wallet::parse_account(&deploy).expect("the contract's address");
        settings.push(("COLOPHON_CONTRACT", deploy));
        chain.mine(FOUNDATION).await;
        let key = |scope| house::say(&folder, &settings, &["key", "create", "--scope", scope, "--quiet"]);
        let (curator, shop) = (key("curator"), key("shop"));
        let books = open(&database_url).await;
        let proxy = Proxy::start(&plan, chain.url(), books.clone()).await;
        tell!("the contract stands at {}, with {} minters", wallet::checksummed(contract), plan.signers);
        Self {
            folder,
            settings,
            chain,
            blocks,
            miner,
            proxy,
            contract,
            books,
            database_name,
            addresses,
            curator,
            shop,
        }
    }

    /// A way to the service's processes.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.addresses.clone(), self.curator.clone(), self.shop.clone())
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The service of process `index`, not started yet.
    pub(crate) fn service(&self, index: usize) -> Command {
        let mut command = house::command(&self.folder, &self.settings);
        let node = self.proxy.url(index);
        command.args(["serve", "--listen", &self.addresses[index], "--rpc-url", &node]);
        command
    }

    /// Where process `index` logs.
    pub(crate) fn log(&self, index: usize) -> PathBuf {
        self.folder.join(format!("service-{index}.log"))
    }

    /// The key that the service signs mints with.
    pub(crate) fn minter(&self) -> SigningKey {
        SigningKey::open(&self.folder.join("secrets"), "minter").expect("the minter's keystore")
    }

    /// Writes down what the books say of the chain, for whoever looks for the cause of a finding.
    pub(crate) async fn keep_books(&self) {
        for (table, sql) in KEPT {
            let mut tx = self.books.begin_read().await.expect("the books");
            let rows: Vec<(String,)> = tx.fetch_all(sql, &[]).await.expect("the books");
            let text: Vec<_> = rows.into_iter().map(|(row,)| row).collect();
            std::fs::write(self.folder.join(format!("{table}.txt")), text.join("\n")).expect("a file");
        }
    }

    /// Removes what a run without findings leaves.
    pub(crate) async fn clear_up(&self) {
        self.books.close().await;
        if let Some(name) = &self.database_name {
            postgres::drop_database(name.clone()).await;
        }
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tell!("{} could not be removed: {error}", self.folder.display());
        }
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        self.miner.abort();
    }
}

/// A block every quarter of a second, as long as there is a chain.
async fn make_blocks(chain: Arc<Anvil>, blocks: Arc<Mutex<()>>) {
    let mut clock = tokio::time::interval(BLOCK_TIME);
    loop {
        clock.tick().await;
        let _one_at_a_time = blocks.lock().await;
        if let Err(refused) = chain.try_ask("evm_mine", json!([])).await {
            tell!("no block: {refused}");
        }
    }
}
