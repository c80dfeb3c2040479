//! The chain as an independent client sees it: ethers v6, by `contracts/tools/read-token.mjs`.

use std::process::Command;

use serde_json::Value;

use super::app::TestApp;

/// The token as an independent client sees it on the chain. It fails unless chain and metadata agree.
pub(crate) fn read_with_ethers(app: &TestApp, token: &Value) -> Value {
    let tool = concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts/tools/read-token.mjs");
    let text = |field: &str| token[field].as_str().expect("a text").to_owned();
    let output = Command::new("node")
        .args([tool, &app.chain_url(), &text("contract"), &text("token_id")])
        .output()
        .expect("node to run");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ethers reads the token otherwise: {complaint}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}
