//! The token of one impression: its id, and where it stands.

use std::fmt;

use catalog::account::Account;
use catalog::clock::Timestamp;
use catalog::edition::EditionNumber;
use catalog::ids::ImpressionId;
use catalog::impression::Serial;

use crate::call::CallId;

/// How many times the same sheet has had a token before: 0 to 99.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Issue(u8);

impl Issue {
    /// The first issue.
    pub const FIRST: Self = Self(0);
    /// The last one.
    pub const LAST: Self = Self(99);

    /// The issue `number`, or none past 99: then the impression is withdrawn.
    #[must_use]
    pub fn new(number: u8) -> Option<Self> {
        (number <= 99).then_some(Self(number))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }
}

/// Token id = edition × 1,000,000 + serial × 100 + issue. `12017100` is edition 12, impression 171, first issue.
/// The id is the one-time key of the mint: the contract never mints it twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(u64);

/// A number that is not a token id of this contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token id: expected edition × 1,000,000 + serial × 100 + issue in plain decimal digits")]
pub struct InvalidTokenId;

impl TokenId {
    /// The id of an issue of a sheet.
    #[must_use]
    pub fn new(edition: EditionNumber, serial: Serial, issue: Issue) -> Self {
        Self(u64::from(edition.get()) * 1_000_000 + u64::from(serial.get()) * 100 + u64::from(issue.get()))
    }

    /// The id `number`, if an edition, a serial and an issue can be read from it.
    pub fn from_number(number: u64) -> Result<Self, InvalidTokenId> {
        let id = Self(number);
        let serial = u16::try_from(number / 100 % 10_000).ok().and_then(Serial::new);
        match (id.edition_number(), serial) {
            (Some(_), Some(_)) => Ok(id),
            _ => Err(InvalidTokenId),
        }
    }

    /// The how-manieth token of its sheet it is.
    #[must_use]
    pub fn issue(self) -> Issue {
        Issue(u8::try_from(self.0 % 100).unwrap_or(Issue::LAST.0))
    }

    /// The id of the next issue of the same sheet; none after the last.
    #[must_use]
    pub fn next_issue(self) -> Option<Self> {
        (self.issue() < Issue::LAST).then(|| Self(self.0 + 1))
    }

    /// The number of its edition.
    #[must_use]
    pub fn edition(self) -> u64 {
        self.0 / 1_000_000
    }

    /// The serial of its sheet.
    #[must_use]
    pub fn serial(self) -> u64 {
        self.0 / 100 % 10_000
    }

    fn edition_number(self) -> Option<EditionNumber> {
        u32::try_from(self.0 / 1_000_000).ok().and_then(EditionNumber::new)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for TokenId {
    type Err = InvalidTokenId;

    /// Reads plain decimal digits without sign, leading zero or any other dress.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let id = text.parse().map_err(|_| InvalidTokenId).and_then(Self::from_number)?;
        if id.to_string() == text { Ok(id) } else { Err(InvalidTokenId) }
    }
}

impl From<TokenId> for catalog::db::Value {
    fn from(id: TokenId) -> Self {
        Self::from(i64::try_from(id.0).unwrap_or(i64::MAX))
    }
}

/// Where a token stands on chain, as far as confirmed blocks tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenState {
    /// Its mint is written in the books and not confirmed.
    Unissued,
    /// Minted; revocable and locked until `settles_at`.
    Bound,
    /// Irrevocable and free.
    Settled,
    /// A tombstone by the issuer's void.
    Voided,
    /// A tombstone by its owner's own act.
    Surrendered,
}

impl TokenState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Unissued, Self::Bound, Self::Settled, Self::Voided, Self::Surrendered];

    /// The word in the database and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unissued => "unissued",
            Self::Bound => "bound",
            Self::Settled => "settled",
            Self::Voided => "voided",
            Self::Surrendered => "surrendered",
        }
    }

    /// The state that `word` names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A token in the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub token_id: TokenId,
    /// The sheet that it certifies.
    pub impression_id: ImpressionId,
    /// Its first owner.
    pub recipient: Account,
    /// The moment from which nobody can void it, as asked for; the chain's own value may be later.
    pub settles_at: Timestamp,
    /// The call that mints it.
    pub mint_call_id: CallId,
    /// Where it stands.
    pub state: TokenState,
    /// Its metadata, byte for byte as served.
    pub metadata: String,
    /// When its mint was written.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_can_read_the_id() {
        let id = EditionNumber::new(12).zip(Serial::new(171)).map(|(e, s)| TokenId::new(e, s, Issue::FIRST));
        assert_eq!(id.map(TokenId::get), Some(12_017_100));
        assert_eq!("12017100".parse().ok(), id);
    }

    #[test]
    fn odd_ids_are_refused() {
        let odd = [
            "",
            "0",
            "-1",
            "+12017100",
            "012017100",
            "1e3",
            "0x1",
            "100",
            "1000000",
            "12000000",
            " 12017100",
        ];
        for text in odd.into_iter().chain([
            "1000000000000100",
            "115792089237316195423570985008687907853269984665640564039457584007913129639936",
        ]) {
            assert_eq!(text.parse::<TokenId>(), Err(InvalidTokenId), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_id_reads_back(edition in 1..=999_999_999_u32, serial in 1..=9_999_u16, issue in 0..=99_u8) {
            let parts = EditionNumber::new(edition).zip(Serial::new(serial)).zip(Issue::new(issue));
            let id = parts.map(|((e, s), i)| TokenId::new(e, s, i));
            proptest::prop_assert_eq!(id.map(|id| id.to_string().parse()), id.map(Ok));
        }
    }
}
