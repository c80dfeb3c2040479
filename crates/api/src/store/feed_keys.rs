//! Table `feed_keys`: what had its effect, for ever.

use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx};

use crate::feed::{ChannelName, Topic};

catalog::statements! {
    TAKE = "
        INSERT INTO feed_keys (
            channel,
            topic,
            business_key,
            effect,
            done_at
        ) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (channel, topic, business_key) DO NOTHING";
    FIND = "
        SELECT effect
        FROM feed_keys
        WHERE channel = $1
          AND topic = $2
          AND business_key = $3";
}

/// What came of a thing that a shop told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedEffect {
    /// It was taken into the books.
    Applied,
    /// It concerns nothing that is in the books, or ever will be: a test order.
    Ignored,
}

impl FeedEffect {
    fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Ignored => "ignored",
        }
    }
}

/// Takes the key of a thing for its one effect. Tells whether it is new; a second transaction waits here for the first.
pub async fn take_feed_key(
    tx: &mut Tx,
    channel: &ChannelName,
    topic: Topic,
    business_key: &str,
    effect: FeedEffect,
    at: Timestamp,
) -> Result<bool, DbError> {
    let values = [
        channel.as_str().into(),
        topic.as_str().into(),
        business_key.into(),
        effect.as_str().into(),
        at.into(),
    ];
    Ok(tx.execute(TAKE, &values).await? == 1)
}

/// What came of the thing with that key; none: nothing yet.
pub async fn find_feed_effect(
    tx: &mut Tx,
    channel: &ChannelName,
    topic: Topic,
    business_key: &str,
) -> Result<Option<FeedEffect>, DbError> {
    let values = [channel.as_str().into(), topic.as_str().into(), business_key.into()];
    let row: Option<(String,)> = tx.fetch_optional(FIND, &values).await?;
    let read = |(word,): (String,)| match word.as_str() {
        "applied" => Ok(FeedEffect::Applied),
        "ignored" => Ok(FeedEffect::Ignored),
        _ => Err(DbError::inconsistent("feed_keys", business_key, "unknown effect")),
    };
    row.map(read).transpose()
}
