//! Reads the contract's log in ranges as wide as the node allows.

use crate::chain::{Chain, ChainError};
use crate::contract::LogEntry;

/// The widest range that is asked for: what hosted nodes commonly allow.
const WIDEST: u64 = 10_000;
/// A range with more entries than this is not widened.
const FULL: usize = 2_000;

/// A part of the log: the blocks up to `through` are read.
#[derive(Debug)]
pub struct Part {
    /// The last block of the part.
    pub through: u64,
    /// What stands in it.
    pub entries: Vec<LogEntry>,
}

/// Reads on from part to part.
#[derive(Debug)]
pub struct Scan<'a> {
    chain: &'a dyn Chain,
    next: u64,
    last: u64,
    width: u64,
}

impl<'a> Scan<'a> {
    /// Will read the blocks from `first` to `last`, both included.
    #[must_use]
    pub fn of(chain: &'a dyn Chain, first: u64, last: u64) -> Self {
        Self { chain, next: first, last, width: WIDEST }
    }

    /// The next part; none when all is read. A range that is refused is asked for by halves.
    pub async fn next(&mut self) -> Result<Option<Part>, ChainError> {
        while self.next <= self.last {
            let through = self.last.min(self.next.saturating_add(self.width - 1));
            match self.chain.log(self.next, through).await {
                Ok(entries) => {
                    self.next = through + 1;
                    if entries.len() < FULL {
                        self.width = WIDEST.min(self.width * 2);
                    }
                    return Ok(Some(Part { through, entries }));
                }
                Err(error @ ChainError::NoAnswer { .. }) => return Err(error),
                Err(error) if through == self.next => return Err(error),
                Err(_) => self.width = (through - self.next).div_ceil(2),
            }
        }
        Ok(None)
    }
}
