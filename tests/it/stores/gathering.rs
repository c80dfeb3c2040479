//! Rows that wait for the commit of their transaction.

use catalog::db::{Sql, Tx, Value};

use crate::harness::database::TestDb;

catalog::statements! {
    MAKE = "CREATE TABLE notes (place BIGINT NOT NULL, note TEXT NOT NULL UNIQUE)";
    READ = "SELECT note FROM notes ORDER BY place";
    DROP = "DROP TABLE notes";

    @rows {
        NOTE = "INSERT INTO notes (place, note)
            SELECT (SELECT count(*) FROM notes) + item.key, $2 || (item.value ->> 0) FROM", rows("$1"), "";
        STRIKE = "DELETE FROM notes WHERE note IN (SELECT item.value ->> 0 FROM", rows("$1"), ")";
    }
}

both_databases! {
    async fn rows_are_written_before_the_commit_in_the_order_of_gathering(db: TestDb) {
        let mut tx = with_notes(&db).await;
        gather(&mut tx, NOTE, "b", Some("1"));
        gather(&mut tx, NOTE, "a", Some("1"));
        gather(&mut tx, STRIKE, "1b", None);
        gather(&mut tx, NOTE, "c", Some("1"));
        gather(&mut tx, NOTE, "b", Some("2"));
        assert_eq!(read(&mut tx).await, [""; 0], "not before the commit");
        tx.commit().await.expect("a commit");
        assert_eq!(notes(&db).await, ["1a", "1c", "2b"]);
        without_notes(&db).await;
    }

    async fn rows_that_cannot_be_written_take_the_whole_transaction_with_them(db: TestDb) {
        with_notes(&db).await.commit().await.expect("a commit");
        let mut tx = db.db.begin_write().await.expect("a transaction");
        gather(&mut tx, NOTE, "a", Some("1"));
        tx.commit().await.expect("a commit");
        let mut tx = db.db.begin_write().await.expect("a transaction");
        tx.execute("INSERT INTO notes (place, note) VALUES (9, 'by itself')", &[]).await.expect("a note");
        gather(&mut tx, NOTE, "b", Some("1"));
        gather(&mut tx, NOTE, "a", Some("1"));
        assert!(tx.commit().await.expect_err("the note is there").is_unique_violation());
        assert_eq!(notes(&db).await, ["1a"]);
        without_notes(&db).await;
    }

    async fn rows_of_a_transaction_without_a_commit_are_nowhere(db: TestDb) {
        with_notes(&db).await.commit().await.expect("a commit");
        let mut tx = db.db.begin_write().await.expect("a transaction");
        gather(&mut tx, NOTE, "a", Some("1"));
        assert!(!format!("{tx:?}").contains("\"a\""), "a value may be a secret");
        drop(tx);
        assert_eq!(notes(&db).await, [""; 0]);
        without_notes(&db).await;
    }
}

fn gather(tx: &mut Tx, sql: Sql, row: &str, shared: Option<&str>) {
    let shared = shared.into_iter().map(Value::from).collect();
    tx.gather(sql, &[row], shared).expect("a row");
}

async fn with_notes(db: &TestDb) -> Tx {
    let mut tx = db.db.begin_write().await.expect("a transaction");
    tx.execute(MAKE, &[]).await.expect("a table");
    tx
}

/// The end of each test looks for strangers in the books.
async fn without_notes(db: &TestDb) {
    let mut tx = db.db.begin_write().await.expect("a transaction");
    tx.execute(DROP, &[]).await.expect("no table");
    tx.commit().await.expect("a commit");
}

async fn notes(db: &TestDb) -> Vec<String> {
    read(&mut db.db.begin_read().await.expect("a transaction")).await
}

async fn read(tx: &mut Tx) -> Vec<String> {
    let rows: Vec<(String,)> = tx.fetch_all(READ, &[]).await.expect("the notes");
    rows.into_iter().map(|(note,)| note).collect()
}
