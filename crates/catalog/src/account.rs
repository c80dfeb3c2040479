//! An account on the chain: 20 bytes. Here it is only kept; reading and writing it with its checksum (EIP-55) is
//! the business of the crate that speaks to the chain.

use std::fmt;

/// An account address. Its text here is the database form: `0x` and 40 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Account([u8; 20]);

/// A text that is not `0x` and 40 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an account address of 0x and 40 lower-case hex digits")]
pub struct InvalidAccount;

impl Account {
    /// The account with these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", hex::encode(self.0))
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Account {
    type Err = InvalidAccount;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("0x").ok_or(InvalidAccount)?;
        if digits.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(InvalidAccount);
        }
        let mut bytes = [0; 20];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| InvalidAccount)?;
        Ok(Self(bytes))
    }
}

impl serde::Serialize for Account {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Account {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl From<Account> for crate::db::Value {
    fn from(account: Account) -> Self {
        Self::from(account.to_string())
    }
}

impl From<Option<Account>> for crate::db::Value {
    fn from(account: Option<Account>) -> Self {
        Self::from(account.map(|account| account.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_reads_back_and_odd_texts_do_not() {
        let account = Account::from_bytes([0xab; 20]);
        assert_eq!(account.to_string().parse(), Ok(account));
        for text in ["", "0x", "ab", &"0xAB".repeat(10), &format!("0x{}", "ab".repeat(21))] {
            assert_eq!(text.parse::<Account>(), Err(InvalidAccount), "{text}");
        }
    }
}
