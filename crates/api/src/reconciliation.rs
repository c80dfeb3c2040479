//! Shop, books and chain side by side: what does not fit together. One pure comparison, `(books, chain) → findings`.
//!
//! [`crate::reconciling`] gathers the facts. What is under way is no finding: events and transactions get `patience` to arrive.

mod csv;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use catalog::account::Account;
use catalog::clock::Timestamp;
use catalog::impression::ImpressionState;
use minting::chain::{StatusOnChain, TokenOnChain};
use minting::foreign::Standing;
use minting::ledger::{EditionTally, Ledger};
use minting::store::{BookedLane, BookedToken};
use minting::token::TokenId;
use serde::Serialize;
use utoipa::ToSchema;

pub use csv::{InvalidCsv, to_csv};

use crate::sale::Cause;

/// How long what is under way may take.
pub const PATIENCE: Duration = Duration::from_hours(1);

/// A sale in the books, as far as its token is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookedSale {
    /// Its id.
    pub sale_id: String,
    /// The shop's unit: `boutique/A-1/1#1`.
    pub unit: String,
    /// Why it is undone, if it is.
    pub undone: Option<Cause>,
    /// Whether its token, out of reach, says so.
    pub is_flagged: bool,
    /// When the books last heard of it.
    pub changed_at: Timestamp,
    /// The token of its claim, to whom, and when it was asked for.
    pub redemption: Option<(TokenId, Account, Timestamp)>,
    /// The end of the buyer's return window, once the sheet is delivered.
    pub window_ends_at: Option<Timestamp>,
}

/// An edition in the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookedEdition {
    /// Its number on chain.
    pub number: u64,
    /// Run and proofs together.
    pub declared_size: u64,
    /// How many sheets stand where.
    pub sheets: Vec<(ImpressionState, u64)>,
}

/// A sheet in the books that is free, or quarantined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SheetPlace {
    /// The number of its edition.
    pub edition: u64,
    /// Its serial.
    pub serial: u64,
}

/// What the books say.
#[derive(Debug, Clone, Default)]
pub struct Books {
    /// Every sale.
    pub sales: Vec<BookedSale>,
    /// Every token.
    pub tokens: BTreeMap<TokenId, BookedToken>,
    /// Every lane.
    pub lanes: Vec<BookedLane>,
    /// Every published edition.
    pub editions: Vec<BookedEdition>,
    /// Sheets that may be sold.
    pub free: BTreeSet<SheetPlace>,
    /// Sheets that may not be sold until somebody has looked, with their ids.
    pub quarantined: BTreeMap<SheetPlace, String>,
    /// What an operator made of foreign tokens, by id.
    pub verdicts: BTreeMap<TokenId, &'static str>,
}

/// What the chain says, at its finalized head.
#[derive(Debug, Clone, Default)]
pub struct OnChain {
    /// What the log adds up to.
    pub ledger: Ledger,
    /// The height up to which the books could know all: they were read after it.
    pub known_through: u64,
    /// How many transactions each signer has sent, in final blocks.
    pub counts: BTreeMap<Account, u64>,
    /// What the contract says of the tokens that [`questions`] named.
    pub asked: BTreeMap<TokenId, TokenOnChain>,
}

/// The kinds of finding; `as_str` is what a program may rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A claim was redeemed, and no token of it lives.
    SaleWithoutToken,
    /// A token of ours lives, and no sale has it.
    TokenWithoutSale,
    /// The books have a token as minted that the chain does not have.
    TokenNotOnChain,
    /// A sale is undone, and its token lives.
    RefundWithLiveToken,
    /// A token changed hands before it was settled.
    MovedWhileLocked,
    /// The chain has a token that the books do not know, or know for somebody else.
    ForeignMint,
    /// The chain has a tombstone that the books do not know.
    ForeignTombstone,
    /// The chain has an edition that the books do not know, or with another size.
    ForeignEdition,
    /// Nonces of a signer are missing, or were used without the books.
    NonceGap,
    /// A sheet waits for somebody to look.
    QuarantinedImpression,
    /// A sheet is for sale though its token lives.
    FreeSheetWithLiveToken,
    /// The sheets of an edition do not add up, in the books or on chain.
    CensusBroken,
    /// The buyer may return a sheet when its token can no longer be voided.
    WindowOutlivesLock,
}

/// One thing that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Finding {
    /// What kind, for programs: `sale_without_token`, …
    pub kind: &'static str,
    /// The token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_id: Option<String>,
    /// The sale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sale_id: Option<String>,
    /// The shop's unit: channel, order, line and number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The sheet, the edition or the signer, where that is what it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// In one sentence, for people.
    pub detail: String,
}

/// The ids of one edition, recomputed from the chain's events, beside the sheets in the books.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EditionCensus {
    /// The edition's number.
    pub edition: u64,
    /// Run and proofs, by the books; none for an edition that they do not know.
    pub declared_size: Option<u64>,
    /// Serials, by the chain; 0 while it is not open.
    pub serials_on_chain: u16,
    /// Tokens that live, by the chain.
    pub tokens: u64,
    /// Tombstones, by the chain.
    pub tombstones: u64,
    /// Sheets that never had a token, by the chain.
    pub untouched: u64,
}

impl Kind {
    /// The word in JSON and CSV.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SaleWithoutToken => "sale_without_token",
            Self::TokenWithoutSale => "token_without_sale",
            Self::TokenNotOnChain => "token_not_on_chain",
            Self::RefundWithLiveToken => "refund_with_live_token",
            Self::MovedWhileLocked => "moved_while_locked",
            Self::ForeignMint => "foreign_mint",
            Self::ForeignTombstone => "foreign_tombstone",
            Self::ForeignEdition => "foreign_edition",
            Self::NonceGap => "nonce_gap",
            Self::QuarantinedImpression => "quarantined_impression",
            Self::FreeSheetWithLiveToken => "free_sheet_with_live_token",
            Self::CensusBroken => "census_broken",
            Self::WindowOutlivesLock => "window_outlives_lock",
        }
    }

    fn finding(self, detail: impl Into<String>) -> Finding {
        let (token_id, sale_id, unit, subject) = (None, None, None, None);
        Finding { kind: self.as_str(), token_id, sale_id, unit, subject, detail: detail.into() }
    }
}

impl Finding {
    fn of_token(self, token_id: TokenId) -> Self {
        Self { token_id: Some(token_id.to_string()), ..self }
    }

    fn of_sale(self, sale: &BookedSale) -> Self {
        Self { sale_id: Some(sale.sale_id.clone()), unit: Some(sale.unit.clone()), ..self }
    }

    fn about(self, subject: impl ToString) -> Self {
        Self { subject: Some(subject.to_string()), ..self }
    }
}

/// The tokens whose own word is needed: those that moved, those of undone sales, and those whose lock may be too short.
#[must_use]
pub fn questions(books: &Books, ledger: &Ledger) -> BTreeSet<TokenId> {
    let lives = |token_id: &TokenId| ledger.living(*token_id).is_some();
    let moved = |(token_id, token): (&TokenId, &minting::ledger::LedgerToken)| {
        token.first_moved_at.map(|_| *token_id)
    };
    let of_sale = |sale: &BookedSale| {
        let (token_id, ..) = sale.redemption?;
        let settles_at = books.tokens.get(&token_id)?.settles_at;
        let short = sale.window_ends_at.is_some_and(|ends_at| ends_at > settles_at);
        (sale.undone.is_some() || short).then_some(token_id)
    };
    ledger
        .tokens
        .iter()
        .filter_map(moved)
        .chain(books.sales.iter().filter_map(of_sale))
        .filter(lives)
        .collect()
}

/// What does not fit at the moment `now`, in the order of its kinds.
#[must_use]
pub fn compare(books: &Books, chain: &OnChain, patience: Duration, now: Timestamp) -> Vec<Finding> {
    let mut findings = tokens::of_sales(books, chain, patience, now);
    findings.extend(tokens::of_the_chain(books, chain));
    findings.extend(tokens::of_the_books(books, chain));
    findings.extend(books.lanes.iter().flat_map(|lane| nonces(lane, chain)));
    let quarantined = |(place, id): (&SheetPlace, &String)| {
        let detail = format!("sheet {} of edition {} must not be sold", place.serial, place.edition);
        Kind::QuarantinedImpression.finding(detail).about(id)
    };
    findings.extend(books.quarantined.iter().map(quarantined));
    findings.extend(editions(books, &chain.ledger));
    findings.sort_by(|a, b| (a.kind, &a.token_id, &a.sale_id).cmp(&(b.kind, &b.token_id, &b.sale_id)));
    findings
}

fn nonces(lane: &BookedLane, chain: &OnChain) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say = |detail: String| findings.push(Kind::NonceGap.finding(detail).about(lane.signer));
    if lane.lowest != lane.first_nonce || lane.next - lane.lowest != lane.bound {
        let (bound, from, next) = (lane.bound, lane.first_nonce, lane.next);
        say(format!("{bound} nonces are bound between {from} and {next}"));
    }
    match chain.counts.get(&lane.signer) {
        Some(count) if *count > lane.next => {
            say(format!("the chain counts {count} transactions, the books {}", lane.next));
        }
        _ => {}
    }
    if let Some(reason) = &lane.frozen_reason {
        say(format!("the lane stands still: {reason}"));
    }
    findings
}

fn editions(books: &Books, ledger: &Ledger) -> Vec<Finding> {
    let mut findings = Vec::new();
    for census in censuses(books, ledger) {
        let mut say = |kind: Kind, detail: String| findings.push(kind.finding(detail).about(census.edition));
        match census.declared_size {
            None => say(Kind::ForeignEdition, "the books know no such edition".to_owned()),
            Some(size) if census.serials_on_chain != 0 && u64::from(census.serials_on_chain) != size => {
                let serials = census.serials_on_chain;
                say(Kind::ForeignEdition, format!("the chain has {serials} serials, the books {size}"));
            }
            Some(_) => {}
        }
    }
    for (edition, tally) in ledger.tally() {
        if tally.serials_doubled > 0 || tally.serials_used > u64::from(tally.serials) {
            let EditionTally { serials, serials_used, serials_doubled, .. } = tally;
            let detail = format!(
                "on chain {serials_used} of {serials} serials are used, {serials_doubled} by two live tokens"
            );
            findings.push(Kind::CensusBroken.finding(detail).about(edition));
        }
    }
    for edition in &books.editions {
        let sheets: u64 = edition.sheets.iter().map(|(_, count)| count).sum();
        if sheets != edition.declared_size {
            let detail = format!("{sheets} sheets are in the books, {} were declared", edition.declared_size);
            findings.push(Kind::CensusBroken.finding(detail).about(edition.number));
        }
    }
    findings
}

/// Every edition that books or chain know.
#[must_use]
pub fn censuses(books: &Books, ledger: &Ledger) -> Vec<EditionCensus> {
    let mut tally = ledger.tally();
    for edition in &books.editions {
        tally.entry(edition.number).or_default();
    }
    let declared = |number| books.editions.iter().find(|edition| edition.number == number);
    let census = |(edition, tally): (u64, EditionTally)| EditionCensus {
        edition,
        declared_size: declared(edition).map(|edition| edition.declared_size),
        serials_on_chain: tally.serials,
        tokens: tally.tokens,
        tombstones: tally.tombstones,
        untouched: u64::from(tally.serials).saturating_sub(tally.serials_used),
    };
    tally.into_iter().map(census).collect()
}

/// Whether a token that lives is out of the issuer's reach, as the contract says; unknown is taken as revocable.
fn is_settled(token_id: TokenId, chain: &OnChain) -> bool {
    chain.asked.get(&token_id).is_some_and(|token| token.status == StatusOnChain::Settled)
}

fn is_tombstone(token_id: TokenId, chain: &OnChain) -> bool {
    chain.ledger.tokens.get(&token_id).is_some_and(|token| token.standing == Standing::Tombstone)
}

#[cfg(test)]
mod tests;
