//! Databases by their address.

use catalog::db::{Db, DbUrl};

/// Opens a database by the address that a service would be given.
pub async fn open(url: &str) -> Db {
    let url: DbUrl = url.parse().expect("the address of a database");
    Db::connect(&url).await.expect("the database to answer")
}
