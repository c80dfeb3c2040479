//! A chain for one test: the native anvil on a free loopback port, ended by its id.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// A running anvil. It ends when it is dropped.
pub struct Anvil {
    process: Child,
    url: String,
    client: reqwest::Client,
}

/// When blocks are made, and when they are final.
#[derive(Clone, Copy)]
pub enum Blocks {
    /// One a second, as production's development chain makes them; final two blocks later.
    EverySecond,
    /// When the test says so ([`Anvil::mine`]); final two blocks later.
    OnDemand,
    /// When the test says so; final 64 blocks later, as on Ethereum.
    OnDemandWithEpochs,
    /// One a second with room for so much gas; final 64 blocks later, as on Ethereum.
    EverySecondWithRoom(u64),
}

impl Anvil {
    /// Starts a chain.
    #[must_use]
    pub fn start(blocks: Blocks) -> Self {
        let program = program();
        let room;
        let rhythm: &[&str] = match blocks {
            Blocks::EverySecond => &["--slots-in-an-epoch", "1", "--block-time", "1"],
            Blocks::EverySecondWithRoom(gas) => {
                room = gas.to_string();
                &["--slots-in-an-epoch", "32", "--block-time", "1", "--gas-limit", &room]
            }
            Blocks::OnDemand => &["--slots-in-an-epoch", "1", "--no-mining"],
            // Its newest states stay in memory: one that it had put on the disk is not there for a reorg, which then
            // loses everything, the contract too.
            Blocks::OnDemandWithEpochs => {
                &["--slots-in-an-epoch", "32", "--no-mining", "--prune-history", "400"]
            }
        };
        let mut process = Command::new(&program)
            // Port 0: anvil takes a free one and says which.
            .args(["--host", "127.0.0.1", "--port", "0"])
            .args(rhythm)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{}: {error}: run contracts/tools/fetch anvil", program.display())
            });
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let place = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("Listening on ").map(ToOwned::to_owned));
        let place = place.expect("anvil to say where it listens");
        // Somebody has to read on, or anvil would wait for room in the pipe.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { process, url: format!("http://{place}"), client: reqwest::Client::new() }
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Where it answers.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes `count` blocks.
    pub async fn mine(&self, count: u64) {
        self.ask("anvil_mine", json!([format!("{count:#x}")])).await;
    }

    /// Makes no blocks by itself any more: what is sent waits in the pool.
    pub async fn stand_still(&self) {
        self.ask("evm_setIntervalMining", json!([0])).await;
    }

    /// Makes a block a second again.
    pub async fn go_on(&self) {
        self.ask("evm_setIntervalMining", json!([1])).await;
    }

    /// Sends a call in the name of an account, whatever its key; pays for it too.
    pub async fn send_as(&self, account: &str, to: &str, data: &str) {
        self.ask("anvil_setBalance", json!([account, "0x3635c9adc5dea00000"])).await;
        self.ask("anvil_impersonateAccount", json!([account])).await;
        let transaction = json!({ "from": account, "to": to, "data": data, "gas": "0x30d40" });
        self.ask("eth_sendTransaction", json!([transaction])).await;
        self.ask("anvil_stopImpersonatingAccount", json!([account])).await;
    }

    /// The height of the chain.
    pub async fn height(&self) -> u64 {
        number(&self.ask("eth_blockNumber", json!([])).await).expect("a height")
    }

    /// Asks the node a question of JSON-RPC that it must answer.
    pub async fn ask(&self, method: &str, parameters: Value) -> Value {
        self.try_ask(method, parameters).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Asks the node a question of JSON-RPC; what it objects, if it does.
    pub async fn try_ask(&self, method: &str, parameters: Value) -> Result<Value, String> {
        let question = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": parameters });
        let answer = self.client.post(&self.url).json(&question).send().await;
        let mut answer: Value = answer.expect("the chain to answer").json().await.expect("JSON");
        match answer.get("error") {
            Some(error) => Err(error.to_string()),
            None => Ok(answer["result"].take()),
        }
    }
}

/// Bytes as lower-case hex digits, as JSON-RPC and the books write them, without `0x`.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A number as JSON-RPC writes it: `"0x1f"`.
#[must_use]
pub fn number(value: &Value) -> Option<u64> {
    u64::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok()
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The pinned anvil, as `contracts/tools/fetch` puts it there.
#[must_use]
pub fn program() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts/tools/foundry/bin/anvil"))
}
