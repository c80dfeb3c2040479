//! The fingerprint of a file's bytes, computed while they pass: SHA-256 (FIPS 180-4) and the IPFS content id
//! that `ipfs add --cid-version 1` gives the same bytes (`UnixFS`, chunks of 256 KiB, raw leaves, at most 174
//! links a node).

use aleph_cid::verify::Hasher;
use catalog::digest::Sha256Digest;
use sha2::{Digest, Sha256};

/// Takes a file's bytes piece by piece, in memory that does not grow with the file's pieces.
#[derive(Debug)]
pub struct Fingerprinter {
    sha256: Sha256,
    cid: Hasher,
    byte_count: u64,
}

/// What identifies a file's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// SHA-256 of the bytes.
    pub sha256: Sha256Digest,
    /// IPFS content id, version 1, in base 32.
    pub cid: String,
    /// How many bytes there were.
    pub byte_count: u64,
}

impl Fingerprinter {
    /// A fingerprinter that has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { sha256: Sha256::new(), cid: Hasher::for_ipfs_v1_raw_leaves(), byte_count: 0 }
    }

    /// Takes the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.cid.update(bytes);
        self.byte_count += bytes.len() as u64;
    }

    /// How many bytes were taken so far.
    #[must_use]
    pub fn byte_count(&self) -> u64 {
        self.byte_count
    }

    /// The fingerprint of all that was taken.
    #[must_use]
    pub fn finish(self) -> Fingerprint {
        Fingerprint {
            sha256: Sha256Digest::from_bytes(self.sha256.finalize().into()),
            cid: self.cid.finalize().to_string(),
            byte_count: self.byte_count,
        }
    }
}

impl Default for Fingerprinter {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNK: usize = 256 * 1024;

    fn sample(byte_count: usize) -> Vec<u8> {
        (0..=250).cycle().take(byte_count).collect()
    }

    fn fingerprint(bytes: &[u8], piece: usize) -> Fingerprint {
        let mut fingerprinter = Fingerprinter::new();
        bytes.chunks(piece).for_each(|piece| fingerprinter.update(piece));
        fingerprinter.finish()
    }

    /// The first two are published everywhere as the ids of nothing and of "hello world". All were computed by
    /// an independent program: npm `ipfs-unixfs-importer` 17.1.1 with `cidVersion: 1, rawLeaves: true,
    /// chunker: fixedSize(262144), layout: balanced(174)` over bytes 0 to 250 repeated.
    #[test]
    fn content_ids_equal_those_of_an_independent_program() {
        let golden = [
            (sample(0), "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"),
            (b"hello world".to_vec(), "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"),
            (sample(1), "bafkreidogqfzz75tpkmjzjke425xqcrmpcib2p5tg44hnbirumdbpl5adu"),
            (sample(CHUNK - 1), "bafkreiagptg6ztonoojy4wflk3wwusl5xt4vcy6uult4wa7oemsjtxhjsu"),
            (sample(CHUNK), "bafkreibruh455iawsviqslif5c7uurdcfdemh22mtnytyzvnzn75kpejxy"),
            (sample(CHUNK + 1), "bafybeiexg2oqkfnj56l7fcmawswqbijt5shq4b5rg6a546uwpkqqzwjioi"),
            (sample(4 * CHUNK), "bafybeiedpcapwld4tkgtzwahfofgn4wex5ryysf4se6hwpmlrsh4ntnrau"),
            (sample(174 * CHUNK), "bafybeihpe5snhzneq7xs53nivmsopto5lrogo3wjynauqylqeym5a3irbm"),
            (sample(174 * CHUNK + 1), "bafybeib4y7ghw2rq7bracc4xwtxrbzo7cfvagdpte2tmrkgwl6dyard3cm"),
            (sample(256 * CHUNK), "bafybeih3jjhzpgxqc26vzovvpeqgm7ovzwevt3ck7jykbjx5low3zmv6s4"),
        ];
        for (bytes, cid) in golden {
            assert_eq!(fingerprint(&bytes, 1 << 20).cid, cid, "{} bytes", bytes.len());
        }
    }

    #[test]
    fn the_fingerprint_does_not_depend_on_how_the_bytes_arrive() {
        let bytes = sample(2 * CHUNK + 77);
        let whole = fingerprint(&bytes, bytes.len());
        assert_eq!(whole.byte_count, bytes.len() as u64);
        assert_eq!(whole.sha256, Sha256Digest::of(&bytes));
        for piece in [1_009, 65_536, CHUNK, CHUNK + 1] {
            assert_eq!(fingerprint(&bytes, piece), whole, "pieces of {piece}");
        }
    }
}
