//! `eth_getTransactionReceipt`: replicas that lag, and nodes that lie.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tests::anvil::number;
use tests::dice::Dice;

use super::{Proxy, Reply};

/// Receipts in a million that are a lie.
const LIES: u64 = 4_000;

impl Proxy {
    pub(super) async fn receipt(&self, question: &Value) -> Result<Reply, Reply> {
        let mut dice = self.strike("receipt", &self.receipts, question).await?;
        let mut answer = self.ask(question).await?;
        if self.is_honest() || answer["result"].is_null() {
            return Ok(Reply::Json(answer));
        }
        let lag = self.weather.now().lag;
        if lag > 0 {
            let head = self.ask_node("eth_blockNumber", json!([])).await.as_ref().and_then(number);
            let height = number(&answer["result"]["blockNumber"]);
            if height.zip(head).is_some_and(|(height, head)| height + lag > head) {
                answer["result"] = Value::Null;
                return Ok(Reply::Json(answer));
            }
        }
        if dice.in_million(LIES) {
            self.spoiled.fetch_add(1, Ordering::Relaxed);
            lie(&mut answer["result"], &mut dice);
        }
        Ok(Reply::Json(answer))
    }
}

/// Makes another transaction's receipt of it, or puts it into a block that is not there, or leaves its events out.
fn lie(receipt: &mut Value, dice: &mut Dice) {
    let another = format!("0x{:064x}", dice.roll());
    match dice.index(3) {
        0 => receipt["transactionHash"] = json!(another),
        1 => {
            receipt["blockHash"] = json!(another);
            for log in receipt["logs"].as_array_mut().into_iter().flatten() {
                log["blockHash"] = json!(another);
            }
        }
        _ => receipt["logs"] = json!([]),
    }
}
