//! Brings books and chain together again after they were torn apart: by a restored backup, by an empty database beside used
//! keys, or by somebody else's hand.
//!
//! [`Recovery::scan`] compares the contract's log with the books, from where it was last compared to the finalized head. What the
//! books do not know is written down, and its sheet taken from sale. An operator decides each: linked or rejected. Only
//! then [`Recovery::adopt`] lets a frozen lane go on, with its next nonce from the chain's finalized count.

use std::collections::BTreeSet;

use catalog::account::Account;
use catalog::chance::Chance;
use catalog::clock::Clock;
use catalog::db::{Db, DbError, Retryable, retrying};
use catalog::ids::{EditionId, ImpressionId};
use catalog::impression::ImpressionState;
use catalog::journal::{self, Occasion};
use catalog::provenance::CatalogEvent;
use catalog::store as catalog_store;
use catalog::text::Line;

use crate::chain::{Block, Chain, ChainError, CountAt, Role};
use crate::contract::{LogEntry, LogEvent};
use crate::event::MintingEvent;
use crate::foreign::{self, ForeignToken};
use crate::scan::Scan;
use crate::store;
use crate::token::TokenId;

/// What books and chain are brought together with.
pub struct Recovery<'a> {
    /// The database.
    pub db: &'a Db,
    /// The chain.
    pub chain: &'a dyn Chain,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// The source of ids.
    pub chance: &'a dyn Chance,
}

/// What a comparison found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScanReport {
    /// Blocks that were read.
    pub blocks: u64,
    /// Tokens and tombstones that are news to the books.
    pub foreign: usize,
    /// Tokens and tombstones that wait for a decision, these included.
    pub open: i64,
}

/// What an adoption did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adopted {
    /// The first nonce that was used without the books.
    pub from_nonce: u64,
    /// The nonce that the lane goes on with.
    pub next_nonce: u64,
}

/// Why books and chain could not be brought together.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// It does not stand still.
    #[error("no lane of {0} is frozen")]
    NotFrozen(Account),
    /// Somebody sends, or what was sent is not final.
    #[error(
        "{signer} has {latest} transactions on chain, {pending} with those that wait, and {finalized} that are final: wait until the three agree"
    )]
    Unsettled {
        /// Whose.
        signer: Account,
        /// At the head.
        latest: u64,
        /// With the node's pool.
        pending: u64,
        /// At the finalized head.
        finalized: u64,
    },
    /// The chain counts fewer transactions than the books: there is nothing to adopt.
    #[error("the books hold {in_books} transactions of {signer} and the chain {on_chain}: `lane resume` it")]
    Behind {
        /// Whose.
        signer: Account,
        /// How many on chain.
        on_chain: u64,
        /// How many in the books.
        in_books: u64,
    },
    /// Somebody has to decide first.
    #[error(
        "{0} tokens or tombstones on chain are not known to the books: link or reject each first, see `colophon reconcile`"
    )]
    Undecided(i64),
    /// Its key signed a delegation.
    #[error(
        "{0} is delegated to code (EIP-7702), by which others may act for it: revoke that, or change the key"
    )]
    Delegated(Account),
    /// The chain did not answer.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The database failed.
    #[error("the books could not be read or written")]
    Db(#[from] DbError),
}

impl Retryable for RecoveryError {
    fn is_passing_conflict(&self) -> bool {
        matches!(self, Self::Db(error) if error.is_passing_conflict())
    }
}

impl Recovery<'_> {
    /// Compares the contract's log with the books, from where it was last compared to the finalized head, and takes the
    /// sheets of what is foreign from sale. Idempotent; whoever else scans at the same time writes the same.
    pub async fn scan(&self) -> Result<ScanReport, RecoveryError> {
        let finalized = self.chain.finalized().await?;
        let first = self.first_unread().await?;
        let mut report = ScanReport::default();
        let mut scan = Scan::of(self.chain, first, finalized.number);
        while let Some(part) = scan.next().await? {
            report.foreign += self.compare(&part.entries).await?;
            let through = if part.through == finalized.number {
                finalized
            } else {
                let hash = self.chain.block_hash(part.through).await?;
                let about = "a block below the finalized head";
                Block { number: part.through, hash: hash.ok_or(ChainError::NoAgreement { about })? }
            };
            retrying(|| self.keep(through)).await?;
        }
        report.blocks = (finalized.number + 1).saturating_sub(first);
        report.open = self.quarantine().await?;
        Ok(report)
    }

    /// The block after the last one that was compared; from the contract's first block when there is none, or when the chain
    /// no longer has it.
    async fn first_unread(&self) -> Result<u64, RecoveryError> {
        let mut tx = self.db.begin_read().await?;
        let last = store::find_scan(&mut tx).await?;
        drop(tx);
        match last {
            Some(Block { number, hash }) if self.chain.block_hash(number).await? == Some(hash) => {
                Ok(number + 1)
            }
            _ => Ok(self.chain.first_block().await?),
        }
    }

    async fn keep(&self, through: Block) -> Result<(), RecoveryError> {
        let mut tx = self.db.begin_write().await?;
        store::set_scan(&mut tx, through, self.clock.now()).await?;
        Ok(tx.commit().await?)
    }

    /// Writes down what of these entries the books do not know.
    async fn compare(&self, entries: &[LogEntry]) -> Result<usize, RecoveryError> {
        let ids: BTreeSet<TokenId> = entries.iter().filter_map(|entry| entry.event.token_id()).collect();
        let ids: Vec<TokenId> = ids.into_iter().collect();
        let mut tx = self.db.begin_read().await?;
        let known = store::known_tokens(&mut tx, &ids).await?;
        drop(tx);
        for entry in entries {
            if let LogEvent::EditionOpened { edition, terms } = &entry.event {
                retrying(|| async {
                    let mut tx = self.db.begin_write().await?;
                    if store::record_foreign_edition(&mut tx, *edition, terms, self.clock.now()).await? {
                        tracing::error!(edition, "an edition on chain is not known to the books");
                        tx.commit().await?;
                    }
                    Ok::<(), RecoveryError>(())
                })
                .await?;
            }
        }
        let mut news = 0;
        for token in foreign::unknown(entries, &known) {
            news += usize::from(retrying(|| self.write_down(&token)).await?);
        }
        Ok(news)
    }

    async fn write_down(&self, token: &ForeignToken) -> Result<bool, RecoveryError> {
        let occasion = self.occasion();
        let mut tx = self.db.begin_write().await?;
        if !store::record_foreign(&mut tx, token, occasion.at).await? {
            return Ok(false);
        }
        let event = MintingEvent::foreign_token_found(token);
        journal::append(&mut tx, &occasion, &event)?;
        tx.commit().await?;
        let (token_id, standing) = (token.token_id, token.standing.as_str());
        tracing::error!(%token_id, standing, "the chain has what the books do not know");
        Ok(true)
    }

    /// Takes the sheets of what is foreign from sale; how much waits for a decision.
    async fn quarantine(&self) -> Result<i64, RecoveryError> {
        let mut tx = self.db.begin_read().await?;
        let free = store::free_sheets_of_foreign(&mut tx).await?;
        let open = store::count_open_foreign(&mut tx).await?;
        drop(tx);
        for (token_id, edition_id, impression_id) in free {
            retrying(|| self.quarantine_sheet(&edition_id, &impression_id)).await?;
            tracing::error!(%token_id, %impression_id, "sheet quarantined");
        }
        Ok(open)
    }

    async fn quarantine_sheet(
        &self,
        edition_id: &EditionId,
        impression_id: &ImpressionId,
    ) -> Result<(), RecoveryError> {
        let occasion = self.occasion();
        let mut tx = self.db.begin_write().await?;
        catalog_store::lock_edition(&mut tx, edition_id).await?;
        let sheet = catalog_store::find_impression(&mut tx, impression_id).await?;
        let Some(sheet) = sheet.filter(|sheet| sheet.state == ImpressionState::Available) else {
            return Ok(());
        };
        let odd = |refused| DbError::inconsistent("impressions", impression_id, refused);
        let moved = sheet.move_to(ImpressionState::Quarantined).map_err(odd)?;
        catalog_store::move_impression(&mut tx, ImpressionState::Available, &moved, occasion.at).await?;
        let event = CatalogEvent::ImpressionMoved {
            impression_id: impression_id.clone(),
            from: ImpressionState::Available.as_str(),
            to: moved.state.as_str(),
        };
        journal::append(&mut tx, &occasion, &event)?;
        Ok(tx.commit().await?)
    }

    /// Lets the frozen lane of `signer` go on with the chain's finalized count as its next nonce. The nonces that were used
    /// without the books are written down as displaced: they belong to nobody of ours, for ever.
    pub async fn adopt(&self, signer: Account, reason: &Line) -> Result<Adopted, RecoveryError> {
        if self.chain.has_code(signer).await? {
            return Err(RecoveryError::Delegated(signer));
        }
        let (chain, finalized) = (self.chain, self.chain.finalized().await?);
        let latest = chain.transaction_count(signer, CountAt::Latest).await?;
        let pending = chain.transaction_count(signer, CountAt::Pending).await?;
        let final_count = chain.transaction_count(signer, CountAt::Height(finalized.number)).await?;
        if latest != final_count || pending != final_count {
            return Err(RecoveryError::Unsettled { signer, latest, pending, finalized: final_count });
        }
        // Up to that block at least: what those transactions did is known, and decided.
        let open = self.scan().await?.open;
        if open > 0 {
            return Err(RecoveryError::Undecided(open));
        }
        retrying(|| self.write_adoption(signer, final_count, reason)).await
    }

    async fn write_adoption(
        &self,
        signer: Account,
        on_chain: u64,
        reason: &Line,
    ) -> Result<Adopted, RecoveryError> {
        let occasion = Occasion::by_operator(self.clock.now(), "colophon lane adopt", self.chance)
            .because(reason.as_str().to_owned());
        let mut tx = self.db.begin_write().await?;
        let first_nonce = store::thaw_lane(&mut tx, signer).await?.ok_or(RecoveryError::NotFrozen(signer))?;
        let open = store::count_open_foreign(&mut tx).await?;
        if open > 0 {
            return Err(RecoveryError::Undecided(open));
        }
        let in_books = store::next_nonce(&mut tx, signer, first_nonce).await?;
        if in_books > on_chain {
            return Err(RecoveryError::Behind { signer, on_chain, in_books });
        }
        for nonce in in_books..on_chain {
            store::insert_adopted(&mut tx, signer, nonce, &occasion).await?;
        }
        let adopted = Adopted { from_nonce: in_books, next_nonce: on_chain };
        let event = MintingEvent::LaneAdopted {
            signer,
            from_nonce: adopted.from_nonce,
            next_nonce: adopted.next_nonce,
            reason: reason.as_str().to_owned(),
        };
        journal::append(&mut tx, &occasion, &event)?;
        tx.commit().await?;
        Ok(adopted)
    }

    fn occasion(&self) -> Occasion<'_> {
        Occasion::by_service(self.clock.now(), "comparing the contract's log with the books", self.chance)
    }
}

/// Why a new lane stands still from the beginning, when its signer is not new.
pub(crate) fn used_before(role: Role, count: u64) -> String {
    format!(
        "the {} key has sent {count} transactions that these books know nothing of: restore them, or adopt the lane",
        role.as_str()
    )
}
