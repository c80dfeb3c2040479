//! An operator's decision on a token or tombstone that the chain has and the books did not know: it is linked to the sale
//! that it belongs to, or stays foreign. One database transaction each, under the locks of edition, sale and claim.

use catalog::account::Account;
use catalog::chance::Chance;
use catalog::clock::{Clock, Timestamp};
use catalog::db::{Db, DbError, Retryable, Tx, retrying};
use catalog::edition::Edition;
use catalog::impression::{Impression, ImpressionState};
use catalog::journal::{self, Occasion};
use catalog::store as catalog_store;
use catalog::text::Line;
use minting::call::VoidReason;
use minting::chain::{Chain, ChainError, Role, StatusOnChain, TokenOnChain};
use minting::foreign::{ForeignRecord, Standing, Verdict};
use minting::metadata::Home;
use minting::store::{self as minting_store, NextToken};
use minting::token::TokenId;

use crate::claim::{ClaimEvent, ClaimState, Keeper, Redemption};
use crate::error::ApiError;
use crate::redeeming;
use crate::sale::Sale;
use crate::selling::move_sheet;
use crate::store;

/// What a decision is made with.
pub struct Linking<'a> {
    /// The database.
    pub db: &'a Db,
    /// The chain.
    pub chain: &'a dyn Chain,
    /// Where tokens live.
    pub home: &'a Home,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// The source of ids.
    pub chance: &'a dyn Chance,
}

/// Why a decision cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Nothing of that id was found foreign.
    #[error("{0} is not among the foreign tokens")]
    NotForeign(TokenId),
    /// It was linked before.
    #[error("{0} is linked already")]
    Linked(TokenId),
    /// The chain says something else by now.
    #[error("the chain shows {0} as {status}: compare again first", status = .1.as_str())]
    Changed(TokenId, StatusOnChain),
    /// The books have no such sheet.
    #[error("the books have no sheet for {0}: publish its edition again first")]
    NoSheet(TokenId),
    /// The books have that id for somebody else.
    #[error("the books have {token_id} for {in_books}, the chain for {on_chain}: only reject it")]
    OtherRecipient {
        /// Which.
        token_id: TokenId,
        /// In the books.
        in_books: Account,
        /// On chain.
        on_chain: String,
    },
    /// An issue before it is missing in the books.
    #[error("the books want {0} next for that sheet: link that first")]
    NotNext(TokenId),
    /// The sheet has no sale.
    #[error(
        "the sheet of {0} has no sale: tell the shop's events since the backup first, with that sheet named"
    )]
    NoSale(TokenId),
    /// The claim cannot have led to the token.
    #[error("the claim of that sale is {0} and not open: tell the shop's events since the backup first")]
    ClaimNotOpen(&'static str),
    /// The token was voided for a reason that the books do not know.
    #[error(
        "the sale {0} stands, though its token was voided: tell the shop's events since the backup first"
    )]
    SaleStands(crate::sale::SaleId),
    /// A token that cannot be voided any more.
    #[error("the chain shows {0} as {status}: it cannot be voided", status = .1.as_str())]
    OutOfReach(TokenId, StatusOnChain),
    /// The chain did not answer.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The database failed.
    #[error("the books could not be read or written")]
    Db(#[from] DbError),
    /// The token could not be written.
    #[error("the token could not be written")]
    Api(#[from] ApiError),
}

impl Retryable for LinkError {
    fn is_passing_conflict(&self) -> bool {
        match self {
            Self::Db(error) => error.is_passing_conflict(),
            Self::Api(error) => error.is_passing_conflict(),
            _ => false,
        }
    }
}

impl Linking<'_> {
    /// Takes what the chain has under `token_id` into the books, where sheet, recipient and claim agree.
    ///
    /// A token becomes the token of the open claim of its sheet's sale, redeemed for the wallet that holds it on chain. A tombstone takes its issue,
    /// so that the sheet's next token gets the next one; `in_house` says that the sheet of a tombstone without a sale is here
    /// and may be sold.
    pub async fn link(&self, token_id: TokenId, reason: &Line, in_house: bool) -> Result<(), LinkError> {
        let on_chain = self.chain.token(token_id).await?;
        retrying(|| self.try_link(token_id, &on_chain, reason, in_house)).await
    }

    /// Leaves it foreign for good. Its sheet stays out of sale; with `void`, the registrar is asked to void a token that is
    /// still revocable, so that the sheet does not keep it.
    pub async fn reject(&self, token_id: TokenId, reason: &Line, void: bool) -> Result<(), LinkError> {
        let on_chain = self.chain.token(token_id).await?;
        if void && on_chain.status != StatusOnChain::Bound {
            return Err(LinkError::OutOfReach(token_id, on_chain.status));
        }
        retrying(|| self.try_reject(token_id, reason, void)).await
    }

    async fn try_reject(&self, token_id: TokenId, reason: &Line, void: bool) -> Result<(), LinkError> {
        let occasion = self.occasion("colophon reconcile reject", reason);
        let mut tx = self.db.begin_write().await?;
        undecided(&mut tx, token_id).await?;
        minting_store::reject_foreign(&mut tx, &occasion, token_id, reason.as_str()).await?;
        if void {
            sheet_of(&mut tx, token_id).await?;
            minting_store::void_token(&mut tx, &occasion, token_id, VoidReason::Corrected).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn try_link(
        &self,
        token_id: TokenId,
        on_chain: &TokenOnChain,
        reason: &Line,
        in_house: bool,
    ) -> Result<(), LinkError> {
        let occasion = self.occasion("colophon reconcile link", reason);
        let mut tx = self.db.begin_write().await?;
        let (edition, sheet) = sheet_of(&mut tx, token_id).await?;
        let foreign = undecided(&mut tx, token_id).await?;
        let lives = matches!(on_chain.status, StatusOnChain::Bound | StatusOnChain::Settled);
        if lives != (foreign.token.standing == Standing::Token) {
            return Err(LinkError::Changed(token_id, on_chain.status));
        }
        let sale = store::lock_holder(&mut tx, &sheet.impression_id).await?;
        let known = minting_store::find_token(&mut tx, token_id).await?;
        match (known, foreign.token.standing) {
            (Some(known), standing) => {
                let agrees = foreign.token.recipient.is_none_or(|recipient| recipient == known.recipient);
                if !agrees || standing == Standing::Token {
                    let on_chain = foreign.token.recipient.map_or("nobody".to_owned(), |to| to.to_string());
                    return Err(LinkError::OtherRecipient { token_id, in_books: known.recipient, on_chain });
                }
                let of_token = store::find_sale_of_token(&mut tx, token_id).await?;
                undone(of_token.as_ref())?;
                minting_store::record_void(&mut tx, &occasion, token_id, reason.as_str()).await?;
                self.follow(&mut tx, of_token.as_ref()).await?;
            }
            (None, Standing::Token) => {
                let sale = sale.ok_or(LinkError::NoSale(token_id))?;
                self.link_token(&mut tx, &occasion, &sale, &foreign, on_chain, reason).await?;
                self.follow(&mut tx, Some(&sale)).await?;
            }
            (None, Standing::Tombstone) => {
                undone(sale.as_ref())?;
                let recipient = foreign.token.recipient.unwrap_or(Account::from_bytes([0; 20]));
                is_next(token_id, redeeming::next_token(&mut tx, &edition, &sheet).await?)?;
                let token =
                    redeeming::new_token(token_id, &edition, &sheet, recipient, occasion.at, self.home)?;
                minting_store::adopt_token(&mut tx, &occasion, token, &foreign.token, reason.as_str())
                    .await?;
                if in_house && sale.is_none() && sheet.state == ImpressionState::Quarantined {
                    let id = sheet.impression_id.clone();
                    let free = sheet.move_to(ImpressionState::Available);
                    let free = free.map_err(|refused| DbError::inconsistent("impressions", id, refused))?;
                    move_sheet(&mut tx, &occasion, ImpressionState::Quarantined, &free).await?;
                }
                self.follow(&mut tx, sale.as_ref()).await?;
            }
        }
        Ok(tx.commit().await?)
    }

    /// The claim of the sale is redeemed by the token that it led to.
    async fn link_token(
        &self,
        tx: &mut Tx,
        occasion: &Occasion<'_>,
        sale: &Sale,
        foreign: &ForeignRecord,
        on_chain: &TokenOnChain,
        reason: &Line,
    ) -> Result<(), LinkError> {
        let token_id = foreign.token.token_id;
        let claim = store::lock_claim_of_sale(tx, &sale.sale_id).await?;
        if !matches!(claim.state, ClaimState::Open { .. }) {
            return Err(LinkError::ClaimNotOpen(claim.state.as_str()));
        }
        let recipient = foreign.token.recipient.ok_or(LinkError::NotForeign(token_id))?;
        let settles_at = i64::try_from(on_chain.settles_at).unwrap_or(i64::MAX);
        let settles_at = Timestamp::from_micros(settles_at.saturating_mul(1_000_000)).unwrap_or(occasion.at);
        let (edition, sheet) = redeeming::sheet_of(tx, sale).await?;
        is_next(token_id, redeeming::next_token(tx, &edition, &sheet).await?)?;
        let token = redeeming::new_token(token_id, &edition, &sheet, recipient, settles_at, self.home)?;
        minting_store::adopt_token(tx, occasion, token, &foreign.token, reason.as_str()).await?;
        let vaults = minting_store::list_lanes(tx).await?;
        let keeper = if vaults.iter().any(|lane| lane.role == Role::Vault && lane.signer == recipient) {
            Keeper::Vault(None)
        } else {
            // No challenge that we know: the transaction that minted it stands in its place.
            Keeper::Wallet { proof_nonce: format!("linked:{}", foreign.token.transaction_hash) }
        };
        let redemption = Redemption { recipient, token_id, redeemed_at: occasion.at, keeper };
        let event = ClaimEvent::redeemed(&claim.claim_id, &redemption, settles_at);
        let claim = claim.redeem(redemption).map_err(|refused| LinkError::ClaimNotOpen(refused.from))?;
        store::update_claim(tx, &claim, occasion.at).await?;
        Ok(journal::append(tx, occasion, &event)?)
    }

    /// What is due of the sale now is done by the service, which follows sales that wait.
    async fn follow(&self, tx: &mut Tx, sale: Option<&Sale>) -> Result<(), DbError> {
        match sale {
            Some(sale) => store::set_waiting(tx, &sale.sale_id).await,
            None => Ok(()),
        }
    }

    fn occasion(&self, command: &'static str, reason: &Line) -> Occasion<'_> {
        Occasion::by_operator(self.clock.now(), command, self.chance).because(reason.as_str().to_owned())
    }
}

/// A tombstone whose sale stands in the books would make the buyer a second token.
fn undone(sale: Option<&Sale>) -> Result<(), LinkError> {
    match sale {
        Some(sale) if sale.undone().is_none() && !sale.goods.are_in_return() => {
            Err(LinkError::SaleStands(sale.sale_id.clone()))
        }
        _ => Ok(()),
    }
}

fn is_next(token_id: TokenId, next: NextToken) -> Result<(), LinkError> {
    if token_id == next.token_id { Ok(()) } else { Err(LinkError::NotNext(next.token_id)) }
}

async fn undecided(tx: &mut Tx, token_id: TokenId) -> Result<ForeignRecord, LinkError> {
    match minting_store::find_foreign(tx, token_id).await? {
        None => Err(LinkError::NotForeign(token_id)),
        Some(record) if record.verdict == Verdict::Linked => Err(LinkError::Linked(token_id)),
        Some(record) => Ok(record),
    }
}

/// The sheet that a token id names, and its edition, which is locked.
async fn sheet_of(tx: &mut Tx, token_id: TokenId) -> Result<(Edition, Impression), LinkError> {
    let missing = || LinkError::NoSheet(token_id);
    let found = catalog_store::find_sheet(tx, token_id.edition(), token_id.serial()).await?;
    let found = found.ok_or_else(missing)?;
    let edition = catalog_store::lock_edition(tx, &found.edition_id).await?.ok_or_else(missing)?;
    let sheet: Option<Impression> = catalog_store::find_impression(tx, &found.impression_id).await?;
    Ok((edition, sheet.ok_or_else(missing)?))
}
