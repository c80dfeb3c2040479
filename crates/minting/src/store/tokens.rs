//! Table `tokens`.

use catalog::account::Account;
use catalog::clock::Timestamp;
use catalog::crash_point;
use catalog::db::{DbError, Tx, Value};
use catalog::edition::EditionNumber;
use catalog::ids::ImpressionId;
use catalog::impression::Impression;
use catalog::journal::{self, Occasion};

use super::calls::{end_calls, queue_call};
use super::foreign_tokens::decide_foreign;
use crate::call::{Call, CallId, VoidReason};
use crate::event::MintingEvent;
use crate::foreign::{ForeignToken, Standing, Verdict};
use crate::token::{Issue, Token, TokenId, TokenState};

/// The columns of a token, in the order of [`TokenRow`].
macro_rules! columns {
    () => {
        "token_id,
               impression_id,
               issue,
               recipient,
               settles_at,
               mint_call_id,
               state,
               metadata,
               created_at"
    };
}

catalog::statements! {
    NEXT_ISSUE = "
        SELECT next.issue,
               CAST(CASE WHEN EXISTS (SELECT 1 FROM foreign_tokens
                                      WHERE foreign_tokens.token_id = $2 + next.issue)
                    THEN 1
                    ELSE 0 END AS BIGINT)
        FROM (SELECT coalesce(max(issue) + 1, 0) AS issue
              FROM tokens
              WHERE impression_id = $1) AS next";
    INSERT = "
        INSERT INTO tokens (
            token_id,
            impression_id,
            issue,
            recipient,
            settles_at,
            mint_call_id,
            state,
            metadata,
            created_at,
            updated_at
        ) VALUES ($1, $2, $3, $4, $5, $6, 'unissued', $7, $8, $8)";
    FIND = concat!("
        SELECT ", columns!(), "
        FROM tokens
        WHERE token_id = $1");
    FIND_OF_IMPRESSION = concat!("
        SELECT ", columns!(), "
        FROM tokens
        WHERE impression_id = $1
        ORDER BY issue DESC
        LIMIT 1");
    LIST = concat!("
        SELECT ", columns!(), "
        FROM tokens
        WHERE token_id > $1
        ORDER BY token_id
        LIMIT $2");
    @rows {
        // Lanes confirm their transactions each in its own time: what the chain did later may be written earlier, and stands.
        SET_STATES = "
        UPDATE tokens
        SET state = $2,
            updated_at = $3
        FROM", rows("$1"), "
        WHERE token_id = CAST(item.value ->> 0 AS BIGINT)
          AND state NOT IN ('voided', 'surrendered')
          AND NOT (state = 'settled' AND $2 = 'bound')";
    }
}

/// A token to be minted.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Its id, from [`next_token`] in the same database transaction.
    pub token_id: TokenId,
    /// The sheet that it certifies.
    pub impression_id: ImpressionId,
    /// Its first owner.
    pub recipient: Account,
    /// The moment from which nobody can void it.
    pub settles_at: Timestamp,
    /// Its metadata, byte for byte as it will be served.
    pub metadata: String,
}

#[derive(sqlx::FromRow)]
struct TokenRow {
    token_id: i64,
    impression_id: String,
    issue: i64,
    recipient: String,
    settles_at: i64,
    mint_call_id: String,
    state: String,
    metadata: String,
    created_at: i64,
}

impl TryFrom<TokenRow> for Token {
    type Error = DbError;

    fn try_from(row: TokenRow) -> Result<Self, Self::Error> {
        let odd = |problem: &dyn std::fmt::Display| DbError::inconsistent("tokens", row.token_id, problem);
        let token_id = u64::try_from(row.token_id).map_err(|e| odd(&e))?;
        let token_id = TokenId::from_number(token_id).map_err(|e| odd(&e))?;
        if i64::try_from(token_id.get() % 100) != Ok(row.issue) {
            return Err(odd(&"the id and the issue disagree"));
        }
        Ok(Self {
            token_id,
            impression_id: row.impression_id.parse().map_err(|e| odd(&e))?,
            recipient: row.recipient.parse().map_err(|e| odd(&e))?,
            settles_at: Timestamp::from_micros(row.settles_at).map_err(|e| odd(&e))?,
            mint_call_id: row.mint_call_id.parse().map_err(|e| odd(&e))?,
            state: TokenState::from_word(&row.state).ok_or_else(|| odd(&"unknown state"))?,
            created_at: Timestamp::from_micros(row.created_at).map_err(|e| odd(&e))?,
            metadata: row.metadata.clone(),
        })
    }
}

/// The place of the next token of a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextToken {
    /// Its id.
    pub token_id: TokenId,
    /// Whether the chain has that id already, and the books did not know it ([`super::find_foreign`]).
    pub is_foreign: bool,
}

/// The next token of a sheet; none after issue 99. Asked under the lock of the sheet's sale.
pub async fn next_token(
    tx: &mut Tx,
    edition: EditionNumber,
    impression: &Impression,
) -> Result<Option<NextToken>, DbError> {
    let first = TokenId::new(edition, impression.serial, Issue::FIRST);
    let values = [(&impression.impression_id).into(), first.into()];
    let (next, foreign): (i64, i64) = tx.fetch_one(NEXT_ISSUE, &values).await?;
    let issue = u8::try_from(next).ok().and_then(Issue::new);
    Ok(issue.map(|issue| NextToken {
        token_id: TokenId::new(edition, impression.serial, issue),
        is_foreign: foreign == 1,
    }))
}

/// The business key of the call that opens the edition of a token.
fn opening_of(token_id: TokenId) -> String {
    format!("open_edition:{}", token_id.get() / 1_000_000)
}

/// The business key of the call that mints a token.
fn mint_of(token_id: TokenId) -> String {
    format!("mint:{token_id}")
}

/// Takes a token id for good: writes the token and the call that mints it, which waits until the edition is open.
pub async fn issue_token(tx: &mut Tx, occasion: &Occasion<'_>, token: NewToken) -> Result<Token, DbError> {
    let NewToken { token_id, impression_id, recipient, settles_at, metadata } = token;
    let call = Call::Mint { token_id, recipient, settles_at: settles_at.as_seconds() };
    let mint_call_id = queue_call(tx, occasion, &call, Some(&opening_of(token_id))).await?;
    crash_point!("mint.queued");
    let values = [
        token_id.into(),
        (&impression_id).into(),
        i64::try_from(token_id.get() % 100).unwrap_or(i64::MAX).into(),
        recipient.into(),
        settles_at.into(),
        (&mint_call_id).into(),
        metadata.as_str().into(),
        occasion.at.into(),
    ];
    tx.execute(INSERT, &values).await?;
    let event = MintingEvent::token_issued(token_id, impression_id.clone(), recipient);
    journal::append(tx, occasion, &event)?;
    Ok(Token {
        token_id,
        impression_id,
        recipient,
        settles_at,
        mint_call_id,
        state: TokenState::Unissued,
        metadata,
        created_at: occasion.at,
    })
}

/// Takes a token into the books that the chain has already: with the call that minted it done, and no transaction of
/// ours. A tombstone that was never minted has a mint that nobody wants any more.
pub async fn adopt_token(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    token: NewToken,
    foreign: &ForeignToken,
    reason: &str,
) -> Result<Token, DbError> {
    let (state, mint) = match (foreign.standing, foreign.recipient) {
        (Standing::Token, _) => (TokenState::Bound, "done"),
        (Standing::Tombstone, Some(_)) => (TokenState::Voided, "done"),
        (Standing::Tombstone, None) => (TokenState::Voided, "void"),
    };
    let token = issue_token(tx, occasion, token).await?;
    end_calls(tx, &[&token.mint_call_id], mint, None, occasion.at).await?;
    set_token_states(tx, &[token.token_id], state, occasion.at).await?;
    let mint_key = mint_of(token.token_id);
    let event = MintingEvent::call_ended(token.mint_call_id.clone(), mint_key, mint, None, None);
    journal::append(tx, occasion, &event)?;
    link_foreign(tx, occasion, token.token_id, reason).await?;
    Ok(Token { state, ..token })
}

/// Writes that a token of the books is a tombstone, as the chain showed in a final block, by nobody's call in these books.
pub async fn record_void(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    token_id: TokenId,
    reason: &str,
) -> Result<(), DbError> {
    set_token_states(tx, &[token_id], TokenState::Voided, occasion.at).await?;
    link_foreign(tx, occasion, token_id, reason).await
}

async fn link_foreign(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    token_id: TokenId,
    reason: &str,
) -> Result<(), DbError> {
    decide_foreign(tx, token_id, Verdict::Linked, reason, occasion.at).await?;
    let (token_id, reason) = (token_id.to_string(), reason.to_owned());
    journal::append(tx, occasion, &MintingEvent::ForeignTokenLinked { token_id, reason })
}

/// Writes that what the chain has under that id stays foreign; false when it was linked.
pub async fn reject_foreign(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    token_id: TokenId,
    reason: &str,
) -> Result<bool, DbError> {
    if !decide_foreign(tx, token_id, Verdict::Rejected, reason, occasion.at).await? {
        return Ok(false);
    }
    let (token_id, reason) = (token_id.to_string(), reason.to_owned());
    journal::append(tx, occasion, &MintingEvent::ForeignTokenRejected { token_id, reason })?;
    Ok(true)
}

/// The token with that id.
pub async fn find_token(tx: &mut Tx, token_id: TokenId) -> Result<Option<Token>, DbError> {
    let row: Option<TokenRow> = tx.fetch_optional(FIND, &[token_id.into()]).await?;
    row.map(TryInto::try_into).transpose()
}

/// The newest token of a sheet.
pub async fn find_token_of(tx: &mut Tx, impression_id: &ImpressionId) -> Result<Option<Token>, DbError> {
    let row: Option<TokenRow> = tx.fetch_optional(FIND_OF_IMPRESSION, &[impression_id.into()]).await?;
    row.map(TryInto::try_into).transpose()
}

/// At most `limit` tokens in order of their ids, after `after`.
pub async fn list_tokens(tx: &mut Tx, after: Option<TokenId>, limit: u32) -> Result<Vec<Token>, DbError> {
    let after = after.map_or(0, |id| i64::try_from(id.get()).unwrap_or(i64::MAX));
    let rows: Vec<TokenRow> = tx.fetch_all(LIST, &[after.into(), limit.into()]).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Writes where tokens stand by a confirmed block.
pub(crate) async fn set_token_states(
    tx: &mut Tx,
    token_ids: &[TokenId],
    state: TokenState,
    at: Timestamp,
) -> Result<(), DbError> {
    let rows: Vec<_> = token_ids.iter().map(|token_id| (token_id.get(),)).collect();
    tx.execute(SET_STATES, &[Value::rows(&rows)?, state.as_str().into(), at.into()]).await?;
    Ok(())
}

/// Asks for a tombstone, once the edition is open: before that the contract would refuse it for ever.
pub async fn void_token(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    token_id: TokenId,
    reason: VoidReason,
) -> Result<CallId, DbError> {
    queue_call(tx, occasion, &Call::Void { token_id, reason }, Some(&opening_of(token_id))).await
}

/// Asks for a token to be settled before its time, once it is minted.
pub async fn settle_token(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    token_id: TokenId,
) -> Result<CallId, DbError> {
    queue_call(tx, occasion, &Call::Settle { token_id }, Some(&mint_of(token_id))).await
}

/// Asks the vault to hand a token that it keeps to its buyer: once for an id, ever. A second order changes nothing.
pub async fn release_token(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    token: &Token,
    recipient: Account,
) -> Result<CallId, DbError> {
    let call = Call::Release { token_id: token.token_id, recipient };
    queue_call(tx, occasion, &call, Some(&mint_of(token.token_id))).await
}

/// Asks the vault to give up a token that it keeps.
pub async fn surrender_token(tx: &mut Tx, occasion: &Occasion<'_>, token: &Token) -> Result<CallId, DbError> {
    let call = Call::Surrender { token_id: token.token_id };
    queue_call(tx, occasion, &call, Some(&mint_of(token.token_id))).await
}

/// Writes that its owner has given a token up, as the chain showed in a final block.
pub async fn record_surrender(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    token_id: TokenId,
) -> Result<(), DbError> {
    set_token_states(tx, &[token_id], TokenState::Surrendered, occasion.at).await?;
    journal::append(tx, occasion, &MintingEvent::TokenSurrendered { token_id: token_id.to_string() })
}
