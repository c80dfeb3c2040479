//! How a delivery fares: what an answer means, and when it is tried again. Decided without I/O.

use std::time::Duration;

use catalog::chance::Chance;
use catalog::clock::Timestamp;
use catalog::typed_id;

typed_id!(
    /// The delivery of one event to one endpoint: `wd_…`.
    WebhookDeliveryId, "wd");

/// The longest pause that a receiver may ask for.
const LONGEST_PAUSE: Duration = Duration::from_hours(24);
/// Pauses are spread by a fifth to both sides, so that what failed together does not come back together.
const SPREAD_PERCENT: u64 = 20;

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It will be tried, for the first time or again.
    Waiting,
    /// The receiver took it.
    Delivered,
    /// It was tried as often as it is, or its endpoint is gone.
    GivenUp,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Delivered, Self::GivenUp];

    /// The word in the database and in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::GivenUp => "given_up",
        }
    }

    /// The state that `word` names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// What came of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// An answer, and the pause that it asked for.
    Answered {
        /// Its status.
        status: u16,
        /// `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// No whole head of an answer in time.
    TimedOut,
    /// No connection, or one that broke.
    Unreachable,
    /// The address is not public.
    AddressRefused,
}

impl Outcome {
    /// A stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered { status: 200..=299, .. } => "delivered",
            // Where it leads is another endpoint, which nobody asked us to tell.
            Self::Answered { status: 300..=399, .. } => "redirected",
            Self::Answered { .. } => "refused",
            Self::TimedOut => "timed_out",
            Self::Unreachable => "unreachable",
            Self::AddressRefused => "address_refused",
        }
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(self) -> Option<u16> {
        match self {
            Self::Answered { status, .. } => Some(status),
            _ => None,
        }
    }
}

/// What is to be done after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing: it was taken.
    Delivered,
    /// Try again at that moment; send nothing else to this endpoint before `paused_until`, where there is one.
    Again {
        /// When.
        at: Timestamp,
        /// The receiver's own wish.
        paused_until: Option<Timestamp>,
    },
    /// It was tried as often as it is.
    GiveUp,
    /// The endpoint wants nothing any more.
    Gone,
}

/// What is to be done after attempt number `attempt` (from 1) came out as `outcome`, by the pauses of `schedule`.
#[must_use]
pub fn next(
    outcome: Outcome,
    attempt: u32,
    schedule: &[Duration],
    now: Timestamp,
    chance: &dyn Chance,
) -> Next {
    let wanted = match outcome {
        Outcome::Answered { status: 200..=299, .. } => return Next::Delivered,
        Outcome::Answered { status: 410, .. } => return Next::Gone,
        Outcome::Answered { retry_after, .. } => retry_after.map(|pause| pause.min(LONGEST_PAUSE)),
        _ => None,
    };
    let place = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    let Some(pause) = schedule.get(place) else { return Next::GiveUp };
    let at = now.plus(spread(*pause, chance).max(wanted.unwrap_or_default()));
    Next::Again { at, paused_until: wanted.map(|pause| now.plus(pause)) }
}

fn spread(pause: Duration, chance: &dyn Chance) -> Duration {
    let dice = u64::from(u32::from_be_bytes(chance.bytes::<4>()));
    let percent = 100 - SPREAD_PERCENT + dice % (2 * SPREAD_PERCENT + 1);
    pause.saturating_mul(u32::try_from(percent).unwrap_or(100)) / 100
}

/// Reads `Retry-After`: seconds or a date (RFC 9110, 10.2.3).
#[must_use]
pub fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text.trim()).ok()?;
    let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(since.saturating_sub(Duration::from_secs(now.as_seconds())))
}

#[cfg(test)]
mod tests {
    use catalog::chance::SystemChance;

    use super::*;

    const SCHEDULE: [Duration; 2] = [Duration::from_secs(10), Duration::from_hours(1)];

    fn now() -> Timestamp {
        Timestamp::from_micros(1_795_435_200_000_000).unwrap()
    }

    fn after(status: u16, retry_after: Option<u64>, attempt: u32) -> Next {
        let outcome = Outcome::Answered { status, retry_after: retry_after.map(Duration::from_secs) };
        next(outcome, attempt, &SCHEDULE, now(), &SystemChance)
    }

    #[test]
    fn only_a_success_is_a_success_and_gone_is_gone() {
        for status in [200, 201, 204, 299] {
            assert_eq!(after(status, None, 1), Next::Delivered);
        }
        assert_eq!(after(410, None, 1), Next::Gone);
        for status in [100, 199, 300, 301, 307, 400, 401, 404, 409, 429, 500, 503] {
            assert!(matches!(after(status, None, 1), Next::Again { paused_until: None, .. }), "{status}");
        }
        for outcome in [Outcome::TimedOut, Outcome::Unreachable, Outcome::AddressRefused] {
            let again = next(outcome, 2, &SCHEDULE, now(), &SystemChance);
            assert!(matches!(again, Next::Again { .. }), "{outcome:?}");
            assert_eq!(next(outcome, 3, &SCHEDULE, now(), &SystemChance), Next::GiveUp);
        }
    }

    #[test]
    fn pauses_grow_by_the_schedule_and_are_spread_by_a_fifth() {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let Next::Again { at, .. } = after(500, None, 1) else { panic!("no other attempt") };
            let pause = at.since(now());
            assert!((Duration::from_secs(8)..=Duration::from_secs(12)).contains(&pause), "{pause:?}");
            seen.insert(pause);
        }
        assert!(seen.len() > 5, "{seen:?}");
        let Next::Again { at, .. } = after(500, None, 2) else { panic!("no other attempt") };
        assert!(at.since(now()) >= Duration::from_mins(48));
    }

    #[test]
    fn the_receivers_own_wish_is_heard_up_to_a_day() {
        let pause = |wish| match after(429, Some(wish), 1) {
            Next::Again { at, paused_until: Some(until) } => {
                (at.since(now()).as_secs(), until.since(now()).as_secs())
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(pause(120), (120, 120));
        assert_eq!(pause(10_000_000), (86_400, 86_400));
        let (at, until) = pause(1);
        assert!(at >= 8 && until == 1, "a short wish does not shorten the schedule");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(retry_after("120", now()), Some(Duration::from_mins(2)));
        assert_eq!(retry_after("Mon, 23 Nov 2026 12:01:00 GMT", now()), Some(Duration::from_mins(1)));
        assert_eq!(retry_after("Mon, 23 Nov 2020 12:01:00 GMT", now()), Some(Duration::ZERO));
        for odd in ["", "soon", "-1", "1.5", "99999999999999999999"] {
            assert_eq!(retry_after(odd, now()), None, "{odd}");
        }
    }
}
