//! Sheets that come back, and what the chain and the clock ask for without anybody telling. The chain is not there: what its
//! lanes would write is written by hand, and the real following step reads it.

use std::sync::Arc;
use std::time::Duration;

use api::following::{FollowReport, Follower};
use minting::rpc::{Finality, RpcChain};
use serde_json::{Value, json};

use super::house::{House, order_line, text, wallet};

const NOON: &str = "2026-11-23T12:00:00Z";
const DAY: Duration = Duration::from_hours(24);

/// One pass of the step that follows chain and clock. The node does not answer: nobody may need it here.
pub(super) async fn follow(house: &House) -> FollowReport {
    let nobody = "http://127.0.0.1:1".parse().expect("an address");
    let chain = RpcChain::new(nobody, house.app.chain.contract, Finality::Tag).expect("a chain");
    Follower::new(Arc::clone(&house.app), Arc::new(chain)).pass().await.expect("a pass")
}

/// A sheet sold, shipped and redeemed; gives the sale.
async fn redeemed(house: &House, edition_id: &str, order: &str) -> String {
    let (sale_id, code) = house.shipped(edition_id, order).await;
    assert_eq!(house.claim(&code, &wallet()).await.0.status, 202);
    sale_id
}

/// What the lanes write when a token is minted.
pub(super) async fn minted(house: &House) {
    house.write("UPDATE calls SET state = 'done' WHERE kind = 'mint' AND state = 'queued'").await;
    house.write("UPDATE tokens SET state = 'bound' WHERE state = 'unissued'").await;
}

/// What the lanes write when every void that was asked for is confirmed.
pub(super) async fn voided(house: &House) {
    house
        .write("UPDATE tokens SET state = 'voided' WHERE token_id IN (SELECT token_id FROM calls WHERE kind = 'void' AND state = 'queued')")
        .await;
    house.write("UPDATE calls SET state = 'done' WHERE kind = 'void' AND state = 'queued'").await;
}

pub(super) async fn came_back(house: &House, sale_id: &str, condition: &str) -> Value {
    let asked = house.tell(sale_id, "return", json!({ "requested_at": NOON })).await;
    assert_eq!((asked.status, &asked.body["goods"]), (200, &json!("return_requested")));
    let received = house.tell(sale_id, "receipt", json!({ "received_at": NOON })).await;
    assert_eq!((received.status, &received.body["goods"]), (200, &json!("received")));
    let inspected =
        house.tell(sale_id, "inspection", json!({ "condition": condition, "inspected_at": NOON })).await;
    assert_eq!(inspected.status, 200, "{inspected:?}");
    inspected.body
}

pub(super) async fn state_of_sheet(house: &House, edition_id: &str) -> String {
    let census = house.look(&format!("/v1/editions/{edition_id}/census")).await;
    let states = ["reserved", "sold", "in_return", "quarantined", "withdrawn"];
    states.into_iter().find(|state| census[*state] == json!(1)).unwrap_or("available").to_owned()
}

both_databases! {
    async fn a_returned_sheet_is_free_when_its_void_is_confirmed_and_gets_the_next_issue(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let sale_id = redeemed(&house, &edition_id, "A-1").await;
        minted(&house).await;
        let sale = came_back(&house, &sale_id, "same_sheet").await;
        assert_eq!((&sale["undone"], &sale["payment"], &sale["claim"]["state"]), (&json!("returned"), &json!("paid"), &json!("void")));
        assert_eq!(state_of_sheet(&house, &edition_id).await, "in_return");
        assert_eq!(house.sell(&edition_id, "A-9").await.outcome(), (409, "edition_sold_out"));
        assert_eq!(follow(&house).await, FollowReport { waiting: 1, followed: 0 });
        voided(&house).await;
        assert_eq!(follow(&house).await, FollowReport { waiting: 1, followed: 1 });
        assert_eq!(follow(&house).await, FollowReport::default());
        assert_eq!(state_of_sheet(&house, &edition_id).await, "available");
        let token = house.look("/v1/tokens/1000100").await;
        assert_eq!((&token["state"], &token["successor"]), (&json!("voided"), &Value::Null));
        redeemed(&house, &edition_id, "A-2").await;
        assert_eq!(house.look("/v1/tokens/1000100").await["successor"], json!("1000101"));
        assert_eq!(house.look("/v1/tokens/1000101").await["state"], json!("unissued"));
        assert_eq!(api::conservation::check(&house.app).await.expect("an answer"), 0);
    }

    async fn a_swapped_or_damaged_sheet_is_quarantined(db: TestDb) {
        let house = House::open(&db.db).await;
        for (condition, order) in [("swapped", "A-1"), ("damaged", "A-2")] {
            let (edition_id, _) = house.publish(1).await;
            let sale_id = redeemed(&house, &edition_id, order).await;
            minted(&house).await;
            let sale = came_back(&house, &sale_id, condition).await;
            assert_eq!((&sale["undone"], &sale["claim"]["state"]), (&Value::Null, &json!("redeemed")));
            assert_eq!(state_of_sheet(&house, &edition_id).await, "quarantined");
            house.tell(&sale_id, "refund", json!({ "scope": "sale", "refunded_at": NOON })).await;
            voided(&house).await;
            follow(&house).await;
            assert_eq!(state_of_sheet(&house, &edition_id).await, "quarantined", "the refund does not free it");
        }
        assert_eq!(api::conservation::check(&house.app).await.expect("an answer"), 0);
    }

    async fn a_void_that_came_too_late_flags_the_token_and_quarantines_the_sheet_until_it_is_surrendered(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let sale_id = redeemed(&house, &edition_id, "A-1").await;
        minted(&house).await;
        house.wait(60 * DAY);
        assert_eq!(house.look("/v1/tokens/1000100").await["state"], json!("settled"));
        house.tell(&sale_id, "refund", json!({ "scope": "sale", "refunded_at": NOON })).await;
        house.write("UPDATE calls SET state = 'refused', reason = 'settled' WHERE kind = 'void'").await;
        assert_eq!(follow(&house).await, FollowReport { waiting: 1, followed: 1 });
        let token = house.look("/v1/tokens/1000100").await;
        assert_eq!((&token["state"], &token["flag"], &token["voiding"]), (&json!("settled"), &json!("refunded"), &json!(false)));
        assert_eq!(state_of_sheet(&house, &edition_id).await, "quarantined");
        // The sheet comes home; its token lives.
        came_back(&house, &sale_id, "same_sheet").await;
        assert_eq!(state_of_sheet(&house, &edition_id).await, "quarantined");
        assert_eq!(follow(&house).await, FollowReport { waiting: 1, followed: 0 }, "the chain does not answer");
        assert_eq!(house.count("SELECT count(*) FROM journal WHERE kind = 'token_flagged'").await, 1);
        house.write("UPDATE tokens SET state = 'surrendered'").await;
        assert_eq!(follow(&house).await, FollowReport { waiting: 1, followed: 1 });
        assert_eq!(state_of_sheet(&house, &edition_id).await, "available");
        assert_eq!(house.look("/v1/tokens/1000100").await["flag"], json!("refunded"), "for ever");
        redeemed(&house, &edition_id, "A-2").await;
        assert_eq!(house.look("/v1/tokens/1000100").await["successor"], json!("1000101"));
        assert_eq!(api::conservation::check(&house.app).await.expect("an answer"), 0);
    }

    async fn a_dispute_that_is_won_after_all_takes_the_flag_off(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let sale_id = redeemed(&house, &edition_id, "A-1").await;
        minted(&house).await;
        let word = |outcome: &str, hour: u8| json!({ "outcome": outcome, "occurred_at": format!("2026-11-23T{hour:02}:00:00Z") });
        house.tell(&sale_id, "dispute", word("lost", 6)).await;
        house.write("UPDATE calls SET state = 'refused', reason = 'settled' WHERE kind = 'void'").await;
        follow(&house).await;
        assert_eq!(house.look("/v1/tokens/1000100").await["flag"], json!("disputed"));
        assert_eq!(state_of_sheet(&house, &edition_id).await, "quarantined");
        house.tell(&sale_id, "dispute", word("won", 8)).await;
        assert_eq!(house.look("/v1/tokens/1000100").await["flag"], Value::Null);
        assert_eq!(state_of_sheet(&house, &edition_id).await, "sold");
    }

    async fn a_return_that_stays_open_voids_the_token_in_time_and_a_kept_sheet_gets_the_next_issue(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let sale_id = redeemed(&house, &edition_id, "A-1").await;
        minted(&house).await;
        house.tell(&sale_id, "return", json!({ "requested_at": NOON })).await;
        // Redeemed at noon, no delivery known: it settles 43 days later.
        house.wait(40 * DAY + Duration::from_secs(24 * 3600 - 1));
        assert_eq!(follow(&house).await, FollowReport { waiting: 1, followed: 0 });
        assert_eq!(house.count("SELECT count(*) FROM calls WHERE kind = 'void'").await, 0);
        house.wait(Duration::from_secs(1));
        assert_eq!(follow(&house).await, FollowReport { waiting: 1, followed: 1 });
        let reason = "SELECT count(*) FROM calls WHERE business_key = 'void:1000100' AND arguments LIKE '%returned%'";
        assert_eq!(house.count(reason).await, 1);
        let sale = house.shop("GET", &format!("/v1/sales/{sale_id}"), None, None).await.body;
        assert_eq!((&sale["claim"]["state"], &sale["undone"]), (&json!("redeemed"), &Value::Null));

        let kept = house.tell(&sale_id, "return", json!({ "given_up_at": "2026-11-23T12:00:01Z" })).await;
        assert_eq!((kept.status, &kept.body["goods"]), (200, &json!("shipped")));
        assert_eq!(house.count("SELECT count(*) FROM tokens").await, 1, "not before the void is confirmed");
        voided(&house).await;
        follow(&house).await;
        let sale = house.shop("GET", &format!("/v1/sales/{sale_id}"), None, None).await.body;
        assert_eq!((&sale["claim"]["state"], &sale["claim"]["token_id"]), (&json!("redeemed"), &json!("1000101")));
        assert_eq!(house.look("/v1/tokens/1000100").await["successor"], json!("1000101"));
        assert_eq!(house.count("SELECT count(*) FROM calls WHERE business_key = 'mint:1000101' AND state = 'queued'").await, 1);
        follow(&house).await;
        assert_eq!(follow(&house).await, FollowReport::default());
        assert_eq!(api::conservation::check(&house.app).await.expect("an answer"), 0);
    }

    async fn a_token_settles_by_its_delivery_and_a_late_delivery_is_reported(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(2).await;
        let (known, known_code) = house.shipped(&edition_id, "A-1").await;
        house.tell(&known, "delivery", json!({ "delivered_at": "2026-11-23T11:00:00Z" })).await;
        assert_eq!(house.claim(&known_code, &wallet()).await.0.status, 202);
        let unknown = redeemed(&house, &edition_id, "A-2").await;
        let settles_at = async |token: &str| text(&house.look(&format!("/v1/tokens/{token}")).await["settles_at"]);
        assert_eq!(settles_at("1000100").await, "2026-12-21T12:00:00Z", "28 days after redemption");
        assert_eq!(settles_at("1000200").await, "2027-01-05T12:00:00Z", "43 days after redemption");
        house.wait(40 * DAY);
        let late = house.tell(&unknown, "delivery", json!({ "delivered_at": "2026-12-30T12:00:00Z" })).await;
        assert_eq!(late.status, 200);
        assert_eq!(house.count("SELECT count(*) FROM journal WHERE kind = 'window_outlives_lock'").await, 1);
        assert_eq!(settles_at("1000200").await, "2027-01-05T12:00:00Z", "nothing moves it later");
    }

    async fn a_window_that_has_closed_settles_the_token_where_the_policy_says_so(db: TestDb) {
        let house = House::open_with(&db.db, &[("returns.settle_early", "true")]).await;
        let (edition_id, _) = house.publish(1).await;
        let sale_id = redeemed(&house, &edition_id, "A-1").await;
        minted(&house).await;
        house.tell(&sale_id, "delivery", json!({ "delivered_at": NOON })).await;
        let dispute = |outcome: &str, hour: u8| json!({ "outcome": outcome, "occurred_at": format!("2026-11-23T{hour:02}:00:00Z") });
        house.tell(&sale_id, "dispute", dispute("opened", 6)).await;
        house.wait(7 * DAY);
        follow(&house).await;
        assert_eq!(house.count("SELECT count(*) FROM calls WHERE kind = 'settle'").await, 0, "a dispute is open");
        house.tell(&sale_id, "dispute", dispute("won", 7)).await;
        follow(&house).await;
        let settle = "SELECT count(*) FROM calls WHERE business_key = 'settle:1000100' AND state = 'queued'";
        assert_eq!(house.count(settle).await, 1);
        follow(&house).await;
        assert_eq!(follow(&house).await, FollowReport::default());
    }

    async fn a_sale_lives_by_the_policy_of_its_day(db: TestDb) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("policies.toml");
        let policy = |from: &str, open_on: &str, window: u64| {
            let returns = format!("window_days = {window}\nprocessing_days = 10\ntransit_days = 5\n");
            format!("[[policy]]\nfrom = \"{from}\"\nopen_on = \"{open_on}\"\n{returns}")
        };
        let policies =
            policy("2026-01-01", "shipment", 7) + &policy("2026-11-23", "sale", 30) + "wording = \"thirty-days\"\n";
        std::fs::write(&file, policies).expect("the file");
        let path = file.display().to_string();
        let house = House::open_with(&db.db, &[("policies", path.as_str())]).await;
        let (edition_id, _) = house.publish(2).await;
        let sell = async |order: &str, sold_at: &str| {
            let mut line = order_line(&edition_id, order);
            line["sold_at"] = sold_at.into();
            house.shop("POST", "/v1/sales", Some(order), Some(line)).await.body["sales"][0].clone()
        };
        let old = sell("A-1", "2026-11-22T23:59:59Z").await;
        let new = sell("A-2", "2026-11-23T00:00:00Z").await;
        assert_eq!((&old["claim"]["state"], &new["claim"]["state"]), (&json!("prepared"), &json!("open")));
        let rules = |opens_on: &str, window: u64, wording: &str| {
            json!({
                "opens_on": opens_on, "window_days": window, "processing_days": 10, "transit_days": 5, "wording": wording,
            })
        };
        assert_eq!(old["policy"], rules("shipment", 7, "standard"));
        assert_eq!(new["policy"], rules("sale", 30, "thirty-days"));
        let old_id = text(&old["sale_id"]);
        house.ship(&old_id, None).await;
        for (sale, token, settles_at) in [
            (&old, "1000100", "2026-12-15T12:00:00Z"),
            (&new, "1000200", "2027-01-07T12:00:00Z"),
        ] {
            let code = text(&house.code(&text(&sale["sale_id"]), "code").await.body["code"]);
            let looked_up = house.buyer("/v1/claims/lookup", &json!({ "code": code })).await;
            assert_eq!(looked_up.body["policy"], sale["policy"], "and the buyer is told of the same");
            assert_eq!(house.claim(&code, &wallet()).await.0.status, 202);
            let found = house.look(&format!("/v1/tokens/{token}")).await;
            assert_eq!(found["settles_at"], json!(settles_at), "redeemed at noon, no delivery known");
        }
    }
}
