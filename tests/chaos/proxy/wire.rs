//! The log of every transaction that left the service. Each must stand in the books before.

use std::collections::HashMap;
use std::sync::Mutex;

use catalog::db::Db;
use minting::signer::WireTransaction;

/// Whether an attempt is stored.
const STORED: &str = "SELECT count(*) FROM attempts WHERE attempt_hash = $1";

/// What was seen.
pub(crate) struct Wire {
    books: Db,
    seen: Mutex<HashMap<String, Seen>>,
    broken: Mutex<Vec<String>>,
}

struct Seen {
    raw: String,
    transaction: WireTransaction,
}

impl Wire {
    pub(crate) fn new(books: Db) -> Self {
        Self { books, seen: Mutex::default(), broken: Mutex::default() }
    }

    /// Notes bytes, and looks whether they were stored before they came; none when they are no transaction.
    pub(super) async fn saw(&self, raw: &str) -> Option<WireTransaction> {
        let bytes = decode(raw)?;
        let transaction = WireTransaction::read(&bytes).ok()?;
        let hash = transaction.hash.to_string();
        if self.seen.lock().expect("the log").contains_key(&hash) {
            return Some(transaction);
        }
        if !self.is_stored(&hash).await {
            self.breaks(format!("the bytes of {hash} left before they were stored"));
        }
        let mut seen = self.seen.lock().expect("the log");
        let same_nonce = |other: &&Seen| {
            (other.transaction.signer, other.transaction.nonce) == (transaction.signer, transaction.nonce)
        };
        let differs = seen.values().filter(same_nonce).any(|other| {
            let (one, other) = (&transaction, &other.transaction);
            (one.to, &one.data, one.gas_limit) != (other.to, &other.data, other.gas_limit)
        });
        if differs {
            let WireTransaction { signer, nonce, .. } = &transaction;
            self.breaks(format!("two different transactions of {signer} with nonce {nonce} left"));
        }
        seen.insert(hash, Seen { raw: raw.to_owned(), transaction: transaction.clone() });
        Some(transaction)
    }

    async fn is_stored(&self, hash: &str) -> bool {
        let mut tx = self.books.begin_read().await.expect("the books");
        let (count,): (i64,) = tx.fetch_one(STORED, &[hash.into()]).await.expect("the books");
        count == 1
    }

    fn breaks(&self, what: String) {
        self.broken.lock().expect("the log").push(what);
    }

    /// The bytes of a transaction that was seen, as hex.
    pub(crate) fn raw_of(&self, hash: &str) -> Option<String> {
        self.seen.lock().expect("the log").get(hash).map(|seen| seen.raw.clone())
    }

    /// The hashes of all that was seen.
    pub(crate) fn hashes(&self) -> Vec<String> {
        self.seen.lock().expect("the log").keys().cloned().collect()
    }

    /// What left the service though it must not have.
    pub(crate) fn broken(&self) -> Vec<String> {
        self.broken.lock().expect("the log").clone()
    }
}

fn decode(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.strip_prefix("0x")?;
    let byte = |at: usize| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..digits.len()).step_by(2).map(byte).collect()
}
