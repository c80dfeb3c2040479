//! A shop's whole feed against the real program: orders, parcels, refunds, disputes, each delivered once to twenty times in
//! any order, some forged, some lost on their way, the service killed in between. In the end the books say what the shop says.
//!
//! Small in `make test`; `make prove-feeds` takes 10,000 orders and measures how fast deliveries are acknowledged.
//! `COLOPHON_TEST_ORDERS` and `COLOPHON_TEST_SEED` say how many and which; `COLOPHON_TEST_RATE_SECONDS` for how long 200
//! new deliveries a second are sent while nothing else happens.

mod books;
mod pace;
mod plan;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::shopify::{self, FakeShop};

use self::plan::{Delivery, Plan};
use crate::harness::app::TestApp;
use crate::harness::database::TestDb;

/// Deliveries that are under way at once.
const AT_ONCE: usize = 16;
/// How long the service may take to work its inbox off, for each thousand entries.
const PATIENCE: Duration = Duration::from_mins(3);

#[expect(clippy::disallowed_methods, reason = "the test run says so in the environment")]
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

both_databases! {
    async fn what_a_shop_tells_however_it_comes_is_in_the_books_once(db: TestDb) {
        let orders = usize::try_from(setting("COLOPHON_TEST_ORDERS", 40)).expect("a number of orders");
        let plan = Plan::of(setting("COLOPHON_TEST_SEED", 1), orders);
        let (folder, shop) = (TempDir::with_prefix("colophon-shop-").expect("a folder"), FakeShop::open().await);
        let file = folder.path().join("settings.toml");
        std::fs::write(&file, shopify::settings(folder.path(), &shop.api_url())).expect("the settings");
        let settings = [("COLOPHON_CONFIG", file.to_str().expect("a path")), ("COLOPHON_LOG__LEVEL", "warn")];
        let mut app = TestApp::start_with(&db, &settings).await;
        for (sku, size) in plan.editions() {
            let edition_id = app.publish_edition(size).await;
            let path = format!("/v1/channels/boutique/skus/{sku}");
            app.put_json(&path, &json!({ "edition_id": edition_id })).by_shop().await.expect(200);
        }
        let seconds = setting("COLOPHON_TEST_RATE_SECONDS", 0);
        let paced = if seconds == 0 { None } else { Some(pace::measure(&app, seconds).await) };
        worked_off(&app, &db, 0, orders).await;

        // Killed half-way: what was not acknowledged is sent again, as the platform does.
        let deliveries = plan.deliveries();
        let (first, rest) = deliveries.split_at(deliveries.len() / 2);
        let begun = Instant::now();
        let unanswered = send_until_killed(&mut app, first).await;
        app.start_again().await;
        send_all(&app, rest.iter().chain(&unanswered)).await;
        let acknowledged = begun.elapsed();
        worked_off(&app, &db, plan.waiting_for_lost(), orders).await;
        books::agree(&db, &plan.sales(&plan.arrived()), "before anybody looked for what was lost").await;

        shop.set_orders(plan.shown_orders());
        shop.set_disputes(plan.shown_disputes());
        shop.is_busy_for(1);
        let found = reconcile(&app, 3).await;
        assert_eq!(found["lost"].as_array().map(Vec::len), Some(plan.lost()), "{found}");
        worked_off(&app, &db, 0, orders).await;
        books::agree(&db, &plan.sales(&plan.all()), "after it was found").await;
        books::hold(&db).await;
        let again = reconcile(&app, 0).await;
        assert_eq!((&again["lost"], &again["waiting"], &again["parked"]), (&json!([]), &json!(0), &json!(0)));
        println!("{}", json!({
            "orders": orders,
            "deliveries": deliveries.len(),
            "forged": plan.forged(),
            "lost": plan.lost(),
            "found": found["lost"].as_array().map(Vec::len),
            "sales": books::count(&db).await,
            "delivered_in_seconds": acknowledged.as_secs(),
            "paced": paced,
            "database": format!("{:?}", db.db.kind()),
        }));
    }
}

/// Sends deliveries, and kills the service when half of them are answered; gives those that were not.
async fn send_until_killed(app: &mut TestApp, deliveries: &[Delivery]) -> Vec<Delivery> {
    let answered = Arc::new(AtomicUsize::new(0));
    let (client, url) = (reqwest::Client::new(), app.url().to_owned());
    let enough = deliveries.len() / 2;
    let sending = stream::iter(deliveries.iter().cloned())
        .map(|delivery| {
            let (client, url, answered) = (client.clone(), url.clone(), Arc::clone(&answered));
            async move {
                let status = plan::send(&client, &url, &delivery).await;
                answered.fetch_add(usize::from(status.is_some()), Ordering::SeqCst);
                (delivery, status)
            }
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(async |(delivery, status)| match status {
            Some(status) => {
                assert_eq!(status, delivery.wants(), "{delivery:?}");
                None
            }
            None => Some(delivery),
        })
        .collect::<Vec<_>>();
    let killing = async {
        while answered.load(Ordering::SeqCst) < enough {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        app.die();
    };
    tokio::join!(sending, killing).0
}

/// Sends deliveries until each is answered as it must be.
async fn send_all(app: &TestApp, deliveries: impl Iterator<Item = &Delivery>) {
    let (client, url) = (reqwest::Client::new(), app.url());
    let client = &client;
    let one = |delivery| async move {
        let status = plan::send(client, url, delivery).await;
        assert_eq!(status, Some(delivery.wants()), "{delivery:?}");
    };
    stream::iter(deliveries).for_each_concurrent(AT_ONCE, one).await;
}

/// Waits until the inbox is worked off but for so many that wait for an order which was lost.
async fn worked_off(app: &TestApp, db: &TestDb, waiting: i64, orders: usize) {
    let (begun, patience) = (Instant::now(), PATIENCE * u32::try_from(orders / 500 + 1).expect("a few"));
    loop {
        let left = books::unfinished(db).await;
        if left == (waiting, waiting) {
            return;
        }
        let goes_on = books::parked(db).await == 0 && begun.elapsed() < patience;
        assert!(goes_on, "{left:?} are left, not {waiting}: {:#?}", app.say(&["inbox", "list"]));
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// `colophon reconcile shopify`, which must end with that code. The shop that it asks lives in this process, and goes on.
async fn reconcile(app: &TestApp, code: i32) -> Value {
    let mut command = app.program();
    command.args(["reconcile", "shopify"]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("a thread");
    let output = output.expect("the program to run");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{complaint}");
    let mut said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    said[0].take()
}
