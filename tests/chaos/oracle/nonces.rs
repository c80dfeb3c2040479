//! Every nonce of every signer belongs to one transaction in the books, and that one's attempt stands in the block that
//! the books name; every attempt carries what its transaction says; everything that was seen on the wire is stored.

use std::collections::{BTreeMap, HashMap, HashSet};

use minting::signer::WireTransaction;
use serde_json::json;
use tests::anvil::{hex, number};

use super::Verdict;
use crate::ground::Ground;

const LANES: &str = "
    SELECT signer,
           first_nonce,
           frozen_reason
    FROM lanes";
const TRANSACTIONS: &str = "
    SELECT transaction_id,
           signer,
           nonce,
           state,
           calldata,
           gas_limit,
           attempt_hash,
           block_hash,
           fence
    FROM transactions
    ORDER BY signer, nonce";
const ATTEMPTS: &str = "
    SELECT attempt_hash,
           transaction_id,
           raw
    FROM attempts";

#[derive(sqlx::FromRow)]
struct LaneRow {
    signer: String,
    first_nonce: i64,
    frozen_reason: Option<String>,
}

#[derive(sqlx::FromRow)]
struct TransactionRow {
    transaction_id: String,
    signer: String,
    nonce: i64,
    state: String,
    calldata: Option<String>,
    gas_limit: Option<i64>,
    attempt_hash: Option<String>,
    block_hash: Option<String>,
    fence: i64,
}

#[derive(sqlx::FromRow)]
struct AttemptRow {
    attempt_hash: String,
    transaction_id: String,
    raw: String,
}

pub(super) async fn judge(ground: &Ground, verdict: &mut Verdict) {
    let mut tx = ground.books.begin_read().await.expect("the books");
    let lanes: Vec<LaneRow> = tx.fetch_all(LANES, &[]).await.expect("the lanes");
    let rows: Vec<TransactionRow> = tx.fetch_all(TRANSACTIONS, &[]).await.expect("the transactions");
    let attempts: Vec<AttemptRow> = tx.fetch_all(ATTEMPTS, &[]).await.expect("the attempts");
    drop(tx);
    for lane in lanes {
        if let Some(reason) = &lane.frozen_reason {
            verdict.find(format!("the lane of {} is frozen: {reason}", lane.signer));
        }
        let own = rows.iter().filter(|row| row.signer == lane.signer);
        let own: BTreeMap<i64, &TransactionRow> = own.map(|row| (row.nonce, row)).collect();
        judge_lane(ground, &lane, &own, verdict).await;
    }
    judge_attempts(&rows, &attempts, verdict);
    let stored: HashSet<&str> = attempts.iter().map(|attempt| attempt.attempt_hash.as_str()).collect();
    for hash in ground.proxy.wire.hashes() {
        if !stored.contains(hash.as_str()) {
            verdict.find(format!("the attempt {hash} left and is not in the books"));
        }
    }
}

async fn judge_lane(
    ground: &Ground,
    lane: &LaneRow,
    own: &BTreeMap<i64, &TransactionRow>,
    verdict: &mut Verdict,
) {
    let signer = &lane.signer;
    let count = ground.chain.ask("eth_getTransactionCount", json!([signer, "latest"])).await;
    let count = number(&count).and_then(|count| i64::try_from(count).ok()).expect("a count");
    let bound_beyond = own.keys().next_back().map_or(0, |last| last + 1);
    let mut fence = 0;
    for nonce in lane.first_nonce..count.max(bound_beyond) {
        let explained = match own.get(&nonce) {
            None => Err("is in no transaction of the books".to_owned()),
            Some(row) if nonce >= count => Err(format!("is {} in the books and unused on chain", row.state)),
            Some(row) => is_where_the_books_say(ground, row).await,
        };
        if let Err(problem) = explained {
            verdict.unexplained_nonces += 1;
            verdict.find(format!("nonce {nonce} of {signer} {problem}"));
        }
        let Some(row) = own.get(&nonce) else { continue };
        if row.fence < fence {
            verdict.find(format!(
                "nonce {nonce} of {signer} was written under an older fence than the one before"
            ));
        }
        fence = row.fence;
    }
}

/// A final transaction never moves again: its block must be the canonical one.
async fn is_where_the_books_say(ground: &Ground, row: &TransactionRow) -> Result<(), String> {
    let TransactionRow { state, attempt_hash: Some(hash), block_hash: Some(block), .. } = row else {
        return Err(format!("is {} in the books", row.state));
    };
    if state != "confirmed" {
        return Err(format!("is {state} in the books"));
    }
    let found = ground.chain.ask("eth_getTransactionByHash", json!([hash])).await;
    let signer = found["from"].as_str().unwrap_or_default().to_lowercase();
    let nonce = number(&found["nonce"]).and_then(|nonce| i64::try_from(nonce).ok());
    if signer != row.signer || nonce != Some(row.nonce) {
        return Err(format!("is confirmed by the attempt {hash}, which the chain does not have"));
    }
    if found["blockHash"] != json!(block) {
        return Err(format!("is confirmed in the block {block}, and is in {}", found["blockHash"]));
    }
    Ok(())
}

/// Each attempt is its transaction's: signer, nonce, calldata, gas limit.
fn judge_attempts(rows: &[TransactionRow], attempts: &[AttemptRow], verdict: &mut Verdict) {
    let by_id: HashMap<&str, &TransactionRow> =
        rows.iter().map(|row| (row.transaction_id.as_str(), row)).collect();
    for AttemptRow { attempt_hash, transaction_id, raw } in attempts {
        let bytes: Option<Vec<u8>> = (0..raw.len())
            .step_by(2)
            .map(|at| raw.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
            .collect();
        let read = bytes.and_then(|bytes| WireTransaction::read(&bytes).ok());
        let fits = read.zip(by_id.get(transaction_id.as_str())).is_some_and(|(read, row)| {
            let calldata = hex(&read.data);
            read.hash.to_string() == *attempt_hash
                && read.signer.to_string() == row.signer
                && i64::try_from(read.nonce) == Ok(row.nonce)
                && Some(calldata) == row.calldata
                && i64::try_from(read.gas_limit).ok() == row.gas_limit
        });
        if !fits {
            verdict.find(format!("the attempt {attempt_hash} is not what its transaction says"));
        }
    }
}
