//! Guessing made hopeless: failures are counted by address and in all, and whoever had too many is turned away before
//! any work is done for him. Only failures count: a throttle on codes themselves would lock their owners out.
//!
//! Above what all may fail together, an address without a failure still goes on, so that a buyer who has the code is
//! served while others guess. An attack raises one alarm, however many requests it is made of.
//!
//! What is counted is kept in memory: several processes on one database count each for itself.

mod allowance;

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use catalog::clock::{Clock, Timestamp};

pub use allowance::Allowance;

use crate::client_address::{ClientAddress, TrustedProxies};
use crate::error::ApiError;
use allowance::Taken;

/// After how long without a refusal an attack is over.
const QUIET: Duration = Duration::from_mins(10);
/// Addresses with failures that are remembered. Beyond it only what all may fail together counts.
const MOST_ADDRESSES: usize = 1_000_000;
/// Pause between two looks for addresses that can be forgotten.
const SWEEP_PAUSE: Duration = Duration::from_secs(10);

/// How much may fail, and whose word is taken about who asks.
#[derive(Debug, Clone)]
pub struct ThrottleSettings {
    /// Failures of one address.
    pub by_address: Allowance,
    /// Failures of all addresses together.
    pub in_all: Allowance,
    /// Who may tell the client's address.
    pub proxies: TrustedProxies,
}

/// The throttles of this process.
#[derive(Debug)]
pub struct Throttles {
    /// Of claim codes, and of wallets' proofs.
    pub claims: Throttle,
    /// Of API keys. Apart from the claims: a shop with a wrong key locks no buyer out.
    pub keys: Throttle,
}

impl Throttles {
    /// With nothing counted yet.
    #[must_use]
    pub fn new(settings: &ThrottleSettings) -> Self {
        let throttle = |alarm| Throttle {
            alarm,
            by_address: settings.by_address,
            in_all: settings.in_all,
            book: Mutex::new(Book::default()),
        };
        Self { claims: throttle("claim_guessing"), keys: throttle("key_guessing") }
    }

    /// The alarms that stand.
    #[must_use]
    pub fn alarms(&self, now: Timestamp) -> Vec<&'static str> {
        let throttles = [&self.claims, &self.keys];
        throttles.into_iter().filter(|throttle| throttle.is_under_attack(now)).map(|it| it.alarm).collect()
    }
}

/// One kind of failures.
#[derive(Debug)]
pub struct Throttle {
    alarm: &'static str,
    by_address: Allowance,
    in_all: Allowance,
    book: Mutex<Book>,
}

#[derive(Debug)]
struct Book {
    in_all: Taken,
    by_address: HashMap<ClientAddress, Taken>,
    swept_at: Timestamp,
    /// The last refusal of an attack that goes on.
    last_refusal: Option<Timestamp>,
    attacks: u64,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            in_all: Taken::NOTHING,
            by_address: HashMap::new(),
            swept_at: Timestamp::EPOCH,
            last_refusal: None,
            attacks: 0,
        }
    }
}

/// What was taken for a try, until it is known whether it fails.
struct Stake {
    by_address: bool,
    in_all: bool,
}

/// A wrong code, proof or key.
fn is_failure(error: &ApiError) -> bool {
    matches!(error, ApiError::NotFound { .. } | ApiError::Unproven { .. } | ApiError::KeyInvalid)
}

impl Throttle {
    /// Does `work` for a client, unless too much failed; 429 then, and nothing is done. What is dropped half-way counts as
    /// failed.
    pub(crate) async fn guard<T>(
        &self,
        client: ClientAddress,
        clock: &dyn Clock,
        work: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        let stake = self.stake(client, clock.now())?;
        let outcome = work.await;
        if !outcome.as_ref().is_err_and(is_failure) {
            self.give_back(client, &stake);
        }
        outcome
    }

    /// How many attacks there were.
    #[must_use]
    pub fn attacks(&self) -> u64 {
        self.book().attacks
    }

    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        // Nothing in a book can be half-done: a panic elsewhere is no reason to stop counting.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stake(&self, client: ClientAddress, now: Timestamp) -> Result<Stake, ApiError> {
        let mut book = self.book();
        book.forget(now);
        self.end_attack(&mut book, now);
        let known = book.by_address.get(&client).copied();
        let mut taken = known.unwrap_or(Taken::NOTHING);
        let unblemished = taken.is_nothing(now);
        if let Err(wait) = taken.take(&self.by_address, now) {
            return Err(self.refuse(&mut book, now, wait));
        }
        let remembered = known.is_some() || book.by_address.len() < MOST_ADDRESSES;
        let in_all = match book.in_all.take(&self.in_all, now) {
            Ok(()) => true,
            Err(_) if unblemished && remembered => false,
            Err(wait) => return Err(self.refuse(&mut book, now, wait)),
        };
        if remembered {
            book.by_address.insert(client, taken);
        }
        Ok(Stake { by_address: remembered, in_all })
    }

    fn give_back(&self, client: ClientAddress, stake: &Stake) {
        let mut book = self.book();
        if stake.in_all {
            book.in_all.give_back(&self.in_all);
        }
        if let Some(taken) = book.by_address.get_mut(&client).filter(|_| stake.by_address) {
            taken.give_back(&self.by_address);
        }
    }

    fn refuse(&self, book: &mut Book, now: Timestamp, wait: Duration) -> ApiError {
        metrics::counter!("colophon_throttled_total", "alarm" => self.alarm).increment(1);
        if book.last_refusal.replace(now).is_none() {
            book.attacks += 1;
            metrics::counter!("colophon_guessing_alarms_total", "alarm" => self.alarm).increment(1);
            metrics::gauge!("colophon_guessing", "alarm" => self.alarm).set(1.0);
            tracing::warn!(alarm = self.alarm, "somebody is guessing: further failures are turned away");
        }
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        ApiError::TooMany {
            code: "too_many_failures",
            detail: "too many tries have failed; wait before the next one".into(),
            retry_after: u32::try_from(seconds).unwrap_or(u32::MAX),
        }
    }

    fn is_under_attack(&self, now: Timestamp) -> bool {
        let mut book = self.book();
        self.end_attack(&mut book, now);
        book.last_refusal.is_some()
    }

    fn end_attack(&self, book: &mut Book, now: Timestamp) {
        if book.last_refusal.is_some_and(|last| now.since(last) >= QUIET) {
            book.last_refusal = None;
            metrics::gauge!("colophon_guessing", "alarm" => self.alarm).set(0.0);
            tracing::info!(alarm = self.alarm, "the guessing has stopped");
        }
    }
}

impl Book {
    /// Forgets addresses whose failures are forgiven.
    fn forget(&mut self, now: Timestamp) {
        if now.since(self.swept_at) >= SWEEP_PAUSE {
            self.by_address.retain(|_, taken| !taken.is_nothing(now));
            self.swept_at = now;
        }
    }
}

#[cfg(test)]
mod tests;
