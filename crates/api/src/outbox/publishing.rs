//! From sealed rows of the journal to events as they go out, and to deliveries: an idempotent step without input.

use std::collections::HashMap;
use std::time::Duration;

use catalog::chance::Chance;
use catalog::clock::{Clock, Timestamp};
use catalog::crash_point;
use catalog::db::{Db, DbError, Tx, retrying};
use catalog::store::{self as catalog_store, SealedRow};
use minting::token::TokenId;
use serde_json::Value;

use super::delivery::WebhookDeliveryId;
use super::endpoint::WebhookEndpoint;
use super::event_type::{self, Audience, Outgoing, TESTED};
use super::events::{OutgoingEvent, Published};
use crate::chores;
use crate::state::AppState;
use crate::store;

/// Rows that one step takes at most: on `SQLite` writers wait for so many.
const BATCH: u32 = 200;
/// Pause between two steps that find nothing.
const PAUSE: Duration = Duration::from_millis(500);

/// Publishes what is sealed and has not gone out, at most one batch; gives how many rows.
pub async fn step(db: &Db, clock: &dyn Clock, chance: &dyn Chance) -> Result<usize, DbError> {
    let mut tx = db.begin_read().await?;
    let begun = store::find_outbox_head(&mut tx).await?;
    let rows = catalog_store::list_sealed(&mut tx, begun, BATCH).await?;
    let Some(last) = rows.last().map(|row| row.position) else { return Ok(0) };
    // What they are about stands in the books since they were written: nobody waits for these questions.
    let published = &read_out(&mut tx, &rows).await?;
    drop(tx);
    retrying(|| async move {
        let now = clock.now();
        let mut tx = db.begin_write().await?;
        if store::lock_outbox_head(&mut tx).await? != begun {
            // Another process was quicker.
            return Ok(0);
        }
        let endpoints = store::list_endpoints(&mut tx).await?;
        store::insert_events(&mut tx, published).await?;
        for Published { event, audience, .. } in published {
            for endpoint in endpoints.iter().filter(|endpoint| is_for(endpoint, event, *audience)) {
                let id = WebhookDeliveryId::generate(now, chance);
                store::insert_delivery(&mut tx, &id, &endpoint.id, event.position, &event.stream, now)
                    .await?;
            }
        }
        store::move_outbox_head(&mut tx, last).await?;
        crash_point!("events.publish");
        tx.commit().await?;
        crash_point!("events.publish.committed");
        Ok(published.len())
    })
    .await
}

/// Whether an endpoint is told of an event by itself.
fn is_for(endpoint: &WebhookEndpoint, event: &OutgoingEvent, audience: Audience) -> bool {
    endpoint.is_enabled()
        && may_read(endpoint, event, audience)
        // What happened before somebody wanted to be told is sent by replay alone.
        && event.occurred_at >= endpoint.created_at
}

/// Whether an endpoint may be told of an event at all.
pub(crate) fn may_read(endpoint: &WebhookEndpoint, event: &OutgoingEvent, audience: Audience) -> bool {
    audience == Audience::Shop
        && endpoint.subscription.includes(&event.event_type)
        && (event.event_type != TESTED || event.stream == endpoint.id.as_str())
}

/// The events of rows, as they go out.
async fn read_out(tx: &mut Tx, rows: &[SealedRow]) -> Result<Vec<Published>, DbError> {
    let facts = rows.iter().map(Facts::of).collect::<Result<Vec<_>, _>>()?;
    let unnamed = || facts.iter().filter(|facts| facts.text("sale_id").is_none());
    let claims = unnamed().filter_map(|facts| facts.text("claim_id")).collect();
    let tokens = unnamed().filter_map(|facts| facts.token_id.as_ref()?.parse::<TokenId>().ok()).collect();
    let claims = store::sales_of_claims(tx, &claims).await?;
    let mut tokens = store::sales_of_tokens(tx, &tokens).await?;
    let mut published = Vec::with_capacity(rows.len());
    for (sealed, facts) in rows.iter().zip(facts) {
        let sale_id = facts.sale_id(&claims, &tokens);
        let one = publish(sealed, facts, sale_id)?;
        if let Published { event, token_id: Some(token_id), .. } = &one
            && event_type::BINDS_A_TOKEN.contains(&event.event_type.as_str())
        {
            tokens.insert(token_id.clone(), event.stream.clone());
        }
        published.push(one);
    }
    Ok(published)
}

/// What a row tells of.
struct Facts {
    payload: Value,
    /// The token that it is about.
    token_id: Option<String>,
}

/// Sales, by the ids of what belongs to them.
type Sales = HashMap<String, String>;

impl Facts {
    fn of(sealed: &SealedRow) -> Result<Self, DbError> {
        let payload: Value = serde_json::from_str(&sealed.row.payload)
            .map_err(|problem| DbError::inconsistent("journal", sealed.row.sequence, problem))?;
        let facts = Self { payload, token_id: None };
        let of_call =
            || facts.text("business_key")?.split_once(':').filter(|(call, _)| *call != "open_edition");
        let token_id = facts.text("token_id").or_else(|| of_call().map(|(_, token_id)| token_id));
        let token_id = token_id.map(ToOwned::to_owned);
        Ok(Self { token_id, ..facts })
    }

    fn text(&self, field: &str) -> Option<&str> {
        self.payload.get(field).and_then(Value::as_str)
    }

    /// The sale that it is about.
    fn sale_id(&self, claims: &Sales, tokens: &Sales) -> Option<String> {
        if let Some(sale_id) = self.text("sale_id") {
            return Some(sale_id.to_owned());
        }
        let of_token = || tokens.get(self.token_id.as_deref()?);
        self.text("claim_id").map_or_else(of_token, |claim_id| claims.get(claim_id)).cloned()
    }
}

fn publish(sealed: &SealedRow, facts: Facts, sale_id: Option<String>) -> Result<Published, DbError> {
    let row = &sealed.row;
    let odd = |problem: &dyn std::fmt::Display| DbError::inconsistent("journal", row.sequence, problem);
    let Outgoing { event_type, audience, mut data } =
        event_type::outgoing(&row.kind, &row.subject, &facts.payload);
    if let Some(sale_id) = &sale_id {
        data.insert("sale_id".to_owned(), sale_id.as_str().into());
    }
    let event = OutgoingEvent {
        position: sealed.position,
        event_id: row.event_id.parse().map_err(|e| odd(&e))?,
        event_type: event_type.into_owned(),
        stream: sale_id.unwrap_or_else(|| row.subject.clone()),
        occurred_at: Timestamp::from_micros(row.occurred_at).map_err(|e| odd(&e))?,
        data,
    };
    Ok(Published { event, audience, token_id: facts.token_id })
}

/// Repeats the step. Runs until it is dropped or aborted.
pub async fn publish_forever(app: AppState) {
    let step = || step(&app.db, app.clock.as_ref(), app.chance.as_ref());
    chores::work_off("publishing", BATCH, PAUSE, step).await;
}
