//! Sales as JSON.

use catalog::clock::Timestamp;
use catalog::ids::ImpressionId;
use catalog::impression::Impression;
use catalog::invalid::InvalidField;
use minting::wallet;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::claim::code::ClaimCode;
use crate::claim::{Claim, ClaimId};
use crate::contact::{Contact, FieldNames};
use crate::json::{object, optional_object};
use crate::policy::Policy;
use crate::routes::policy::PolicyView;
use crate::sale::{Cause, Money, OrderLine, Reference, Sale, Shipment, Wanted, check_moment};
use crate::selling::{edition_unknown, impression_unknown};

use super::contact::ContactInput;

/// Money in whole minor units.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoneyShape {
    /// Whole minor units: fen, cents.
    #[schema(example = 1_940_000, minimum = 0)]
    pub(super) amount_minor: i64,
    /// The currency's three letters (ISO 4217).
    #[schema(example = "CNY")]
    pub(super) currency: String,
}

/// A line of a shop's order.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SaleInput {
    /// The shop or marketplace.
    #[schema(example = "boutique")]
    channel: String,
    /// Its order.
    #[schema(example = "A-1001")]
    order: String,
    /// The line of that order.
    #[schema(example = "1")]
    line: String,
    /// How many; 1 when it is not given.
    #[schema(minimum = 1, maximum = 200)]
    #[serde(default)]
    quantity: Option<i64>,
    /// The edition sold from.
    edition_id: String,
    /// The very sheet, with quantity 1 only; else the lowest serials of the numbered run are taken.
    #[serde(default)]
    impression_id: Option<String>,
    /// The price of one.
    #[serde(deserialize_with = "object")]
    price: MoneyShape,
    /// When the shop sold it.
    #[schema(value_type = String, format = DateTime)]
    sold_at: Timestamp,
    /// How the buyer is reached; encrypted at rest, read under `/v1/sales/{sale_id}/contact` alone.
    #[serde(default, deserialize_with = "optional_object")]
    contact: Option<ContactInput>,
}

pub(super) fn read_impression_id(text: Option<&String>) -> Result<Option<ImpressionId>, InvalidField> {
    text.map(|text| text.parse().map_err(|_| impression_unknown())).transpose()
}

impl SaleInput {
    /// Whether what the shop told names the buyer.
    pub(super) fn names_buyer(&self) -> bool {
        self.contact.is_some()
    }

    /// How the buyer is reached, if the shop told.
    pub(super) fn contact(&self) -> Result<Option<Contact>, InvalidField> {
        self.contact.as_ref().map(|told| told.contact(&FieldNames::IN_SALE)).transpose()
    }

    /// Checks what the shop told at the moment `now`.
    pub(super) fn order_line(&self, now: Timestamp) -> Result<OrderLine, InvalidField> {
        check_moment("sold_at", "sold_at_invalid", self.sold_at, now)?;
        Ok(OrderLine {
            channel: Reference::parse("channel", &self.channel)?,
            order: Reference::parse("order", &self.order)?,
            line: Reference::parse("line", &self.line)?,
            wanted: Wanted::parse(
                self.quantity.unwrap_or(1),
                read_impression_id(self.impression_id.as_ref())?,
            )?,
            edition_id: self.edition_id.parse().map_err(|_| edition_unknown())?,
            price: Money::parse(self.price.amount_minor, &self.price.currency)?,
            sold_at: self.sold_at,
        })
    }
}

/// The sheet of a sale.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SheetView {
    impression_id: String,
    /// Its place in the edition.
    serial: u16,
    /// Its number as pencilled on the sheet.
    #[schema(example = "7/20")]
    label: String,
}

impl SheetView {
    pub(crate) fn of(impression: &Impression) -> Self {
        Self {
            impression_id: impression.impression_id.to_string(),
            serial: impression.serial.get(),
            label: impression.label.clone(),
        }
    }
}

/// How a sheet left the house.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShipmentView {
    carrier: String,
    tracking_ref: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    shipped_at: Timestamp,
}

impl ShipmentView {
    fn of(shipment: &Shipment) -> Self {
        Self {
            carrier: shipment.carrier.as_str().to_owned(),
            tracking_ref: shipment.tracking_ref.as_ref().map(|text| text.as_str().to_owned()),
            shipped_at: shipment.shipped_at,
        }
    }
}

/// The claim of a sale.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClaimSummary {
    claim_id: String,
    /// `prepared`, `open`, `redeemed`, `released`, `void` or `expired`.
    #[schema(example = "prepared")]
    state: &'static str,
    /// The wallet that redeemed it (EIP-55).
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<String>,
    /// The token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "12017100")]
    token_id: Option<String>,
}

impl ClaimSummary {
    fn of(claim: &Claim) -> Self {
        let redemption = claim.state.redemption();
        Self {
            claim_id: claim.claim_id.to_string(),
            state: claim.state.as_str(),
            recipient: redemption.map(|redemption| wallet::checksummed(redemption.recipient)),
            token_id: redemption.map(|redemption| redemption.token_id.to_string()),
        }
    }
}

/// A sale: one sheet to one buyer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SaleView {
    sale_id: String,
    channel: String,
    order: String,
    line: String,
    /// The unit of that line, from 1.
    unit: u16,
    edition_id: String,
    impression: SheetView,
    price: MoneyShape,
    #[schema(value_type = String, format = DateTime)]
    sold_at: Timestamp,
    /// `paid`, `refund_pending` or `refunded`.
    #[schema(example = "paid")]
    payment: &'static str,
    /// `none`, `open`, `won` or `lost`.
    #[schema(example = "none")]
    dispute: &'static str,
    /// Where the sheet is: `reserved`, `shipped`, `delivered`, `return_requested`, `received`, `inspected_same`,
    /// `inspected_swapped`, `inspected_damaged`, `lost` or `canceled`.
    #[schema(example = "reserved")]
    goods: &'static str,
    /// Why the sale is undone: `refunded`, `disputed`, `canceled`, `returned` or `lost`; null while it stands.
    #[schema(required = true)]
    undone: Option<&'static str>,
    /// Why its token bears a flag: the sale was undone when the token was out of the issuer's reach.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_flag: Option<&'static str>,
    #[schema(required = true)]
    shipment: Option<ShipmentView>,
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    delivered_at: Option<Timestamp>,
    claim: ClaimSummary,
    /// By which rules it lives: those of the day on which it was sold.
    policy: PolicyView,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl SaleView {
    pub(super) fn of(sale: &Sale, impression: &Impression, claim: &Claim, policy: &Policy) -> Self {
        Self {
            sale_id: sale.sale_id.to_string(),
            channel: sale.unit.channel.as_str().to_owned(),
            order: sale.unit.order.as_str().to_owned(),
            line: sale.unit.line.as_str().to_owned(),
            unit: sale.unit.unit_no,
            edition_id: sale.edition_id.to_string(),
            impression: SheetView::of(impression),
            price: MoneyShape {
                amount_minor: sale.price.amount_minor(),
                currency: sale.price.currency().to_owned(),
            },
            sold_at: sale.sold_at,
            payment: sale.payment.as_str(),
            dispute: sale.dispute.as_str(),
            goods: sale.goods.as_str(),
            undone: sale.undone().map(Cause::as_str),
            token_flag: sale.token_flag.map(Cause::as_str),
            shipment: sale.goods.shipment().map(ShipmentView::of),
            delivered_at: sale.goods.delivered_at(),
            claim: ClaimSummary::of(claim),
            policy: PolicyView::of(policy),
            created_at: sale.created_at,
        }
    }
}

/// The sales of an order line, one a unit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SalesRecorded {
    pub(super) sales: Vec<SaleView>,
}

/// A claim's new code.
#[derive(Serialize, ToSchema)]
pub(crate) struct IssuedCode {
    claim_id: String,
    /// The code for the card; null in a replay.
    #[schema(required = true, example = "7ZQ4M-0XKJ2-9VTBC-E5H8N-W3RGAD")]
    code: Option<String>,
    /// True in a replay.
    code_already_shown: bool,
}

impl IssuedCode {
    pub(super) fn shown(claim_id: &ClaimId, code: &ClaimCode) -> Self {
        Self {
            claim_id: claim_id.to_string(),
            code: Some(code.reveal().to_string()),
            code_already_shown: false,
        }
    }

    pub(super) fn withheld(claim_id: &ClaimId) -> Self {
        Self { claim_id: claim_id.to_string(), code: None, code_already_shown: true }
    }
}
