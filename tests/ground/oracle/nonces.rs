//! Every nonce of every signer belongs to one transaction in the books, and that one's attempt stands in the block that
//! the books name; every attempt carries what its transaction says.

use std::collections::{BTreeMap, HashMap, HashSet};

use catalog::db::Db;
use minting::signer::WireTransaction;
use serde_json::json;

use crate::anvil::{Anvil, hex, number};

/// What was found of the nonces.
#[derive(Debug, Default)]
pub struct Nonces {
    /// Nonces that no transaction in the books explains.
    pub unexplained: u64,
    /// Everything that is not as it must be, in words.
    pub findings: Vec<String>,
    /// The hash of every attempt in the books.
    pub stored: HashSet<String>,
}

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

/// Looks at every nonce and every attempt; each transaction must have come to one of `ends`.
pub async fn judge(chain: &Anvil, books: &Db, ends: &[&str]) -> Nonces {
    let mut tx = books.begin_read().await.expect("the books");
    let lanes: Vec<LaneRow> = tx.fetch_all(LANES, &[]).await.expect("the lanes");
    let rows: Vec<TransactionRow> = tx.fetch_all(TRANSACTIONS, &[]).await.expect("the transactions");
    let attempts: Vec<AttemptRow> = tx.fetch_all(ATTEMPTS, &[]).await.expect("the attempts");
    drop(tx);
    let mut found = Nonces::default();
    for lane in lanes {
        if let Some(reason) = &lane.frozen_reason {
            found.findings.push(format!("the lane of {} is frozen: {reason}", lane.signer));
        }
        let own = rows.iter().filter(|row| row.signer == lane.signer);
        let own: BTreeMap<i64, &TransactionRow> = own.map(|row| (row.nonce, row)).collect();
        judge_lane(chain, &lane, &own, ends, &mut found).await;
    }
    judge_attempts(&rows, &attempts, &mut found);
    found.stored = attempts.into_iter().map(|attempt| attempt.attempt_hash).collect();
    found
}

async fn judge_lane(
    chain: &Anvil,
    lane: &LaneRow,
    own: &BTreeMap<i64, &TransactionRow>,
    ends: &[&str],
    found: &mut Nonces,
) {
    let signer = &lane.signer;
    let count = chain.ask("eth_getTransactionCount", json!([signer, "latest"])).await;
    let count = number(&count).and_then(|count| i64::try_from(count).ok()).expect("a count");
    let bound_beyond = own.keys().next_back().map_or(0, |last| last + 1);
    let mut fence = 0;
    for nonce in lane.first_nonce..count.max(bound_beyond) {
        let explained = match own.get(&nonce) {
            None => Err("is in no transaction of the books".to_owned()),
            Some(row) if nonce >= count => Err(format!("is {} in the books and unused on chain", row.state)),
            Some(row) => is_where_the_books_say(chain, row, ends).await,
        };
        if let Err(problem) = explained {
            found.unexplained += 1;
            found.findings.push(format!("nonce {nonce} of {signer} {problem}"));
        }
        let Some(row) = own.get(&nonce) else { continue };
        if row.fence < fence {
            let words = "was written under an older fence than the one before";
            found.findings.push(format!("nonce {nonce} of {signer} {words}"));
        }
        fence = row.fence;
    }
}

/// A final transaction never moves again: its block must be the canonical one.
async fn is_where_the_books_say(chain: &Anvil, row: &TransactionRow, ends: &[&str]) -> Result<(), String> {
    if !ends.contains(&row.state.as_str()) {
        return Err(format!("is {} in the books", row.state));
    }
    if row.state == "displaced" {
        // Somebody else's transaction has the nonce: the count on chain covers it.
        return Ok(());
    }
    let TransactionRow { attempt_hash: Some(hash), block_hash: Some(block), .. } = row else {
        return Err(format!("is {} in the books", row.state));
    };
    let found = chain.ask("eth_getTransactionByHash", json!([hash])).await;
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
fn judge_attempts(rows: &[TransactionRow], attempts: &[AttemptRow], found: &mut Nonces) {
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
            found.findings.push(format!("the attempt {attempt_hash} is not what its transaction says"));
        }
    }
}
