//! Return-window policies, dated like law: the day on which a sale was made decides by which rules it lives, whatever
//! holds today.

use std::str::FromStr;

use catalog::clock::Timestamp;

use crate::config::{OpenOn, ReturnSettings};

/// A name under which pages and letters keep their words about returns: a lower-case word of at most 40 letters, digits,
/// `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordingProfile(String);

/// Not the name of a wording profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must give `wording` as a word of at most 40 lower-case letters, digits, `-` and `_`")]
pub struct InvalidWordingProfile;

impl WordingProfile {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for WordingProfile {
    type Err = InvalidWordingProfile;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        let well_formed = (1..=40).contains(&text.len()) && text.bytes().all(plain);
        if well_formed { Ok(Self(text.to_owned())) } else { Err(InvalidWordingProfile) }
    }
}

/// Rules that hold from a day on.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The first moment of that day (UTC).
    pub holds_from: Timestamp,
    /// The event that opens a claim.
    pub open_on: OpenOn,
    /// How long returns take.
    pub returns: ReturnSettings,
    /// In which words buyers are told of them.
    pub wording: WordingProfile,
}

/// All policies, in the order of their days.
#[derive(Debug, Clone)]
pub struct Policies {
    first: Policy,
    later: Vec<Policy>,
}

/// Policies that do not follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPolicies {
    /// There is none.
    #[error("must hold at least one [[policy]]")]
    None,
    /// Two hold from one day on, or a later one stands first.
    #[error("must name each `from` once, the earliest first")]
    OutOfOrder,
}

impl Policies {
    /// One policy for all sales.
    #[must_use]
    pub fn always(policy: Policy) -> Self {
        Self { first: policy, later: Vec::new() }
    }

    /// Policies that follow one another. The first holds for sales before its day too.
    pub fn in_order(policies: Vec<Policy>) -> Result<Self, InvalidPolicies> {
        if !policies.is_sorted_by(|earlier, later| earlier.holds_from < later.holds_from) {
            return Err(InvalidPolicies::OutOfOrder);
        }
        let mut policies = policies.into_iter();
        let first = policies.next().ok_or(InvalidPolicies::None)?;
        Ok(Self { first, later: policies.collect() })
    }

    /// The policy of a sale made at that moment.
    #[must_use]
    pub fn of(&self, sold_at: Timestamp) -> &Policy {
        self.later.iter().rev().find(|policy| policy.holds_from <= sold_at).unwrap_or(&self.first)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn policy(day: &str, window_days: u64) -> Policy {
        let days = |days| Duration::from_hours(24 * days);
        Policy {
            holds_from: format!("{day}T00:00:00Z").parse().unwrap(),
            open_on: OpenOn::Shipment,
            wording: "standard".parse().unwrap(),
            returns: ReturnSettings {
                window: days(window_days),
                processing: days(21),
                transit: days(15),
                settle_early: false,
            },
        }
    }

    #[test]
    fn a_sale_keeps_the_policy_of_its_day() {
        let policies = [policy("2026-01-01", 7), policy("2026-06-01", 14), policy("2027-01-01", 30)];
        let policies = Policies::in_order(policies.into()).unwrap();
        let window = |moment: &str| policies.of(moment.parse().unwrap()).returns.window.as_secs() / 86_400;
        assert_eq!(window("2025-12-31T23:59:59Z"), 7, "before the first one");
        assert_eq!(window("2026-05-31T23:59:59.999999Z"), 7);
        assert_eq!(window("2026-06-01T00:00:00Z"), 14);
        assert_eq!(window("2026-12-31T23:59:59Z"), 14);
        assert_eq!(window("2031-01-01T00:00:00Z"), 30);
    }

    #[test]
    fn policies_follow_one_another() {
        let refused = |policies: Vec<Policy>| Policies::in_order(policies).map(|_| ());
        assert_eq!(refused(vec![]), Err(InvalidPolicies::None));
        assert_eq!(
            refused(vec![policy("2026-01-01", 7), policy("2026-01-01", 8)]),
            Err(InvalidPolicies::OutOfOrder)
        );
        assert_eq!(
            refused(vec![policy("2026-01-02", 7), policy("2026-01-01", 8)]),
            Err(InvalidPolicies::OutOfOrder)
        );
    }
}
