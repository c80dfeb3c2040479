//! What a shop's webhooks lost: its orders, read from its platform's own API, beside what the books and the inbox have.
//! What neither of them has is put into the inbox as if it had come by webhook, and is taken in from there. So it does not
//! matter how often this runs, nor what comes meanwhile.

mod orders_api;

use catalog::chance::Chance;
use catalog::clock::{Clock, Timestamp};
use catalog::db::{Db, DbError, Tx, retrying};
use serde::Serialize;
use serde_json::Value;

use self::orders_api::OrdersApi;
use crate::config::Settings;
use crate::encryption::{ContactKey, NotEncrypted};
use crate::feed::channel::OrdersDoor;
use crate::feed::{ChannelError, ChannelName, EncryptedBody, Entry, EntryId, Origin, Topic, shopify};
use crate::store;

pub use orders_api::OrdersApiError;

const DAY: std::time::Duration = std::time::Duration::from_hours(24);

/// Why a shop's orders could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// The channel cannot be used.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// No channel says how its orders are read.
    #[error("no channel in the settings has an `access_token`")]
    NoChannel,
    /// The shop's API.
    #[error("the orders of the channel `{channel}` could not be read")]
    Api {
        /// Which channel.
        channel: ChannelName,
        /// Why not.
        #[source]
        source: OrdersApiError,
    },
    /// What a shop tells could not be encrypted.
    #[error(transparent)]
    Encrypt(#[from] NotEncrypted),
    /// The database failed.
    #[error("the books could not be used")]
    Db(#[from] DbError),
}

impl catalog::db::Retryable for RecoveryError {
    fn is_passing_conflict(&self) -> bool {
        matches!(self, Self::Db(error) if error.is_passing_conflict())
    }
}

/// What was found in a shop.
#[derive(Debug, Serialize)]
pub struct Recovery {
    /// The shop.
    pub channel: ChannelName,
    /// Orders and disputes that were read.
    pub read: usize,
    /// What they tell, each order's cancellation, parcels and refunds counted for themselves.
    pub told: usize,
    /// What of it had been lost and is in the inbox now.
    pub lost: Vec<Lost>,
    /// What waits in the inbox.
    pub waiting: usize,
    /// What is parked there for review, or was dismissed.
    pub parked: usize,
}

/// Something that webhooks lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// What it is about.
    pub topic: &'static str,
    /// The platform's name for it.
    pub business_key: String,
}

impl Recovery {
    /// Whether webhooks had lost something.
    #[must_use]
    pub fn found_something(&self) -> bool {
        !self.lost.is_empty()
    }
}

/// The hand that compares shops with the books.
#[derive(Debug)]
pub struct LostOrders<'a> {
    /// Which shops there are.
    pub settings: &'a Settings,
    /// Books and inbox.
    pub db: &'a Db,
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Gives random bytes.
    pub chance: &'a dyn Chance,
    /// Encrypts what goes into the inbox.
    pub key: &'a ContactKey,
}

impl LostOrders<'_> {
    /// Compares the orders of a channel, or of every channel that says how to read them, of the last `days`.
    pub async fn recover(
        &self,
        channel: Option<&ChannelName>,
        days: u16,
    ) -> Result<Vec<Recovery>, RecoveryError> {
        let channels = &self.settings.channels;
        let readable = channels.values().filter(|channel| channel.access_token.is_some());
        let names: Vec<_> = match channel {
            Some(name) => vec![name],
            None => readable.map(|channel| &channel.name).collect(),
        };
        let doors = names.into_iter().map(|name| OrdersDoor::open(self.settings, name));
        let doors = doors.collect::<Result<Vec<_>, _>>()?;
        if doors.is_empty() {
            return Err(RecoveryError::NoChannel);
        }
        let since = self.clock.now().minus(DAY * u32::from(days));
        let mut found = Vec::with_capacity(doors.len());
        for door in doors {
            found.push(self.recover_channel(door, since).await?);
        }
        Ok(found)
    }

    async fn recover_channel(&self, door: OrdersDoor, since: Timestamp) -> Result<Recovery, RecoveryError> {
        let channel = door.name.clone();
        let api = |source| RecoveryError::Api { channel: channel.clone(), source };
        let mut orders = OrdersApi::open(door).map_err(api)?;
        let mut found =
            Recovery { channel: channel.clone(), read: 0, told: 0, lost: Vec::new(), waiting: 0, parked: 0 };
        orders.list_orders(since);
        while let Some(page) = orders.next_page("orders").await.map_err(api)? {
            found.read += page.len();
            self.compare(&mut found, page.into_iter().flat_map(what_an_order_tells).collect()).await?;
        }
        orders.list_disputes();
        while let Some(page) = orders.next_page("disputes").await.map_err(api)? {
            found.read += page.len();
            let told = page.into_iter().map(|dispute| (Topic::Dispute, dispute));
            self.compare(&mut found, told.collect()).await?;
        }
        Ok(found)
    }

    async fn compare(&self, found: &mut Recovery, told: Vec<(Topic, Value)>) -> Result<(), RecoveryError> {
        for (topic, body) in told {
            let body = body.to_string().into_bytes();
            let (channel, told) = (&found.channel, &(topic, body));
            let standing = retrying(|| self.compare_one(channel, told)).await?;
            found.told += usize::from(!matches!(standing, Standing::Nothing));
            match standing {
                Standing::Nothing | Standing::Known => {}
                Standing::Waiting => found.waiting += 1,
                Standing::Parked => found.parked += 1,
                Standing::Lost(lost) => found.lost.push(lost),
            }
        }
        Ok(())
    }

    /// Looks for one thing that the shop tells, and puts it into the inbox if nobody has it.
    async fn compare_one(
        &self,
        channel: &ChannelName,
        (topic, body): &(Topic, Vec<u8>),
    ) -> Result<Standing, RecoveryError> {
        let message = shopify::read(*topic, body);
        if message.as_ref().is_ok_and(|message| !message.has_consequence()) {
            return Ok(Standing::Nothing);
        }
        let now = self.clock.now();
        let mut tx = self.db.begin_write().await?;
        let names = message.ok().map(|message| (message.order().to_string(), message.business_key()));
        if let Some((_, key)) = &names
            && let Some(standing) = known_standing(&mut tx, channel, *topic, key).await?
        {
            return Ok(standing);
        }
        let entry_id = EntryId::generate(now, self.chance);
        let encrypted = EncryptedBody::encrypt(self.key, &entry_id, body, self.chance)?;
        let (order_ref, business_key) = names.unzip();
        let entry = Entry {
            order_ref,
            business_key: business_key.clone(),
            ..Entry::new(entry_id, channel.clone(), *topic, Origin::Reconcile, encrypted, now)
        };
        if !store::insert_entry(&mut tx, &entry).await? {
            // The very same text is there already: what could not be read was parked before.
            return Ok(Standing::Parked);
        }
        tx.commit().await?;
        let business_key = business_key.unwrap_or_else(|| "unreadable".to_owned());
        Ok(Standing::Lost(Lost { topic: topic.as_str(), business_key }))
    }
}

enum Standing {
    /// It asks for nothing.
    Nothing,
    /// It had its effect.
    Known,
    /// It is in the inbox.
    Waiting,
    /// A person must look at it, or has looked.
    Parked,
    /// Neither books nor inbox had it. The inbox has it now.
    Lost(Lost),
}

async fn known_standing(
    tx: &mut Tx,
    channel: &ChannelName,
    topic: Topic,
    key: &str,
) -> Result<Option<Standing>, DbError> {
    if store::find_feed_effect(tx, channel, topic, key).await?.is_some() {
        return Ok(Some(Standing::Known));
    }
    let state = store::find_state_of_key(tx, channel, topic, key).await?;
    Ok(state.map(|state| match state.as_str() {
        "waiting" => Standing::Waiting,
        "done" => Standing::Known,
        _ => Standing::Parked,
    }))
}

/// What an order of the platform's API tells, as its webhooks would have: that it was paid, its parcels, its refunds, its
/// cancellation.
fn what_an_order_tells(order: Value) -> Vec<(Topic, Value)> {
    let id = order["id"].clone();
    let parts = |field: &str, topic: Topic| {
        let id = id.clone();
        let all = order[field].as_array().cloned().unwrap_or_default();
        all.into_iter().map(move |mut part| {
            if let Some(part) = part.as_object_mut() {
                part.entry("order_id").or_insert_with(|| id.clone());
            }
            (topic, part)
        })
    };
    let parcels = parts("fulfillments", Topic::Shipment);
    let refunds = parts("refunds", Topic::Refund);
    let canceled = Some(&order["cancelled_at"]).filter(|at| !at.is_null());
    let canceled = canceled.map(|_| (Topic::Cancellation, order.clone()));
    std::iter::once((Topic::Order, order.clone())).chain(parcels).chain(refunds).chain(canceled).collect()
}
