//! `/v1/claims`: what a buyer does with the code from the card. No API key: the code is the key, and after it the
//! wallet's signature. A buyer without a wallet redeems by the code alone: then the issuer's vault keeps the token.

mod safekeeping;
mod shape;

use std::future::Future;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use catalog::account::Account;
use catalog::crash_point;
use catalog::db::{Tx, retrying};
use catalog::invalid::InvalidField;
use catalog::journal::Actor;
use minting::call::CallKind;
use minting::token::Token;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::shape::{
    ChallengeInput, ChallengeView, ClaimView, LookupInput, RedeemInput, RedeemedView, SafekeepingView,
    StatusInput,
};
use super::policy::PolicyView;
use super::reply::Reply;
use crate::claim::challenge::{Challenge, Place};
use crate::claim::code::CodeHmac;
use crate::claim::proof_text::ProofText;
use crate::claim::{self, Claim, ClaimState, Redemption, StatusToken, VaultOrder};
use crate::client_address::ClientAddress;
use crate::error::{ApiError, Problem};
use crate::json::Json;
use crate::redeeming::{self, Taker, claim_not_active, claim_not_found, proof_invalid};
use crate::state::{App, AppState};
use crate::store;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(look_up_claim))
        .routes(routes!(read_claim_status))
        .routes(routes!(challenge_wallet))
        .routes(routes!(redeem_claim))
        .merge(safekeeping::routes())
}

/// Extractor that refuses a query string: a code in one would stand in every log between the buyer and us.
struct NoQuery;

impl FromRequestParts<AppState> for NoQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        if parts.uri.query().is_some() {
            let detail = "this call takes no query string; codes stand in the body alone".into();
            return Err(ApiError::BadRequest { code: "query_not_allowed", detail });
        }
        Ok(Self)
    }
}

fn recipient_of(app: &App, text: &str) -> Result<Account, InvalidField> {
    claim::parse_recipient(text, &app.chain.issuer_accounts())
        .map_err(|problem| InvalidField::new("recipient", "recipient_invalid", problem.to_string()))
}

/// Does what needs a code: for whom did not fail too often, and in even time where no claim answers.
async fn guarded<T>(
    app: &App,
    client: ClientAddress,
    work: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    app.throttles.claims.guard(client, app.clock.as_ref(), redeeming::in_even_time(work)).await
}

/// What a buyer sees of a claim: the certificate's facts, and how its token fares.
async fn view(app: &App, tx: &mut Tx, claim: &Claim) -> Result<ClaimView, ApiError> {
    let sale = store::find_sale(tx, &claim.sale_id).await?.ok_or_else(claim_not_found)?;
    let (edition, impression) = redeeming::sheet_of(tx, &sale).await?;
    let publication = redeeming::publication_of(&edition)?;
    let mut redeemed = None;
    if let Some(redemption) = claim.state.redemption() {
        let token = redeeming::token_of(tx, redemption).await?;
        redeemed = Some(redeemed_view(app, tx, claim, &token).await?);
    }
    let ticket = StatusToken::issue(&claim.claim_id, app.clock.now(), &app.claim_pepper);
    let policy = PolicyView::of(app.settings.policies.of(sale.sold_at));
    ClaimView::of(claim, &edition, publication, &impression, policy, redeemed, &ticket)
        .map_err(|error| ApiError::internal("reading a colophon", error))
}

/// What a buyer sees of a redeemed claim: who holds its token, and how it fares.
async fn redeemed_view(
    app: &App,
    tx: &mut Tx,
    claim: &Claim,
    token: &Token,
) -> Result<RedeemedView, ApiError> {
    let home = app.home()?;
    let safekeeping = match claim.state.redemption().filter(|redemption| redemption.is_safekept()) {
        None => None,
        Some(redemption) => {
            let kind = match redemption.keeper.order() {
                Some(VaultOrder::Surrender { .. }) => CallKind::Surrender,
                Some(VaultOrder::Release { .. }) | None => CallKind::Release,
            };
            let key = format!("{}:{}", kind.as_str(), token.token_id);
            let progress = minting::store::progress_of_call(tx, &key).await?;
            Some(SafekeepingView::of(claim, redemption, token, progress.as_ref(), &home))
        }
    };
    Ok(RedeemedView::of(claim, token, &home, safekeeping))
}

/// Shows what a code stands for: the certificate's facts and the claim's state. It changes nothing.
#[utoipa::path(
    post,
    path = "/v1/claims/lookup",
    operation_id = "look_up_claim",
    tag = "claims",
    request_body = LookupInput,
    responses(
        (status = 200, description = "The claim, prepared, open or redeemed", body = ClaimView),
        (status = 404, description = "`claim_not_found`: no claim answers to this code", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "`too_many_failures` from this address; `Retry-After` says when", body = Problem,
            content_type = "application/problem+json"),
    ),
)]
async fn look_up_claim(
    State(state): State<AppState>,
    client: ClientAddress,
    _: NoQuery,
    Json { value: input, .. }: Json<LookupInput>,
) -> Result<Reply, ApiError> {
    let found = async {
        let code = redeeming::digest_of(&input.code, &state.claim_pepper);
        let mut tx = state.db.begin_read().await?;
        let claim = redeeming::find_by_code(&mut tx, code, &state.settings.claims, state.clock.now()).await?;
        Reply::ok(&view(&state, &mut tx, &claim).await?)
    };
    guarded(&state, client, found).await
}

/// Shows how a claim fares to whoever looked it up within the last hour, without the code.
#[utoipa::path(
    post,
    path = "/v1/claims/status",
    operation_id = "read_claim_status",
    tag = "claims",
    request_body = StatusInput,
    responses(
        (status = 200, description = "The claim", body = ClaimView),
        (status = 401, description = "`status_token_invalid`: made up, or its hour is over", body = Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "`claim_not_found`: the claim no longer stands", body = Problem,
            content_type = "application/problem+json"),
    ),
)]
async fn read_claim_status(
    State(state): State<AppState>,
    _: NoQuery,
    Json { value: input, .. }: Json<StatusInput>,
) -> Result<Reply, ApiError> {
    let now = state.clock.now();
    let ticket: Result<StatusToken, _> = input.status_token.parse();
    let claim_id = ticket.and_then(|ticket| ticket.verify(now, &state.claim_pepper)).map_err(|invalid| {
        ApiError::Unproven { code: "status_token_invalid", detail: invalid.to_string().into() }
    })?;
    let mut tx = state.db.begin_read().await?;
    let claim = store::find_claim(&mut tx, &claim_id).await?;
    let claim = claim.map(|claim| claim.expire_after(state.settings.claims.expire_after, now));
    let claim = claim.filter(Claim::stands).ok_or_else(claim_not_found)?;
    Reply::ok(&view(&state, &mut tx, &claim).await?)
}

/// Gives the text that a wallet signs to claim for itself (EIP-4361), good for ten minutes.
#[utoipa::path(
    post,
    path = "/v1/claims/challenge",
    operation_id = "challenge_wallet",
    tag = "claims",
    request_body = ChallengeInput,
    responses(
        (status = 200, description = "The text to be signed by `personal_sign`", body = ChallengeView),
        (status = 404, description = "`claim_not_found`", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "`claim_not_active`", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "`too_many_failures` from this address; `Retry-After` says when", body = Problem,
            content_type = "application/problem+json"),
    ),
)]
async fn challenge_wallet(
    State(state): State<AppState>,
    client: ClientAddress,
    _: NoQuery,
    Json { value: input, .. }: Json<ChallengeInput>,
) -> Result<Reply, ApiError> {
    let recipient = recipient_of(&state, &input.recipient)?;
    let code = redeeming::digest_of(&input.code, &state.claim_pepper);
    let (app, now) = (&state, state.clock.now());
    let found = async {
        let mut tx = app.db.begin_read().await?;
        of_wallet(find_active(app, &mut tx, code).await?, recipient)
    };
    let claim = guarded(app, client, found).await?;
    let place = Place {
        public_base_url: &app.settings.public_base_url,
        chain_id: app.chain.chain_id,
        contract: app.chain.contract,
    };
    let challenge = Challenge::compose(&claim.claim_id, recipient, &place, now, app.chance.as_ref());
    let kept = &challenge;
    retrying(|| async move {
        let mut tx = app.db.begin_write().await?;
        store::insert_challenge(&mut tx, kept).await?;
        crash_point!("challenge");
        tx.commit().await
    })
    .await?;
    Reply::ok(&ChallengeView::of(&challenge))
}

/// The claim for which a code stands, once it can be redeemed.
async fn find_active(app: &App, tx: &mut Tx, code: CodeHmac) -> Result<Claim, ApiError> {
    active(redeeming::find_by_code(tx, code, &app.settings.claims, app.clock.now()).await?)
}

fn active(claim: Claim) -> Result<Claim, ApiError> {
    if claim.state == ClaimState::Prepared { Err(claim_not_active()) } else { Ok(claim) }
}

/// A claim, for a wallet that means to redeem it or did.
fn of_wallet(claim: Claim, recipient: Account) -> Result<Claim, ApiError> {
    let wallet = claim.state.redemption().and_then(Redemption::wallet);
    if wallet.is_some_and(|wallet| wallet != recipient) { Err(claim_not_found()) } else { Ok(claim) }
}

/// The claim for which a code stands, and the challenge that its wallet signed: the one that `named` says, if it says one.
async fn prove(
    app: &App,
    code: CodeHmac,
    recipient: Account,
    named: Option<&str>,
    signature: &str,
) -> Result<(Claim, Challenge), ApiError> {
    let now = app.clock.now();
    let found = store::find_claim_with_challenges(&app.db, code, recipient, now).await?;
    let (claim, challenges) = found.unzip();
    let claim = active(redeeming::standing(claim, &app.settings.claims, now)?)?;
    let claim = of_wallet(claim, recipient)?;
    let named: Option<ProofText> = named.map(str::parse).transpose().map_err(|_| proof_invalid())?;
    let mut challenges = challenges.unwrap_or_default();
    challenges.extend(redeeming::used_challenge(&app.db, &claim, recipient).await?);
    if let Some(named) = named {
        challenges.retain(|kept| kept.nonce == named.nonce && kept.message == named.to_string());
    }
    let proof = redeeming::signed_challenge(&app.wallets, recipient, challenges, signature).await?;
    Ok((claim, proof))
}

/// Redeems a claim: the token is written and will be minted. For a wallet that signed one of the claim's challenges, or,
/// with `safekeeping` and the code alone, for a buyer without a wallet: then the issuer's vault holds the token in the
/// buyer's name until it is released. Asking again for the same wallet, or for safekeeping again, gets the same answer.
#[utoipa::path(
    post,
    path = "/v1/claims/redeem",
    operation_id = "redeem_claim",
    tag = "claims",
    request_body = RedeemInput,
    responses(
        (status = 202, description = "Redeemed; the chain follows", body = RedeemedView,
            headers(("Location" = String, description = "The token"))),
        (status = 401, description = "`wallet_proof_invalid`", body = Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "`claim_not_found`", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "`claim_not_active`, `sheet_under_review`", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "`chain_unavailable`: a wallet that is a contract cannot be asked now",
            body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_failures` from this address; `Retry-After` says when", body = Problem,
            content_type = "application/problem+json"),
    ),
)]
async fn redeem_claim(
    State(state): State<AppState>,
    client: ClientAddress,
    _: NoQuery,
    Json { value: input, .. }: Json<RedeemInput>,
) -> Result<Reply, ApiError> {
    let app = &state;
    let wallet = input.wallet()?.map(|text| recipient_of(app, text)).transpose()?;
    let code = redeeming::digest_of(&input.code, &app.claim_pepper);
    let proven = async {
        let Some(recipient) = wallet else {
            let mut tx = app.db.begin_read().await?;
            return Ok((find_active(app, &mut tx, code).await?, None));
        };
        let (claim, proof) = prove(app, code, recipient, input.message.as_deref(), &input.signature).await?;
        Ok((claim, Some(proof)))
    };
    let (claim, proof) = &guarded(app, client, proven).await?;
    let taker = proof.as_ref().map_or(Taker::Vault(app.chain.vault), Taker::Wallet);
    let home = &app.home()?;
    let terms = &app.terms(home);
    let (sale_id, actor) = (&claim.sale_id, &Actor::Buyer(claim.claim_id.to_string()));
    retrying(|| async move {
        let occasion = app.occasion(actor.clone());
        let mut tx = app.db.begin_write().await?;
        let (claim, token) = redeeming::redeem(&mut tx, &occasion, sale_id, code, taker, terms).await?;
        let location = format!("/v1/tokens/{}", token.token_id);
        let reply = Reply::accepted(location, &redeemed_view(app, &mut tx, &claim, &token).await?)?;
        crash_point!("redeem");
        tx.commit().await?;
        crash_point!("redeem.committed");
        app.wake.ring();
        Ok(reply)
    })
    .await
}
