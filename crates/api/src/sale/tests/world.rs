//! A whole house in memory: an edition of a few sheets, their sales, the books as [`due`] asks for them, and the chain. Events
//! come twice, late and shuffled; the laws are checked after each step.

mod books;
mod checks;

use std::collections::{BTreeMap, BTreeSet};

use minting::call::CallState;
use minting::token::Token;

use super::chain::{Ask, Chain, Id};
use super::*;
use crate::config::OpenOn;

const HOUR: i64 = 3_600_000_000;

/// A fault put into the house on purpose, so that a test can see the law that it breaks fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// Refunded tokens are not voided.
    ForgetVoid,
    /// Claims of undone sales stay.
    ForgetClaim,
    /// A sheet is free as soon as its sale is undone, wherever it is.
    FreeAtRefund,
    /// A sheet is free before its void is confirmed.
    FreeBeforeVoid,
    /// And the contract does not care.
    FreeBeforeVoidUnguarded,
    /// A void is asked for again and again.
    VoidTwice,
    /// The sheet of an undone sale is nobody's.
    LoseSheet,
    /// A token out of reach bears no flag.
    ForgetFlag,
    /// A claim whose token the vault handed out goes on as if it had not.
    ForgetRelease,
    /// Claims of undone sales are void though the vault keeps a token that the issuer cannot void.
    SeizeSafekept,
}

/// A token in the books.
struct Booked {
    token: Token,
    void: Option<CallState>,
    settling: bool,
    release: Option<CallState>,
    /// Whether the buyer has given an order about it to the vault.
    ordered: bool,
}

/// A sale with all that stands around it.
struct Story {
    sale: Sale,
    sheet: usize,
    claim: ClaimStanding,
    token: Option<Id>,
    redeemed_at: i64,
    waits: bool,
    told: Vec<ShopEvent>,
    /// Events that came too early, to be told again.
    early: Vec<ShopEvent>,
}

/// The house.
pub(super) struct World {
    hour: i64,
    sheets: Vec<ImpressionState>,
    unreturned: Vec<bool>,
    /// Where each sheet really is, as far as the shop's own words tell.
    in_house: Vec<bool>,
    stories: Vec<Story>,
    tokens: BTreeMap<Id, Booked>,
    chain: Chain,
    asked: BTreeSet<Ask>,
    fault: Fault,
    settle_early: bool,
    open_on: OpenOn,
    /// How often each interesting thing happened, to know that the histories are not idle.
    pub(super) seen: BTreeMap<&'static str, usize>,
}

fn hours(hour: i64) -> Timestamp {
    at(NOON + hour * HOUR)
}

impl World {
    pub(super) fn new(sheets: usize, settle_early: bool, open_on: OpenOn, fault: Fault) -> Self {
        let chain = Chain::with_guard(fault != Fault::FreeBeforeVoidUnguarded);
        Self {
            hour: 1_000,
            sheets: vec![ImpressionState::Available; sheets],
            unreturned: vec![false; sheets],
            in_house: vec![true; sheets],
            stories: Vec::new(),
            tokens: BTreeMap::new(),
            chain,
            asked: BTreeSet::new(),
            fault,
            settle_early,
            open_on,
            seen: BTreeMap::new(),
        }
    }

    fn note(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    /// One step: what it is and where are drawn by chance. Breaks of a law are told.
    pub(super) fn step(&mut self, what: u8, place: u8, when: u8) -> Result<(), String> {
        let (place, when) = (usize::from(place), i64::from(when));
        match what % 26 {
            0..=2 => self.sell()?,
            3..=9 => self.tell_next(place, when)?,
            10..=12 => self.tell_any(place, when)?,
            13 => self.tell_again(place)?,
            14 | 15 => self.redeem(place),
            16 => self.chain.sign(place),
            17 => self.chain.finalize(place, self.hour),
            18 | 19 => self.hear(place),
            20 => self.hour += when,
            21 => self.hour += when * 8,
            22 => self.follow(place)?,
            24 | 25 => self.order(place, when)?,
            _ if when % 4 == 0 => self.chain.surrender(place, self.hour),
            _ => self.tell_early(place)?,
        }
        self.check()
    }

    fn sell(&mut self) -> Result<(), String> {
        let Some(sheet) = self.sheets.iter().position(|state| *state == ImpressionState::Available) else {
            return Ok(());
        };
        if !self.in_house[sheet] {
            return Err(format!("sheet {sheet} was sold and is not in the house"));
        }
        self.sheets[sheet] = ImpressionState::Reserved;
        let claim = match self.open_on {
            OpenOn::Sale => ClaimStanding::Redeemable,
            OpenOn::Shipment | OpenOn::Delivery => ClaimStanding::Prepared,
        };
        let sale = sale(Goods::Reserved);
        let again = self.stories.iter().any(|story| story.sheet == sheet);
        self.note(if again { "sold again" } else { "sold" });
        self.stories.push(Story {
            sale,
            sheet,
            claim,
            token: None,
            redeemed_at: 0,
            waits: false,
            told: Vec::new(),
            early: Vec::new(),
        });
        Ok(())
    }

    fn story(&self, place: usize) -> Option<usize> {
        // The newest sales are the liveliest.
        let newest = self.stories.len().checked_sub(1)?;
        Some(newest - place % self.stories.len().min(4))
    }

    /// What would come next in an orderly life, or what spoils it.
    fn tell_next(&mut self, place: usize, when: i64) -> Result<(), String> {
        let Some(number) = self.story(place) else { return Ok(()) };
        let moment = hours(self.hour - when % 72);
        let requested = ShopEvent::ReturnRequested { requested_at: moment };
        let refunded = |stage| ShopEvent::Refunded { stage, refunded_at: moment };
        let event = match (&self.stories[number].sale.goods, when % 5) {
            (Goods::Reserved, 0) => ShopEvent::Canceled { canceled_at: moment },
            (Goods::Reserved, _) => ShopEvent::Shipped { shipment: shipment("EMS"), packed: None },
            (Goods::Shipped(_), 0) => ShopEvent::Lost { lost_at: moment },
            (Goods::Shipped(_), _) => ShopEvent::Delivered { delivered_at: moment },
            (Goods::Delivered { .. }, 0) => refunded(RefundStage::Pending),
            (Goods::Delivered { .. }, _) => requested,
            (Goods::ReturnRequested(_), 0) => ShopEvent::ReturnGivenUp { given_up_at: moment },
            (Goods::ReturnRequested(_) | Goods::Lost(_), _) => ShopEvent::Received { received_at: moment },
            (Goods::Received(_), 0) => {
                ShopEvent::Inspected { condition: Condition::Swapped, inspected_at: moment }
            }
            (Goods::Received(_), _) => {
                ShopEvent::Inspected { condition: Condition::SameSheet, inspected_at: moment }
            }
            (Goods::Inspected(..) | Goods::Canceled, _) => refunded(RefundStage::Done),
        };
        self.tell(number, event)
    }

    /// Anything at all, whether it fits or not.
    fn tell_any(&mut self, place: usize, when: i64) -> Result<(), String> {
        let Some(number) = self.story(place) else { return Ok(()) };
        let events = super::lifecycle::all_events(hours(self.hour - when % 100));
        let event = events[place / 4 % events.len()].clone();
        self.tell(number, event)
    }

    /// Something that was told before, also of a sale that is long over.
    fn tell_again(&mut self, place: usize) -> Result<(), String> {
        let number = place % self.stories.len().max(1);
        let Some(story) = self.stories.get(number) else { return Ok(()) };
        let Some(event) = story.told.get(place / 7 % story.told.len().max(1)).cloned() else { return Ok(()) };
        self.note("told again");
        self.tell(number, event)
    }

    fn tell_early(&mut self, place: usize) -> Result<(), String> {
        let number = place % self.stories.len().max(1);
        let Some(event) = self.stories.get_mut(number).and_then(|story| story.early.pop()) else {
            return Ok(());
        };
        self.tell(number, event)
    }

    fn tell(&mut self, number: usize, event: ShopEvent) -> Result<(), String> {
        let known = self.known(number);
        let story = &mut self.stories[number];
        let leaves = matches!(event, ShopEvent::Shipped { .. }) && story.sale.goods == Goods::Reserved;
        if leaves && known.sheet != ImpressionState::Reserved {
            return Ok(());
        }
        match story.sale.clone().decide(&event, &known) {
            Ok((Step::Unchanged(after), effects)) => {
                if after != story.sale || !effects.is_empty() {
                    return Err(format!("`{}` told again did something", event.as_str()));
                }
            }
            Ok((Step::Changed(after), effects)) => {
                match (&event, &after.goods) {
                    (ShopEvent::Shipped { .. }, _) => self.in_house[story.sheet] = false,
                    (
                        ShopEvent::Inspected { condition: Condition::SameSheet | Condition::Damaged, .. },
                        Goods::Inspected(..),
                    ) => self.in_house[story.sheet] = true,
                    _ => {}
                }
                story.sale = after;
                if story.told.len() < 12 {
                    story.told.push(event);
                }
                self.carry_out(number, &effects)?;
            }
            Err(Refusal::TooEarly { .. }) => {
                if story.early.len() < 4 {
                    story.early.push(event);
                }
            }
            Err(Refusal::Contradiction { .. }) => {}
        }
        Ok(())
    }
}
