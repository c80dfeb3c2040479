//! Order feeds: what a shop's platform sends us of orders, shipments, refunds and disputes.
//!
//! A delivery is checked against the channel's secret ([`signature`]), kept as an [`Entry`] before it is answered, and
//! worked on later ([`crate::inbox`]). Here is what needs no I/O: what the platform's texts say ([`shopify`]), in words
//! that are ours ([`message`]), and which sales of an order they mean ([`units`]).
//!
//! *Invariant: the signed body alone counts.* Headers choose how a body is read and nothing else: a body that does not say
//! what its topic says is parked. The shop is the one whose secret signed, whatever a header names.
//!
//! *Invariant: once for ever.* A thing has its effect under the platform's own name for it (order, line and unit; refund;
//! fulfillment; dispute and status). However often and under whatever delivery id it comes again, nothing happens.
//!
//! *Invariant: nothing is lost.* What was answered with 200 is in the inbox, and leaves it only done, or dismissed by a person.

pub mod channel;
pub mod entry;
pub mod message;
pub mod shopify;
pub mod signature;
pub mod units;

pub use channel::{Channel, ChannelError, ChannelName, Channels};
pub use entry::{EncryptedBody, Entry, EntryId, EntryState, InboxEvent, Origin, Reason, Topic};
pub use message::Message;
