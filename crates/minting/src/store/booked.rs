//! What the books say of tokens and lanes, for a comparison with the chain.

use std::collections::BTreeMap;

use catalog::account::Account;
use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx};

use crate::token::{TokenId, TokenState};

/// Rows that are read at once.
const PAGE: u32 = 5_000;

catalog::statements! {
    TOKENS = "
        SELECT tokens.token_id,
               tokens.recipient,
               tokens.state,
               tokens.settles_at,
               CAST(CASE WHEN voids.call_id IS NULL THEN 0 ELSE 1 END AS BIGINT)
        FROM tokens
        LEFT JOIN calls AS voids ON voids.business_key = 'void:' || tokens.token_id
        WHERE tokens.token_id > $1
        ORDER BY tokens.token_id
        LIMIT $2";
    NONCES = "
        SELECT lanes.signer,
               lanes.first_nonce,
               lanes.frozen_reason,
               count(transactions.nonce),
               coalesce(min(transactions.nonce), lanes.first_nonce),
               coalesce(max(transactions.nonce) + 1, lanes.first_nonce)
        FROM lanes
        LEFT JOIN transactions ON transactions.signer = lanes.signer
        GROUP BY lanes.signer, lanes.first_nonce, lanes.frozen_reason
        ORDER BY lanes.signer";
}

/// A token in the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookedToken {
    /// To whom it was to be minted.
    pub recipient: Account,
    /// Where it stands.
    pub state: TokenState,
    /// When it was to settle.
    pub settles_at: Timestamp,
    /// Whether a call asks, or asked, for its tombstone.
    pub is_void_asked: bool,
}

/// A lane's nonces in the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookedLane {
    /// Whose.
    pub signer: Account,
    /// The first nonce that is ours.
    pub first_nonce: u64,
    /// How many nonces were bound.
    pub bound: u64,
    /// The lowest of them; the first one without any.
    pub lowest: u64,
    /// The next one.
    pub next: u64,
    /// Why it stands still, if it does.
    pub frozen_reason: Option<String>,
}

/// Every token in the books.
pub async fn booked_tokens(tx: &mut Tx) -> Result<BTreeMap<TokenId, BookedToken>, DbError> {
    let mut tokens = BTreeMap::new();
    let mut after = 0;
    loop {
        let rows: Vec<(i64, String, String, i64, i64)> =
            tx.fetch_all(TOKENS, &[after.into(), PAGE.into()]).await?;
        let Some((last, ..)) = rows.last() else { return Ok(tokens) };
        after = *last;
        for (number, recipient, state, settles_at, void) in rows {
            let odd = |problem: &dyn std::fmt::Display| DbError::inconsistent("tokens", number, problem);
            let id = u64::try_from(number).ok().and_then(|number| TokenId::from_number(number).ok());
            let token = BookedToken {
                recipient: recipient.parse().map_err(|e| odd(&e))?,
                state: TokenState::from_word(&state).ok_or_else(|| odd(&"unknown state"))?,
                settles_at: Timestamp::from_micros(settles_at).map_err(|e| odd(&e))?,
                is_void_asked: void == 1,
            };
            tokens.insert(id.ok_or_else(|| odd(&"not a token id"))?, token);
        }
    }
}

/// Every lane with its nonces.
pub async fn booked_lanes(tx: &mut Tx) -> Result<Vec<BookedLane>, DbError> {
    let rows: Vec<(String, i64, Option<String>, i64, i64, i64)> = tx.fetch_all(NONCES, &[]).await?;
    rows.into_iter()
        .map(|(signer, first_nonce, frozen_reason, bound, lowest, next)| {
            let odd = |problem: &dyn std::fmt::Display| DbError::inconsistent("lanes", &signer, problem);
            let number = |value: i64| u64::try_from(value).map_err(|e| odd(&e));
            Ok(BookedLane {
                signer: signer.parse().map_err(|e| odd(&e))?,
                first_nonce: number(first_nonce)?,
                bound: number(bound)?,
                lowest: number(lowest)?,
                next: number(next)?,
                frozen_reason,
            })
        })
        .collect()
}
