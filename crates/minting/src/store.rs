//! Calls, transactions, attempts, lanes and tokens in the database. One file a table; every function takes
//! `&mut Tx` and never commits.

mod attempts;
mod booked;
mod calls;
mod contract_scans;
mod foreign_tokens;
mod gas_spends;
mod lanes;
mod members;
mod places;
mod progress;
mod resumption;
mod tokens;
mod transactions;
mod waiting;
mod withdrawal;

use catalog::db::Sql;

pub(crate) use attempts::{attempts_of, insert_attempt};
pub use booked::{BookedLane, BookedToken, booked_lanes, booked_tokens};
pub use calls::{CallRecord, find_call, open_edition, queue_call};
pub(crate) use calls::{end_calls, requeue_call};
pub use contract_scans::list_foreign_editions;
pub(crate) use contract_scans::{find_scan, record_foreign_edition, set_scan};
pub use foreign_tokens::{count_open_foreign, find_foreign, list_foreign};
pub(crate) use foreign_tokens::{free_sheets_of_foreign, known_tokens, record_foreign};
pub use gas_spends::spent_on;
pub(crate) use gas_spends::{hold_day, promise, settle_spend};
pub use lanes::{LaneRecord, list_lanes};
pub(crate) use lanes::{create_lane, freeze_lane, hold_lane, release_lease, take_lease};
pub(crate) use members::{bind_calls, lock_members, members};
pub(crate) use places::{Place, places};
pub use progress::{Progress, progress_of, progress_of_call};
pub(crate) use resumption::{put_back, thaw_lane, transactions_before};
pub(crate) use tokens::set_token_states;
pub use tokens::{
    NewToken, NextToken, adopt_token, find_token, find_token_of, issue_token, list_tokens, next_token,
    record_surrender, record_void, reject_foreign, release_token, settle_token, surrender_token, void_token,
};
pub use transactions::find_transaction;
pub(crate) use transactions::{
    final_below, insert_adopted, insert_bound, last_final_block, next_nonce, set_displaced, set_fell_out,
    set_final, set_included, set_live, set_signed, unsent, unsettled,
};
pub(crate) use waiting::{WaitingCall, postpone_call, waiting_calls};
pub use withdrawal::{Withdrawal, withdraw_call};

/// Every statement of the chain's side; the tests prepare them on both databases.
#[must_use]
pub fn statements() -> Vec<Sql> {
    [
        attempts::STATEMENTS,
        booked::STATEMENTS,
        calls::STATEMENTS,
        contract_scans::STATEMENTS,
        foreign_tokens::STATEMENTS,
        gas_spends::STATEMENTS,
        lanes::STATEMENTS,
        members::STATEMENTS,
        &[members::LOCK_MEMBERS],
        places::STATEMENTS,
        resumption::STATEMENTS,
        tokens::STATEMENTS,
        transactions::STATEMENTS,
        waiting::STATEMENTS,
        withdrawal::STATEMENTS,
    ]
    .concat()
}
