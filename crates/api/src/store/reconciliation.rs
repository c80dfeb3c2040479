//! What the books say of sales and sheets, for a comparison with the chain.

use std::collections::{BTreeMap, BTreeSet};

use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx};
use catalog::impression::ImpressionState;
use minting::token::TokenId;

use super::sales::row::{SaleRow, columns};
use crate::reconciliation::{BookedEdition, SheetPlace};
use crate::sale::Sale;

/// Rows that are read at once.
const PAGE: u32 = 2_000;

catalog::statements! {
    SALES = concat!("
        SELECT ", columns!(), ",
               sales.updated_at AS changed_at,
               claims.token_id AS token_id,
               claims.redeemed_at AS redeemed_at,
               claims.recipient AS recipient
        FROM sales
        JOIN claims ON claims.sale_id = sales.sale_id
        WHERE sales.sale_id > $1
        ORDER BY sales.sale_id
        LIMIT $2");
    EDITIONS = "
        SELECT number,
               run_size + artist_proofs + printer_proofs + hors_commerce + bon_a_tirer,
               impressions.state,
               count(*)
        FROM editions
        JOIN impressions ON impressions.edition_id = editions.edition_id
        WHERE number IS NOT NULL
        GROUP BY number, run_size, artist_proofs, printer_proofs, hors_commerce, bon_a_tirer, impressions.state
        ORDER BY number
        LIMIT 1000000";
    SHEETS_IN = "
        SELECT impressions.impression_id,
               editions.number,
               impressions.serial
        FROM impressions
        JOIN editions ON editions.edition_id = impressions.edition_id
        WHERE impressions.state = $1
          AND impressions.impression_id > $2
        ORDER BY impressions.impression_id
        LIMIT $3";
}

/// A sale with what its claim came to.
pub(crate) struct SaleAndClaim {
    pub(crate) sale: Sale,
    pub(crate) changed_at: Timestamp,
    pub(crate) redemption: Option<(TokenId, catalog::account::Account, Timestamp)>,
}

#[derive(sqlx::FromRow)]
struct SaleAndClaimRow {
    #[sqlx(flatten)]
    sale: SaleRow,
    changed_at: i64,
    token_id: Option<i64>,
    redeemed_at: Option<i64>,
    recipient: Option<String>,
}

impl TryFrom<SaleAndClaimRow> for SaleAndClaim {
    type Error = DbError;

    fn try_from(row: SaleAndClaimRow) -> Result<Self, Self::Error> {
        let sale: Sale = row.sale.try_into()?;
        let odd = |problem: &dyn std::fmt::Display| DbError::inconsistent("claims", &sale.sale_id, problem);
        let moment = |micros| Timestamp::from_micros(micros).map_err(|e| odd(&e));
        let redemption = match (row.token_id, row.redeemed_at, row.recipient) {
            (Some(token_id), Some(redeemed_at), Some(recipient)) => {
                let token_id = u64::try_from(token_id).map_err(|e| odd(&e))?;
                let token_id = TokenId::from_number(token_id).map_err(|e| odd(&e))?;
                Some((token_id, recipient.parse().map_err(|e| odd(&e))?, moment(redeemed_at)?))
            }
            (None, None, None) => None,
            _ => return Err(odd(&"half a redemption")),
        };
        Ok(Self { changed_at: moment(row.changed_at)?, redemption, sale })
    }
}

/// Every sale, by `keep`, which is handed one after the other.
pub(crate) async fn each_sale(tx: &mut Tx, mut keep: impl FnMut(SaleAndClaim)) -> Result<(), DbError> {
    let mut after = String::new();
    loop {
        let rows: Vec<SaleAndClaimRow> = tx.fetch_all(SALES, &[after.as_str().into(), PAGE.into()]).await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            let read: SaleAndClaim = row.try_into()?;
            after = read.sale.sale_id.to_string();
            keep(read);
        }
    }
}

/// Every published edition with its sheets, counted.
pub(crate) async fn booked_editions(tx: &mut Tx) -> Result<Vec<BookedEdition>, DbError> {
    let rows: Vec<(i64, i64, String, i64)> = tx.fetch_all(EDITIONS, &[]).await?;
    let mut editions: BTreeMap<u64, BookedEdition> = BTreeMap::new();
    for (number, size, state, count) in rows {
        let odd = |problem: &dyn std::fmt::Display| DbError::inconsistent("editions", number, problem);
        let positive = |value: i64| u64::try_from(value).map_err(|e| odd(&e));
        let (number, declared_size) = (positive(number)?, positive(size)?);
        let state = ImpressionState::from_word(&state).ok_or_else(|| odd(&"unknown state"))?;
        let new = BookedEdition { number, declared_size, sheets: Vec::new() };
        editions.entry(number).or_insert(new).sheets.push((state, positive(count)?));
    }
    Ok(editions.into_values().collect())
}

/// The sheets that stand in `state`, with their ids.
pub(crate) async fn sheets_in(
    tx: &mut Tx,
    state: ImpressionState,
) -> Result<BTreeMap<SheetPlace, String>, DbError> {
    let mut sheets = BTreeMap::new();
    let mut after = String::new();
    loop {
        let values = [state.as_str().into(), after.as_str().into(), PAGE.into()];
        let rows: Vec<(String, i64, i64)> = tx.fetch_all(SHEETS_IN, &values).await?;
        let Some((last, ..)) = rows.last() else { return Ok(sheets) };
        after.clone_from(last);
        for (id, edition, serial) in rows {
            let odd = |problem: &dyn std::fmt::Display| DbError::inconsistent("impressions", &id, problem);
            let positive = |value: i64| u64::try_from(value).map_err(|e| odd(&e));
            let place = SheetPlace { edition: positive(edition)?, serial: positive(serial)? };
            sheets.insert(place, id);
        }
    }
}

/// The places of the sheets that may be sold.
pub(crate) async fn free_sheets(tx: &mut Tx) -> Result<BTreeSet<SheetPlace>, DbError> {
    Ok(sheets_in(tx, ImpressionState::Available).await?.into_keys().collect())
}
