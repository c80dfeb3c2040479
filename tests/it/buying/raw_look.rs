//! Everything that stands in a database, as whoever has a backup of it reads it.

use std::path::Path;

use catalog::db::{Db, DbKind, Tx};
use tests::anvil::hex;

use crate::harness::database::TestDb;

const TABLES: catalog::db::Sql = catalog::db::Sql {
    sqlite: "SELECT name FROM sqlite_master WHERE type = 'table'",
    postgres: "SELECT table_name::TEXT FROM information_schema.tables WHERE table_schema = 'public'",
};

/// A statement that is made up while the test runs.
fn made_up(statement: String) -> &'static str {
    Box::leak(statement.into_boxed_str())
}

async fn texts(tx: &mut Tx, statement: impl Into<catalog::db::Sql>) -> Vec<String> {
    let rows: Vec<(String,)> = tx.fetch_all(statement, &[]).await.expect("rows");
    rows.into_iter().map(|(text,)| text).collect()
}

/// Every value of every row of every table.
pub(super) async fn all_rows(db: &Db) -> String {
    let mut tx = db.begin_read().await.expect("a transaction");
    let mut seen = Vec::new();
    for table in texts(&mut tx, TABLES).await {
        let statement = match db.kind() {
            DbKind::Postgres => format!("SELECT whole::TEXT FROM {table} AS whole"),
            DbKind::Sqlite => {
                let columns = format!("SELECT name FROM pragma_table_info('{table}')");
                let columns = texts(&mut tx, made_up(columns)).await;
                let values: Vec<_> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
                format!("SELECT {} FROM {table}", values.join(" || '|' || "))
            }
        };
        for row in texts(&mut tx, made_up(statement)).await {
            seen.push(format!("{table}: {row}"));
        }
    }
    assert!(!seen.is_empty(), "nothing was found");
    seen.join("\n")
}

/// Gives each of the two rows that `select` finds (key and text) the other's text.
pub(super) async fn exchange(db: &Db, select: &'static str, update: &'static str) {
    let mut tx = db.begin_write().await.expect("a transaction");
    let rows: Vec<(String, String)> = tx.fetch_all(select, &[]).await.expect("rows");
    let [(one, ones), (other, others)] = <[_; 2]>::try_from(rows).expect("two rows");
    for (key, text) in [(one, others), (other, ones)] {
        tx.execute(update, &[key.as_str().into(), text.as_str().into()]).await.expect("an update");
    }
    tx.commit().await.expect("a commit");
}

/// What the file of an embedded database and its log hold, free pages and all; nothing for a server.
pub(super) fn files(db: &TestDb) -> Vec<u8> {
    let Some(path) = db.url.strip_prefix("sqlite:") else { return Vec::new() };
    let read =
        |path: &str| if Path::new(path).exists() { std::fs::read(path).expect("a file") } else { Vec::new() };
    [read(path), read(&format!("{path}-wal"))].concat()
}

/// Whether `needle` stands in `haystack`.
pub(super) fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// Asserts that none of `secrets` stands in the database, in clear or in hex.
pub(super) async fn assert_hidden(db: &TestDb, secrets: &[&str], when: &str) {
    let (rows, files) = (all_rows(&db.db).await, files(db));
    for secret in secrets {
        for written in [(*secret).to_owned(), hex(secret.as_bytes())] {
            let line = rows.lines().find(|line| line.contains(&written));
            assert_eq!(line, None, "{secret} stands in a row {when}");
            assert!(!holds(&files, written.as_bytes()), "{secret} stands in a file {when}");
        }
    }
}
