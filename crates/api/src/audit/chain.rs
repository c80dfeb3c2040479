//! The chain of hashes over the journal: each row's hash covers the row, its place, the moment of sealing and the hash before.

use catalog::clock::Timestamp;
use catalog::digest::Sha256Digest;
use catalog::store::{JournalRow, SealedHead, SealedRow};
use serde::Serialize;

/// What the hash of the place before the first row is made of.
const GENESIS: &[u8] = b"colophon journal/1";

/// What a hash is over, as canonical JSON (RFC 8785). Numbers stand as text: JSON's are not exact beyond 2^53.
#[derive(Serialize)]
struct HashedFacts<'a> {
    position: String,
    previous: Sha256Digest,
    sealed_at: String,
    sequence: String,
    event_id: &'a str,
    occurred_at: String,
    actor: &'a str,
    reason: &'a str,
    request_id: Option<&'a str>,
    kind: &'a str,
    subject: &'a str,
    payload: &'a str,
}

/// The hash before the first row.
#[must_use]
pub fn genesis() -> Sha256Digest {
    Sha256Digest::of(GENESIS)
}

/// The hash of a row at a place of the chain.
fn hash_of(
    row: &JournalRow,
    position: i64,
    sealed_at: i64,
    previous: Sha256Digest,
) -> Result<Sha256Digest, serde_json::Error> {
    let facts = HashedFacts {
        position: position.to_string(),
        previous,
        sealed_at: sealed_at.to_string(),
        sequence: row.sequence.to_string(),
        event_id: &row.event_id,
        occurred_at: row.occurred_at.to_string(),
        actor: &row.actor,
        reason: &row.reason,
        request_id: row.request_id.as_deref(),
        kind: &row.kind,
        subject: &row.subject,
        payload: &row.payload,
    };
    Sha256Digest::of_canonical(&facts).map(|(hash, _)| hash)
}

/// The end of the chain after `row` is sealed behind `head` at the moment `at`.
pub fn next(head: &SealedHead, row: &JournalRow, at: Timestamp) -> Result<SealedHead, serde_json::Error> {
    let position = head.position + 1;
    let hash = hash_of(row, position, at.as_micros(), head.hash)?;
    Ok(SealedHead { position, hash, sealed_at: at })
}

/// The hash of a sealed row behind `previous`, if the row bears it.
#[must_use]
pub fn check(sealed: &SealedRow, previous: Sha256Digest) -> Option<Sha256Digest> {
    let hash = hash_of(&sealed.row, sealed.position, sealed.sealed_at, previous).ok()?;
    (hash.to_string() == sealed.hash).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> JournalRow {
        JournalRow {
            sequence: 7,
            event_id: "evt_1".to_owned(),
            occurred_at: 1_795_426_200_000_000,
            actor: "service".to_owned(),
            reason: "a test".to_owned(),
            request_id: None,
            kind: "sale_recorded".to_owned(),
            subject: "sale_1".to_owned(),
            payload: r#"{"a":1}"#.to_owned(),
        }
    }

    fn sealed() -> SealedRow {
        let head = SealedHead { position: 0, hash: genesis(), sealed_at: Timestamp::EPOCH };
        let next = next(&head, &row(), Timestamp::EPOCH).unwrap();
        SealedRow { position: next.position, sealed_at: 0, hash: next.hash.to_string(), row: row() }
    }

    /// Computed apart, over the canonical JSON written by another program: old seals must stay valid for ever.
    #[test]
    fn the_hash_of_a_row_is_the_published_one() {
        assert_eq!(genesis().to_string(), "4af3ed4755c9e70ae410f2ce61cf3029ea06c42a0c73d1fb2500332d0039b441");
        assert_eq!(sealed().hash, "81245e91d355c2608361dc06ea0d84e1369ac72bdb9ada5bb9b6227176a2e58d");
    }

    #[test]
    fn every_part_of_a_row_is_under_its_seal() {
        assert!(check(&sealed(), genesis()).is_some());
        let changes: [fn(&mut SealedRow); 11] = [
            |sealed| sealed.position = 2,
            |sealed| sealed.sealed_at = 1,
            |sealed| sealed.hash = "0".repeat(64),
            |sealed| sealed.row.sequence = 8,
            |sealed| sealed.row.event_id.push('2'),
            |sealed| sealed.row.occurred_at += 1,
            |sealed| sealed.row.actor.push('s'),
            |sealed| sealed.row.reason.clear(),
            |sealed| sealed.row.request_id = Some(String::new()),
            |sealed| sealed.row.kind.push('s'),
            |sealed| sealed.row.payload = r#"{"a":2}"#.to_owned(),
        ];
        for (number, change) in changes.iter().enumerate() {
            let mut edited = sealed();
            change(&mut edited);
            assert_eq!(check(&edited, genesis()), None, "change {number}");
        }
        assert_eq!(check(&sealed(), Sha256Digest::of(b"another history")), None);
    }
}
