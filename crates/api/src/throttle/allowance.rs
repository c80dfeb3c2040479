//! An allowance that fills up again with time: the generic cell rate algorithm, with one number for what is taken.
//!
//! No library: those that limit rates count what is asked for. Here only failures count, and whether something fails is
//! known afterwards; so one is taken beforehand and given back when all went well, which none of them can.

use std::time::Duration;

use catalog::clock::Timestamp;

/// So many at once, and another one after each pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// How many.
    pub at_once: u32,
    /// After how long one that was taken is there again.
    pub pause: Duration,
}

/// What is taken of an allowance: all of it is there again at that moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken(Timestamp);

impl Taken {
    /// Nothing.
    pub(super) const NOTHING: Self = Self(Timestamp::EPOCH);

    pub(super) fn is_nothing(self, now: Timestamp) -> bool {
        self.0 <= now
    }

    /// Takes one; otherwise tells after how long one will be there.
    pub(super) fn take(&mut self, allowance: &Allowance, now: Timestamp) -> Result<(), Duration> {
        let most = now.plus(allowance.pause.saturating_mul(allowance.at_once));
        // Nothing counts longer than the whole allowance lasts, also when the clock was set back.
        let taken = self.0.clamp(now, most).plus(allowance.pause);
        if taken > most {
            return Err(taken.since(most));
        }
        self.0 = taken;
        Ok(())
    }

    /// Gives one back.
    pub(super) fn give_back(&mut self, allowance: &Allowance) {
        self.0 = self.0.minus(allowance.pause);
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::any;

    use super::*;

    const THREE: Allowance = Allowance { at_once: 3, pause: Duration::from_secs(10) };

    fn second(second: i64) -> Timestamp {
        Timestamp::from_micros(1_795_435_200_000_000 + second * 1_000_000).unwrap()
    }

    #[test]
    fn so_many_at_once_and_one_more_after_each_pause() {
        let mut taken = Taken::NOTHING;
        assert!([0, 0, 0].iter().all(|at| taken.take(&THREE, second(*at)).is_ok()));
        assert_eq!(taken.take(&THREE, second(0)), Err(Duration::from_secs(10)));
        assert_eq!(taken.take(&THREE, second(4)), Err(Duration::from_secs(6)));
        assert_eq!(taken.take(&THREE, second(10)), Ok(()));
        assert!(taken.take(&THREE, second(10)).is_err());
        assert!(!taken.is_nothing(second(39)) && taken.is_nothing(second(40)));
    }

    #[test]
    fn what_is_given_back_was_never_taken() {
        let mut taken = Taken::NOTHING;
        for _ in 0..100 {
            taken.take(&THREE, second(0)).unwrap();
            taken.give_back(&THREE);
        }
        assert!(taken.is_nothing(second(0)));
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out_for_longer() {
        let mut taken = Taken::NOTHING;
        taken.take(&THREE, second(1_000_000)).unwrap();
        assert_eq!(taken.take(&THREE, second(0)), Err(Duration::from_secs(10)));
        assert_eq!(taken.take(&THREE, second(10)), Err(Duration::from_secs(10)));
    }

    proptest::proptest! {
        /// Against a bucket that is refilled drop by drop: microseconds of pause that are left.
        #[test]
        fn it_is_a_bucket(steps in vec((0..25_i64, any::<bool>()), 0..60)) {
            let (mut taken, mut now, mut bucket) = (Taken::NOTHING, 0, 30_i64);
            for (wait, fails) in steps {
                now += wait;
                bucket = (bucket + wait).min(30);
                let took = taken.take(&THREE, second(now)).is_ok();
                proptest::prop_assert_eq!(took, bucket >= 10);
                if took && fails {
                    bucket -= 10;
                } else if took {
                    taken.give_back(&THREE);
                }
            }
        }
    }
}
