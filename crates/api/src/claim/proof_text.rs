//! The text that a wallet signs, in the form of Sign-In with Ethereum (EIP-4361), written and read.
//!
//! One form alone is read: the one that is written here, every field in its place and in its only spelling. What is
//! read therefore writes back byte for byte, and two texts that say the same are the same.

use std::fmt;
use std::str::FromStr;

use catalog::account::Account;
use catalog::clock::Timestamp;
use minting::wallet;

use super::ClaimId;

/// What the wallet shows its holder. ASCII without line breaks, as the grammar wants.
const STATEMENT: &str = "I claim the digital collectible of my print for this wallet. \
                         Signing costs nothing and gives nobody access to what the wallet holds.";
/// A longer text, in bytes, is none of ours.
const LONGEST: usize = 2048;

/// What such a text says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofText {
    /// The service's public address, without a slash at the end; its host and port are the domain that asks.
    pub site: String,
    /// The wallet that signs.
    pub recipient: Account,
    /// The chain of the token (EIP-155).
    pub chain_id: u64,
    /// The contract of the token.
    pub contract: Account,
    /// The claim that is redeemed.
    pub claim_id: ClaimId,
    /// Names the text, once for ever: 32 hex digits.
    pub nonce: String,
    /// From when it may be used.
    pub issued_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
}

/// A text that we did not write. It is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a text that this service wrote")]
pub struct NotOurText;

/// Host and port of an address.
fn domain(site: &str) -> &str {
    let rest = site.split_once("://").map_or(site, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

/// True for what `public_base_url` can be: `http` or `https`, a host, and nothing that would end a line or a field.
fn is_site(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host_stands = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    host_stands && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"@?#<>\"\\^`{|}".contains(&byte))
}

impl fmt::Display for ProofText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { site, recipient, chain_id, contract, claim_id, nonce, issued_at, expires_at } = self;
        write!(
            f,
            "{domain} wants you to sign in with your Ethereum account:\n\
             {recipient}\n\
             \n\
             {STATEMENT}\n\
             \n\
             URI: {site}/claim\n\
             Version: 1\n\
             Chain ID: {chain_id}\n\
             Nonce: {nonce}\n\
             Issued At: {issued_at}\n\
             Expiration Time: {expires_at}\n\
             Request ID: {claim_id}\n\
             Resources:\n\
             - eip155:{chain_id}/erc721:{contract}",
            domain = domain(site),
            recipient = wallet::checksummed(*recipient),
            contract = wallet::checksummed(*contract),
        )
    }
}

impl FromStr for ProofText {
    type Err = NotOurText;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > LONGEST {
            return Err(NotOurText);
        }
        let mut lines = text.split('\n');
        let mut field = |label: &str| lines.find_map(|line| line.strip_prefix(label)).ok_or(NotOurText);
        let recipient = field("0x")?;
        let site = field("URI: ")?.strip_suffix("/claim").ok_or(NotOurText)?;
        let chain_id = field("Chain ID: ")?;
        let nonce = field("Nonce: ")?;
        let (issued_at, expires_at) = (field("Issued At: ")?, field("Expiration Time: ")?);
        let claim_id = field("Request ID: ")?;
        let resource = field("- ")?;
        let (_, contract) = resource.rsplit_once(':').ok_or(NotOurText)?;
        let account = |text: &str| wallet::parse_account(text).map_err(|_| NotOurText);
        if !is_site(site) || nonce.len() != 32 || !nonce.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(NotOurText);
        }
        let read = Self {
            site: site.to_owned(),
            recipient: account(&format!("0x{recipient}"))?,
            chain_id: chain_id.parse().map_err(|_| NotOurText)?,
            contract: account(contract)?,
            claim_id: claim_id.parse().map_err(|_| NotOurText)?,
            nonce: nonce.to_owned(),
            issued_at: issued_at.parse().map_err(|_| NotOurText)?,
            expires_at: expires_at.parse().map_err(|_| NotOurText)?,
        };
        // The fields are found wherever they stand; that they stand where they belong is seen by writing them.
        if read.to_string() == text { Ok(read) } else { Err(NotOurText) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzzing::{Target, Verdict, fuzz};

    const OURS: &str = include_str!("../../fuzz/proof_text/ours");

    #[test]
    fn a_text_of_ours_is_read_in_every_field() {
        let read: ProofText = OURS.parse().unwrap();
        let expected = ProofText {
            site: "https://prints.example:8443/shop".to_owned(),
            recipient: wallet::parse_account("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed").unwrap(),
            chain_id: 31_337,
            contract: wallet::parse_account("0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359").unwrap(),
            claim_id: "claim_01988888888870008000000000000001".parse().unwrap(),
            nonce: "00112233445566778899aabbccddeeff".to_owned(),
            issued_at: "2026-11-23T09:30:00Z".parse().unwrap(),
            expires_at: "2026-11-23T09:40:00Z".parse().unwrap(),
        };
        assert_eq!(read, expected);
        assert_eq!(expected.to_string(), OURS);
    }

    #[test]
    fn the_statement_keeps_to_the_grammar() {
        // statement = 1*( reserved / unreserved / " " ), RFC 3986.
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b" -._~:/?#[]@!$&'()*+,;=".contains(&b);
        assert!(STATEMENT.bytes().all(allowed), "{STATEMENT}");
    }

    #[test]
    fn fuzzed_texts_are_read_exactly_or_not_at_all() {
        let judge = |input: &[u8]| {
            let Ok(text) = std::str::from_utf8(input) else { return Verdict::Refused };
            let read = text.parse::<ProofText>();
            if let Ok(read) = &read {
                assert_eq!(read.to_string(), text);
                assert!(text.is_ascii() && text.lines().count() == 14 && !text.contains('\r'), "{text}");
                assert!(text.starts_with(&format!("{} wants you", domain(&read.site))), "{text}");
            }
            Verdict::of(&read)
        };
        let dictionary = [
            "\n",
            "\r\n",
            " ",
            "0x",
            "URI: ",
            "/claim",
            "Version: 1",
            "Version: 2",
            "Chain ID: ",
            "Nonce: ",
            "Not Before: ",
            "Issued At: ",
            "Expiration Time: ",
            "Request ID: ",
            "claim_",
            "Resources:",
            "- ",
            "eip155:1/erc721:",
            "https://",
            "http://",
            "@",
            "+1",
            "2026-11-23T09:30:00Z",
            "2026-11-23T09:30:00.5Z",
            "2026-11-23T17:30:00+08:00",
        ];
        fuzz(&Target { name: "proof_text", dictionary: &dictionary, judge: &judge });
    }
}
