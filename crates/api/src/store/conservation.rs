//! What must hold at every moment, counted across the tables of editions, impressions, sales, claims and tokens.

use catalog::db::{DbError, Sql, Tx};

catalog::statements! {
    // Each sheet is in exactly one state, so the states add up when the sheets do.
    EDITIONS_SHORT_OF_SHEETS = "
        SELECT count(*)
        FROM editions
        WHERE number IS NOT NULL
          AND run_size + artist_proofs + printer_proofs + hors_commerce + bon_a_tirer
              <> (SELECT count(*) FROM impressions WHERE impressions.edition_id = editions.edition_id)";
    SHEETS_WITHOUT_SALE = "
        SELECT count(*)
        FROM impressions
        WHERE state IN ('reserved', 'sold', 'in_return')
          AND NOT EXISTS (SELECT 1 FROM sales
                          WHERE sales.impression_id = impressions.impression_id AND holds_impression = 1)";
    FREE_SHEETS_OF_A_SALE = "
        SELECT count(*)
        FROM sales
        JOIN impressions ON impressions.impression_id = sales.impression_id
        WHERE holds_impression = 1
          AND impressions.state = 'available'";
    SHEETS_WITH_TWO_TOKENS = "
        SELECT count(*)
        FROM (SELECT impression_id FROM tokens
              WHERE state IN ('unissued', 'bound', 'settled')
              GROUP BY impression_id
              HAVING count(*) > 1) AS twice";
    FREE_SHEETS_WITH_A_TOKEN = "
        SELECT count(*)
        FROM impressions
        WHERE state = 'available'
          AND EXISTS (SELECT 1 FROM tokens
                      WHERE tokens.impression_id = impressions.impression_id
                        AND tokens.state IN ('unissued', 'bound', 'settled'))";
    // A claim whose token the vault keeps stands until the chain has said what became of that token.
    CLAIMS_OF_UNDONE_SALES = "
        SELECT count(*)
        FROM sales
        JOIN claims ON claims.sale_id = sales.sale_id
        WHERE (payment <> 'paid' OR goods IN ('canceled', 'lost', 'inspected_same'))
          AND claims.state NOT IN ('void', 'released')
          AND NOT (claims.safekept = 1 AND waits = 1)";
    // An undone sale without a flag, whose token lives, waits: for its void, or for the holder.
    TOKENS_OF_REFUNDED_SALES = "
        SELECT count(*)
        FROM sales
        JOIN claims ON claims.sale_id = sales.sale_id
        JOIN tokens ON tokens.token_id = claims.token_id
        WHERE payment <> 'paid'
          AND token_flag IS NULL
          AND waits = 0
          AND tokens.state IN ('unissued', 'bound')";
}

/// What must always hold.
#[derive(Debug, Clone, Copy)]
pub struct Law {
    /// The word for it in metrics and logs.
    pub name: &'static str,
    breaches: Sql,
}

/// Each law; none is ever broken.
pub const LAWS: [Law; 7] = [
    Law { name: "editions_short_of_sheets", breaches: EDITIONS_SHORT_OF_SHEETS },
    Law { name: "sheets_without_sale", breaches: SHEETS_WITHOUT_SALE },
    Law { name: "free_sheets_of_a_sale", breaches: FREE_SHEETS_OF_A_SALE },
    Law { name: "sheets_with_two_tokens", breaches: SHEETS_WITH_TWO_TOKENS },
    Law { name: "free_sheets_with_a_token", breaches: FREE_SHEETS_WITH_A_TOKEN },
    Law { name: "claims_of_undone_sales", breaches: CLAIMS_OF_UNDONE_SALES },
    Law { name: "tokens_of_refunded_sales", breaches: TOKENS_OF_REFUNDED_SALES },
];

/// How often a law is broken.
pub async fn count_breaches(tx: &mut Tx, law: Law) -> Result<i64, DbError> {
    let (count,): (i64,) = tx.fetch_one(law.breaches, &[]).await?;
    Ok(count)
}
