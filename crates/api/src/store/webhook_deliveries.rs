//! Table `webhook_deliveries`.

use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx, Value};
use catalog::ids::EventId;

use crate::outbox::delivery::{DeliveryState, Outcome, WebhookDeliveryId};
use crate::outbox::endpoint::WebhookEndpointId;

catalog::statements! {
    INSERT = "
        INSERT INTO webhook_deliveries (
            webhook_delivery_id,
            webhook_endpoint_id,
            position,
            stream,
            state,
            attempts,
            next_attempt_at,
            leased_until,
            created_at,
            updated_at
        ) VALUES ($1, $2, $3, $4, 'waiting', 0, $5, 0, $5, $5)
        ON CONFLICT (webhook_endpoint_id, position) DO NOTHING";
    REPLAY = "
        INSERT INTO webhook_deliveries (
            webhook_delivery_id,
            webhook_endpoint_id,
            position,
            stream,
            state,
            attempts,
            next_attempt_at,
            leased_until,
            created_at,
            updated_at
        ) VALUES ($1, $2, $3, $4, 'waiting', 0, $5, 0, $5, $5)
        ON CONFLICT (webhook_endpoint_id, position) DO UPDATE
        SET state = 'waiting',
            attempts = 0,
            next_attempt_at = excluded.next_attempt_at,
            updated_at = excluded.updated_at";
    // Of each stream the first alone. Two processes that take the same row at once: the second finds its lease taken.
    TAKE = "
        UPDATE webhook_deliveries
        SET lease_holder = $2,
            leased_until = $3,
            attempts = attempts + 1,
            last_attempt_at = $4
        WHERE webhook_delivery_id IN (
                SELECT webhook_delivery_id
                FROM webhook_deliveries AS due
                WHERE due.webhook_endpoint_id = $1
                  AND due.state = 'waiting'
                  AND due.next_attempt_at <= $4
                  AND due.leased_until < $5
                  AND NOT EXISTS (SELECT 1
                                  FROM webhook_deliveries AS earlier
                                  WHERE earlier.webhook_endpoint_id = due.webhook_endpoint_id
                                    AND earlier.stream = due.stream
                                    AND earlier.state = 'waiting'
                                    AND earlier.position < due.position)
                ORDER BY due.position
                LIMIT $6)
          AND state = 'waiting'
          AND leased_until < $5
        RETURNING webhook_delivery_id,
                  position,
                  attempts";
    SETTLE = "
        UPDATE webhook_deliveries
        SET state = $3,
            next_attempt_at = $4,
            leased_until = 0,
            lease_holder = NULL,
            last_outcome = $5,
            last_status = $6,
            updated_at = $7
        WHERE webhook_delivery_id = $1
          AND lease_holder = $2
          AND state = 'waiting'";
    // Whoever sends one at this moment finds it taken from him.
    GIVE_UP_WAITING = "
        UPDATE webhook_deliveries
        SET state = 'given_up',
            lease_holder = NULL,
            leased_until = 0,
            updated_at = $2
        WHERE webhook_endpoint_id = $1
          AND state = 'waiting'";
    COUNT_WAITING = "
        SELECT count(*)
        FROM webhook_deliveries
        WHERE state = 'waiting'";
    LIST = "
        SELECT webhook_delivery_id,
               webhook_deliveries.position,
               event_id,
               event_type,
               state,
               attempts,
               next_attempt_at,
               last_attempt_at,
               last_outcome,
               last_status
        FROM webhook_deliveries
        JOIN outgoing_events ON outgoing_events.position = webhook_deliveries.position
        WHERE webhook_endpoint_id = $1
          AND webhook_deliveries.position < $2
          AND (state = $3 OR $3 = '')
        ORDER BY webhook_deliveries.position DESC
        LIMIT $4";
}

/// A delivery that this process sends now.
#[derive(Debug, Clone)]
pub(crate) struct TakenDelivery {
    pub(crate) id: WebhookDeliveryId,
    /// The place of its event.
    pub(crate) position: i64,
    /// Which attempt this is, from 1.
    pub(crate) attempt: u32,
}

/// A delivery as it is listed.
#[derive(Debug, Clone)]
pub(crate) struct DeliveryRecord {
    pub(crate) id: WebhookDeliveryId,
    pub(crate) position: i64,
    pub(crate) event_id: EventId,
    pub(crate) event_type: String,
    pub(crate) state: DeliveryState,
    pub(crate) attempts: i64,
    pub(crate) next_attempt_at: Timestamp,
    pub(crate) last_attempt_at: Option<Timestamp>,
    pub(crate) last_outcome: Option<String>,
    pub(crate) last_status: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct TakenRow {
    webhook_delivery_id: String,
    position: i64,
    attempts: i64,
}

#[derive(sqlx::FromRow)]
struct DeliveryRow {
    webhook_delivery_id: String,
    position: i64,
    event_id: String,
    event_type: String,
    state: String,
    attempts: i64,
    next_attempt_at: i64,
    last_attempt_at: Option<i64>,
    last_outcome: Option<String>,
    last_status: Option<i64>,
}

impl TryFrom<DeliveryRow> for DeliveryRecord {
    type Error = DbError;

    fn try_from(row: DeliveryRow) -> Result<Self, Self::Error> {
        let odd = |problem: &dyn std::fmt::Display| {
            DbError::inconsistent("webhook_deliveries", &row.webhook_delivery_id, problem)
        };
        let last = row.last_attempt_at.map(Timestamp::from_micros).transpose();
        Ok(Self {
            id: row.webhook_delivery_id.parse().map_err(|e| odd(&e))?,
            position: row.position,
            event_id: row.event_id.parse().map_err(|e| odd(&e))?,
            state: DeliveryState::from_word(&row.state).ok_or_else(|| odd(&"unknown state"))?,
            attempts: row.attempts,
            next_attempt_at: Timestamp::from_micros(row.next_attempt_at).map_err(|e| odd(&e))?,
            last_attempt_at: last.map_err(|e| odd(&e))?,
            event_type: row.event_type.clone(),
            last_outcome: row.last_outcome.clone(),
            last_status: row.last_status,
        })
    }
}

fn new_values(
    id: &WebhookDeliveryId,
    endpoint: &WebhookEndpointId,
    position: i64,
    stream: &str,
    at: Timestamp,
) -> [Value; 5] {
    [id.into(), endpoint.into(), position.into(), stream.into(), at.into()]
}

/// Writes that an event goes to an endpoint; once.
pub(crate) async fn insert_delivery(
    tx: &mut Tx,
    id: &WebhookDeliveryId,
    endpoint: &WebhookEndpointId,
    position: i64,
    stream: &str,
    at: Timestamp,
) -> Result<(), DbError> {
    tx.execute(INSERT, &new_values(id, endpoint, position, stream, at)).await?;
    Ok(())
}

/// Writes that an event goes to an endpoint, once more if it went already.
pub(crate) async fn replay_delivery(
    tx: &mut Tx,
    id: &WebhookDeliveryId,
    endpoint: &WebhookEndpointId,
    position: i64,
    stream: &str,
    at: Timestamp,
) -> Result<(), DbError> {
    tx.execute(REPLAY, &new_values(id, endpoint, position, stream, at)).await?;
    Ok(())
}

/// Takes at most `limit` deliveries that are due for `holder`, until `leased_until` by the database's clock.
pub(crate) async fn take_deliveries(
    tx: &mut Tx,
    endpoint: &WebhookEndpointId,
    holder: &str,
    lease: std::time::Duration,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<TakenDelivery>, DbError> {
    let clock = tx.now().await?;
    let values =
        [endpoint.into(), holder.into(), clock.plus(lease).into(), now.into(), clock.into(), limit.into()];
    let rows: Vec<TakenRow> = tx.fetch_all(TAKE, &values).await?;
    let taken = rows.into_iter().map(|row| {
        let odd = |problem: &dyn std::fmt::Display| {
            DbError::inconsistent("webhook_deliveries", &row.webhook_delivery_id, problem)
        };
        let id = row.webhook_delivery_id.parse().map_err(|e| odd(&e))?;
        let attempt = row.attempts.try_into().map_err(|e| odd(&e))?;
        Ok(TakenDelivery { id, position: row.position, attempt })
    });
    taken.collect()
}

/// Writes what came of an attempt; tells whether the delivery was still `holder`'s.
pub(crate) async fn settle_delivery(
    tx: &mut Tx,
    id: &WebhookDeliveryId,
    holder: &str,
    state: DeliveryState,
    next_attempt_at: Timestamp,
    outcome: Outcome,
    at: Timestamp,
) -> Result<bool, DbError> {
    let values = [
        id.into(),
        holder.into(),
        state.as_str().into(),
        next_attempt_at.into(),
        outcome.as_str().into(),
        outcome.status().into(),
        at.into(),
    ];
    Ok(tx.execute(SETTLE, &values).await? == 1)
}

/// Gives up everything that waits for an endpoint; says how many.
pub(crate) async fn give_up_waiting(
    tx: &mut Tx,
    endpoint: &WebhookEndpointId,
    at: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(GIVE_UP_WAITING, &[endpoint.into(), at.into()]).await
}

/// How many deliveries wait.
pub(crate) async fn count_waiting(tx: &mut Tx) -> Result<i64, DbError> {
    let (count,): (i64,) = tx.fetch_one(COUNT_WAITING, &[]).await?;
    Ok(count)
}

/// The deliveries of an endpoint, the newest event first, before a place.
pub(crate) async fn list_deliveries(
    tx: &mut Tx,
    endpoint: &WebhookEndpointId,
    state: Option<DeliveryState>,
    before: i64,
    limit: u32,
) -> Result<Vec<DeliveryRecord>, DbError> {
    let state = state.map_or("", DeliveryState::as_str);
    let values = [endpoint.into(), before.into(), state.into(), limit.into()];
    let rows: Vec<DeliveryRow> = tx.fetch_all(LIST, &values).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}
