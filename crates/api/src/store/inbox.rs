//! Table `inbox`.

mod plain;
mod row;

use catalog::clock::Timestamp;
use catalog::db::{DbError, Sql, Tx, Value};
use catalog::digest::Sha256Digest;

use self::row::{EntryRow, columns};
use crate::encryption::Encrypted;
use crate::feed::{ChannelName, Entry, EntryId, EntryState, Reason, Topic};

pub(super) use self::plain::STATEMENTS as PLAIN_STATEMENTS;
pub(crate) use self::plain::{encrypt_entry, list_plain_entries};

catalog::statements! {
    INSERT = "
        INSERT INTO inbox (
            entry_id,
            channel,
            topic,
            topic_told,
            version_told,
            origin,
            body_encrypted,
            body_mac,
            state,
            order_ref,
            business_key,
            tries,
            due_at,
            waits_from,
            received_at,
            updated_at
        ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting', $9, $10, 0, $11, $11, $11, $11)
        ON CONFLICT (channel, topic, body_mac) DO NOTHING";
    FIND_BODY = "
        SELECT entry_id
        FROM inbox
        WHERE channel = $1
          AND topic = $2
          AND body_mac = $3";
    NEXT_DUE = "
        SELECT due_at
        FROM inbox
        WHERE state = 'waiting'
        ORDER BY due_at, entry_id
        LIMIT 1";
    FIND = concat!("
        SELECT ", columns!(), "
        FROM inbox
        WHERE entry_id = $1");
    HOLD = "
        UPDATE inbox
        SET state = $2,
            reason = $3,
            reason_detail = $4,
            order_ref = $5,
            business_key = $6,
            tries = $7,
            due_at = $8,
            waits_from = $9,
            updated_at = $10
        WHERE entry_id = $1";
    // The text names the buyer: nobody needs it any more.
    CLOSE = "
        UPDATE inbox
        SET state = $2,
            reason = NULL,
            reason_detail = NULL,
            body_encrypted = NULL,
            order_ref = $3,
            business_key = $4,
            tries = $5,
            updated_at = $6
        WHERE entry_id = $1";
    RING_ORDER = "
        UPDATE inbox
        SET state = 'waiting',
            due_at = $3,
            waits_from = $3
        WHERE channel = $1
          AND order_ref = $2
          AND state IN ('waiting', 'parked')
          AND reason IN ('sale_missing', 'sale_event_early', 'carrier_missing')";
    RING_SKU = "
        UPDATE inbox
        SET state = 'waiting',
            due_at = $3,
            waits_from = $3
        WHERE channel = $1
          AND state = 'parked'
          AND reason = 'sku_unmapped'
          AND reason_detail = $2";
    LIST = concat!("
        SELECT ", columns!(), "
        FROM inbox
        WHERE state = $1
          AND entry_id > $2
        ORDER BY entry_id
        LIMIT $3");
    COUNT = "
        SELECT state,
               COUNT(*)
        FROM inbox
        WHERE state IN ('waiting', 'parked')
        GROUP BY state
        LIMIT 2";
    FIND_STATE_OF_KEY = "
        SELECT state
        FROM inbox
        WHERE channel = $1
          AND topic = $2
          AND business_key = $3
        ORDER BY CASE state WHEN 'parked' THEN 0 WHEN 'waiting' THEN 1 ELSE 2 END
        LIMIT 1";
    @locked {
        LOCK = concat!("
            SELECT ", columns!(), "
            FROM inbox
            WHERE entry_id = $1");
    }
}

/// The entry that is due longest, for this transaction alone: another process takes the next one.
pub(super) const TAKE: Sql = Sql {
    sqlite: concat!(
        "
        UPDATE inbox
        SET tries = tries + 1
        WHERE entry_id = (
            SELECT entry_id
            FROM inbox
            WHERE state = 'waiting'
              AND due_at <= $1
            ORDER BY due_at, entry_id
            LIMIT 1
        )
        RETURNING ",
        columns!()
    ),
    postgres: concat!(
        "
        UPDATE inbox
        SET tries = tries + 1
        WHERE entry_id = (
            SELECT entry_id
            FROM inbox
            WHERE state = 'waiting'
              AND due_at <= $1
            ORDER BY due_at, entry_id
            LIMIT 1
            FOR UPDATE SKIP LOCKED
        )
        RETURNING ",
        columns!()
    ),
};

/// Inserts a new entry. Tells whether it is new: the same bytes on the same topic are one entry, for ever.
pub async fn insert_entry(tx: &mut Tx, entry: &Entry) -> Result<bool, DbError> {
    let values = [
        (&entry.entry_id).into(),
        entry.channel.as_str().into(),
        entry.topic.as_str().into(),
        entry.topic_told.as_str().into(),
        entry.version_told.clone().into(),
        entry.origin.as_str().into(),
        entry.body.as_ref().map(Encrypted::as_str).into(),
        entry.body_mac.into(),
        entry.order_ref.clone().into(),
        entry.business_key.clone().into(),
        entry.received_at.into(),
    ];
    Ok(tx.execute(INSERT, &values).await? == 1)
}

/// Whether a body that is known by that digest is in the inbox, or was.
pub async fn is_known_body(
    tx: &mut Tx,
    channel: &ChannelName,
    topic: Topic,
    body_mac: Sha256Digest,
) -> Result<bool, DbError> {
    let values = [channel.as_str().into(), topic.as_str().into(), body_mac.into()];
    let row: Option<(String,)> = tx.fetch_optional(FIND_BODY, &values).await?;
    Ok(row.is_some())
}

/// When the next entry is due, or was.
pub async fn next_due(tx: &mut Tx) -> Result<Option<Timestamp>, DbError> {
    let row: Option<(i64,)> = tx.fetch_optional(NEXT_DUE, &[]).await?;
    let read = |(micros,)| {
        Timestamp::from_micros(micros).map_err(|problem| DbError::inconsistent("inbox", "due_at", problem))
    };
    row.map(read).transpose()
}

/// Takes the entry that is due longest at the moment `now`, locked until the transaction ends.
pub async fn take_due_entry(tx: &mut Tx, now: Timestamp) -> Result<Option<Entry>, DbError> {
    let row: Option<EntryRow> = tx.fetch_optional(TAKE, &[now.into()]).await?;
    row.map(TryInto::try_into).transpose()
}

/// The entry with that id, locked until the transaction ends.
pub async fn lock_entry(tx: &mut Tx, entry_id: &EntryId) -> Result<Option<Entry>, DbError> {
    let row: Option<EntryRow> = tx.fetch_optional(LOCK, &[entry_id.into()]).await?;
    row.map(TryInto::try_into).transpose()
}

/// The entry with that id.
pub async fn find_entry(tx: &mut Tx, entry_id: &EntryId) -> Result<Option<Entry>, DbError> {
    let row: Option<EntryRow> = tx.fetch_optional(FIND, &[entry_id.into()]).await?;
    row.map(TryInto::try_into).transpose()
}

/// Writes where an entry stands now, and what was read of it.
pub async fn update_entry(tx: &mut Tx, entry: &Entry, at: Timestamp) -> Result<(), DbError> {
    let (order_ref, business_key) = (Value::from(entry.order_ref.clone()), entry.business_key.clone().into());
    let tries = entry.tries.into();
    if !entry.state.is_open() {
        let state = entry.state.as_str().into();
        let values = [(&entry.entry_id).into(), state, order_ref, business_key, tries, at.into()];
        tx.execute(CLOSE, &values).await?;
        return Ok(());
    }
    let due_at = match entry.state {
        EntryState::Waiting { due_at, .. } => due_at,
        _ => at,
    };
    let reason = entry.state.reason();
    let values = [
        (&entry.entry_id).into(),
        entry.state.as_str().into(),
        reason.map(|reason| reason.code.as_ref()).into(),
        reason.map(|reason: &Reason| reason.detail.as_str()).into(),
        order_ref,
        business_key,
        tries,
        due_at.into(),
        entry.waits_from.into(),
        at.into(),
    ];
    tx.execute(HOLD, &values).await?;
    Ok(())
}

/// Makes what waits for the sales of an order due now, parked or not; says how many entries.
pub async fn ring_order(
    tx: &mut Tx,
    channel: &ChannelName,
    order_ref: &str,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(RING_ORDER, &[channel.as_str().into(), order_ref.into(), now.into()]).await
}

/// Makes what is parked for want of an article number due now; says how many entries.
pub async fn ring_sku(tx: &mut Tx, channel: &ChannelName, sku: &str, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(RING_SKU, &[channel.as_str().into(), sku.into(), now.into()]).await
}

/// At most `limit` entries in a state, oldest first, after `after`.
pub async fn list_entries(
    tx: &mut Tx,
    state: &str,
    after: Option<&EntryId>,
    limit: u32,
) -> Result<Vec<Entry>, DbError> {
    let values = [state.into(), after.map_or("", EntryId::as_str).into(), limit.into()];
    let rows: Vec<EntryRow> = tx.fetch_all(LIST, &values).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// How many entries wait, and how many are parked.
pub async fn count_open_entries(tx: &mut Tx) -> Result<(i64, i64), DbError> {
    let rows: Vec<(String, i64)> = tx.fetch_all(COUNT, &[]).await?;
    let of = |state: &str| rows.iter().find(|(name, _)| name == state).map_or(0, |(_, count)| *count);
    Ok((of("waiting"), of("parked")))
}

/// In which state an entry with that business key is, if there is one: parked before waiting before any other.
pub async fn find_state_of_key(
    tx: &mut Tx,
    channel: &ChannelName,
    topic: Topic,
    business_key: &str,
) -> Result<Option<String>, DbError> {
    let values = [channel.as_str().into(), topic.as_str().into(), business_key.into()];
    let row: Option<(String,)> = tx.fetch_optional(FIND_STATE_OF_KEY, &values).await?;
    Ok(row.map(|(state,)| state))
}
