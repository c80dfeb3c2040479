//! The shop's side in the database. One file a table; every function takes `&mut Tx` and never commits.

mod amount_refunds;
mod api_keys;
mod catalog_guards;
mod challenges;
mod claims;
mod conservation;
mod contacts;
mod deployments;
mod feed_keys;
mod idempotency_keys;
mod inbox;
mod outgoing_events;
mod pulse;
mod reconciliation;
mod sales;
mod skus;
mod webhook_deliveries;
mod webhook_endpoints;
mod webhook_secrets;

use catalog::db::Sql;

pub use amount_refunds::{find_amount_refund, insert_amount_refund};
pub use api_keys::{find_live_key, insert_key, list_keys, revoke_key};
pub(crate) use catalog_guards::{is_published_image, lock_artwork};
pub use challenges::{find_challenge, find_claim_with_challenges, insert_challenge};
pub use claims::{
    claim_of_sale, find_claim, find_claim_by_code, insert_claim, lock_claim_of_sale, update_claim,
};
pub use conservation::{Breaches, count_breaches, next_edition_id, no_breaches};
pub(crate) use contacts::{find_contact, remove_contact, set_contact};
pub(crate) use deployments::{find_deployment, insert_deployment, insert_key_check, list_key_checks};
pub use feed_keys::{FeedEffect, find_feed_effect, take_feed_key};
pub(crate) use idempotency_keys::{
    SlotKey, SlotRow, StoredReply, complete_slot, find_slot, free_slots, release_slot, remove_old_slots,
    take_slot,
};
pub use inbox::{
    count_open_entries, find_entry, find_state_of_key, insert_entry, is_known_body, list_entries, lock_entry,
    next_due, ring_order, ring_sku, take_due_entry, update_entry,
};
pub(crate) use inbox::{encrypt_entry, list_plain_entries};
pub(crate) use outgoing_events::{
    EventFilter, find_event, find_event_position, find_outbox_head, first_position_since, insert_events,
    list_events, lock_outbox_head, move_outbox_head, sales_of_claims, sales_of_tokens,
};
pub(crate) use pulse::write_pulse;
pub(crate) use reconciliation::{SaleAndClaim, booked_editions, each_sale, free_sheets, sheets_in};
pub use sales::{
    SaleFilter, find_sale, find_sale_of_token, insert_sale, list_sales, list_sales_of_line,
    list_waiting_sales, lock_holder, lock_sale, lock_sale_with_claim, set_waiting, update_sale,
};
pub use skus::{Sku, find_sku, list_skus, set_sku};

pub(crate) use webhook_deliveries::{
    DeliveryRecord, TakenDelivery, count_waiting, give_up_waiting, insert_delivery, list_deliveries,
    replay_delivery, settle_delivery, take_deliveries,
};
pub(crate) use webhook_endpoints::{
    find_endpoint, insert_endpoint, list_due_endpoints, list_endpoints, lock_endpoint, remove_endpoint,
    update_endpoint,
};
pub(crate) use webhook_secrets::{add_secret, valid_secrets};

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
        contacts::STATEMENTS,
        deployments::STATEMENTS,
        feed_keys::STATEMENTS,
        idempotency_keys::STATEMENTS,
        inbox::STATEMENTS,
        inbox::PLAIN_STATEMENTS,
        &[inbox::TAKE],
        outgoing_events::STATEMENTS,
        pulse::STATEMENTS,
        reconciliation::STATEMENTS,
        sales::STATEMENTS,
        skus::STATEMENTS,
        webhook_deliveries::STATEMENTS,
        webhook_endpoints::STATEMENTS,
        webhook_secrets::STATEMENTS,
    ]
    .concat()
}
