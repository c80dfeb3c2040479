//! What stands around the service: data directory, database, chain, secrets, contract.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicU32, Ordering};

use api::secrets::Secrets;
use catalog::chance::SystemChance;
use catalog::db::DbKind;
use minting::signer::SigningKey;
use minting::wallet;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::anvil::{Anvil, Blocks};
use tests::program::{clean_command_under_limits, free_address};

use crate::harness::database::TestDb;

/// A thousand ether: gas for a test.
const ALLOWANCE: &str = "0x3635c9adc5dea00000";
/// Chain id of the development chains that anvil makes when it is not told otherwise.
const CHAIN_ID: &str = "31337";

/// Where a service lives.
pub(crate) struct World {
    folder: TempDir,
    settings: Vec<(&'static str, String)>,
    given_chain: Option<Anvil>,
    address: String,
    logs: AtomicU32,
}

impl World {
    /// The embedded default on `SQLite`; everything given on `PostgreSQL`.
    pub(crate) async fn make(db: &TestDb, others: &[(&'static str, &str)]) -> Self {
        let folder = TempDir::with_prefix("colophon-app-").expect("a folder for the service");
        // The same for every start: the contract and the tokens name it for ever.
        let address = free_address();
        let mut settings = vec![
            ("COLOPHON_PUBLIC_BASE_URL", format!("http://{address}")),
            ("COLOPHON_DATA_DIR", folder.path().join("data").display().to_string()),
            ("COLOPHON_DATABASE_URL", db.url.clone()),
            // Tests do not wait longer than blocks make them.
            ("COLOPHON_MINTING__POLL_INTERVAL_MS", "100".to_owned()),
        ];
        settings.extend(others.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let mut world = Self { folder, settings, given_chain: None, address, logs: AtomicU32::new(1) };
        if db.db.kind() == DbKind::Postgres {
            world.give_a_chain().await;
        }
        world
    }

    /// Everything given on both databases, so that the test has its hand on the chain.
    pub(crate) async fn beside_a_chain(db: &TestDb, others: &[(&'static str, &str)]) -> Self {
        let mut world = Self::make(db, others).await;
        if world.given_chain.is_none() {
            world.give_a_chain().await;
        }
        world
    }

    /// The chain that was given.
    pub(crate) fn chain(&self) -> &Anvil {
        self.given_chain.as_ref().expect("a chain of the test's own")
    }

    /// A chain of its own with a contract on it, and secrets made beforehand, as an operator would.
    async fn give_a_chain(&mut self) {
        let chain = Anvil::start(Blocks::EverySecond);
        let secrets = self.folder.path().join("secrets");
        Secrets::make_missing(&secrets, &SystemChance).expect("secrets");
        for account in accounts(&secrets) {
            chain.ask("anvil_setBalance", json!([account, ALLOWANCE])).await;
        }
        self.settings.push(("COLOPHON_RPC_URLS", chain.url().to_owned()));
        self.settings.push(("COLOPHON_CHAIN_ID", CHAIN_ID.to_owned()));
        self.settings.push(("COLOPHON_SECRETS_DIR", secrets.display().to_string()));
        self.given_chain = Some(chain);
        let contract = self.say(&["contract", "deploy"]).pop().expect("an address");
        self.settings.push(("COLOPHON_CONTRACT", contract));
    }

    /// The program with the settings of this world.
    pub(crate) fn command(&self) -> Command {
        let mut command = clean_command_under_limits();
        self.surround(&mut command);
        command.current_dir(self.folder.path());
        command
    }

    /// Hands the settings of this world to a command.
    pub(crate) fn surround(&self, command: &mut Command) {
        command.envs(self.settings.iter().map(|(name, value)| (*name, value)));
    }

    /// What a setting was given as.
    pub(crate) fn setting(&self, name: &str) -> &str {
        let given = self.settings.iter().rev().find(|(given, _)| *given == name);
        given.map(|(_, value)| value.as_str()).expect("a setting that was given")
    }

    /// Changes a setting for the next start.
    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.settings.push((name, value.to_owned()));
    }

    /// How many development chains run on this world's data.
    pub(crate) fn count_chains(&self) -> usize {
        let state =
            self.folder.path().join("data").canonicalize().expect("a folder").join("chain-state.json");
        let state = state.to_string_lossy().into_owned();
        let processes = std::fs::read_dir("/proc").expect("the processes").flatten();
        let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
        lines.filter(|line| String::from_utf8_lossy(line).contains(&state)).count()
    }

    /// The account of a lane (EIP-55).
    pub(crate) fn signer(&self, name: &str) -> String {
        wallet::checksummed(self.signing_key(name).account())
    }

    /// The key of a lane.
    pub(crate) fn signing_key(&self, name: &str) -> SigningKey {
        let given = self.folder.path().join("secrets");
        let secrets = if given.is_dir() { given } else { self.folder.path().join("data/secrets") };
        SigningKey::open(&secrets, name).expect("a keystore")
    }

    /// Runs the program to its end; gives the lines of its standard output.
    pub(crate) fn say(&self, arguments: &[&str]) -> Vec<String> {
        let output = self.command().args(arguments).output().expect("the program to run");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "colophon {}: {}\n{complaint}", arguments.join(" "), output.status);
        said.lines().map(ToOwned::to_owned).collect()
    }

    /// Runs the program to its end; tells how it ended.
    pub(crate) fn try_say(&self, arguments: &[&str]) -> ExitStatus {
        self.command().args(arguments).output().expect("the program to run").status
    }

    /// Runs the program to its end; gives its exit code and its standard output.
    pub(crate) fn ends(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.command().args(arguments).output().expect("the program to run");
        let code = output.status.code().expect("an exit code");
        (code, String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs the program in the expectation that it refuses; gives what it said.
    pub(crate) fn objects(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).output().expect("the program to run");
        assert!(!output.status.success(), "colophon {} went well", arguments.join(" "));
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Where the first process of the service listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// A folder that nobody has used.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes an API key at the command line.
    pub(crate) fn create_key(&self, scope: &str) -> String {
        self.say(&["key", "create", "--scope", scope, "--quiet"]).pop().expect("a key")
    }

    /// A log file for the next start.
    pub(crate) fn new_log(&self) -> PathBuf {
        self.folder.path().join(format!("service-{}.log", self.logs.fetch_add(1, Ordering::Relaxed)))
    }

    /// Where the chain answers.
    pub(crate) fn chain_url(&self) -> String {
        match &self.given_chain {
            Some(chain) => chain.url().to_owned(),
            None => format!("http://127.0.0.1:{}", self.chain_record()["port"]),
        }
    }

    /// What the service wrote down of the chain that it started.
    fn chain_record(&self) -> Value {
        let file = self.folder.path().join("data/chain.json");
        let text = std::fs::read_to_string(file).expect("the record of the embedded chain");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Kills the chain that the service started.
    pub(crate) fn kill_embedded_chain(&self) {
        let id = self.chain_record()["process_id"].as_i64().and_then(|id| i32::try_from(id).ok());
        let id = id.and_then(Pid::from_raw).expect("a process id");
        kill_process(id, Signal::KILL).expect("the chain to be killed");
    }
}

impl Drop for World {
    /// A service that was killed leaves its chain running: it is ours, as its command line shows.
    fn drop(&mut self) {
        let file = self.folder.path().join("data/chain.json");
        let Ok(text) = std::fs::read_to_string(file) else { return };
        let record: Value = serde_json::from_str(&text).unwrap_or_default();
        let Some(id) = record["process_id"].as_i64() else { return };
        let command_line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let ours = self.folder.path().to_string_lossy().into_owned();
        if String::from_utf8_lossy(&command_line).contains(&ours)
            && let Some(id) = i32::try_from(id).ok().and_then(Pid::from_raw)
        {
            let _ = kill_process(id, Signal::KILL);
        }
    }
}

/// The accounts whose keystores lie in `secrets`.
fn accounts(secrets: &Path) -> Vec<String> {
    let names = ["admin", "curator", "minter", "registrar", "vault"];
    let open = |name| SigningKey::open(secrets, name).expect("a keystore");
    names.map(|name| wallet::checksummed(open(name).account())).into()
}
