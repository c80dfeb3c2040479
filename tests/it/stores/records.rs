//! The records that the tests of the stores write.

use std::sync::Arc;

use catalog::artwork::{Artwork, ArtworkFacts, ArtworkInput};
use catalog::chance::SystemChance;
use catalog::clock::{Clock, SystemClock, Timestamp};
use catalog::db::Db;
use catalog::digest::Sha256Digest;
use catalog::edition::{
    BasisPoints, Edition, EditionFacts, EditionNumber, EditionState, Publication, Run, SizeMm,
};
use catalog::ids::{ArtworkId, EditionId, ImpressionId};
use catalog::image::{ImageFormat, PrintImage};
use catalog::impression::{Impression, ImpressionState, sheets};
use catalog::store;
use catalog::text::Line;

pub(super) fn now() -> Timestamp {
    SystemClock.now()
}

pub(super) fn great_wave(accession_number: Option<&str>) -> Artwork {
    let facts = ArtworkFacts::parse(&ArtworkInput {
        accession_number,
        artist: "葛飾北斎",
        title_zh: Some("神奈川冲浪里"),
        title_en: Some("Under the Wave off Kanagawa"),
        year: Some(1831),
        description_zh: None,
        description_en: Some("First of the Thirty-Six Views of Mount Fuji.\nColor woodblock print."),
    });
    Artwork::catalog(ArtworkId::generate(now(), &SystemChance), facts.expect("facts"), now())
}

pub(super) fn print_image(bytes: &[u8]) -> PrintImage {
    PrintImage {
        sha256: Sha256Digest::of(bytes),
        cid: "bafkreigreatwave".to_owned(),
        format: ImageFormat::Jpeg,
        width_px: 3_200,
        height_px: 2_160,
        byte_count: 123_262,
        taken_in_at: now(),
    }
}

fn draft_of(artwork_id: ArtworkId, size: u16) -> Edition {
    let line = |text| Line::parse("medium", "medium_invalid", text).expect("a line");
    let facts = EditionFacts {
        run: Run { size, artist_proofs: 2, printer_proofs: 0, hors_commerce: 0, bon_a_tirer: 0 },
        medium: line("color woodblock print"),
        support: Some(line("kozo paper")),
        printer: None,
        printed_in: None,
        sheet_size: Some(SizeMm { height: 257, width: 379 }),
        image_size: None,
        royalty_receiver: None,
        royalty: BasisPoints::parse("royalty", 500).expect("a royalty"),
    };
    Edition::draft(EditionId::generate(now(), &SystemChance), artwork_id, facts, now())
}

pub(super) fn publication(number: EditionNumber, image: &PrintImage) -> Publication {
    let (colophon_digest, colophon) =
        Sha256Digest::of_canonical(&serde_json::json!({ "edition": number.get() })).expect("a colophon");
    Publication { number, image: image.sha256, colophon, colophon_digest, published_at: now() }
}

pub(super) fn impressions(edition: &Edition) -> Vec<Impression> {
    let impression = |(serial, label)| Impression {
        impression_id: ImpressionId::generate(now(), &SystemChance),
        edition_id: edition.edition_id.clone(),
        serial,
        label,
        state: ImpressionState::Available,
        unreturned: false,
    };
    sheets(&edition.facts.run).map(impression).collect()
}

pub(super) fn number_of(edition: &Edition) -> u32 {
    match &edition.state {
        EditionState::Published(publication) => publication.number.get(),
        other => panic!("not published but {}", other.as_str()),
    }
}

pub(super) async fn cataloged(db: &Db) -> Artwork {
    let artwork = great_wave(None);
    let mut tx = db.begin_write().await.expect("a transaction");
    store::insert_artwork(&mut tx, &artwork).await.expect("the artwork");
    tx.commit().await.expect("a commit");
    artwork
}

pub(super) async fn drafted(db: &Db) -> (Edition, PrintImage) {
    let image = print_image(b"great wave");
    let edition = draft_of(cataloged(db).await.artwork_id, 20);
    let mut tx = db.begin_write().await.expect("a transaction");
    store::insert_print_image(&mut tx, &image).await.expect("the image");
    store::insert_edition(&mut tx, &edition).await.expect("the edition");
    tx.commit().await.expect("a commit");
    (edition, image)
}

/// Publishes an edition of `size` sheets and two artist's proofs.
pub(super) async fn published(db: Arc<Db>, size: u16) -> Edition {
    let image = print_image(b"great wave");
    let edition = draft_of(cataloged(&db).await.artwork_id, size);
    let mut tx = db.begin_write().await.expect("a transaction");
    store::insert_print_image(&mut tx, &image).await.expect("the image");
    store::insert_edition(&mut tx, &edition).await.expect("the edition");
    let number = store::next_edition_number(&mut tx).await.expect("a number");
    let publication = publication(number, &image);
    assert!(store::publish_edition(&mut tx, &edition.edition_id, &publication).await.expect("an update"));
    let edition = edition.publish(publication).expect("a draft");
    store::insert_impressions(&mut tx, &impressions(&edition), now()).await.expect("the sheets");
    tx.commit().await.expect("a commit");
    edition
}

/// What a sale does first: takes the first available sheet of the run under the edition's lock.
pub(super) async fn reserve_one(db: Arc<Db>, edition_id: EditionId) -> Option<u16> {
    let mut tx = db.begin_write().await.expect("a transaction");
    let edition = store::lock_edition(&mut tx, &edition_id).await.expect("the lock").expect("the edition");
    let last = edition.facts.run.size;
    let sheet = store::first_available(&mut tx, &edition_id, last, 1).await.expect("the free ones").pop()?;
    let reserved = sheet.clone().reserve().expect("an available sheet");
    store::move_impression(&mut tx, sheet.state, &reserved, now()).await.expect("the move");
    tx.commit().await.expect("a commit");
    Some(sheet.serial.get())
}

/// Frees what was reserved: the catalog alone knows no sale that a reserved sheet could belong to.
pub(super) async fn put_back(db: &Db, edition: &Edition) {
    let mut tx = db.begin_write().await.expect("a transaction");
    let sheets = store::list_impressions(&mut tx, &edition.edition_id, 0, 100).await.expect("its sheets");
    for sheet in sheets.into_iter().filter(|sheet| sheet.state == ImpressionState::Reserved) {
        let free = sheet.move_to(ImpressionState::Available).expect("a sheet that may be free again");
        store::move_impression(&mut tx, ImpressionState::Reserved, &free, now()).await.expect("it moved");
    }
    tx.commit().await.expect("a commit");
}
