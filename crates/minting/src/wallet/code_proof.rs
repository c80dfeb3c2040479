//! Proofs by an account's own code: ERC-1271, and ERC-6492 for accounts that are not deployed yet.
//!
//! Here is only what is asked, decided without I/O. The question is a program (`WalletVerdict.sol`) that a node runs
//! and forgets: it bounds the gas that foreign code may burn and what is read of its answer.

use std::sync::LazyLock;

use alloy::primitives::{Address, B256, Bytes, eip191_hash_message};
use alloy::sol_types::SolValue;
use catalog::account::Account;

use super::{NotProven, is_ownerless};
use crate::contract;

/// The largest signature in bytes. Those of passkeys and of several owners, with a factory's call around them, have
/// some thousand.
const LARGEST: usize = 16 << 10;
/// What a signature of an account that is not deployed ends with (ERC-6492).
const COUNTERFACTUAL: [u8; 32] = {
    let mut suffix = [0x64; 32];
    let mut place = 1;
    while place < suffix.len() {
        suffix[place] = 0x92;
        place += 2;
    }
    suffix
};
/// The compiled question, as checked in and reproduced by CI.
const ARTIFACT: &str = include_str!("../../../../contracts/artifacts/WalletVerdict.json");

/// Gas that a node may spend on the question: what `WalletVerdict` gives factory and account, and room for itself.
pub(crate) const GAS: u64 = 7_000_000;

static CREATION_CODE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let artifact: serde_json::Value = serde_json::from_str(ARTIFACT).unwrap_or_default();
    let digits = artifact["bytecode"]["object"].as_str().unwrap_or_default();
    hex::decode(digits.trim_start_matches("0x")).unwrap_or_default()
});

/// What the code of an account is asked.
pub struct CodeQuestion {
    account: Address,
    digest: B256,
    signature: Bytes,
    /// Who gives the account its code, and by which call.
    factory: Option<(Address, Bytes)>,
}

impl CodeQuestion {
    /// Reads `0x` and the hex digits of a signature in whatever form the account wants, of at most 16 KiB, over `message`
    /// (EIP-191 version 0x45).
    pub fn parse(account: Account, message: &str, signature: &str) -> Result<Self, NotProven> {
        let digits = signature.strip_prefix("0x").ok_or(NotProven::Malformed)?;
        if digits.is_empty() || digits.len() > 2 * LARGEST {
            return Err(NotProven::Malformed);
        }
        let bytes = hex::decode(digits).map_err(|_| NotProven::Malformed)?;
        let (signature, factory) = match bytes.strip_suffix(&COUNTERFACTUAL) {
            None => (bytes.into(), None),
            Some(wrapped) => {
                let parts = <(Address, Bytes, Bytes)>::abi_decode_params(wrapped)
                    .map_err(|_| NotProven::Malformed)?;
                // What the reader passed over would make a second form of the same proof.
                if parts.abi_encode_params() != wrapped {
                    return Err(NotProven::Malformed);
                }
                let (factory, call, signature) = parts;
                // A wrapper in a wrapper means nothing, and nobody deploys by an address without an owner.
                if signature.ends_with(&COUNTERFACTUAL) || is_ownerless(contract::account(factory)) {
                    return Err(NotProven::Malformed);
                }
                (signature, Some((factory, call)))
            }
        };
        let digest = eip191_hash_message(message);
        Ok(Self { account: contract::address(account), digest, signature, factory })
    }

    /// The program that answers it with one word, 1 or 0.
    pub(crate) fn program(&self) -> Vec<u8> {
        let (factory, call) = self.factory.clone().unwrap_or_default();
        let arguments = (self.account, self.digest, self.signature.clone(), factory, call);
        [CREATION_CODE.as_slice(), &arguments.abi_encode_params()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        Account::from_bytes([7; 20])
    }

    fn wrapped(factory: Address, call: &[u8], signature: &[u8]) -> String {
        let parts = (factory, Bytes::copy_from_slice(call), Bytes::copy_from_slice(signature));
        format!("0x{}{}", hex::encode(parts.abi_encode_params()), hex::encode(COUNTERFACTUAL))
    }

    fn malformed(signature: &str) -> bool {
        matches!(CodeQuestion::parse(account(), "text", signature), Err(NotProven::Malformed))
    }

    #[test]
    fn a_question_is_the_compiled_program_and_what_is_asked() {
        let question = CodeQuestion::parse(account(), "text", "0xabcd").unwrap();
        let program = question.program();
        assert!(CREATION_CODE.len() > 100 && program.starts_with(&CREATION_CODE));
        // Five words, then the two bytes of the signature and the call that is none, each behind its length.
        assert_eq!(program.len() - CREATION_CODE.len(), 5 * 32 + 2 * 32 + 32);
        assert!(hex::encode(program).contains(&hex::encode([7; 20])));
    }

    #[test]
    fn the_largest_question_is_one_that_nodes_take() {
        let question =
            CodeQuestion::parse(account(), "text", &format!("0x{}", "ab".repeat(LARGEST))).unwrap();
        // EIP-3860: a creation of more than 49,152 bytes is none.
        assert!(question.program().len() < 49_152);
        assert!(malformed(&format!("0x{}", "ab".repeat(LARGEST + 1))));
    }

    #[test]
    fn an_account_that_is_not_deployed_names_its_factory() {
        let factory = Address::repeat_byte(9);
        let signature = wrapped(factory, b"make", b"signed");
        let question = CodeQuestion::parse(account(), "text", &signature).unwrap();
        assert_eq!(question.signature.as_ref(), b"signed");
        assert_eq!(question.factory, Some((factory, Bytes::from_static(b"make"))));
    }

    #[test]
    fn odd_signatures_ask_nothing() {
        let factory = Address::repeat_byte(9);
        let inner = wrapped(factory, b"make", b"signed");
        let inner = hex::decode(inner.trim_start_matches("0x")).unwrap();
        let identity = Address::with_last_byte(4);
        let magic = hex::encode(COUNTERFACTUAL);
        assert!(magic.starts_with("6492") && magic.ends_with("6492"));
        for odd in [
            "",
            "0x",
            "abcd",
            "0xabc",
            "0xzz",
            &format!("0x{magic}"),
            &format!("0x00{magic}"),
            &format!("0x{}{magic}", "ff".repeat(96)),
            &format!("{}{magic}", wrapped(factory, b"make", b"signed")),
            &format!("{}00{magic}", wrapped(factory, b"make", b"signed").trim_end_matches(&magic)),
            &wrapped(factory, b"make", &inner),
            &wrapped(identity, b"make", b"signed"),
            &wrapped(Address::ZERO, b"make", b"signed"),
        ] {
            assert!(malformed(odd), "{odd}");
        }
    }
}
