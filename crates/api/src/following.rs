//! What follows from the chain and from the clock without anybody telling: an idempotent step without input.
//!
//! A void that is confirmed frees its sheet; one that came too late flags its token and quarantines the sheet, until the
//! holder surrenders; a return that is still open shortly before its token settles voids the token; a window that has
//! closed settles it early, where the policy says so. Nothing calls back: each pass reads how things stand.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use catalog::clock::Timestamp;
use catalog::crash_point;
use catalog::db::retrying;
use catalog::journal::Occasion;
use minting::chain::{Chain, ChainError, StatusOnChain};
use minting::store as minting_store;
use minting::token::TokenId;

use crate::carrying_out::{self, Matter};
use crate::error::{self, ApiError};
use crate::sale::{SaleId, TokenStanding};
use crate::state::{App, AppState};
use crate::store;

/// Sales that are looked at between two looks at the database.
const BATCH: u32 = 200;
/// How often the chain is asked whether the holder of a token has surrendered it.
const ASK_AGAIN: Duration = Duration::from_secs(20);
/// Why it changes anything.
const REASON: &str = "following the chain and the clock";

/// What a pass did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FollowReport {
    /// Sales that wait for something.
    pub waiting: usize,
    /// Sales for which something was done.
    pub followed: usize,
}

/// Follows the sales that wait. What it remembers only spares questions and delays a surrender.
pub struct Follower {
    app: AppState,
    chain: Arc<dyn Chain>,
    asked_at: HashMap<TokenId, Timestamp>,
    /// Tokens seen surrendered, and the height of the head then: believed once that height is final.
    surrendered_by: HashMap<TokenId, u64>,
}

impl Follower {
    /// Follows the sales of `app`, whose tokens live on `chain`.
    #[must_use]
    pub fn new(app: AppState, chain: Arc<dyn Chain>) -> Self {
        Self { app, chain, asked_at: HashMap::new(), surrendered_by: HashMap::new() }
    }

    /// Looks at every sale that waits, once.
    pub async fn pass(&mut self) -> Result<FollowReport, ApiError> {
        let mut report = FollowReport::default();
        let mut after: Option<SaleId> = None;
        loop {
            let mut tx = self.app.db.begin_read().await?;
            let batch = store::list_waiting_sales(&mut tx, after.as_ref(), BATCH).await?;
            drop(tx);
            let Some(last) = batch.last() else { return Ok(report) };
            after = Some(last.clone());
            for sale_id in &batch {
                report.waiting += 1;
                let Some(standing) = self.look(sale_id).await? else { continue };
                if let Standing::OutOfReach(token_id) = standing
                    && !self.is_surrendered(token_id).await
                {
                    continue;
                }
                let surrendered = match standing {
                    Standing::OutOfReach(token_id) => Some(token_id),
                    Standing::Due => None,
                };
                let app = &self.app;
                retrying(|| follow_one(app, sale_id, surrendered)).await?;
                report.followed += 1;
            }
        }
    }

    /// Reads, without a lock, whether there is something to do for a sale.
    async fn look(&self, sale_id: &SaleId) -> Result<Option<Standing>, ApiError> {
        let app = &self.app;
        let mut tx = app.db.begin_read().await?;
        let Some(sale) = store::find_sale(&mut tx, sale_id).await? else { return Ok(None) };
        let claim = store::claim_of_sale(&mut tx, sale_id).await?;
        let home = app.home()?;
        let matter = Matter::of(&mut tx, &sale, claim, &app.terms(&home), app.clock.now()).await?;
        let due = matter.due(&sale);
        if !due.effects.is_empty() || !due.waits {
            return Ok(Some(Standing::Due));
        }
        let out_of_reach = matter.token.filter(|_| matter.known.token == TokenStanding::Settled);
        Ok(out_of_reach.map(|token| Standing::OutOfReach(token.token_id)))
    }

    /// Asks the chain whether the holder has given the token up, in a block that is final by now.
    async fn is_surrendered(&mut self, token_id: TokenId) -> bool {
        let now = self.app.clock.now();
        if self.asked_at.get(&token_id).is_some_and(|asked| !now.is_over(*asked, ASK_AGAIN)) {
            return false;
        }
        match self.ask(token_id).await {
            Ok(Some(true)) => true,
            // Seen, and not final yet: asked again in the next pass.
            Ok(Some(false)) => false,
            Ok(None) => {
                self.asked_at.insert(token_id, now);
                false
            }
            Err(error) => {
                tracing::warn!(%token_id, error = error::chain(&error), "the chain was not asked");
                false
            }
        }
    }

    async fn ask(&mut self, token_id: TokenId) -> Result<Option<bool>, ChainError> {
        if self.chain.token(token_id).await?.status != StatusOnChain::Surrendered {
            self.surrendered_by.remove(&token_id);
            return Ok(None);
        }
        let head = self.chain.head().await?;
        let seen = *self.surrendered_by.entry(token_id).or_insert(head.number);
        Ok(Some(self.chain.finalized().await?.number >= seen))
    }
}

enum Standing {
    /// Something is due, or nothing is waited for any more.
    Due,
    /// Its token is out of the issuer's reach: only its holder can give it up.
    OutOfReach(TokenId),
}

/// Does what is due for one sale, under its locks.
async fn follow_one(app: &App, sale_id: &SaleId, surrendered: Option<TokenId>) -> Result<(), ApiError> {
    let occasion = Occasion::by_service(app.clock.now(), REASON, app.chance.as_ref());
    let home = app.home()?;
    let terms = app.terms(&home);
    let mut tx = app.db.begin_write().await?;
    let Some((sale, claim)) = store::lock_sale_with_claim(&mut tx, sale_id).await? else { return Ok(()) };
    if let Some(token_id) = surrendered {
        minting_store::record_surrender(&mut tx, &occasion, token_id).await?;
        crash_point!("follow.surrendered");
    }
    let matter = Matter::of(&mut tx, &sale, claim, &terms, occasion.at).await?;
    let effects = matter.due(&sale).effects;
    let sale = sale.after(&effects);
    carrying_out::carry_out(&mut tx, &occasion, &sale, matter, &effects, &terms).await?;
    crash_point!("follow");
    tx.commit().await?;
    crash_point!("follow.committed");
    app.wake.ring();
    Ok(())
}

/// Repeats the pass. Runs until it is dropped or aborted.
pub async fn follow_forever(mut follower: Follower) {
    let mut beats = tokio::time::interval(follower.app.settings.minting.poll_interval);
    beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        beats.tick().await;
        match follower.pass().await {
            #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
            Ok(report) => metrics::gauge!("colophon_sales_waiting").set(report.waiting as f64),
            Err(error) => tracing::warn!(error = error::chain(&error), "sales were not followed"),
        }
    }
}
