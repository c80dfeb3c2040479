//! From the code on the card to a token in the books: finding the claim that a code stands for, making codes, and
//! redeeming. Each function works in the caller's transaction.

use std::future::Future;
use std::time::{Duration, Instant};

use catalog::account::Account;
use catalog::clock::Timestamp;
use catalog::crash_point;
use catalog::db::{Db, DbError, Tx};
use catalog::edition::{Edition, Publication};
use catalog::impression::Impression;
use catalog::journal::{self, Occasion};
use catalog::store as catalog_store;
use minting::foreign::{ForeignRecord, Standing, Verdict};
use minting::metadata::{self, Home};
use minting::store::{self as minting_store, NewToken, NextToken};
use minting::token::{Token, TokenId};
use minting::wallet::{self, ProofError, WalletJudge};

use crate::claim::challenge::Challenge;
use crate::claim::code::{ClaimCode, ClaimPepper, CodeHmac};
use crate::claim::{Claim, ClaimEvent, ClaimState, InvalidTransition, Keeper, Redemption, settles_at};
use crate::config::ClaimSettings;
use crate::error::ApiError;
use crate::policy::Policies;
use crate::sale::{Sale, SaleId};
use crate::selling::no_such_sale;
use crate::store;

/// Ten times what a look-up takes, and nothing that a buyer would feel.
const SLICE: Duration = Duration::from_millis(5);

/// 404: the one answer for every code that does not stand.
pub(crate) fn claim_not_found() -> ApiError {
    ApiError::NotFound { code: "claim_not_found", detail: "no claim answers to this code".into() }
}

/// 409: the claim is prepared and not open.
pub(crate) fn claim_not_active() -> ApiError {
    ApiError::conflict(
        "claim_not_active",
        "this claim is not active yet; it will be when the print is on its way",
    )
}

/// 401: the wallet was not proved.
pub(crate) fn proof_invalid() -> ApiError {
    let detail = "the signature is not that of this wallet over a challenge of this claim that still holds";
    ApiError::Unproven { code: "wallet_proof_invalid", detail: detail.into() }
}

/// What is kept of the code in `text`. A text that is no code gets what no code has, by the same work.
pub(crate) fn digest_of(text: &str, pepper: &ClaimPepper) -> CodeHmac {
    pepper.digest_code(text.parse::<ClaimCode>().ok().as_ref())
}

/// Hides in the time of an answer why no claim answers: each such answer leaves at a multiple of [`SLICE`] after its
/// work began, whatever rows were found on the way.
pub(crate) async fn in_even_time<T>(work: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
    let begun = Instant::now();
    let outcome = work.await;
    if let Err(ApiError::NotFound { .. }) = &outcome {
        let slices = begun.elapsed().as_micros() / SLICE.as_micros() + 1;
        let slices = u32::try_from(slices).unwrap_or(u32::MAX);
        tokio::time::sleep_until((begun + SLICE.saturating_mul(slices)).into()).await;
    }
    outcome
}

/// The claim for which a code stands, unless it is void or expired.
pub(crate) async fn find_by_code(
    tx: &mut Tx,
    code: CodeHmac,
    claims: &ClaimSettings,
    now: Timestamp,
) -> Result<Claim, ApiError> {
    standing(store::find_claim_by_code(tx, code).await?, claims, now)
}

/// What was found for a code, unless it is void or expired.
pub(crate) fn standing(
    claim: Option<Claim>,
    claims: &ClaimSettings,
    now: Timestamp,
) -> Result<Claim, ApiError> {
    let claim = claim.map(|claim| claim.expire_after(claims.expire_after, now));
    claim.filter(Claim::stands).ok_or_else(claim_not_found)
}

/// Makes a new code for the claim of a sale. Any code before it is worthless from then on.
pub(crate) async fn issue_code(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    sale_id: &SaleId,
    claims: &ClaimSettings,
    pepper: &ClaimPepper,
) -> Result<(Claim, ClaimCode), ApiError> {
    let (_, claim) = store::lock_sale_with_claim(tx, sale_id).await?.ok_or_else(no_such_sale)?;
    let claim = claim.expire_after(claims.expire_after, occasion.at);
    let replaced = claim.code.is_some();
    let code = ClaimCode::generate(occasion.chance);
    let claim = claim.issue_code(pepper.digest_code(Some(&code)), occasion.at).map_err(code_refused)?;
    store::update_claim(tx, &claim, occasion.at).await?;
    let event = ClaimEvent::CodeIssued { claim_id: claim.claim_id.clone(), replaced };
    journal::append(tx, occasion, &event)?;
    Ok((claim, code))
}

fn code_refused(refused: InvalidTransition) -> ApiError {
    let code = if refused.from == "void" { "claim_void" } else { "claim_redeemed" };
    ApiError::conflict(code, refused.to_string())
}

/// The challenge by which `recipient` redeemed `claim` before, if it did; its time may be over.
pub(crate) async fn used_challenge(
    db: &Db,
    claim: &Claim,
    recipient: Account,
) -> Result<Option<Challenge>, DbError> {
    let Some(nonce) = claim.state.redemption().and_then(|redemption| redemption.keeper.proof_nonce()) else {
        return Ok(None);
    };
    let mut tx = db.begin_read().await?;
    let used = store::find_challenge(&mut tx, nonce).await?;
    Ok(used.filter(|used| used.recipient == recipient && used.claim_id == claim.claim_id))
}

/// The challenge that `recipient` signed. Its key is tried on each; its code, which has to be asked of the chain, on
/// the newest alone and on the one that redeemed the claim.
pub(crate) async fn signed_challenge(
    wallets: &WalletJudge,
    recipient: Account,
    challenges: Vec<Challenge>,
    signature: &str,
) -> Result<Challenge, ApiError> {
    let by_key = |kept: &Challenge| wallet::verify_personal_sign(recipient, &kept.message, signature).is_ok();
    if let Some(place) = challenges.iter().position(by_key) {
        return challenges.into_iter().nth(place).ok_or_else(proof_invalid);
    }
    let last = challenges.len().saturating_sub(1);
    let ends = challenges.into_iter().enumerate().filter(|(place, _)| *place == 0 || *place == last);
    for (_, kept) in ends {
        match wallets.judge(recipient, &kept.message, signature).await {
            Ok(()) => return Ok(kept),
            Err(ProofError::NotProven(_)) => {}
            Err(error @ ProofError::Unanswered(_)) => return Err(chain_unavailable(error)),
        }
    }
    Err(proof_invalid())
}

/// 503: whether a wallet signed could not be asked.
fn chain_unavailable(error: ProofError) -> ApiError {
    ApiError::Unavailable {
        code: "chain_unavailable",
        detail: "the chain cannot be asked about this wallet now".into(),
        retry_after: 5,
        source: Some(Box::new(error)),
    }
}

/// Where tokens live and when they settle.
#[derive(Debug)]
pub(crate) struct Terms<'a> {
    /// When claims expire.
    pub(crate) claims: &'a ClaimSettings,
    /// When they open and tokens settle, by the day of the sale.
    pub(crate) policies: &'a Policies,
    /// Where they live.
    pub(crate) home: &'a Home,
}

/// For whom a claim is redeemed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Taker<'a> {
    /// For a wallet that was proved.
    Wallet(&'a Challenge),
    /// For a buyer without one: the vault of that account keeps the token.
    Vault(Account),
}

impl Taker<'_> {
    fn recipient(&self) -> Account {
        match self {
            Self::Wallet(proof) => proof.recipient,
            Self::Vault(account) => *account,
        }
    }

    fn keeper(&self) -> Keeper {
        match self {
            Self::Wallet(proof) => Keeper::Wallet { proof_nonce: proof.nonce.clone() },
            Self::Vault(_) => Keeper::Vault(None),
        }
    }

    /// Whether it is the one that redeemed the claim before.
    fn took(&self, redemption: &Redemption) -> bool {
        match self {
            Self::Wallet(proof) => !redemption.is_safekept() && redemption.recipient == proof.recipient,
            Self::Vault(_) => redemption.is_safekept(),
        }
    }
}

/// Redeems the claim for which `code` stands: writes the claim, the token and the call that mints it. A claim that was
/// redeemed for the same one before is given back as it is.
pub(crate) async fn redeem(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    sale_id: &SaleId,
    code: CodeHmac,
    taker: Taker<'_>,
    terms: &Terms<'_>,
) -> Result<(Claim, Token), ApiError> {
    let (sale, claim) = lock_by_code(tx, occasion, sale_id, code, terms).await?;
    if let Taker::Wallet(proof) = taker
        && proof.claim_id != claim.claim_id
    {
        return Err(claim_not_found());
    }
    match &claim.state {
        ClaimState::Prepared => return Err(claim_not_active()),
        ClaimState::Redeemed { redemption, .. } | ClaimState::Released { redemption, .. } => {
            if !taker.took(redemption) {
                return Err(claim_not_found());
            }
            let token = token_of(tx, redemption).await?;
            return Ok((claim, token));
        }
        ClaimState::Open { .. } | ClaimState::Void { .. } | ClaimState::Expired { .. } => {}
    }
    let returns = &terms.policies.of(sale.sold_at).returns;
    let settles_at = settles_at(occasion.at, sale.goods.delivered_at(), returns);
    let token = issue_token(tx, occasion, &sale, taker.recipient(), settles_at, terms).await?;
    crash_point!("redeem.token_issued");
    let redemption = Redemption {
        recipient: taker.recipient(),
        token_id: token.token_id,
        redeemed_at: occasion.at,
        keeper: taker.keeper(),
    };
    let event = ClaimEvent::redeemed(&claim.claim_id, &redemption, token.settles_at);
    let claim = claim
        .redeem(redemption)
        .map_err(|refused| ApiError::conflict("claim_transition_invalid", refused.to_string()))?;
    store::update_claim(tx, &claim, occasion.at).await?;
    if sale.waits_for_clock(returns.settle_early) {
        store::set_waiting(tx, sale_id).await?;
    }
    journal::append(tx, occasion, &event)?;
    Ok((claim, token))
}

/// The sale and its claim under their locks, if `code` still stands for it: another may have taken its place since it
/// was looked up.
pub(crate) async fn lock_by_code(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    sale_id: &SaleId,
    code: CodeHmac,
    terms: &Terms<'_>,
) -> Result<(Sale, Claim), ApiError> {
    let (sale, claim) = store::lock_sale_with_claim(tx, sale_id).await?.ok_or_else(claim_not_found)?;
    let claim = claim.expire_after(terms.claims.expire_after, occasion.at);
    let code_stands = claim.code.as_ref().is_some_and(|standing| standing.hmac == code);
    if !code_stands || !claim.stands() {
        return Err(claim_not_found());
    }
    Ok((sale, claim))
}

/// Gives a redeemed claim the next token of its sheet: the first was voided for a return, and the buyer keeps the sheet.
/// It settles when the first would have; the chain adds its least time.
pub(crate) async fn reissue(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    sale: &Sale,
    claim: Claim,
    terms: &Terms<'_>,
) -> Result<Claim, ApiError> {
    let refused = |refused| ApiError::internal("issuing a token again", refused);
    let Some(Redemption { recipient, token_id: voided, redeemed_at, .. }) = claim.state.redemption().cloned()
    else {
        return Err(refused(InvalidTransition { from: claim.state.as_str(), verb: "given another token" }));
    };
    let settles_at =
        settles_at(redeemed_at, sale.goods.delivered_at(), &terms.policies.of(sale.sold_at).returns);
    let token = issue_token(tx, occasion, sale, recipient, settles_at.max(occasion.at), terms).await?;
    let claim = claim.reissue(token.token_id).map_err(refused)?;
    store::update_claim(tx, &claim, occasion.at).await?;
    let claim_id = claim.claim_id.clone();
    journal::append(tx, occasion, &ClaimEvent::Reissued { claim_id, voided, token_id: token.token_id })?;
    Ok(claim)
}

async fn issue_token(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    sale: &Sale,
    recipient: Account,
    settles_at: Timestamp,
    terms: &Terms<'_>,
) -> Result<Token, ApiError> {
    let (edition, impression) = sheet_of(tx, sale).await?;
    let NextToken { token_id, is_foreign } = next_token(tx, &edition, &impression).await?;
    let token = new_token(token_id, &edition, &impression, recipient, settles_at, terms.home)?;
    let foreign = if is_foreign { minting_store::find_foreign(tx, token_id).await? } else { None };
    match foreign {
        None => Ok(minting_store::issue_token(tx, occasion, token).await?),
        Some(foreign) if is_the_buyers(&foreign, recipient) => {
            let reason = "redeemed by the wallet that it was minted to";
            Ok(minting_store::adopt_token(tx, occasion, token, &foreign.token, reason).await?)
        }
        Some(_) => {
            let detail = "the chain has a token of this sheet that is being looked at; ask the shop";
            Err(ApiError::conflict("sheet_under_review", detail))
        }
    }
}

/// The books forgot this token, and whoever it was minted to has proved the claim again: it is theirs.
fn is_the_buyers(foreign: &ForeignRecord, recipient: Account) -> bool {
    foreign.verdict == Verdict::Open
        && foreign.token.standing == Standing::Token
        && foreign.token.recipient == Some(recipient)
}

/// The place of the next token of a sheet.
pub(crate) async fn next_token(
    tx: &mut Tx,
    edition: &Edition,
    impression: &Impression,
) -> Result<NextToken, ApiError> {
    let next = minting_store::next_token(tx, publication_of(edition)?.number, impression).await?;
    next.ok_or_else(|| {
        ApiError::conflict("issues_exhausted", "this sheet has had a hundred tokens and gets no other")
    })
}

/// A token of a sheet, as it would be written.
pub(crate) fn new_token(
    token_id: TokenId,
    edition: &Edition,
    impression: &Impression,
    recipient: Account,
    settles_at: Timestamp,
    home: &Home,
) -> Result<NewToken, ApiError> {
    let publication = publication_of(edition)?;
    let metadata = metadata::token_metadata(home, publication, impression, token_id.issue())
        .map_err(|error| ApiError::internal("writing a token's metadata", error))?;
    let impression_id = impression.impression_id.clone();
    Ok(NewToken { token_id, impression_id, recipient, settles_at, metadata: metadata.text })
}

/// The token of a redemption: it is written with it.
pub(crate) async fn token_of(tx: &mut Tx, redemption: &Redemption) -> Result<Token, DbError> {
    minting_store::find_token(tx, redemption.token_id)
        .await?
        .ok_or_else(|| DbError::inconsistent("claims", redemption.token_id, "a redemption without a token"))
}

/// The sheet of a sale, and its edition.
pub(crate) async fn sheet_of(tx: &mut Tx, sale: &Sale) -> Result<(Edition, Impression), DbError> {
    let found = catalog_store::find_impression_and_edition(tx, &sale.impression_id).await?;
    let (impression, edition) = found
        .filter(|(impression, _)| impression.edition_id == sale.edition_id)
        .ok_or_else(|| DbError::inconsistent("sales", &sale.sale_id, "no such sheet in its edition"))?;
    Ok((edition, impression))
}

/// What publication froze: only published editions are sold from.
pub(crate) fn publication_of(edition: &Edition) -> Result<&Publication, DbError> {
    edition.state.publication().ok_or_else(|| {
        DbError::inconsistent("editions", &edition.edition_id, "sold from without publication")
    })
}
