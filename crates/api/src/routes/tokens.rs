//! `/v1/tokens` and the public metadata: what anyone may know of a token, without a key.

mod shape;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use catalog::digest::Sha256Digest;
use catalog::store as catalog_store;
use minting::metadata;
use minting::store::{self as minting_store, Progress};
use minting::token::{Token, TokenId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ids::{InPath, Named};
use super::paging::{Listing, Page};
use super::reply::{Reply, is_held};
use crate::error::ApiError;
use crate::state::{App, AppState};
use crate::store;
use shape::Fate;
pub(crate) use shape::TokenView;

/// What the collection says of itself.
const COLLECTION: &str = "Colophon Prints";
/// And in a sentence.
const DESCRIPTION: &str = "Each token certifies one sheet of a limited-edition print: which edition, which \
                           impression, printed from which image. It is a certificate of that sheet and nothing else.";

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get_token))
        .routes(routes!(list_tokens))
        .routes(routes!(get_token_metadata))
        .routes(routes!(get_contract_metadata))
}

impl Named for TokenId {
    const NOUN: &'static str = "token";
    const PARAMETER: &'static str = "token_id";
}

async fn view(app: &App, tx: &mut catalog::db::Tx, token: &Token) -> Result<TokenView, ApiError> {
    let odd = |problem| catalog::db::DbError::inconsistent("tokens", token.token_id, problem);
    let impression = catalog_store::find_impression(tx, &token.impression_id).await?;
    let impression = impression.ok_or_else(|| odd("no sheet"))?;
    let void_key = format!("void:{}", token.token_id);
    let mut progress = minting_store::progress_of(tx, token).await?;
    if let (Progress::UnderReview, Some(void)) =
        (&progress, minting_store::progress_of_call(tx, &void_key).await?)
    {
        // Its mint was taken back: what is on its way is the tombstone.
        progress = void;
    }
    let void = minting_store::find_call(tx, &void_key).await?.map(|call| call.state);
    let successor = match token.token_id.next_issue() {
        Some(next) => minting_store::find_token(tx, next).await?,
        None => None,
    };
    let sale = store::find_sale_of_token(tx, token.token_id).await?;
    // The sale is that of its newest token; the claim's token is that one.
    let claim = match &sale {
        Some(sale) => Some(store::claim_of_sale(tx, &sale.sale_id).await?),
        None => None,
    };
    let now = app.clock.now();
    let fate = Fate::of(token, void.as_ref(), sale.as_ref(), claim.as_ref(), successor.as_ref(), now);
    Ok(TokenView::of(&app.home()?, token, &impression, &progress, fate))
}

/// One token: where it stands, how it gets or got on chain, and when it settles.
#[utoipa::path(
    get,
    path = "/v1/tokens/{token_id}",
    operation_id = "get_token",
    tag = "public",
    params(("token_id" = String, Path, description = "Plain decimal digits: `12017100`")),
    responses((status = 200, description = "The token", body = TokenView)),
)]
async fn get_token(
    State(state): State<AppState>,
    InPath(token_id): InPath<TokenId>,
) -> Result<Reply, ApiError> {
    let mut tx = state.db.begin_read().await?;
    let token = minting_store::find_token(&mut tx, token_id).await?;
    let token = token.ok_or_else(|| ApiError::no_such("token"))?;
    Reply::ok(&view(&state, &mut tx, &token).await?)
}

/// All tokens, in the order of their ids.
#[utoipa::path(
    get,
    path = "/v1/tokens",
    operation_id = "list_tokens",
    tag = "public",
    params(Page),
    responses((status = 200, description = "A piece of the list", body = Listing<TokenView>)),
)]
async fn list_tokens(State(state): State<AppState>, page: Page) -> Result<Reply, ApiError> {
    let after: Option<TokenId> = page.after()?;
    let mut tx = state.db.begin_read().await?;
    let tokens = minting_store::list_tokens(&mut tx, after, page.fetch_limit()).await?;
    let Listing { items, next_cursor } = page.listing(tokens, |token| token.token_id.to_string());
    let mut views = Vec::new();
    for token in &items {
        views.push(view(&state, &mut tx, token).await?);
    }
    Reply::ok(&Listing { items: views, next_cursor })
}

/// The metadata that the token's `tokenURI` names: canonical JSON, the same to the byte for ever.
#[utoipa::path(
    get,
    path = "/metadata/{file}",
    operation_id = "get_token_metadata",
    tag = "public",
    params(("file" = String, Path, description = "The token id and `.json`: `12017100.json`")),
    responses((status = 200, description = "ERC-721 metadata", content_type = "application/json",
        body = serde_json::Value)),
)]
async fn get_token_metadata(
    State(state): State<AppState>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let token_id = file.strip_suffix(".json").and_then(|id| id.parse::<TokenId>().ok());
    let token_id = token_id.ok_or_else(|| ApiError::no_such("token"))?;
    let mut tx = state.db.begin_read().await?;
    let token = minting_store::find_token(&mut tx, token_id).await?;
    let token = token.ok_or_else(|| ApiError::no_such("token"))?;
    Ok(public_json(token.metadata, &headers))
}

/// The collection's own metadata (ERC-7572).
#[utoipa::path(
    get,
    path = "/contract.json",
    operation_id = "get_contract_metadata",
    tag = "public",
    responses((status = 200, description = "ERC-7572 metadata", content_type = "application/json",
        body = serde_json::Value)),
)]
async fn get_contract_metadata(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let written = metadata::contract_metadata(&state.home()?, COLLECTION, DESCRIPTION, None);
    let written = written.map_err(|error| ApiError::internal("writing the contract's metadata", error))?;
    Ok(public_json(written.text, &headers))
}

/// A public JSON text that anyone may keep for a while, named by its digest.
fn public_json(text: String, request: &HeaderMap) -> Response {
    let etag = format!("\"{}\"", Sha256Digest::of(text.as_bytes()));
    let mut response =
        if is_held(request, &etag) { StatusCode::NOT_MODIFIED.into_response() } else { text.into_response() };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Wallets and marketplaces read it from their own pages.
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}
