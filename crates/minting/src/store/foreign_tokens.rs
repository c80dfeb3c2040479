//! Table `foreign_tokens`, and what the books know of the ids in the contract's log.

use std::collections::BTreeMap;

use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx};
use catalog::ids::{EditionId, ImpressionId};

use crate::chain::Block;
use crate::foreign::{ForeignRecord, ForeignToken, KnownToken, Standing, Verdict};
use crate::token::TokenId;

/// Ids that one statement asks for.
const AT_ONCE: usize = 16;

/// The columns of a foreign token, in the order of [`ForeignRow`].
macro_rules! columns {
    () => {
        "token_id,
               standing,
               recipient,
               block_number,
               block_hash,
               transaction_hash,
               verdict,
               reason,
               found_at"
    };
}

catalog::statements! {
    KNOWN = "
        SELECT token_id,
               recipient,
               CAST(CASE WHEN state IN ('voided', 'surrendered')
                              OR EXISTS (SELECT 1 FROM calls
                                         WHERE calls.business_key = 'void:' || tokens.token_id)
                         THEN 1
                         ELSE 0 END AS BIGINT)
        FROM tokens
        WHERE token_id IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    // What was linked and has become a tombstone since is looked at again; what was rejected stays so.
    RECORD = "
        INSERT INTO foreign_tokens (
            token_id,
            standing,
            recipient,
            block_number,
            block_hash,
            transaction_hash,
            verdict,
            found_at
        ) VALUES ($1, $2, $3, $4, $5, $6, 'open', $7)
        ON CONFLICT (token_id) DO UPDATE
        SET standing = excluded.standing,
            recipient = coalesce(excluded.recipient, foreign_tokens.recipient),
            block_number = excluded.block_number,
            block_hash = excluded.block_hash,
            transaction_hash = excluded.transaction_hash,
            verdict = CASE WHEN foreign_tokens.verdict = 'linked' THEN 'open' ELSE foreign_tokens.verdict END
        WHERE foreign_tokens.standing <> excluded.standing";
    FIND = concat!("
        SELECT ", columns!(), "
        FROM foreign_tokens
        WHERE token_id = $1");
    LIST_UNLINKED = concat!("
        SELECT ", columns!(), "
        FROM foreign_tokens
        WHERE verdict <> 'linked'
          AND token_id > $1
        ORDER BY token_id
        LIMIT $2");
    COUNT_OPEN = "
        SELECT count(*)
        FROM foreign_tokens
        WHERE verdict = 'open'";
    DECIDE = "
        UPDATE foreign_tokens
        SET verdict = $2,
            reason = $3,
            decided_at = $4
        WHERE token_id = $1
          AND verdict <> 'linked'";
    FREE_SHEETS = "
        SELECT foreign_tokens.token_id,
               editions.edition_id,
               impressions.impression_id
        FROM foreign_tokens
        JOIN editions ON editions.number = foreign_tokens.token_id / 1000000
        JOIN impressions ON impressions.edition_id = editions.edition_id
                        AND impressions.serial = foreign_tokens.token_id / 100 % 10000
        WHERE verdict <> 'linked'
          AND impressions.state = 'available'
        ORDER BY foreign_tokens.token_id
        LIMIT 1000";
}

#[derive(sqlx::FromRow)]
struct ForeignRow {
    token_id: i64,
    standing: String,
    recipient: Option<String>,
    block_number: i64,
    block_hash: String,
    transaction_hash: String,
    verdict: String,
    reason: Option<String>,
    found_at: i64,
}

fn id(table: &'static str, number: i64) -> Result<TokenId, DbError> {
    let id = u64::try_from(number).ok().and_then(|number| TokenId::from_number(number).ok());
    id.ok_or_else(|| DbError::inconsistent(table, number, "not a token id"))
}

impl TryFrom<ForeignRow> for ForeignRecord {
    type Error = DbError;

    fn try_from(row: ForeignRow) -> Result<Self, Self::Error> {
        let odd =
            |problem: &dyn std::fmt::Display| DbError::inconsistent("foreign_tokens", row.token_id, problem);
        let recipient = row.recipient.as_deref().map(str::parse).transpose().map_err(|e| odd(&e))?;
        Ok(Self {
            token: ForeignToken {
                token_id: id("foreign_tokens", row.token_id)?,
                standing: Standing::from_word(&row.standing).ok_or_else(|| odd(&"unknown standing"))?,
                recipient,
                block: Block {
                    number: u64::try_from(row.block_number).map_err(|e| odd(&e))?,
                    hash: row.block_hash.parse().map_err(|e| odd(&e))?,
                },
                transaction_hash: row.transaction_hash.parse().map_err(|e| odd(&e))?,
            },
            verdict: Verdict::from_word(&row.verdict).ok_or_else(|| odd(&"unknown verdict"))?,
            found_at: Timestamp::from_micros(row.found_at).map_err(|e| odd(&e))?,
            reason: row.reason.clone(),
        })
    }
}

/// What the books know of these ids; ids that they do not know are left out.
pub(crate) async fn known_tokens(
    tx: &mut Tx,
    token_ids: &[TokenId],
) -> Result<BTreeMap<TokenId, KnownToken>, DbError> {
    let mut known = BTreeMap::new();
    for some in token_ids.chunks(AT_ONCE) {
        // The last one fills the places that are left.
        let padded = some.iter().chain(some.last().into_iter().cycle()).take(AT_ONCE);
        let values: Vec<_> = padded.map(|token_id| (*token_id).into()).collect();
        let rows: Vec<(i64, String, i64)> = tx.fetch_all(KNOWN, &values).await?;
        for (number, recipient, is_ending) in rows {
            let recipient =
                recipient.parse().map_err(|problem| DbError::inconsistent("tokens", number, problem))?;
            known.insert(id("tokens", number)?, KnownToken { recipient, is_ending: is_ending == 1 });
        }
    }
    Ok(known)
}

/// Writes down what the books do not know; tells whether that is news.
pub(crate) async fn record_foreign(
    tx: &mut Tx,
    token: &ForeignToken,
    at: Timestamp,
) -> Result<bool, DbError> {
    let values = [
        token.token_id.into(),
        token.standing.as_str().into(),
        token.recipient.map(|recipient| recipient.to_string()).into(),
        i64::try_from(token.block.number).unwrap_or(i64::MAX).into(),
        token.block.hash.to_string().into(),
        token.transaction_hash.to_string().into(),
        at.into(),
    ];
    Ok(tx.execute(RECORD, &values).await? == 1)
}

/// What is written of that id, if it is or was foreign.
pub async fn find_foreign(tx: &mut Tx, token_id: TokenId) -> Result<Option<ForeignRecord>, DbError> {
    let row: Option<ForeignRow> = tx.fetch_optional(FIND, &[token_id.into()]).await?;
    row.map(TryInto::try_into).transpose()
}

/// At most `limit` of those that are open or rejected, in order of their ids, after `after`.
pub async fn list_foreign(
    tx: &mut Tx,
    after: Option<TokenId>,
    limit: u32,
) -> Result<Vec<ForeignRecord>, DbError> {
    let after = after.map_or(0, |id| i64::try_from(id.get()).unwrap_or(i64::MAX));
    let rows: Vec<ForeignRow> = tx.fetch_all(LIST_UNLINKED, &[after.into(), limit.into()]).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// How many wait for a decision.
pub async fn count_open_foreign(tx: &mut Tx) -> Result<i64, DbError> {
    let (count,): (i64,) = tx.fetch_one(COUNT_OPEN, &[]).await?;
    Ok(count)
}

/// Writes a decision; false when it was linked before.
pub(crate) async fn decide_foreign(
    tx: &mut Tx,
    token_id: TokenId,
    verdict: Verdict,
    reason: &str,
    at: Timestamp,
) -> Result<bool, DbError> {
    let values = [token_id.into(), verdict.as_str().into(), reason.into(), at.into()];
    Ok(tx.execute(DECIDE, &values).await? == 1)
}

/// Sheets that are for sale though the chain has a token or tombstone of theirs that is not ours.
pub(crate) async fn free_sheets_of_foreign(
    tx: &mut Tx,
) -> Result<Vec<(TokenId, EditionId, ImpressionId)>, DbError> {
    let rows: Vec<(i64, String, String)> = tx.fetch_all(FREE_SHEETS, &[]).await?;
    rows.into_iter()
        .map(|(number, edition, impression)| {
            let edition =
                edition.parse().map_err(|problem| DbError::inconsistent("editions", &edition, problem))?;
            let impression = impression
                .parse()
                .map_err(|problem| DbError::inconsistent("impressions", &impression, problem))?;
            Ok((id("foreign_tokens", number)?, edition, impression))
        })
        .collect()
}
