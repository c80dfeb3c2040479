//! What a house does between two deaths: publish, sell, ship, redeem, and undo what comes to nothing.

use catalog::clock::{Clock, SystemClock};
use catalog::image::ImageFormat;
use minting::drawing;
use serde_json::{Value, json};

use super::ordeal::Ordeal;
use crate::harness::app::{Wallet, fresh, id_of};
use crate::harness::receiver::Receiver;

/// First four bytes of the Keccak-256 of `surrender(uint256)`.
const SURRENDER: &str = "fd61d10b";

/// One edition and the fate of each of its sheets.
pub(super) async fn round(ordeal: &mut Ordeal) {
    if ordeal.receiver.is_none() {
        listen(ordeal).await;
    }
    let edition = publish(ordeal, 7).await;
    let (settled, settled_token) = kept(ordeal, &edition).await;
    canceled(ordeal, &edition).await;
    exchanged_and_lost(ordeal, &edition).await;
    refunded(ordeal, &edition).await;
    kept_after_all(ordeal, &edition).await;
    let flagged = tell(ordeal, &settled, "refund", &refund()).await;
    assert_eq!(flagged["token_flag"], "refunded");
    ordeal.until(&format!("/v1/tokens/{settled_token}"), |token| token["flag"] == "refunded").await;
    if ordeal.is_at("lease.renewed") {
        // Some seconds without anything to do.
        ordeal
            .until_seen("a lease renewed", |ordeal| Box::pin(async { !ordeal.is_at("lease.renewed") }))
            .await;
    }
    if ordeal.is_at("audit.head_unnamed") {
        // It is told at a start, and here was before the rows that waited were sealed; and then a minute later.
        ordeal.start_anew().await;
        ordeal
            .until_seen("the head told", |ordeal| Box::pin(async { !ordeal.is_at("audit.head_unnamed") }))
            .await;
    }
}

/// From here on a receiver is told of every event.
async fn listen(ordeal: &mut Ordeal) {
    let receiver = Receiver::start().await;
    let endpoint = json!({ "url": receiver.url() });
    ordeal.ask(|app| app.post("/v1/webhook-endpoints", &endpoint).by_shop()).await.expect(201);
    ordeal.receiver = Some(receiver);
}

/// A sheet whose token settles, is surrendered, and is free again.
pub(super) async fn surrender(ordeal: &mut Ordeal) {
    let edition = publish(ordeal, 1).await;
    let (sale, code) = shipped(ordeal, &edition).await;
    let buyer = Wallet::fresh();
    let token_id = redeem(ordeal, &code, &buyer).await;
    state(ordeal, token_id, "bound").await;
    tell(ordeal, &sale, "delivery", &json!({ "delivered_at": "2026-11-21T18:00:00Z" })).await;
    let settled = state(ordeal, token_id, "settled").await;
    tell(ordeal, &sale, "refund", &refund()).await;
    let chain = ordeal.app.chain();
    chain.ask("anvil_setBalance", json!([buyer.address(), "0x3635c9adc5dea00000"])).await;
    chain.ask("anvil_impersonateAccount", json!([buyer.address()])).await;
    let data = format!("0x{SURRENDER}{token_id:064x}");
    let transaction =
        json!({ "from": buyer.address(), "to": settled["contract"], "data": data, "gas": "0x30d40" });
    let hash = chain.ask("eth_sendTransaction", json!([transaction])).await;
    let hash = json!([hash]);
    while ordeal.app.chain().ask("eth_getTransactionReceipt", hash.clone()).await["status"] != "0x1" {
        ordeal.look().await;
    }
    // One that asked before would ask again after a while only.
    ordeal.start_anew().await;
    state(ordeal, token_id, "surrendered").await;
    ordeal.ledger.expect(token_id, "surrendered");
}

/// Catalogs an artwork with its image and publishes an edition of `size` sheets and two proofs.
pub(super) async fn publish(ordeal: &mut Ordeal, size: u64) -> String {
    let artwork = json!({ "artist": "葛飾北斎", "title": { "en": "Under the Wave off Kanagawa" } });
    let cataloged = ordeal.ask(|app| app.post("/v1/artworks", &artwork).by_curator()).await.expect(201);
    let artwork_id = cataloged.text("artwork_id");
    let seed = u64::try_from(SystemClock.now().as_micros()).expect("a time");
    let image = drawing::encode(&drawing::draw(seed, 96, 64), ImageFormat::Png).expect("a picture");
    let path = format!("/v1/artworks/{artwork_id}/image");
    ordeal.ask(|app| app.put(&path, image.clone()).by_curator()).await.expect(200);
    let draft = json!({
        "size": size,
        "proofs": { "artist_proofs": 2 },
        "medium": "color woodblock print",
        "royalty": { "basis_points": 500 },
    });
    let path = format!("/v1/artworks/{artwork_id}/editions");
    let edition = ordeal.ask(|app| app.post(&path, &draft).by_curator()).await.expect(201).text("edition_id");
    let path = format!("/v1/editions/{edition}/publish");
    let published = ordeal.ask(|app| app.post_nothing(&path).by_curator()).await;
    // Under another key, one that did it and died is told that it is done.
    assert!(published.status == 202 || published.is("already_published"), "{:#}", published.body);
    edition
}

/// Sells a sheet.
async fn sell(ordeal: &mut Ordeal, edition: &str) -> Value {
    let sale = json!({
        "channel": "boutique",
        "order": fresh("order"),
        "line": "1",
        "edition_id": edition,
        "price": { "amount_minor": 1_940_000, "currency": "CNY" },
        "sold_at": "2026-11-20T09:30:00Z",
    });
    let recorded = ordeal.ask(|app| app.post("/v1/sales", &sale).by_shop()).await;
    assert!(matches!(recorded.status, 200 | 201), "{:#}", recorded.body);
    let sale = recorded.body["sales"][0].clone();
    ordeal.ledger.note_sale(&sale);
    sale
}

/// The code for the card in the box. Whoever did not get to read it asks for another.
async fn code(ordeal: &mut Ordeal, sale: &Value) -> String {
    let path = format!("/v1/sales/{}/claim/code", id_of(sale));
    loop {
        let issued = ordeal.ask(|app| app.post_nothing(&path).by_shop()).await.expect(201);
        if let Some(code) = issued.body["code"].as_str() {
            return code.to_owned();
        }
    }
}

/// Tells what happened to a sale; gives the sale as it stands then.
pub(super) async fn tell(ordeal: &mut Ordeal, sale: &Value, what: &str, body: &Value) -> Value {
    let path = format!("/v1/sales/{}/{what}", id_of(sale));
    let sale = ordeal.ask(|app| app.post(&path, body).by_shop()).await.expect(200).body;
    ordeal.ledger.note_sale(&sale);
    sale
}

/// Sells a sheet and ships it with its card.
pub(super) async fn shipped(ordeal: &mut Ordeal, edition: &str) -> (Value, String) {
    let sale = sell(ordeal, edition).await;
    let code = code(ordeal, &sale).await;
    (tell(ordeal, &sale, "shipment", &shipment()).await, code)
}

/// Redeems a code; gives the token.
pub(super) async fn redeem(ordeal: &mut Ordeal, code: &str, buyer: &Wallet) -> u64 {
    let asked = json!({ "code": code, "recipient": buyer.address() });
    let challenge = ordeal.ask(|app| app.post("/v1/claims/challenge", &asked)).await.expect(200);
    let signature = buyer.sign(&challenge.text("message"));
    let asked = json!({ "code": code, "recipient": buyer.address(), "signature": signature });
    let redeemed = ordeal.ask(|app| app.post("/v1/claims/redeem", &asked)).await.expect(202);
    let token_id = redeemed.at("/token/token_id").parse().expect("a token id");
    ordeal.ledger.promise(token_id, buyer, "bound");
    token_id
}

/// Waits until a token stands so, by a final block.
pub(super) async fn state(ordeal: &mut Ordeal, token_id: u64, state: &str) -> Value {
    ordeal.until(&format!("/v1/tokens/{token_id}"), |token| token["state"] == state).await
}

/// A sheet that its buyer keeps; its token settles early.
async fn kept(ordeal: &mut Ordeal, edition: &str) -> (Value, u64) {
    let (sale, card) = shipped(ordeal, edition).await;
    let token_id = redeem(ordeal, &card, &Wallet::fresh()).await;
    state(ordeal, token_id, "bound").await;
    let path = format!("/v1/sales/{}/claim/code", id_of(&sale));
    let late = ordeal.ask(|app| app.post_nothing(&path).by_shop()).await.expect(409);
    assert!(late.is("claim_redeemed"));
    let nobody = "/v1/sales/sale_01988888888870008000000000000001/cancel";
    let canceled = json!({ "canceled_at": "2026-11-21T10:00:00Z" });
    ordeal.ask(|app| app.post(nobody, &canceled).by_shop()).await.expect(404);
    let sale = tell(ordeal, &sale, "delivery", &json!({ "delivered_at": "2026-11-21T18:00:00Z" })).await;
    state(ordeal, token_id, "settled").await;
    ordeal.ledger.expect(token_id, "settled");
    let opened = json!({ "outcome": "opened", "occurred_at": "2026-11-22T08:00:00Z" });
    tell(ordeal, &sale, "dispute", &opened).await;
    let won = json!({ "outcome": "won", "occurred_at": "2026-11-22T09:00:00Z" });
    tell(ordeal, &sale, "dispute", &won).await;
    let goodwill = json!({
        "scope": "amount_only",
        "refunded_at": "2026-11-22T10:00:00Z",
        "amount": { "amount_minor": 10_000, "currency": "CNY" },
        "reference": "R-1",
    });
    (tell(ordeal, &sale, "refund", &goodwill).await, token_id)
}

async fn canceled(ordeal: &mut Ordeal, edition: &str) {
    let sale = sell(ordeal, edition).await;
    tell(ordeal, &sale, "cancel", &json!({ "canceled_at": "2026-11-21T10:00:00Z" })).await;
}

/// Another sheet is packed than was reserved, and the carrier loses it.
async fn exchanged_and_lost(ordeal: &mut Ordeal, edition: &str) {
    let sale = sell(ordeal, edition).await;
    let path = format!("/v1/editions/{edition}/impressions");
    let sheets = ordeal.ask(|app| app.get(&path).by_curator()).await.expect(200).body;
    let sheets = sheets["items"].as_array().cloned().unwrap_or_default();
    let other =
        sheets.iter().rev().find(|sheet| sheet["state"] == "available").expect("a sheet that is left");
    let mut shipment = shipment();
    shipment["impression_id"] = other["impression_id"].clone();
    let sale = tell(ordeal, &sale, "shipment", &shipment).await;
    assert_eq!(sale["impression"]["impression_id"], other["impression_id"]);
    tell(ordeal, &sale, "lost", &json!({ "lost_at": "2026-11-22T10:00:00Z" })).await;
}

/// A sheet whose money and paper go back.
async fn refunded(ordeal: &mut Ordeal, edition: &str) {
    let (sale, card) = shipped(ordeal, edition).await;
    let token_id = redeem(ordeal, &card, &Wallet::fresh()).await;
    state(ordeal, token_id, "bound").await;
    tell(ordeal, &sale, "refund", &refund()).await;
    ordeal.ledger.expect(token_id, "voided");
    tell(ordeal, &sale, "return", &json!({ "requested_at": "2026-11-22T08:00:00Z" })).await;
    tell(ordeal, &sale, "receipt", &json!({ "received_at": "2026-11-22T20:00:00Z" })).await;
    let found = json!({ "condition": "same_sheet", "inspected_at": "2026-11-22T21:00:00Z" });
    tell(ordeal, &sale, "inspection", &found).await;
    let token = state(ordeal, token_id, "voided").await;
    let sheet = token["impression"]["impression_id"].clone();
    let path = format!("/v1/editions/{edition}/impressions");
    let is_free = |sheets: &Value| {
        let sheets = sheets["items"].as_array().cloned().unwrap_or_default();
        sheets.iter().any(|found| found["impression_id"] == sheet && found["state"] == "available")
    };
    ordeal.until_by_curator(&path, is_free).await;
}

/// A return that is asked for and given up: the first token is void, and the claim gets the next.
async fn kept_after_all(ordeal: &mut Ordeal, edition: &str) {
    let (sale, card) = shipped(ordeal, edition).await;
    let buyer = Wallet::fresh();
    let first = redeem(ordeal, &card, &buyer).await;
    state(ordeal, first, "bound").await;
    tell(ordeal, &sale, "return", &json!({ "requested_at": "2026-11-22T08:00:00Z" })).await;
    state(ordeal, first, "voided").await;
    ordeal.ledger.expect(first, "voided");
    tell(ordeal, &sale, "return", &json!({ "given_up_at": "2026-11-22T09:00:00Z" })).await;
    ordeal.ledger.promise(first + 1, &buyer, "bound");
    state(ordeal, first + 1, "bound").await;
}

fn shipment() -> Value {
    json!({ "carrier": "SF Express", "shipped_at": "2026-11-21T10:00:00Z" })
}

fn refund() -> Value {
    json!({ "scope": "sale", "refunded_at": "2026-11-22T10:00:00Z" })
}
