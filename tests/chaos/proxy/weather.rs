//! How unlucky a request is: the weather changes every two seconds.

use std::time::{Duration, Instant};

use tests::dice::Dice;

/// How long a weather lasts.
const SPELL: Duration = Duration::from_secs(2);

/// The weather of a run.
pub(crate) struct Weather {
    seed: u64,
    begun: Instant,
}

/// The weather of a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spell {
    /// Requests in a million that fare badly.
    bad: u64,
    /// Requests in a million that are late.
    late: u64,
    /// Blocks by which receipts lag.
    pub(crate) lag: u64,
}

/// What happens to one request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Luck {
    Good,
    Late(Duration),
    Gateway(u16),
    RequestLost,
    ReplyLost,
    Torn,
}

impl Weather {
    pub(crate) fn of(seed: u64) -> Self {
        Self { seed, begun: Instant::now() }
    }

    /// Mostly clear, at times rain, now and then a storm; and of its own a replica that lags.
    pub(crate) fn now(&self) -> Spell {
        let index = self.begun.elapsed().as_millis() / SPELL.as_millis();
        let mut dice = Dice::of(self.seed, "weather", u64::try_from(index).unwrap_or(0));
        let (bad, late) = match dice.between(1, 20) {
            1..=13 => (500, 5_000),
            14..=18 => (15_000, 40_000),
            _ => (300_000, 100_000),
        };
        let lag = if dice.in_million(150_000) { dice.between(1, 8) } else { 0 };
        Spell { bad, late, lag }
    }
}

impl Spell {
    pub(crate) fn luck(self, dice: &mut Dice) -> Luck {
        if dice.in_million(self.bad) {
            return match dice.between(1, 8) {
                1 => Luck::Gateway(429),
                2 | 3 => Luck::Gateway(502),
                4 => Luck::Gateway(503),
                5 => Luck::RequestLost,
                6 => Luck::ReplyLost,
                _ => Luck::Torn,
            };
        }
        if dice.in_million(self.late) {
            let long = dice.in_million(50_000);
            return Luck::Late(if long { dice.millis(1_000, 4_000) } else { dice.millis(20, 400) });
        }
        Luck::Good
    }
}
