//! A delivery in the inbox.

use std::borrow::Cow;
use std::time::Duration;

use catalog::chance::Chance;
use catalog::clock::Timestamp;
use catalog::digest::Sha256Digest;
use catalog::ids::EditionId;
use catalog::journal::Event;
use catalog::typed_id;
use serde::Serialize;
use zeroize::Zeroizing;

use super::ChannelName;
use crate::encryption::{ContactKey, Encrypted, NotDecrypted, NotEncrypted, Place};

typed_id!(
    /// A delivery in the inbox: `inb_…`.
    EntryId, "inb");

/// The longest pause between two looks at an entry that waits.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// What a delivery is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// An order was paid.
    Order,
    /// An order was canceled.
    Cancellation,
    /// Something left the shop.
    Shipment,
    /// Money went back.
    Refund,
    /// A bank told of a dispute.
    Dispute,
    /// Something that we do not know.
    Unknown,
}

/// Declares the words of an enum in the database.
macro_rules! words {
    ($name:ident { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl $name {
            /// The word in the database.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }

            /// What `word` names.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                [$(Self::$variant),+].into_iter().find(|known| known.as_str() == word)
            }
        }
    };
}

words!(Topic {
    Order => "order",
    Cancellation => "cancellation",
    Shipment => "shipment",
    Refund => "refund",
    Dispute => "dispute",
    Unknown => "unknown",
});

/// How a delivery came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The platform sent it.
    Webhook,
    /// We found that it had been lost, and read it from the shop's orders.
    Reconcile,
}

words!(Origin { Webhook => "webhook", Reconcile => "reconcile" });

/// Why an entry waits, or is parked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Stable code, for example `sku_unmapped`.
    pub code: Cow<'static, str>,
    /// What a person must know besides.
    pub detail: String,
}

impl Reason {
    /// A reason.
    #[must_use]
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code: code.into(), detail: detail.into() }
    }
}

/// Where an entry stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryState {
    /// To be worked on.
    Waiting {
        /// From this moment on.
        due_at: Timestamp,
        /// What it waited for at the last look.
        reason: Option<Reason>,
    },
    /// It had its effect, or had none to have.
    Done,
    /// A person must look.
    Parked(Reason),
    /// A person decided that it shall have no effect.
    Dismissed,
}

impl EntryState {
    /// The word in the database and on the command line.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Waiting { .. } => "waiting",
            Self::Done => "done",
            Self::Parked(_) => "parked",
            Self::Dismissed => "dismissed",
        }
    }

    /// Why it waits or is parked.
    #[must_use]
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Waiting { reason, .. } => reason.as_ref(),
            Self::Parked(reason) => Some(reason),
            Self::Done | Self::Dismissed => None,
        }
    }

    /// True while it can still have an effect.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Waiting { .. } | Self::Parked(_))
    }
}

/// A body on its way into the inbox.
#[derive(Debug, Clone)]
pub struct EncryptedBody {
    /// The signed bytes.
    pub text: Encrypted,
    /// By what they are known again.
    pub mac: Sha256Digest,
}

impl EncryptedBody {
    /// Encrypts the body of an entry.
    pub fn encrypt(
        key: &ContactKey,
        entry_id: &EntryId,
        body: &[u8],
        chance: &dyn Chance,
    ) -> Result<Self, NotEncrypted> {
        let text = key.encrypt(Place::InboxBody(entry_id), body, chance)?;
        Ok(Self { text, mac: key.inbox_digest(Sha256Digest::of(body)) })
    }
}

/// A delivery in the inbox.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its id.
    pub entry_id: EntryId,
    /// The shop.
    pub channel: ChannelName,
    /// What it is about.
    pub topic: Topic,
    /// What the platform called it.
    pub topic_told: String,
    /// The version of the platform's API, as told.
    pub version_told: Option<String>,
    /// How it came.
    pub origin: Origin,
    /// The signed bytes, encrypted; gone once it is done or dismissed, for they name the buyer.
    pub body: Option<Encrypted>,
    /// By what the same bytes are known again: [`ContactKey::inbox_digest`](crate::encryption::ContactKey::inbox_digest).
    pub body_mac: Sha256Digest,
    /// Where it stands.
    pub state: EntryState,
    /// The platform's name of the order, once it was read.
    pub order_ref: Option<String>,
    /// The platform's name of this very thing, once it was read.
    pub business_key: Option<String>,
    /// How often it was worked on.
    pub tries: u32,
    /// From here the time counts that it may wait.
    pub waits_from: Timestamp,
    /// When it came.
    pub received_at: Timestamp,
}

impl Entry {
    /// The signed bytes; none once it is done or dismissed.
    pub fn decrypt_body(&self, key: &ContactKey) -> Result<Option<Zeroizing<Vec<u8>>>, NotDecrypted> {
        self.body.as_ref().map(|body| key.decrypt(Place::InboxBody(&self.entry_id), body)).transpose()
    }

    /// A new entry that waits to be worked on at once.
    #[must_use]
    pub fn new(
        entry_id: EntryId,
        channel: ChannelName,
        topic: Topic,
        origin: Origin,
        body: EncryptedBody,
        now: Timestamp,
    ) -> Self {
        Self {
            entry_id,
            channel,
            topic,
            topic_told: String::new(),
            version_told: None,
            origin,
            body: Some(body.text),
            body_mac: body.mac,
            state: EntryState::Waiting { due_at: now, reason: None },
            order_ref: None,
            business_key: None,
            tries: 0,
            waits_from: now,
            received_at: now,
        }
    }

    /// Where it stands when it must wait for `reason`: parked once it has waited for `patience`.
    #[must_use]
    pub fn held(&self, reason: Reason, now: Timestamp, patience: Duration) -> EntryState {
        if now.since(self.waits_from) >= patience {
            return EntryState::Parked(reason);
        }
        let pause = Duration::from_secs(1 << self.tries.min(20)).min(LONGEST_PAUSE);
        EntryState::Waiting { due_at: now.plus(pause), reason: Some(reason) }
    }
}

/// What happens to entries of the inbox and to what feeds are read by, as events of the journal.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum InboxEvent {
    /// It waits for a person.
    Parked {
        /// Which.
        entry_id: EntryId,
        /// The shop.
        channel: ChannelName,
        /// Why: the reason's code.
        cause: String,
    },
    /// A person let it be worked on again.
    Replayed {
        /// Which.
        entry_id: EntryId,
    },
    /// A person decided that it shall have no effect.
    Dismissed {
        /// Which.
        entry_id: EntryId,
    },
    /// It is said what a shop sells under an article number.
    SkuMapped {
        /// The shop.
        channel: ChannelName,
        /// The article number.
        sku: String,
        /// The edition; none: the article is no print.
        edition_id: Option<EditionId>,
    },
}

impl Event for InboxEvent {
    fn kind(&self) -> &'static str {
        match self {
            Self::Parked { .. } => "inbox_entry_parked",
            Self::Replayed { .. } => "inbox_entry_replayed",
            Self::Dismissed { .. } => "inbox_entry_dismissed",
            Self::SkuMapped { .. } => "sku_mapped",
        }
    }

    fn subject(&self) -> String {
        match self {
            Self::Parked { entry_id, .. } | Self::Replayed { entry_id } | Self::Dismissed { entry_id } => {
                entry_id.to_string()
            }
            Self::SkuMapped { channel, sku, .. } => format!("{channel}/{sku}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use catalog::chance::SystemChance;

    use super::*;

    #[test]
    fn an_entry_waits_longer_from_look_to_look_and_is_parked_in_the_end() {
        let noon = Timestamp::from_micros(1_763_900_000_000_000).unwrap();
        let hour = Duration::from_hours(1);
        let id = EntryId::generate(noon, &SystemChance);
        let channel = "boutique".parse().unwrap();
        let key = ContactKey::from_bytes(&[7; 32]).unwrap();
        let body = EncryptedBody::encrypt(&key, &id, b"{}", &SystemChance).unwrap();
        let entry = Entry::new(id, channel, Topic::Refund, Origin::Webhook, body, noon);
        let reason = Reason::new("sale_missing", "");
        let pause = |tries, now| {
            let tried = Entry { tries, ..entry.clone() };
            match tried.held(reason.clone(), now, hour) {
                EntryState::Waiting { due_at, .. } => Some(due_at.since(now).as_secs()),
                _ => None,
            }
        };
        assert_eq!([0, 1, 5, 8, 9, 60].map(|tries| pause(tries, noon)), [1, 2, 32, 256, 300, 300].map(Some));
        assert_eq!(pause(3, noon.plus(hour)), None);
    }
}
