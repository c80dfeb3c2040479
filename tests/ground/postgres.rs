//! The `PostgreSQL` server of a test run, and databases on it.
//!
//! `tests/tools/with-postgres` makes the server. `make test` runs this binary under it; started otherwise, the
//! binary starts it for itself and holds its standard input: the server ends when that closes, however we end.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use catalog::digest::Sha256Digest;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, raw_sql};
use tokio::sync::OnceCell;

use crate::database::open;

/// A server, and the process that keeps it alive when that is ours.
struct Server {
    url: String,
    _keeper: Option<Child>,
}

static SERVER: OnceLock<Server> = OnceLock::new();
/// An empty database with the schema of today, which those of the tests are copied from.
static TEMPLATE: OnceCell<String> = OnceCell::const_new();
static COUNT: AtomicU32 = AtomicU32::new(1);

#[expect(clippy::disallowed_methods, reason = "the test run hands its server over in the environment")]
fn server() -> &'static Server {
    SERVER.get_or_init(|| match std::env::var("COLOPHON_TEST_POSTGRES_URL") {
        Ok(url) if !url.is_empty() => Server { url, _keeper: None },
        _ => start(),
    })
}

fn start() -> Server {
    let tool = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/with-postgres");
    let mut keeper = Command::new(tool)
        .args(["sh", "-c", "echo \"$COLOPHON_TEST_POSTGRES_URL\"; cat >/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("tests/tools/with-postgres to run");
    let mut url = String::new();
    let stdout = keeper.stdout.as_mut().expect("its output");
    BufReader::new(stdout).read_line(&mut url).expect("its first line");
    assert!(!url.trim().is_empty(), "tests/tools/with-postgres gave no server; it says why above");
    Server { url: url.trim().to_owned(), _keeper: Some(keeper) }
}

/// The address of the database `name` on the server of this run.
#[must_use]
pub fn url_of(name: &str) -> String {
    let url = &server().url;
    let (address, options) =
        url.split_once('?').map_or((url.as_str(), ""), |(address, rest)| (address, rest));
    let (host, _) = address.rsplit_once('/').expect("a path in COLOPHON_TEST_POSTGRES_URL");
    if options.is_empty() { format!("{host}/{name}") } else { format!("{host}/{name}?{options}") }
}

/// Makes a database with the schema of today and nothing in it; tells its name.
pub async fn create_database() -> String {
    let template = TEMPLATE.get_or_init(make_template).await;
    let name = next_name("test");
    administer(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    name
}

/// Makes a database with all that the database behind `url` holds; nobody may be connected to that. Gives its address.
pub async fn copy_database(url: &str) -> String {
    let original = url.split('?').next().and_then(|address| address.rsplit('/').next()).expect("a name");
    let name = next_name("copy");
    administer(&format!("CREATE DATABASE {name} TEMPLATE {original}")).await;
    url_of(&name)
}

/// Removes a database, whoever may still be connected to it.
pub async fn drop_database(name: String) {
    administer(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
}

/// Lets nobody write to the database behind `url`, or everybody again. Whoever is connected has to connect again.
pub async fn set_read_only(url: &str, is_read_only: bool) {
    let name = name_of(url);
    administer(&format!("ALTER DATABASE {name} SET default_transaction_read_only = {is_read_only}")).await;
    end_connections(url).await;
}

/// Ends every connection to a database, as a server that is started anew does.
pub async fn end_connections(url: &str) {
    let name = name_of(url);
    administer(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"))
        .await;
}

fn name_of(url: &str) -> &str {
    url.split('?').next().and_then(|address| address.rsplit('/').next()).expect("a name")
}

/// A name that no other test run on the same server uses: the process id is in it.
fn next_name(kind: &str) -> String {
    format!("colophon_{kind}_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Migrates one database. It is named after the migrations and stays on a server that outlives this run, where the
/// next run finds it. It gets its name when it is whole, so that two runs at once do not disturb each other.
async fn make_template() -> String {
    let template = format!("colophon_template_{}", digest_of_migrations());
    if exists(&template).await {
        return template;
    }
    let unfinished = next_name("unfinished");
    administer(&format!("CREATE DATABASE {unfinished} ENCODING 'UTF8' TEMPLATE template0")).await;
    let db = open(&url_of(&unfinished)).await;
    db.migrate().await.expect("the migrations to run on PostgreSQL");
    db.close().await;
    if try_administer(&format!("ALTER DATABASE {unfinished} RENAME TO {template}")).await.is_err() {
        assert!(exists(&template).await, "the template database could not be named");
        drop_database(unfinished).await;
    }
    template
}

fn digest_of_migrations() -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/postgres");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder of the migrations")
        .map(|entry| entry.expect("a migration").path())
        .collect();
    files.sort();
    let texts: Vec<_> = files.iter().map(|file| std::fs::read(file).expect("a migration")).collect();
    Sha256Digest::of(&texts.concat()).to_string()[..16].to_owned()
}

async fn exists(name: &str) -> bool {
    let mut connection = PgConnection::connect(&server().url).await.expect("the PostgreSQL server to answer");
    let (count,): (i64,) = sqlx::query_as("SELECT count(*) FROM pg_database WHERE datname = $1")
        .bind(name)
        .fetch_one(&mut connection)
        .await
        .expect("a count of databases");
    count == 1
}

async fn administer(statement: &str) {
    try_administer(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
}

async fn try_administer(statement: &str) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(&server().url).await?;
    raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await?;
    connection.close().await
}
