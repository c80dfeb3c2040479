//! Table `impressions`.

use super::editions::{self, EditionRow};
use crate::clock::Timestamp;
use crate::db::{DbError, Tx, Value};
use crate::edition::Edition;
use crate::ids::{EditionId, ImpressionId};
use crate::impression::{Impression, ImpressionState, Serial};

crate::statements! {
    FIND = "
        SELECT impression_id,
               edition_id,
               serial,
               label,
               state,
               unreturned
        FROM impressions
        WHERE impression_id = $1";
    FIND_OF_NUMBER = "
        SELECT impression_id,
               impressions.edition_id,
               serial,
               label,
               impressions.state,
               unreturned
        FROM impressions
        JOIN editions ON editions.edition_id = impressions.edition_id
        WHERE editions.number = $1
          AND serial = $2";
    FIND_WITH_EDITION = concat!("
        SELECT impression_id,
               serial,
               label,
               impressions.state AS sheet_state,
               unreturned,
               ", editions::columns!(), "
        FROM impressions
        JOIN editions ON editions.edition_id = impressions.edition_id
        WHERE impression_id = $1");
    LIST = "
        SELECT impression_id,
               edition_id,
               serial,
               label,
               state,
               unreturned
        FROM impressions
        WHERE edition_id = $1
          AND serial > $2
        ORDER BY serial
        LIMIT $3";
    FIRST_AVAILABLE = "
        SELECT impression_id,
               edition_id,
               serial,
               label,
               state,
               unreturned
        FROM impressions
        WHERE edition_id = $1
          AND state = 'available'
          AND serial <= $2
        ORDER BY serial
        LIMIT $3";
    MOVE = "
        UPDATE impressions
        SET state = $3,
            updated_at = $4
        WHERE impression_id = $1
          AND state = $2";
    MARK = "
        UPDATE impressions
        SET unreturned = $2,
            updated_at = $3
        WHERE impression_id = $1";
    CENSUS = "
        SELECT state,
               count(*)
        FROM impressions
        WHERE edition_id = $1
        GROUP BY state";
    @rows {
        INSERT = "
        INSERT INTO impressions (
            impression_id,
            edition_id,
            serial,
            label,
            state,
            updated_at
        )
        SELECT item.value ->> 0,
               item.value ->> 1,
               CAST(item.value ->> 2 AS BIGINT),
               item.value ->> 3,
               item.value ->> 4,
               $2
        FROM", rows("$1"), "
        ORDER BY item.key";
    }
}

#[derive(sqlx::FromRow)]
struct ImpressionRow {
    impression_id: String,
    edition_id: String,
    serial: i64,
    label: String,
    state: String,
    unreturned: i64,
}

impl TryFrom<ImpressionRow> for Impression {
    type Error = DbError;

    fn try_from(row: ImpressionRow) -> Result<Self, Self::Error> {
        let odd = |problem: &dyn std::fmt::Display| {
            DbError::inconsistent("impressions", &row.impression_id, problem)
        };
        let serial = u16::try_from(row.serial).ok().and_then(Serial::new);
        Ok(Self {
            impression_id: row.impression_id.parse().map_err(|e| odd(&e))?,
            edition_id: row.edition_id.parse().map_err(|e| odd(&e))?,
            serial: serial.ok_or_else(|| odd(&"serial out of range"))?,
            state: ImpressionState::from_word(&row.state).ok_or_else(|| odd(&"unknown state"))?,
            unreturned: row.unreturned == 1,
            label: row.label.clone(),
        })
    }
}

#[derive(sqlx::FromRow)]
struct SheetRow {
    impression_id: String,
    serial: i64,
    label: String,
    sheet_state: String,
    unreturned: i64,
    #[sqlx(flatten)]
    edition: EditionRow,
}

impl TryFrom<SheetRow> for (Impression, Edition) {
    type Error = DbError;

    fn try_from(row: SheetRow) -> Result<Self, Self::Error> {
        let SheetRow { impression_id, serial, label, sheet_state: state, unreturned, edition } = row;
        let edition: Edition = edition.try_into()?;
        let edition_id = edition.edition_id.to_string();
        let sheet = ImpressionRow { impression_id, edition_id, serial, label, state, unreturned };
        Ok((sheet.try_into()?, edition))
    }
}

/// Inserts the sheets of an edition that is being published.
pub async fn insert_impressions(
    tx: &mut Tx,
    impressions: &[Impression],
    at: Timestamp,
) -> Result<(), DbError> {
    let row = |sheet: &Impression| {
        (
            sheet.impression_id.to_string(),
            sheet.edition_id.to_string(),
            sheet.serial.get(),
            sheet.label.clone(),
            sheet.state.as_str(),
        )
    };
    let rows: Vec<_> = impressions.iter().map(row).collect();
    tx.execute(INSERT, &[Value::rows(&rows)?, at.into()]).await?;
    Ok(())
}

/// The sheet with that id.
pub async fn find_impression(
    tx: &mut Tx,
    impression_id: &ImpressionId,
) -> Result<Option<Impression>, DbError> {
    let row: Option<ImpressionRow> = tx.fetch_optional(FIND, &[impression_id.into()]).await?;
    row.map(TryInto::try_into).transpose()
}

/// The sheet with that id and its edition.
pub async fn find_impression_and_edition(
    tx: &mut Tx,
    impression_id: &ImpressionId,
) -> Result<Option<(Impression, Edition)>, DbError> {
    let row: Option<SheetRow> = tx.fetch_optional(FIND_WITH_EDITION, &[impression_id.into()]).await?;
    row.map(TryInto::try_into).transpose()
}

/// The sheet with that serial in the published edition with that number.
pub async fn find_sheet(tx: &mut Tx, edition: u64, serial: u64) -> Result<Option<Impression>, DbError> {
    let value = |number: u64| i64::try_from(number).unwrap_or(i64::MAX).into();
    let row: Option<ImpressionRow> =
        tx.fetch_optional(FIND_OF_NUMBER, &[value(edition), value(serial)]).await?;
    row.map(TryInto::try_into).transpose()
}

/// At most `limit` sheets of an edition in order of their serials, after serial `after` (0 for the start).
pub async fn list_impressions(
    tx: &mut Tx,
    edition_id: &EditionId,
    after: u16,
    limit: u32,
) -> Result<Vec<Impression>, DbError> {
    let rows: Vec<ImpressionRow> =
        tx.fetch_all(LIST, &[edition_id.into(), after.into(), limit.into()]).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The first `count` sheets that are available, of those with serials up to `last`. Asked under the edition's lock.
pub async fn first_available(
    tx: &mut Tx,
    edition_id: &EditionId,
    last: u16,
    count: u32,
) -> Result<Vec<Impression>, DbError> {
    let rows: Vec<ImpressionRow> =
        tx.fetch_all(FIRST_AVAILABLE, &[edition_id.into(), last.into(), count.into()]).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Writes that a sheet went from state `from` to the one in `moved`.
pub async fn move_impression(
    tx: &mut Tx,
    from: ImpressionState,
    moved: &Impression,
    at: Timestamp,
) -> Result<(), DbError> {
    let values =
        [(&moved.impression_id).into(), from.as_str().into(), moved.state.as_str().into(), at.into()];
    if tx.execute(MOVE, &values).await? == 1 {
        Ok(())
    } else {
        Err(DbError::inconsistent("impressions", &moved.impression_id, "moved by another at the same time"))
    }
}

/// Writes whether a sheet is outside though its sale was undone.
pub async fn mark_impression(tx: &mut Tx, marked: &Impression, at: Timestamp) -> Result<(), DbError> {
    tx.execute(MARK, &[(&marked.impression_id).into(), marked.unreturned.into(), at.into()]).await?;
    Ok(())
}

/// How many sheets of an edition are in each state. The numbers add up to the declared size, always.
pub async fn census(tx: &mut Tx, edition_id: &EditionId) -> Result<Vec<(ImpressionState, u64)>, DbError> {
    let rows: Vec<(String, i64)> = tx.fetch_all(CENSUS, &[edition_id.into()]).await?;
    let counted = |(state, count): &(String, i64)| {
        Some((ImpressionState::from_word(state)?, u64::try_from(*count).ok()?))
    };
    rows.iter()
        .map(|row| counted(row).ok_or_else(|| DbError::inconsistent("impressions", &row.0, "unknown state")))
        .collect()
}
