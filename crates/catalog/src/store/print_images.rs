//! Table `print_images`: content-addressed, so that the same bytes are one row however often they come.

use crate::clock::Timestamp;
use crate::db::{DbError, Tx};
use crate::digest::Sha256Digest;
use crate::image::{ImageFormat, PrintImage};

crate::statements! {
    INSERT = "
        INSERT INTO print_images (
            sha256,
            cid,
            format,
            width_px,
            height_px,
            byte_count,
            taken_in_at
        ) VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (sha256) DO NOTHING";
    FIND = "
        SELECT sha256,
               cid,
               format,
               width_px,
               height_px,
               byte_count,
               taken_in_at
        FROM print_images
        WHERE sha256 = $1";
}

#[derive(sqlx::FromRow)]
struct PrintImageRow {
    sha256: String,
    cid: String,
    format: String,
    width_px: i64,
    height_px: i64,
    byte_count: i64,
    taken_in_at: i64,
}

impl TryFrom<PrintImageRow> for PrintImage {
    type Error = DbError;

    fn try_from(row: PrintImageRow) -> Result<Self, Self::Error> {
        let odd =
            |problem: &dyn std::fmt::Display| DbError::inconsistent("print_images", &row.sha256, problem);
        Ok(Self {
            sha256: row.sha256.parse().map_err(|e| odd(&e))?,
            cid: row.cid.clone(),
            format: ImageFormat::from_word(&row.format).ok_or_else(|| odd(&"unknown format"))?,
            width_px: row.width_px.try_into().map_err(|e| odd(&e))?,
            height_px: row.height_px.try_into().map_err(|e| odd(&e))?,
            byte_count: row.byte_count.try_into().map_err(|e| odd(&e))?,
            taken_in_at: Timestamp::from_micros(row.taken_in_at).map_err(|e| odd(&e))?,
        })
    }
}

/// Records a print image; one that is known already stays as it is.
pub async fn insert_print_image(tx: &mut Tx, image: &PrintImage) -> Result<(), DbError> {
    let byte_count = i64::try_from(image.byte_count).unwrap_or(i64::MAX);
    let values = [
        image.sha256.into(),
        image.cid.as_str().into(),
        image.format.as_str().into(),
        image.width_px.into(),
        image.height_px.into(),
        byte_count.into(),
        image.taken_in_at.into(),
    ];
    tx.execute(INSERT, &values).await?;
    Ok(())
}

/// The print image with that digest.
pub async fn find_print_image(tx: &mut Tx, sha256: Sha256Digest) -> Result<Option<PrintImage>, DbError> {
    let row: Option<PrintImageRow> = tx.fetch_optional(FIND, &[sha256.into()]).await?;
    row.map(TryInto::try_into).transpose()
}
