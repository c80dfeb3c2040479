//! Lets a frozen lane go on, after an operator has looked.
//!
//! A lane freezes when the chain no longer has a block that was final (it was reorganized past finality, or its node
//! came back from an old state), or when it counts more transactions of the signer than the books. The first can
//! be mended from the books alone: what was lost is under way again, and the next pass sends it at the same nonces. The
//! second cannot: somebody else used the key, or the books are old. A signer that is delegated to code stays frozen.

use catalog::account::Account;
use catalog::chance::Chance;
use catalog::clock::Clock;
use catalog::crash_point;
use catalog::db::{Db, DbError, Retryable, retrying};
use catalog::journal::{self, Occasion};

use crate::chain::{Chain, ChainError, CountAt};
use crate::event::MintingEvent;
use crate::store;
use crate::transaction::{Transaction, TransactionState};

/// Final transactions that are looked at in one go.
const PAGE: u32 = 100;

/// What a lane is resumed with.
pub struct Resumption<'a> {
    /// The database.
    pub db: &'a Db,
    /// The chain.
    pub chain: &'a dyn Chain,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// The source of ids.
    pub chance: &'a dyn Chance,
}

/// Why a lane cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// It does not stand still.
    #[error("no lane of {0} is frozen")]
    NotFrozen(Account),
    /// Transactions that we never signed.
    #[error(
        "the chain counts {on_chain} transactions of {signer}, the books {in_books}: somebody else uses the key, or the books are old"
    )]
    Foreign {
        /// Whose.
        signer: Account,
        /// How many on chain.
        on_chain: u64,
        /// How many in the books.
        in_books: u64,
    },
    /// Its key signed a delegation.
    #[error(
        "{0} is delegated to code (EIP-7702), by which others may act for it: revoke that, or change the key"
    )]
    Delegated(Account),
    /// What was lost needs calls of another lane, which the chain lost too.
    #[error("resume the lane of {0} first, and wait until all of it is confirmed again")]
    Before(Account),
    /// The chain did not answer.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The database failed.
    #[error("the books could not be read or written")]
    Db(#[from] DbError),
}

impl Retryable for ResumeError {
    fn is_passing_conflict(&self) -> bool {
        matches!(self, Self::Db(error) if error.is_passing_conflict())
    }
}

impl Resumption<'_> {
    /// Lets the lane of `signer` go on; how many final transactions the chain had lost, which now are under way again.
    pub async fn resume(&self, signer: Account) -> Result<usize, ResumeError> {
        if self.chain.has_code(signer).await? {
            return Err(ResumeError::Delegated(signer));
        }
        let on_chain = self.chain.transaction_count(signer, CountAt::Latest).await?;
        let lost = self.lost(signer).await?;
        for transaction in &lost {
            self.check_before(transaction).await?;
        }
        retrying(|| self.write(signer, on_chain, &lost)).await?;
        Ok(lost.len())
    }

    /// The final transactions whose blocks the chain no longer has. A reorganization takes the newest blocks: below
    /// the first one that still stands, all stand.
    async fn lost(&self, signer: Account) -> Result<Vec<Transaction>, ResumeError> {
        let mut lost: Vec<Transaction> = Vec::new();
        let mut below = u64::MAX;
        loop {
            let mut tx = self.db.begin_read().await?;
            let page = store::final_below(&mut tx, signer, below, PAGE).await?;
            drop(tx);
            let Some(lowest) = page.last() else { return Ok(lost) };
            below = lowest.nonce;
            for transaction in page {
                if self.stands(&transaction).await? {
                    return Ok(lost);
                }
                lost.push(transaction);
            }
        }
    }

    /// A mint into an edition that is not open yet would be passed over for good.
    async fn check_before(&self, lost: &Transaction) -> Result<(), ResumeError> {
        let mut tx = self.db.begin_read().await?;
        let mut before = Vec::new();
        for id in store::transactions_before(&mut tx, &lost.transaction_id).await? {
            before.extend(store::find_transaction(&mut tx, &id).await?);
        }
        drop(tx);
        for earlier in before.into_iter().filter(|earlier| earlier.signer != lost.signer) {
            let is_confirmed = matches!(earlier.state, TransactionState::Confirmed(_));
            if !is_confirmed || !self.stands(&earlier).await? {
                return Err(ResumeError::Before(earlier.signer));
            }
        }
        Ok(())
    }

    async fn stands(&self, transaction: &Transaction) -> Result<bool, ResumeError> {
        let (TransactionState::Confirmed(inclusion) | TransactionState::RevertedConfirmed(inclusion)) =
            &transaction.state
        else {
            return Ok(true);
        };
        let block = inclusion.block;
        Ok(self.chain.block_hash(block.number).await? == Some(block.hash))
    }

    async fn write(&self, signer: Account, on_chain: u64, lost: &[Transaction]) -> Result<(), ResumeError> {
        let now = self.clock.now();
        let mut tx = self.db.begin_write().await?;
        let first_nonce = store::thaw_lane(&mut tx, signer).await?.ok_or(ResumeError::NotFrozen(signer))?;
        let in_books = store::next_nonce(&mut tx, signer, first_nonce).await?;
        if on_chain > in_books {
            return Err(ResumeError::Foreign { signer, on_chain, in_books });
        }
        for transaction in lost {
            store::put_back(&mut tx, &transaction.transaction_id, now).await?;
        }
        let occasion = Occasion::by_operator(now, "colophon lane resume", self.chance);
        let put_back = lost.len();
        journal::append(&mut tx, &occasion, &MintingEvent::LaneResumed { signer, put_back })?;
        crash_point!("lane.resumed");
        tx.commit().await?;
        crash_point!("lane.resumed.committed");
        Ok(())
    }
}
