//! The forms of a signature. A form is a text in which stand `{r}`, `{s}`, `{v}` (27 or 28), `{y}` (0 or 1), `{v'}` (the
//! other one), `{vs}` (`s` with the parity of ERC-2098), `{n-s}` (the other `s` of the curve), `{n}` (the curve's order), `{0}`, `{f}`
//! and `{5}` (32 bytes of zero, of ones, and of a five, which is no point of the curve).

use serde_json::Value;

use super::ground::{Ground, word};
use super::{many, text};

/// The order of secp256k1.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba,
    0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];
/// What ends a signature of an account that is not deployed.
const COUNTERFACTUAL: &str = "6492649264926492649264926492649264926492649264926492649264926492";

fn bytes(digits: &str) -> Vec<u8> {
    let digit = |place| u8::from_str_radix(&digits[place..place + 2], 16).expect("hex digits");
    (0..digits.len()).step_by(2).map(digit).collect()
}

/// The order less `s`.
fn mirrored(s: &str) -> String {
    let (mut less, mut borrow) = (bytes(s), 0);
    for place in (0..32).rev() {
        let taken = i16::from(ORDER[place]) - i16::from(less[place]) - borrow;
        borrow = i16::from(taken < 0);
        less[place] = u8::try_from(taken & 0xff).expect("a byte");
    }
    tests::anvil::hex(&less)
}

/// The signature that a case sends, made of an ordinary one.
pub(super) async fn form(ground: &Ground, proof: &str, case: &Value) -> String {
    let signature = match case["signature"].as_str() {
        Some(template) => format!("{}{}", fill(template, proof), many(&case["signature_many"])),
        None => proof.to_owned(),
    };
    match &case["wrap"] {
        Value::Null => signature,
        wrap => wrapped(ground, &signature, wrap).await,
    }
}

fn fill(template: &str, proof: &str) -> String {
    let digits = proof.trim_start_matches("0x");
    let (r, s, v) = (&digits[..64], &digits[64..128], &digits[128..130]);
    let odd = v == "1c";
    let vs = if odd {
        format!("{:x}{}", u8::from_str_radix(&s[..1], 16).expect("a digit") | 8, &s[1..])
    } else {
        s.to_owned()
    };
    let parts = [
        ("{r}", r.to_owned()),
        ("{s}", s.to_owned()),
        ("{v}", v.to_owned()),
        ("{R}", r.to_uppercase()),
        ("{S}", s.to_uppercase()),
        ("{V}", v.to_uppercase()),
        ("{y}", if odd { "01" } else { "00" }.to_owned()),
        ("{v'}", if odd { "1b" } else { "1c" }.to_owned()),
        ("{vs}", vs),
        ("{s-}", s[..62].to_owned()),
        ("{n-s}", mirrored(s)),
        ("{n}", tests::anvil::hex(&ORDER)),
        ("{0}", "0".repeat(64)),
        ("{f}", "f".repeat(64)),
        ("{5}", format!("{:064x}", 5)),
    ];
    let filled = parts.iter().fold(template.to_owned(), |filled, (name, part)| filled.replace(name, part));
    assert!(!filled.contains('{'), "an unknown part in {template}");
    filled
}

/// The wrapper of ERC-6492: factory, its call and the signature, then the magic suffix.
async fn wrapped(ground: &Ground, signature: &str, wrap: &Value) -> String {
    if wrap["bare"] == true {
        return format!("0x{COUNTERFACTUAL}");
    }
    let factory = ground.address(&text(&wrap["factory"]));
    let owner = ground.address(wrap["of"].as_str().unwrap_or("owner"));
    let more = wrap["more"].as_u64().and_then(|more| usize::try_from(more).ok()).unwrap_or_default();
    let selector = ground.selector(&text(&wrap["call"])).await;
    let call = format!("{selector}{}{}", word(&owner), "ab".repeat(more));
    let mut signature = signature.trim_start_matches("0x").to_owned();
    for _ in 0..if wrap["twice"] == true { 2 } else { 1 } {
        let head = format!("{}{:064x}{:064x}", word(&factory), 96, 96 + padded(&call).len() / 2);
        signature = format!("{head}{}{}{COUNTERFACTUAL}", padded(&call), padded(&signature));
    }
    let more_suffixes = wrap["suffixes"].as_u64().unwrap_or(1) - 1;
    format!("0x{signature}{}", COUNTERFACTUAL.repeat(usize::try_from(more_suffixes).expect("a few")))
}

/// Bytes as the ABI writes them: their length, and they up to a whole word.
fn padded(digits: &str) -> String {
    let length = digits.len() / 2;
    format!("{length:064x}{digits}{}", "00".repeat(length.next_multiple_of(32) - length))
}
