//! The development chain: anvil on loopback, its state in the data directory, so that the service works without any
//! configuration and survives its own death, the chain's, or both.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use catalog::account::Account;
use catalog::crash_point;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde::{Deserialize, Serialize};

use crate::chain::{B256, Chain, ChainError};
use crate::rpc::{Finality, RpcChain};

/// The chain id of development chains: no public chain has it.
pub const CHAIN_ID: u64 = 4_201_706;
/// How long a starting node may take to answer, and an ending one to write its state.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked at meanwhile.
const PAUSE: Duration = Duration::from_millis(50);
/// What each of our accounts owns there at least: 1,000 ether, in wei.
const ALLOWANCE: u128 = 1_000_000_000_000_000_000_000;

/// A running development chain.
#[derive(Debug)]
pub struct DevChain {
    record: Record,
    url: url::Url,
    started_here: bool,
}

/// `chain.json`: what is needed to find the node again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    port: u16,
    process_id: i32,
    chain_id: u64,
    genesis_hash: Option<B256>,
}

/// A development chain that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum DevChainError {
    /// The node's program is not there.
    #[error(
        "the development chain's program is missing: run `contracts/tools/fetch anvil`, or name it in `anvil`, or name a chain in `rpc_urls`"
    )]
    AnvilMissing,
    /// The node's program did not start.
    #[error("{} did not start", program.display())]
    NotStarted {
        /// The program.
        program: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The node ended, or did not answer in time.
    #[error("the development chain does not answer: see {}", log.display())]
    Silent {
        /// Its log.
        log: PathBuf,
    },
    /// A file could not be read or written.
    #[error("cannot use {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The chain came back as another one.
    #[error(
        "the development chain came back with another genesis block: restore chain-state.json or begin with a new data directory"
    )]
    OtherChain,
    /// The chain did not answer a question.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

/// Looks for the node's program: the given path, else beside the checkout this program was built in or runs in, else
/// on the search path.
pub fn find_anvil(
    given: Option<&Path>,
    search_path: Option<&std::ffi::OsStr>,
) -> Result<PathBuf, DevChainError> {
    const FETCHED: &str = "contracts/tools/foundry/bin/anvil";
    if let Some(given) = given {
        return if given.is_file() { Ok(given.to_owned()) } else { Err(DevChainError::AnvilMissing) };
    }
    let here = std::env::current_dir().unwrap_or_default();
    let program = std::env::current_exe().unwrap_or_default();
    let beside = here.ancestors().chain(program.ancestors()).map(|dir| dir.join(FETCHED));
    let searched = search_path.map(std::env::split_paths).into_iter().flatten().map(|dir| dir.join("anvil"));
    beside.chain(searched).find(|path| path.is_file()).ok_or(DevChainError::AnvilMissing)
}

impl DevChain {
    /// Takes over the node that the data directory records, or starts one from the state in there.
    pub async fn start(data_dir: &Path, anvil: &Path) -> Result<Self, DevChainError> {
        let recorded = read_record(data_dir)?;
        if let Some(record) = &recorded {
            let chain = Self::at(record.clone())?;
            if chain.is_the_recorded_one().await {
                tracing::info!(port = record.port, "development chain taken over");
                return Ok(chain);
            }
        }
        end_stale(data_dir).await;
        Self::launch(data_dir, anvil, recorded.as_ref()).await
    }

    fn at(record: Record) -> Result<Self, DevChainError> {
        let url = format!("http://127.0.0.1:{}", record.port);
        let url = url.parse().map_err(|_| DevChainError::OtherChain)?;
        Ok(Self { record, url, started_here: false })
    }

    async fn launch(data_dir: &Path, anvil: &Path, recorded: Option<&Record>) -> Result<Self, DevChainError> {
        let port = free_port(recorded.map(|record| record.port))
            .map_err(|source| DevChainError::NotStarted { program: anvil.to_owned(), source })?;
        let log = data_dir.join("chain.log");
        let file_error = |source| DevChainError::File { path: log.clone(), source };
        let output = fs::File::create(&log).map_err(file_error)?;
        let errors = output.try_clone().map_err(file_error)?;
        let child = Command::new(anvil)
            .args(["--host", "127.0.0.1", "--port", &port.to_string()])
            .args(["--chain-id", &CHAIN_ID.to_string()])
            .args(["--block-time", "1", "--slots-in-an-epoch", "1"])
            .arg("--state")
            .arg(state_file(data_dir))
            .args(["--state-interval", "1"])
            // Bounded history: the service asks for no older state than the finalized block's.
            .args(["--prune-history", "1000", "--accounts", "1", "--quiet"])
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            // Its own process group: an interrupt at the terminal reaches the service alone, which then ends it.
            .process_group(0)
            .spawn()
            .map_err(|source| DevChainError::NotStarted { program: anvil.to_owned(), source })?;
        crash_point!("devchain.spawned");
        let process_id = i32::try_from(child.id()).unwrap_or(0);
        let genesis_hash = recorded.and_then(|record| record.genesis_hash);
        let mut chain = Self::at(Record { port, process_id, chain_id: CHAIN_ID, genesis_hash })?;
        chain.started_here = true;
        // On record before it is used: whatever happens to us, the next start finds the process.
        write_record(data_dir, &chain.record)?;
        crash_point!("devchain.recorded");
        chain.wait_until_it_answers(child, &log).await?;
        let genesis = chain.client()?.block_hash(0).await?;
        match (chain.record.genesis_hash, genesis) {
            (Some(known), Some(found)) if known != found => return Err(DevChainError::OtherChain),
            (None, found) => chain.record.genesis_hash = found,
            _ => {}
        }
        write_record(data_dir, &chain.record)?;
        tracing::info!(port, process_id, "development chain started");
        Ok(chain)
    }

    async fn wait_until_it_answers(
        &self,
        mut child: std::process::Child,
        log: &Path,
    ) -> Result<(), DevChainError> {
        let client = self.client()?;
        for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
            if client.chain_id().await.is_ok_and(|id| id == CHAIN_ID) {
                return Ok(());
            }
            if child.try_wait().is_ok_and(|ended| ended.is_some()) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(DevChainError::Silent { log: log.to_owned() })
    }

    async fn is_the_recorded_one(&self) -> bool {
        let Ok(client) = self.client() else { return false };
        client.chain_id().await.is_ok_and(|id| id == self.record.chain_id)
            && self.record.genesis_hash.is_some()
            && client.block_hash(0).await.is_ok_and(|hash| hash == self.record.genesis_hash)
    }

    fn client(&self) -> Result<RpcChain, ChainError> {
        RpcChain::new(self.url.clone(), Account::from_bytes([0; 20]), Finality::Tag)
    }

    /// Whether this process started it, and did not take it over.
    #[must_use]
    pub fn was_started_here(&self) -> bool {
        self.started_here
    }

    /// Where it answers.
    #[must_use]
    pub fn url(&self) -> &url::Url {
        &self.url
    }

    /// Gives the accounts what they need for gas.
    pub async fn endow(&self, accounts: &[Account]) -> Result<(), DevChainError> {
        let client = self.client()?;
        for account in accounts {
            if client.balance(*account).await? < ALLOWANCE / 2 {
                client.grant(*account, ALLOWANCE).await?;
            }
        }
        Ok(())
    }

    /// Waits until the node has saved a state that it made after this moment: what is on the chain now survives its
    /// death.
    pub async fn saved(&self, data_dir: &Path) -> Result<(), DevChainError> {
        let path = state_file(data_dir);
        let written = || fs::metadata(&path).and_then(|file| file.modified()).ok();
        // The first change may be of a state that was taken before.
        for _ in 0..2 {
            let before = written();
            let mut looks = PATIENCE.as_millis() / PAUSE.as_millis();
            while written() == before {
                looks = looks.saturating_sub(1);
                if looks == 0 {
                    return Err(DevChainError::Silent { log: data_dir.join("chain.log") });
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    /// Ends the node and waits until it has written its state.
    pub async fn end(self) {
        end_process(self.record.process_id).await;
    }
}

fn record_file(data_dir: &Path) -> PathBuf {
    data_dir.join("chain.json")
}

fn state_file(data_dir: &Path) -> PathBuf {
    let dir = data_dir.canonicalize().unwrap_or_else(|_| data_dir.to_owned());
    dir.join("chain-state.json")
}

fn read_record(data_dir: &Path) -> Result<Option<Record>, DevChainError> {
    let path = record_file(data_dir);
    match fs::read(&path) {
        // A record that cannot be read is none: the state file is what counts.
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(DevChainError::File { path, source }),
    }
}

fn write_record(data_dir: &Path, record: &Record) -> Result<(), DevChainError> {
    let path = record_file(data_dir);
    let temporary = path.with_extension("json.new");
    let bytes = serde_json::to_vec_pretty(record).unwrap_or_default();
    fs::write(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, &path))
        .map_err(|source| DevChainError::File { path, source })
}

/// The port of last time if it is free, else any.
fn free_port(wanted: Option<u16>) -> std::io::Result<u16> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|socket| socket.local_addr());
    let address = match wanted {
        Some(port) => bind(port).or_else(|_| bind(0))?,
        None => bind(0)?,
    };
    Ok(address.port())
}

/// Ends every process whose command line is our node on this state file, whether it is on record or its starter died
/// before that; any other process is let be.
async fn end_stale(data_dir: &Path) {
    let state = state_file(data_dir);
    let Ok(processes) = fs::read_dir("/proc") else { return };
    for process in processes.flatten() {
        let Some(process_id) = process.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let Ok(command_line) = fs::read(process.path().join("cmdline")) else { continue };
        if command_line.split(|byte| *byte == 0).any(|word| word == state.as_os_str().as_encoded_bytes()) {
            tracing::warn!(process_id, "ending a development chain that does not answer");
            end_process(process_id).await;
        }
    }
}

/// Asks a process to end, waits, and insists.
async fn end_process(process_id: i32) {
    let Some(pid) = Pid::from_raw(process_id) else { return };
    for signal in [Signal::TERM, Signal::KILL] {
        if kill_process(pid, signal).is_err() {
            return;
        }
        for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
            // A child of ours stays a zombie until it is waited for; one of an earlier process does not.
            let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::NOHANG);
            if test_kill_process(pid).is_err() {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
