//! The text that a wallet signs to prove that its holder claims with it: Sign-In with Ethereum (EIP-4361).
//!
//! It binds domain, wallet, chain, contract and claim, and holds for ten minutes. It is kept word for word, and a
//! signature is checked against what was kept and never against what a client sends.

use std::fmt;
use std::time::Duration;

use catalog::account::Account;
use catalog::chance::Chance;
use catalog::clock::Timestamp;

use super::ClaimId;
use super::proof_text::ProofText;

/// How long a challenge may be signed; and how far ahead the clock by which it was made may have been, since clocks of
/// two processes differ and are set back.
pub const VALID_FOR: Duration = Duration::from_mins(10);

/// Where the buyer signs, and on which chain the token will be.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The service's public address, without a slash at the end.
    pub public_base_url: &'a str,
    /// The chain's id (EIP-155).
    pub chain_id: u64,
    /// The contract.
    pub contract: Account,
}

/// A text handed out for one claim and one wallet.
#[derive(Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Names it, once for ever.
    pub nonce: String,
    /// The claim that it can redeem.
    pub claim_id: ClaimId,
    /// The wallet that must sign it.
    pub recipient: Account,
    /// The text to be signed.
    pub message: String,
    /// When it was made.
    pub issued_at: Timestamp,
    /// Until when it may be used.
    pub expires_at: Timestamp,
}

impl Challenge {
    /// Writes a new text.
    #[must_use]
    pub fn compose(
        claim_id: &ClaimId,
        recipient: Account,
        place: &Place<'_>,
        now: Timestamp,
        chance: &dyn Chance,
    ) -> Self {
        // Whole seconds: some wallets cannot read fractions of one.
        let issued_at = now.minus(Duration::from_micros(now.as_micros().unsigned_abs() % 1_000_000));
        let expires_at = issued_at.plus(VALID_FOR);
        let nonce = hex::encode(chance.bytes::<16>());
        let text = ProofText {
            site: place.public_base_url.to_owned(),
            recipient,
            chain_id: place.chain_id,
            contract: place.contract,
            claim_id: claim_id.clone(),
            nonce: nonce.clone(),
            issued_at,
            expires_at,
        };
        let message = text.to_string();
        Self { nonce, claim_id: claim_id.clone(), recipient, message, issued_at, expires_at }
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenge")
            .field("claim_id", &self.claim_id)
            .field("nonce", &self.nonce)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use catalog::chance::SystemChance;
    use minting::wallet;

    use super::*;

    fn compose(public_base_url: &str) -> Challenge {
        let now = Timestamp::from_micros(1_795_426_200_123_456).unwrap();
        let claim_id = "claim_01988888888870008000000000000001".parse().unwrap();
        let recipient = wallet::parse_account("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed").unwrap();
        let contract = wallet::parse_account("0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359").unwrap();
        let place = Place { public_base_url, chain_id: 31_337, contract };
        Challenge::compose(&claim_id, recipient, &place, now, &SystemChance)
    }

    #[test]
    fn the_text_is_that_of_eip_4361() {
        let challenge = compose("https://prints.example:8443/shop");
        let expected = "\
prints.example:8443 wants you to sign in with your Ethereum account:
0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed

I claim the digital collectible of my print for this wallet. Signing costs nothing and gives nobody access to what the wallet holds.

URI: https://prints.example:8443/shop/claim
Version: 1
Chain ID: 31337
Nonce: NONCE
Issued At: 2026-11-23T09:30:00Z
Expiration Time: 2026-11-23T09:40:00Z
Request ID: claim_01988888888870008000000000000001
Resources:
- eip155:31337/erc721:0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359";
        assert_eq!(challenge.message.replace(&challenge.nonce, "NONCE"), expected);
        assert!(challenge.nonce.len() >= 8 && challenge.nonce.bytes().all(|b| b.is_ascii_alphanumeric()));
        let read: ProofText = challenge.message.parse().unwrap();
        assert_eq!((read.nonce, read.claim_id), (challenge.nonce, challenge.claim_id));
    }

    #[test]
    fn it_lives_for_ten_minutes() {
        let challenge = compose("http://127.0.0.1:8080");
        assert!(challenge.message.starts_with("127.0.0.1:8080 wants you"));
        assert_eq!(challenge.issued_at.plus(Duration::from_mins(10)), challenge.expires_at);
    }

    #[test]
    fn two_texts_for_the_same_claim_differ() {
        assert_ne!(compose("http://a.example").message, compose("http://a.example").message);
    }
}
