//! How far an edition is on its way to the chain.

use catalog::db::{DbError, Tx};
use catalog::edition::EditionNumber;
use serde::Serialize;
use utoipa::ToSchema;

/// The progress of the call that opens the edition on chain.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Recording {
    /// `queued`, `bound`, `done`, `refused` or `review`.
    state: &'static str,
    /// The call.
    call_id: String,
}

/// The progress of the call that opens edition `number`.
#[expect(clippy::unused_async, reason = "CHAIN: reads the call as soon as `minting::store` has it")]
pub(super) async fn of(_tx: &mut Tx, _number: EditionNumber) -> Result<Option<Recording>, DbError> {
    Ok(None)
}
