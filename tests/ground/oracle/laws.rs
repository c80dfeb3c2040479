//! What must hold in the books at every moment, asked in SQL.

use catalog::db::Db;

/// What must count nothing, with the words for when it does.
const NOTHING: [(&str, &str); 10] = [
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
        "a live token has no claim",
        "
        SELECT count(*) FROM tokens
        WHERE state NOT IN ('voided', 'surrendered')
          AND NOT EXISTS (SELECT 1 FROM claims WHERE claims.token_id = tokens.token_id)",
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

/// The laws that the books break, in words.
pub async fn broken(books: &Db) -> Vec<String> {
    let mut broken = Vec::new();
    for (words, sql) in NOTHING {
        let mut tx = books.begin_read().await.expect("the books");
        let (count,): (i64,) = tx.fetch_one(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        if count != 0 {
            broken.push(format!("{words} ({count} times)"));
        }
    }
    broken
}
