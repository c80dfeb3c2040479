//! Gathers what shop, books and chain say, and compares it ([`crate::reconciliation`]).

use std::time::Duration;

use catalog::clock::Timestamp;
use catalog::db::{Db, DbError};
use catalog::impression::ImpressionState;
use minting::chain::{Block, Chain, ChainError, CountAt};
use minting::ledger::Ledger;
use minting::scan::Scan;
use minting::store as minting_store;
use serde::Serialize;
use utoipa::ToSchema;

use crate::policy::Policies;
use crate::reconciliation::{
    BookedSale, Books, EditionCensus, Finding, OnChain, censuses, compare, questions,
};
use crate::store::{self, SaleAndClaim};

/// Foreign tokens that are read at once.
const PAGE: u32 = 1_000;

/// What a report is made of.
pub struct Reconciling<'a> {
    /// The database.
    pub db: &'a Db,
    /// The chain.
    pub chain: &'a dyn Chain,
    /// The return windows, by the day of the sale.
    pub policies: &'a Policies,
    /// How long what is under way may take.
    pub patience: Duration,
    /// The moment.
    pub now: Timestamp,
}

/// What a comparison came to.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Report {
    /// When it was made.
    pub made_at: String,
    /// Height of the final block that the chain was read to.
    pub block_number: u64,
    /// Hash of that block.
    pub block_hash: String,
    /// Sales that were compared.
    pub sales: usize,
    /// Tokens and tombstones on chain that were compared.
    pub tokens: usize,
    /// Each edition, recomputed from the chain's events.
    pub editions: Vec<EditionCensus>,
    /// What does not fit; nothing is as it should be.
    pub findings: Vec<Finding>,
}

/// Why nothing could be compared.
#[derive(Debug, thiserror::Error)]
pub enum ReconcilingError {
    /// The chain did not answer.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The database failed.
    #[error("the books could not be read")]
    Db(#[from] DbError),
}

impl Reconciling<'_> {
    /// Reads the chain, the books, and the chain again up to now: what the first reading shows, the books must know;
    /// what the books have as final, the second one must show.
    pub async fn report(&self) -> Result<Report, ReconcilingError> {
        let before = self.chain.finalized().await?;
        let mut ledger = Ledger::default();
        let first = self.chain.first_block().await?;
        self.read(&mut ledger, first, before).await?;
        let books = self.books().await?;
        let finalized = self.chain.finalized().await?;
        self.read(&mut ledger, before.number + 1, finalized).await?;
        let mut chain = OnChain { ledger, known_through: before.number, ..OnChain::default() };
        for lane in &books.lanes {
            let at = CountAt::Height(finalized.number);
            chain.counts.insert(lane.signer, self.chain.transaction_count(lane.signer, at).await?);
        }
        for token_id in questions(&books, &chain.ledger) {
            chain.asked.insert(token_id, self.chain.token(token_id).await?);
        }
        Ok(Report {
            made_at: self.now.to_string(),
            block_number: finalized.number,
            block_hash: finalized.hash.to_string(),
            sales: books.sales.len(),
            tokens: chain.ledger.tokens.len(),
            editions: censuses(&books, &chain.ledger),
            findings: compare(&books, &chain, self.patience, self.now),
        })
    }

    async fn read(&self, ledger: &mut Ledger, from: u64, through: Block) -> Result<(), ChainError> {
        let mut scan = Scan::of(self.chain, from, through.number);
        while let Some(part) = scan.next().await? {
            ledger.take(&part.entries);
        }
        Ok(())
    }

    async fn books(&self) -> Result<Books, DbError> {
        let mut tx = self.db.begin_read().await?;
        let tokens = minting_store::booked_tokens(&mut tx).await?;
        let mut sales = Vec::new();
        store::each_sale(&mut tx, |read| sales.push(self.booked(read))).await?;
        let mut books = Books {
            sales,
            tokens,
            lanes: minting_store::booked_lanes(&mut tx).await?,
            editions: store::booked_editions(&mut tx).await?,
            free: store::free_sheets(&mut tx).await?,
            quarantined: store::sheets_in(&mut tx, ImpressionState::Quarantined).await?,
            ..Books::default()
        };
        let mut after = None;
        loop {
            let page = minting_store::list_foreign(&mut tx, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(books) };
            after = Some(last.token.token_id);
            let verdict =
                |record: &minting::foreign::ForeignRecord| (record.token.token_id, record.verdict.as_str());
            books.verdicts.extend(page.iter().map(verdict));
        }
    }

    fn booked(&self, read: SaleAndClaim) -> BookedSale {
        let SaleAndClaim { sale, changed_at, redemption } = read;
        let window = self.policies.of(sale.sold_at).returns.window;
        let ends_at = |delivered_at: Timestamp| {
            redemption.map(|(_, _, redeemed_at)| delivered_at.max(redeemed_at).plus(window))
        };
        let unit = &sale.unit;
        BookedSale {
            sale_id: sale.sale_id.to_string(),
            unit: format!(
                "{}/{}/{}#{}",
                unit.channel.as_str(),
                unit.order.as_str(),
                unit.line.as_str(),
                unit.unit_no
            ),
            undone: sale.undone(),
            is_flagged: sale.token_flag.is_some(),
            changed_at,
            redemption,
            window_ends_at: sale.goods.delivered_at().and_then(ends_at),
        }
    }
}
