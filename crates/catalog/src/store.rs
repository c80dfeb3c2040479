//! The catalog in the database. One file a table; every function takes `&mut Tx` and never commits.

mod artworks;
mod editions;
mod impressions;
mod journal;
mod print_images;
mod seals;

use crate::db::Sql;

pub use artworks::{find_artwork, insert_artwork, list_artworks, set_image, update_artwork};
pub use editions::{
    find_edition, insert_edition, list_editions_of, lock_edition, next_edition_number, publish_edition,
};
pub use impressions::{
    census, find_impression, find_impression_and_edition, find_sheet, first_available, insert_impressions,
    list_impressions, mark_impression, move_impression,
};
pub use journal::{JournalEntry, list_events_of};
pub(crate) use journal::{NewEvent, append_event};
pub use print_images::{find_print_image, insert_print_image};
pub use seals::{
    JournalRow, SealedHead, SealedRow, Unsealed, count_sealed, count_unsealed, find_sealed_hash,
    find_sealed_head, list_sealed, list_unsealed, lock_sealed_head, move_sealed_head, seal_rows,
};

/// Every statement of the catalog; the tests prepare them on both databases.
#[must_use]
pub fn statements() -> Vec<Sql> {
    [
        artworks::STATEMENTS,
        editions::STATEMENTS,
        impressions::STATEMENTS,
        journal::STATEMENTS,
        print_images::STATEMENTS,
        seals::STATEMENTS,
    ]
    .concat()
}
