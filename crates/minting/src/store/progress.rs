//! How far a call is on its way to the chain, read across the tables of calls and transactions.

use catalog::db::{DbError, Tx};

use super::calls::find_call;
use super::transactions::find_transaction;
use crate::call::CallState;
use crate::token::Token;
use crate::transaction::{Inclusion, TransactionState};

/// How far a call is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Written in the books; nothing is on its way yet.
    Reserved,
    /// On its way, perhaps in a block that may still go.
    BeingRecorded(Option<Inclusion>),
    /// In a final block, or done without a transaction of ours.
    Recorded(Option<Inclusion>),
    /// A person must look, or it will never be.
    UnderReview,
}

impl Progress {
    /// The word in JSON.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::BeingRecorded(_) => "being_recorded",
            Self::Recorded(_) => "recorded",
            Self::UnderReview => "under_review",
        }
    }

    /// The block that it is in.
    #[must_use]
    pub fn inclusion(&self) -> Option<Inclusion> {
        match self {
            Self::BeingRecorded(inclusion) | Self::Recorded(inclusion) => *inclusion,
            Self::Reserved | Self::UnderReview => None,
        }
    }
}

/// How far the call with that business key is; none when there is no such call.
pub async fn progress_of_call(tx: &mut Tx, business_key: &str) -> Result<Option<Progress>, DbError> {
    let Some(call) = find_call(tx, business_key).await? else { return Ok(None) };
    let transaction = match call.state.transaction_id() {
        Some(id) => find_transaction(tx, id).await?,
        None => None,
    };
    let inclusion = match transaction.map(|transaction| transaction.state) {
        Some(TransactionState::Included(_, inclusion) | TransactionState::Confirmed(inclusion)) => {
            Some(inclusion)
        }
        _ => None,
    };
    Ok(Some(match call.state {
        CallState::Queued { .. } => Progress::Reserved,
        CallState::Bound(_) => Progress::BeingRecorded(inclusion),
        CallState::Done(_) => Progress::Recorded(inclusion),
        CallState::Void | CallState::Refused(_) | CallState::Review(_) => Progress::UnderReview,
    }))
}

/// How far the mint of a token is.
pub async fn progress_of(tx: &mut Tx, token: &Token) -> Result<Progress, DbError> {
    let key = format!("mint:{}", token.token_id);
    let progress = progress_of_call(tx, &key).await?;
    progress.ok_or_else(|| DbError::inconsistent("calls", key, "a token without the call that mints it"))
}
