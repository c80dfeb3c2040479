//! What must hold at every moment, counted across the tables of editions, impressions, sales, claims and tokens; for one
//! edition at a time, so that no question takes long however many there are.

use catalog::db::{DbError, Sql, Tx};

catalog::statements! {
    NEXT_EDITION = "
        SELECT edition_id
        FROM editions
        WHERE edition_id > $1
        ORDER BY edition_id
        LIMIT 1";
    // Each sheet is in exactly one state, so the states add up when the sheets do.
    EDITIONS_SHORT_OF_SHEETS = "
        SELECT count(*)
        FROM editions
        WHERE edition_id = $1
          AND number IS NOT NULL
          AND run_size + artist_proofs + printer_proofs + hors_commerce + bon_a_tirer
              <> (SELECT count(*) FROM impressions WHERE impressions.edition_id = editions.edition_id)";
    SHEETS_WITHOUT_SALE = "
        SELECT count(*)
        FROM impressions
        WHERE edition_id = $1
          AND state IN ('reserved', 'sold', 'in_return')
          AND NOT EXISTS (SELECT 1 FROM sales
                          WHERE sales.impression_id = impressions.impression_id AND holds_impression = 1)";
    FREE_SHEETS_OF_A_SALE = "
        SELECT count(*)
        FROM impressions
        WHERE edition_id = $1
          AND state = 'available'
          AND EXISTS (SELECT 1 FROM sales
                      WHERE sales.impression_id = impressions.impression_id AND holds_impression = 1)";
    SHEETS_WITH_TWO_TOKENS = "
        SELECT count(*)
        FROM impressions
        WHERE edition_id = $1
          AND (SELECT count(*) FROM tokens
               WHERE tokens.impression_id = impressions.impression_id
                 AND tokens.state IN ('unissued', 'bound', 'settled')) > 1";
    FREE_SHEETS_WITH_A_TOKEN = "
        SELECT count(*)
        FROM impressions
        WHERE edition_id = $1
          AND state = 'available'
          AND EXISTS (SELECT 1 FROM tokens
                      WHERE tokens.impression_id = impressions.impression_id
                        AND tokens.state IN ('unissued', 'bound', 'settled'))";
    // A claim whose token the vault keeps stands until the chain has said what became of that token.
    CLAIMS_OF_UNDONE_SALES = "
        SELECT count(*)
        FROM sales
        JOIN claims ON claims.sale_id = sales.sale_id
        WHERE edition_id = $1
          AND (payment <> 'paid' OR goods IN ('canceled', 'lost', 'inspected_same'))
          AND claims.state NOT IN ('void', 'released')
          AND NOT (claims.safekept = 1 AND waits = 1)";
    // An undone sale without a flag, whose token lives, waits: for its void, or for the holder.
    TOKENS_OF_REFUNDED_SALES = "
        SELECT count(*)
        FROM sales
        JOIN claims ON claims.sale_id = sales.sale_id
        JOIN tokens ON tokens.token_id = claims.token_id
        WHERE edition_id = $1
          AND payment <> 'paid'
          AND token_flag IS NULL
          AND waits = 0
          AND tokens.state IN ('unissued', 'bound')";
}

/// The laws, by the word that names a breach in metrics and logs.
const LAWS: [(&str, Sql); 7] = [
    ("editions_short_of_sheets", EDITIONS_SHORT_OF_SHEETS),
    ("sheets_without_sale", SHEETS_WITHOUT_SALE),
    ("free_sheets_of_a_sale", FREE_SHEETS_OF_A_SALE),
    ("sheets_with_two_tokens", SHEETS_WITH_TWO_TOKENS),
    ("free_sheets_with_a_token", FREE_SHEETS_WITH_A_TOKEN),
    ("claims_of_undone_sales", CLAIMS_OF_UNDONE_SALES),
    ("tokens_of_refunded_sales", TOKENS_OF_REFUNDED_SALES),
];

/// How often each law is broken, by its name: zero, always.
pub type Breaches = [(&'static str, i64); LAWS.len()];

/// No breach of any law.
#[must_use]
pub fn no_breaches() -> Breaches {
    LAWS.map(|(law, _)| (law, 0))
}

/// The edition whose id follows `edition_id`.
pub async fn next_edition_id(tx: &mut Tx, edition_id: &str) -> Result<Option<String>, DbError> {
    let next: Option<(String,)> = tx.fetch_optional(NEXT_EDITION, &[edition_id.into()]).await?;
    Ok(next.map(|(edition_id,)| edition_id))
}

/// How often each law is broken in an edition.
pub async fn count_breaches(tx: &mut Tx, edition_id: &str) -> Result<Breaches, DbError> {
    let mut breaches = no_breaches();
    for (breach, (_, sql)) in breaches.iter_mut().zip(LAWS) {
        (breach.1,) = tx.fetch_one(sql, &[edition_id.into()]).await?;
    }
    Ok(breaches)
}
