//! A service whose nodes are all away for a while, or of which one sees fewer blocks than the other. FAULTS rows 40 and 42.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::app::{TestApp, Wallet};
use crate::harness::by_hand::{count_in_books, count_of, free_lanes, minted, until_books};
use crate::harness::crooked::{CrookedNode, Manner};

/// For how long all nodes are away, unless `COLOPHON_TEST_OUTAGE_SECONDS` tells.
const OUTAGE_SECONDS: u64 = 5;
const MINTS: &str = "SELECT count(*) FROM transactions WHERE kind = 'mint'";
const CONFIRMED: &str = "SELECT count(*) FROM transactions WHERE kind = 'mint' AND state = 'confirmed'";
/// Blocks between the two heads.
const APART: u64 = 5;

both_databases! {
    async fn claims_wait_while_every_node_is_away_and_are_minted_once_when_one_is_back(db: TestDb) {
        let (app, node) = TestApp::start_behind_a_provider(&db, &[]).await;
        let edition = app.publish_edition(3).await;
        app.opened(&edition).await;
        let mut cards = Vec::new();
        for _ in 0..3 {
            cards.push(app.shipped(&edition).await);
        }
        let first = app.redeem(&cards[0], &Wallet::fresh()).await.expect(202).at("/token/token_id");
        app.recorded(&first).await;

        node.behave(Manner::Page(503));
        until_ready(&app, 503).await;
        let mut token_ids = vec![first];
        for card in &cards[1..] {
            token_ids.push(app.redeem(card, &Wallet::fresh()).await.expect(202).at("/token/token_id"));
        }
        tokio::time::sleep(outage()).await;
        until_ready(&app, 503).await;
        assert_eq!(count_in_books(&db, MINTS).await, 1, "a nonce was taken in vain");
        for token_id in &token_ids[1..] {
            let token = app.get(&format!("/v1/tokens/{token_id}")).await.expect(200).body;
            assert_eq!(token["progress"], "reserved", "{token:#}");
        }

        node.behave(Manner::Honest);
        // However far the service has come to rest meanwhile.
        until_books(&db, "SELECT count(*) FROM calls WHERE kind = 'mint' AND state = 'done'", 3).await;
        until_ready(&app, 200).await;
        assert_eq!(minted(&app).await, ids(&token_ids));
        assert_eq!(count_of(&app, &app.signer("minter")).await, u64::try_from(count_in_books(&db, CONFIRMED).await).expect("a count"));
    }

    async fn two_heads_that_take_turns_mint_once_and_hide_nothing_that_was_told(db: TestDb) {
        let mut app = TestApp::start_beside_a_chain(&db).await;
        let edition = app.publish_edition(3).await;
        app.opened(&edition).await;
        app.die();
        free_lanes(&db).await;
        let nodes = [
            CrookedNode::start(app.chain().url(), Manner::Honest).await,
            CrookedNode::start(app.chain().url(), Manner::Lagging(APART)).await,
        ];
        app.set("COLOPHON_RPC_URLS", &format!("{},{}", nodes[0].url(), nodes[1].url()));
        app.start_again().await;

        let mut token_ids = Vec::new();
        for turn in 0..3 {
            let (ahead, behind) = (&nodes[turn % 2], &nodes[(turn + 1) % 2]);
            ahead.behave(Manner::Honest);
            behind.behave(Manner::Lagging(APART));
            let card = app.shipped(&edition).await;
            token_ids.push(app.redeem(&card, &Wallet::fresh()).await.expect(202).at("/token/token_id"));
            until_books(&db, MINTS, i64::try_from(turn + 1).expect("a count")).await;
        }
        // Once it is recorded it stays so, whoever is ahead.
        for (turn, token_id) in token_ids.iter().enumerate() {
            app.recorded(token_id).await;
            nodes[turn % 2].behave(Manner::Lagging(APART));
            nodes[(turn + 1) % 2].behave(Manner::Honest);
            for recorded in &token_ids[..=turn] {
                let token = app.get(&format!("/v1/tokens/{recorded}")).await.expect(200).body;
                assert_eq!(token["progress"], "recorded", "{token:#}");
            }
        }
        assert_eq!(minted(&app).await, ids(&token_ids));
        assert_eq!(count_of(&app, &app.signer("minter")).await, 3);
        assert!(!app.log().contains("quarantined"), "{}", app.log_tail());
    }
}

#[expect(clippy::disallowed_methods, reason = "the size of the proof comes from the environment")]
fn outage() -> Duration {
    let told = std::env::var("COLOPHON_TEST_OUTAGE_SECONDS");
    Duration::from_secs(told.map_or(OUTAGE_SECONDS, |seconds| seconds.parse().expect("seconds")))
}

/// The ids as the log of the chain has them, in that order.
fn ids(token_ids: &[String]) -> Vec<u64> {
    token_ids.iter().map(|id| id.parse().expect("a token id")).collect()
}

/// Waits until `/readyz` answers so.
async fn until_ready(app: &TestApp, status: u16) {
    let begun = Instant::now();
    loop {
        let answer = app.get("/readyz").await;
        if answer.status == status {
            let failed =
                answer.body["checks"].as_object().expect("checks").values().any(|word| *word != json!("ok"));
            assert_eq!(failed, status == 503, "{:#}", answer.body);
            return;
        }
        assert!(begun.elapsed() < Duration::from_mins(3), "{status} is not told: {:#}", answer.body);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
