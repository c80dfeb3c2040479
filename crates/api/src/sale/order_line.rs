//! A line of a shop's order, as the shop tells it.

use catalog::clock::Timestamp;
use catalog::digest::Sha256Digest;
use catalog::ids::{EditionId, ImpressionId};
use catalog::invalid::InvalidField;
use catalog::text::Line;
use serde::Serialize;

use super::Money;

/// Longest reference to something in another's books.
const REFERENCE_CHARS: usize = 200;
/// Most units of one line.
const MOST_UNITS: i64 = 200;
/// No shop that calls us sold anything before 2000-01-01T00:00:00Z: an earlier time is a mistake.
const EARLIEST_MICROS: i64 = 946_684_800_000_000;
/// How far a shop's clock may be ahead of ours.
const AHEAD: std::time::Duration = std::time::Duration::from_hours(24);

/// A name for something in the shop's or carrier's books: one line of 1 to 200 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Reference(String);

impl Reference {
    /// Checks a reference; a problem is reported for `field`.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, InvalidField> {
        let invalid =
            || InvalidField::new(field, "reference_invalid", "must be one line of 1 to 200 characters");
        let line = Line::parse(field, "reference_invalid", text).map_err(|_| invalid())?;
        if line.as_str().chars().nth(REFERENCE_CHARS).is_some() {
            return Err(invalid());
        }
        Ok(Self(line.as_str().to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How many units a line sells: 1 to 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantity(u16);

impl Quantity {
    /// Checks a quantity.
    pub fn parse(quantity: i64) -> Result<Self, InvalidField> {
        let problem =
            || InvalidField::new("quantity", "quantity_invalid", format!("must be 1 to {MOST_UNITS}"));
        if !(1..=MOST_UNITS).contains(&quantity) {
            return Err(problem());
        }
        u16::try_from(quantity).map(Self).map_err(|_| problem())
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

/// A moment in another's books that can be true: not before the year 2000, not more than a day ahead of us.
pub(crate) fn check_moment(
    field: &'static str,
    code: &'static str,
    moment: Timestamp,
    now: Timestamp,
) -> Result<(), InvalidField> {
    if moment.as_micros() < EARLIEST_MICROS || moment > now.plus(AHEAD) {
        let problem = "must lie between the year 2000 and one day from now";
        return Err(InvalidField::new(field, code, problem));
    }
    Ok(())
}

/// Which sheets a line sells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// That many of the numbered run, lowest serials first.
    Lowest(Quantity),
    /// This very sheet. The only way to sell a proof.
    Sheet(ImpressionId),
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLine {
    /// The shop or marketplace.
    pub channel: Reference,
    /// Its order.
    pub order: Reference,
    /// The line of that order.
    pub line: Reference,
    /// The edition sold from.
    pub edition_id: EditionId,
    /// Which sheets.
    pub wanted: Wanted,
    /// The price of one.
    pub price: Money,
    /// When the shop sold it.
    pub sold_at: Timestamp,
}

impl Wanted {
    /// Checks how many sheets are wanted, and that a named sheet is wanted once.
    pub fn parse(quantity: i64, sheet: Option<ImpressionId>) -> Result<Self, InvalidField> {
        let quantity = Quantity::parse(quantity)?;
        match sheet {
            None => Ok(Self::Lowest(quantity)),
            Some(sheet) if quantity == Quantity(1) => Ok(Self::Sheet(sheet)),
            Some(_) => {
                let problem = "must be 1 when impression_id names the sheet";
                Err(InvalidField::new("quantity", "quantity_invalid", problem))
            }
        }
    }

    /// How many units.
    #[must_use]
    pub fn units(&self) -> u16 {
        match self {
            Self::Lowest(quantity) => quantity.get(),
            Self::Sheet(_) => 1,
        }
    }
}

#[derive(Serialize)]
struct Facts<'a> {
    channel: &'a Reference,
    order: &'a Reference,
    line: &'a Reference,
    edition_id: &'a EditionId,
    quantity: u16,
    impression_id: Option<&'a ImpressionId>,
    amount_minor: i64,
    currency: &'static str,
    sold_at: Timestamp,
}

impl OrderLine {
    /// Digest of everything the shop told, in canonical JSON (RFC 8785): the same line sent again must have it.
    pub fn facts_digest(&self) -> Result<Sha256Digest, serde_json::Error> {
        let impression_id = match &self.wanted {
            Wanted::Lowest(_) => None,
            Wanted::Sheet(impression_id) => Some(impression_id),
        };
        let facts = Facts {
            channel: &self.channel,
            order: &self.order,
            line: &self.line,
            edition_id: &self.edition_id,
            quantity: self.wanted.units(),
            impression_id,
            amount_minor: self.price.amount_minor(),
            currency: self.price.currency(),
            sold_at: self.sold_at,
        };
        Sha256Digest::of_canonical(&facts).map(|(digest, _)| digest)
    }
}
