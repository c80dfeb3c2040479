//! What is in the books before the clock starts: copies of one sale that was made over HTTP, written by the
//! database itself, since a million sales over HTTP would take a day.

use api::audit::sealing;
use api::claim::code::{ClaimCode, ClaimPepper};
use catalog::chance::SystemChance;
use catalog::clock::SystemClock;
use catalog::db::{Db, DbKind, Value};
use serde_json::json;
use tests::trade::client::{Body, Client, Question, Who};
use tests::trade::publishing::Published;
use tests::wallet::Wallet;

/// What the copies are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stock {
    /// Shipped, the claim open, nothing redeemed.
    Open,
    /// Redeemed; the mint waits.
    Redeemed,
    /// Redeemed long ago, the token settled.
    Settled,
}

const CLOSED_EDITIONS: &str = "
    SELECT count(*)
    FROM calls
    WHERE kind = 'open_edition' AND state <> 'done'";

const UNCONFIRMED_MINTS: &str = "
    SELECT count(*)
    FROM calls
    WHERE kind = 'mint' AND state IN ('queued', 'bound')";

/// Sheets in the order of their ids; each id of a copy has the digits of its sheet's.
const SALES: &str = "
    INSERT INTO sales (sale_id, channel, order_ref, line_ref, unit_no, edition_id, impression_id, holds_impression,
                       price_minor, currency, sold_at, payment, dispute, goods, carrier, shipped_at, delivered_at,
                       facts_sha256, created_at, updated_at)
    SELECT 'sale_' || substr(i.impression_id, 5), $1, i.impression_id, '1', 1, i.edition_id, i.impression_id, 1,
           t.price_minor, t.currency, t.sold_at, t.payment, t.dispute, $2, t.carrier, t.shipped_at,
           CASE WHEN $2 = 'delivered' THEN t.shipped_at END, t.facts_sha256, t.created_at, t.updated_at
    FROM impressions AS i
    JOIN sales AS t ON t.channel = 'boutique' AND t.order_ref = 'first'
    JOIN editions AS e ON e.edition_id = i.edition_id
    WHERE i.state = 'available'
      AND (e.number > $4) = ($5 = 1)
    ORDER BY i.impression_id
    LIMIT $3";
const IMPRESSIONS: &str = "
    UPDATE impressions
    SET state = 'sold'
    WHERE impression_id IN (SELECT impression_id FROM sales WHERE channel = $1)";
const CLAIMS: &str = "
    INSERT INTO claims (claim_id, sale_id, state, code_hmac, code_issued_at, opened_at, recipient, token_id,
                        redeemed_at, proof_nonce, created_at, updated_at)
    SELECT 'claim_' || substr(s.sale_id, 6), s.sale_id, $2, substr(s.sale_id, 6) || substr(s.sale_id, 6),
           t.code_issued_at, t.opened_at,
           CASE WHEN $2 = 'redeemed' THEN '0x' || substr(s.sale_id, 6) || 'b0b0b0b0' END,
           CASE WHEN $2 = 'redeemed' THEN e.number * 1000000 + i.serial * 100 END,
           CASE WHEN $2 = 'redeemed' THEN t.redeemed_at END,
           CASE WHEN $2 = 'redeemed' THEN t.proof_nonce END,
           t.created_at, t.updated_at
    FROM sales AS s
    JOIN impressions AS i ON i.impression_id = s.impression_id
    JOIN editions AS e ON e.edition_id = s.edition_id
    JOIN sales AS first ON first.channel = 'boutique' AND first.order_ref = 'first'
    JOIN claims AS t ON t.sale_id = first.sale_id
    WHERE s.channel = $1";
/// No two buyers redeem in the same microsecond.
const CALLS: &str = "
    INSERT INTO calls (call_id, kind, business_key, edition_number, token_id, arguments, after_call_id, state,
                       not_before_at, setbacks, created_at, updated_at)
    SELECT 'call_' || substr(c.claim_id, 7), t.kind, 'mint:' || c.token_id, e.number, c.token_id,
           replace(replace(t.arguments, CAST(t.token_id AS TEXT), CAST(c.token_id AS TEXT)),
                   first_claim.recipient, c.recipient),
           opening.call_id, $2, 0, 0, t.created_at + c.token_id / 100, t.updated_at
    FROM claims AS c
    JOIN sales AS s ON s.sale_id = c.sale_id
    JOIN editions AS e ON e.edition_id = s.edition_id
    JOIN calls AS opening ON opening.business_key = 'open_edition:' || e.number
    JOIN sales AS first ON first.channel = 'boutique' AND first.order_ref = 'first'
    JOIN claims AS first_claim ON first_claim.sale_id = first.sale_id
    JOIN calls AS t ON t.business_key = 'mint:' || first_claim.token_id
    WHERE s.channel = $1";
const TOKENS: &str = "
    INSERT INTO tokens (token_id, impression_id, issue, recipient, settles_at, mint_call_id, state, metadata,
                        created_at, updated_at)
    SELECT c.token_id, s.impression_id, 0, c.recipient, t.settles_at, 'call_' || substr(c.claim_id, 7), $2,
           t.metadata, t.created_at, t.updated_at
    FROM claims AS c
    JOIN sales AS s ON s.sale_id = c.sale_id
    JOIN sales AS first ON first.channel = 'boutique' AND first.order_ref = 'first'
    JOIN claims AS first_claim ON first_claim.sale_id = first.sale_id
    JOIN tokens AS t ON t.token_id = first_claim.token_id
    WHERE s.channel = $1";
/// What each change before it left in the journal, by the journal of the first sale's claim.
const JOURNAL: &str = "
    INSERT INTO journal (event_id, occurred_at, actor, kind, subject, payload)
    SELECT 'evt_' || substr(CAST(1000 + j.sequence AS TEXT), 1, 4) || substr(c.claim_id, 11),
           j.occurred_at, j.actor, j.kind, c.claim_id, j.payload
    FROM claims AS c
    JOIN sales AS s ON s.sale_id = c.sale_id
    JOIN sales AS first ON first.channel = 'boutique' AND first.order_ref = 'first'
    JOIN claims AS first_claim ON first_claim.sale_id = first.sale_id
    JOIN journal AS j ON j.subject = first_claim.claim_id
    WHERE s.channel = $1";

/// The journal so far has gone out: nobody asked for its events.
const PUBLISHED: &str = "
    UPDATE outbox_head
    SET position = (SELECT max(position) FROM journal)";

/// Editions beyond those on the chain, their sheets, and the calls that opened them.
const MORE_EDITIONS: &str = "
    INSERT INTO editions (edition_id, artwork_id, state, run_size, artist_proofs, printer_proofs, hors_commerce,
                          bon_a_tirer, medium, royalty_receiver, royalty_basis_points, created_at, number,
                          image_sha256, colophon, colophon_sha256, published_at)
    SELECT 'ed_' || substr(CAST(10000000 + n.serial AS TEXT), 1, 8) || substr(t.edition_id, 12), t.artwork_id,
           t.state, t.run_size, t.artist_proofs, t.printer_proofs, t.hors_commerce, t.bon_a_tirer, t.medium,
           t.royalty_receiver, t.royalty_basis_points, t.created_at, 1000 + n.serial, t.image_sha256, t.colophon,
           t.colophon_sha256, t.published_at
    FROM editions AS t
    JOIN impressions AS n ON n.edition_id = t.edition_id
    WHERE t.number = $1 AND n.serial <= $2";
const MORE_OPENINGS: &str = "
    INSERT INTO calls (call_id, kind, business_key, edition_number, arguments, state, not_before_at, setbacks,
                       created_at, updated_at)
    SELECT 'call_' || substr(e.edition_id, 4), t.kind, 'open_edition:' || e.number, e.number, t.arguments, t.state,
           0, 0, t.created_at, t.updated_at
    FROM editions AS e
    JOIN calls AS t ON t.business_key = 'open_edition:' || $1
    WHERE e.number > 1000";
const MORE_IMPRESSIONS: &str = "
    INSERT INTO impressions (impression_id, edition_id, serial, label, state, updated_at)
    SELECT 'imp_' || substr(e.edition_id, 4, 8) || substr(n.impression_id, 13), e.edition_id, n.serial, n.label,
           'available', n.updated_at
    FROM editions AS e
    JOIN editions AS t ON t.number = $1
    JOIN impressions AS n ON n.edition_id = t.edition_id
    WHERE e.number > 1000";

/// Settled sales that are written in one transaction.
const PART: u32 = 100_000;

/// Editions whose opening is not known to be final.
pub(crate) async fn closed_editions(books: &Db) -> i64 {
    count(books, CLOSED_EDITIONS).await
}

/// Mints that are not known to be final.
pub(crate) async fn unconfirmed_mints(books: &Db) -> i64 {
    count(books, UNCONFIRMED_MINTS).await
}

async fn count(books: &Db, sql: &'static str) -> i64 {
    let counted: Vec<(i64,)> = books.look(sql, &[]).await.expect("the books");
    counted[0].0
}

/// Sells and redeems a first sheet over HTTP.
pub(crate) async fn sell_the_first(client: &Client, edition: &Published) {
    let sale = json!({
        "channel": "boutique",
        "order": "first",
        "line": "1",
        "edition_id": edition.edition_id,
        "price": { "amount_minor": 1_940_000, "currency": "CNY" },
        "sold_at": "2026-11-20T09:30:00Z",
    });
    let sale = Question::post(Who::Shop, "/v1/sales", Body::Json(sale)).once("first".to_owned());
    let sale = client.insist(&sale, &[201]).await.expect("a sale");
    let sale_id = sale.text("/sales/0/sale_id").expect("its id");
    let code = Question::post(Who::Shop, format!("/v1/sales/{sale_id}/claim/code"), Body::Nothing);
    let code = client.insist(&code.once("first".to_owned()), &[201]).await.expect("a code");
    let shipment = json!({ "carrier": "SF Express", "shipped_at": "2026-11-21T10:00:00Z" });
    let shipment = Question::post(Who::Shop, format!("/v1/sales/{sale_id}/shipment"), Body::Json(shipment));
    client.insist(&shipment, &[200]).await.expect("a shipment");
    let (code, wallet) = (code.text("/code").expect("a code"), Wallet::fresh());
    let signature = challenge(client, &code, &wallet).await;
    redeem(client, &code, &wallet, &signature).await.expect("the first claim to be redeemed");
}

/// A wallet's signature over the text that it is given for a code.
pub(crate) async fn challenge(client: &Client, code: &str, wallet: &Wallet) -> String {
    let asked = json!({ "code": code, "recipient": wallet.address() });
    let question = Question::post(Who::Buyer, "/v1/claims/challenge", Body::Json(asked));
    let message =
        client.insist(&question, &[200]).await.expect("a challenge").text("/message").expect("its text");
    wallet.sign(&message)
}

/// Redeems a code; what was wrong when that is refused.
pub(crate) async fn redeem(
    client: &Client,
    code: &str,
    wallet: &Wallet,
    signature: &str,
) -> Result<(), String> {
    let proof = json!({ "code": code, "recipient": wallet.address(), "signature": signature });
    let question = Question::post(Who::Buyer, "/v1/claims/redeem", Body::Json(proof));
    let answer = client.ask(&question).await?;
    if answer.status == 202 { Ok(()) } else { Err(format!("{} {}", answer.status, answer.body)) }
}

/// Copies the first sale onto so many sheets that are free, as `channel`; on sheets of editions that the chain does
/// not know when they are settled.
pub(crate) async fn fill(books: &Db, stock: Stock, channel: &str, count: u32) {
    let goods = if stock == Stock::Settled { "delivered" } else { "shipped" };
    let claim = if stock == Stock::Open { "open" } else { "redeemed" };
    let elsewhere = i64::from(stock == Stock::Settled);
    let (call, token) = match stock {
        Stock::Settled => ("done", "settled"),
        Stock::Open | Stock::Redeemed => ("queued", "unissued"),
    };
    let mut tx = books.begin_write().await.expect("the books");
    let sales = [channel.into(), goods.into(), i64::from(count).into(), 1_000_i64.into(), elsewhere.into()];
    let sold = tx.execute(SALES, &sales).await.expect("sales");
    assert_eq!(sold, u64::from(count), "there are too few sheets");
    tx.execute(IMPRESSIONS, &[channel.into()]).await.expect("sheets");
    let state = |word: &str| [Value::from(channel), Value::from(word)];
    tx.execute(CLAIMS, &state(claim)).await.expect("claims");
    tx.execute(JOURNAL, &[channel.into()]).await.expect("the journal");
    if stock != Stock::Open {
        tx.execute(CALLS, &state(call)).await.expect("calls");
        tx.execute(TOKENS, &state(token)).await.expect("tokens");
    }
    tx.commit().await.expect("the books");
    settle_down(books).await;
}

/// Copies the first sale, settled, onto so many sheets; a part at a time, since a database keeps in memory what a
/// transaction changed.
pub(crate) async fn fill_settled(books: &Db, count: u32) {
    for (part, from) in (0..count).step_by(PART as usize).enumerate() {
        let part = format!("settled-{part}");
        fill(books, Stock::Settled, &part, (count - from).min(PART)).await;
    }
}

/// Seals what is in the journal, as a service has done long since with what is old; and lets `PostgreSQL` tidy its tables
/// and bring its pages to the disk, as it would by itself within minutes: in the midst of what is timed.
async fn settle_down(books: &Db) {
    while sealing::step(books, &SystemClock).await.expect("a seal") > 0 {}
    let mut tx = books.begin_write().await.expect("the books");
    tx.execute(PUBLISHED, &[]).await.expect("the books");
    tx.commit().await.expect("the books");
    if books.kind() == DbKind::Postgres {
        for chore in ["VACUUM (ANALYZE)", "CHECKPOINT"] {
            let _none: Vec<(i64,)> = books.look(chore, &[]).await.expect("the books");
        }
    }
}

/// Writes editions with room for so many sheets that the chain does not know.
pub(crate) async fn more_editions(books: &Db, like: &Published, sheets: u32) {
    let number = i64::try_from(like.number).expect("a number");
    let count = i64::from(sheets.div_ceil(super::house::RUN));
    let mut tx = books.begin_write().await.expect("the books");
    tx.execute(MORE_EDITIONS, &[number.into(), count.into()]).await.expect("editions");
    tx.execute(MORE_OPENINGS, &[number.to_string().into()]).await.expect("their openings");
    tx.execute(MORE_IMPRESSIONS, &[number.into()]).await.expect("their sheets");
    tx.commit().await.expect("the books");
}

const OPEN_CLAIMS: &str = "
    SELECT c.claim_id
    FROM claims AS c
    JOIN sales AS s ON s.sale_id = c.sale_id
    WHERE s.channel = $1
    ORDER BY c.claim_id";
const GIVE_CODE: &str = "
    UPDATE claims
    SET code_hmac = $2
    WHERE claim_id = $1";

/// Gives each open claim of `channel` a code.
pub(crate) async fn give_codes(books: &Db, pepper: &ClaimPepper, channel: &str) -> Vec<String> {
    let mut tx = books.begin_write().await.expect("the books");
    let claims: Vec<(String,)> = tx.fetch_all(OPEN_CLAIMS, &[channel.into()]).await.expect("claims");
    let mut codes = Vec::with_capacity(claims.len());
    for (claim_id,) in claims {
        let code = ClaimCode::generate(&SystemChance);
        let digest = pepper.digest_code(Some(&code));
        tx.execute(GIVE_CODE, &[claim_id.into(), digest.into()]).await.expect("a code");
        codes.push(code.reveal().to_string());
    }
    tx.commit().await.expect("the books");
    codes
}
