//! A database for one test: fresh, with the schema of today, and gone afterwards.

use std::future::Future;

use catalog::db::Db;
use tempfile::TempDir;
pub(crate) use tests::database::open;
use tests::postgres;

/// Runs each test on `SQLite` and on `PostgreSQL`. Use it once in a file: the tests are listed as
/// `FILE::sqlite::NAME` and `FILE::postgres::NAME`.
macro_rules! both_databases {
    ($($(#[$meta:meta])* async fn $name:ident($db:ident: TestDb) $body:block)+) => {
        $($(#[$meta])* async fn $name($db: $crate::harness::database::TestDb) $body)+

        mod sqlite {
            $(#[test]
            fn $name() {
                $crate::harness::database::on_sqlite(super::$name);
            })+
        }

        mod postgres {
            $(#[test]
            fn $name() {
                $crate::harness::database::on_postgres(super::$name);
            })+
        }
    };
}

/// An open database that belongs to one test.
pub(crate) struct TestDb {
    /// The database, migrated and empty.
    pub(crate) db: Db,
    /// Its address, for a service that the test starts.
    pub(crate) url: String,
}

/// Runs a test on a `SQLite` file of its own.
pub(crate) fn on_sqlite<F>(test: impl FnOnce(TestDb) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    runtime().block_on(async {
        let folder = TempDir::with_prefix("colophon-sqlite-").expect("a folder for the database");
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let db = open(&url).await;
        db.migrate().await.expect("the migrations to run on SQLite");
        finish(db.clone(), url.clone(), test(TestDb { db, url }), async move { drop(folder) }).await;
    });
}

/// Runs a test on a `PostgreSQL` database of its own.
pub(crate) fn on_postgres<F>(test: impl FnOnce(TestDb) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    runtime().block_on(async {
        let name = postgres::create_database().await;
        let url = postgres::url_of(&name);
        let db = open(&url).await;
        finish(db.clone(), url.clone(), test(TestDb { db, url }), postgres::drop_database(name)).await;
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// Clears up after the test, also when it failed. Whatever it did, everything that is conserved must be there in the end.
async fn finish(
    db: Db,
    url: String,
    test: impl Future<Output = ()> + Send + 'static,
    clear_up: impl Future<Output = ()>,
) {
    let conserving = async move {
        test.await;
        // The test may have closed its own.
        let books = open(&url).await;
        let breaches = api::conservation::breaches(&books).await.expect("the books to be read");
        books.close().await;
        assert!(breaches.is_empty(), "conservation is broken: {breaches:?}");
    };
    let outcome = tokio::spawn(conserving).await;
    db.close().await;
    clear_up.await;
    if let Err(failure) = outcome {
        std::panic::resume_unwind(failure.into_panic());
    }
}
