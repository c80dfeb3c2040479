//! Table `outgoing_events`, and table `outbox_head`, how far the journal has gone out.

use std::collections::{BTreeSet, HashMap};

use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx, Value};

use minting::token::TokenId;

use crate::outbox::event_type::{Audience, BINDS_A_TOKEN};
use crate::outbox::events::{OutgoingEvent, Published};

catalog::statements! {
    FIND = "
        SELECT position,
               event_id,
               event_type,
               stream,
               occurred_at,
               data
        FROM outgoing_events
        WHERE position = $1";
    FIND_POSITION = "
        SELECT position
        FROM outgoing_events
        WHERE event_id = $1
          AND (audience = 'shop' OR $2 = 'auditor')";
    FIRST_POSITION_SINCE = "
        SELECT min(position)
        FROM outgoing_events
        WHERE occurred_at >= $1";
    LIST = "
        SELECT position,
               event_id,
               event_type,
               stream,
               occurred_at,
               data
        FROM outgoing_events
        WHERE position > $1
          AND (audience = 'shop' OR $2 = 'auditor')
          AND (event_type = $3 OR $3 = '')
          AND (stream = $4 OR $4 = '')
        ORDER BY position
        LIMIT $5";
    FIND_HEAD = "
        SELECT position
        FROM outbox_head
        WHERE outbox_head_id = 1";
    MOVE_HEAD = "
        UPDATE outbox_head
        SET position = $1
        WHERE outbox_head_id = 1";
    @locked {
        LOCK_HEAD = "
            SELECT position
            FROM outbox_head
            WHERE outbox_head_id = 1";
    }
    @rows {
        // A claim may have got another token since: what was told of this one comes first.
        SALES_OF_TOKENS = "
        SELECT item.value ->> 0 AS token_id,
               coalesce((SELECT stream
                         FROM outgoing_events
                         WHERE outgoing_events.token_id = item.value ->> 0
                           AND event_type IN ($2, $3)
                         ORDER BY position DESC
                         LIMIT 1),
                        (SELECT sale_id
                         FROM claims
                         WHERE claims.token_id = CAST(item.value ->> 0 AS BIGINT)))
        FROM", rows("$1"), "";
        SALES_OF_CLAIMS = "
        SELECT claims.claim_id,
               sale_id
        FROM", rows("$1"), "
        JOIN claims ON claims.claim_id = item.value ->> 0";
        INSERT = "
        INSERT INTO outgoing_events (
            position,
            event_id,
            event_type,
            audience,
            stream,
            token_id,
            occurred_at,
            data
        )
        SELECT CAST(item.value ->> 0 AS BIGINT),
               item.value ->> 1,
               item.value ->> 2,
               item.value ->> 3,
               item.value ->> 4,
               item.value ->> 5,
               CAST(item.value ->> 6 AS BIGINT),
               item.value ->> 7
        FROM", rows("$1"), "
        ORDER BY item.key";
    }
}

#[derive(sqlx::FromRow)]
struct EventRow {
    position: i64,
    event_id: String,
    event_type: String,
    stream: String,
    occurred_at: i64,
    data: String,
}

impl TryFrom<EventRow> for OutgoingEvent {
    type Error = DbError;

    fn try_from(row: EventRow) -> Result<Self, Self::Error> {
        let odd =
            |problem: &dyn std::fmt::Display| DbError::inconsistent("outgoing_events", row.position, problem);
        Ok(Self {
            position: row.position,
            event_id: row.event_id.parse().map_err(|e| odd(&e))?,
            occurred_at: Timestamp::from_micros(row.occurred_at).map_err(|e| odd(&e))?,
            data: serde_json::from_str(&row.data).map_err(|e| odd(&e))?,
            event_type: row.event_type,
            stream: row.stream,
        })
    }
}

/// Which events are asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EventFilter<'a> {
    /// Who asks.
    pub(crate) audience: Audience,
    /// Only of that type.
    pub(crate) event_type: Option<&'a str>,
    /// Only of that stream, which is the id of a sale where there is one.
    pub(crate) stream: Option<&'a str>,
}

/// Writes events as they go out.
pub(crate) async fn insert_events(tx: &mut Tx, published: &[Published]) -> Result<(), DbError> {
    let row = |Published { event, audience, token_id }: &Published| {
        let data = serde_json_canonicalizer::to_string(&event.data)
            .map_err(|problem| DbError::inconsistent("outgoing_events", event.position, problem))?;
        Ok((
            event.position,
            event.event_id.to_string(),
            event.event_type.clone(),
            audience.as_str(),
            event.stream.clone(),
            token_id.clone(),
            event.occurred_at.as_micros(),
            data,
        ))
    };
    let rows = published.iter().map(row).collect::<Result<Vec<_>, DbError>>()?;
    tx.execute(INSERT, &[Value::rows(&rows)?]).await?;
    Ok(())
}

/// Of which sales tokens are: by what was told when they were redeemed or issued again, else by their claims.
pub(crate) async fn sales_of_tokens(
    tx: &mut Tx,
    token_ids: &BTreeSet<TokenId>,
) -> Result<HashMap<String, String>, DbError> {
    let rows: Vec<_> = token_ids.iter().map(|id| (id.to_string(),)).collect();
    let [redeemed, reissued] = BINDS_A_TOKEN;
    let values = [Value::rows(&rows)?, redeemed.into(), reissued.into()];
    let found: Vec<(String, Option<String>)> = tx.fetch_all(SALES_OF_TOKENS, &values).await?;
    Ok(found.into_iter().filter_map(|(token_id, sale_id)| Some((token_id, sale_id?))).collect())
}

/// Of which sales claims are.
pub(crate) async fn sales_of_claims(
    tx: &mut Tx,
    claim_ids: &BTreeSet<&str>,
) -> Result<HashMap<String, String>, DbError> {
    let rows: Vec<_> = claim_ids.iter().map(|id| (id,)).collect();
    let found: Vec<(String, String)> = tx.fetch_all(SALES_OF_CLAIMS, &[Value::rows(&rows)?]).await?;
    Ok(found.into_iter().collect())
}

/// The event at a place.
pub(crate) async fn find_event(tx: &mut Tx, position: i64) -> Result<Option<OutgoingEvent>, DbError> {
    let row: Option<EventRow> = tx.fetch_optional(FIND, &[position.into()]).await?;
    row.map(TryInto::try_into).transpose()
}

/// The place of an event that `audience` may read.
pub(crate) async fn find_event_position(
    tx: &mut Tx,
    event_id: &str,
    audience: Audience,
) -> Result<Option<i64>, DbError> {
    let row: Option<(i64,)> =
        tx.fetch_optional(FIND_POSITION, &[event_id.into(), audience.as_str().into()]).await?;
    Ok(row.map(|(position,)| position))
}

/// The place of the first event of that moment or later.
pub(crate) async fn first_position_since(tx: &mut Tx, since: Timestamp) -> Result<Option<i64>, DbError> {
    let (position,): (Option<i64>,) = tx.fetch_one(FIRST_POSITION_SINCE, &[since.into()]).await?;
    Ok(position)
}

/// At most `limit` events after a place, in their order.
pub(crate) async fn list_events(
    tx: &mut Tx,
    filter: &EventFilter<'_>,
    after: i64,
    limit: u32,
) -> Result<Vec<OutgoingEvent>, DbError> {
    let values = [
        after.into(),
        filter.audience.as_str().into(),
        filter.event_type.unwrap_or_default().into(),
        filter.stream.unwrap_or_default().into(),
        limit.into(),
    ];
    let rows: Vec<EventRow> = tx.fetch_all(LIST, &values).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

fn there(row: Option<(i64,)>) -> Result<i64, DbError> {
    row.map(|(position,)| position).ok_or_else(|| DbError::inconsistent("outbox_head", 1, "not there"))
}

/// How far the journal has gone out.
pub(crate) async fn find_outbox_head(tx: &mut Tx) -> Result<i64, DbError> {
    there(tx.fetch_optional(FIND_HEAD, &[]).await?)
}

/// The same, held until the transaction ends.
pub(crate) async fn lock_outbox_head(tx: &mut Tx) -> Result<i64, DbError> {
    there(tx.fetch_optional(LOCK_HEAD, &[]).await?)
}

/// Writes how far it has gone out.
pub(crate) async fn move_outbox_head(tx: &mut Tx, position: i64) -> Result<(), DbError> {
    tx.execute(MOVE_HEAD, &[position.into()]).await?;
    Ok(())
}
