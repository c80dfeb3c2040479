//! Chance that can be played again: each decision has a generator made of the seed, of what is decided, and of its
//! place in the run.

use std::sync::Mutex;
use std::time::Duration;

use catalog::chance::Chance;
use catalog::digest::Sha256Digest;

/// A generator for one decision (`SplitMix64`).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The dice for the decision number `index` of `what`.
    #[must_use]
    pub fn of(seed: u64, what: &str, index: u64) -> Self {
        let digest = Sha256Digest::of(format!("{seed}/{what}/{index}").as_bytes());
        let (head, _) = digest.as_bytes().split_first_chunk().expect("32 bytes");
        Self(u64::from_be_bytes(*head))
    }

    /// 64 random bits.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.roll() % (high - low + 1)
    }

    /// A place in something of `length`.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.roll() % length.max(1) as u64).unwrap_or(0)
    }

    /// True in `share` of a million cases.
    pub fn in_million(&mut self, share: u64) -> bool {
        self.roll() % 1_000_000 < share
    }

    /// A while from `low` to `high` milliseconds.
    pub fn millis(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(self.between(low, high))
    }
}

/// The same, for whoever asks for random bytes.
#[derive(Debug)]
pub struct SeededChance(Mutex<Dice>);

impl SeededChance {
    /// The chance for the decision number `index` of `what`.
    #[must_use]
    pub fn of(seed: u64, what: &str, index: u64) -> Self {
        Self(Mutex::new(Dice::of(seed, what, index)))
    }
}

impl Chance for SeededChance {
    fn fill(&self, bytes: &mut [u8]) {
        let mut dice = self.0.lock().expect("the dice");
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&dice.roll().to_be_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_falls_the_same_way_again_and_another_one_does_not() {
        let first = Dice::of(1, "kill", 7).roll();
        assert_eq!(Dice::of(1, "kill", 7).roll(), first);
        for other in [Dice::of(2, "kill", 7), Dice::of(1, "stop", 7), Dice::of(1, "kill", 8)] {
            assert_ne!(other.clone().roll(), first);
        }
        let mut dice = Dice::of(1, "bounds", 0);
        assert!((0..1_000).all(|_| (5..=9).contains(&dice.between(5, 9))));
        let hits = (0..10_000).filter(|_| dice.in_million(250_000)).count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
    }
}
