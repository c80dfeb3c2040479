//! `/v1/sales/{sale_id}/contact`: how the buyer of a sale is reached. The shop's alone: no other answer of the API holds
//! it, and auditors read that it was recorded, changed or erased, never what it says.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use catalog::clock::Timestamp;
use catalog::db::retrying;
use catalog::invalid::InvalidField;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Shop;
use crate::contact::{Contact, FieldNames};
use crate::contacting::{self, KeptContact};
use crate::error::{ApiError, Problem};
use crate::json::Json;
use crate::routes::ids::InPath;
use crate::routes::reply::Reply;
use crate::sale::SaleId;
use crate::selling::no_such_sale;
use crate::state::AppState;
use crate::store;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_sale_contact, set_sale_contact, erase_sale_contact))
}

/// How a buyer is reached: at least one of the three. Its `Debug` hides them.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContactInput {
    /// One line of 1 to 200 characters.
    #[serde(default)]
    #[schema(example = "吉田 千代")]
    name: Option<String>,
    /// A mail address of at most 254 characters.
    #[serde(default)]
    #[schema(example = "chiyo@example.com")]
    email: Option<String>,
    /// A telephone number of at most 40 characters.
    #[serde(default)]
    #[schema(example = "+81 3 5555 0100")]
    phone: Option<String>,
}

impl std::fmt::Debug for ContactInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ContactInput(…)")
    }
}

impl ContactInput {
    pub(super) fn contact(&self, fields: &FieldNames) -> Result<Contact, InvalidField> {
        Contact::parse(self.name.as_deref(), self.email.as_deref(), self.phone.as_deref(), fields)
    }
}

/// How the buyer of a sale is reached.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContactView {
    #[schema(required = true)]
    name: Option<String>,
    #[schema(required = true)]
    email: Option<String>,
    #[schema(required = true)]
    phone: Option<String>,
    /// When the sale got a contact.
    #[schema(value_type = String, format = DateTime)]
    recorded_at: Timestamp,
    /// When it became this one.
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
}

impl ContactView {
    fn of(kept: &KeptContact) -> Self {
        let text = |part: Option<&str>| part.map(ToOwned::to_owned);
        Self {
            name: text(kept.contact.name()),
            email: text(kept.contact.email()),
            phone: text(kept.contact.phone()),
            recorded_at: kept.recorded_at,
            changed_at: kept.changed_at,
        }
    }
}

fn no_contact() -> ApiError {
    ApiError::NotFound { code: "contact_not_found", detail: "the sale has no contact".into() }
}

/// How the buyer of a sale is reached.
#[utoipa::path(
    get,
    path = "/v1/sales/{sale_id}/contact",
    operation_id = "get_sale_contact",
    tag = "sales",
    params(("sale_id" = String, Path, description = "`sale_…`")),
    responses(
        (status = 200, description = "The contact", body = ContactView),
        (status = 404, description = "`contact_not_found`: the sale has none; `not_found`: there is no such sale",
            body = Problem, content_type = "application/problem+json"),
    ),
    security(("api_key" = ["shop"])),
)]
async fn get_sale_contact(
    State(state): State<AppState>,
    _: Shop,
    InPath(sale_id): InPath<SaleId>,
) -> Result<Reply, ApiError> {
    let mut tx = state.db.begin_read().await?;
    store::find_sale(&mut tx, &sale_id).await?.ok_or_else(no_such_sale)?;
    let kept = contacting::find(&mut tx, &state.contact_key, &sale_id).await?.ok_or_else(no_contact)?;
    Reply::ok(&ContactView::of(&kept))
}

/// Says how the buyer of a sale is reached from now on; what is not given is not kept. The same told again changes
/// nothing.
#[utoipa::path(
    put,
    path = "/v1/sales/{sale_id}/contact",
    operation_id = "set_sale_contact",
    tag = "sales",
    params(("sale_id" = String, Path, description = "`sale_…`")),
    request_body = ContactInput,
    responses((status = 200, description = "So it is from now on", body = ContactView)),
    security(("api_key" = ["shop"])),
)]
async fn set_sale_contact(
    State(state): State<AppState>,
    Shop(caller): Shop,
    InPath(sale_id): InPath<SaleId>,
    Json { value: input, .. }: Json<ContactInput>,
) -> Result<Reply, ApiError> {
    let contact = input.contact(&FieldNames::ALONE)?;
    let (app, sale_id, contact, actor) = (&state, &sale_id, &contact, &caller.actor());
    retrying(|| async move {
        let occasion = app.occasion(actor.clone());
        let mut tx = app.db.begin_write().await?;
        let kept = contacting::keep(&mut tx, &occasion, &app.contact_key, sale_id, contact).await?;
        tx.commit().await?;
        Reply::ok(&ContactView::of(&kept))
    })
    .await
}

/// Erases how the buyer of a sale is reached. Sale, claim and token go on as they are. Where there is nothing to erase,
/// nothing changes.
#[utoipa::path(
    delete,
    path = "/v1/sales/{sale_id}/contact",
    operation_id = "erase_sale_contact",
    tag = "sales",
    params(("sale_id" = String, Path, description = "`sale_…`")),
    responses((status = 204, description = "The sale has no contact any more")),
    security(("api_key" = ["shop"])),
)]
async fn erase_sale_contact(
    State(state): State<AppState>,
    Shop(caller): Shop,
    InPath(sale_id): InPath<SaleId>,
) -> Result<Response, ApiError> {
    let (app, sale_id, actor) = (&state, &sale_id, &caller.actor());
    retrying(|| async move {
        let occasion = app.occasion(actor.clone());
        let mut tx = app.db.begin_write().await?;
        contacting::erase(&mut tx, &occasion, sale_id).await?;
        tx.commit().await?;
        Ok::<_, ApiError>(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
