//! One SQL text, two databases: the schemas agree, and every statement is accepted by both.

use std::collections::BTreeSet;

use catalog::db::{Sql, Tx};

use crate::harness::database::{TestDb, on_sqlite};

both_databases! {
    async fn every_statement_is_accepted(db: TestDb) {
        let mut refused = Vec::new();
        let crates = [catalog::store::statements(), minting::store::statements(), api::store::statements()];
        for statement in crates.concat() {
            // A transaction each: PostgreSQL refuses everything after the first mistake in one.
            let mut tx = db.db.begin_write().await.expect("a transaction");
            if let Err(error) = tx.prepare(statement).await {
                refused.push(format!("{}\n{}", statement.sqlite, chain_of(&error)));
            }
        }
        assert!(refused.is_empty(), "refused:\n{}", refused.join("\n"));
    }

    async fn migrating_again_changes_nothing(db: TestDb) {
        let before = columns(&db).await;
        db.db.migrate().await.expect("a second migration");
        assert_eq!(columns(&db).await, before);
    }
}

/// Where a table is read as a whole for each row of many, their statement is quadratic: the rows must lead, and a key find each.
#[test]
fn statements_of_many_rows_find_each_row_by_a_key() {
    on_sqlite(find_each_row_by_a_key);
}

async fn find_each_row_by_a_key(db: TestDb) {
    let (mut read, mut slow) = (0, Vec::new());
    let crates = [catalog::store::statements(), minting::store::statements(), api::store::statements()];
    for statement in crates.concat().into_iter().filter(|statement| statement.sqlite.contains("json_each(")) {
        let explain: &'static str = format!("EXPLAIN QUERY PLAN {}", statement.sqlite).leak();
        let mut tx = db.db.begin_read().await.expect("a transaction");
        let steps: Vec<Step> = tx.fetch_all(explain, &[]).await.expect("a plan");
        let (first, others) = steps.split_first().expect("a step");
        // What an INSERT reads besides are the tables that refer to its own, and those only where a key is deferred.
        let is_insert = statement.sqlite.contains("INSERT INTO");
        let scans = others.iter().any(|step| step.detail.starts_with("SCAN"));
        if !first.detail.starts_with("SCAN item") || (scans && !is_insert) {
            let plan: Vec<_> = steps.iter().map(|step| step.detail.as_str()).collect();
            slow.push(format!("{}\n{}", statement.sqlite, plan.join("\n")));
        }
        read += 1;
    }
    assert!(read > 5, "only {read} statements of many rows");
    assert!(slow.is_empty(), "slow:\n{}", slow.join("\n"));
}

/// What grows with the business: a statement that reads all of it takes longer with every year.
const GROWING: [&str; 15] = [
    "amount_refunds",
    "attempts",
    "calls",
    "challenges",
    "claims",
    "contacts",
    "gas_spends",
    "impressions",
    "inbox",
    "journal",
    "outgoing_events",
    "sales",
    "tokens",
    "transactions",
    "webhook_deliveries",
];

/// Read by an index in which only some rows stand, or up to a number of rows, is not read as a whole.
#[test]
fn no_statement_reads_a_growing_table_as_a_whole() {
    on_sqlite(read_no_growing_table_as_a_whole);
}

async fn read_no_growing_table_as_a_whole(db: TestDb) {
    const OF_SOME: &str = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql LIKE '%WHERE%'";
    let mut tx = db.db.begin_read().await.expect("a transaction");
    let of_some: Vec<(String,)> = tx.fetch_all(OF_SOME, &[]).await.expect("the indexes");
    drop(tx);
    let is_of_some = |how: &str| of_some.iter().any(|(index,)| how.ends_with(index.as_str()));
    let (mut seen, mut whole) = (0, Vec::new());
    let crates = [catalog::store::statements(), minting::store::statements(), api::store::statements()];
    for statement in crates.concat() {
        let explain: &'static str = format!("EXPLAIN QUERY PLAN {}", statement.sqlite).leak();
        let mut tx = db.db.begin_read().await.expect("a transaction");
        let steps: Vec<Step> = tx.fetch_all(explain, &[]).await.expect("a plan");
        for step in steps {
            let Some(scan) = step.detail.strip_prefix("SCAN ") else { continue };
            let (name, how) = scan.split_once(' ').unwrap_or((scan, ""));
            let is_growing = GROWING.iter().any(|table| is_called(table, name, statement.sqlite));
            if is_growing && !is_of_some(how) && !statement.sqlite.contains("LIMIT") {
                whole.push(format!("{}\n{}", statement.sqlite, step.detail));
            }
            seen += 1;
        }
    }
    assert!(seen > 5, "only {seen} plans read something from its beginning");
    assert!(whole.is_empty(), "whole tables are read:\n{}", whole.join("\n"));
}

/// Whether a statement reads or changes rows of a table that it calls so. What an INSERT looks at besides are the tables that
/// refer to its own.
fn is_called(table: &str, name: &str, statement: &str) -> bool {
    // So that a table at the very end has words behind it too.
    let words: Vec<_> = statement.split_whitespace().chain(["", ""]).collect();
    let called = words.windows(4).filter_map(|four| match four {
        ["FROM" | "JOIN" | "UPDATE", of, "AS", alias] if *of == table => Some(*alias),
        ["FROM" | "JOIN" | "UPDATE", of, ..] if *of == table => Some(table),
        _ => None,
    });
    called.into_iter().any(|alias| alias == name)
}

/// A step of a plan.
#[derive(sqlx::FromRow)]
struct Step {
    detail: String,
}

fn chain_of(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// Steps after the first release only add: a process of the release before works on while they run, and after them.
#[test]
fn no_step_of_the_schema_takes_anything_away() {
    /// Made before the first release.
    const FREE: &str = "0014_contacts.sql";
    let mut taking = Vec::new();
    for folder in ["sqlite", "postgres"] {
        let folder = format!("{}/../migrations/{folder}", env!("CARGO_MANIFEST_DIR"));
        for file in std::fs::read_dir(folder).expect("the steps") {
            let file = file.expect("a step");
            let name = file.file_name().into_string().expect("a name");
            let text = std::fs::read_to_string(file.path()).expect("a step");
            if text.split(';').any(takes_away) {
                taking.push(name);
            }
        }
    }
    assert!(taking.iter().any(|name| name == FREE), "it renames a column, and nobody saw it");
    taking.retain(|name| name.as_str() > FREE);
    assert_eq!(taking, Vec::<String>::new());
}

/// Forbids nothing, so that nobody misses it; the same step makes it again with a column more. Dropping a unique index would
/// take a promise away.
const MADE_ANEW: &str = "DROP INDEX CALLS_QUEUED";

/// Whether a statement takes away or changes what others read, or asks them for what they do not write.
fn takes_away(statement: &str) -> bool {
    let lines = statement.lines().filter(|line| !line.trim_start().starts_with("--"));
    let words = lines.collect::<Vec<_>>().join(" ").to_uppercase();
    let has = |text: &str| words.contains(text);
    (has("DROP ") && words.trim() != MADE_ANEW)
        || has("RENAME ")
        || has("ALTER COLUMN")
        || has("DELETE FROM")
        || (has("ADD COLUMN") && has("NOT NULL") && !has("DEFAULT"))
}

/// Table, column, kind of value, whether it must be there, place in the primary key.
type Column = (String, String, String, i64, i64);

const COLUMNS: Sql = Sql {
    sqlite: "
        SELECT tables.name,
               columns.name,
               CASE WHEN columns.type IN ('INTEGER', 'BIGINT') THEN 'number' ELSE lower(columns.type) END,
               -- SQLite lets the rowid of a table pass as nullable; it never is.
               CASE WHEN columns.pk > 0 THEN 1 ELSE columns.\"notnull\" END,
               columns.pk
        FROM sqlite_master AS tables,
             pragma_table_info(tables.name) AS columns
        WHERE tables.type = 'table'
          AND tables.name NOT LIKE 'sqlite%'
          AND tables.name NOT LIKE '\\_sqlx%' ESCAPE '\\'
        ORDER BY 1, 2",
    postgres: "
        SELECT columns.table_name::TEXT,
               columns.column_name::TEXT,
               CASE columns.data_type WHEN 'bigint' THEN 'number' ELSE columns.data_type::TEXT END,
               CASE columns.is_nullable WHEN 'NO' THEN 1::BIGINT ELSE 0::BIGINT END,
               coalesce(keys.ordinal_position, 0)::BIGINT
        FROM information_schema.columns AS columns
        LEFT JOIN information_schema.table_constraints AS constraints
               ON constraints.table_schema = columns.table_schema
              AND constraints.table_name = columns.table_name
              AND constraints.constraint_type = 'PRIMARY KEY'
        LEFT JOIN information_schema.key_column_usage AS keys
               ON keys.constraint_schema = constraints.constraint_schema
              AND keys.constraint_name = constraints.constraint_name
              AND keys.column_name = columns.column_name
        WHERE columns.table_schema = 'public'
          AND columns.table_name NOT LIKE '\\_sqlx%'
        ORDER BY 1, 2",
};

async fn columns(db: &crate::harness::database::TestDb) -> BTreeSet<Column> {
    let mut tx = db.db.begin_read().await.expect("a transaction");
    let columns: Vec<Column> = tx.fetch_all(COLUMNS, &[]).await.expect("the columns");
    assert!(columns.len() > 100, "only {} columns", columns.len());
    columns.into_iter().collect()
}

/// The columns of each unique key, as `table(column, …)`; a partial one ends with `…`.
async fn unique_keys(tx: &mut Tx) -> BTreeSet<String> {
    let keys: Vec<(String, String, i64)> = tx.fetch_all(UNIQUE_KEYS, &[]).await.expect("the unique keys");
    let mark = |partial: i64| if partial == 1 { " …" } else { "" };
    keys.into_iter().map(|(table, columns, partial)| format!("{table}({columns}){}", mark(partial))).collect()
}

const UNIQUE_KEYS: Sql = Sql {
    sqlite: "
        SELECT tables.name,
               (SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_index_info(indexes.name) ORDER BY seqno)),
               indexes.partial
        FROM sqlite_master AS tables,
             pragma_index_list(tables.name) AS indexes
        WHERE tables.type = 'table'
          AND indexes.\"unique\" = 1
          AND indexes.origin <> 'pk'
          AND tables.name NOT LIKE '\\_sqlx%' ESCAPE '\\'",
    postgres: "
        SELECT tables.relname::TEXT,
               (SELECT string_agg(attributes.attname::TEXT, ', ' ORDER BY places.place)
                FROM unnest(indexes.indkey) WITH ORDINALITY AS places (number, place)
                JOIN pg_attribute AS attributes
                  ON attributes.attrelid = tables.oid AND attributes.attnum = places.number),
               CASE WHEN indexes.indpred IS NULL THEN 0::BIGINT ELSE 1::BIGINT END
        FROM pg_index AS indexes
        JOIN pg_class AS tables ON tables.oid = indexes.indrelid
        JOIN pg_namespace AS namespaces ON namespaces.oid = tables.relnamespace
        WHERE namespaces.nspname = 'public'
          AND indexes.indisunique
          AND NOT indexes.indisprimary
          AND tables.relname NOT LIKE '\\_sqlx%'",
};

/// What the two schemas hold, side by side: needs both databases in one test.
#[test]
fn the_two_schemas_have_the_same_tables_columns_and_unique_keys() {
    use crate::harness::database::{TestDb, on_postgres, on_sqlite};
    use std::sync::{Arc, Mutex};

    async fn describe(db: TestDb, into: Arc<Mutex<Vec<String>>>) {
        let columns = columns(&db).await;
        let mut tx = db.db.begin_read().await.expect("a transaction");
        let mut lines: Vec<_> = columns.iter().map(|column| format!("{column:?}")).collect();
        lines.extend(unique_keys(&mut tx).await);
        into.lock().expect("the lines").extend(lines);
    }

    let (sqlite, postgres) = (Arc::<Mutex<Vec<_>>>::default(), Arc::<Mutex<Vec<_>>>::default());
    on_sqlite(|db| describe(db, sqlite.clone()));
    on_postgres(|db| describe(db, postgres.clone()));
    let (sqlite, postgres) = (sqlite.lock().expect("the lines"), postgres.lock().expect("the lines"));
    let only = |here: &[String], there: &[String]| {
        here.iter().filter(|line| !there.contains(line)).cloned().collect::<Vec<_>>()
    };
    let difference = (only(&sqlite, &postgres), only(&postgres, &sqlite));
    assert_eq!(difference, (vec![], vec![]), "only in SQLite, only in PostgreSQL");
}

#[test]
fn a_table_is_called_by_its_alias_where_it_has_one() {
    let statement = "DELETE FROM calls WHERE EXISTS (SELECT 1 FROM sales AS s JOIN tokens ON 1 = 1 LIMIT 1)";
    assert!(is_called("calls", "calls", statement) && is_called("tokens", "tokens", statement));
    assert!(is_called("sales", "s", statement) && !is_called("sales", "sales", statement));
    assert!(!is_called("claims", "claims", statement));
    assert!(is_called("sales", "sales", "SELECT count(*) FROM sales"));
}
