//! How far an edition is on its way to the chain.

use catalog::db::{DbError, Tx};
use catalog::edition::EditionNumber;
use minting::store as minting_store;
use serde::Serialize;
use utoipa::ToSchema;

/// The progress of the call that opens the edition on chain.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Recording {
    /// `reserved`, `being_recorded` or `recorded`; `under_review` when a person must look.
    progress: &'static str,
    /// Hash of the transaction that opens it, once it is in a block.
    #[schema(required = true)]
    tx_hash: Option<String>,
    /// Height of that block.
    #[schema(required = true)]
    block_number: Option<u64>,
}

/// The progress of the call that opens edition `number`.
pub(super) async fn of(tx: &mut Tx, number: EditionNumber) -> Result<Option<Recording>, DbError> {
    let key = format!("open_edition:{}", number.get());
    let progress = minting_store::progress_of_call(tx, &key).await?;
    Ok(progress.map(|progress| {
        let inclusion = progress.inclusion();
        Recording {
            progress: progress.as_str(),
            tx_hash: inclusion.map(|inclusion| inclusion.attempt_hash.to_string()),
            block_number: inclusion.map(|inclusion| inclusion.block.number),
        }
    }))
}
