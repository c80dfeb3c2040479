//! `/v1/sales`: what the shop tells about its sales, and the codes for the cards in the boxes.

mod contact;
mod query;
mod shape;
mod telling;
mod told;

use axum::extract::State;
use axum::response::Response;
use catalog::crash_point;
use catalog::db::{DbError, Tx};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::query::SalesQuery;
pub(crate) use self::shape::SheetView;
use self::shape::{IssuedCode, SaleInput, SaleView, SalesRecorded};
use super::ids::{InPath, Named};
use super::paging::Listing;
use super::reply::Reply;
use crate::auth::{Shop, ShopOrAuditor};
use crate::contacting;
use crate::error::{ApiError, Problem};
use crate::idempotency::{self, KeyRequired};
use crate::json::{Json, NoBody};
use crate::sale::{Sale, SaleId};
use crate::selling::{self, Recorded};
use crate::state::{App, AppState};
use crate::{redeeming, store};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(record_sale, list_sales))
        .routes(routes!(get_sale))
        .routes(routes!(issue_claim_code))
        .merge(contact::routes())
        .merge(telling::routes())
}

impl Named for SaleId {
    const NOUN: &'static str = "sale";
    const PARAMETER: &'static str = "sale_id";
}

/// What the shop sees of a sale, with its sheet and its claim.
async fn view(app: &App, tx: &mut Tx, sale: &Sale) -> Result<SaleView, DbError> {
    let (_, impression) = redeeming::sheet_of(tx, sale).await?;
    let claim = store::claim_of_sale(tx, &sale.sale_id).await?;
    let claim = claim.expire_after(app.settings.claims.expire_after, app.clock.now());
    let policy = app.settings.policies.of(sale.sold_at);
    Ok(SaleView::of(sale, &impression, &claim, policy))
}

async fn views(app: &App, tx: &mut Tx, sales: &[Sale]) -> Result<Vec<SaleView>, DbError> {
    let mut views = Vec::with_capacity(sales.len());
    for sale in sales {
        views.push(view(app, tx, sale).await?);
    }
    Ok(views)
}

/// Records the sale of an order line: one sale for each unit, each with a sheet and a prepared claim; all or none.
/// The same line told again, with the same facts, gives the same sales: that never expires. A `contact` is kept for each
/// new sale and is none of its facts: told again with a known line it is passed over, whatever it says.
#[utoipa::path(
    post,
    path = "/v1/sales",
    operation_id = "record_sale",
    tag = "sales",
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible characters")),
    request_body = SaleInput,
    responses(
        (status = 201, description = "Recorded", body = SalesRecorded,
            headers(("Location" = String, description = "The path of the first sale"))),
        (status = 200, description = "In the books before, with the same facts", body = SalesRecorded),
        (status = 409, description = "`edition_not_published`, `edition_sold_out`, `impression_not_available`, \
            `sale_exists`, `request_in_flight`", body = Problem, content_type = "application/problem+json"),
    ),
    security(("api_key" = ["shop"])),
)]
async fn record_sale(
    State(state): State<AppState>,
    Shop(caller): Shop,
    KeyRequired(key): KeyRequired,
    Json { value: input, digest }: Json<SaleInput>,
) -> Result<Response, ApiError> {
    let (app, input, actor) = (&state, &input, &caller.actor());
    let digest = if input.names_buyer() { app.contact_key.request_digest(digest) } else { digest };
    idempotency::once(app, &caller, key, digest, |slot| async move {
        let occasion = app.occasion(actor.clone());
        let (line, contact) = (input.order_line(occasion.at)?, input.contact()?);
        let mut tx = app.db.begin_write().await?;
        let open_on = app.settings.policies.of(line.sold_at).open_on;
        let recorded = selling::record(&mut tx, &occasion, &line, open_on).await?;
        if let (Recorded::New(sales), Some(contact)) = (&recorded, &contact) {
            for sale in sales {
                contacting::keep(&mut tx, &occasion, &app.contact_key, &sale.sale_id, contact).await?;
            }
        }
        let (Recorded::New(sales) | Recorded::Known(sales)) = &recorded;
        let body = SalesRecorded { sales: views(app, &mut tx, sales).await? };
        let reply = match (&recorded, sales.first()) {
            (Recorded::New(_), Some(first)) => Reply::created(format!("/v1/sales/{}", first.sale_id), &body)?,
            _ => Reply::ok(&body)?,
        };
        let done = slot.complete(&mut tx, reply).await?;
        crash_point!("sale");
        tx.commit().await?;
        crash_point!("sale.committed");
        Ok(done)
    })
    .await
}

/// The sales in the order in which they were recorded, all or those of an edition or of one order of a channel.
#[utoipa::path(
    get,
    path = "/v1/sales",
    operation_id = "list_sales",
    tag = "sales",
    params(SalesQuery),
    responses((status = 200, description = "A piece of the list", body = Listing<SaleView>)),
    security(("api_key" = ["shop", "auditor"])),
)]
async fn list_sales(
    State(state): State<AppState>,
    _: ShopOrAuditor,
    SalesQuery { filter, page }: SalesQuery,
) -> Result<Reply, ApiError> {
    let after: Option<SaleId> = page.after()?;
    let mut tx = state.db.begin_read().await?;
    let sales = store::list_sales(&mut tx, &filter, after.as_ref(), page.fetch_limit()).await?;
    let Listing { items, next_cursor } = page.listing(sales, |sale| sale.sale_id.to_string());
    Reply::ok(&Listing { items: views(&state, &mut tx, &items).await?, next_cursor })
}

/// One sale.
#[utoipa::path(
    get,
    path = "/v1/sales/{sale_id}",
    operation_id = "get_sale",
    tag = "sales",
    params(("sale_id" = String, Path, description = "`sale_…`")),
    responses((status = 200, description = "The sale", body = SaleView)),
    security(("api_key" = ["shop", "auditor"])),
)]
async fn get_sale(
    State(state): State<AppState>,
    _: ShopOrAuditor,
    InPath(sale_id): InPath<SaleId>,
) -> Result<Reply, ApiError> {
    let mut tx = state.db.begin_read().await?;
    let sale = store::find_sale(&mut tx, &sale_id).await?.ok_or_else(selling::no_such_sale)?;
    Reply::ok(&view(&state, &mut tx, &sale).await?)
}

/// Makes the claim code for the card in the box. It is shown here once and kills any code made before.
#[utoipa::path(
    post,
    path = "/v1/sales/{sale_id}/claim/code",
    operation_id = "issue_claim_code",
    tag = "sales",
    params(
        ("sale_id" = String, Path, description = "`sale_…`"),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible characters"),
    ),
    responses(
        (status = 201, description = "The code; a replay does not show it again", body = IssuedCode,
            headers(("Location" = String, description = "The path of the sale"))),
        (status = 409, description = "`claim_redeemed`, `claim_void`", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = ["shop"])),
)]
async fn issue_claim_code(
    State(state): State<AppState>,
    Shop(caller): Shop,
    InPath(sale_id): InPath<SaleId>,
    KeyRequired(key): KeyRequired,
    NoBody(digest): NoBody,
) -> Result<Response, ApiError> {
    let (app, sale_id, actor) = (&state, &sale_id, &caller.actor());
    idempotency::once(app, &caller, key, digest, |slot| async move {
        let occasion = app.occasion(actor.clone());
        let (claims, pepper) = (&app.settings.claims, &app.claim_pepper);
        let mut tx = app.db.begin_write().await?;
        let (claim, code) = redeeming::issue_code(&mut tx, &occasion, sale_id, claims, pepper).await?;
        let location = format!("/v1/sales/{sale_id}");
        let reply = Reply::created(location, &IssuedCode::shown(&claim.claim_id, &code))?
            .keeping(&IssuedCode::withheld(&claim.claim_id))?;
        let done = slot.complete(&mut tx, reply).await?;
        crash_point!("code");
        tx.commit().await?;
        crash_point!("code.committed");
        Ok(done)
    })
    .await
}
