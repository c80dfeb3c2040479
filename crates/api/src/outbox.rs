//! Events out: what the journal says is told to others, in the sealed order, by Standard Webhooks
//! (<https://www.standardwebhooks.com>) and by `GET /v1/events`.
//!
//! The journal is the outbox: its rows are written in the transaction of the change, so no change can forget its event. A
//! step ([`publishing`]) turns sealed rows into events as the outside may see them ([`event_type`] says what that is) and into
//! deliveries; another ([`courier`]) sends what is due.
//!
//! *Invariant: one id.* An event has the id of its row in the journal, in every attempt and in every replay.
//!
//! *Invariant: in order.* Of the events of one sale, none is sent to an endpoint before the one before it was delivered or
//! given up.
//!
//! *Invariant: outwards only.* No connection is made to an address that is not public: names are resolved by us, and what was
//! checked is what is connected to ([`public_address`], [`resolver`]).

pub mod courier;
pub mod delivery;
pub mod endpoint;
pub mod endpoint_url;
pub mod event_type;
pub mod events;
pub mod public_address;
pub mod publishing;
pub mod resolver;
pub mod secret;
