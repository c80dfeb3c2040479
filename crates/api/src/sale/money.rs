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

    /// Reads an amount as shops write it, in whole units with a point: `19400.00`. Digits beyond the currency's minor
    /// unit must be zeros; nothing is rounded.
    pub fn of_decimal(text: &str, currency: &str) -> Result<Self, InvalidField> {
        let zero = Self::parse(0, currency)?;
        let exponent = zero.currency.exponent().map_or(0, usize::from);
        minor_units(text, exponent)
            .ok_or_else(|| InvalidField::new("price", "price_invalid", "must be an amount such as 19400.00"))
            .and_then(|minor| Self::parse(minor, currency))
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

fn minor_units(text: &str, exponent: usize) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !are_digits(whole) || !are_digits(fraction) {
        return None;
    }
    let (minor, beyond) = fraction.split_at(exponent.min(fraction.len()));
    if beyond.bytes().any(|b| b != b'0') {
        return None;
    }
    format!("{whole}{minor:0<exponent$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_with_a_point_are_read_exactly_or_not_at_all() {
        let read = |text, currency| Money::of_decimal(text, currency).map(|money| money.amount_minor()).ok();
        let good = [
            ("19400.00", "CNY", 1_940_000),
            ("19400", "CNY", 1_940_000),
            ("0.1", "CNY", 10),
            ("0.10000", "CNY", 10),
            ("007.5", "CNY", 750),
            ("1940", "JPY", 1_940),
            ("1940.00", "JPY", 1_940),
            ("1.234", "KWD", 1_234),
            ("10000000000.00", "CNY", MOST_MINOR),
        ];
        for (text, currency, minor) in good {
            assert_eq!(read(text, currency), Some(minor), "{text} {currency}");
        }
        for text in
            ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", "1.005", " 1", "0x1", "10000000000.01", "١"]
        {
            assert_eq!(read(text, "CNY"), None, "{text}");
        }
        assert_eq!((read("1.5", "JPY"), read("1", "RMB"), read(&"9".repeat(99), "CNY")), (None, None, None));
    }

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
