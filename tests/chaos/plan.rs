//! What is to be played: read from words like `MINTS=1000`.

use std::time::Duration;

use crate::sabotage::Sabotage;

/// Which database the service works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// What is to be played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Sheets sold, claims redeemed, tokens minted.
    pub(crate) mints: u32,
    /// Processes killed by SIGKILL.
    pub(crate) kills: u32,
    /// Leases stolen from a process that stands still.
    pub(crate) thefts: u32,
    /// Reorganizations of the chain.
    pub(crate) reorgs: u32,
    /// Whether the way to the node is bad at times. Otherwise nothing goes wrong on it, and no reply is lost.
    pub(crate) weather: bool,
    /// Replies lost after the node took a transaction, in a million.
    pub(crate) lost: u64,
    /// Service processes.
    pub(crate) processes: usize,
    /// Minters.
    pub(crate) signers: usize,
    /// What chance is made of.
    pub(crate) seed: u64,
    /// The database.
    pub(crate) database: Database,
    /// What is spoiled on purpose before the oracle looks.
    pub(crate) sabotage: Option<Sabotage>,
}

impl Plan {
    /// Reads `NAME=VALUE` words; what is not named stands as in the first line of [`Plan::default`].
    pub(crate) fn from_arguments(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut plan = Self::default();
        for word in words {
            let (name, value) = word.split_once('=').ok_or_else(|| format!("`{word}` is not NAME=VALUE"))?;
            let odd = |what: &str| format!("{name} must be {what}, and is `{value}`");
            let count = || value.parse::<u32>().map_err(|_| odd("a whole number"));
            match name {
                "MINTS" => plan.mints = count()?,
                "KILLS" => plan.kills = count()?,
                "THEFTS" => plan.thefts = count()?,
                "REORGS" => plan.reorgs = count()?,
                "PROCESSES" => plan.processes = usize::try_from(count()?).unwrap_or(usize::MAX),
                "SIGNERS" => plan.signers = usize::try_from(count()?).unwrap_or(usize::MAX),
                "WEATHER" => {
                    let known = [("clear", false), ("changing", true)];
                    let found = known.into_iter().find(|(word, _)| *word == value);
                    plan.weather = found.ok_or_else(|| odd("clear or changing"))?.1;
                }
                "SEED" => plan.seed = value.parse().map_err(|_| odd("a whole number"))?,
                "LOST" => plan.lost = millionths(value).ok_or_else(|| odd("a share from 0 to 1"))?,
                "DB" => {
                    let known = [Database::Sqlite, Database::Postgres];
                    let found = known.into_iter().find(|database| database.as_str() == value);
                    plan.database = found.ok_or_else(|| odd("sqlite or postgres"))?;
                }
                "SABOTAGE" if value.is_empty() => {}
                "SABOTAGE" => {
                    plan.sabotage = Some(Sabotage::from_word(value).ok_or_else(|| odd(&Sabotage::words()))?);
                }
                _ => return Err(format!("nothing is called {name} here")),
            }
        }
        plan.check()
    }

    fn check(self) -> Result<Self, String> {
        if self.database == Database::Sqlite && self.processes != 1 {
            return Err(
                "DB=sqlite takes PROCESSES=1 only: a second process on the same data directory refuses to \
                        start; take DB=postgres for several"
                    .to_owned(),
            );
        }
        if self.thefts > 0 && self.processes == 1 {
            return Err("THEFTS needs PROCESSES=2 or more: a lease is stolen by another process".to_owned());
        }
        if !(1..=64).contains(&self.processes) || !(1..=64).contains(&self.signers) || self.mints == 0 {
            return Err("MINTS must be at least 1, PROCESSES and SIGNERS from 1 to 64".to_owned());
        }
        Ok(self)
    }

    /// The command that plays this again.
    pub(crate) fn command(&self) -> String {
        let Self {
            mints,
            kills,
            thefts,
            reorgs,
            weather,
            lost,
            processes,
            signers,
            seed,
            database,
            sabotage,
        } = self;
        let lost = format!("{}.{:06}", lost / 1_000_000, lost % 1_000_000);
        let lost = lost.trim_end_matches('0').trim_end_matches('.');
        let spoiled = sabotage.map_or(String::new(), |sabotage| format!(" SABOTAGE={}", sabotage.as_str()));
        let weather = if *weather { "" } else { " WEATHER=clear" };
        let thefts = if *thefts == 0 { String::new() } else { format!(" THEFTS={thefts}") };
        format!(
            "make chaos MINTS={mints} KILLS={kills}{thefts} REORGS={reorgs}{weather} LOST={lost} PROCESSES={processes} \
             SIGNERS={signers} SEED={seed} DB={}{spoiled}",
            database.as_str()
        )
    }

    /// No run takes longer than this.
    pub(crate) fn longest(&self) -> Duration {
        Duration::from_mins(10)
            + Duration::from_secs(2) * self.mints
            + Duration::from_secs(10) * (self.kills + self.reorgs + self.thefts)
    }
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            mints: 1_000,
            kills: 200,
            thefts: 0,
            weather: true,
            reorgs: 50,
            lost: 50_000,
            processes: 1,
            signers: 2,
            seed: 1,
            database: Database::Sqlite,
            sabotage: None,
        }
    }
}

/// A share such as `0.05`, in millionths.
fn millionths(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part = format!("{part:0<6}");
    let digits = part.len() == 6 && part.bytes().all(|b| b.is_ascii_digit());
    let share = whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(part.parse().ok()?)?;
    (digits && share <= 1_000_000).then_some(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<Plan, String> {
        Plan::from_arguments(words.split_whitespace().map(ToOwned::to_owned))
    }

    #[test]
    fn the_command_that_is_printed_is_the_plan_that_was_played() {
        let words = "MINTS=7 KILLS=3 REORGS=2 LOST=0.05 PROCESSES=3 SIGNERS=2 SEED=9 DB=postgres";
        let plan = read(words).expect("a plan");
        assert_eq!(plan.command(), format!("make chaos {words}"));
        let clear = words.replace(" LOST", " WEATHER=clear LOST");
        assert_eq!(read(&clear).expect("a plan").command(), format!("make chaos {clear}"));
        assert_eq!(plan.lost, 50_000);
    }

    #[test]
    fn sqlite_takes_one_process_and_says_so() {
        assert!(read("DB=sqlite PROCESSES=3").expect_err("refused").contains("PROCESSES=1 only"));
        for odd in
            ["MINTS=many", "LOST=1.5", "LOST=-1", "DB=oracle", "SPEED=1", "MINTS", "MINTS=0", "SIGNERS=0"]
        {
            assert!(read(odd).is_err(), "{odd}");
        }
    }
}
