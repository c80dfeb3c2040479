//! Tables `contract_scans` and `foreign_editions`.

use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx};
use catalog::edition::EditionNumber;

use crate::call::EditionTerms;
use crate::chain::Block;

catalog::statements! {
    FIND_SCAN = "
        SELECT block_number,
               block_hash
        FROM contract_scans
        WHERE contract_scan_id = 1";
    SET_SCAN = "
        INSERT INTO contract_scans (
            contract_scan_id,
            block_number,
            block_hash,
            scanned_at
        ) VALUES (1, $1, $2, $3)
        ON CONFLICT (contract_scan_id) DO UPDATE
        SET block_number = excluded.block_number,
            block_hash = excluded.block_hash,
            scanned_at = excluded.scanned_at";
    // An edition that the books published has its call, whatever became of it.
    RECORD_EDITION = "
        INSERT INTO foreign_editions (
            number,
            serials,
            image_sha256,
            colophon_sha256,
            royalty_receiver,
            royalty_basis_points,
            found_at
        )
        SELECT $1, $2, $3, $4, $5, $6, $7
        FROM (SELECT 1 AS one) AS once
        WHERE NOT EXISTS (SELECT 1 FROM editions WHERE number = $1)
        ON CONFLICT (number) DO NOTHING";
    LIST_EDITIONS = "
        SELECT number,
               serials,
               image_sha256,
               colophon_sha256,
               royalty_receiver,
               royalty_basis_points
        FROM foreign_editions
        WHERE NOT EXISTS (SELECT 1 FROM editions WHERE editions.number = foreign_editions.number)
        ORDER BY number
        LIMIT 10000";
}

#[derive(sqlx::FromRow)]
struct EditionRow {
    number: i64,
    serials: i64,
    image_sha256: String,
    colophon_sha256: String,
    royalty_receiver: String,
    royalty_basis_points: i64,
}

impl TryFrom<EditionRow> for (EditionNumber, EditionTerms) {
    type Error = DbError;

    fn try_from(row: EditionRow) -> Result<Self, Self::Error> {
        let odd =
            |problem: &dyn std::fmt::Display| DbError::inconsistent("foreign_editions", row.number, problem);
        let number = u32::try_from(row.number).ok().and_then(EditionNumber::new);
        let terms = EditionTerms {
            serials: u16::try_from(row.serials).map_err(|e| odd(&e))?,
            image_digest: row.image_sha256.parse().map_err(|e| odd(&e))?,
            colophon_digest: row.colophon_sha256.parse().map_err(|e| odd(&e))?,
            royalty_receiver: row.royalty_receiver.parse().map_err(|e| odd(&e))?,
            royalty_basis_points: u16::try_from(row.royalty_basis_points).map_err(|e| odd(&e))?,
        };
        Ok((number.ok_or_else(|| odd(&"not an edition's number"))?, terms))
    }
}

/// The block up to which the contract's log was compared with the books; none before the first time.
pub(crate) async fn find_scan(tx: &mut Tx) -> Result<Option<Block>, DbError> {
    let row: Option<(i64, String)> = tx.fetch_optional(FIND_SCAN, &[]).await?;
    row.map(|(number, hash)| {
        let odd = |problem: &dyn std::fmt::Display| DbError::inconsistent("contract_scans", 1, problem);
        let hash = hash.parse().map_err(|problem| odd(&problem))?;
        Ok(Block { number: u64::try_from(number).map_err(|problem| odd(&problem))?, hash })
    })
    .transpose()
}

/// Writes how far the log was compared.
pub(crate) async fn set_scan(tx: &mut Tx, through: Block, at: Timestamp) -> Result<(), DbError> {
    let number = i64::try_from(through.number).unwrap_or(i64::MAX);
    tx.execute(SET_SCAN, &[number.into(), through.hash.to_string().into(), at.into()]).await?;
    Ok(())
}

/// Writes down an edition on chain, unless the books published one under its number; tells whether that is news.
pub(crate) async fn record_foreign_edition(
    tx: &mut Tx,
    number: u64,
    terms: &EditionTerms,
    at: Timestamp,
) -> Result<bool, DbError> {
    let values = [
        i64::try_from(number).unwrap_or(i64::MAX).into(),
        terms.serials.into(),
        terms.image_digest.into(),
        terms.colophon_digest.into(),
        terms.royalty_receiver.into(),
        terms.royalty_basis_points.into(),
        at.into(),
    ];
    Ok(tx.execute(RECORD_EDITION, &values).await? == 1)
}

/// The editions on chain whose numbers the books have not given to any edition, by number.
pub async fn list_foreign_editions(tx: &mut Tx) -> Result<Vec<(EditionNumber, EditionTerms)>, DbError> {
    let rows: Vec<EditionRow> = tx.fetch_all(LIST_EDITIONS, &[]).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}
