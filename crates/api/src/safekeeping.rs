//! What a buyer orders about a token that the issuer's vault keeps: to hand it to a wallet, or to give it up. Each
//! function works in the caller's transaction.
//!
//! *Invariant: one order.* A claim takes one order about its token, and the call that follows has a key that no second
//! call of that token can have, ever.

use std::fmt;

use catalog::db::Tx;
use catalog::invalid::InvalidField;
use catalog::journal::{self, Occasion};
use minting::metadata::Home;
use minting::store as minting_store;
use minting::token::{Token, TokenId};

use crate::carrying_out::Matter;
use crate::claim::challenge::Challenge;
use crate::claim::code::CodeHmac;
use crate::claim::{Claim, ClaimEvent, ClaimId, ClaimState, Redemption, VaultOrder};
use crate::error::ApiError;
use crate::redeeming::{self, Terms, claim_not_active, claim_not_found};
use crate::sale::{NotInReach, Sale, SaleId, may_release, may_surrender};
use crate::store;

/// The text by which a buyer orders the vault to give a token up. The buyer sends it back word for word, and it is kept
/// in the journal.
pub(crate) struct SurrenderText<'a> {
    /// The claim that the order is given by.
    pub(crate) claim_id: &'a ClaimId,
    /// The token.
    pub(crate) token_id: TokenId,
    /// Where it lives.
    pub(crate) home: &'a Home,
}

impl fmt::Display for SurrenderText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (asset, claim_id) = (self.home.asset(self.token_id), self.claim_id);
        write!(
            f,
            "I order the issuer to give up, for ever, the token {asset} that it keeps for me under {claim_id}. \
             I know that nobody can bring it back."
        )
    }
}

fn not_in_safekeeping() -> ApiError {
    ApiError::conflict("claim_not_in_safekeeping", "the issuer keeps no token for this claim")
}

fn ordered_otherwise() -> ApiError {
    ApiError::conflict("safekeeping_order_given", "another order was given for this token, and it stands")
}

fn not_in_reach(why: NotInReach) -> ApiError {
    let code = match why {
        NotInReach::NotSettled(_) => "token_not_settled",
        NotInReach::NotRecorded => "token_not_recorded",
        NotInReach::BeingVoided => "token_being_voided",
        NotInReach::Gone => "token_gone",
    };
    ApiError::conflict(code, why.to_string())
}

/// Orders the vault to hand the token to the wallet that was proved by `proof`. The same wallet asking again gets its
/// claim as it is; another finds nothing.
pub(crate) async fn order_release(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    sale_id: &SaleId,
    code: CodeHmac,
    proof: &Challenge,
    terms: &Terms<'_>,
) -> Result<(Claim, Token), ApiError> {
    let (sale, claim) = redeeming::lock_by_code(tx, occasion, sale_id, code, terms).await?;
    let redemption = kept(&claim)?;
    let of_another = |wallet| wallet != proof.recipient;
    if proof.claim_id != claim.claim_id || redemption.wallet().is_some_and(of_another) {
        return Err(claim_not_found());
    }
    if !redemption.is_safekept() {
        return Err(not_in_safekeeping());
    }
    let token = redeeming::token_of(tx, redemption).await?;
    match redemption.keeper.order() {
        Some(VaultOrder::Release { .. }) => return Ok((claim, token)),
        Some(VaultOrder::Surrender { .. }) => return Err(ordered_otherwise()),
        None => {}
    }
    let known = Matter::of(tx, &sale, claim.clone(), terms, occasion.at).await?.known;
    may_release(&known).map_err(not_in_reach)?;
    minting_store::release_token(tx, occasion, &token, proof.recipient).await?;
    let event = ClaimEvent::ReleaseOrdered {
        claim_id: claim.claim_id.clone(),
        token_id: token.token_id,
        recipient: proof.recipient,
        proof_nonce: proof.nonce.clone(),
    };
    let order = VaultOrder::Release {
        recipient: proof.recipient,
        proof_nonce: proof.nonce.clone(),
        ordered_at: occasion.at,
    };
    let claim = take(tx, occasion, &sale, claim, order, &event).await?;
    Ok((claim, token))
}

/// Orders the vault to give the token up, on the buyer's words `text`. The same order given again changes nothing.
pub(crate) async fn order_surrender(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    sale_id: &SaleId,
    code: CodeHmac,
    text: &str,
    terms: &Terms<'_>,
) -> Result<(Claim, Token), ApiError> {
    let (sale, claim) = redeeming::lock_by_code(tx, occasion, sale_id, code, terms).await?;
    let redemption = kept(&claim)?;
    if !redemption.is_safekept() {
        return Err(not_in_safekeeping());
    }
    let token = redeeming::token_of(tx, redemption).await?;
    let wanted = SurrenderText { claim_id: &claim.claim_id, token_id: token.token_id, home: terms.home };
    if text != wanted.to_string() {
        let detail = "must be the words of `safekeeping.surrender_order`, which name this token";
        return Err(InvalidField::new("order", "surrender_order_differs", detail).into());
    }
    match redemption.keeper.order() {
        Some(VaultOrder::Surrender { .. }) => return Ok((claim, token)),
        Some(VaultOrder::Release { .. }) => return Err(ordered_otherwise()),
        None => {}
    }
    let known = Matter::of(tx, &sale, claim.clone(), terms, occasion.at).await?.known;
    may_surrender(&known).map_err(not_in_reach)?;
    minting_store::surrender_token(tx, occasion, &token).await?;
    let event = ClaimEvent::SurrenderOrdered {
        claim_id: claim.claim_id.clone(),
        token_id: token.token_id,
        order: text.to_owned(),
    };
    let order = VaultOrder::Surrender { ordered_at: occasion.at };
    let claim = take(tx, occasion, &sale, claim, order, &event).await?;
    Ok((claim, token))
}

fn kept(claim: &Claim) -> Result<&Redemption, ApiError> {
    match &claim.state {
        ClaimState::Prepared => Err(claim_not_active()),
        state => state.redemption().ok_or_else(not_in_safekeeping),
    }
}

async fn take(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    sale: &Sale,
    claim: Claim,
    order: VaultOrder,
    event: &ClaimEvent,
) -> Result<Claim, ApiError> {
    let refused = |refused| ApiError::internal("taking an order about a token in safekeeping", refused);
    let claim = claim.order(order).map_err(refused)?;
    store::update_claim(tx, &claim, occasion.at).await?;
    // How the chain follows is read by the step that follows it.
    store::set_waiting(tx, &sale.sale_id).await?;
    journal::append(tx, occasion, event)?;
    Ok(claim)
}
