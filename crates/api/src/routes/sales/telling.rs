//! `/v1/sales/{sale_id}/…`: what happened to a sale. Told again it changes nothing; what cannot be is a 409 and changes
//! nothing either: `sale_event_early` when what comes before has not been told, else `sale_transition_invalid`. Nothing can be
//! told before the sale itself: it is named by the id that the answer to the sale gave.

use axum::extract::State;
use axum::response::Response;
use catalog::crash_point;
use catalog::digest::Sha256Digest;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::shape::SaleView;
use super::told::{
    CancelInput, DeliveryInput, DisputeInput, InspectionInput, LossInput, ReceiptInput, RefundInput,
    ReturnInput, ShipmentInput, Told,
};
use super::view;
use crate::auth::{Caller, Shop};
use crate::error::{ApiError, Problem};
use crate::idempotency::{self, KeyOptional, RequestKey};
use crate::json::Json;
use crate::routes::ids::InPath;
use crate::routes::reply::Reply;
use crate::sale::SaleId;
use crate::state::AppState;
use crate::telling;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(ship_sale))
        .routes(routes!(deliver_sale))
        .routes(routes!(cancel_sale))
        .routes(routes!(lose_sale))
        .routes(routes!(return_sale))
        .routes(routes!(receive_sale))
        .routes(routes!(inspect_sale))
        .routes(routes!(refund_sale))
        .routes(routes!(dispute_sale))
}

/// Takes in what is told, and answers with the sale as it stands then.
async fn take_in(
    app: &AppState,
    caller: &Caller,
    sale_id: &SaleId,
    key: RequestKey,
    digest: Sha256Digest,
    told: &(impl Told + Sync),
) -> Result<Response, ApiError> {
    let actor = &caller.actor();
    idempotency::once(app, caller, key, digest, |slot| async move {
        let occasion = app.occasion(actor.clone());
        let event = told.event(occasion.at)?;
        let home = app.home()?;
        let mut tx = app.db.begin_write().await?;
        let sale = telling::tell(&mut tx, &occasion, sale_id, &event, &app.terms(&home)).await?;
        let reply = Reply::ok(&view(app, &mut tx, &sale).await?)?;
        let done = slot.complete(&mut tx, reply).await?;
        crash_point!("tell");
        tx.commit().await?;
        crash_point!("tell.committed");
        app.wake.ring();
        Ok(done)
    })
    .await
}

/// Tells that the sheet left the house. `impression_id` names the sheet that was really packed: where it is not the
/// reserved one, the two are exchanged. The same shipment told again changes nothing.
#[utoipa::path(
    post,
    path = "/v1/sales/{sale_id}/shipment",
    operation_id = "ship_sale",
    tag = "sales",
    params(
        ("sale_id" = String, Path, description = "`sale_…`"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters"),
    ),
    request_body = ShipmentInput,
    responses(
        (status = 200, description = "The sale as it stands now", body = SaleView),
        (status = 409, description = "`sale_transition_invalid`, `impression_not_available`, `claim_redeemed`", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = ["shop"])),
)]
async fn ship_sale(
    State(state): State<AppState>,
    Shop(caller): Shop,
    InPath(sale_id): InPath<SaleId>,
    KeyOptional(key): KeyOptional,
    Json { value: told, digest }: Json<ShipmentInput>,
) -> Result<Response, ApiError> {
    take_in(&state, &caller, &sale_id, key, digest, &told).await
}

/// Tells that the sheet arrived. The first report stands.
#[utoipa::path(
    post,
    path = "/v1/sales/{sale_id}/delivery",
    operation_id = "deliver_sale",
    tag = "sales",
    params(
        ("sale_id" = String, Path, description = "`sale_…`"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters"),
    ),
    request_body = DeliveryInput,
    responses(
        (status = 200, description = "The sale as it stands now", body = SaleView),
        (status = 409, description = "`sale_event_early` (tell it again later), `sale_transition_invalid`", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = ["shop"])),
)]
async fn deliver_sale(
    State(state): State<AppState>,
    Shop(caller): Shop,
    InPath(sale_id): InPath<SaleId>,
    KeyOptional(key): KeyOptional,
    Json { value: told, digest }: Json<DeliveryInput>,
) -> Result<Response, ApiError> {
    take_in(&state, &caller, &sale_id, key, digest, &told).await
}

/// Tells that the order was canceled before shipment: the sheet is free for the next sale, once no token of it lives.
#[utoipa::path(
    post,
    path = "/v1/sales/{sale_id}/cancel",
    operation_id = "cancel_sale",
    tag = "sales",
    params(
        ("sale_id" = String, Path, description = "`sale_…`"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters"),
    ),
    request_body = CancelInput,
    responses(
        (status = 200, description = "The sale as it stands now", body = SaleView),
        (status = 409, description = "`sale_transition_invalid`", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = ["shop"])),
)]
async fn cancel_sale(
    State(state): State<AppState>,
    Shop(caller): Shop,
    InPath(sale_id): InPath<SaleId>,
    KeyOptional(key): KeyOptional,
    Json { value: told, digest }: Json<CancelInput>,
) -> Result<Response, ApiError> {
    take_in(&state, &caller, &sale_id, key, digest, &told).await
}

/// Tells that the carrier lost the sheet: claim and token are void.
#[utoipa::path(
    post,
    path = "/v1/sales/{sale_id}/lost",
    operation_id = "lose_sale",
    tag = "sales",
    params(
        ("sale_id" = String, Path, description = "`sale_…`"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters"),
    ),
    request_body = LossInput,
    responses(
        (status = 200, description = "The sale as it stands now", body = SaleView),
        (status = 409, description = "`sale_event_early` (tell it again later), `sale_transition_invalid`", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = ["shop"])),
)]
async fn lose_sale(
    State(state): State<AppState>,
    Shop(caller): Shop,
    InPath(sale_id): InPath<SaleId>,
    KeyOptional(key): KeyOptional,
    Json { value: told, digest }: Json<LossInput>,
) -> Result<Response, ApiError> {
    take_in(&state, &caller, &sale_id, key, digest, &told).await
}

/// Tells that the buyer wants to send the sheet back, or keeps it after all. The newest word stands.
#[utoipa::path(
    post,
    path = "/v1/sales/{sale_id}/return",
    operation_id = "return_sale",
    tag = "sales",
    params(
        ("sale_id" = String, Path, description = "`sale_…`"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters"),
    ),
    request_body = ReturnInput,
    responses(
        (status = 200, description = "The sale as it stands now", body = SaleView),
        (status = 409, description = "`sale_event_early` (tell it again later), `sale_transition_invalid`", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = ["shop"])),
)]
async fn return_sale(
    State(state): State<AppState>,
    Shop(caller): Shop,
    InPath(sale_id): InPath<SaleId>,
    KeyOptional(key): KeyOptional,
    Json { value: told, digest }: Json<ReturnInput>,
) -> Result<Response, ApiError> {
    take_in(&state, &caller, &sale_id, key, digest, &told).await
}

/// Tells that a parcel came back. The sheet is not free before somebody has looked at it.
#[utoipa::path(
    post,
    path = "/v1/sales/{sale_id}/receipt",
    operation_id = "receive_sale",
    tag = "sales",
    params(
        ("sale_id" = String, Path, description = "`sale_…`"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters"),
    ),
    request_body = ReceiptInput,
    responses(
        (status = 200, description = "The sale as it stands now", body = SaleView),
        (status = 409, description = "`sale_event_early` (tell it again later), `sale_transition_invalid`", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = ["shop"])),
)]
async fn receive_sale(
    State(state): State<AppState>,
    Shop(caller): Shop,
    InPath(sale_id): InPath<SaleId>,
    KeyOptional(key): KeyOptional,
    Json { value: told, digest }: Json<ReceiptInput>,
) -> Result<Response, ApiError> {
    take_in(&state, &caller, &sale_id, key, digest, &told).await
}

/// Tells what was found in it. The same sheet is free for the next sale once its token is void; any other finding
/// quarantines it.
#[utoipa::path(
    post,
    path = "/v1/sales/{sale_id}/inspection",
    operation_id = "inspect_sale",
    tag = "sales",
    params(
        ("sale_id" = String, Path, description = "`sale_…`"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters"),
    ),
    request_body = InspectionInput,
    responses(
        (status = 200, description = "The sale as it stands now", body = SaleView),
        (status = 409, description = "`sale_event_early` (tell it again later), `sale_transition_invalid`", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = ["shop"])),
)]
async fn inspect_sale(
    State(state): State<AppState>,
    Shop(caller): Shop,
    InPath(sale_id): InPath<SaleId>,
    KeyOptional(key): KeyOptional,
    Json { value: told, digest }: Json<InspectionInput>,
) -> Result<Response, ApiError> {
    take_in(&state, &caller, &sale_id, key, digest, &told).await
}

/// Tells that money went back. `sale` voids claim and token and never moves the sheet; `amount_only` changes neither.
#[utoipa::path(
    post,
    path = "/v1/sales/{sale_id}/refund",
    operation_id = "refund_sale",
    tag = "sales",
    params(
        ("sale_id" = String, Path, description = "`sale_…`"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters"),
    ),
    request_body = RefundInput,
    responses(
        (status = 200, description = "The sale as it stands now", body = SaleView),
        (status = 409, description = "`refund_exists`, `refund_amount_invalid`", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = ["shop"])),
)]
async fn refund_sale(
    State(state): State<AppState>,
    Shop(caller): Shop,
    InPath(sale_id): InPath<SaleId>,
    KeyOptional(key): KeyOptional,
    Json { value: told, digest }: Json<RefundInput>,
) -> Result<Response, ApiError> {
    take_in(&state, &caller, &sale_id, key, digest, &told).await
}

/// Tells a word of the buyer's bank. A lost dispute voids claim and token; the newest word stands.
#[utoipa::path(
    post,
    path = "/v1/sales/{sale_id}/dispute",
    operation_id = "dispute_sale",
    tag = "sales",
    params(
        ("sale_id" = String, Path, description = "`sale_…`"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters"),
    ),
    request_body = DisputeInput,
    responses(
        (status = 200, description = "The sale as it stands now", body = SaleView),
        (status = 409, description = "`sale_transition_invalid`", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = ["shop"])),
)]
async fn dispute_sale(
    State(state): State<AppState>,
    Shop(caller): Shop,
    InPath(sale_id): InPath<SaleId>,
    KeyOptional(key): KeyOptional,
    Json { value: told, digest }: Json<DisputeInput>,
) -> Result<Response, ApiError> {
    take_in(&state, &caller, &sale_id, key, digest, &told).await
}
