//! Table `transactions`: in which blocks those under way were seen, without what they carry. There may be hundreds of
//! large ones, of which a pass has to look at a few.

use catalog::account::Account;
use catalog::db::{DbError, Tx};

use crate::chain::Block;
use crate::transaction::TransactionId;

catalog::statements! {
    PLACES = "
        SELECT transaction_id,
               block_number,
               block_hash
        FROM transactions
        WHERE signer = $1
          AND state IN ('bound', 'signed', 'live', 'included')
        ORDER BY nonce
        LIMIT 1000";
}

#[derive(sqlx::FromRow)]
struct PlaceRow {
    transaction_id: String,
    block_number: Option<i64>,
    block_hash: Option<String>,
}

/// The transactions of a signer whose end is not known, by nonce, at most 1,000, each with the block in which it was seen.
pub(crate) async fn places(
    tx: &mut Tx,
    signer: Account,
) -> Result<Vec<(TransactionId, Option<Block>)>, DbError> {
    let rows: Vec<PlaceRow> = tx.fetch_all(PLACES, &[signer.into()]).await?;
    rows.into_iter().map(PlaceRow::read).collect()
}

impl PlaceRow {
    fn read(self) -> Result<(TransactionId, Option<Block>), DbError> {
        let odd = |problem: &dyn std::fmt::Display| {
            DbError::inconsistent("transactions", &self.transaction_id, problem)
        };
        let block = match (self.block_number, &self.block_hash) {
            (Some(number), Some(hash)) => Some(Block {
                number: u64::try_from(number).map_err(|e| odd(&e))?,
                hash: hash.parse().map_err(|e| odd(&e))?,
            }),
            (None, None) => None,
            _ => return Err(odd(&"half included")),
        };
        Ok((self.transaction_id.parse().map_err(|e| odd(&e))?, block))
    }
}
