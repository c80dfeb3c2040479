//! Money: whole minor units of a currency (ISO 4217). Never a fraction, never a float.

use catalog::invalid::InvalidField;
use iso_currency::Currency;

/// The most that one print may cost, in minor units: ten billion of a currency with cents.
const MOST_MINOR: i64 = 1_000_000_000_000;

/// An amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// Checks a price: 0 to 10¹² minor units of a currency that is paid in. Problems are reported for `price`.
    pub fn parse(amount_minor: i64, currency: &str) -> Result<Self, InvalidField> {
        if !(0..=MOST_MINOR).contains(&amount_minor) {
            let problem = format!("must be 0 to {MOST_MINOR} minor units");
            return Err(InvalidField::new("price.amount_minor", "price_invalid", problem));
        }
        // Funds, metals and the codes for tests are in ISO 4217, but nobody pays in them.
        let paid_in = |currency: &Currency| {
            currency.exponent().is_some() && !currency.is_special() && !currency.is_fund()
        };
        let currency = Some(currency)
            .filter(|code| code.bytes().all(|b| b.is_ascii_uppercase()))
            .and_then(Currency::from_code)
            .filter(paid_in)
            .ok_or_else(|| {
                let problem = "must be the three letters of a currency in use (ISO 4217), such as CNY";
                InvalidField::new("price.currency", "currency_invalid", problem)
            })?;
        Ok(Self { minor: amount_minor, currency })
    }

    /// Whole minor units.
    #[must_use]
    pub fn amount_minor(&self) -> i64 {
        self.minor
    }

    /// The three letters of the currency.
    #[must_use]
    pub fn currency(&self) -> &'static str {
        self.currency.code()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_whole_minor_units_of_a_currency_in_use() {
        let price = Money::parse(1_940_000, "CNY").unwrap();
        assert_eq!((price.amount_minor(), price.currency()), (1_940_000, "CNY"));
        assert!(Money::parse(0, "JPY").is_ok(), "a gift costs nothing");
        let refused = [
            (-1, "CNY", "price_invalid"),
            (MOST_MINOR + 1, "CNY", "price_invalid"),
            (i64::MAX, "CNY", "price_invalid"),
            (1, "", "currency_invalid"),
            (1, "cny", "currency_invalid"),
            (1, "RMB", "currency_invalid"),
            (1, "CNYX", "currency_invalid"),
            (1, "ETH", "currency_invalid"),
            (1, "XXX", "currency_invalid"),
            (1, "XAU", "currency_invalid"),
            (1, "XTS", "currency_invalid"),
            (1, "CHE", "currency_invalid"),
        ];
        for (minor, currency, code) in refused {
            assert_eq!(Money::parse(minor, currency).map_err(|e| e.code), Err(code), "{minor} {currency}");
        }
    }
}
