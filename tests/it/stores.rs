//! The stores of the catalog on both databases: every function, the locks, the unique keys, the conflicts.

mod gathering;
mod records;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use catalog::artwork::{Artwork, ArtworkFacts};
use catalog::chance::SystemChance;
use catalog::db::{DbError, DbKind, retrying};
use catalog::digest::Sha256Digest;
use catalog::edition::EditionNumber;
use catalog::ids::ArtworkId;
use catalog::image::PrintImage;
use catalog::impression::ImpressionState;
use catalog::journal::{self, Actor, Occasion};
use catalog::provenance::CatalogEvent;
use catalog::store;
use futures_util::future::join_all;
use tests::postgres as server;

use self::records::{
    cataloged, drafted, great_wave, impressions, now, number_of, print_image, publication, published,
    put_back, reserve_one,
};
use crate::harness::database::{on_postgres, on_sqlite, open};

both_databases! {
    async fn an_artwork_reads_back_as_it_was_written(db: TestDb) {
        let artwork = great_wave(Some("ACC-1"));
        let mut tx = db.db.begin_write().await.expect("a transaction");
        store::insert_artwork(&mut tx, &artwork).await.expect("the artwork to be inserted");
        tx.commit().await.expect("a commit");

        let mut tx = db.db.begin_read().await.expect("a transaction");
        assert_eq!(store::find_artwork(&mut tx, &artwork.artwork_id).await.expect("an answer"), Some(artwork));
        let unknown = ArtworkId::generate(now(), &SystemChance);
        assert_eq!(store::find_artwork(&mut tx, &unknown).await.expect("an answer"), None);
    }

    async fn an_artwork_that_was_not_committed_leaves_nothing(db: TestDb) {
        let artwork = great_wave(None);
        let mut tx = db.db.begin_write().await.expect("a transaction");
        store::insert_artwork(&mut tx, &artwork).await.expect("the artwork to be inserted");
        drop(tx);

        let mut tx = db.db.begin_read().await.expect("a transaction");
        assert_eq!(store::find_artwork(&mut tx, &artwork.artwork_id).await.expect("an answer"), None);
    }

    async fn a_revised_artwork_keeps_its_id_and_its_day(db: TestDb) {
        let artwork = cataloged(&db.db).await;
        let later = artwork.created_at.plus(Duration::from_mins(1));
        let facts = ArtworkFacts { year: None, ..artwork.facts.clone() };
        let mut tx = db.db.begin_write().await.expect("a transaction");
        assert!(store::update_artwork(&mut tx, &artwork.artwork_id, &facts, later).await.expect("an update"));
        let unknown = ArtworkId::generate(now(), &SystemChance);
        assert!(!store::update_artwork(&mut tx, &unknown, &facts, later).await.expect("an update"));

        let found = store::find_artwork(&mut tx, &artwork.artwork_id).await.expect("an answer");
        assert_eq!(found, Some(Artwork { facts, updated_at: later, ..artwork }));
    }

    async fn an_accession_number_belongs_to_one_artwork(db: TestDb) {
        let mut tx = db.db.begin_write().await.expect("a transaction");
        store::insert_artwork(&mut tx, &great_wave(Some("ACC-7"))).await.expect("the first");
        let refused = store::insert_artwork(&mut tx, &great_wave(Some("ACC-7"))).await.expect_err("the second");
        assert!(refused.is_unique_violation(), "{refused:?}");
        drop(tx);

        // Artworks without one do not collide.
        cataloged(&db.db).await;
        cataloged(&db.db).await;
    }

    async fn artworks_are_listed_page_by_page_in_the_order_of_their_making(db: TestDb) {
        let mut made = Vec::new();
        for _ in 0..5 {
            made.push(cataloged(&db.db).await.artwork_id);
        }
        made.sort();
        let mut tx = db.db.begin_read().await.expect("a transaction");
        let first = store::list_artworks(&mut tx, None, 3).await.expect("a page");
        let second = store::list_artworks(&mut tx, Some(&first[2].artwork_id), 3).await.expect("a page");
        let listed: Vec<_> = first.into_iter().chain(second).map(|artwork| artwork.artwork_id).collect();
        assert_eq!(listed, made);
    }

    async fn the_same_print_image_taken_in_twice_is_one_row(db: TestDb) {
        let first = print_image(b"great wave");
        let again = PrintImage { taken_in_at: first.taken_in_at.plus(Duration::from_secs(1)), ..first.clone() };
        let mut tx = db.db.begin_write().await.expect("a transaction");
        store::insert_print_image(&mut tx, &first).await.expect("the first");
        store::insert_print_image(&mut tx, &again).await.expect("the second");
        let found = store::find_print_image(&mut tx, first.sha256).await.expect("an answer");
        assert_eq!(found, Some(first));
        let unknown = store::find_print_image(&mut tx, Sha256Digest::of(b"another")).await.expect("an answer");
        assert_eq!(unknown, None);
    }

    async fn an_artwork_points_to_an_image_that_is_there(db: TestDb) {
        let artwork = cataloged(&db.db).await;
        let image = print_image(b"great wave");
        let mut tx = db.db.begin_write().await.expect("a transaction");
        store::set_image(&mut tx, &artwork.artwork_id, image.sha256, now()).await.expect_err("no such image yet");
        drop(tx);

        let mut tx = db.db.begin_write().await.expect("a transaction");
        store::insert_print_image(&mut tx, &image).await.expect("the image");
        assert!(store::set_image(&mut tx, &artwork.artwork_id, image.sha256, now()).await.expect("an update"));
        let found = store::find_artwork(&mut tx, &artwork.artwork_id).await.expect("an answer");
        assert_eq!(found.and_then(|artwork| artwork.image), Some(image.sha256));
    }

    async fn an_edition_reads_back_as_draft_and_as_published(db: TestDb) {
        let (edition, image) = drafted(&db.db).await;
        let mut tx = db.db.begin_write().await.expect("a transaction");
        let found = store::find_edition(&mut tx, &edition.edition_id).await.expect("an answer");
        assert_eq!(found.as_ref(), Some(&edition));

        let publication = publication(EditionNumber::new(12).expect("a number"), &image);
        assert!(store::publish_edition(&mut tx, &edition.edition_id, &publication).await.expect("an update"));
        // A second publication finds no draft.
        assert!(!store::publish_edition(&mut tx, &edition.edition_id, &publication).await.expect("an update"));

        let published = edition.publish(publication).expect("a draft");
        let listed = store::list_editions_of(&mut tx, &published.artwork_id).await.expect("a list");
        assert_eq!(listed, [published]);
    }

    async fn an_edition_number_is_given_once(db: TestDb) {
        let db = Arc::new(db.db);
        let publishing = (0..8).map(|_| tokio::spawn(published(db.clone(), 1)));
        let mut numbers = Vec::new();
        for edition in publishing.collect::<Vec<_>>() {
            numbers.push(number_of(&edition.await.expect("a published edition")));
        }
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8]);
    }

    async fn two_buyers_never_get_the_same_sheet(db: TestDb) {
        let db = Arc::new(db.db);
        let edition = published(db.clone(), 5).await;
        let buyers = (0..8).map(|_| tokio::spawn(reserve_one(db.clone(), edition.edition_id.clone())));
        let mut serials = Vec::new();
        for buyer in buyers.collect::<Vec<_>>() {
            serials.extend(buyer.await.expect("an answer"));
        }
        serials.sort_unstable();
        assert_eq!(serials, [1, 2, 3, 4, 5]);

        let mut tx = db.begin_read().await.expect("a transaction");
        let census = store::census(&mut tx, &edition.edition_id).await.expect("a census");
        let census = census.into_iter().map(|(state, count)| (state.as_str(), count));
        // The proofs are not sold.
        assert_eq!(census.collect::<BTreeMap<_, _>>(), BTreeMap::from([("available", 2), ("reserved", 5)]));
        drop(tx);
        put_back(&db, &edition).await;
    }

    async fn a_locked_edition_makes_the_next_buyer_wait(db: TestDb) {
        let db = Arc::new(db.db);
        let edition = published(db.clone(), 1).await;
        let mut first = db.begin_write().await.expect("a transaction");
        store::lock_edition(&mut first, &edition.edition_id).await.expect("the lock").expect("the edition");

        let mut second = tokio::spawn(reserve_one(db.clone(), edition.edition_id.clone()));
        let early = tokio::time::timeout(Duration::from_millis(300), &mut second).await;
        assert!(early.is_err(), "the second buyer did not wait");
        first.commit().await.expect("a commit");
        assert_eq!(second.await.expect("an answer"), Some(1));
        put_back(&db, &edition).await;
    }

    async fn a_reader_never_waits_for_a_writer(db: TestDb) {
        let (edition, _) = drafted(&db.db).await;
        let mut writer = db.db.begin_write().await.expect("a transaction");
        store::lock_edition(&mut writer, &edition.edition_id).await.expect("the lock").expect("the edition");

        let reading = async {
            let mut tx = db.db.begin_read().await?;
            store::find_edition(&mut tx, &edition.edition_id).await
        };
        let found = tokio::time::timeout(Duration::from_secs(2), reading).await.expect("no waiting");
        assert_eq!(found.expect("an answer"), Some(edition));
        drop(writer);
    }

    async fn a_reading_transaction_cannot_write(db: TestDb) {
        let mut tx = db.db.begin_read().await.expect("a transaction");
        store::insert_artwork(&mut tx, &great_wave(None)).await.expect_err("a refusal");
    }

    async fn sheets_are_listed_in_order_and_moved_only_from_the_state_they_are_in(db: TestDb) {
        let db = Arc::new(db.db);
        let edition = published(db.clone(), 12).await;
        let mut tx = db.begin_write().await.expect("a transaction");
        let page = store::list_impressions(&mut tx, &edition.edition_id, 9, 10).await.expect("a page");
        let labels: Vec<_> = page.iter().map(|sheet| sheet.label.as_str()).collect();
        assert_eq!(labels, ["10/12", "11/12", "12/12", "AP I/II", "AP II/II"]);

        // Of the run alone: proofs are not allotted by themselves.
        let free = store::first_available(&mut tx, &edition.edition_id, 12, 20).await.expect("the free ones");
        assert_eq!(free.len(), 12);

        let sheet = page[0].clone();
        let reserved = sheet.clone().reserve().expect("an available sheet");
        store::move_impression(&mut tx, sheet.state, &reserved, now()).await.expect("the move");
        let again = store::move_impression(&mut tx, sheet.state, &reserved, now()).await;
        assert!(matches!(again, Err(DbError::Inconsistent { table: "impressions", .. })), "{again:?}");
        let found = store::find_impression(&mut tx, &sheet.impression_id).await.expect("an answer");
        assert_eq!(found, Some(reserved));

        let census = store::census(&mut tx, &edition.edition_id).await.expect("a census");
        assert_eq!(census.iter().map(|(_, count)| count).sum::<u64>(), 14);
        assert!(census.contains(&(ImpressionState::Reserved, 1)), "{census:?}");
    }

    async fn a_serial_belongs_to_one_sheet(db: TestDb) {
        let db = Arc::new(db.db);
        let edition = published(db.clone(), 2).await;
        let mut tx = db.begin_write().await.expect("a transaction");
        let twin = impressions(&edition).remove(0);
        let refused = store::insert_impressions(&mut tx, &[twin], now()).await.expect_err("a twin");
        assert!(refused.is_unique_violation(), "{refused:?}");
    }

    async fn the_journal_tells_what_happened_in_order(db: TestDb) {
        let artwork_id = ArtworkId::generate(now(), &SystemChance);
        let occasion = Occasion {
            at: now(),
            actor: Actor::ApiKey("key_1".to_owned()),
            reason: "a test".into(),
            request_id: "req_1".to_owned(),
            chance: &SystemChance,
        };
        let mut tx = db.db.begin_write().await.expect("a transaction");
        for event in [
            CatalogEvent::ArtworkCataloged { artwork_id: artwork_id.clone() },
            CatalogEvent::ImageTakenIn { artwork_id: artwork_id.clone(), sha256: Sha256Digest::of(b"wave") },
        ] {
            journal::append(&mut tx, &occasion, &event).expect("an entry");
        }
        tx.commit().await.expect("a commit");

        let mut tx = db.db.begin_read().await.expect("a transaction");
        let entries = store::list_events_of(&mut tx, artwork_id.as_str()).await.expect("the entries");
        let told: Vec<_> = entries.iter().map(|entry| (entry.kind.as_str(), entry.actor.as_str())).collect();
        assert_eq!(told, [("artwork_cataloged", "api_key:key_1"), ("image_taken_in", "api_key:key_1")]);
        assert_eq!(entries[0].payload, format!(r#"{{"artwork_id":"{artwork_id}"}}"#));
        assert_eq!(entries[0].occurred_at, occasion.at);
        assert_ne!(entries[0].event_id, entries[1].event_id);
    }

    async fn a_transaction_that_loses_is_run_again(db: TestDb) {
        // Two transactions lock two editions crosswise: one of them must lose, and both must end well.
        let db = db.db;
        let editions = [drafted(&db).await.0.edition_id, drafted(&db).await.0.edition_id];
        let crosswise = [[editions[0].clone(), editions[1].clone()], [editions[1].clone(), editions[0].clone()]];
        let locking = crosswise.map(|order| {
            let db = db.clone();
            tokio::spawn(async move {
                let attempt = || {
                    let (db, order) = (db.clone(), order.clone());
                    async move {
                        let mut tx = db.begin_write().await?;
                        for edition_id in &order {
                            store::lock_edition(&mut tx, edition_id).await?;
                            tokio::time::sleep(Duration::from_millis(200)).await;
                        }
                        tx.commit().await
                    }
                };
                retrying(attempt).await
            })
        });
        for done in locking {
            done.await.expect("an answer").expect("a commit in the end");
        }
    }

    async fn the_database_tells_the_time(db: TestDb) {
        let mut tx = db.db.begin_read().await.expect("a transaction");
        let told = tx.now().await.expect("the time");
        assert!(told.since(now()) < Duration::from_secs(5) && now().since(told) < Duration::from_secs(5), "{told}");
    }

    async fn what_was_committed_is_there_after_opening_again(db: TestDb) {
        let artwork = cataloged(&db.db).await;
        db.db.close().await;
        let reopened = open(&db.url).await;
        let mut tx = reopened.begin_read().await.expect("a transaction");
        assert_eq!(store::find_artwork(&mut tx, &artwork.artwork_id).await.expect("an answer"), Some(artwork));
        drop(tx);
        reopened.close().await;
    }

    async fn chinese_text_and_accents_survive_and_sort_by_code_point(db: TestDb) {
        const SORTED: &str = "
            SELECT accession_number
            FROM artworks
            ORDER BY accession_number";
        for number in ["b", "É", "a", "Z", "浪"] {
            let mut tx = db.db.begin_write().await.expect("a transaction");
            store::insert_artwork(&mut tx, &great_wave(Some(number))).await.expect("an artwork");
            tx.commit().await.expect("a commit");
        }
        let mut tx = db.db.begin_read().await.expect("a transaction");
        let sorted: Vec<(String,)> = tx.fetch_all(SORTED, &[]).await.expect("the numbers");
        assert_eq!(sorted.into_iter().map(|(number,)| number).collect::<Vec<_>>(), ["Z", "a", "b", "É", "浪"]);
    }
}

#[test]
fn connections_that_the_server_ended_are_replaced_and_nobody_hears_of_it() {
    on_postgres(|db| async move {
        // All that there are, so that each one in turn is found to be gone.
        let begun: Vec<_> = join_all((0..16).map(|_| db.db.begin_write())).await;
        drop(begun.into_iter().map(|tx| tx.expect("a transaction")).collect::<Vec<_>>());
        server::end_connections(&db.url).await;
        let artwork = cataloged(&db.db).await;
        let mut tx = db.db.begin_read().await.expect("a transaction");
        assert_eq!(
            store::find_artwork(&mut tx, &artwork.artwork_id).await.expect("an answer"),
            Some(artwork)
        );
        drop(tx);
        server::end_connections(&db.url).await;
        let seen: Vec<(i64,)> = db.db.look("SELECT count(*) FROM artworks", &[]).await.expect("an answer");
        assert_eq!(seen, [(1,)]);
    });
}

#[test]
fn a_commit_whose_connection_is_gone_is_told_as_one_of_which_nobody_knows() {
    on_postgres(|db| async move {
        let mut tx = db.db.begin_write().await.expect("a transaction");
        store::insert_artwork(&mut tx, &great_wave(None)).await.expect("an artwork");
        server::end_connections(&db.url).await;
        let lost = tx.commit().await.expect_err("a commit without a connection");
        assert!(matches!(lost, DbError::CommitLost { no_room: false }), "{lost:?}");
    });
}

#[test]
fn each_half_of_the_tests_runs_on_the_database_that_it_names() {
    on_sqlite(|db| async move { assert_eq!(db.db.kind(), DbKind::Sqlite) });
    on_postgres(|db| async move { assert_eq!(db.db.kind(), DbKind::Postgres) });
}
