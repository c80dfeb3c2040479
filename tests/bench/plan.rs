//! What is to be measured: read from words like `PART=drain`.

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Redeemed claims that wait in the books, until they are included.
    Drain,
    /// Claims redeemed over HTTP, until they are included.
    Whole,
    /// How long a redemption waits for its answer.
    Redeem,
    /// How both grow with what is in the books already.
    Growth,
    /// How soon work goes on after the pool lost something.
    Recovery,
}

/// Which database the service works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

impl Part {
    const ALL: [(&'static str, Self); 5] = [
        ("drain", Self::Drain),
        ("whole", Self::Whole),
        ("redeem", Self::Redeem),
        ("growth", Self::Growth),
        ("recovery", Self::Recovery),
    ];
}

impl Database {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// What is to be measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) parts: Vec<Part>,
    pub(crate) database: Database,
    /// Claims of a run.
    pub(crate) mints: u32,
    /// Gas that a block has room for.
    pub(crate) block_gas: u64,
    /// Single mints of the lower ceiling.
    pub(crate) ceiling: u32,
    /// Minters.
    pub(crate) signers: usize,
    /// Settled claims in the books, few and many.
    pub(crate) settled: [u32; 2],
    pub(crate) runs: usize,
}

impl Plan {
    /// Reads `NAME=VALUE` words; what is not named stands as in [`Plan::default`].
    pub(crate) fn from_arguments(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut plan = Self::default();
        for word in words {
            let (name, value) = word.split_once('=').ok_or_else(|| format!("`{word}` is not NAME=VALUE"))?;
            let odd = |what: &str| format!("{name} must be {what}, and is `{value}`");
            let count = || value.parse::<u32>().ok().filter(|n| *n > 0).ok_or_else(|| odd("a count"));
            match name {
                "PART" => {
                    let known = Part::ALL.into_iter().find(|(word, _)| *word == value);
                    plan.parts =
                        vec![known.ok_or_else(|| odd("drain, whole, redeem, growth or recovery"))?.1];
                }
                "DB" => {
                    let known = [Database::Sqlite, Database::Postgres];
                    let found = known.into_iter().find(|database| database.as_str() == value);
                    plan.database = found.ok_or_else(|| odd("sqlite or postgres"))?;
                }
                "MINTS" => plan.mints = count()?,
                "CEILING" => plan.ceiling = count()?,
                "SIGNERS" => plan.signers = usize::try_from(count()?).unwrap_or(usize::MAX),
                "SETTLED" => plan.settled[1] = count()?,
                "RUNS" => plan.runs = usize::try_from(count()?).unwrap_or(usize::MAX),
                "GAS" => plan.block_gas = value.parse().map_err(|_| odd("an amount of gas"))?,
                _ => return Err(format!("nothing is called {name} here")),
            }
        }
        Ok(plan)
    }
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            parts: Part::ALL.map(|(_, part)| part).to_vec(),
            database: Database::Sqlite,
            mints: 100_000,
            block_gas: 1_000_000_000,
            ceiling: 30_000,
            signers: 2,
            settled: [1_000, 1_000_000],
            runs: 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_and_odd_ones_refused() {
        let read = |words: &str| Plan::from_arguments(words.split_whitespace().map(ToOwned::to_owned));
        let plan = read("PART=drain DB=postgres MINTS=7 GAS=60000000 RUNS=1").expect("a plan");
        assert_eq!(
            (plan.parts, plan.mints, plan.block_gas, plan.runs),
            (vec![Part::Drain], 7, 60_000_000, 1)
        );
        assert_eq!(plan.database, Database::Postgres);
        for odd in ["PART=all", "DB=oracle", "MINTS=0", "MINTS", "SPEED=1", "GAS=much"] {
            assert!(read(odd).is_err(), "{odd}");
        }
    }
}
