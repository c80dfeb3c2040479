//! The shop's side in the database. One file a table; every function takes `&mut Tx` and never commits.

mod api_keys;
mod idempotency_keys;
mod pulse;

use catalog::db::Sql;

pub use api_keys::{find_live_key, insert_key, list_keys, revoke_key};
pub(crate) use idempotency_keys::{
    SlotKey, SlotRow, StoredReply, complete_slot, find_slot, release_slot, remove_old_slots, take_slot,
};
pub(crate) use pulse::write_and_roll_back;

/// Every statement of this crate; the tests prepare them on both databases.
#[must_use]
pub fn statements() -> Vec<Sql> {
    [api_keys::STATEMENTS, idempotency_keys::STATEMENTS, pulse::STATEMENTS].concat()
}
