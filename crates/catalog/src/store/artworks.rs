//! Table `artworks`.

use crate::artwork::{Artwork, ArtworkFacts, Year};
use crate::clock::Timestamp;
use crate::db::{DbError, Tx};
use crate::digest::Sha256Digest;
use crate::ids::ArtworkId;
use crate::text::{Bilingual, Line, Prose};

crate::statements! {
    INSERT = "
        INSERT INTO artworks (
            artwork_id,
            accession_number,
            artist,
            title_zh,
            title_en,
            year,
            description_zh,
            description_en,
            created_at,
            updated_at
        ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)";
    UPDATE = "
        UPDATE artworks
        SET accession_number = $2,
            artist = $3,
            title_zh = $4,
            title_en = $5,
            year = $6,
            description_zh = $7,
            description_en = $8,
            updated_at = $9
        WHERE artwork_id = $1";
    SET_IMAGE = "
        UPDATE artworks
        SET image_sha256 = $2,
            updated_at = $3
        WHERE artwork_id = $1";
    FIND = "
        SELECT artwork_id,
               accession_number,
               artist,
               title_zh,
               title_en,
               year,
               description_zh,
               description_en,
               image_sha256,
               created_at,
               updated_at
        FROM artworks
        WHERE artwork_id = $1";
    LIST = "
        SELECT artwork_id,
               accession_number,
               artist,
               title_zh,
               title_en,
               year,
               description_zh,
               description_en,
               image_sha256,
               created_at,
               updated_at
        FROM artworks
        WHERE artwork_id > $1
        ORDER BY artwork_id
        LIMIT $2";
}

#[derive(sqlx::FromRow)]
struct ArtworkRow {
    artwork_id: String,
    accession_number: Option<String>,
    artist: String,
    title_zh: Option<String>,
    title_en: Option<String>,
    year: Option<i64>,
    description_zh: Option<String>,
    description_en: Option<String>,
    image_sha256: Option<String>,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<ArtworkRow> for Artwork {
    type Error = DbError;

    fn try_from(row: ArtworkRow) -> Result<Self, Self::Error> {
        let odd =
            |problem: &dyn std::fmt::Display| DbError::inconsistent("artworks", &row.artwork_id, problem);
        let line = |field, text: &Option<String>| {
            text.as_deref().map(|text| Line::parse(field, field, text)).transpose().map_err(|e| odd(&e))
        };
        let prose = |field, text: &Option<String>| {
            text.as_deref().map(|text| Prose::parse(field, field, text)).transpose().map_err(|e| odd(&e))
        };
        let facts = ArtworkFacts {
            accession_number: line("accession_number", &row.accession_number)?,
            artist: Line::parse("artist", "artist", &row.artist).map_err(|e| odd(&e))?,
            title: Bilingual { zh: line("title_zh", &row.title_zh)?, en: line("title_en", &row.title_en)? },
            year: row.year.map(|year| Year::parse("year", year)).transpose().map_err(|e| odd(&e))?,
            description: Bilingual {
                zh: prose("description_zh", &row.description_zh)?,
                en: prose("description_en", &row.description_en)?,
            },
        };
        Ok(Self {
            artwork_id: row.artwork_id.parse().map_err(|e| odd(&e))?,
            facts,
            image: row.image_sha256.as_deref().map(str::parse).transpose().map_err(|e| odd(&e))?,
            created_at: Timestamp::from_micros(row.created_at).map_err(|e| odd(&e))?,
            updated_at: Timestamp::from_micros(row.updated_at).map_err(|e| odd(&e))?,
        })
    }
}

fn facts_values(artwork_id: &ArtworkId, facts: &ArtworkFacts, at: Timestamp) -> [crate::db::Value; 9] {
    [
        artwork_id.into(),
        facts.accession_number.as_ref().map(Line::as_str).into(),
        facts.artist.as_str().into(),
        facts.title.zh.as_ref().map(Line::as_str).into(),
        facts.title.en.as_ref().map(Line::as_str).into(),
        facts.year.map(Year::get).into(),
        facts.description.zh.as_ref().map(Prose::as_str).into(),
        facts.description.en.as_ref().map(Prose::as_str).into(),
        at.into(),
    ]
}

/// Inserts a new artwork. An accession number that another artwork bears is a unique violation.
pub async fn insert_artwork(tx: &mut Tx, artwork: &Artwork) -> Result<(), DbError> {
    tx.execute(INSERT, &facts_values(&artwork.artwork_id, &artwork.facts, artwork.created_at)).await?;
    Ok(())
}

/// Replaces what stands about an artwork; tells whether it is there.
pub async fn update_artwork(
    tx: &mut Tx,
    artwork_id: &ArtworkId,
    facts: &ArtworkFacts,
    at: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(UPDATE, &facts_values(artwork_id, facts, at)).await? == 1)
}

/// Points an artwork to its print image; tells whether the artwork is there.
pub async fn set_image(
    tx: &mut Tx,
    artwork_id: &ArtworkId,
    image: Sha256Digest,
    at: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(SET_IMAGE, &[artwork_id.into(), image.into(), at.into()]).await? == 1)
}

/// The artwork with that id.
pub async fn find_artwork(tx: &mut Tx, artwork_id: &ArtworkId) -> Result<Option<Artwork>, DbError> {
    let row: Option<ArtworkRow> = tx.fetch_optional(FIND, &[artwork_id.into()]).await?;
    row.map(TryInto::try_into).transpose()
}

/// At most `limit` artworks in order of their ids, after `after`.
pub async fn list_artworks(
    tx: &mut Tx,
    after: Option<&ArtworkId>,
    limit: u32,
) -> Result<Vec<Artwork>, DbError> {
    let after = after.map_or("", ArtworkId::as_str);
    let rows: Vec<ArtworkRow> = tx.fetch_all(LIST, &[after.into(), limit.into()]).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}
