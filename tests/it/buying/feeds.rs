//! What a shop's platform sends, over the route, through the inbox, into the books, on both databases.

mod deliveries;
mod hiding;
mod orders;
mod recovery;
mod review;

use api::inbox::{self, Review};
use axum::body::Body;
use axum::http::Request;
use catalog::chance::SystemChance;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::shopify::{self, FakeShop};

use super::house::{Answer, House, Parts, text};

/// The article number under which the shop sells the wave.
const SKU: &str = "WAVE/01 大";
const LINE: u64 = 900;

/// The channel `boutique` of a house, with the shop behind it.
struct Feed {
    house: House,
    shop: FakeShop,
    _secrets: TempDir,
}

impl Feed {
    /// Opens a house with a shop, and publishes an edition of `size` sheets that is sold under [`SKU`].
    async fn open(db: &catalog::db::Db, size: u16) -> (Self, String) {
        let feed = Self::without_articles(db).await;
        let (edition_id, _) = feed.house.publish(size).await;
        feed.sells(SKU, Some(&edition_id)).await;
        (feed, edition_id)
    }

    async fn without_articles(db: &catalog::db::Db) -> Self {
        let shop = FakeShop::open().await;
        let secrets = TempDir::with_prefix("colophon-shop-").expect("a folder");
        let file = Some(shopify::settings(secrets.path(), &shop.api_url()));
        let house = House::open_beside(db, &[], Parts { file, ..Parts::default() }).await;
        Self { house, shop, _secrets: secrets }
    }

    /// Says what the shop sells under an article number.
    async fn sells(&self, sku: &str, edition_id: Option<&str>) {
        let mut url = reqwest::Url::parse("http://house/v1/channels/boutique/skus").expect("a URL");
        url.path_segments_mut().expect("a path").push(sku);
        let answer =
            self.house.shop("PUT", url.path(), None, Some(json!({ "edition_id": edition_id }))).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// The platform sends `body`, signed as it must be.
    async fn deliver(&self, topic: &str, body: &Value) {
        let body = body.to_string().into_bytes();
        let answer = self.post(topic, &[("X-Shopify-Hmac-SHA256", &shopify::sign(&body))], body).await;
        assert_eq!((answer.status, &answer.body), (200, &json!({ "taken": true })));
    }

    async fn post(&self, topic: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let mut request = Request::post("/v1/webhooks/boutique").header("X-Shopify-Topic", topic);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.house.send(request.body(Body::from(body)).expect("a request")).await
    }

    /// Works on the inbox until nothing is due.
    async fn work(&self) -> usize {
        inbox::pass(&self.house.app).await.expect("a pass")
    }

    /// Sends and works.
    async fn feed(&self, topic: &str, body: &Value) {
        self.deliver(topic, body).await;
        self.work().await;
    }

    /// The sales of an order, by line and unit.
    async fn sales(&self, order: u64) -> Vec<Value> {
        let path = format!("/v1/sales?channel=boutique&order={order}&limit=200");
        let answer = self.house.shop("GET", &path, None, None).await;
        let mut sales = answer.body["items"].as_array().cloned().expect("sales");
        sales.sort_by_key(|sale| (text(&sale["line"]), sale["unit"].as_u64()));
        sales
    }

    /// One fact of each sale of an order.
    async fn facts(&self, order: u64, fact: &str) -> Vec<String> {
        let pointer = format!("/{fact}");
        let sales = self.sales(order).await;
        sales.iter().map(|sale| text(sale.pointer(&pointer).unwrap_or(&Value::Null))).collect()
    }

    fn review(&self) -> Review<'_> {
        let app = &self.house.app;
        Review { db: &app.db, clock: app.clock.as_ref(), chance: &SystemChance }
    }

    /// What was sent.
    fn opened(&self, entry: &api::feed::Entry) -> Option<Vec<u8>> {
        let body = entry.decrypt_body(&self.house.app.contact_key).expect("a body that opens");
        body.map(|body| body.to_vec())
    }

    /// The reasons of the entries in a state, oldest first.
    async fn reasons(&self, state: &str) -> Vec<String> {
        let entries = self.review().list(state).await.expect("entries");
        let reason = |entry: &api::feed::Entry| entry.state.reason().map(|reason| reason.code.to_string());
        entries.iter().map(|entry| reason(entry).unwrap_or_default()).collect()
    }
}

/// An order of so many of the wave.
fn order_of(id: u64, quantity: u32) -> Value {
    shopify::order(id, &[shopify::line(LINE, SKU, quantity, "19400.00")])
}
