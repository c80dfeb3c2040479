//! What was agreed with the service, and whether it is there.

use std::collections::{BTreeMap, BTreeSet};

use minting::wallet::parse_account;
use serde_json::Value;
use tests::oracle::{laws, nonces, tokens};

use super::ordeal::Ordeal;
use crate::harness::app::{Wallet, id_of};

/// Ways in which a transaction may end here.
const ENDS: [&str; 3] = ["confirmed", "reverted_confirmed", "displaced"];
/// Calls and transactions that are not over.
const UNDER_WAY: &str = "
    SELECT (SELECT count(*) FROM calls WHERE state IN ('queued', 'bound'))
         + (SELECT count(*) FROM transactions WHERE state NOT IN ('confirmed', 'reverted_confirmed', 'displaced'))";
/// Rows that were not published, and deliveries that did not arrive.
const NOT_TOLD: &str = "
    SELECT (SELECT count(*) FROM journal WHERE event_id NOT IN (SELECT event_id FROM outgoing_events))
         + (SELECT count(*) FROM webhook_deliveries WHERE state <> 'delivered')";
const TOLD: &str = "
    SELECT DISTINCT event_id,
           outgoing_events.position
    FROM outgoing_events
    JOIN webhook_deliveries ON webhook_deliveries.position = outgoing_events.position";
const TOKENS: &str = "
    SELECT token_id,
           recipient
    FROM tokens";

/// What the answers promised.
#[derive(Default)]
pub(super) struct Ledger {
    /// The last answer about each sale, by its id.
    sales: BTreeMap<String, Value>,
    /// Whom each token was promised to, and its state in the end.
    tokens: BTreeMap<u64, (String, &'static str)>,
    /// A law that does not hold here, in its words.
    excused: Option<&'static str>,
}

impl Ledger {
    /// Does without a law in the end.
    pub(super) fn excuse(&mut self, law: &'static str) {
        self.excused = Some(law);
    }

    /// A sale as the service last answered.
    pub(super) fn note_sale(&mut self, sale: &Value) {
        self.sales.insert(id_of(sale).to_owned(), sale.clone());
    }

    /// A token that was promised.
    pub(super) fn promise(&mut self, token_id: u64, buyer: &Wallet, state: &'static str) {
        self.tokens.insert(token_id, (buyer.address().to_lowercase(), state));
    }

    /// What is to become of a promised token.
    pub(super) fn expect(&mut self, token_id: u64, state: &'static str) {
        self.tokens.get_mut(&token_id).expect("a promised token").1 = state;
    }

    /// Everything comes to its end as it was agreed, exactly once.
    pub(super) async fn judge(self, ordeal: &mut Ordeal) {
        for (sale_id, agreed) in &self.sales {
            let facts = ["payment", "goods", "dispute", "undone", "order"];
            let is_there = |found: &Value| facts.iter().all(|fact| found[*fact] == agreed[*fact]);
            ordeal.until(&format!("/v1/sales/{sale_id}"), is_there).await;
        }
        for (token_id, (_, state)) in &self.tokens {
            let is_there = |token: &Value| token["state"] == **state;
            ordeal.until(&format!("/v1/tokens/{token_id}"), is_there).await;
        }
        ordeal
            .until_seen("that nothing is under way", |ordeal| {
                Box::pin(async { count(ordeal, UNDER_WAY).await == 0 })
            })
            .await;

        let found = nonces::judge(ordeal.app.chain(), &ordeal.books, &ENDS).await;
        let mut findings = found.findings;
        let broken = laws::broken(&ordeal.books).await.into_iter();
        findings.extend(broken.filter(|found| !self.excused.is_some_and(|law| found.starts_with(law))));
        self.compare_tokens(ordeal, &mut findings).await;
        compare_events(ordeal, &mut findings).await;
        // Fails unless the chain of hashes is whole.
        ordeal.app.say(&["audit", "verify"]);
        let breaches = api::conservation::breaches(&ordeal.books).await.expect("a count");
        findings.extend(breaches.into_iter().map(|(law, count)| format!("{law}: {count}")));
        assert!(findings.is_empty(), "{}\n{}", findings.join("\n"), ordeal.app.log_tail());
    }

    /// On chain and in the books there is each promised token, once and with its buyer, and no other.
    async fn compare_tokens(&self, ordeal: &Ordeal, findings: &mut Vec<String>) {
        let contract = parse_account(&ordeal.contract).expect("the contract");
        let chain = ordeal.app.chain();
        let minted = tokens::minted(chain, contract).await;
        for (token_id, times) in &minted {
            if *times != 1 || !self.tokens.contains_key(token_id) {
                findings.push(format!("token {token_id} was minted {times} times"));
            }
        }
        for (token_id, (buyer, state)) in &self.tokens {
            let owner = tokens::owner_of(chain, contract, *token_id).await;
            let lives = matches!(*state, "bound" | "settled");
            if owner.as_ref() != lives.then_some(buyer) {
                findings.push(format!("token {token_id}, {state}, of {buyer} belongs to {owner:?}"));
            }
        }
        let mut tx = ordeal.books.begin_read().await.expect("the books");
        let rows: Vec<(i64, String)> = tx.fetch_all(TOKENS, &[]).await.expect("the tokens");
        let in_books: BTreeMap<u64, String> =
            rows.into_iter().map(|(id, recipient)| (id.unsigned_abs(), recipient)).collect();
        let agreed = self.tokens.iter().map(|(id, (buyer, _))| (*id, buyer.clone())).collect();
        if in_books != agreed {
            findings.push(format!("the books hold the tokens {in_books:?}, agreed were {agreed:?}"));
        }
    }
}

/// Whoever wanted to be told of events was told of each, always under its own id and in the same words.
async fn compare_events(ordeal: &mut Ordeal, findings: &mut Vec<String>) {
    if ordeal.receiver.is_none() {
        return;
    }
    ordeal
        .until_seen("that every event is told", |ordeal| {
            Box::pin(async { count(ordeal, NOT_TOLD).await == 0 })
        })
        .await;
    let mut tx = ordeal.books.begin_read().await.expect("the books");
    let rows: Vec<(String, i64)> = tx.fetch_all(TOLD, &[]).await.expect("the events");
    drop(tx);
    let told: BTreeSet<String> = rows.into_iter().map(|(event_id, _)| event_id).collect();
    let mut received: BTreeMap<String, String> = BTreeMap::new();
    for one in ordeal.receiver.as_ref().expect("a receiver").received() {
        let body = received.entry(one.id.clone()).or_insert_with(|| one.body.clone());
        if *body != one.body {
            findings.push(format!("the event {} came in two forms", one.id));
        }
    }
    // The first endpoint's answer may have been lost with its process: then there is a second one, to the same receiver.
    if told.is_empty() || told != received.into_keys().collect() {
        findings.push("the receiver did not get the events that the books call delivered".to_owned());
    }
}

/// How many rows a statement counts.
pub(super) async fn count(ordeal: &Ordeal, sql: &'static str) -> i64 {
    let mut tx = ordeal.books.begin_read().await.expect("the books");
    let (count,): (i64,) = tx.fetch_one(sql, &[]).await.expect("a count");
    count
}
