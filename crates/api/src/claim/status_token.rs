//! A ticket to read how a claim fares, for an hour, without showing the code again. It changes nothing.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use catalog::clock::Timestamp;
use hmac::Mac;

use super::ClaimId;
use super::code::{ClaimPepper, Purpose};

/// How long it may be used.
const VALID_FOR: Duration = Duration::from_hours(1);

/// `claim_….1795429800.9f86d0…`: the claim, the last second of its validity, and an HMAC over both.
#[derive(Clone, PartialEq, Eq)]
pub struct StatusToken {
    claim_id: ClaimId,
    expires: u64,
    mac: [u8; 32],
}

/// A text that is no status token of ours, or no longer one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the status token is not valid, or no longer; look the claim up by its code again")]
pub struct InvalidStatusToken;

fn message(claim_id: &ClaimId, expires: u64) -> String {
    format!("{claim_id}.{expires}")
}

impl StatusToken {
    /// Makes one for a claim.
    #[must_use]
    pub fn issue(claim_id: &ClaimId, now: Timestamp, pepper: &ClaimPepper) -> Self {
        let expires = now.plus(VALID_FOR).as_seconds();
        let mac = pepper.mac(Purpose::StatusToken, message(claim_id, expires).as_bytes());
        Self { claim_id: claim_id.clone(), expires, mac: mac.finalize().into_bytes().into() }
    }

    /// The claim that it lets read, if it is ours and its hour is not over. Compares in constant time.
    pub fn verify(self, now: Timestamp, pepper: &ClaimPepper) -> Result<ClaimId, InvalidStatusToken> {
        let mac = pepper.mac(Purpose::StatusToken, message(&self.claim_id, self.expires).as_bytes());
        mac.verify_slice(&self.mac).map_err(|_| InvalidStatusToken)?;
        if now.as_seconds() > self.expires {
            return Err(InvalidStatusToken);
        }
        Ok(self.claim_id)
    }
}

impl fmt::Display for StatusToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", message(&self.claim_id, self.expires), hex::encode(self.mac))
    }
}

impl fmt::Debug for StatusToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StatusToken({}, …)", self.claim_id)
    }
}

impl FromStr for StatusToken {
    type Err = InvalidStatusToken;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('.');
        let (Some(claim_id), Some(expires), Some(digits), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidStatusToken);
        };
        let mut mac = [0; 32];
        hex::decode_to_slice(digits, &mut mac).map_err(|_| InvalidStatusToken)?;
        Ok(Self {
            claim_id: claim_id.parse().map_err(|_| InvalidStatusToken)?,
            expires: expires.parse().map_err(|_| InvalidStatusToken)?,
            mac,
        })
    }
}

#[cfg(test)]
mod tests {
    use catalog::chance::SystemChance;

    use super::*;

    #[test]
    fn a_status_token_reads_one_claim_for_an_hour() {
        let now = Timestamp::from_micros(1_795_426_200_000_000).unwrap();
        let pepper = ClaimPepper::from_bytes(&[7; 32]).unwrap();
        let claim_id = ClaimId::generate(now, &SystemChance);
        let token = StatusToken::issue(&claim_id, now, &pepper);
        let read: StatusToken = token.to_string().parse().unwrap();
        assert_eq!(read.clone().verify(now.plus(VALID_FOR), &pepper), Ok(claim_id.clone()));
        let late = now.plus(VALID_FOR + Duration::from_secs(1));
        assert_eq!(read.clone().verify(late, &pepper), Err(InvalidStatusToken));
        let another_pepper = ClaimPepper::from_bytes(&[8; 32]).unwrap();
        assert_eq!(read.clone().verify(now, &another_pepper), Err(InvalidStatusToken));
        let another_claim = StatusToken { claim_id: ClaimId::generate(now, &SystemChance), ..read.clone() };
        assert_eq!(another_claim.verify(now, &pepper), Err(InvalidStatusToken));
        let prolonged = StatusToken { expires: read.expires + 1, ..read };
        assert_eq!(prolonged.verify(now, &pepper), Err(InvalidStatusToken));
        assert!(!format!("{token:?}").contains(&hex::encode(token.mac)));
    }

    #[test]
    fn other_texts_are_no_status_tokens() {
        for text in ["", "..", "claim_x.1.00", "a.b.c.d"] {
            assert_eq!(text.parse::<StatusToken>(), Err(InvalidStatusToken), "{text}");
        }
    }
}
