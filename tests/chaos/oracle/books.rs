//! What must hold in the books, asked in SQL.

use tests::oracle::laws;

use super::Verdict;
use crate::ground::Ground;
use crate::trade::Trade;

/// What must count nothing here besides what always does: nothing is ever undone.
const NOTHING: [(&str, &str); 2] = [
    (
        "a token is not bound",
        "
        SELECT count(*) FROM tokens WHERE state <> 'bound'",
    ),
    (
        "a call is not done",
        "
        SELECT count(*) FROM calls WHERE state <> 'done'",
    ),
];

/// What must be as many as there are redeemed claims.
const AS_MANY: [(&str, &str); 4] = [
    ("sales", "SELECT count(*) FROM sales"),
    ("redeemed claims", "SELECT count(*) FROM claims WHERE state = 'redeemed'"),
    ("mints that are done", "SELECT count(*) FROM calls WHERE kind = 'mint' AND state = 'done'"),
    ("sheets that are sold", "SELECT count(*) FROM impressions WHERE state = 'sold'"),
];

/// The tokens in the books with their wallets.
const TOKENS: &str = "
    SELECT token_id,
           recipient
    FROM tokens";

pub(super) async fn judge(ground: &Ground, trade: &Trade, verdict: &mut Verdict) {
    verdict.findings.extend(laws::broken(&ground.books).await);
    for (words, sql) in NOTHING {
        let count = count(ground, sql).await;
        if count != 0 {
            verdict.find(format!("{words} ({count} times)"));
        }
    }
    let agreed = i64::try_from(trade.redeemed.len()).unwrap_or(i64::MAX);
    for (words, sql) in AS_MANY {
        let count = count(ground, sql).await;
        if count != agreed {
            verdict.find(format!("the books count {count} {words}, and {agreed} claims were redeemed"));
        }
    }
    let mut tx = ground.books.begin_read().await.expect("the books");
    let tokens: Vec<(i64, String)> = tx.fetch_all(TOKENS, &[]).await.expect("the tokens");
    for (token_id, recipient) in tokens {
        let agreed = u64::try_from(token_id).ok().and_then(|token_id| trade.redeemed.get(&token_id));
        if agreed.is_none_or(|redeemed| redeemed.recipient.to_lowercase() != recipient) {
            verdict
                .find(format!("the books promise token {token_id} to {recipient}, which nobody redeemed so"));
        }
    }
}

async fn count(ground: &Ground, sql: &'static str) -> i64 {
    let mut tx = ground.books.begin_read().await.expect("the books");
    let (count,): (i64,) = tx.fetch_one(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    count
}
