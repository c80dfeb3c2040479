//! `eth_sendRawTransaction`.

use std::sync::atomic::Ordering;

use minting::signer::WireTransaction;
use serde_json::{Value, json};
use tests::dice::Dice;

use super::dialect::{self, Meaning};
use super::pool::GAS_CAP;
use super::{Proxy, Reply};

impl Proxy {
    /// Takes a transaction for the node, and loses what the plan says.
    pub(super) async fn send(&self, question: &Value) -> Result<Reply, Reply> {
        let raw = question["params"][0].as_str().unwrap_or_default();
        let id = &question["id"];
        let Some(transaction) = self.wire.saw(raw).await else {
            return Ok(Reply::Json(dialect::refusal(
                id,
                -32000,
                "rlp: expected input list for types.Transaction",
            )));
        };
        // What the weather does comes after the log: these bytes have left the service.
        let mut dice = self.strike("sending", &self.sendings, question).await?;
        let fate = if self.is_honest() { Fate::Delivered } else { fate(&mut dice, self.lost) };
        match fate {
            Fate::RequestLost => {
                self.spoiled.fetch_add(1, Ordering::Relaxed);
                return Err(Reply::Nothing);
            }
            // A node that takes it and never tells another one of it.
            Fate::Swallowed => {
                self.spoiled.fetch_add(1, Ordering::Relaxed);
                return Ok(Reply::Json(
                    json!({ "jsonrpc": "2.0", "id": id, "result": transaction.hash.to_string() }),
                ));
            }
            _ => {}
        }
        if transaction.gas_limit > GAS_CAP {
            let words =
                format!("transaction gas limit too high (cap: {GAS_CAP}, tx: {})", transaction.gas_limit);
            return Ok(Reply::Json(dialect::refusal(id, -32000, &words)));
        }
        if self.replaces_too_cheaply(&transaction).await {
            return Ok(Reply::Json(Meaning::ReplacementUnderpriced.said(id, &mut dice)));
        }
        let mut answer = self.ask(question).await?;
        if answer.get("result").is_some() {
            self.pool.took(&transaction);
        } else if let Some(meaning) = answer["error"]["message"].as_str().and_then(Meaning::of) {
            answer = meaning.said(id, &mut dice);
        }
        match fate {
            Fate::ReplyLost => {
                self.lost_replies.fetch_add(1, Ordering::Relaxed);
                Err(if dice.in_million(500_000) { Reply::Nothing } else { Reply::Torn(answer) })
            }
            Fate::OddWords => {
                self.spoiled.fetch_add(1, Ordering::Relaxed);
                let words =
                    ["Internal error: nonce", "request failed", "upstream: context deadline exceeded"];
                let code = [-32603, -32000, -32005][dice.index(3)];
                Ok(Reply::Json(dialect::refusal(id, code, words[dice.index(words.len())])))
            }
            _ => Ok(Reply::Json(answer)),
        }
    }

    async fn replaces_too_cheaply(&self, transaction: &WireTransaction) -> bool {
        let Some(old) = self.pool.too_cheap(transaction) else { return false };
        // Only what still waits in the pool is replaced.
        let found = self.ask_node("eth_getTransactionByHash", json!([old])).await;
        found.is_some_and(|found| found.is_object() && found["blockHash"].is_null())
    }
}

/// What becomes of a transaction that the weather lets through.
enum Fate {
    Delivered,
    ReplyLost,
    RequestLost,
    Swallowed,
    OddWords,
}

#[expect(clippy::same_functions_in_if_condition, reason = "each question throws the dice anew")]
fn fate(dice: &mut Dice, lost: u64) -> Fate {
    if dice.in_million(lost) {
        Fate::ReplyLost
    } else if dice.in_million(lost / 2) {
        Fate::RequestLost
    } else if dice.in_million(lost / 5) {
        Fate::Swallowed
    } else if dice.in_million(lost / 5) {
        Fate::OddWords
    } else {
        Fate::Delivered
    }
}
