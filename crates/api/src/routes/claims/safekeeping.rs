//! `/v1/claims/{release,surrender}`: what a buyer orders about a token that the issuer's vault keeps in the buyer's name.

use axum::extract::State;
use catalog::db::retrying;
use catalog::journal::Actor;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::shape::{RedeemedView, ReleaseInput, SurrenderInput};
use super::{NoQuery, find_active, guarded, prove, recipient_of, redeemed_view};
use crate::client_address::ClientAddress;
use crate::error::{ApiError, Problem};
use crate::json::Json;
use crate::redeeming;
use crate::routes::reply::Reply;
use crate::safekeeping;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(release_token)).routes(routes!(surrender_token))
}

/// Releases a token out of safekeeping to a wallet that signed a fresh challenge of the claim, once the token is settled.
/// It happens once, and for one wallet: the same wallet asking again gets the same answer, another finds no claim.
#[utoipa::path(
    post,
    path = "/v1/claims/release",
    operation_id = "release_token",
    tag = "claims",
    request_body = ReleaseInput,
    responses(
        (status = 202, description = "Ordered; the chain follows", body = RedeemedView,
            headers(("Location" = String, description = "The token"))),
        (status = 401, description = "`wallet_proof_invalid`", body = Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "`claim_not_found`", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "`token_not_settled`, with the date; `token_not_recorded`, \
            `token_being_voided`, `token_gone`, `claim_not_in_safekeeping`, `safekeeping_order_given`, \
            `claim_not_active`", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "`too_many_failures` from this address; `Retry-After` says when", body = Problem,
            content_type = "application/problem+json"),
    ),
)]
async fn release_token(
    State(state): State<AppState>,
    client: ClientAddress,
    _: NoQuery,
    Json { value: input, .. }: Json<ReleaseInput>,
) -> Result<Reply, ApiError> {
    let app = &state;
    let recipient = recipient_of(app, &input.recipient)?;
    let code = redeeming::digest_of(&input.code, &app.claim_pepper);
    let proven = prove(app, code, recipient, input.message.as_deref(), &input.signature);
    let (claim, proof) = &guarded(app, client, proven).await?;
    let home = &app.home()?;
    let terms = &app.terms(home);
    let (sale_id, actor) = (&claim.sale_id, &Actor::Buyer(claim.claim_id.to_string()));
    retrying(|| async move {
        let occasion = app.occasion(actor.clone());
        let mut tx = app.db.begin_write().await?;
        let (claim, token) =
            safekeeping::order_release(&mut tx, &occasion, sale_id, code, proof, terms).await?;
        let location = format!("/v1/tokens/{}", token.token_id);
        let reply = Reply::accepted(location, &redeemed_view(app, &mut tx, &claim, &token).await?)?;
        tx.commit().await?;
        app.wake.ring();
        Ok(reply)
    })
    .await
}

/// Orders the issuer's vault to give up for ever a token that it keeps. The order is the text that the claim shows as
/// `safekeeping.surrender_order`, sent back word for word; it is kept in the journal. After it the sheet can get another
/// token, for example when it came back long after its token had settled.
#[utoipa::path(
    post,
    path = "/v1/claims/surrender",
    operation_id = "surrender_token",
    tag = "claims",
    request_body = SurrenderInput,
    responses(
        (status = 202, description = "Ordered; the chain follows", body = RedeemedView,
            headers(("Location" = String, description = "The token"))),
        (status = 404, description = "`claim_not_found`", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "`token_not_recorded`, `token_being_voided`, `token_gone`, \
            `claim_not_in_safekeeping`, `safekeeping_order_given`, `claim_not_active`", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`surrender_order_differs`", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "`too_many_failures` from this address; `Retry-After` says when", body = Problem,
            content_type = "application/problem+json"),
    ),
)]
async fn surrender_token(
    State(state): State<AppState>,
    client: ClientAddress,
    _: NoQuery,
    Json { value: input, .. }: Json<SurrenderInput>,
) -> Result<Reply, ApiError> {
    let app = &state;
    let code = redeeming::digest_of(&input.code, &app.claim_pepper);
    let found = async {
        let mut tx = app.db.begin_read().await?;
        find_active(app, &mut tx, code).await
    };
    let claim = &guarded(app, client, found).await?;
    let home = &app.home()?;
    let terms = &app.terms(home);
    let (sale_id, order) = (&claim.sale_id, input.order.as_str());
    let actor = &Actor::Buyer(claim.claim_id.to_string());
    retrying(|| async move {
        let occasion = app.occasion(actor.clone());
        let mut tx = app.db.begin_write().await?;
        let (claim, token) =
            safekeeping::order_surrender(&mut tx, &occasion, sale_id, code, order, terms).await?;
        let location = format!("/v1/tokens/{}", token.token_id);
        let reply = Reply::accepted(location, &redeemed_view(app, &mut tx, &claim, &token).await?)?;
        tx.commit().await?;
        app.wake.ring();
        Ok(reply)
    })
    .await
}
