//! From what a sale asks for to rows: claim, token, sheet, and the calls that the chain must follow. In the caller's
//! transaction, under the locks of sale and claim.

use catalog::clock::Timestamp;
use catalog::crash_point;
use catalog::db::{DbError, Tx};
use catalog::impression::{Impression, ImpressionState};
use catalog::journal::{self, Occasion};
use catalog::provenance::CatalogEvent;
use catalog::store as catalog_store;
use minting::call::{CallState, VoidReason};
use minting::store as minting_store;
use minting::token::{Issue, Token};

use crate::claim::{self, Claim, ClaimEvent, ClaimState};
use crate::error::ApiError;
use crate::redeeming::{self, Terms};
use crate::sale::{self, ClaimStanding, Due, Effect, Handing, Known, Sale, SaleEvent, TokenStanding};
use crate::selling::move_sheet;
use crate::store;

/// A sale's claim, token and sheet, and what is known of them.
pub(crate) struct Matter {
    claim: Claim,
    /// The newest token of the claim.
    pub(crate) token: Option<Token>,
    /// The sheet of the sale.
    pub(crate) sheet: Impression,
    /// What decides.
    pub(crate) known: Known,
}

impl Matter {
    /// Reads what is known around `sale` at the moment `now`.
    pub(crate) async fn of(
        tx: &mut Tx,
        sale: &Sale,
        claim: Claim,
        terms: &Terms<'_>,
        now: Timestamp,
    ) -> Result<Self, DbError> {
        let (_, sheet) = redeeming::sheet_of(tx, sale).await?;
        let (mut token, mut void, mut settle, mut release) = (None, None, None, None);
        if let Some(redemption) = claim.state.redemption() {
            token = Some(redeeming::token_of(tx, redemption).await?);
            void = state_of(tx, &format!("void:{}", redemption.token_id)).await?;
            settle = state_of(tx, &format!("settle:{}", redemption.token_id)).await?;
            if redemption.is_safekept() {
                release = state_of(tx, &format!("release:{}", redemption.token_id)).await?;
            }
        }
        let newest = minting_store::find_token_of(tx, &sheet.impression_id).await?;
        let issues_left = newest.is_none_or(|newest| newest.token_id.issue() < Issue::LAST);
        let redeemed_at = claim.state.redemption().map(|redemption| redemption.redeemed_at);
        let policy = terms.policies.of(sale.sold_at);
        let known = Known {
            claim: standing_of(&claim.state),
            opens: claim::opens(policy.open_on, &sale.goods),
            token: token
                .as_ref()
                .map_or(TokenStanding::NotAsked, |token| TokenStanding::of(token, void.as_ref())),
            handing: Handing::of(release.as_ref()),
            terms: redeemed_at.zip(token.as_ref().map(|token| token.settles_at)),
            settling: settle.is_some(),
            sheet: sheet.state,
            unreturned: sheet.unreturned,
            issues_left,
            window: policy.returns.window,
            settle_early: policy.returns.settle_early,
            now,
        };
        Ok(Self { claim, token, sheet, known })
    }

    /// What is due of `sale`.
    pub(crate) fn due(&self, sale: &Sale) -> Due {
        sale::due(sale, &self.known)
    }
}

async fn state_of(tx: &mut Tx, business_key: &str) -> Result<Option<CallState>, DbError> {
    Ok(minting_store::find_call(tx, business_key).await?.map(|call| call.state))
}

fn standing_of(state: &ClaimState) -> ClaimStanding {
    match state {
        ClaimState::Prepared => ClaimStanding::Prepared,
        ClaimState::Open { .. } | ClaimState::Expired { .. } => ClaimStanding::Redeemable,
        ClaimState::Redeemed { redemption, .. } if redemption.is_safekept() => ClaimStanding::Safekept,
        ClaimState::Redeemed { .. } => ClaimStanding::Redeemed,
        ClaimState::Released { .. } => ClaimStanding::Released,
        ClaimState::Void { .. } => ClaimStanding::Void,
    }
}

/// Writes `sale` as it stands after `effects`, and does them.
pub(crate) async fn carry_out(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    sale: &Sale,
    matter: Matter,
    effects: &[Effect],
    terms: &Terms<'_>,
) -> Result<(), ApiError> {
    let waits = matter.due(sale).waits || effects.contains(&Effect::ReissueToken);
    store::update_sale(tx, sale, waits, occasion.at).await?;
    crash_point!("carry_out.sale");
    let Matter { mut claim, token, mut sheet, .. } = matter;
    for effect in effects {
        match *effect {
            Effect::OpenClaim => {
                claim = claim.open(occasion.at).map_err(odd_claim)?;
                store::update_claim(tx, &claim, occasion.at).await?;
                let event = ClaimEvent::Opened { claim_id: claim.claim_id.clone() };
                journal::append(tx, occasion, &event)?;
                crash_point!("carry_out.claim_opened");
            }
            Effect::VoidClaim => {
                claim = claim.void().map_err(odd_claim)?;
                store::update_claim(tx, &claim, occasion.at).await?;
                let event = ClaimEvent::Voided { claim_id: claim.claim_id.clone() };
                journal::append(tx, occasion, &event)?;
                crash_point!("carry_out.claim_voided");
            }
            Effect::ReleaseClaim => {
                claim = claim.release().map_err(odd_claim)?;
                store::update_claim(tx, &claim, occasion.at).await?;
                if let Some((token_id, recipient)) = claim
                    .state
                    .redemption()
                    .and_then(|redemption| Some((redemption.token_id, redemption.wallet()?)))
                {
                    let claim_id = claim.claim_id.clone();
                    let event = ClaimEvent::Released { claim_id, token_id, recipient };
                    journal::append(tx, occasion, &event)?;
                }
            }
            Effect::VoidToken(reason) => void_token(tx, occasion, token.as_ref(), reason).await?,
            Effect::SettleToken => {
                if let Some(token) = &token {
                    minting_store::settle_token(tx, occasion, token.token_id).await?;
                    crash_point!("carry_out.settling");
                }
            }
            Effect::FlagToken(cause) => flag(tx, occasion, sale, token.as_ref(), Some(cause))?,
            Effect::UnflagToken => flag(tx, occasion, sale, token.as_ref(), None)?,
            Effect::ReissueToken => {
                claim = redeeming::reissue(tx, occasion, sale, claim, terms).await?;
                crash_point!("carry_out.reissued");
            }
            Effect::MoveSheet(state) => {
                sheet = stand(tx, occasion, sheet, state).await?;
                crash_point!("carry_out.sheet_moved");
            }
            Effect::MarkUnreturned(unreturned) => {
                sheet.unreturned = unreturned;
                catalog_store::mark_impression(tx, &sheet, occasion.at).await?;
                let impression_id = sheet.impression_id.clone();
                let event = CatalogEvent::ImpressionMarked { impression_id, unreturned };
                journal::append(tx, occasion, &event)?;
                crash_point!("carry_out.sheet_marked");
            }
            Effect::ReportWindowOutlivesLock => {
                metrics::counter!("colophon_windows_outliving_lock_total").increment(1);
                tracing::warn!(sale_id = %sale.sale_id, "its return window outlives the lock of its token");
                let event = SaleEvent::WindowOutlivesLock { sale_id: sale.sale_id.clone() };
                journal::append(tx, occasion, &event)?;
            }
        }
    }
    Ok(())
}

/// Takes the mint back where no byte of it was signed, and asks the chain for a tombstone all the same: only it opens
/// the way to the next issue. The void waits for the edition to be open, without which the contract would refuse it for ever.
async fn void_token(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    token: Option<&Token>,
    reason: VoidReason,
) -> Result<(), ApiError> {
    let Some(token) = token else { return Ok(()) };
    minting_store::withdraw_call(tx, occasion, &format!("mint:{}", token.token_id)).await?;
    crash_point!("carry_out.mint_withdrawn");
    minting_store::void_token(tx, occasion, token.token_id, reason).await?;
    Ok(())
}

fn flag(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    sale: &Sale,
    token: Option<&Token>,
    cause: Option<sale::Cause>,
) -> Result<(), DbError> {
    let Some(token) = token else { return Ok(()) };
    let (sale_id, token_id) = (sale.sale_id.clone(), token.token_id.to_string());
    let event = match cause {
        Some(cause) => SaleEvent::TokenFlagged { sale_id, token_id, cause: cause.as_str() },
        None => SaleEvent::TokenUnflagged { sale_id, token_id },
    };
    journal::append(tx, occasion, &event)?;
    crash_point!("carry_out.flagged");
    Ok(())
}

async fn stand(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    sheet: Impression,
    state: ImpressionState,
) -> Result<Impression, ApiError> {
    let from = sheet.state;
    let id = sheet.impression_id.clone();
    let moved = sheet.move_to(state).map_err(|refused| DbError::inconsistent("impressions", id, refused))?;
    move_sheet(tx, occasion, from, &moved).await?;
    Ok(moved)
}

fn odd_claim(refused: claim::InvalidTransition) -> ApiError {
    ApiError::internal("following a sale", refused)
}
