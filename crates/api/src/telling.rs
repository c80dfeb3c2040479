//! What the shop tells of a sale, on its way into the books: one decision under the locks of edition, sale and claim, in
//! that order, in the caller's transaction. Order routes use it now, order feeds later.

use catalog::crash_point;
use catalog::db::Tx;
use catalog::ids::ImpressionId;
use catalog::impression::{Impression, ImpressionState};
use catalog::journal::{self, Occasion};
use catalog::store as catalog_store;

use crate::carrying_out::{self, Matter};
use crate::error::ApiError;
use crate::redeeming::Terms;
use crate::sale::{self, AmountRefund, NotExchangeable, Refusal, Sale, SaleEvent, SaleId, ShopEvent, Step};
use crate::selling::{edition_unknown, find_sheet, move_sheet, no_such_sale, not_available};
use crate::store;

/// Takes in `event` with all that it causes. An event that is known changes nothing.
pub(crate) async fn tell(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    sale_id: &SaleId,
    event: &ShopEvent,
    terms: &Terms<'_>,
) -> Result<Sale, ApiError> {
    if matches!(event, ShopEvent::Shipped { packed: Some(_), .. }) {
        // An exchange allots a sheet: it waits for the edition, and the edition is locked before the sale.
        let sale = store::find_sale(tx, sale_id).await?.ok_or_else(no_such_sale)?;
        catalog_store::lock_edition(tx, &sale.edition_id).await?.ok_or_else(edition_unknown)?;
    }
    let (sale, claim) = store::lock_sale_with_claim(tx, sale_id).await?.ok_or_else(no_such_sale)?;
    if let ShopEvent::AmountRefunded(refund) = event {
        return note_amount(tx, occasion, sale, refund).await;
    }
    let heard = match sale.clone().hear(event).map_err(refused)? {
        Step::Unchanged(sale) => return Ok(sale),
        Step::Changed(heard) => heard,
    };
    if heard.impression_id != sale.impression_id {
        let redeemed = claim.state.redemption().is_some();
        exchange(tx, occasion, &heard, &sale.impression_id, redeemed).await?;
    }
    let matter = Matter::of(tx, &heard, claim, terms, occasion.at).await?;
    if matches!(event, ShopEvent::Shipped { .. }) && matter.sheet.state != ImpressionState::Reserved {
        return Err(not_available(matter.sheet.state));
    }
    let (Step::Changed(sale) | Step::Unchanged(sale), effects) =
        sale.decide(event, &matter.known).map_err(refused)?;
    journal::append(tx, occasion, &SaleEvent::told(&sale, event))?;
    carrying_out::carry_out(tx, occasion, &sale, matter, &effects, terms).await?;
    told(event);
    Ok(sale)
}

/// The event and all that it caused are written, and not committed.
fn told(event: &ShopEvent) {
    match event {
        // Every sale is recorded as paid: told again it changes nothing.
        ShopEvent::Paid => {}
        ShopEvent::Shipped { .. } => crash_point!("tell.shipped"),
        ShopEvent::Delivered { .. } => crash_point!("tell.delivered"),
        ShopEvent::Lost { .. } => crash_point!("tell.lost"),
        ShopEvent::Canceled { .. } => crash_point!("tell.canceled"),
        ShopEvent::ReturnRequested { .. } => crash_point!("tell.return_requested"),
        ShopEvent::ReturnGivenUp { .. } => crash_point!("tell.return_given_up"),
        ShopEvent::Received { .. } => crash_point!("tell.received"),
        ShopEvent::Inspected { .. } => crash_point!("tell.inspected"),
        ShopEvent::Refunded { .. } => crash_point!("tell.refunded"),
        ShopEvent::AmountRefunded(_) => crash_point!("tell.amount_refunded"),
        ShopEvent::Disputed { .. } => crash_point!("tell.disputed"),
    }
}

/// Writes down money that went back without undoing the sale. The shop's name for it makes it one.
async fn note_amount(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    sale: Sale,
    refund: &AmountRefund,
) -> Result<Sale, ApiError> {
    let most = sale.price.amount_minor();
    if refund.amount.currency() != sale.price.currency() || refund.amount.amount_minor() > most {
        let detail = "an amount goes back in the currency of the price, and no more than the price";
        return Err(ApiError::conflict("refund_amount_invalid", detail));
    }
    match store::find_amount_refund(tx, &sale.sale_id, &refund.reference).await? {
        Some(known) if known == *refund => {}
        Some(_) => {
            let detail = "a refund under this reference is in the books, with other facts";
            return Err(ApiError::conflict("refund_exists", detail));
        }
        None => {
            store::insert_amount_refund(tx, &sale.sale_id, refund, occasion.at).await?;
            let event = ShopEvent::AmountRefunded(refund.clone());
            journal::append(tx, occasion, &SaleEvent::told(&sale, &event))?;
            told(&event);
        }
    }
    Ok(sale)
}

/// Frees the sheet that was reserved and reserves the one that was packed.
async fn exchange(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    sale: &Sale,
    reserved: &ImpressionId,
    redeemed: bool,
) -> Result<(), ApiError> {
    let packed = find_sheet(tx, &sale.impression_id, &sale.edition_id).await?;
    let reserved = find_sheet(tx, reserved, &sale.edition_id).await?;
    let before: ImpressionState = reserved.state;
    let (freed, packed): (Impression, Impression) =
        sale::exchange(reserved, packed, redeemed).map_err(|refused| {
            let code = match refused {
                NotExchangeable::Redeemed => "claim_redeemed",
                NotExchangeable::AnotherEdition | NotExchangeable::NotAvailable(_) => {
                    "impression_not_available"
                }
            };
            ApiError::conflict(code, refused.to_string())
        })?;
    if freed.state != before {
        move_sheet(tx, occasion, before, &freed).await?;
    }
    crash_point!("exchange.freed");
    move_sheet(tx, occasion, ImpressionState::Available, &packed).await?;
    let event = SaleEvent::SheetExchanged {
        sale_id: sale.sale_id.clone(),
        reserved: freed.impression_id,
        packed: packed.impression_id,
    };
    Ok(journal::append(tx, occasion, &event)?)
}

fn refused(refused: Refusal) -> ApiError {
    ApiError::conflict(refused.code(), refused.to_string())
}
