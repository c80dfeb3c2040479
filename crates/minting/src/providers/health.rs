//! How one provider fares: decided without I/O, the time and the chance passed in.
//!
//! unchecked → healthy ⇄ paused; any → quarantined. A provider is used only after it was asked who it is, and is
//! asked again after each failure and every minute.

use std::time::Duration;

use catalog::clock::Timestamp;

/// The pause after a first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How often a provider is asked who it is.
const CHECK_EVERY: Duration = Duration::from_mins(1);

/// Why nothing is asked of a provider, and nothing sent to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Quarantine {
    /// It serves another chain.
    #[error("it serves chain {0}")]
    OtherChain(u64),
    /// Its chain begins with another block than the others'.
    #[error("its chain begins with another block")]
    OtherGenesis,
    /// Another code than the others' stands at the contract's address, or none.
    #[error("it has another code at the contract's address")]
    OtherCode,
}

/// Where a provider stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Not asked yet who it is, or not since its last failure.
    Unchecked,
    /// In use.
    Healthy,
    /// It failed; it is left alone for a while.
    Paused,
    /// Never used until it answers as ours.
    Quarantined(Quarantine),
}

impl Standing {
    /// The word in metrics and logs.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Unchecked => "unchecked",
            Self::Healthy => "healthy",
            Self::Paused => "paused",
            Self::Quarantined(_) => "quarantined",
        }
    }
}

/// What is remembered of a provider.
#[derive(Debug, Clone, Default)]
pub(super) struct Health {
    failures: u32,
    paused_until: Option<Timestamp>,
    checked_at: Option<Timestamp>,
    quarantine: Option<Quarantine>,
}

impl Health {
    pub(super) fn standing(&self, now: Timestamp) -> Standing {
        match (&self.quarantine, self.paused_until, self.checked_at) {
            (Some(quarantine), ..) => Standing::Quarantined(quarantine.clone()),
            (None, _, Some(_)) => Standing::Healthy,
            (None, Some(until), None) if is_ahead(until, now) => Standing::Paused,
            (None, _, None) => Standing::Unchecked,
        }
    }

    /// Whether it is time to ask who it is.
    pub(super) fn check_is_due(&self, now: Timestamp) -> bool {
        match (self.standing(now), self.checked_at) {
            (Standing::Unchecked, _) => true,
            (Standing::Paused, _) => false,
            (_, checked) => checked.is_none_or(|at| now.is_over(at, CHECK_EVERY)),
        }
    }

    /// It answered, whatever it said.
    pub(super) fn answered(&mut self) {
        self.failures = 0;
    }

    /// It did not answer, or not as a node does. `chance` spreads the pauses of several processes.
    pub(super) fn failed(&mut self, now: Timestamp, chance: u8) {
        self.failures = self.failures.saturating_add(1);
        self.paused_until = Some(now.plus(pause(self.failures, chance)));
        if self.quarantine.is_none() {
            self.checked_at = None;
        }
    }

    /// It said something that makes us doubt who it is: asked again before it is used again.
    pub(super) fn doubted(&mut self) {
        self.checked_at = None;
        self.paused_until = None;
    }

    /// It told who it is.
    pub(super) fn checked(&mut self, now: Timestamp, verdict: Result<(), Quarantine>) {
        self.failures = 0;
        self.paused_until = None;
        self.checked_at = Some(now);
        self.quarantine = verdict.err();
    }
}

/// No pause is longer than the longest: an end that lies further ahead was reckoned before the clock was set back.
fn is_ahead(until: Timestamp, now: Timestamp) -> bool {
    until > now && until.since(now) <= LONGEST_PAUSE
}

/// Half of the pause is certain, half is chance.
fn pause(failures: u32, chance: u8) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let longest = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
    longest / 2 + longest / 2 * u32::from(chance) / 255
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_micros(0).expect("the epoch").plus(Duration::from_millis(millis))
    }

    #[test]
    fn a_provider_is_used_only_after_it_told_who_it_is() {
        let mut health = Health::default();
        assert_eq!(health.standing(at(0)), Standing::Unchecked);
        assert!(health.check_is_due(at(0)));
        health.checked(at(0), Ok(()));
        assert_eq!(health.standing(at(0)), Standing::Healthy);
        assert!(!health.check_is_due(at(59_999)));
        assert!(health.check_is_due(at(60_000)));
    }

    #[test]
    fn a_failure_pauses_it_and_asks_again_who_it_is() {
        let mut health = Health::default();
        health.checked(at(0), Ok(()));
        health.failed(at(1_000), 255);
        assert_eq!(health.standing(at(1_249)), Standing::Paused);
        assert!(!health.check_is_due(at(1_249)));
        assert_eq!(health.standing(at(1_250)), Standing::Unchecked);
        assert!(health.check_is_due(at(1_250)));
        health.checked(at(1_300), Ok(()));
        assert_eq!(health.standing(at(1_300)), Standing::Healthy);
    }

    #[test]
    fn pauses_double_up_to_a_minute_and_a_success_ends_the_row() {
        let pauses = [1, 2, 3, 4, 9, 10, 1_000].map(|failures| pause(failures, 255).as_millis());
        assert_eq!(pauses, [250, 500, 1_000, 2_000, 60_000, 60_000, 60_000]);
        assert_eq!(pause(1, 0).as_millis(), 125);
        let mut health = Health::default();
        health.checked(at(0), Ok(()));
        for _ in 0..5 {
            health.failed(at(0), 0);
        }
        health.checked(at(10_000), Ok(()));
        health.failed(at(10_000), 255);
        assert_eq!(health.standing(at(10_250)), Standing::Unchecked);
    }

    #[test]
    fn a_quarantined_provider_stays_out_until_it_answers_as_ours() {
        let mut health = Health::default();
        health.checked(at(0), Err(Quarantine::OtherChain(5)));
        let quarantined = Standing::Quarantined(Quarantine::OtherChain(5));
        assert_eq!(health.standing(at(0)), quarantined);
        assert!(!health.check_is_due(at(59_999)));
        health.failed(at(60_000), 0);
        assert_eq!(health.standing(at(70_000)), quarantined);
        assert!(health.check_is_due(at(70_000)));
        health.checked(at(70_000), Ok(()));
        assert_eq!(health.standing(at(70_000)), Standing::Healthy);
    }

    #[test]
    fn a_doubted_provider_is_asked_at_once() {
        let mut health = Health::default();
        health.checked(at(0), Ok(()));
        health.doubted();
        assert_eq!(health.standing(at(1)), Standing::Unchecked);
        assert!(health.check_is_due(at(1)));
    }

    proptest! {
        #[test]
        fn no_pause_is_longer_than_a_minute_nor_none(failures in 1_u32.., chance: u8) {
            let pause = pause(failures, chance);
            prop_assert!(pause >= FIRST_PAUSE / 2 && pause <= LONGEST_PAUSE);
        }
    }
}
