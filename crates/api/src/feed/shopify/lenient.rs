//! Values that Shopify writes in more than one way, read exactly: numbers as numbers or as text, amounts never as floats.

use std::fmt;

use catalog::clock::Timestamp;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde_json::value::RawValue;

use crate::feed::message::ShopId;

/// A number from 1 to 2⁶³ − 1, or its decimal digits as text.
#[derive(Debug, Clone)]
pub(super) struct Id(pub(super) ShopId);

/// A count from 0 to 2³² − 1, or its digits as text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Count(pub(super) u32);

struct Digits;

impl Visitor<'_> for Digits {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<u64, E> {
        Ok(number)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<u64, E> {
        let canonical = text == "0" || (!text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()));
        let number = if canonical { text.parse().ok() } else { None };
        number.ok_or_else(|| E::custom("not a whole number"))
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = deserializer.deserialize_any(Digits)?;
        let known = (1..=i64::MAX.unsigned_abs()).contains(&number);
        if known { Ok(Self(ShopId(number))) } else { Err(de::Error::custom("not an id")) }
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = deserializer.deserialize_any(Digits)?;
        u32::try_from(number).map(Self).map_err(|_| de::Error::custom("not a count"))
    }
}

/// An amount of money as its digits stand: `19400.00`, as text or as a number.
#[derive(Debug, Clone)]
pub(super) struct Decimal(pub(super) String);

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        let digits = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        let known = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'));
        if known { Ok(Self(digits.to_owned())) } else { Err(de::Error::custom("not an amount")) }
    }
}

/// A moment (RFC 3339), or a day: its first moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment(pub(super) Timestamp);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let moment = match text.len() {
            10 => format!("{text}T00:00:00Z").parse(),
            _ => text.parse(),
        };
        moment.map(Self).map_err(de::Error::custom)
    }
}
