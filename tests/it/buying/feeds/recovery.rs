//! What webhooks lost is found in the shop's own orders. FAULTS §3 row 88.

use api::lost_orders::{LostOrders, Recovery};

use super::*;

impl Feed {
    async fn recover(&self) -> Result<Recovery, String> {
        let app = &self.house.app;
        let (clock, chance) = (app.clock.as_ref(), app.chance.as_ref());
        let hand = LostOrders { settings: &app.settings, db: &app.db, clock, chance, key: &app.contact_key };
        let found = hand.recover(None, 14).await;
        let mut found = found.map_err(|error| api::error::chain(&error))?;
        assert_eq!(found.len(), 1);
        Ok(found.remove(0))
    }
}

/// As the orders' API shows it: with its parcels and refunds in it.
fn with_parts(mut order: Value, fulfillments: &[Value], refunds: &[Value]) -> Value {
    order["fulfillments"] = fulfillments.into();
    order["refunds"] = refunds.into();
    order
}

fn topics(found: &Recovery) -> Vec<&'static str> {
    let mut topics: Vec<_> = found.lost.iter().map(|lost| lost.topic).collect();
    topics.sort_unstable();
    topics
}

both_databases! {
    async fn what_webhooks_lost_is_found_page_by_page_and_taken_in_once(db: TestDb) {
        let (feed, _) = Feed::open(&db.db, 200).await;
        let mut orders: Vec<_> = (1..=120).map(|id| order_of(id, 1)).collect();
        orders[6] = with_parts(
            order_of(7, 2),
            &[shopify::fulfillment(72, 7, &[(LINE, 1)])],
            &[shopify::refund(71, 7, &[(LINE, 1)], "cancel")],
        );
        orders[7] = shopify::canceled(&order_of(8, 1));
        orders[8]["test"] = json!(true);
        orders[9]["financial_status"] = json!("pending");
        // All but these came by webhook.
        let lost = |id: &usize| matches!(id, 7 | 8 | 9 | 100 | 120);
        for (_, order) in (1..).zip(&orders).filter(|(id, _)| !lost(id)) {
            feed.deliver("orders/paid", order).await;
        }
        feed.work().await;
        feed.shop.set_orders(orders);
        feed.shop.is_busy_for(2);
        feed.shop.set_disputes(vec![shopify::dispute(73, 1, "needs_response", "2026-11-22T12:00:00Z")]);

        let found = feed.recover().await.expect("a comparison");
        assert_eq!(found.read, 121);
        assert_eq!(
            topics(&found),
            ["cancellation", "dispute", "order", "order", "order", "order", "order", "refund", "shipment"]
        );
        assert_eq!(feed.shop.asked(), 2 + 3 + 1);
        // Not worked on yet, it is not lost twice.
        let again = feed.recover().await.expect("a comparison");
        assert_eq!((again.lost.len(), again.waiting), (0, 9));
        feed.work().await;
        assert_eq!(feed.facts(7, "payment").await, ["paid", "refunded"]);
        assert_eq!((feed.facts(7, "goods").await, feed.facts(8, "goods").await), (vec!["shipped".to_owned(), "canceled".to_owned()], vec!["canceled".to_owned()]));
        assert_eq!(feed.facts(1, "dispute").await, ["open"]);
        assert_eq!(feed.house.count("SELECT COUNT(*) FROM sales").await, 119);
        let settled = feed.recover().await.expect("a comparison");
        assert_eq!((settled.lost.len(), settled.waiting, settled.parked), (0, 0, 0));
        // What comes late all the same changes nothing.
        feed.feed("orders/paid", &order_of(100, 1)).await;
        assert_eq!(feed.sales(100).await.len(), 1);
    }

    async fn the_token_goes_to_the_shop_alone_and_a_shop_that_does_not_answer_is_told_of(db: TestDb) {
        let (feed, _) = Feed::open(&db.db, 9).await;
        let stranger = FakeShop::open().await;
        feed.shop.set_orders((1..=60).map(|id| order_of(id, 1)).collect());
        let elsewhere = stranger.api_url();
        feed.shop.lead_to(elsewhere.split('/').nth(2).expect("a host"));
        let refused = feed.recover().await.map(|_| ());
        assert_eq!(
            refused,
            Err("the orders of the channel `boutique` could not be read: the shop's API names a next page outside of \
                 itself".to_owned())
        );
        assert_eq!(stranger.asked(), 0);
    }
}
