//! A disk that is full, that fails, that only gives: what cannot be written is refused under a stable code, nothing is sent that is
//! not in the books, and all goes on by itself. FAULTS rows 78, 94, 95.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use catalog::db::DbKind;
use serde_json::json;
use tempfile::TempDir;
use tests::postgres as server;

use crate::harness::app::{TestApp, Wallet};
use crate::harness::by_hand::{count_of, write};
use crate::harness::database::{TestDb, on_sqlite, open};

const PATIENCE: Duration = Duration::from_mins(1);
/// Room for the books of a few sales, and for their log of writes.
const ROOM: &str = "size=24m";

both_databases! {
    async fn books_that_cannot_be_written_refuse_send_nothing_and_go_on_by_themselves(db: TestDb) {
        let app = Box::pin(TestApp::start_beside_a_chain(&db)).await;
        let house = Box::pin(House::at_work(&app)).await;
        switch_writing(&app, &db, false).await;
        Box::pin(house.is_refused(&app, (503, "database_unavailable"))).await;
        switch_writing(&app, &db, true).await;
        Box::pin(house.goes_on(&app)).await;
    }
}

#[test]
fn a_full_disk_refuses_sends_nothing_and_goes_on_when_there_is_room() {
    on_sqlite(|db| async move {
        let Some(disk) = SmallDisk::mount() else {
            eprintln!("only root can mount a small disk: this test did nothing");
            return;
        };
        let mut app = Box::pin(TestApp::start_beside_a_chain(&db)).await;
        app.die();
        // Database and images.
        app.set("COLOPHON_DATA_DIR", &disk.path().join("data").display().to_string());
        let url = format!("sqlite:{}", disk.path().join("full.db").display());
        app.move_to(&url);
        app.start_again().await;
        let house = Box::pin(House::at_work(&app)).await;
        disk.fill();
        Box::pin(house.is_refused(&app, (507, "storage_full"))).await;
        let artwork_id = &house.artwork_id;
        let image =
            minting::drawing::encode(&minting::drawing::draw(94, 640, 480), catalog::image::ImageFormat::Png);
        let kept =
            app.put(&format!("/v1/artworks/{artwork_id}/image"), image.expect("a picture")).by_curator();
        kept.await.refused(503, "image_store_unavailable");
        disk.make_room();
        Box::pin(house.goes_on(&app)).await;
        app.upload_image(artwork_id).await;
        let books = open(&url).await;
        let breaches = api::conservation::breaches(&books).await.expect("the books");
        books.close().await;
        assert!(breaches.is_empty(), "{breaches:?}");
    });
}

#[test]
fn a_log_of_writes_that_a_reader_holds_back_is_told_of_and_shrinks_when_it_is_gone() {
    const MOST: u64 = 24 << 20;
    on_sqlite(|db| async move {
        write(&db, "CREATE TABLE papers (text TEXT NOT NULL)").await;
        let mut reader = db.db.begin_read().await.expect("a reader");
        let _: (i64,) = reader.fetch_one("SELECT count(*) FROM papers", &[]).await.expect("what it reads");
        let paper = "INSERT INTO papers (text) VALUES (hex(zeroblob(1000000)))";
        for _ in 0..15 {
            write(&db, paper).await;
        }
        assert!(api::write_log::is_held_back(&db.db, MOST), "{:?}", db.db.write_log_bytes());
        drop(reader);
        // One commit empties it, and the next one begins it anew.
        for _ in 0..3 {
            write(&db, paper).await;
        }
        assert!(!api::write_log::is_held_back(&db.db, MOST), "{:?}", db.db.write_log_bytes());
        write(&db, "DROP TABLE papers").await;
    });
}

/// A house in the middle of its business: a mint waits for money, and a card is on its way.
struct House {
    artwork_id: String,
    edition_id: String,
    waiting: String,
    card: String,
    buyer: Wallet,
    sale: serde_json::Value,
}

impl House {
    async fn at_work(app: &TestApp) -> Self {
        let artwork_id = app.catalog_artwork().await;
        app.upload_image(&artwork_id).await;
        let edition_id = app.draft_edition(&artwork_id, 3).await;
        app.publish(&edition_id).await.expect(202);
        app.opened(&edition_id).await;
        let (first, card) = (app.shipped(&edition_id).await, app.shipped(&edition_id).await);
        app.chain().ask("anvil_setBalance", json!([app.signer("minter"), "0x1"])).await;
        let waiting = app.redeem(&first, &Wallet::fresh()).await.expect(202).at("/token/token_id");
        app.measures("colophon_cannot_pay_total{reason=\"funds\"} 1").await;
        let sale = json!({
            "channel": "boutique",
            "order": "while nothing could be written",
            "line": "1",
            "edition_id": edition_id,
            "price": { "amount_minor": 1_940_000, "currency": "CNY" },
            "sold_at": "2026-11-20T09:30:00Z",
        });
        Self { artwork_id, edition_id, waiting, card, buyer: Wallet::fresh(), sale }
    }

    /// Nothing is taken in, everything can be read, and the mint that can be paid for now is not sent.
    async fn is_refused(&self, app: &TestApp, (status, code): (u16, &str)) {
        // What has room in what was written before may still be taken in.
        let begun = Instant::now();
        let ready = loop {
            let ready = app.get("/readyz").await;
            if ready.status == 503 {
                break ready;
            }
            assert!(begun.elapsed() < PATIENCE, "everything is written");
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        assert_eq!(ready.body["checks"]["database_write"], json!("failed"), "{:#}", ready.body);
        app.post("/v1/sales", &self.sale).by_shop().under("one-sale").await.refused(status, code);
        app.redeem(&self.card, &self.buyer).await.refused(status, code);
        app.get(&format!("/v1/editions/{}", self.edition_id)).by_curator().await.expect(200);

        app.chain().ask("anvil_setBalance", json!([app.signer("minter"), "0x3635c9adc5dea00000"])).await;
        let stopped = app.counted("colophon_pass_failures_total").await;
        let begun = Instant::now();
        while app.counted("colophon_pass_failures_total").await < stopped + 3 {
            assert!(begun.elapsed() < PATIENCE, "no pass stops");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(count_of(app, &app.signer("minter")).await, 0, "sent without books");
    }

    /// What waited is done once, what was refused is taken in when it is asked again.
    async fn goes_on(&self, app: &TestApp) {
        app.recorded(&self.waiting).await;
        let sold = app.post("/v1/sales", &self.sale).by_shop().under("one-sale").await.expect(201);
        let again = app.post("/v1/sales", &self.sale).by_shop().under("one-sale").await.expect(201);
        assert_eq!(sold.body, again.body);
        let token_id = app.redeem(&self.card, &self.buyer).await.expect(202).at("/token/token_id");
        assert_eq!(app.recorded(&token_id).await["recipient"], self.buyer.address());
        let census = app.get(&format!("/v1/editions/{}/census", self.edition_id)).await.expect(200).body;
        assert_eq!((&census["sold"], &census["reserved"]), (&json!(2), &json!(1)), "{census:#}");
        app.get("/readyz").await.expect(200);
    }
}

/// On `SQLite` every write to a file fails (`EFBIG`, told as an I/O error); on `PostgreSQL` the database takes no change.
async fn switch_writing(app: &TestApp, db: &TestDb, is_allowed: bool) {
    match db.db.kind() {
        DbKind::Sqlite => app.limit_files((!is_allowed).then_some(0)),
        DbKind::Postgres => server::set_read_only(&db.url, !is_allowed).await,
    }
}

/// A disk of its own in memory. It goes when it is dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = TempDir::with_prefix("colophon-disk-").expect("a folder");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", ROOM, "tmpfs"]).arg(folder.path()).output();
        mounted.is_ok_and(|mounted| mounted.status.success()).then_some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }

    fn fill(&self) {
        use std::io::Write as _;
        let mut ballast = std::fs::File::create(self.ballast()).expect("a file");
        for size in [1 << 20, 4 << 10, 1] {
            while ballast.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn make_room(&self) {
        std::fs::remove_file(self.ballast()).expect("room");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a service that is still ending holds files there.
        let _ = Command::new("umount").arg("-l").arg(self.path()).output();
    }
}
