//! What anyone sees of a token that is over, or that nobody can void any more. The chain is not there: what its lanes would write
//! is written by hand.

use std::time::Duration;

use serde_json::{Value, json};

use super::house::{House, text, wallet};
use super::returning::{came_back, follow, minted, voided};

const NOON: &str = "2026-11-23T12:00:00Z";

async fn token(house: &House, token_id: &str) -> Value {
    house.look(&format!("/v1/tokens/{token_id}")).await
}

async fn metadata(house: &House, token_id: &str) -> Value {
    house.look(&format!("/metadata/{token_id}.json")).await
}

/// A sheet sold, shipped, redeemed and minted; gives the sale.
async fn redeemed(house: &House, edition_id: &str, order: &str) -> String {
    let (sale_id, code) = house.shipped(edition_id, order).await;
    assert_eq!(house.claim(&code, &wallet()).await.0.status, 202);
    minted(house).await;
    sale_id
}

both_databases! {
    async fn a_voided_token_says_so_and_names_its_successor_and_its_metadata_stays(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let sale_id = redeemed(&house, &edition_id, "A-1").await;
        let (before, frozen) = (token(&house, "1000100").await, metadata(&house, "1000100").await);
        assert_eq!((&before["state"], &before["voiding"], &before["successor"]), (&json!("bound"), &json!(false), &Value::Null));

        came_back(&house, &sale_id, "same_sheet").await;
        let asked = token(&house, "1000100").await;
        assert_eq!((&asked["state"], &asked["voiding"]), (&json!("bound"), &json!(true)), "asked for, and not yet so");
        voided(&house).await;
        follow(&house).await;
        let over = token(&house, "1000100").await;
        assert_eq!((&over["state"], &over["voiding"], &over["successor"]), (&json!("voided"), &json!(false), &Value::Null));
        assert_eq!((&over["flag"], &over["safekeeping"]), (&Value::Null, &json!(false)), "a tombstone needs no flag");

        // The next issue: named as soon as it is written, and its own page says how far it is.
        let (_, code) = house.shipped(&edition_id, "A-2").await;
        assert_eq!(house.claim(&code, &wallet()).await.0.status, 202);
        assert_eq!(token(&house, "1000100").await["successor"], json!("1000101"));
        assert_eq!(token(&house, "1000101").await["state"], json!("unissued"));
        minted(&house).await;
        let (old, next) = (token(&house, "1000100").await, token(&house, "1000101").await);
        assert_eq!((&old["state"], &old["successor"]), (&json!("voided"), &json!("1000101")));
        assert_eq!((&next["state"], &next["successor"]), (&json!("bound"), &Value::Null));
        assert_eq!(next["impression"], old["impression"], "the same sheet");
        let listed = house.look("/v1/tokens").await;
        assert_eq!(listed["items"], json!([old, next]));

        // Metadata is what a digest was made of: it tells no state, and where the state stands.
        assert_eq!(metadata(&house, "1000100").await, frozen);
        assert_eq!(old["metadata_sha256"], before["metadata_sha256"]);
        assert_ne!(next["metadata_sha256"], old["metadata_sha256"]);
        assert!(text(&frozen["external_url"]).ends_with("/verify/1000100"), "{frozen}");
        let words = frozen.to_string().to_lowercase();
        assert!(["voided", "settled", "surrendered", "safekeeping"].iter().all(|state| !words.contains(state)), "{frozen}");
    }

    async fn a_settled_token_that_was_refunded_late_is_flagged_wherever_it_is_told_of(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let sale_id = redeemed(&house, &edition_id, "A-1").await;
        let frozen = metadata(&house, "1000100").await;
        house.wait(Duration::from_hours(60 * 24));
        let refund = json!({ "scope": "sale", "refunded_at": NOON });
        let told = house.tell(&sale_id, "refund", refund).await;
        assert_eq!((told.status, &told.body["token_flag"]), (200, &Value::Null), "the chain has not answered");
        house.write("UPDATE calls SET state = 'refused', reason = 'settled' WHERE kind = 'void'").await;
        follow(&house).await;

        let flagged = token(&house, "1000100").await;
        assert_eq!((&flagged["state"], &flagged["flag"]), (&json!("settled"), &json!("refunded")));
        assert_eq!((&flagged["voiding"], &flagged["successor"]), (&json!(false), &Value::Null));
        assert_eq!(house.look("/v1/tokens").await["items"], json!([flagged]));
        let sale = house.shop("GET", &format!("/v1/sales/{sale_id}"), None, None).await.body;
        assert_eq!((&sale["token_flag"], &sale["undone"]), (&json!("refunded"), &json!("refunded")));
        assert_eq!(metadata(&house, "1000100").await, frozen);
        assert_eq!(house.count("SELECT count(*) FROM journal WHERE kind = 'token_flagged'").await, 1);
    }
}
