//! Proofs by an ordinary key: recovering who signed (EIP-191, ERC-2098).

use alloy::primitives::{Signature, U256};
use catalog::account::Account;

/// Why a signature proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotProven {
    /// Not `0x` and the hex digits of 65 bytes, or of 64 in the compact form of ERC-2098.
    #[error("the signature is not 65 bytes, or 64 in the compact form, in hex")]
    Malformed,
    /// `v` is none of 27, 28, 0 and 1; or `r` or `s` is zero or past the curve's order; or `s` is in its upper half.
    #[error("the signature is not canonical")]
    NotCanonical,
    /// No public key gives this signature, or another wallet's does.
    #[error("the signature is not that wallet's signature of that text")]
    AnotherSigner,
}

/// Half the order of secp256k1: the largest `s` of a canonical signature (EIP-2).
const HALF_ORDER: U256 = U256::from_limbs([
    0xdfe9_2f46_681b_20a0,
    0x5d57_6e73_57a4_501d,
    0xffff_ffff_ffff_ffff,
    0x7fff_ffff_ffff_ffff,
]);

/// Judges whether `account` itself signed `message` by `personal_sign` (EIP-191 version 0x45): an ordinary key,
/// which holds also for a key account with delegated code (EIP-7702). `signature` is hex: 65 bytes `r s v`, or 64
/// bytes by ERC-2098. Only canonical signatures count, so that each proof has exactly one form per encoding.
pub fn verify_personal_sign(account: Account, message: &str, signature: &str) -> Result<(), NotProven> {
    let signature = parse_signature(signature)?;
    let signer = signature.recover_address_from_msg(message).map_err(|_| NotProven::AnotherSigner)?;
    if signer.is_zero() || signer.into_array() != *account.as_bytes() {
        return Err(NotProven::AnotherSigner);
    }
    Ok(())
}

fn parse_signature(text: &str) -> Result<Signature, NotProven> {
    let digits = text.strip_prefix("0x").ok_or(NotProven::Malformed)?;
    let signature = match digits.len() {
        130 => {
            let mut bytes = [0; 65];
            hex::decode_to_slice(digits, &mut bytes).map_err(|_| NotProven::Malformed)?;
            let [scalars @ .., v] = bytes;
            let parity = match v {
                0 | 27 => false,
                1 | 28 => true,
                _ => return Err(NotProven::NotCanonical),
            };
            Signature::from_bytes_and_parity(&scalars, parity)
        }
        128 => {
            let mut bytes = [0; 64];
            hex::decode_to_slice(digits, &mut bytes).map_err(|_| NotProven::Malformed)?;
            Signature::from_erc2098(&bytes)
        }
        _ => return Err(NotProven::Malformed),
    };
    if signature.r().is_zero() || signature.s().is_zero() || signature.s() > HALF_ORDER {
        return Err(NotProven::NotCanonical);
    }
    Ok(signature)
}

#[cfg(test)]
mod tests {
    use alloy::primitives::uint;
    use alloy::signers::SignerSync;
    use alloy::signers::local::PrivateKeySigner;

    use super::*;
    use crate::wallet::parse_account;

    const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);

    /// The account, texts and signatures that ERC-2098 gives as its examples.
    const ERC_2098_ACCOUNT: &str = "0x2e988A386a799F506693793c6A5AF6B54dfAaBfB";
    const HELLO: &str = "68a020a209d3d56c46f38cc50a33f704f4a9a10a59377f8dd762ac66910e9b907e865ad05c4035ab5792787d4a0297a43617ae897930a6fe4d822b8faea52064";
    const SMALL_R: &str = "9328da16089fcba9bececa81663203989f2df5fe1faa6291a45381c81bd17f76";
    const SMALL_S: &str = "139c6d6b623b42da56557e5e734a43dc83345ddfadec52cbe24d0cc64f550793";
    const SMALL_COMPACT_S: &str = "939c6d6b623b42da56557e5e734a43dc83345ddfadec52cbe24d0cc64f550793";

    fn account_of(signer: &PrivateKeySigner) -> Account {
        Account::from_bytes(signer.address().into_array())
    }

    fn erc_2098_account() -> Account {
        parse_account(ERC_2098_ACCOUNT).unwrap()
    }

    #[test]
    fn the_signature_of_the_web3_handbook_holds() {
        let account = parse_account("0x2c7536E3605D9C16a7a3D7b1898e529396a65c23").unwrap();
        let signature = "0xb91467e570a6466aa9e9876cbcd013baba02900b8979d43fe208a4a4f339f5fd6007e74cd82e037b800186422fc2da167c747ef045e5d18a5f5d4300f8e1a0291c";
        assert_eq!(verify_personal_sign(account, "Some data", signature), Ok(()));
        assert_eq!(verify_personal_sign(account, "Some data.", signature), Err(NotProven::AnotherSigner));
    }

    #[test]
    fn the_signatures_of_erc_2098_hold_in_both_forms_and_with_either_v() {
        let account = erc_2098_account();
        for signature in [format!("0x{HELLO}1b"), format!("0x{HELLO}00"), format!("0x{HELLO}")] {
            assert_eq!(verify_personal_sign(account, "Hello World", &signature), Ok(()), "{signature}");
        }
        let small = "It's a small(er) world";
        for signature in [
            format!("0x{SMALL_R}{SMALL_S}1c"),
            format!("0x{SMALL_R}{SMALL_S}01"),
            format!("0x{SMALL_R}{SMALL_COMPACT_S}"),
        ] {
            assert_eq!(verify_personal_sign(account, small, &signature), Ok(()), "{signature}");
        }
    }

    #[test]
    fn every_other_form_proves_nothing() {
        let account = erc_2098_account();
        let (r, s) = HELLO.split_at(64);
        let zero = "0".repeat(64);
        let order = hex::encode(ORDER.to_be_bytes::<32>());
        let high_s = hex::encode((ORDER - U256::from_str_radix(s, 16).unwrap()).to_be_bytes::<32>());
        let cases = [
            (String::new(), NotProven::Malformed),
            ("0x".to_owned(), NotProven::Malformed),
            (format!("{r}{s}1b"), NotProven::Malformed),
            (format!("0x{r}{s}1b00"), NotProven::Malformed),
            (format!("0x{r}{s}1"), NotProven::Malformed),
            (format!("0x{r}{s}zz"), NotProven::Malformed),
            (format!("0x{}", "ab".repeat(500_000)), NotProven::Malformed),
            (format!("0x{r}{s}02"), NotProven::NotCanonical),
            (format!("0x{r}{s}23"), NotProven::NotCanonical),
            (format!("0x{zero}{s}1b"), NotProven::NotCanonical),
            (format!("0x{r}{zero}1b"), NotProven::NotCanonical),
            (format!("0x{zero}{zero}1b"), NotProven::NotCanonical),
            (format!("0x{zero}{zero}00"), NotProven::NotCanonical),
            (format!("0x{r}{order}1b"), NotProven::NotCanonical),
            (format!("0x{r}{high_s}1c"), NotProven::NotCanonical),
            (format!("0x{order}{s}1b"), NotProven::AnotherSigner),
            (format!("0x{r}{s}1c"), NotProven::AnotherSigner),
        ];
        for (signature, expected) in cases {
            let shown = &signature[..signature.len().min(140)];
            assert_eq!(verify_personal_sign(account, "Hello World", &signature), Err(expected), "{shown}");
        }
        assert_eq!(HALF_ORDER, ORDER >> 1);
    }

    #[test]
    fn the_zero_account_signs_nothing() {
        let zero = Account::from_bytes([0; 20]);
        let signature = format!("0x{HELLO}1b");
        assert_eq!(verify_personal_sign(zero, "Hello World", &signature), Err(NotProven::AnotherSigner));
    }

    proptest::proptest! {
        #[test]
        fn a_wallet_proves_its_own_texts_and_no_others(key in 1..u64::MAX, text in ".*", other in ".*") {
            let mut bytes = [0; 32];
            bytes[24..].copy_from_slice(&key.to_be_bytes());
            let signer = PrivateKeySigner::from_slice(&bytes).unwrap();
            let signature = signer.sign_message_sync(text.as_bytes()).unwrap();
            let written = format!("0x{}", hex::encode(signature.as_bytes()));
            proptest::prop_assert_eq!(verify_personal_sign(account_of(&signer), &text, &written), Ok(()));
            if text != other {
                proptest::prop_assert!(verify_personal_sign(account_of(&signer), &other, &written).is_err());
            }
        }
    }
}
