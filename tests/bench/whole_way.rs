//! (b) Claims redeemed over HTTP, until their tokens are included. Texts are signed before the clock starts.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use tests::trade::client::Client;
use tests::wallet::Wallet;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::cpu::used;
use super::house::{House, RUN};
use super::inclusion::Inclusion;
use super::median::{median, rounded};
use super::plan::Plan;
use super::stock::{self, Stock};
use super::{disk, tell};

/// Claims of a run: what a service that reaches its aim mints in some fifteen seconds.
const CLAIMS: u32 = 9_000;
/// Buyers at once.
const AT_ONCE: usize = 64;

/// A claim that can be redeemed.
pub(crate) struct Ready {
    pub(crate) code: String,
    pub(crate) wallet: Wallet,
    pub(crate) signature: String,
}

pub(crate) async fn measure(plan: &Plan) -> Value {
    let claims = plan.mints.min(CLAIMS);
    let (mut rates, mut shares, mut fsync) = (vec![], Value::Null, Value::Null);
    for run in 1..=plan.runs {
        let house = House::make(plan).await;
        house.publish((claims + 1).div_ceil(RUN)).await;
        stock::fill(&house.books, Stock::Open, "open", claims).await;
        fsync = disk::fsync(&house.folder());
        let service = house.serve().await;
        let client = Arc::new(house.client());
        let ready = prepare(&house, &client, "open").await;
        tell!("run {run}: {claims} buyers have signed");
        let from = house.chain.height().await;
        let (begun, before) = (Instant::now(), used(service.id(), house.chain.id()));
        let redeemed = redeem_all(&client, ready);
        let included = Inclusion::wait(&house.chain, &house.contract, from, claims.into());
        let ((), _) = tokio::join!(redeemed, included);
        let took = begun.elapsed().as_secs_f64();
        shares = used(service.id(), house.chain.id()).shares_since(before, took);
        rates.push(f64::from(claims) / took);
        tell!("run {run}: {:.0} a second", rates[run - 1]);
        service.stop().await;
        house.clear_up().await;
    }
    json!({
        "bench": "whole way",
        "database": plan.database.as_str(),
        "claims": claims,
        "mints_per_second": rounded(median(&rates)),
        "cores_used": shares,
        "fsync": fsync,
        "runs": rates.into_iter().map(rounded).collect::<Vec<_>>(),
    })
}

/// Gives the open claims of `channel` codes, and lets a wallet each sign for them.
pub(crate) async fn prepare(house: &House, client: &Arc<Client>, channel: &str) -> Vec<Ready> {
    let codes = stock::give_codes(&house.books, &house.secrets().claim_pepper, channel).await;
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut buyers = JoinSet::new();
    for code in codes {
        let permit = Arc::clone(&places).acquire_owned().await.expect("a place");
        let client = Arc::clone(client);
        buyers.spawn(async move {
            let wallet = Wallet::fresh();
            let signature = stock::challenge(&client, &code, &wallet).await;
            drop(permit);
            Ready { code, wallet, signature }
        });
    }
    buyers.join_all().await
}

async fn redeem_all(client: &Arc<Client>, ready: Vec<Ready>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut buyers = JoinSet::new();
    for Ready { code, wallet, signature } in ready {
        let permit = Arc::clone(&places).acquire_owned().await.expect("a place");
        let client = Arc::clone(client);
        buyers.spawn(async move {
            stock::redeem(&client, &code, &wallet, &signature).await.expect("a redeemed claim");
            drop(permit);
        });
    }
    buyers.join_all().await;
}
