//! Table `skus`.

use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx};
use catalog::ids::EditionId;

use crate::feed::ChannelName;

catalog::statements! {
    SET = "
        INSERT INTO skus (
            channel,
            sku,
            edition_id,
            updated_at
        ) VALUES ($1, $2, $3, $4)
        ON CONFLICT (channel, sku) DO UPDATE
        SET edition_id = excluded.edition_id,
            updated_at = excluded.updated_at";
    FIND = "
        SELECT sku,
               edition_id,
               updated_at
        FROM skus
        WHERE channel = $1
          AND sku = $2";
    LIST = "
        SELECT sku,
               edition_id,
               updated_at
        FROM skus
        WHERE channel = $1
          AND sku > $2
        ORDER BY sku
        LIMIT $3";
}

/// What a shop sells under an article number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sku {
    /// The article number.
    pub sku: String,
    /// The edition; none: the article is no print.
    pub edition_id: Option<EditionId>,
    /// When that was said last.
    pub updated_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct SkuRow {
    sku: String,
    edition_id: Option<String>,
    updated_at: i64,
}

impl TryFrom<SkuRow> for Sku {
    type Error = DbError;

    fn try_from(row: SkuRow) -> Result<Self, DbError> {
        let odd = |problem: &dyn std::fmt::Display| DbError::inconsistent("skus", &row.sku, problem);
        Ok(Self {
            edition_id: row.edition_id.as_deref().map(str::parse).transpose().map_err(|e| odd(&e))?,
            updated_at: Timestamp::from_micros(row.updated_at).map_err(|e| odd(&e))?,
            sku: row.sku,
        })
    }
}

/// Says what a shop sells under an article number from now on.
pub async fn set_sku(
    tx: &mut Tx,
    channel: &ChannelName,
    sku: &str,
    edition_id: Option<&EditionId>,
    at: Timestamp,
) -> Result<(), DbError> {
    let edition = edition_id.map(EditionId::as_str);
    tx.execute(SET, &[channel.as_str().into(), sku.into(), edition.into(), at.into()]).await?;
    Ok(())
}

/// What a shop sells under an article number, if that was said.
pub async fn find_sku(tx: &mut Tx, channel: &ChannelName, sku: &str) -> Result<Option<Sku>, DbError> {
    let row: Option<SkuRow> = tx.fetch_optional(FIND, &[channel.as_str().into(), sku.into()]).await?;
    row.map(TryInto::try_into).transpose()
}

/// At most `limit` article numbers of a shop, in order, after `after`.
pub async fn list_skus(
    tx: &mut Tx,
    channel: &ChannelName,
    after: &str,
    limit: u32,
) -> Result<Vec<Sku>, DbError> {
    let rows: Vec<SkuRow> =
        tx.fetch_all(LIST, &[channel.as_str().into(), after.into(), limit.into()]).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}
