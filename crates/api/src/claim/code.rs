//! Claim codes: 130 bits of chance in Crockford's base 32, printed on the card in the box.
//!
//! A code is seen once, when it is made. What is kept is its HMAC-SHA256 (RFC 2104) under a pepper that is not in
//! the database, so that the database alone redeems nothing.

use std::fmt;
use std::str::FromStr;

use catalog::chance::Chance;
use catalog::db::Value;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Crockford's alphabet: no I, L, O and U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Symbols of a code, 5 bits each: 130 bits.
const SYMBOLS: usize = 26;
/// A text longer than this is no code, however many hyphens it has.
const LONGEST_TEXT: usize = 128;
/// Shortest pepper in bytes.
const PEPPER_BYTES: usize = 32;

/// The secret on the card. Its `Debug` hides it, and it is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimCode(Zeroizing<[u8; SYMBOLS]>);

/// A text that is no claim code. The text is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a claim code")]
pub struct NotACode;

impl ClaimCode {
    /// A new code.
    #[must_use]
    pub fn generate(chance: &dyn Chance) -> Self {
        // A byte a symbol, its upper three bits unused: 256 is a multiple of 32, so every symbol is as likely.
        let mut symbols = Zeroizing::new(chance.bytes::<SYMBOLS>());
        for symbol in symbols.iter_mut() {
            *symbol = ALPHABET[usize::from(*symbol & 31)];
        }
        Self(symbols)
    }

    /// The code as it is printed: `7ZQ4M-0XKJ2-…`, hyphens after each five symbols, six in the last group. For the
    /// one response that shows it.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<String> {
        let mut text = String::with_capacity(SYMBOLS + 4);
        for (place, symbol) in self.0.iter().enumerate() {
            if matches!(place, 5 | 10 | 15 | 20) {
                text.push('-');
            }
            text.push(char::from(*symbol));
        }
        Zeroizing::new(text)
    }
}

impl FromStr for ClaimCode {
    type Err = NotACode;

    /// Reads a code as people type it: either case, hyphens and spaces anywhere, O for 0, I and L for 1.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > LONGEST_TEXT {
            return Err(NotACode);
        }
        let mut symbols = Zeroizing::new([0; SYMBOLS]);
        let mut places = symbols.iter_mut();
        for byte in text.bytes().filter(|byte| !matches!(byte, b'-' | b' ')) {
            let symbol = match byte.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                other if ALPHABET.contains(&other) => other,
                _ => return Err(NotACode),
            };
            *places.next().ok_or(NotACode)? = symbol;
        }
        if places.next().is_some() { Err(NotACode) } else { Ok(Self(symbols)) }
    }
}

impl fmt::Debug for ClaimCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimCode(…)")
    }
}

/// What is kept of a code: 32 bytes, 64 hex digits as text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CodeHmac([u8; 32]);

impl CodeHmac {
    /// The hex digits, for the database alone.
    pub(crate) fn to_hex(self) -> String {
        hex::encode(self.0)
    }

    /// Reads the hex digits of the database.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

impl fmt::Debug for CodeHmac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeHmac(…)")
    }
}

impl From<CodeHmac> for Value {
    fn from(hmac: CodeHmac) -> Self {
        Self::from(hmac.to_hex())
    }
}

/// The secret that claim codes and status tokens are keyed with. Its `Debug` hides it.
#[derive(Clone)]
pub struct ClaimPepper(Hmac<Sha256>);

/// A pepper that is too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the claim pepper must have at least {PEPPER_BYTES} bytes")]
pub struct PepperTooShort;

/// What a digest under the pepper is for. Digests for different ends never meet.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Code,
    StatusToken,
    Check,
}

impl ClaimPepper {
    /// Takes the bytes of the secret's file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PepperTooShort> {
        if bytes.len() < PEPPER_BYTES {
            return Err(PepperTooShort);
        }
        Hmac::new_from_slice(bytes).map(Self).map_err(|_| PepperTooShort)
    }

    /// What is kept of `code`. A text that is no code gets a digest that no code has, by the same work: whoever
    /// asks is answered alike.
    #[must_use]
    pub fn digest_code(&self, code: Option<&ClaimCode>) -> CodeHmac {
        let symbols = code.map_or([0; SYMBOLS], |code| *code.0);
        CodeHmac(self.mac(Purpose::Code, &symbols).finalize().into_bytes().into())
    }

    /// Tells a wrong pepper from the right one without holding it.
    #[must_use]
    pub fn check_value(&self) -> String {
        hex::encode(self.mac(Purpose::Check, b"").finalize().into_bytes())
    }

    pub(super) fn mac(&self, purpose: Purpose, message: &[u8]) -> Hmac<Sha256> {
        let purpose: &[u8] = match purpose {
            Purpose::Code => b"colophon claim code/1\0",
            Purpose::StatusToken => b"colophon claim status token/1\0",
            Purpose::Check => b"colophon claim pepper check/1\0",
        };
        self.0.clone().chain_update(purpose).chain_update(message)
    }
}

impl fmt::Debug for ClaimPepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimPepper(…)")
    }
}

#[cfg(test)]
mod tests {
    use catalog::chance::SystemChance;

    use super::*;
    use crate::fuzzing::{Target, Verdict, fuzz};

    fn pepper() -> ClaimPepper {
        ClaimPepper::from_bytes(&[7; 32]).unwrap()
    }

    #[test]
    fn a_code_is_shown_in_groups_and_hides_in_debug() {
        let code = ClaimCode::generate(&SystemChance);
        let shown = code.reveal();
        let groups: Vec<_> = shown.split('-').map(str::len).collect();
        assert_eq!(groups, [5, 5, 5, 5, 6]);
        assert_eq!(format!("{code:?}"), "ClaimCode(…)");
        assert_eq!(
            format!("{:?} {:?}", pepper(), pepper().digest_code(Some(&code))),
            "ClaimPepper(…) CodeHmac(…)"
        );
    }

    #[test]
    fn letters_that_look_like_digits_are_read_as_digits() {
        let printed: ClaimCode = "01101-10000-ABCDE-FGHJK-MNPQRS".parse().unwrap();
        for typed in [
            "OIl0L-ioOo0-abcde-fghjk-mnpqrs",
            "01101 10000 abcde fghjk mnpqrs",
            "0-1 1-0110000abcdefghjkMNPQRS  ",
        ] {
            assert_eq!(typed.parse(), Ok(printed.clone()), "{typed}");
        }
    }

    #[test]
    fn other_texts_are_no_codes() {
        let long = "0".repeat(200);
        let hyphens = "-".repeat(200);
        let odd = [
            "",
            "-----",
            "0123456789ABCDEFGHJKMNPQR",
            "0123456789ABCDEFGHJKMNPQRST",
            "U123456789ABCDEFGHJKMNPQRS",
            "0123456789ABCDEFGHJKMNPQR\u{405}",
            "0123456789ABCDEFGHJKMNPQRS\n",
            "0123456789ABCDEFGHJKMNPQR\u{ff33}",
            "0123456789_ABCDEFGHJKMNPQRS",
            long.as_str(),
            hyphens.as_str(),
        ];
        for text in odd {
            assert_eq!(text.parse::<ClaimCode>(), Err(NotACode), "{text}");
        }
    }

    #[test]
    fn another_code_pepper_or_purpose_gives_another_digest() {
        let (one, other) = (ClaimCode::generate(&SystemChance), ClaimCode::generate(&SystemChance));
        let another = ClaimPepper::from_bytes(&[8; 32]).unwrap();
        assert_eq!(pepper().digest_code(Some(&one)), pepper().digest_code(Some(&one)));
        assert_ne!(pepper().digest_code(Some(&one)), pepper().digest_code(Some(&other)));
        assert_ne!(pepper().digest_code(Some(&one)), another.digest_code(Some(&one)));
        assert_ne!(pepper().digest_code(Some(&one)), pepper().digest_code(None));
        assert_ne!(pepper().check_value(), another.check_value());
        assert!(ClaimPepper::from_bytes(&[7; 31]).is_err());
    }

    proptest::proptest! {
        #[test]
        fn every_code_reads_back_however_it_is_typed(
            symbols in proptest::collection::vec(0..32_usize, SYMBOLS),
            gaps in proptest::collection::vec(0..4_usize, SYMBOLS),
            lower: bool,
        ) {
            let printed: String = symbols.iter().map(|symbol| char::from(ALPHABET[*symbol])).collect();
            let code: ClaimCode = printed.parse().unwrap();
            proptest::prop_assert_eq!(code.reveal().replace('-', ""), printed.clone());
            let spread = printed.chars().zip(gaps).map(|(c, gap)| format!("{c}{}", &[" ", "-", "", "- "][gap]));
            let typed: String = spread.collect();
            let typed = if lower { typed.to_lowercase() } else { typed };
            proptest::prop_assert_eq!(typed.parse::<ClaimCode>(), Ok(code));
        }

    }

    /// What is read is a whole code: shown and read again it is the same, and its symbols are those that were typed.
    #[test]
    fn fuzzed_texts_are_read_exactly_or_not_at_all() {
        let judge = |input: &[u8]| {
            let Ok(text) = std::str::from_utf8(input) else { return Verdict::Refused };
            let read = text.parse::<ClaimCode>();
            if let Ok(code) = &read {
                assert_eq!(code.reveal().parse().as_ref(), Ok(code));
                let typed = text.to_ascii_uppercase().replace(['-', ' '], "");
                let typed = typed.replace('O', "0").replace(['I', 'L'], "1");
                assert_eq!(code.reveal().replace('-', ""), typed);
                assert!(typed.bytes().all(|symbol| ALPHABET.contains(&symbol)));
                assert_eq!(
                    pepper().digest_code(Some(code)),
                    pepper().digest_code(typed.parse().ok().as_ref())
                );
            }
            Verdict::of(&read)
        };
        fuzz(&Target {
            name: "claim_code",
            dictionary: &["-", " ", "O", "l", "U", "\u{2012}", "0000"],
            judge: &judge,
        });
    }
}
