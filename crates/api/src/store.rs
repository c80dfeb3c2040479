//! The shop's side in the database. One file a table; every function takes `&mut Tx` and never commits.

mod amount_refunds;
mod api_keys;
mod catalog_guards;
mod challenges;
mod claims;
mod conservation;
mod deployments;
mod idempotency_keys;
mod pulse;
mod sales;

use catalog::db::Sql;

pub use amount_refunds::{find_amount_refund, insert_amount_refund};
pub use api_keys::{find_live_key, insert_key, list_keys, revoke_key};
pub(crate) use catalog_guards::{is_published_image, lock_artwork};
pub use challenges::{find_challenge, insert_challenge, live_challenges};
pub use claims::{
    claim_of_sale, find_claim, find_claim_by_code, insert_claim, lock_claim_of_sale, update_claim,
};
pub use conservation::count_breaches;
pub(crate) use deployments::{find_deployment, insert_deployment, insert_key_check, list_key_checks};
pub(crate) use idempotency_keys::{
    SlotKey, SlotRow, StoredReply, complete_slot, find_slot, release_slot, remove_old_slots, take_slot,
};
pub(crate) use pulse::write_pulse;
pub use sales::{
    SaleFilter, find_sale, find_sale_of_token, insert_sale, list_sales, list_sales_of_line,
    list_waiting_sales, lock_holder, lock_sale, set_waiting, update_sale,
};

/// Every statement of this crate; the tests prepare them on both databases.
#[must_use]
pub fn statements() -> Vec<Sql> {
    [
        amount_refunds::STATEMENTS,
        api_keys::STATEMENTS,
        catalog_guards::STATEMENTS,
        challenges::STATEMENTS,
        claims::STATEMENTS,
        conservation::STATEMENTS,
        deployments::STATEMENTS,
        idempotency_keys::STATEMENTS,
        pulse::STATEMENTS,
        sales::STATEMENTS,
    ]
    .concat()
}
