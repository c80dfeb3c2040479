//! Deaths on a first start, in the schema, and while an operator lets a lane go on.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use catalog::db::DbKind;
use serde_json::json;
use tempfile::TempDir;

use super::business::{publish, redeem, shipped, state};
use super::ordeal::{ABORT, Ordeal};
use super::points;
use crate::harness::app::{TestApp, Wallet};
use crate::harness::database::TestDb;

/// The service dies at `point` while it starts, or soon after.
async fn dies_at(app: &mut TestApp, point: &str) {
    app.set("FAILPOINTS", &format!("{point}=abort"));
    let ended = match app.try_start_again().await {
        Some(ended) => Some(ended),
        None => app.end_within(Duration::from_secs(10)).await,
    };
    assert_eq!(
        ended.and_then(|ended| ended.signal()),
        Some(ABORT),
        "{point} is not come to\n{}",
        app.log_tail()
    );
    app.set("FAILPOINTS", "");
}

/// The command line dies at `point`.
fn command_dies_at(app: &mut TestApp, point: &str, arguments: &[&str]) {
    app.set("FAILPOINTS", &format!("{point}=abort"));
    assert_eq!(app.try_say(arguments).signal(), Some(ABORT), "{point} is not come to");
    app.set("FAILPOINTS", "");
}

async fn one_token(app: &TestApp) {
    let edition = app.publish_edition(1).await;
    let (code, buyer) = (app.shipped(&edition).await, Wallet::fresh());
    let token_id = app.redeem(&code, &buyer).await.expect(202).at("/token/token_id");
    assert_eq!(app.recorded(&token_id).await["recipient"], buyer.address());
}

/// On an empty database beside a chain that was given.
pub(super) async fn given(db: &TestDb) {
    let mut app = TestApp::start_beside_a_chain(db).await;
    app.die();
    let folder = TempDir::with_prefix("colophon-empty-").expect("a folder");
    match db.db.kind() {
        DbKind::Sqlite => {
            let url = format!("sqlite:{}", folder.path().join("empty.db").display());
            app.set("COLOPHON_DATABASE_URL", &url);
        }
        DbKind::Postgres => {
            for statement in ["DROP SCHEMA public CASCADE", "CREATE SCHEMA public"] {
                let mut tx = db.db.begin_write().await.expect("the database");
                tx.execute(statement, &[]).await.expect("an empty database");
                tx.commit().await.expect("a commit");
            }
        }
    }
    // A step further each time, up to the last.
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/sqlite");
    let steps = std::fs::read_dir(folder).expect("the migrations").count();
    for step in 1..=steps {
        command_dies_at(&mut app, "schema.step", &["migrate"]);
        app.set("FAILPOINTS", &format!("schema.step=abort@{step}"));
        assert_eq!(app.try_say(&["migrate"]).signal(), Some(ABORT), "after step {step} of the schema");
    }
    app.set("FAILPOINTS", "");
    for point in points::FIRST_START {
        dies_at(&mut app, point).await;
    }
    app.make_keys();
    app.start_again().await;
    one_token(&app).await;
}

/// With nothing at all: the service makes its secrets, its chain and its contract.
pub(super) async fn embedded(db: &TestDb) {
    let mut app = TestApp::not_started(db).await;
    for point in points::FIRST_EMBEDDED_START {
        dies_at(&mut app, point).await;
        assert!(app.count_chains() <= 1, "a start that died at {point} went on beside another chain");
    }
    app.start_again().await;
    one_token(&app).await;
    assert_eq!(app.count_chains(), 1, "each start that died left its chain to the next");
}

/// The chain loses final blocks: a process dies while it freezes its lane, an operator's while it lets the lane go on.
pub(super) async fn frozen(db: &TestDb) {
    let mut ordeal = Ordeal::begin(db, &[]).await;
    let ground = ordeal.app.chain().height().await;
    let edition = publish(&mut ordeal, 1).await;
    let (_, card) = shipped(&mut ordeal, &edition).await;
    let token_id = redeem(&mut ordeal, &card, &Wallet::fresh()).await;
    state(&mut ordeal, token_id, "bound").await;

    let still = ordeal.blocks.clone().lock_owned().await;
    let depth = ordeal.app.chain().height().await - ground;
    ordeal.app.die();
    ordeal.app.chain().ask("anvil_reorg", json!([depth, []])).await;
    ordeal.free_lanes().await;
    let [freezing, resuming, resumed] = points::FROZEN;
    dies_at(&mut ordeal.app, freezing).await;
    ordeal.free_lanes().await;
    ordeal.app.start_again().await;
    ordeal
        .until_seen("two frozen lanes", |ordeal| Box::pin(async { frozen_lanes(&ordeal.app).len() == 2 }))
        .await;
    drop(still);

    let curator = ordeal.app.signer("curator");
    command_dies_at(&mut ordeal.app, resuming, &["lane", "resume", &curator]);
    assert_eq!(frozen_lanes(&ordeal.app).len(), 2, "what was not committed did not happen");
    command_dies_at(&mut ordeal.app, resumed, &["lane", "resume", &curator]);
    assert_eq!(frozen_lanes(&ordeal.app).len(), 1, "what was committed did");
    let path = format!("/v1/editions/{edition}");
    ordeal.until_by_curator(&path, |edition| edition["recording"]["progress"] == "recorded").await;
    let minter = ordeal.app.signer("minter");
    assert_eq!(
        ordeal.app.say(&["lane", "resume", &minter]),
        ["1 transactions that the chain had lost are under way again"]
    );
    // The chain took the ends back, and gave them again.
    ordeal.ledger.excuse("a call ended twice in the journal");
    ordeal.end().await;
}

fn frozen_lanes(app: &TestApp) -> Vec<String> {
    app.say(&["lane", "list"]).into_iter().filter(|lane| lane.contains("frozen")).collect()
}
