//! The shop sells a sheet and ships it with its card; a buyer redeems the card's code for a fresh wallet.

use serde_json::json;
use tests::dice::{Dice, SeededChance};
use tests::trade::client::{Answer, Body, Client, Question, Who};
use tests::trade::publishing::Published;
use tests::wallet::Wallet;

use crate::plan::Plan;

/// Codes that are asked for one sale: each is lost only when its answer is.
const CODES: u32 = 20;
/// Questions in a million that are asked twice at the same time.
const TWICE: u64 = 100_000;

/// A claim that the service took.
#[derive(Debug, Clone)]
pub(crate) struct Redeemed {
    pub(crate) token_id: u64,
    /// The wallet (EIP-55).
    pub(crate) recipient: String,
    pub(crate) order: String,
}

/// From the order to the redeemed claim.
pub(super) async fn sell_and_redeem(
    shop: &Client,
    plan: &Plan,
    index: u32,
    edition: &Published,
) -> Result<Redeemed, String> {
    let mut dice = Dice::of(plan.seed, "sale", index.into());
    let order = format!("order-{index}");
    let sale = json!({
        "channel": "boutique",
        "order": order,
        "line": "1",
        "edition_id": edition.edition_id,
        "price": { "amount_minor": 1_940_000, "currency": "CNY" },
        "sold_at": "2026-11-20T09:30:00Z",
    });
    let sale = Question::post(Who::Shop, "/v1/sales", Body::Json(sale)).once(format!("sale-{index}"));
    let sale = maybe_twice(shop, &sale, &[200, 201], "/sales/0/sale_id", &mut dice).await?;
    let sale_id = sale.text("/sales/0/sale_id")?;
    let serial = sale.number("/sales/0/impression/serial")?;
    let code = code(shop, &sale_id).await?;

    let shipment = json!({ "carrier": "SF Express", "shipped_at": "2026-11-21T10:00:00Z" });
    let shipment = Question::post(Who::Shop, format!("/v1/sales/{sale_id}/shipment"), Body::Json(shipment));
    shop.insist(&shipment, &[200]).await?;

    let wallet = Wallet::of(&SeededChance::of(plan.seed, "wallet", index.into()));
    let asked = json!({ "code": code, "recipient": wallet.address() });
    let challenge = Question::post(Who::Buyer, "/v1/claims/challenge", Body::Json(asked));
    let message = shop.insist(&challenge, &[200]).await?.text("/message")?;
    let proof = json!({ "code": code, "recipient": wallet.address(), "signature": wallet.sign(&message) });
    let redeem = Question::post(Who::Buyer, "/v1/claims/redeem", Body::Json(proof));
    let redeemed = maybe_twice(shop, &redeem, &[202], "/token/token_id", &mut dice).await?;

    let promised = redeemed.text("/token/token_id")?;
    // Edition, serial, first issue.
    let token_id = edition.number * 1_000_000 + serial * 100;
    if promised != token_id.to_string() {
        return Err(format!(
            "token {promised} was promised for sheet {serial} of edition {}",
            edition.number
        ));
    }
    Ok(Redeemed { token_id, recipient: wallet.address(), order })
}

/// The code for the card. One whose answer was lost is never shown again: then the next one is asked for.
async fn code(shop: &Client, sale_id: &str) -> Result<String, String> {
    for number in 0..CODES {
        let question = Question::post(Who::Shop, format!("/v1/sales/{sale_id}/claim/code"), Body::Nothing);
        let answer = shop.insist(&question.once(format!("code-{number}")), &[200, 201]).await?;
        if let Ok(code) = answer.text("/code") {
            return Ok(code);
        }
    }
    Err("no code was ever shown".to_owned())
}

/// Asks once, or twice at the same time; then both answers must name the same.
async fn maybe_twice(
    shop: &Client,
    question: &Question,
    good: &[u16],
    pointer: &str,
    dice: &mut Dice,
) -> Result<Answer, String> {
    if !dice.in_million(TWICE) {
        return shop.insist(question, good).await;
    }
    let (one, other) = tokio::join!(shop.insist(question, good), shop.insist(question, good));
    let (one, other) = (one?, other?);
    if one.text(pointer)? == other.text(pointer)? {
        Ok(one)
    } else {
        Err(format!("asked twice, {} answered two different {pointer}", question.path))
    }
}
