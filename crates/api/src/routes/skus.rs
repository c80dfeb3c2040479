//! `/v1/channels/{channel}/skus`: which edition a shop sells under which article number.

use std::str::FromStr;

use axum::extract::State;
use catalog::clock::Timestamp;
use catalog::db::retrying;
use catalog::ids::EditionId;
use catalog::invalid::InvalidField;
use catalog::journal;
use catalog::store as catalog_store;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ids::{InPath, Named};
use super::paging::{Listing, Page};
use super::reply::Reply;
use crate::auth::{Shop, ShopOrAuditor};
use crate::error::ApiError;
use crate::feed::{ChannelName, InboxEvent};
use crate::json::Json;
use crate::sale::Reference;
use crate::selling::edition_unknown;
use crate::state::{App, AppState};
use crate::store::{self, Sku};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_skus)).routes(routes!(set_sku))
}

/// An article number in a path.
#[derive(Debug, Clone)]
struct SkuName(Reference);

impl FromStr for SkuName {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        Reference::parse("sku", text).map(Self)
    }
}

impl Named for SkuName {
    const NOUN: &'static str = "article number";
    const PARAMETER: &'static str = "sku";
}

/// What a shop sells under an article number.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SkuInput {
    /// The edition; null says that the article is no print, and orders of it ask for nothing.
    #[schema(required = true)]
    edition_id: Option<String>,
}

/// What a shop sells under an article number.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SkuView {
    /// The article number; `variant:…` for an article that has none, `custom` for what stands in no catalog.
    #[schema(example = "WAVE-01")]
    sku: String,
    /// The edition; null: the article is no print.
    #[schema(required = true)]
    edition_id: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl SkuView {
    fn of(sku: Sku) -> Self {
        let edition_id = sku.edition_id.map(|edition| edition.to_string());
        Self { sku: sku.sku, edition_id, updated_at: sku.updated_at }
    }
}

fn check_channel(app: &App, channel: &ChannelName) -> Result<(), ApiError> {
    app.channels.find(channel).map(|_| ()).ok_or_else(|| ApiError::no_such("channel"))
}

/// Says which edition a shop sells under an article number from now on, or that the article is no print. Orders that
/// were parked because nobody had said so are taken in then.
#[utoipa::path(
    put,
    path = "/v1/channels/{channel}/skus/{sku}",
    operation_id = "set_sku",
    tag = "feeds",
    params(
        ("channel" = String, Path, description = "The shop, as the settings name it"),
        ("sku" = String, Path, description = "The article number, percent-encoded"),
    ),
    request_body = SkuInput,
    responses((status = 200, description = "So it is from now on", body = SkuView)),
    security(("api_key" = ["shop"])),
)]
async fn set_sku(
    State(state): State<AppState>,
    Shop(caller): Shop,
    InPath(channel): InPath<ChannelName>,
    InPath(SkuName(sku)): InPath<SkuName>,
    Json { value: input, .. }: Json<SkuInput>,
) -> Result<Reply, ApiError> {
    check_channel(&state, &channel)?;
    let edition_id: Option<EditionId> =
        input.edition_id.map(|text| text.parse().map_err(|_| edition_unknown())).transpose()?;
    let (app, channel, sku, edition_id, actor) = (&state, &channel, &sku, &edition_id, &caller.actor());
    retrying(|| async move {
        let occasion = app.occasion(actor.clone());
        let mut tx = app.db.begin_write().await?;
        if let Some(edition_id) = edition_id {
            catalog_store::find_edition(&mut tx, edition_id).await?.ok_or_else(edition_unknown)?;
        }
        let known = store::find_sku(&mut tx, channel, sku.as_str()).await?;
        if let Some(known) = known.filter(|known| known.edition_id == *edition_id) {
            return Reply::ok(&SkuView::of(known));
        }
        store::set_sku(&mut tx, channel, sku.as_str(), edition_id.as_ref(), occasion.at).await?;
        store::ring_sku(&mut tx, channel, sku.as_str(), occasion.at).await?;
        let event = InboxEvent::SkuMapped {
            channel: channel.clone(),
            sku: sku.as_str().to_owned(),
            edition_id: edition_id.clone(),
        };
        journal::append(&mut tx, &occasion, &event)?;
        tx.commit().await?;
        app.inbox_bell.notify_one();
        Reply::ok(&SkuView::of(Sku {
            sku: sku.as_str().to_owned(),
            edition_id: edition_id.clone(),
            updated_at: occasion.at,
        }))
    })
    .await
}

/// What a shop sells under its article numbers, in their order.
#[utoipa::path(
    get,
    path = "/v1/channels/{channel}/skus",
    operation_id = "list_skus",
    tag = "feeds",
    params(("channel" = String, Path, description = "The shop, as the settings name it"), Page),
    responses((status = 200, description = "A piece of the list", body = Listing<SkuView>)),
    security(("api_key" = ["shop", "auditor"])),
)]
async fn list_skus(
    State(state): State<AppState>,
    _: ShopOrAuditor,
    InPath(channel): InPath<ChannelName>,
    page: Page,
) -> Result<Reply, ApiError> {
    check_channel(&state, &channel)?;
    let after: Option<String> = page.after()?;
    let mut tx = state.db.begin_read().await?;
    let after = after.unwrap_or_default();
    let skus = store::list_skus(&mut tx, &channel, &after, page.fetch_limit()).await?;
    let Listing { items, next_cursor } = page.listing(skus, |sku| sku.sku.clone());
    Reply::ok(&Listing { items: items.into_iter().map(SkuView::of).collect(), next_cursor })
}
