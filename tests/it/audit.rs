//! The journal as an audit log: how rows are sealed while others write, what an edit of sealed rows leads to, and the file
//! that tells the journal's end outside the database.

mod rows;
mod tampering;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use api::audit::head_file::{self, HeadFileError, ToldHead};
use api::audit::verification::{Finding, Problem, verify};
use api::audit::{chain, sealing};
use catalog::chance::SystemChance;
use catalog::clock::{Clock, SystemClock};
use catalog::db::{Db, Tx};
use catalog::journal::{self, Event, Occasion};
use catalog::store::{self, SealedHead};
use serde_json::Value;
use tests::program::clean_command;

use self::tampering::{Dice, Tampering, tampering_count};
use crate::harness::database::on_postgres;

/// Something that happened.
#[derive(serde::Serialize)]
struct Happened {
    number: u64,
}

impl Event for Happened {
    fn kind(&self) -> &'static str {
        "happened"
    }

    fn subject(&self) -> String {
        format!("thing_{}", self.number % 7)
    }
}

fn append(tx: &mut Tx, number: u64) {
    let occasion = Occasion::by_service(SystemClock.now(), "a test", &SystemChance);
    journal::append(tx, &occasion, &Happened { number }).expect("a row");
}

/// `rows` sealed rows.
async fn fill(db: &Db, rows: u64) {
    let mut tx = db.begin_write().await.expect("a transaction");
    for number in 0..rows {
        append(&mut tx, number);
    }
    tx.commit().await.expect("a commit");
    seal_all(db).await;
}

async fn seal_all(db: &Db) {
    while sealing::step(db, &SystemClock).await.expect("a step") > 0 {}
}

async fn told_by(db: &Db) -> ToldHead {
    let mut tx = db.begin_read().await.expect("a transaction");
    ToldHead::from(&store::find_sealed_head(&mut tx).await.expect("the end"))
}

async fn verified(db: &Db, told: Option<ToldHead>) -> Finding {
    let mut tx = db.begin_read().await.expect("a transaction");
    verify(&mut tx, told).await.expect("a finding")
}

/// The guards against mistakes; whoever means harm takes them away first.
async fn unguard(db: &Db) {
    let mut tx = db.begin_write().await.expect("a transaction");
    for statement in tampering::UNGUARD {
        tx.execute(statement, &[]).await.expect("a guard less");
    }
    tx.commit().await.expect("a commit");
}

async fn run(db: &Db, statement: &'static str) -> Result<u64, catalog::db::DbError> {
    let mut tx = db.begin_write().await?;
    let rows = tx.execute(statement, &[]).await?;
    tx.commit().await?;
    Ok(rows)
}

/// `colophon audit verify` on these books: its exit code and what it printed.
fn audit(url: &str, head: &Path) -> (Option<i32>, Value) {
    let mut command: Command = clean_command();
    command.args(["audit", "verify", "--head"]).arg(head).env("COLOPHON_DATABASE_URL", url);
    let output = command.output().expect("the program to run");
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or(Value::Null))
}

both_databases! {
    async fn rows_are_sealed_once_without_a_gap_while_others_write(db: TestDb) {
        let db = Arc::new(db.db);
        let done = Arc::new(AtomicBool::new(false));
        let sealers = (0..2).map(|_| {
            let (db, done) = (Arc::clone(&db), Arc::clone(&done));
            tokio::spawn(async move {
                while !done.load(Ordering::SeqCst) {
                    // Two sealers at once: one of them finds its work done.
                    sealing::step(&db, &SystemClock).await.expect("a step");
                }
            })
        });
        let sealers: Vec<_> = sealers.collect();
        let writers = (0..4_u64).map(|writer| {
            let db = Arc::clone(&db);
            tokio::spawn(async move {
                for number in 0..25 {
                    let mut tx = db.begin_write().await.expect("a transaction");
                    append(&mut tx, writer * 100 + number);
                    tokio::time::sleep(Duration::from_millis(number % 3)).await;
                    append(&mut tx, writer * 100 + number);
                    // Every fifth takes its numbers and leaves nothing.
                    if number % 5 != 4 {
                        tx.commit().await.expect("a commit");
                    }
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.expect("a writer");
        }
        done.store(true, Ordering::SeqCst);
        for sealer in sealers {
            sealer.await.expect("a sealer");
        }
        seal_all(&db).await;
        let finding = verified(&db, None).await;
        assert_eq!((finding.problem, finding.rows, finding.unsealed), (None, 4 * 20 * 2, 0));
    }

    async fn a_sealed_row_is_not_edited_or_deleted_by_mistake(db: TestDb) {
        fill(&db.db, 3).await;
        for statement in [
            "UPDATE journal SET payload = '{}' WHERE position = 2",
            "UPDATE journal SET position = 9 WHERE position = 2",
            "DELETE FROM journal WHERE position = 2",
        ] {
            let refused = run(&db.db, statement).await.expect_err("a refusal");
            assert!(format!("{refused:?}").contains("append-only"), "{refused:?}");
        }
        // One that waits for its seal takes nothing but the seal.
        let mut tx = db.db.begin_write().await.expect("a transaction");
        append(&mut tx, 4);
        tx.commit().await.expect("a commit");
        run(&db.db, "UPDATE journal SET actor = 'nobody' WHERE position IS NULL").await.expect_err("a refusal");
        seal_all(&db.db).await;
        assert_eq!(verified(&db.db, None).await.problem, None);
    }

    async fn every_tampering_with_sealed_rows_is_found(db: TestDb) {
        const ROWS: i64 = 120;
        fill(&db.db, ROWS.unsigned_abs()).await;
        unguard(&db.db).await;
        let told = told_by(&db.db).await;
        let intact = verified(&db.db, Some(told.clone())).await;
        assert_eq!((intact.problem, intact.rows), (None, ROWS));
        let mut missed = Vec::new();
        let count = tampering_count();
        for number in 0..count {
            let mut dice = Dice::of(number);
            let tampering = Tampering::draw(&mut dice, ROWS);
            // Never committed: the next one begins with intact books.
            let mut tx = db.db.begin_write().await.expect("a transaction");
            tampering.happen(&mut tx).await;
            let finding = verify(&mut tx, Some(told.clone())).await.expect("a finding");
            if !tampering.is_found_in(finding.problem.as_ref()) {
                missed.push(format!("{number}: {tampering:?} was told as {:?}", finding.problem));
            }
        }
        assert!(missed.is_empty(), "{} of {count} were missed:\n{}", missed.len(), missed.join("\n"));
        assert_eq!(verified(&db.db, Some(told)).await.problem, None);
        eprintln!("{count} tamperings were found");
    }

    async fn the_told_end_never_goes_backwards(db: TestDb) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("head.json");
        let empty = head_file::step(&db.db, &file).await.expect("told").expect("by us");
        assert_eq!((empty.count, empty.hash), (0, chain::genesis()));
        fill(&db.db, 5).await;
        let told = head_file::step(&db.db, &file).await.expect("told").expect("by us");
        assert_eq!((told.count, head_file::read(&file).expect("a file")), (5, Some(told.clone())));

        // The end is cut off, and the stored end set back to fit.
        unguard(&db.db).await;
        run(&db.db, "UPDATE journal_head SET position = 4, hash = (SELECT hash FROM journal WHERE position = 4)")
            .await
            .expect("set back");
        run(&db.db, "DELETE FROM journal WHERE position = 5").await.expect("cut off");
        assert_eq!(verified(&db.db, None).await.problem, None, "the books alone show nothing");
        let refused = head_file::step(&db.db, &file).await.expect_err("a refusal");
        assert!(matches!(refused, HeadFileError::Ahead { told: 5, held: 4 }), "{refused:?}");

        // Another history of the same length, and of a greater one.
        for number in [77, 78] {
            let mut tx = db.db.begin_write().await.expect("a transaction");
            append(&mut tx, number);
            tx.commit().await.expect("a commit");
            seal_all(&db.db).await;
            let refused = head_file::step(&db.db, &file).await.expect_err("a refusal");
            assert!(matches!(refused, HeadFileError::Differs { position: 5 }), "{refused:?}");
        }
        assert_eq!(head_file::read(&file).expect("a file"), Some(told), "it is left as it was");
        std::fs::write(&file, "{}").expect("spoiled");
        let refused = head_file::step(&db.db, &file).await.expect_err("a refusal");
        assert!(matches!(refused, HeadFileError::NotAHead { .. }), "{refused:?}");
    }

    async fn the_command_line_tells_the_first_bad_row_by_exit_code_3(db: TestDb) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("head.json");
        fill(&db.db, 30).await;
        head_file::step(&db.db, &file).await.expect("told");
        let (code, said) = audit(&db.url, &file);
        assert_eq!((code, &said["verdict"], &said["rows"]), (Some(0), &"intact".into(), &30.into()), "{said}");

        unguard(&db.db).await;
        run(&db.db, "UPDATE journal SET reason = 'another' WHERE position = 17").await.expect("an edit");
        let (code, said) = audit(&db.url, &file);
        assert_eq!((code, &said["problem"], &said["position"]), (Some(3), &"altered".into(), &17.into()), "{said}");
        assert_eq!(said["verdict"], "broken");

        assert_eq!(audit(&db.url, &folder.path().join("nowhere")).0, Some(1), "it cannot look");
        assert_eq!(audit("sqlite:/nowhere/books.db", &file).0, Some(1), "it cannot look");
    }
}

const LATE: &str = r#"
    INSERT INTO journal (event_id, occurred_at, actor, reason, request_id, kind, subject, payload)
    VALUES ('evt_01a2b3c4d5e6f708192a3b4c5d6e7f80', 1, 'service', 'a test', 'step_1', 'happened', 'thing_1', '{"number":1}')"#;

#[test]
fn a_row_committed_late_is_sealed_late() {
    on_postgres(|db| async move {
        let mut slow = db.db.begin_write().await.expect("a transaction");
        // Written as by a release that does not wait for the commit with it.
        slow.execute(LATE, &[]).await.expect("a row");
        let mut quick = db.db.begin_write().await.expect("a transaction");
        append(&mut quick, 2);
        quick.commit().await.expect("a commit");
        assert_eq!(sealing::step(&db.db, &SystemClock).await.expect("a step"), 1);
        slow.commit().await.expect("a commit");
        assert_eq!(sealing::step(&db.db, &SystemClock).await.expect("a step"), 1);

        let mut tx = db.db.begin_read().await.expect("a transaction");
        let rows = store::list_sealed(&mut tx, 0, 10).await.expect("the rows");
        let told: Vec<_> = rows.iter().map(|row| (row.position, row.row.payload.as_str())).collect();
        assert_eq!(told, [(1, r#"{"number":2}"#), (2, r#"{"number":1}"#)]);
        assert!(rows[0].row.sequence > rows[1].row.sequence);
        assert_eq!(verify(&mut tx, None).await.expect("a finding").problem, None);
    });
}

/// A value of another type than its column, which `SQLite` lets a hand write.
#[test]
fn a_row_that_does_not_read_is_found_too() {
    crate::harness::database::on_sqlite(|db| async move {
        fill(&db.db, 10).await;
        unguard(&db.db).await;
        run(&db.db, "UPDATE journal SET payload = x'00ff' WHERE position = 6").await.expect("an edit");
        let finding = verified(&db.db, None).await;
        assert!(
            matches!(
                finding.problem,
                Some(Problem::Unreadable { position: 6 } | Problem::Altered { position: 6, .. })
            ),
            "{finding:?}"
        );
    });
}

/// The end of the chain after the rows from `position` on were sealed anew behind it.
async fn reseal(tx: &mut Tx, position: i64, mut head: SealedHead) -> SealedHead {
    for sealed in store::list_sealed(tx, position - 1, 10_000).await.expect("the rows") {
        head = chain::next(&head, &sealed.row, SystemClock.now()).expect("a hash");
        let values = [sealed.row.sequence.into(), head.hash.into(), head.sealed_at.into()];
        let sql = "UPDATE journal SET hash = $2, sealed_at = $3 WHERE sequence = $1";
        tx.execute(sql, &values).await.expect("an update");
    }
    head
}
