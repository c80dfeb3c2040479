//! What must hold in the books, asked in SQL.

use super::Verdict;
use crate::ground::Ground;
use crate::trade::Trade;

/// What must count nothing, with the words for when it does.
const NOTHING: [(&str, &str); 12] = [
    (
        "a sheet has two sales that hold it",
        "
        SELECT count(*) FROM (
            SELECT impression_id FROM sales WHERE holds_impression = 1
            GROUP BY impression_id HAVING count(*) > 1) AS doubles",
    ),
    (
        "a unit of an order line was sold twice",
        "
        SELECT count(*) FROM (
            SELECT channel, order_ref, line_ref, unit_no FROM sales
            GROUP BY channel, order_ref, line_ref, unit_no HAVING count(*) > 1) AS doubles",
    ),
    (
        "a redeemed claim has no token, or another wallet's",
        "
        SELECT count(*) FROM claims
        LEFT JOIN tokens ON tokens.token_id = claims.token_id
        WHERE claims.state = 'redeemed'
          AND (tokens.token_id IS NULL OR tokens.recipient <> claims.recipient)",
    ),
    (
        "a token has no claim",
        "
        SELECT count(*) FROM tokens
        WHERE NOT EXISTS (SELECT 1 FROM claims WHERE claims.token_id = tokens.token_id)",
    ),
    (
        "a token's call is not its mint",
        "
        SELECT count(*) FROM tokens
        JOIN calls ON calls.call_id = tokens.mint_call_id
        WHERE calls.kind <> 'mint' OR calls.token_id <> tokens.token_id",
    ),
    (
        "a mint has no token",
        "
        SELECT count(*) FROM calls
        WHERE kind = 'mint'
          AND NOT EXISTS (SELECT 1 FROM tokens WHERE tokens.mint_call_id = calls.call_id)",
    ),
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
    (
        "a done call is in no confirmed transaction",
        "
        SELECT count(*) FROM calls
        LEFT JOIN transactions ON transactions.transaction_id = calls.transaction_id
        WHERE calls.state = 'done'
          AND coalesce(transactions.state, '') <> 'confirmed'",
    ),
    (
        "a call ended twice in the journal",
        "
        SELECT count(*) FROM (
            SELECT subject FROM journal WHERE kind = 'call_ended'
            GROUP BY subject HAVING count(*) > 1) AS doubles",
    ),
    (
        "an ended call is not in the journal",
        "
        SELECT count(*) FROM calls
        WHERE state = 'done'
          AND NOT EXISTS (SELECT 1 FROM journal WHERE kind = 'call_ended' AND subject = calls.business_key)",
    ),
    (
        "an edition's sheets are not as many as it declares",
        "
        SELECT count(*) FROM editions
        WHERE run_size + artist_proofs + printer_proofs + hors_commerce + bon_a_tirer
              <> (SELECT count(*) FROM impressions WHERE impressions.edition_id = editions.edition_id)",
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
