//! The curator, the shop and the buyers: they publish, sell, print codes, ship and redeem over HTTP, and ask again
//! under the same idempotency key when a process dies under their hands.

mod selling;

use std::collections::BTreeMap;
use std::sync::Arc;

use tests::dice::Dice;
use tests::trade::publishing::{self, Published};
use tokio::sync::{Mutex, OnceCell, Semaphore};
use tokio::task::JoinSet;

pub(crate) use self::selling::Redeemed;
use crate::ground::Ground;
use crate::pace::Pace;
use crate::plan::Plan;
use crate::tell;

/// Sheets of one edition.
const RUN: u32 = 100;
/// Buyers at once.
const AT_ONCE: usize = 24;

/// What was agreed with the service: the oracle's ground truth.
#[derive(Default)]
pub(crate) struct Trade {
    /// The editions by their number.
    pub(crate) editions: BTreeMap<u64, Published>,
    /// The claims that were redeemed, by token id.
    pub(crate) redeemed: BTreeMap<u64, Redeemed>,
    /// What the service answered though it must not.
    pub(crate) complaints: Vec<String>,
}

impl Trade {
    /// Sells and redeems as much as the plan says.
    pub(crate) async fn carry_on(plan: Arc<Plan>, ground: Arc<Ground>, pace: Arc<Pace>) -> Self {
        let shop = Arc::new(ground.client());
        let editions: Arc<Vec<_>> =
            Arc::new((0..plan.mints.div_ceil(RUN)).map(|_| OnceCell::new()).collect());
        let trade = Arc::new(Mutex::new(Self::default()));
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let mut buyers = JoinSet::new();
        for index in 0..plan.mints {
            pace.may_sell(index).await;
            let permit = Arc::clone(&places).acquire_owned().await.expect("a place");
            let (shop, editions, trade) = (Arc::clone(&shop), Arc::clone(&editions), Arc::clone(&trade));
            let (plan, pace) = (Arc::clone(&plan), Arc::clone(&pace));
            buyers.spawn(async move {
                let number = index / RUN;
                let size = RUN.min(plan.mints - number * RUN);
                let edition = &editions[usize::try_from(number).unwrap_or(usize::MAX)];
                let image = Dice::of(plan.seed, "image", number.into()).roll();
                let published =
                    edition.get_or_try_init(|| publishing::publish(&shop, image, number, size)).await;
                let redeemed = match &published {
                    Ok(published) => selling::sell_and_redeem(&shop, &plan, index, published).await,
                    Err(complaint) => Err(String::clone(complaint)),
                };
                drop(permit);
                let mut trade = trade.lock().await;
                if let Ok(published) = published {
                    trade.editions.entry(published.number).or_insert_with(|| published.clone());
                }
                match redeemed {
                    Ok(redeemed) => trade.note(redeemed),
                    Err(complaint) => trade.complaints.push(format!("sheet {index}: {complaint}")),
                }
                let count = pace.redeemed();
                if count.is_multiple_of(50) || count == plan.mints {
                    tell!("{count} of {} claims redeemed", plan.mints);
                }
            });
        }
        while let Some(ended) = buyers.join_next().await {
            ended.expect("a buyer to come to an end");
        }
        std::mem::take(&mut *trade.lock().await)
    }

    fn note(&mut self, redeemed: Redeemed) {
        let token_id = redeemed.token_id;
        if let Some(other) = self.redeemed.insert(token_id, redeemed) {
            self.complaints
                .push(format!("token {token_id} was promised twice, first to {}", other.recipient));
        }
    }
}
