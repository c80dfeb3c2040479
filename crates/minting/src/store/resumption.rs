//! What an operator's look at a frozen lane changes: in `lanes`, and in what the chain lost.

use catalog::account::Account;
use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx};

use crate::transaction::TransactionId;

catalog::statements! {
    // The transactions that carried what the calls of this one waited for.
    BEFORE = "
        SELECT DISTINCT earlier.transaction_id
        FROM calls
        JOIN calls AS earlier ON earlier.call_id = calls.after_call_id
        WHERE calls.transaction_id = $1
          AND earlier.transaction_id IS NOT NULL";
    THAW = "
        UPDATE lanes
        SET frozen_at = NULL,
            frozen_reason = NULL
        WHERE signer = $1
          AND frozen_at IS NOT NULL
        RETURNING first_nonce";
    PUT_BACK = "
        UPDATE transactions
        SET state = 'live',
            attempt_hash = NULL,
            block_number = NULL,
            block_hash = NULL,
            updated_at = $2
        WHERE transaction_id = $1
          AND state IN ('confirmed', 'reverted_confirmed')";
    // Before their calls are bound again: what a token was before is read from them.
    UNSETTLE_TOKENS = "
        UPDATE tokens
        SET state = CASE WHEN (SELECT calls.state FROM calls WHERE calls.call_id = tokens.mint_call_id) = 'done'
                         THEN 'bound'
                         ELSE 'unissued' END,
            updated_at = $2
        WHERE token_id IN (SELECT calls.token_id FROM calls
                           WHERE calls.transaction_id = $1
                             AND calls.kind IN ('void', 'settle', 'surrender')
                             AND calls.state = 'done')";
    UNMINT_TOKENS = "
        UPDATE tokens
        SET state = 'unissued',
            updated_at = $2
        WHERE mint_call_id IN (SELECT call_id FROM calls
                               WHERE transaction_id = $1
                                 AND state IN ('done', 'refused', 'review'))";
    // One that is void stays so: it was taken back before it was signed, or its token is a tombstone.
    BIND_AGAIN = "
        UPDATE calls
        SET state = 'bound',
            reason = NULL,
            updated_at = $2
        WHERE transaction_id = $1
          AND state IN ('done', 'refused', 'review')";
}

/// The transactions that carried what the calls of `transaction_id` waited for.
pub(crate) async fn transactions_before(
    tx: &mut Tx,
    transaction_id: &TransactionId,
) -> Result<Vec<TransactionId>, DbError> {
    let rows: Vec<(String,)> = tx.fetch_all(BEFORE, &[transaction_id.into()]).await?;
    let odd = |problem| DbError::inconsistent("calls", transaction_id, problem);
    rows.into_iter().map(|(id,)| id.parse().map_err(odd)).collect()
}

/// Lets a frozen lane go on, which locks it; its first nonce, or none when it was not frozen.
pub(crate) async fn thaw_lane(tx: &mut Tx, signer: Account) -> Result<Option<u64>, DbError> {
    let row: Option<(i64,)> = tx.fetch_optional(THAW, &[signer.into()]).await?;
    let odd = |problem| DbError::inconsistent("lanes", signer, problem);
    row.map(|(first_nonce,)| u64::try_from(first_nonce).map_err(odd)).transpose()
}

/// A transaction that was final is under way again, with its calls and their tokens.
pub(crate) async fn put_back(
    tx: &mut Tx,
    transaction_id: &TransactionId,
    at: Timestamp,
) -> Result<(), DbError> {
    let values = [transaction_id.into(), at.into()];
    for sql in [PUT_BACK, UNSETTLE_TOKENS, UNMINT_TOKENS, BIND_AGAIN] {
        tx.execute(sql, &values).await?;
    }
    Ok(())
}
