//! Time as an argument. The only file that may ask the machine what time it is.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A moment, in whole microseconds since 1970-01-01T00:00:00Z. Reads and writes as RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A text that is not an RFC 3339 moment between the years 1970 and 9998.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time between 1970 and 9998, such as 2026-11-23T09:30:00Z")]
pub struct InvalidTimestamp;

/// First microsecond of the year 9999, which no record of ours reaches.
const END_OF_TIME: i64 = 253_370_764_800_000_000;

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// The moment `micros` microseconds after the epoch. Negative values and years past 9998 are refused.
    pub fn from_micros(micros: i64) -> Result<Self, InvalidTimestamp> {
        if (0..END_OF_TIME).contains(&micros) { Ok(Self(micros)) } else { Err(InvalidTimestamp) }
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, as block timestamps count.
    #[must_use]
    pub fn as_seconds(self) -> u64 {
        (self.0 / 1_000_000).unsigned_abs()
    }

    /// The moment `by` later; stays at the last moment we can write when that is too far.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(by).min(END_OF_TIME - 1))
    }

    /// The moment `by` earlier; stays at the epoch when that is too far.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(by).max(0))
    }

    /// How long it was from `earlier` to this moment; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Whether `wait` is over since `earlier`. Of a clock that was set back behind `earlier` nobody knows how long it was:
    /// then it is over, so that nothing waits until the clock has caught up.
    #[must_use]
    pub fn is_over(self, earlier: Self, wait: Duration) -> bool {
        self < earlier || self.since(earlier) >= wait
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(moment) => moment.fmt(f),
            Err(_) => write!(f, "{} µs", self.0),
        }
    }
}

impl std::str::FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let moment: jiff::Timestamp = text.parse().map_err(|_| InvalidTimestamp)?;
        Self::from_micros(moment.as_microsecond())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Tells the time. Production uses [`SystemClock`]; a test may hand in one that it moves by hand.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one door to the time of day")]
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_microsecond().clamp(0, END_OF_TIME - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_back_as_it_was_written() -> Result<(), InvalidTimestamp> {
        let moment = Timestamp::from_micros(1_795_426_200_123_456)?;
        assert_eq!(moment.to_string(), "2026-11-23T09:30:00.123456Z");
        assert_eq!(moment.to_string().parse(), Ok(moment));
        Ok(())
    }

    #[test]
    fn no_wait_outlasts_a_clock_that_was_set_back() -> Result<(), InvalidTimestamp> {
        let (wait, noon) = (Duration::from_mins(1), Timestamp::from_micros(1_795_435_200_000_000)?);
        let later = |seconds| noon.plus(Duration::from_secs(seconds));
        assert!(!noon.is_over(noon, wait) && !later(59).is_over(noon, wait));
        assert!(later(60).is_over(noon, wait) && noon.is_over(later(1), wait));
        assert!(noon.is_over(later(24 * 3600), wait));
        Ok(())
    }

    #[test]
    fn times_outside_our_years_are_refused() {
        for text in ["1969-12-31T23:59:59Z", "9999-01-01T00:00:00Z", "2026-11-23", "", "now"] {
            assert_eq!(text.parse::<Timestamp>(), Err(InvalidTimestamp), "{text}");
        }
    }
}
