//! Wallets: reading and writing their addresses (EIP-55), and judging whether one of them signed a text
//! (EIP-191 `personal_sign`). What the text is for is not known here.
//!
//! An ordinary key is judged by arithmetic alone ([`key_proof`]), whatever code the account may have been lent
//! (EIP-7702). What its key did not sign is put to the account's code, if there is any ([`code_proof`]): the [`judge`]
//! asks the chain, in a call that changes nothing.

pub mod code_proof;
pub mod judge;
pub mod key_proof;

use alloy::primitives::Address;
use catalog::account::Account;

pub use judge::{ProofError, WalletJudge};
pub use key_proof::{NotProven, verify_personal_sign};

/// A text that is no account address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// Not `0x` and 40 hex digits.
    #[error("must be 0x and 40 hex digits")]
    Malformed,
    /// Both cases stand in it, and not as EIP-55 has them: a digit was mistyped.
    #[error("must bear the checksum of EIP-55, or none at all")]
    WrongChecksum,
}

/// Addresses below this one are kept for precompiled contracts: nobody holds their keys.
const FIRST_FREE: u32 = 0x1_0000;

/// Reads an address: `0x` and 40 hex digits, in one case throughout or in both as EIP-55 writes them.
pub fn parse_account(text: &str) -> Result<Account, InvalidAddress> {
    let digits =
        text.strip_prefix("0x").filter(|digits| digits.len() == 40).ok_or(InvalidAddress::Malformed)?;
    let mut bytes = [0; 20];
    hex::decode_to_slice(digits, &mut bytes).map_err(|_| InvalidAddress::Malformed)?;
    let account = Account::from_bytes(bytes);
    let one_case =
        !digits.bytes().any(|b| b.is_ascii_uppercase()) || !digits.bytes().any(|b| b.is_ascii_lowercase());
    if one_case || checksummed(account) == text { Ok(account) } else { Err(InvalidAddress::WrongChecksum) }
}

/// Writes an address with its checksum (EIP-55).
#[must_use]
pub fn checksummed(account: Account) -> String {
    Address::from(*account.as_bytes()).to_checksum(None)
}

/// True for addresses that no wallet has: zero, those of precompiled contracts, and the one where tokens are
/// thrown away (`0x…dEaD`).
#[must_use]
pub fn is_ownerless(account: Account) -> bool {
    let [head @ .., a, b, c, d] = *account.as_bytes();
    let tail = u32::from_be_bytes([a, b, c, d]);
    head == [0; 16] && (tail < FIRST_FREE || tail == 0xdead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_of_eip_55_read_and_write() {
        let addresses = [
            "0x52908400098527886E0F7030069857D2E4169EE7",
            "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
            "0xde709f2102306220921060314715629080e2fb77",
            "0x27b1fdb04752bbc536007a920d24acb045561c26",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
            "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
            "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        ];
        for address in addresses {
            let account = parse_account(address).unwrap();
            assert_eq!(checksummed(account), address);
            assert_eq!(parse_account(&address.to_lowercase()), Ok(account));
            assert_eq!(parse_account(&format!("0x{}", address[2..].to_uppercase())), Ok(account));
        }
    }

    #[test]
    fn odd_addresses_are_refused() {
        let malformed = [
            "",
            "0x",
            "vitalik.eth",
            "XE7338O073KYGTWWZN0F2WZ0R8PX5ZPPZS",
            "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0X5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
            "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae",
            "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaedf",
            " 0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
            "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaeg",
            "0xé5aaeb6053f3e94c9b9a09f33669435e7ef1bea",
        ];
        for text in malformed {
            assert_eq!(parse_account(text), Err(InvalidAddress::Malformed), "{text}");
        }
        let mistyped = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD";
        assert_eq!(parse_account(mistyped), Err(InvalidAddress::WrongChecksum));
    }

    #[test]
    fn nobody_holds_the_zero_the_dead_and_the_precompiled_addresses() {
        for text in ["", "1", "11", "100", "ffff", "dead"] {
            let account = parse_account(&format!("0x{text:0>40}")).unwrap();
            assert!(is_ownerless(account), "{text}");
        }
        for text in ["10000", "1000000000000000000000000000000000000001"] {
            assert!(!is_ownerless(parse_account(&format!("0x{text:0>40}")).unwrap()), "{text}");
        }
    }
}
