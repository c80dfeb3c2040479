//! Tables `transactions` and `attempts`.

use catalog::account::Account;
use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx, Value};
use catalog::journal::Occasion;

use crate::call::CallKind;
use crate::chain::Block;
use crate::transaction::{Inclusion, Signed, Transaction, TransactionId, TransactionState};

/// The columns of a transaction, in the order of [`TransactionRow`].
macro_rules! columns {
    () => {
        "transaction_id,
               signer,
               nonce,
               kind,
               state,
               calldata,
               gas_limit,
               block_number,
               block_hash,
               attempt_hash"
    };
}

catalog::statements! {
    NEXT_NONCE = "
        SELECT coalesce(max(nonce) + 1, $2)
        FROM transactions
        WHERE signer = $1";
    INSERT_BOUND = "
        INSERT INTO transactions (
            transaction_id,
            signer,
            nonce,
            kind,
            state,
            bound_at,
            updated_at,
            fence
        ) VALUES ($1, $2, $3, $4, 'bound', $5, $5, $6)";
    // A nonce that somebody used without these books: nobody of ours has it, and it carries no call.
    INSERT_ADOPTED = "
        INSERT INTO transactions (
            transaction_id,
            signer,
            nonce,
            kind,
            state,
            bound_at,
            updated_at,
            fence
        )
        SELECT $1, signer, $3, $4, 'displaced', $5, $5, fence
        FROM lanes
        WHERE signer = $2";
    UNSETTLED = concat!("
        SELECT ", columns!(), "
        FROM transactions
        WHERE signer = $1
          AND state IN ('bound', 'signed', 'live', 'included')
        ORDER BY nonce
        LIMIT 1000");
    UNSENT = concat!("
        SELECT ", columns!(), "
        FROM transactions
        WHERE signer = $1
          AND state IN ('bound', 'signed')
        ORDER BY nonce
        LIMIT 1000");
    FIND = concat!("
        SELECT ", columns!(), "
        FROM transactions
        WHERE transaction_id = $1");
    LAST_FINAL = concat!("
        SELECT ", columns!(), "
        FROM transactions
        WHERE signer = $1
          AND state IN ('confirmed', 'reverted_confirmed')
        ORDER BY nonce DESC
        LIMIT 1");
    FINAL_BELOW = concat!("
        SELECT ", columns!(), "
        FROM transactions
        WHERE signer = $1
          AND state IN ('confirmed', 'reverted_confirmed')
          AND nonce < $2
        ORDER BY nonce DESC
        LIMIT $3");
    SET_SIGNED = "
        UPDATE transactions
        SET state = 'signed',
            calldata = $2,
            gas_limit = $3,
            updated_at = $4,
            fence = $5
        WHERE transaction_id = $1
          AND state = 'bound'";
    SET_INCLUDED = "
        UPDATE transactions
        SET state = 'included',
            attempt_hash = $2,
            block_number = $3,
            block_hash = $4,
            updated_at = $5
        WHERE transaction_id = $1
          AND state IN ('signed', 'live', 'included')";
    SET_FELL_OUT = "
        UPDATE transactions
        SET state = 'live',
            attempt_hash = NULL,
            block_number = NULL,
            block_hash = NULL,
            updated_at = $2
        WHERE transaction_id = $1
          AND state = 'included'";
    SET_FINAL = "
        UPDATE transactions
        SET state = $2,
            attempt_hash = $3,
            block_number = $4,
            block_hash = $5,
            updated_at = $6
        WHERE transaction_id = $1
          AND state IN ('signed', 'live', 'included')";
    SET_DISPLACED = "
        UPDATE transactions
        SET state = 'displaced',
            attempt_hash = NULL,
            block_number = NULL,
            block_hash = NULL,
            updated_at = $2
        WHERE transaction_id = $1
          AND state IN ('bound', 'signed', 'live', 'included')";
    @rows {
        SET_LIVE = "
        UPDATE transactions
        SET state = 'live',
            updated_at = $2
        FROM", rows("$1"), "
        WHERE transaction_id = item.value ->> 0
          AND state = 'signed'";
    }
}

#[derive(sqlx::FromRow)]
struct TransactionRow {
    transaction_id: String,
    signer: String,
    nonce: i64,
    kind: String,
    state: String,
    calldata: Option<String>,
    gas_limit: Option<i64>,
    block_number: Option<i64>,
    block_hash: Option<String>,
    attempt_hash: Option<String>,
}

impl TransactionRow {
    fn odd(&self, problem: impl ToString) -> DbError {
        DbError::inconsistent("transactions", &self.transaction_id, problem)
    }

    fn signed(&self) -> Result<Option<Signed>, DbError> {
        match (&self.calldata, self.gas_limit) {
            (Some(calldata), Some(gas_limit)) => Ok(Some(Signed {
                calldata: alloy::hex::decode(calldata).map_err(|e| self.odd(e))?,
                gas_limit: u64::try_from(gas_limit).map_err(|e| self.odd(e))?,
            })),
            (None, None) => Ok(None),
            _ => Err(self.odd("half signed")),
        }
    }

    fn inclusion(&self) -> Result<Option<Inclusion>, DbError> {
        match (&self.attempt_hash, self.block_number, &self.block_hash) {
            (Some(attempt), Some(number), Some(hash)) => Ok(Some(Inclusion {
                attempt_hash: attempt.parse().map_err(|e| self.odd(e))?,
                block: Block {
                    number: u64::try_from(number).map_err(|e| self.odd(e))?,
                    hash: hash.parse().map_err(|e| self.odd(e))?,
                },
            })),
            (None, None, None) => Ok(None),
            _ => Err(self.odd("half included")),
        }
    }
}

impl TryFrom<TransactionRow> for Transaction {
    type Error = DbError;

    fn try_from(row: TransactionRow) -> Result<Self, Self::Error> {
        let state = match (row.state.as_str(), row.signed()?, row.inclusion()?) {
            ("bound", None, None) => TransactionState::Bound,
            ("signed", Some(signed), None) => TransactionState::Signed(signed),
            ("live", Some(signed), None) => TransactionState::Live(signed),
            ("included", Some(signed), Some(inclusion)) => TransactionState::Included(signed, inclusion),
            ("confirmed", _, Some(inclusion)) => TransactionState::Confirmed(inclusion),
            ("reverted_confirmed", _, Some(inclusion)) => TransactionState::RevertedConfirmed(inclusion),
            ("displaced", _, None) => TransactionState::Displaced,
            _ => return Err(row.odd("the state and its facts disagree")),
        };
        Ok(Self {
            transaction_id: row.transaction_id.parse().map_err(|e| row.odd(e))?,
            signer: row.signer.parse().map_err(|e| row.odd(e))?,
            nonce: u64::try_from(row.nonce).map_err(|e| row.odd(e))?,
            kind: CallKind::from_word(&row.kind).ok_or_else(|| row.odd("unknown kind"))?,
            state,
        })
    }
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The next nonce of a lane: one above the highest that was ever bound. There is no counter to go wrong. Asked in
/// the database transaction that binds it, under the lane's lock.
pub(crate) async fn next_nonce(tx: &mut Tx, signer: Account, first_nonce: u64) -> Result<u64, DbError> {
    let (next,): (i64,) = tx.fetch_one(NEXT_NONCE, &[signer.into(), number(first_nonce).into()]).await?;
    u64::try_from(next).map_err(|problem| DbError::inconsistent("transactions", signer, problem))
}

/// Binds a nonce. The lane is held in the same database transaction.
pub(crate) async fn insert_bound(
    tx: &mut Tx,
    transaction: &Transaction,
    fence: i64,
    at: Timestamp,
) -> Result<(), DbError> {
    let values = [
        (&transaction.transaction_id).into(),
        transaction.signer.into(),
        number(transaction.nonce).into(),
        transaction.kind.as_str().into(),
        at.into(),
        fence.into(),
    ];
    tx.execute(INSERT_BOUND, &values).await?;
    Ok(())
}

/// Writes down a nonce of a lane that was used without these books.
pub(crate) async fn insert_adopted(
    tx: &mut Tx,
    signer: Account,
    nonce: u64,
    occasion: &Occasion<'_>,
) -> Result<(), DbError> {
    let transaction_id = TransactionId::generate(occasion.at, occasion.chance);
    let values = [
        (&transaction_id).into(),
        signer.into(),
        number(nonce).into(),
        CallKind::Mint.as_str().into(),
        occasion.at.into(),
    ];
    tx.execute(INSERT_ADOPTED, &values).await?;
    Ok(())
}

/// The transactions of a signer whose end is not known, by nonce, at most 1,000.
pub(crate) async fn unsettled(tx: &mut Tx, signer: Account) -> Result<Vec<Transaction>, DbError> {
    let rows: Vec<TransactionRow> = tx.fetch_all(UNSETTLED, &[signer.into()]).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Those of a signer that no node has, as far as the books know, by nonce, at most 1,000.
pub(crate) async fn unsent(tx: &mut Tx, signer: Account) -> Result<Vec<Transaction>, DbError> {
    let rows: Vec<TransactionRow> = tx.fetch_all(UNSENT, &[signer.into()]).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The final block that holds the newest final transaction of a signer.
pub(crate) async fn last_final_block(tx: &mut Tx, signer: Account) -> Result<Option<Block>, DbError> {
    let row: Option<TransactionRow> = tx.fetch_optional(LAST_FINAL, &[signer.into()]).await?;
    Ok(row.map(|row| row.inclusion()).transpose()?.flatten().map(|inclusion| inclusion.block))
}

/// The final transactions of a signer below `nonce`, the newest first.
pub(crate) async fn final_below(
    tx: &mut Tx,
    signer: Account,
    nonce: u64,
    limit: u32,
) -> Result<Vec<Transaction>, DbError> {
    let values = [signer.into(), number(nonce).into(), limit.into()];
    let rows: Vec<TransactionRow> = tx.fetch_all(FINAL_BELOW, &values).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The transaction with that id.
pub async fn find_transaction(
    tx: &mut Tx,
    transaction_id: &TransactionId,
) -> Result<Option<Transaction>, DbError> {
    let row: Option<TransactionRow> = tx.fetch_optional(FIND, &[transaction_id.into()]).await?;
    row.map(TryInto::try_into).transpose()
}

async fn change(
    tx: &mut Tx,
    sql: catalog::db::Sql,
    transaction_id: &TransactionId,
    values: &[catalog::db::Value],
) -> Result<(), DbError> {
    let values: Vec<_> = std::iter::once(transaction_id.into()).chain(values.iter().cloned()).collect();
    match tx.execute(sql, &values).await? {
        1 => Ok(()),
        _ => Err(changed_by_another(transaction_id.as_str())),
    }
}

fn changed_by_another(transaction_id: &str) -> DbError {
    DbError::inconsistent("transactions", transaction_id, "changed by another at the same time")
}

/// Writes what is fixed with the first attempt, and that attempt. Committed before the bytes leave.
pub(crate) async fn set_signed(
    tx: &mut Tx,
    transaction_id: &TransactionId,
    signed: &Signed,
    fence: i64,
    at: Timestamp,
) -> Result<(), DbError> {
    let values = [
        alloy::hex::encode(&signed.calldata).into(),
        number(signed.gas_limit).into(),
        at.into(),
        fence.into(),
    ];
    change(tx, SET_SIGNED, transaction_id, &values).await
}

/// A node may have the bytes of these now.
pub(crate) async fn set_live(
    tx: &mut Tx,
    transaction_ids: &[TransactionId],
    at: Timestamp,
) -> Result<(), DbError> {
    let rows: Vec<_> = transaction_ids.iter().map(|id| (id.as_str(),)).collect();
    let changed = tx.execute(SET_LIVE, &[Value::rows(&rows)?, at.into()]).await?;
    let all = usize::try_from(changed) == Ok(rows.len());
    all.then_some(()).ok_or_else(|| changed_by_another(rows.first().map_or("none", |(id,)| id)))
}

fn inclusion_values(inclusion: &Inclusion) -> [catalog::db::Value; 3] {
    [
        inclusion.attempt_hash.to_string().into(),
        number(inclusion.block.number).into(),
        inclusion.block.hash.to_string().into(),
    ]
}

/// An attempt is in a block, or in another one than before.
pub(crate) async fn set_included(
    tx: &mut Tx,
    transaction_id: &TransactionId,
    inclusion: &Inclusion,
    at: Timestamp,
) -> Result<(), DbError> {
    let [attempt, block, hash] = inclusion_values(inclusion);
    change(tx, SET_INCLUDED, transaction_id, &[attempt, block, hash, at.into()]).await
}

/// A reorg took it out of its block.
pub(crate) async fn set_fell_out(
    tx: &mut Tx,
    transaction_id: &TransactionId,
    at: Timestamp,
) -> Result<(), DbError> {
    change(tx, SET_FELL_OUT, transaction_id, &[at.into()]).await
}

/// It went through or reverted, for good.
pub(crate) async fn set_final(
    tx: &mut Tx,
    transaction_id: &TransactionId,
    succeeded: bool,
    inclusion: &Inclusion,
    at: Timestamp,
) -> Result<(), DbError> {
    let state = if succeeded { "confirmed" } else { "reverted_confirmed" };
    let [attempt, block, hash] = inclusion_values(inclusion);
    change(tx, SET_FINAL, transaction_id, &[state.into(), attempt, block, hash, at.into()]).await
}

/// Another transaction has its nonce, for good.
pub(crate) async fn set_displaced(
    tx: &mut Tx,
    transaction_id: &TransactionId,
    at: Timestamp,
) -> Result<(), DbError> {
    change(tx, SET_DISPLACED, transaction_id, &[at.into()]).await
}
