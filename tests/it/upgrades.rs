//! Two releases on one database: a later one adds to the schema while this one works, and this one starts again on it.
//! FAULTS row 101.

use catalog::db::Sql;

use crate::harness::app::Wallet;
use crate::harness::by_hand::{count_of, free_lanes, pool_of, shipped, write};

/// What steps of later releases may do.
const ADDITIONS: [&str; 7] = [
    "ALTER TABLE sales ADD COLUMN of_later TEXT",
    "ALTER TABLE calls ADD COLUMN of_later BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE transactions ADD COLUMN of_later BIGINT",
    "ALTER TABLE attempts ADD COLUMN of_later TEXT",
    "ALTER TABLE tokens ADD COLUMN of_later TEXT NOT NULL DEFAULT ''",
    "CREATE TABLE of_later (sale_id TEXT NOT NULL PRIMARY KEY REFERENCES sales, told_at BIGINT NOT NULL)",
    "CREATE INDEX sales_of_later ON sales (of_later)",
];
const NOTED: Sql = Sql {
    sqlite: "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'of a later release', TRUE, X'00', 0)",
    postgres: "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
               VALUES (9999, 'of a later release', TRUE, '\\x00', 0)",
};

both_databases! {
    async fn a_process_goes_on_and_starts_again_on_what_a_later_release_added(db: TestDb) {
        let (mut app, card) = shipped(&db).await;
        app.chain().stand_still().await;
        let token_id = app.redeem(&card, &Wallet::fresh()).await.expect(202).at("/token/token_id");
        pool_of(&app, 1).await;
        for addition in ADDITIONS {
            write(&db, addition).await;
        }
        let mut tx = db.db.begin_write().await.expect("the books");
        tx.execute(NOTED, &[]).await.expect("a step");
        tx.commit().await.expect("a commit");
        app.chain().go_on().await;
        app.recorded(&token_id).await;

        // Rolled back to this release.
        app.die();
        free_lanes(&db).await;
        app.start_again().await;
        assert!(app.log().contains("a later release"), "{}", app.log_tail());
        let edition = app.publish_edition(1).await;
        app.opened(&edition).await;
        let token_id = app.redeem(&app.shipped(&edition).await, &Wallet::fresh()).await.expect(202);
        app.recorded(&token_id.at("/token/token_id")).await;
        assert_eq!(count_of(&app, &app.signer("minter")).await, 2);
    }
}
