//! Table `editions`.

use crate::account::Account;
use crate::artwork::Year;
use crate::clock::Timestamp;
use crate::db::{DbError, Sql, Tx};
use crate::edition::{
    BasisPoints, Edition, EditionFacts, EditionNumber, EditionState, Publication, Run, SizeMm,
};
use crate::ids::{ArtworkId, EditionId};
use crate::text::Line;

/// The columns of an edition, in the order of [`EditionRow`].
macro_rules! columns {
    () => {
        "editions.edition_id,
               artwork_id,
               editions.state,
               run_size,
               artist_proofs,
               printer_proofs,
               hors_commerce,
               bon_a_tirer,
               medium,
               support,
               printer,
               printed_in,
               sheet_height_mm,
               sheet_width_mm,
               image_height_mm,
               image_width_mm,
               royalty_receiver,
               royalty_basis_points,
               created_at,
               number,
               image_sha256,
               colophon,
               colophon_sha256,
               published_at,
               closed_at"
    };
}
pub(super) use columns;

crate::statements! {
    INSERT = "
        INSERT INTO editions (
            edition_id,
            artwork_id,
            state,
            run_size,
            artist_proofs,
            printer_proofs,
            hors_commerce,
            bon_a_tirer,
            medium,
            support,
            printer,
            printed_in,
            sheet_height_mm,
            sheet_width_mm,
            image_height_mm,
            image_width_mm,
            royalty_receiver,
            royalty_basis_points,
            created_at
        ) VALUES ($1, $2, 'draft', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
    FIND = concat!("
        SELECT ", columns!(), "
        FROM editions
        WHERE edition_id = $1");
    LIST_OF_ARTWORK = concat!("
        SELECT ", columns!(), "
        FROM editions
        WHERE artwork_id = $1
        ORDER BY edition_id
        LIMIT 1000");
    NEXT_NUMBER = "
        SELECT coalesce(max(number) + 1, 1)
        FROM editions";
    PUBLISH = "
        UPDATE editions
        SET state = 'published',
            number = $2,
            image_sha256 = $3,
            colophon = $4,
            colophon_sha256 = $5,
            published_at = $6
        WHERE edition_id = $1
          AND state = 'draft'";
    @locked {
        LOCK = concat!("
            SELECT ", columns!(), "
            FROM editions
            WHERE edition_id = $1");
    }
}

/// Publications wait for each other here, since each takes the next edition number. `SQLite` has one writer anyway.
const LOCK_NUMBERING: Sql = Sql {
    sqlite: "SELECT 1",
    // An arbitrary constant that names this lock; it ends with the transaction.
    postgres: "SELECT 1 FROM (SELECT pg_advisory_xact_lock(4201706)) AS held",
};

#[derive(sqlx::FromRow)]
pub(super) struct EditionRow {
    edition_id: String,
    artwork_id: String,
    state: String,
    run_size: i64,
    artist_proofs: i64,
    printer_proofs: i64,
    hors_commerce: i64,
    bon_a_tirer: i64,
    medium: String,
    support: Option<String>,
    printer: Option<String>,
    printed_in: Option<i64>,
    sheet_height_mm: Option<i64>,
    sheet_width_mm: Option<i64>,
    image_height_mm: Option<i64>,
    image_width_mm: Option<i64>,
    royalty_receiver: Option<String>,
    royalty_basis_points: i64,
    created_at: i64,
    number: Option<i64>,
    image_sha256: Option<String>,
    colophon: Option<String>,
    colophon_sha256: Option<String>,
    published_at: Option<i64>,
    closed_at: Option<i64>,
}

impl EditionRow {
    fn odd(&self, problem: impl ToString) -> DbError {
        DbError::inconsistent("editions", &self.edition_id, problem)
    }

    fn facts(&self) -> Result<EditionFacts, DbError> {
        let count = |n: i64| u64::try_from(n).map_err(|e| self.odd(e));
        let proofs = [
            ("artist_proofs", count(self.artist_proofs)?),
            ("printer_proofs", count(self.printer_proofs)?),
            ("hors_commerce", count(self.hors_commerce)?),
            ("bon_a_tirer", count(self.bon_a_tirer)?),
        ];
        let line = |field, text: &Option<String>| {
            text.as_deref().map(|text| Line::parse(field, field, text)).transpose().map_err(|e| self.odd(e))
        };
        let size = |field, height: Option<i64>, width: Option<i64>| match (height, width) {
            (Some(height), Some(width)) => {
                SizeMm::parse(field, count(height)?, count(width)?).map(Some).map_err(|e| self.odd(e))
            }
            (None, None) => Ok(None),
            _ => Err(self.odd(format!("{field} has one side only"))),
        };
        let royalty = count(self.royalty_basis_points)?;
        Ok(EditionFacts {
            run: Run::parse(count(self.run_size)?, proofs).map_err(|e| self.odd(e))?,
            medium: Line::parse("medium", "medium", &self.medium).map_err(|e| self.odd(e))?,
            support: line("support", &self.support)?,
            printer: line("printer", &self.printer)?,
            printed_in: self
                .printed_in
                .map(|year| Year::parse("printed_in", year))
                .transpose()
                .map_err(|e| self.odd(e))?,
            sheet_size: size("sheet_size", self.sheet_height_mm, self.sheet_width_mm)?,
            image_size: size("image_size", self.image_height_mm, self.image_width_mm)?,
            royalty_receiver: self
                .royalty_receiver
                .as_deref()
                .map(str::parse::<Account>)
                .transpose()
                .map_err(|e| self.odd(e))?,
            royalty: BasisPoints::parse("royalty", royalty).map_err(|e| self.odd(e))?,
        })
    }

    fn publication(&self) -> Result<Option<Publication>, DbError> {
        match (self.number, &self.image_sha256, &self.colophon, &self.colophon_sha256, self.published_at) {
            (Some(number), Some(image), Some(colophon), Some(digest), Some(at)) => {
                let number = u32::try_from(number).ok().and_then(EditionNumber::new);
                Ok(Some(Publication {
                    number: number.ok_or_else(|| self.odd("number out of range"))?,
                    image: image.parse().map_err(|e| self.odd(e))?,
                    colophon: colophon.clone(),
                    colophon_digest: digest.parse().map_err(|e| self.odd(e))?,
                    published_at: Timestamp::from_micros(at).map_err(|e| self.odd(e))?,
                }))
            }
            (None, None, None, None, None) => Ok(None),
            _ => Err(self.odd("half a publication")),
        }
    }
}

impl TryFrom<EditionRow> for Edition {
    type Error = DbError;

    fn try_from(row: EditionRow) -> Result<Self, Self::Error> {
        let state = match (row.state.as_str(), row.publication()?, row.closed_at) {
            ("draft", None, None) => EditionState::Draft,
            ("published", Some(publication), None) => EditionState::Published(publication),
            ("closed", Some(publication), Some(at)) => EditionState::Closed {
                publication,
                closed_at: Timestamp::from_micros(at).map_err(|e| row.odd(e))?,
            },
            _ => return Err(row.odd("the state and its facts disagree")),
        };
        Ok(Self {
            edition_id: row.edition_id.parse().map_err(|e| row.odd(e))?,
            artwork_id: row.artwork_id.parse().map_err(|e| row.odd(e))?,
            facts: row.facts()?,
            state,
            created_at: Timestamp::from_micros(row.created_at).map_err(|e| row.odd(e))?,
        })
    }
}

/// Inserts a draft.
pub async fn insert_edition(tx: &mut Tx, edition: &Edition) -> Result<(), DbError> {
    let EditionFacts { run, sheet_size, image_size, .. } = &edition.facts;
    let facts = &edition.facts;
    let values = [
        (&edition.edition_id).into(),
        (&edition.artwork_id).into(),
        run.size.into(),
        run.artist_proofs.into(),
        run.printer_proofs.into(),
        run.hors_commerce.into(),
        run.bon_a_tirer.into(),
        facts.medium.as_str().into(),
        facts.support.as_ref().map(Line::as_str).into(),
        facts.printer.as_ref().map(Line::as_str).into(),
        facts.printed_in.map(Year::get).into(),
        sheet_size.map(|size| size.height).into(),
        sheet_size.map(|size| size.width).into(),
        image_size.map(|size| size.height).into(),
        image_size.map(|size| size.width).into(),
        facts.royalty_receiver.into(),
        facts.royalty.get().into(),
        edition.created_at.into(),
    ];
    tx.execute(INSERT, &values).await?;
    Ok(())
}

/// The edition with that id.
pub async fn find_edition(tx: &mut Tx, edition_id: &EditionId) -> Result<Option<Edition>, DbError> {
    let row: Option<EditionRow> = tx.fetch_optional(FIND, &[edition_id.into()]).await?;
    row.map(TryInto::try_into).transpose()
}

/// The editions of an artwork, at most 1,000.
pub async fn list_editions_of(tx: &mut Tx, artwork_id: &ArtworkId) -> Result<Vec<Edition>, DbError> {
    let rows: Vec<EditionRow> = tx.fetch_all(LIST_OF_ARTWORK, &[artwork_id.into()]).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The edition with that id, locked until the transaction ends: its sheets are allotted under this lock.
pub async fn lock_edition(tx: &mut Tx, edition_id: &EditionId) -> Result<Option<Edition>, DbError> {
    let row: Option<EditionRow> = tx.fetch_optional(LOCK, &[edition_id.into()]).await?;
    row.map(TryInto::try_into).transpose()
}

/// The number that the next published edition gets. Nobody else gets one until the transaction ends.
pub async fn next_edition_number(tx: &mut Tx) -> Result<EditionNumber, DbError> {
    tx.execute(LOCK_NUMBERING, &[]).await?;
    let (next,): (i64,) = tx.fetch_one(NEXT_NUMBER, &[]).await?;
    let number = u32::try_from(next).ok().and_then(EditionNumber::new);
    number.ok_or_else(|| DbError::inconsistent("editions", next, "no edition number is left"))
}

/// Freezes a draft; tells whether it was one.
pub async fn publish_edition(
    tx: &mut Tx,
    edition_id: &EditionId,
    publication: &Publication,
) -> Result<bool, DbError> {
    let values = [
        edition_id.into(),
        publication.number.get().into(),
        publication.image.into(),
        publication.colophon.as_str().into(),
        publication.colophon_digest.into(),
        publication.published_at.into(),
    ];
    Ok(tx.execute(PUBLISH, &values).await? == 1)
}
