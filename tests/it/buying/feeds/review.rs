//! What a person must look at. FAULTS §3 row 90.

use super::*;

both_databases! {
    async fn an_article_that_nobody_knows_parks_its_order_until_somebody_says_what_it_is(db: TestDb) {
        let feed = Feed::without_articles(&db.db).await;
        let (edition_id, _) = feed.house.publish(9).await;
        let lines = [shopify::line(1, SKU, 2, "19400.00"), shopify::line(2, "TOTE", 1, "90.00")];
        feed.feed("orders/paid", &shopify::order(7, &lines)).await;
        feed.feed("refunds/create", &shopify::refund(71, 7, &[(1, 1)], "cancel")).await;
        assert_eq!(feed.reasons("parked").await, ["sku_unmapped"]);
        let parked = feed.review().list("parked").await.expect("entries").remove(0);
        assert_eq!(parked.state.reason().map(|reason| reason.detail.as_str()), Some(SKU));
        assert_eq!(parked.order_ref.as_deref(), Some("7"));

        feed.sells(SKU, Some(&edition_id)).await;
        feed.work().await;
        let reason = feed.review().list("parked").await.expect("entries").remove(0).state;
        assert_eq!((reason.reason().map(|reason| reason.detail.as_str()), feed.sales(7).await.len()), (Some("TOTE"), 0));
        feed.sells("TOTE", None).await;
        feed.work().await;
        assert_eq!(feed.facts(7, "payment").await, ["paid", "refunded"]);
        let listed = feed.house.shop("GET", "/v1/channels/boutique/skus", None, None).await.body;
        let listed: Vec<_> = listed["items"].as_array().expect("articles").iter().map(|sku| (sku["sku"].clone(), sku["edition_id"].clone())).collect();
        assert_eq!(listed, [(json!("TOTE"), Value::Null), (json!(SKU), json!(edition_id))]);
        // Known sales are not sold anew when an article becomes another.
        feed.sells(SKU, None).await;
        let mut later = shopify::order(7, &lines);
        later["note"] = json!("again");
        feed.feed("orders/paid", &later).await;
        assert_eq!((feed.sales(7).await.len(), feed.reasons("parked").await.len()), (2, 0));
    }

    async fn articles_are_said_by_the_shop_and_name_editions_that_exist(db: TestDb) {
        let feed = Feed::without_articles(&db.db).await;
        let set = async |path: &str, edition: Value| {
            feed.house.shop("PUT", path, None, Some(json!({ "edition_id": edition }))).await
        };
        let unknown = set("/v1/channels/boutique/skus/A", json!("ed_00000000000000000000000000000000")).await;
        assert_eq!(unknown.outcome(), (422, "edition_unknown"));
        assert_eq!(set("/v1/channels/boutique/skus/A", json!("wave")).await.outcome(), (422, "edition_unknown"));
        assert_eq!(set("/v1/channels/corner-shop/skus/A", Value::Null).await.outcome(), (404, "not_found"));
        assert_eq!(set("/v1/channels/boutique/skus/%00", Value::Null).await.outcome(), (404, "not_found"));
        assert_eq!(feed.house.curator("/v1/channels/boutique/skus/A", &json!({})).await.status, 405);
        let listed = feed.house.shop("GET", "/v1/channels/corner-shop/skus", None, None).await;
        assert_eq!(listed.outcome(), (404, "not_found"));
    }

    async fn a_person_replays_or_dismisses_for_a_reason_that_stays(db: TestDb) {
        let (feed, _) = Feed::open(&db.db, 9).await;
        feed.feed("products/create", &order_of(7, 1)).await;
        feed.house.wait(std::time::Duration::from_secs(1));
        feed.feed("orders/paid", &json!({ "id": 8 })).await;
        let parked = feed.review().list("parked").await.expect("entries");
        let (first, second) = (&parked[0].entry_id, &parked[1].entry_id);
        feed.review().dismiss(first, "we did not ask for it").await.expect("dismissed");
        feed.review().replay(second, "looked at").await.expect("replayed");
        feed.work().await;
        assert_eq!((feed.reasons("parked").await, feed.reasons("dismissed").await.len()), (vec!["body_unreadable".to_owned()], 1));
        let over = feed.review().replay(first, "after all").await.map_err(|error| error.to_string());
        assert_eq!(over, Err(format!("the entry {first} is dismissed and stays so")));
        assert!(feed.review().find(first).await.expect("an entry").body.is_none());
        // Sent again, it stays dismissed.
        feed.feed("products/create", &order_of(7, 1)).await;
        assert_eq!(feed.reasons("dismissed").await.len(), 1);
        let mut tx = db.db.begin_read().await.expect("a transaction");
        let told = catalog::store::list_events_of(&mut tx, first.as_str()).await.expect("events");
        let told: Vec<_> = told.iter().map(|event| (event.kind.as_str(), event.actor.as_str())).collect();
        assert_eq!(told, [("inbox_entry_parked", "channel:boutique"), ("inbox_entry_dismissed", "operator")]);
    }
}
