//! The journal as an audit log: its rows are sealed into a chain of hashes, the end of the chain is told outside the
//! database every minute, and anybody who has both can find what was edited, deleted, put elsewhere or cut off.
//!
//! *Invariant: sealed order.* Rows get their places from one sealer at a time, without a gap, in the order of their writing
//! as far as they are committed. Writers never wait for it, and a row that is committed late is sealed late.
//!
//! *Invariant: the told end never goes backwards.* A file that knows more than the books, or something else, is left as it is.

pub mod chain;
pub mod head_file;
pub mod sealing;
pub mod verification;
