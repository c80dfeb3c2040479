//! The inbox: what shops sent is worked on here, an entry a transaction, in which its effects and its end are written
//! together. A process that dies leaves the entry as it was; the next pass, in whichever process, takes it again.

mod older;
mod review;

use std::time::Duration;

use catalog::db::{DbError, Tx, retrying};
use catalog::journal::{self, Actor, Occasion};

use crate::error::{self, ApiError};
use crate::feed::{Entry, EntryState, InboxEvent, Message, Reason, Topic, shopify};
use crate::feeding::{Fed, Feeding};
use crate::state::{App, AppState};
use crate::store;

pub use older::{InboxInClear, encrypt_older};
pub use review::{Review, ReviewError};

/// How often entries are counted for the metrics.
const COUNT_PAUSE: Duration = Duration::from_mins(1);

/// Works on every entry that is due; says how many.
pub async fn pass(app: &App) -> Result<usize, ApiError> {
    let mut worked = 0;
    loop {
        let due = {
            let mut tx = app.db.begin_read().await?;
            store::next_due(&mut tx).await?
        };
        if due.is_none_or(|due| due > app.clock.now()) || !retrying(|| work_on_one(app)).await? {
            return Ok(worked);
        }
        worked += 1;
    }
}

/// Takes one entry that is due, does what it asks for, and writes where it stands then. False: another process has it.
async fn work_on_one(app: &App) -> Result<bool, ApiError> {
    let now = app.clock.now();
    let mut tx = app.db.begin_write().await?;
    let Some(entry) = store::take_due_entry(&mut tx, now).await? else { return Ok(false) };
    let entry_id = entry.entry_id.clone();
    let occasion = occasion(app, &entry);
    let outcome = match take_in(app, &mut tx, &entry, &occasion).await {
        Ok(read) => {
            settle(app, &mut tx, &occasion, read).await?;
            tx.commit().await?;
            app.wake.ring();
            return Ok(true);
        }
        Err(error) => error,
    };
    // Nothing of it stands. That it could not be done is written by a transaction of its own.
    drop(tx);
    let fed = verdict_of(&entry, outcome)?;
    let mut tx = app.db.begin_write().await?;
    if let Some(locked) =
        store::lock_entry(&mut tx, &entry_id).await?.filter(|locked| locked.state == entry.state)
    {
        let read = Read { entry: Entry { tries: locked.tries + 1, ..named(app, locked) }, fed };
        settle(app, &mut tx, &occasion, read).await?;
        tx.commit().await?;
    }
    Ok(true)
}

/// An entry with what was read of it, and what became of it.
struct Read {
    entry: Entry,
    fed: Fed,
}

fn occasion<'a>(app: &'a App, entry: &Entry) -> Occasion<'a> {
    Occasion {
        at: app.clock.now(),
        actor: Actor::Channel(entry.channel.to_string()),
        reason: format!("taking in {} of the channel `{}`", entry.topic.as_str(), entry.channel).into(),
        request_id: entry.entry_id.to_string(),
        chance: app.chance.as_ref(),
    }
}

/// Why an entry is not even tried: what its headers say is not known.
fn unknown(app: &App, entry: &Entry) -> Option<Reason> {
    let Some(channel) = app.channels.find(&entry.channel) else {
        return Some(Reason::new("channel_unknown", "the channel is not in the settings any more"));
    };
    if entry.topic == Topic::Unknown {
        return Some(Reason::new("topic_unknown", entry.topic_told.clone()));
    }
    let version = entry.version_told.as_deref();
    if !shopify::is_known_version(version, &channel.api_version) {
        return Some(Reason::new("api_version_unknown", version.unwrap_or_default()));
    }
    None
}

/// What an entry says; else why it cannot be read.
fn read(app: &App, entry: &Entry) -> Result<Result<Message, Reason>, DbError> {
    if let Some(reason) = unknown(app, entry) {
        return Ok(Err(reason));
    }
    let body = entry.decrypt_body(&app.contact_key);
    let body = body.map_err(|problem| DbError::inconsistent("inbox", &entry.entry_id, problem))?;
    let body = body.as_ref().map_or(&[][..], |body| body.as_slice());
    Ok(shopify::read(entry.topic, body)
        .map_err(|unreadable| Reason::new("body_unreadable", unreadable.to_string())))
}

/// The entry with the platform's names in it, where they can be read.
fn named(app: &App, entry: Entry) -> Entry {
    match read(app, &entry) {
        Ok(Ok(message)) => Entry {
            order_ref: Some(message.order().to_string()),
            business_key: Some(message.business_key()),
            ..entry
        },
        _ => entry,
    }
}

async fn take_in(app: &App, tx: &mut Tx, entry: &Entry, occasion: &Occasion<'_>) -> Result<Read, ApiError> {
    let message = match read(app, entry)? {
        Ok(message) => message,
        Err(reason) => return Ok(Read { entry: entry.clone(), fed: Fed::Parked(reason) }),
    };
    let home = app.home()?;
    let feeding = Feeding { channel: &entry.channel, occasion, terms: &app.terms(&home) };
    let fed = feeding.take_in(tx, &message).await?;
    let entry = Entry {
        order_ref: Some(message.order().to_string()),
        business_key: Some(message.business_key()),
        ..entry.clone()
    };
    Ok(Read { entry, fed })
}

/// What is to become of an entry that could not be done. What may pass by itself waits; what would be refused again is
/// for a person.
fn verdict_of(entry: &Entry, error: ApiError) -> Result<Fed, ApiError> {
    use catalog::db::Retryable as _;
    if error.is_passing_conflict() {
        return Err(error);
    }
    let reason = Reason::new(error.code(), error.to_string());
    if error.is_early() {
        return Ok(Fed::Waits(reason));
    }
    if error.is_final() || error.status().is_client_error() {
        return Ok(Fed::Parked(reason));
    }
    tracing::error!(entry_id = %entry.entry_id, error = error::chain(&error), "an entry of the inbox was not done");
    Ok(Fed::Waits(Reason::new("internal_error", "see the log")))
}

/// Writes where an entry stands, and lets others that waited for it go on.
async fn settle(app: &App, tx: &mut Tx, occasion: &Occasion<'_>, read: Read) -> Result<(), ApiError> {
    let Read { mut entry, fed } = read;
    entry.state = match fed {
        Fed::Done => EntryState::Done,
        Fed::Parked(reason) => EntryState::Parked(reason),
        Fed::Waits(reason) => entry.held(reason, occasion.at, app.settings.feeds.patience),
    };
    store::update_entry(tx, &entry, occasion.at).await?;
    if let EntryState::Parked(reason) = &entry.state {
        raise_alarm(&entry, reason);
        let event = InboxEvent::Parked {
            entry_id: entry.entry_id.clone(),
            channel: entry.channel.clone(),
            cause: reason.code.to_string(),
        };
        journal::append(tx, occasion, &event)?;
    }
    if let (EntryState::Done, Some(order)) = (&entry.state, &entry.order_ref) {
        store::ring_order(tx, &entry.channel, order, occasion.at).await?;
    }
    Ok(())
}

fn raise_alarm(entry: &Entry, reason: &Reason) {
    let (entry_id, channel) = (&entry.entry_id, &entry.channel);
    tracing::error!(%entry_id, %channel, reason = %reason.code, "an entry of the inbox waits for review");
    let labels = [("channel", channel.to_string()), ("reason", reason.code.to_string())];
    metrics::counter!("colophon_inbox_parked_total", &labels).increment(1);
}

async fn count(app: &App) -> Result<(), ApiError> {
    let mut tx = app.db.begin_read().await?;
    let (waiting, parked) = store::count_open_entries(&mut tx).await?;
    for (state, entries) in [("waiting", waiting), ("parked", parked)] {
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        metrics::gauge!("colophon_inbox_entries", "state" => state).set(entries as f64);
    }
    Ok(())
}

/// Works on the inbox when something came, and once a poll interval. Runs until it is dropped or aborted.
pub async fn work_forever(app: AppState) {
    let mut beats = tokio::time::interval(app.settings.minting.poll_interval);
    beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut minutes = tokio::time::interval(COUNT_PAUSE);
    loop {
        let outcome = tokio::select! {
            _ = beats.tick() => pass(&app).await.map(|_| ()),
            () = app.inbox_bell.notified() => pass(&app).await.map(|_| ()),
            _ = minutes.tick() => count(&app).await,
        };
        if let Err(error) = outcome {
            tracing::warn!(error = error::chain(&error), "the inbox was not worked on");
        }
    }
}
