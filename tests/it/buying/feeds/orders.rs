//! What becomes of orders. FAULTS §3 rows 80 to 82, 84, 85, 90 to 92.

use std::time::Duration;

use super::*;

both_databases! {
    async fn an_order_becomes_a_sale_for_each_unit_however_often_it_comes(db: TestDb) {
        let (feed, edition_id) = Feed::open(&db.db, 9).await;
        let order = shopify::order(7, &[
            shopify::line(1, SKU, 3, "19400.00"),
            shopify::line(2, SKU, 1, "18000.50"),
        ]);
        for _ in 0..3 {
            feed.feed("orders/paid", &order).await;
        }
        let mut later = order.clone();
        later["updated_at"] = json!("2026-11-22T00:00:00Z");
        later["line_items"][0]["current_quantity"] = json!(2);
        feed.feed("orders/paid", &later).await;
        let sales = feed.sales(7).await;
        let unit = |sale: &Value| (text(&sale["line"]), sale["unit"].clone(), sale["price"]["amount_minor"].clone());
        assert_eq!(
            sales.iter().map(unit).collect::<Vec<_>>(),
            [("1", 1, 1_940_000), ("1", 2, 1_940_000), ("1", 3, 1_940_000), ("2", 1, 1_800_050)]
                .map(|(line, unit, minor)| (line.to_owned(), json!(unit), json!(minor))),
        );
        assert!(sales.iter().all(|sale| sale["edition_id"] == edition_id.as_str()));
        assert!(sales.iter().all(|sale| sale["sold_at"] == "2026-11-20T09:29:59Z"));
        // Two texts, two entries; the buyer's name stands in none of them any more.
        assert_eq!(feed.house.count("SELECT COUNT(*) FROM inbox WHERE state = 'done' AND body_encrypted IS NULL").await, 2);
        assert_eq!(feed.house.count("SELECT COUNT(*) FROM journal WHERE payload LIKE '%buyer@example%'").await, 0);
        assert_eq!(feed.house.count("SELECT COUNT(*) FROM journal WHERE actor = 'channel:boutique' AND kind = 'sale_recorded'").await, 4);
    }

    async fn what_comes_before_its_order_waits_for_it(db: TestDb) {
        let (feed, _) = Feed::open(&db.db, 9).await;
        feed.deliver("refunds/create", &shopify::refund(71, 7, &[(LINE, 1)], "return")).await;
        feed.deliver("fulfillments/create", &shopify::fulfillment(72, 7, &[(LINE, 2)])).await;
        feed.deliver("disputes/create", &shopify::dispute(73, 7, "needs_response", "2026-11-22T12:00:00Z")).await;
        feed.deliver("orders/cancelled", &shopify::canceled(&order_of(8, 1))).await;
        assert_eq!(feed.work().await, 4);
        assert_eq!(feed.reasons("waiting").await, ["sale_missing"; 4]);
        assert_eq!(feed.work().await, 0, "nothing is due");

        feed.feed("orders/paid", &order_of(7, 2)).await;
        assert_eq!(feed.facts(7, "goods").await, ["shipped"; 2]);
        let refunded = feed.facts(7, "payment").await.iter().filter(|payment| *payment == "refunded").count();
        assert_eq!((refunded, feed.facts(7, "dispute").await), (1, vec!["open".to_owned(); 2]));
        feed.feed("orders/paid", &order_of(8, 1)).await;
        assert_eq!((feed.facts(8, "goods").await, feed.facts(8, "claim/state").await), (vec!["canceled".to_owned()], vec!["void".to_owned()]));
        assert!(feed.reasons("waiting").await.is_empty() && feed.reasons("parked").await.is_empty());
    }

    async fn what_waits_too_long_is_parked_and_goes_on_when_its_order_comes_at_last(db: TestDb) {
        let (feed, _) = Feed::open(&db.db, 9).await;
        feed.feed("refunds/create", &shopify::refund(71, 7, &[(LINE, 1)], "return")).await;
        feed.house.wait(Duration::from_hours(71));
        feed.work().await;
        assert_eq!(feed.reasons("waiting").await, ["sale_missing"]);
        feed.house.wait(Duration::from_hours(2));
        feed.work().await;
        assert_eq!(feed.reasons("parked").await, ["sale_missing"]);
        assert_eq!(feed.house.count("SELECT COUNT(*) FROM journal WHERE kind = 'inbox_entry_parked'").await, 1);
        feed.feed("orders/paid", &order_of(7, 1)).await;
        assert_eq!(feed.facts(7, "payment").await, ["refunded"]);
    }

    async fn a_refund_undoes_as_many_units_as_it_names_and_no_more(db: TestDb) {
        let (feed, _) = Feed::open(&db.db, 9).await;
        feed.feed("orders/paid", &order_of(7, 3)).await;
        let one = shopify::refund(71, 7, &[(LINE, 1)], "cancel");
        for _ in 0..2 {
            feed.feed("refunds/create", &one).await;
        }
        let mut again = one.clone();
        again["note"] = json!("sent again by another text");
        feed.feed("refunds/create", &again).await;
        assert_eq!(feed.facts(7, "payment").await, ["paid", "paid", "refunded"]);
        assert_eq!(feed.facts(7, "goods").await, ["reserved", "reserved", "canceled"]);

        feed.feed("fulfillments/create", &shopify::fulfillment(72, 7, &[(LINE, 2)])).await;
        feed.feed("refunds/create", &shopify::refund(73, 7, &[(LINE, 1)], "return")).await;
        assert_eq!(feed.facts(7, "payment").await, ["paid", "refunded", "refunded"]);
        assert_eq!(feed.facts(7, "goods").await, ["shipped", "shipped", "canceled"]);
        assert_eq!(feed.facts(7, "claim/state").await, ["open", "void", "void"]);
    }

    async fn a_refund_under_way_and_then_there_is_one_refund(db: TestDb) {
        let (feed, _) = Feed::open(&db.db, 9).await;
        feed.feed("orders/paid", &order_of(7, 2)).await;
        let done = shopify::refund(71, 7, &[(LINE, 1)], "no_restock");
        let mut pending = done.clone();
        pending["transactions"][0]["status"] = json!("pending");
        feed.feed("refunds/create", &pending).await;
        assert_eq!(feed.facts(7, "payment").await, ["paid", "refund_pending"]);
        feed.feed("refunds/create", &done).await;
        assert_eq!(feed.facts(7, "payment").await, ["paid", "refunded"]);
    }

    async fn an_amount_that_goes_back_changes_no_sale(db: TestDb) {
        let (feed, _) = Feed::open(&db.db, 9).await;
        feed.feed("orders/paid", &order_of(7, 2)).await;
        for _ in 0..2 {
            feed.feed("refunds/create", &shopify::refund_of_amount(71, 7, "20000.00")).await;
        }
        assert_eq!(feed.facts(7, "payment").await, ["paid"; 2]);
        assert_eq!(feed.house.count("SELECT COUNT(*) FROM amount_refunds").await, 2);
        assert_eq!(feed.house.count("SELECT CAST(SUM(amount_minor) AS BIGINT) FROM amount_refunds").await, 2_000_000);
        feed.feed("refunds/create", &shopify::refund_of_amount(72, 7, "38800.01")).await;
        assert_eq!(feed.reasons("parked").await, ["refund_amount_invalid"]);
        assert_eq!(feed.house.count("SELECT COUNT(*) FROM amount_refunds").await, 2);
    }

    async fn tests_and_orders_without_money_sell_nothing_and_ask_for_nothing(db: TestDb) {
        let (feed, _) = Feed::open(&db.db, 9).await;
        let mut test = order_of(7, 1);
        test["test"] = json!(true);
        feed.feed("refunds/create", &shopify::refund(71, 7, &[(LINE, 1)], "return")).await;
        feed.feed("orders/paid", &test).await;
        feed.feed("orders/cancelled", &shopify::canceled(&test)).await;
        for (id, status) in [(8, "pending"), (9, "authorized"), (10, "voided")] {
            let mut unpaid = order_of(id, 1);
            unpaid["financial_status"] = json!(status);
            feed.feed("orders/paid", &unpaid).await;
            feed.feed("orders/cancelled", &shopify::canceled(&unpaid)).await;
        }
        assert_eq!(feed.house.count("SELECT COUNT(*) FROM sales").await, 0);
        assert_eq!(feed.house.count("SELECT COUNT(*) FROM inbox WHERE state <> 'done'").await, 0);
        // Paid for later, it is sold.
        feed.feed("orders/paid", &order_of(8, 1)).await;
        assert_eq!(feed.sales(8).await.len(), 1);
    }

    async fn a_parcel_without_a_carrier_waits_until_the_shop_names_one(db: TestDb) {
        let (feed, _) = Feed::open(&db.db, 9).await;
        feed.feed("orders/paid", &order_of(7, 2)).await;
        let parcel = shopify::fulfillment(72, 7, &[(LINE, 1)]);
        let mut unnamed = parcel.clone();
        unnamed["tracking_company"] = Value::Null;
        feed.feed("fulfillments/create", &unnamed).await;
        assert_eq!((feed.reasons("waiting").await, feed.facts(7, "goods").await), (vec!["carrier_missing".to_owned()], vec!["reserved".to_owned(); 2]));
        feed.feed("fulfillments/update", &parcel).await;
        assert_eq!(feed.facts(7, "goods").await, ["shipped", "reserved"]);
        assert!(feed.reasons("waiting").await.is_empty(), "one parcel left once");
        let shipment = feed.sales(7).await[0]["shipment"].clone();
        assert_eq!(shipment, json!({ "carrier": "SF Express", "tracking_ref": "SF72", "shipped_at": "2026-11-21T10:00:00Z" }));
        feed.feed("fulfillments/create", &shopify::fulfillment(74, 7, &[(LINE, 1)])).await;
        assert_eq!(feed.facts(7, "goods").await, ["shipped"; 2]);
    }

    async fn a_dispute_is_what_the_newest_word_says_in_whatever_order_words_come(db: TestDb) {
        let (feed, _) = Feed::open(&db.db, 9).await;
        feed.feed("orders/paid", &order_of(7, 1)).await;
        feed.feed("disputes/update", &shopify::dispute(73, 7, "won", "2026-11-22T12:00:00Z")).await;
        feed.feed("disputes/create", &shopify::dispute(73, 7, "needs_response", "2026-11-21T12:00:00Z")).await;
        assert_eq!(feed.facts(7, "dispute").await, ["won"]);
        feed.feed("disputes/update", &shopify::dispute(73, 7, "under_review", "2026-11-23T08:00:00Z")).await;
        assert_eq!(feed.facts(7, "dispute").await, ["open"]);
        feed.feed("disputes/update", &shopify::dispute(73, 7, "lost", "2026-11-23T09:00:00Z")).await;
        assert_eq!((feed.facts(7, "dispute").await, feed.facts(7, "claim/state").await), (vec!["lost".to_owned()], vec!["void".to_owned()]));
        feed.feed("disputes/update", &shopify::dispute(73, 7, "won", "2026-11-23T09:00:00Z")).await;
        assert_eq!(feed.reasons("parked").await, ["sale_transition_invalid"]);
    }

    async fn an_order_beyond_the_edition_is_parked_whole_and_sold_when_sheets_are_free(db: TestDb) {
        let (feed, _) = Feed::open(&db.db, 2).await;
        feed.feed("orders/paid", &order_of(7, 1)).await;
        feed.feed("orders/paid", &order_of(8, 2)).await;
        assert_eq!((feed.reasons("parked").await, feed.sales(8).await.len()), (vec!["edition_sold_out".to_owned()], 0));
        feed.feed("orders/cancelled", &shopify::canceled(&order_of(7, 1))).await;
        let entry = feed.review().list("parked").await.expect("entries")[0].entry_id.clone();
        feed.review().replay(&entry, "order 7 came to nothing").await.expect("a replay");
        feed.work().await;
        assert_eq!((feed.sales(8).await.len(), feed.reasons("parked").await.len()), (2, 0));
    }

    async fn two_processes_at_one_inbox_do_each_thing_once(db: TestDb) {
        let (feed, _) = Feed::open(&db.db, 99).await;
        for order in 1..=12 {
            feed.deliver("orders/paid", &order_of(order, 4)).await;
            for refund in 1..=3 {
                let refund = shopify::refund(order * 100 + refund * 10, order, &[(LINE, 1)], "cancel");
                feed.deliver("refunds/create", &refund).await;
            }
        }
        for _ in 0..20 {
            let (one, other, third) = tokio::join!(feed.work(), feed.work(), feed.work());
            if one + other + third == 0 && feed.reasons("waiting").await.is_empty() {
                break;
            }
            feed.house.wait(Duration::from_mins(1));
        }
        for order in 1..=12 {
            let refunded = feed.facts(order, "payment").await.iter().filter(|payment| *payment == "refunded").count();
            assert_eq!((feed.sales(order).await.len(), refunded), (4, 3), "order {order}");
        }
        assert_eq!(feed.house.count("SELECT COUNT(*) FROM inbox WHERE state <> 'done'").await, 0);
    }
}
