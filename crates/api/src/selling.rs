//! Sales as they reach the books: each function is one decision under the locks of edition, sale and claim, in
//! that order, in the caller's transaction. Order routes use them now, order feeds later.

use catalog::crash_point;
use catalog::db::{DbError, Tx};
use catalog::edition::Edition;
use catalog::ids::{EditionId, ImpressionId};
use catalog::impression::{Impression, ImpressionState, check_for_sale};
use catalog::invalid::InvalidField;
use catalog::journal::{self, Occasion};
use catalog::provenance::CatalogEvent;
use catalog::store as catalog_store;
use minting::foreign::Verdict;
use minting::store as minting_store;

use crate::claim::{self, Claim, ClaimEvent, ClaimId};
use crate::config::OpenOn;
use crate::error::ApiError;
use crate::sale::{OrderLine, Sale, SaleEvent, SaleId, Wanted};
use crate::store;

/// What became of an order line.
#[derive(Debug)]
pub(crate) enum Recorded {
    /// Its sales were written.
    New(Vec<Sale>),
    /// They stood in the books already, with the same facts.
    Known(Vec<Sale>),
}

/// Sells an order line: one sale a unit, each with a reserved sheet and a prepared claim, or nothing at all.
pub(crate) async fn record(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    line: &OrderLine,
    open_on: OpenOn,
) -> Result<Recorded, ApiError> {
    let facts = line.facts_digest().map_err(|error| ApiError::internal("digesting an order line", error))?;
    let edition = catalog_store::lock_edition(tx, &line.edition_id).await?.ok_or_else(edition_unknown)?;
    let known = store::list_sales_of_line(tx, &line.channel, &line.order, &line.line).await?;
    if known.iter().any(|sale| sale.facts != facts) {
        return Err(sale_exists());
    }
    if !known.is_empty() {
        return Ok(Recorded::Known(known));
    }
    check_for_sale(&edition.state)
        .map_err(|invalid| ApiError::conflict(invalid.code, invalid.to_string()))?;
    let units = line.wanted.units();
    // Ids of one moment are in no order of their own: sorted, they list the units of a line as the line counts them.
    let mut sale_ids: Vec<_> = (0..units).map(|_| SaleId::generate(occasion.at, occasion.chance)).collect();
    sale_ids.sort_unstable();
    let mut sales = Vec::with_capacity(usize::from(units));
    for ((unit_no, sale_id), sheet) in (1..).zip(sale_ids).zip(allot(tx, &edition, &line.wanted).await?) {
        let from = sheet.state;
        let sheet = take(tx, &edition, sheet).await?;
        move_sheet(tx, occasion, from, &sheet).await?;
        let sale = Sale::record(sale_id, line, unit_no, sheet.impression_id, facts, occasion.at);
        store::insert_sale(tx, &sale).await.map_err(|error| match error {
            // The same line was sold from another edition at the same time, under that edition's lock.
            error if error.is_unique_violation() => sale_exists(),
            error => error.into(),
        })?;
        journal::append(tx, occasion, &SaleEvent::recorded(&sale))?;
        crash_point!("sale.before_claim");
        prepare_claim(tx, occasion, &sale, open_on).await?;
        sales.push(sale);
    }
    Ok(Recorded::New(sales))
}

/// The sheets for a line, under the edition's lock.
async fn allot(tx: &mut Tx, edition: &Edition, wanted: &Wanted) -> Result<Vec<Impression>, ApiError> {
    match wanted {
        Wanted::Lowest(quantity) => {
            let (run, units) = (edition.facts.run.size, quantity.get());
            let sheets =
                catalog_store::first_available(tx, &edition.edition_id, run, u32::from(units)).await?;
            if sheets.len() < usize::from(units) {
                let detail =
                    format!("{units} sheets of the numbered run were wanted and {} are left", sheets.len());
                return Err(ApiError::conflict("edition_sold_out", detail));
            }
            Ok(sheets)
        }
        Wanted::Sheet(impression_id) => {
            let sheet = find_sheet(tx, impression_id, &edition.edition_id).await?;
            Ok(vec![sheet])
        }
    }
}

/// A sale takes its sheet. One that is quarantined because the chain has a token of it that the books forgot is taken
/// by the sale that names it: the shop tells of the sale again, and its buyer finds the token.
async fn take(tx: &mut Tx, edition: &Edition, sheet: Impression) -> Result<Impression, ApiError> {
    if sheet.state == ImpressionState::Quarantined
        && let Some(publication) = edition.state.publication()
        && let Some(next) = minting_store::next_token(tx, publication.number, &sheet).await?
        && let Some(foreign) = minting_store::find_foreign(tx, next.token_id).await?
        && foreign.verdict == Verdict::Open
    {
        return sheet.move_to(ImpressionState::Reserved).map_err(|refused| not_available(refused.from));
    }
    sheet.reserve().map_err(|refused| not_available(refused.from))
}

async fn prepare_claim(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    sale: &Sale,
    open_on: OpenOn,
) -> Result<(), ApiError> {
    let claim_id = ClaimId::generate(occasion.at, occasion.chance);
    let claim = Claim::prepare(claim_id, sale.sale_id.clone(), occasion.at);
    store::insert_claim(tx, &claim).await?;
    journal::append(tx, occasion, &ClaimEvent::prepared(&claim))?;
    if claim::opens(open_on, &sale.goods)
        && let Ok(claim) = claim.open(occasion.at)
    {
        store::update_claim(tx, &claim, occasion.at).await?;
        journal::append(tx, occasion, &ClaimEvent::Opened { claim_id: claim.claim_id })?;
    }
    Ok(())
}

/// A sheet of that edition.
pub(crate) async fn find_sheet(
    tx: &mut Tx,
    impression_id: &ImpressionId,
    edition_id: &EditionId,
) -> Result<Impression, ApiError> {
    catalog_store::find_impression(tx, impression_id)
        .await?
        .filter(|sheet| sheet.edition_id == *edition_id)
        .ok_or_else(|| impression_unknown().into())
}

/// Writes that a sheet went from a state to another, and the event.
pub(crate) async fn move_sheet(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    from: ImpressionState,
    moved: &Impression,
) -> Result<(), DbError> {
    catalog_store::move_impression(tx, from, moved, occasion.at).await?;
    let event = CatalogEvent::ImpressionMoved {
        impression_id: moved.impression_id.clone(),
        from: from.as_str(),
        to: moved.state.as_str(),
    };
    journal::append(tx, occasion, &event)
}

/// 422: no edition has that id.
pub(crate) fn edition_unknown() -> InvalidField {
    InvalidField::new("edition_id", "edition_unknown", "names no edition")
}

/// 422: no sheet of the edition has that id.
pub(crate) fn impression_unknown() -> InvalidField {
    InvalidField::new("impression_id", "impression_unknown", "names no sheet of that edition")
}

/// 404: no sale has that id.
pub(crate) fn no_such_sale() -> ApiError {
    ApiError::no_such("sale")
}

fn sale_exists() -> ApiError {
    let detail = "this order line is already in the books, with other facts";
    ApiError::conflict("sale_exists", detail)
}

/// 409: the sheet is not where it had to be.
pub(crate) fn not_available(state: ImpressionState) -> ApiError {
    let detail = format!("the sheet is {}", state.as_str());
    ApiError::conflict("impression_not_available", detail)
}
