//! Sending what is due. A delivery is leased, sent, and settled; whoever dies in between leaves it to the next one, under the
//! same id.

use std::collections::HashSet;
use std::time::Duration;

use catalog::crash_point;
use catalog::db::{DbError, Tx, retrying};
use catalog::journal::{self, Occasion};
use futures_util::future::join_all;
use reqwest::redirect::Policy;
use reqwest::{Client, header};
use tokio::task::JoinSet;

use super::delivery::{self, DeliveryState, Next, Outcome};
use super::endpoint::{DisabledReason, EndpointState, WebhookEndpoint, WebhookEndpointId};
use super::endpoint_url::EndpointUrl;
use super::events::{EndpointEvent, Happened, OutgoingEvent};
use super::resolver::{Guard, NotPublic};
use super::secret;
use crate::error::ApiError;
use crate::state::{App, AppState};
use crate::store::{self, TakenDelivery};

/// Deliveries that one process has under way to one endpoint.
const AT_ONCE: u32 = 8;
/// Pause between two looks for what is due.
const PAUSE: Duration = Duration::from_millis(500);
/// What a delivery may take beside the request itself, until another process may take it over.
const MARGIN: Duration = Duration::from_secs(1);
/// Why it changes anything.
const REASON: &str = "delivering events";

/// The client that reaches endpoints: by our own resolver, to nobody else, through no proxy.
pub fn client(guard: &Guard) -> Result<Client, reqwest::Error> {
    Client::builder()
        .dns_resolver(guard.clone())
        .redirect(Policy::none())
        // A proxy would resolve names by itself.
        .no_proxy()
        .referer(false)
        .user_agent(concat!("colophon/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Sends what is due, for one process.
#[derive(Clone)]
pub struct Courier {
    app: AppState,
    client: Client,
    /// Names this process in leases.
    holder: String,
}

/// A courier that cannot work.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client for webhooks could not be made")]
pub struct NoClient(#[from] reqwest::Error);

impl Courier {
    /// A courier for this process.
    pub fn new(app: AppState) -> Result<Self, NoClient> {
        let client = client(&app.outbox.guard)?;
        let holder = format!("{}-{}", std::process::id(), hex::encode(app.chance.bytes::<8>()));
        Ok(Self { app, client, holder })
    }

    /// Sends everything that is due now; gives how many attempts were made.
    pub async fn pass(&self) -> Result<usize, ApiError> {
        let due = self.due().await?;
        let rounds = join_all(due.iter().map(|endpoint| self.serve(endpoint))).await;
        rounds.into_iter().sum()
    }

    async fn due(&self) -> Result<Vec<WebhookEndpointId>, DbError> {
        let mut tx = self.app.db.begin_read().await?;
        store::list_due_endpoints(&mut tx, self.app.clock.now()).await
    }

    /// Sends what is due to one endpoint, a few at a time, until nothing is or it wants a pause.
    async fn serve(&self, id: &WebhookEndpointId) -> Result<usize, ApiError> {
        let mut attempts = 0;
        loop {
            let Some((endpoint, taken)) = self.take(id).await? else { return Ok(attempts) };
            let settled = join_all(taken.iter().map(|delivery| self.attempt(&endpoint, delivery))).await;
            attempts += settled.len();
            settled.into_iter().collect::<Result<(), _>>()?;
        }
    }

    async fn take(
        &self,
        id: &WebhookEndpointId,
    ) -> Result<Option<(WebhookEndpoint, Vec<TakenDelivery>)>, ApiError> {
        let app = &self.app;
        let lease = app.settings.outbox.timeout * 2 + MARGIN;
        retrying(|| async move {
            let now = app.clock.now();
            let mut tx = app.db.begin_write().await?;
            let endpoint = store::lock_endpoint(&mut tx, id).await?;
            let Some(endpoint) = endpoint.filter(|found| found.is_enabled() && found.paused_until <= now)
            else {
                return Ok(None);
            };
            let taken = store::take_deliveries(&mut tx, id, &self.holder, lease, now, AT_ONCE).await?;
            if taken.is_empty() {
                return Ok(None);
            }
            tx.commit().await?;
            crash_point!("deliver.taken");
            Ok(Some((endpoint, taken)))
        })
        .await
    }

    async fn attempt(&self, endpoint: &WebhookEndpoint, taken: &TakenDelivery) -> Result<(), ApiError> {
        let app = &self.app;
        let mut tx = app.db.begin_read().await?;
        let odd = || DbError::inconsistent("webhook_deliveries", &taken.id, "a delivery of no event");
        let event = store::find_event(&mut tx, taken.position).await?.ok_or_else(odd)?;
        let versions = store::valid_secrets(&mut tx, &endpoint.id, app.clock.now()).await?;
        drop(tx);
        let outcome = self.send(endpoint, &event, &versions).await?;
        crash_point!("deliver.answered");
        metrics::counter!("colophon_webhook_attempts_total", "outcome" => outcome.as_str()).increment(1);
        tracing::debug!(delivery = %taken.id, outcome = outcome.as_str(), status = outcome.status(), "delivery attempted");
        self.settle(taken, &endpoint.id, &event, outcome).await
    }

    /// Makes one attempt, bounded in time. Of the answer only the head is read.
    async fn send(
        &self,
        endpoint: &WebhookEndpoint,
        event: &OutgoingEvent,
        versions: &[u32],
    ) -> Result<Outcome, ApiError> {
        let app = &self.app;
        let settings = &app.settings.outbox;
        let Ok(url) = EndpointUrl::parse(&endpoint.url, settings.reach) else {
            return Ok(Outcome::AddressRefused);
        };
        if !app.outbox.guard.admits_literal(url.as_url()) {
            return Ok(Outcome::AddressRefused);
        }
        let now = app.clock.now();
        let body = event.body().map_err(|error| ApiError::internal("writing an event", error))?;
        let secrets: Vec<_> =
            versions.iter().map(|version| app.outbox.key.secret(&endpoint.id, *version)).collect();
        let signatures = secret::signatures(&secrets, event.event_id.as_str(), now, &body)
            .map_err(|error| ApiError::internal("signing an event", error))?;
        let request = self
            .client
            .post(url.as_url().clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", event.event_id.as_str())
            .header("webhook-timestamp", now.as_seconds())
            .header("webhook-signature", signatures)
            .body(body);
        Ok(match tokio::time::timeout(settings.timeout, request.send()).await {
            Err(_) => Outcome::TimedOut,
            Ok(Err(error)) if is_refused(&error) => Outcome::AddressRefused,
            Ok(Err(_)) => Outcome::Unreachable,
            Ok(Ok(answer)) => {
                let wish = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
                let retry_after = wish.and_then(|text| delivery::retry_after(text, now));
                Outcome::Answered { status: answer.status().as_u16(), retry_after }
            }
        })
    }

    /// Writes what came of an attempt, with all that follows from it.
    async fn settle(
        &self,
        taken: &TakenDelivery,
        id: &WebhookEndpointId,
        event: &OutgoingEvent,
        outcome: Outcome,
    ) -> Result<(), ApiError> {
        let app = &self.app;
        let occasion = &Occasion::by_service(app.clock.now(), REASON, app.chance.as_ref());
        let next = delivery::next(
            outcome,
            taken.attempt,
            &app.settings.outbox.schedule,
            occasion.at,
            app.chance.as_ref(),
        );
        retrying(|| async move {
            let mut tx = app.db.begin_write().await?;
            let endpoint = store::lock_endpoint(&mut tx, id).await?;
            let (state, again_at) = match next {
                Next::Delivered => (DeliveryState::Delivered, occasion.at),
                Next::Again { at, .. } => (DeliveryState::Waiting, at),
                Next::GiveUp | Next::Gone => (DeliveryState::GivenUp, occasion.at),
            };
            let ours = store::settle_delivery(
                &mut tx,
                &taken.id,
                &self.holder,
                state,
                again_at,
                outcome,
                occasion.at,
            )
            .await?;
            // Another process took it over, or the endpoint was removed meanwhile.
            if ours && let Some(endpoint) = endpoint {
                if next == Next::GiveUp {
                    tracing::error!(%id, event_id = %event.event_id, "a delivery was given up");
                    metrics::counter!("colophon_webhook_given_up_total").increment(1);
                    let happened = Happened::DeliveryGivenUp { event_id: event.event_id.clone() };
                    journal::append(&mut tx, occasion, &EndpointEvent::of(id, happened))?;
                }
                note(&mut tx, occasion, app, endpoint, next).await?;
            }
            crash_point!("deliver.settled");
            Ok(tx.commit().await?)
        })
        .await
    }
}

/// Writes how an endpoint stands after an attempt.
async fn note(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    app: &App,
    endpoint: WebhookEndpoint,
    next: Next,
) -> Result<(), DbError> {
    let now = occasion.at;
    let mut after = endpoint.clone();
    after.failing_since = (next != Next::Delivered).then_some(endpoint.failing_since.unwrap_or(now));
    if let Next::Again { paused_until: Some(until), .. } = next {
        after.paused_until = after.paused_until.max(until);
    }
    let failed_for = after.failing_since.map_or(Duration::ZERO, |since| now.since(since));
    if next == Next::Gone {
        return disable(tx, occasion, after, DisabledReason::Gone).await;
    }
    if failed_for >= app.settings.outbox.disable_after {
        return disable(tx, occasion, after, DisabledReason::Failing).await;
    }
    if after == endpoint { Ok(()) } else { store::update_endpoint(tx, &after, now).await }
}

/// Sends nothing more to an endpoint: what waits is given up.
pub(crate) async fn disable(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    endpoint: WebhookEndpoint,
    reason: DisabledReason,
) -> Result<(), DbError> {
    let id = endpoint.id.clone();
    let disabled = WebhookEndpoint { state: EndpointState::Disabled(reason), ..endpoint };
    store::update_endpoint(tx, &disabled, occasion.at).await?;
    let given_up = store::give_up_waiting(tx, &id, occasion.at).await?;
    if reason != DisabledReason::Requested {
        tracing::error!(%id, reason = reason.as_str(), given_up, "a webhook endpoint was disabled");
        metrics::counter!("colophon_webhook_endpoints_disabled_total", "reason" => reason.as_str())
            .increment(1);
    }
    let happened = Happened::Disabled { reason: reason.as_str() };
    journal::append(tx, occasion, &EndpointEvent::of(&id, happened))
}

/// Whether the guard let no connection be made.
fn is_refused(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if inner.is::<NotPublic>() {
            return true;
        }
        cause = inner.source();
    }
    false
}

/// Sends what is due as it becomes due. An endpoint that is slow holds up nothing but itself. Runs until it is dropped or
/// aborted.
pub async fn deliver_forever(courier: Courier) {
    let courier = std::sync::Arc::new(courier);
    let (mut busy, mut rounds) = (HashSet::new(), JoinSet::new());
    loop {
        match courier.due().await {
            Ok(due) => {
                for id in due {
                    if busy.insert(id.clone()) {
                        let courier = std::sync::Arc::clone(&courier);
                        rounds.spawn(async move {
                            let served = courier.serve(&id).await;
                            (id, served)
                        });
                    }
                }
            }
            Err(error) => {
                tracing::warn!(error = crate::error::chain(&error), "deliveries were not looked for");
            }
        }
        tokio::time::sleep(PAUSE).await;
        while let Some(done) = rounds.try_join_next() {
            match done {
                Ok((id, served)) => {
                    busy.remove(&id);
                    if let Err(error) = served {
                        tracing::warn!(%id, error = crate::error::chain(&error), "deliveries stopped half-way");
                    }
                }
                Err(error) => {
                    // Which one it was is not known any more: leases bound what that can lead to.
                    busy.clear();
                    tracing::error!(%error, "a round of deliveries ended badly");
                }
            }
        }
        courier.count_waiting().await;
    }
}

impl Courier {
    async fn count_waiting(&self) {
        let counted = async {
            let mut tx = self.app.db.begin_read().await?;
            store::count_waiting(&mut tx).await
        };
        if let Ok(waiting) = counted.await {
            #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
            metrics::gauge!("colophon_webhook_deliveries_waiting").set(waiting as f64);
        }
    }
}
