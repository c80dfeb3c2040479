//! A chain for one test: the native anvil on a free loopback port, ended by its id.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// A running anvil. It ends when it is dropped.
pub(crate) struct Anvil {
    process: Child,
    url: String,
}

/// When blocks are made.
#[derive(Clone, Copy)]
pub(crate) enum Blocks {
    /// One a second, as production's development chain makes them.
    EverySecond,
    /// When the test says so: [`Anvil::mine`].
    OnDemand,
}

impl Anvil {
    /// Starts a chain whose blocks are final two blocks later.
    pub(crate) fn start(blocks: Blocks) -> Self {
        let program = program();
        let rhythm: &[&str] = match blocks {
            Blocks::EverySecond => &["--block-time", "1"],
            Blocks::OnDemand => &["--no-mining"],
        };
        let mut process = Command::new(&program)
            // Port 0: anvil takes a free one and says which.
            .args(["--host", "127.0.0.1", "--port", "0", "--slots-in-an-epoch", "1"])
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
        Self { process, url: format!("http://{place}") }
    }

    /// Where it answers.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Makes `count` blocks.
    pub(crate) async fn mine(&self, count: u64) {
        self.ask("anvil_mine", json!([format!("{count:#x}")])).await;
    }

    /// The height of the chain.
    pub(crate) async fn height(&self) -> u64 {
        let height = self.ask("eth_blockNumber", json!([])).await;
        let digits = height.as_str().and_then(|text| text.strip_prefix("0x")).expect("a height");
        u64::from_str_radix(digits, 16).expect("a height")
    }

    /// Asks the node a question of JSON-RPC.
    pub(crate) async fn ask(&self, method: &str, parameters: Value) -> Value {
        let question = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": parameters });
        let answer = reqwest::Client::new().post(&self.url).json(&question).send().await;
        let mut answer: Value = answer.expect("the chain to answer").json().await.expect("JSON");
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The pinned anvil, as `contracts/tools/fetch` puts it there.
pub(crate) fn program() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts/tools/foundry/bin/anvil"))
}
