//! Table `transactions`: in which blocks those under way were seen, without what they carry. There may be hundreds of
//! large ones, of which a pass has to look at a few.

use catalog::account::Account;
use catalog::db::{DbError, Tx};

use crate::chain::Block;
use crate::transaction::TransactionId;

catalog::statements! {
    PLACES = "
        SELECT transaction_id,
               nonce,
               block_number,
               block_hash
        FROM transactions
        WHERE signer = $1
          AND state IN ('bound', 'signed', 'live', 'included')
        ORDER BY nonce
        LIMIT 1000";
}

/// A transaction under way, and the block in which it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Which.
    pub(crate) transaction_id: TransactionId,
    /// Its nonce.
    pub(crate) nonce: u64,
    /// Where, unless it is in none.
    pub(crate) block: Option<Block>,
}

#[derive(sqlx::FromRow)]
struct PlaceRow {
    transaction_id: String,
    nonce: i64,
    block_number: Option<i64>,
    block_hash: Option<String>,
}

/// The transactions of a signer whose end is not known, by nonce, at most 1,000.
pub(crate) async fn places(tx: &mut Tx, signer: Account) -> Result<Vec<Place>, DbError> {
    let rows: Vec<PlaceRow> = tx.fetch_all(PLACES, &[signer.into()]).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

impl TryFrom<PlaceRow> for Place {
    type Error = DbError;

    fn try_from(row: PlaceRow) -> Result<Self, Self::Error> {
        let odd = |problem: &dyn std::fmt::Display| {
            DbError::inconsistent("transactions", &row.transaction_id, problem)
        };
        let block = match (row.block_number, &row.block_hash) {
            (Some(number), Some(hash)) => Some(Block {
                number: u64::try_from(number).map_err(|e| odd(&e))?,
                hash: hash.parse().map_err(|e| odd(&e))?,
            }),
            (None, None) => None,
            _ => return Err(odd(&"half included")),
        };
        Ok(Self {
            transaction_id: row.transaction_id.parse().map_err(|e| odd(&e))?,
            nonce: u64::try_from(row.nonce).map_err(|e| odd(&e))?,
            block,
        })
    }
}
