//! A whole house in memory: an edition of a few sheets, their sales, the books as [`due`] asks for them, and the chain. Events
//! come twice, late and shuffled; the laws are checked after each step.

use std::collections::{BTreeMap, BTreeSet};

use minting::call::{CallId, CallState};
use minting::token::{Token, TokenState};

use super::chain::{Ask, Chain, End, Id, OnChain};
use super::*;

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
}

/// A token in the books.
struct Booked {
    token: Token,
    void: Option<CallState>,
    settling: bool,
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
    /// How often each interesting thing happened, to know that the histories are not idle.
    pub(super) seen: BTreeMap<&'static str, usize>,
}

fn hours(hour: i64) -> Timestamp {
    at(NOON + hour * HOUR)
}

impl World {
    pub(super) fn new(sheets: usize, settle_early: bool, fault: Fault) -> Self {
        let chain =
            Chain { forgets_predecessors: fault == Fault::FreeBeforeVoidUnguarded, ..Chain::default() };
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
            seen: BTreeMap::new(),
        }
    }

    fn note(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    /// One step: what it is and where are drawn by chance. Breaks of a law are told.
    pub(super) fn step(&mut self, what: u8, place: u8, when: u8) -> Result<(), String> {
        let (place, when) = (usize::from(place), i64::from(when));
        match what % 24 {
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
        let claim = ClaimStanding::Prepared;
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
        let Some(event) = self.stories.get_mut(number).and_then(|story| story.early.pop()) else { return Ok(()) };
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

    /// Redeems an open claim, and sometimes one that is just being undone.
    fn redeem(&mut self, place: usize) {
        let Some(number) = self.story(place) else { return };
        if self.stories[number].claim != ClaimStanding::Redeemable {
            return;
        }
        self.stories[number].claim = ClaimStanding::Redeemed;
        self.stories[number].redeemed_at = self.hour;
        self.issue(number);
        self.note("redeemed");
    }

    fn issue(&mut self, number: usize) {
        let story = &mut self.stories[number];
        let issues = self.tokens.keys().filter(|id| id.0 == story.sheet).count();
        let id = (story.sheet, u8::try_from(issues).expect("few issues"));
        let settles_at = (story.redeemed_at + 43 * 24).max(self.hour);
        story.token = Some(id);
        story.waits = true;
        let token = Token {
            token_id: minting::token::TokenId::from_number(1_000_000 + (id.0 as u64 + 1) * 100 + u64::from(id.1))
                .expect("an id"),
            impression_id: story.sale.impression_id.clone(),
            recipient: catalog::account::Account::from_bytes([7; 20]),
            settles_at: hours(settles_at),
            mint_call_id: CallId::generate(at(NOON), CHANCE),
            state: TokenState::Unissued,
            metadata: String::new(),
            created_at: hours(self.hour),
        };
        self.tokens.insert(id, Booked { token, void: None, settling: false });
        self.chain.queue(Ask::Mint(id, settles_at));
    }

    /// The books hear of the end of a call, as the confirming pass writes it.
    fn hear(&mut self, place: usize) {
        let Some((ask, end)) = self.chain.hear(place) else { return };
        let Some(booked) = self.tokens.get_mut(&ask.id()) else { return };
        let state = match (ask, end) {
            (_, End::Again) => return,
            (Ask::Mint(..), End::Done) => TokenState::Bound,
            (Ask::Mint(..), End::Void) | (Ask::Void(_), End::Done) => TokenState::Voided,
            (Ask::Settle(_), End::Done) => TokenState::Settled,
            _ => booked.token.state,
        };
        let over = matches!(booked.token.state, TokenState::Voided | TokenState::Surrendered);
        if !over && !(booked.token.state == TokenState::Settled && state == TokenState::Bound) {
            booked.token.state = state;
        }
        if let Ask::Void(_) = ask {
            booked.void = Some(match end {
                End::Refused => CallState::Refused("settled".to_owned()),
                _ => CallState::Done(None),
            });
            self.note(if end == End::Refused { "void came too late" } else { "voided" });
        }
    }

    fn known(&self, number: usize) -> Known {
        let story = &self.stories[number];
        let booked = story.token.and_then(|id| self.tokens.get(&id));
        Known {
            claim: story.claim,
            opens: crate::claim::opens(crate::config::OpenOn::Shipment, &story.sale.goods),
            token: booked.map_or(TokenStanding::NotAsked, |booked| {
                TokenStanding::of(&booked.token, booked.void.as_ref())
            }),
            terms: booked.map(|booked| (hours(story.redeemed_at), booked.token.settles_at)),
            settling: booked.is_some_and(|booked| booked.settling),
            sheet: self.sheets[story.sheet],
            unreturned: self.unreturned[story.sheet],
            issues_left: true,
            window: std::time::Duration::from_hours(7 * 24),
            settle_early: self.settle_early,
            now: hours(self.hour),
        }
    }

    fn distort(&self, number: usize, effects: &[Effect]) -> Vec<Effect> {
        let story = &self.stories[number];
        let undone = story.sale.undone().is_some();
        let mut effects = effects.to_vec();
        let voids = effects.iter().any(|effect| matches!(effect, Effect::VoidToken(_)));
        match self.fault {
            Fault::ForgetVoid => effects.retain(|effect| !matches!(effect, Effect::VoidToken(_))),
            Fault::ForgetClaim => effects.retain(|effect| *effect != Effect::VoidClaim),
            Fault::ForgetFlag => effects.retain(|effect| !matches!(effect, Effect::FlagToken(_))),
            Fault::FreeAtRefund if undone && story.sale.holds_impression => {
                effects.push(Effect::MoveSheet(ImpressionState::Available));
            }
            Fault::FreeBeforeVoid | Fault::FreeBeforeVoidUnguarded if voids && !story.sale.goods.are_out() => {
                effects.push(Effect::MoveSheet(ImpressionState::Available));
            }
            Fault::VoidTwice => {
                let void = effects.iter().copied().find(|effect| matches!(effect, Effect::VoidToken(_)));
                effects.extend(void);
            }
            Fault::LoseSheet if undone => {
                effects.retain(|effect| !matches!(effect, Effect::MoveSheet(ImpressionState::Available)));
            }
            _ => {}
        }
        effects
    }

    fn carry_out(&mut self, number: usize, effects: &[Effect]) -> Result<(), String> {
        let effects = self.distort(number, effects);
        let waits = due(&self.stories[number].sale, &self.known(number)).waits;
        let story = &mut self.stories[number];
        story.waits = waits || effects.contains(&Effect::ReissueToken);
        story.sale = story.sale.clone().after(&effects);
        let sheet = story.sheet;
        for effect in effects {
            let story = &mut self.stories[number];
            match effect {
                Effect::OpenClaim => story.claim = ClaimStanding::Redeemable,
                Effect::VoidClaim if story.claim == ClaimStanding::Void => {
                    return Err("a claim was voided twice".to_owned());
                }
                Effect::VoidClaim => story.claim = ClaimStanding::Void,
                Effect::VoidToken(_) => {
                    let id = story.token.ok_or("a void without a token")?;
                    self.chain.withdraw_mint(id);
                    self.ask(Ask::Void(id))?;
                    if let Some(booked) = self.tokens.get_mut(&id) {
                        booked.void = Some(CallState::Queued { setback: None });
                    }
                }
                Effect::SettleToken => {
                    let id = story.token.ok_or("a settling without a token")?;
                    self.ask(Ask::Settle(id))?;
                    if let Some(booked) = self.tokens.get_mut(&id) {
                        booked.settling = true;
                    }
                    self.note("settled early");
                }
                Effect::ReissueToken => {
                    self.issue(number);
                    self.note("issued again");
                }
                Effect::MoveSheet(to) => {
                    let from = self.sheets[sheet];
                    if !from.may_become(to) {
                        return Err(format!("a sheet went from {} to {}", from.as_str(), to.as_str()));
                    }
                    self.sheets[sheet] = to;
                }
                Effect::MarkUnreturned(unreturned) => self.unreturned[sheet] = unreturned,
                Effect::FlagToken(_) => self.note("flagged"),
                Effect::UnflagToken | Effect::ReportWindowOutlivesLock => {}
            }
        }
        Ok(())
    }

    /// A void and a settling are asked once for an id, ever.
    fn ask(&mut self, ask: Ask) -> Result<(), String> {
        if !self.asked.insert(ask) {
            return Err(format!("{ask:?} was asked twice"));
        }
        self.chain.queue(ask);
        Ok(())
    }

    /// What the following step does for one sale that waits.
    fn follow(&mut self, place: usize) -> Result<(), String> {
        let waiting: Vec<usize> = (0..self.stories.len()).filter(|n| self.stories[*n].waits).collect();
        let Some(number) = waiting.get(place % waiting.len().max(1)).copied() else { return Ok(()) };
        if self.known(number).token == TokenStanding::Settled
            && let Some(id) = self.stories[number].token
            && self.chain.status(id, self.hour) == Some(OnChain::Surrendered)
        {
            if let Some(booked) = self.tokens.get_mut(&id) {
                booked.token.state = TokenState::Surrendered;
            }
            self.note("surrendered");
        }
        let effects = due(&self.stories[number].sale, &self.known(number)).effects;
        self.carry_out(number, &effects)
    }

    /// What must hold at every moment.
    fn check(&self) -> Result<(), String> {
        for (sheet, state) in self.sheets.iter().enumerate() {
            let holders =
                self.stories.iter().filter(|story| story.sheet == sheet && story.sale.holds_impression).count();
            let expected = usize::from(!matches!(state, ImpressionState::Available));
            if holders != expected {
                return Err(format!("sheet {sheet} is {} and {holders} sales have a right to it", state.as_str()));
            }
            if *state == ImpressionState::Available {
                if !self.in_house[sheet] {
                    return Err(format!("sheet {sheet} is for sale and not in the house"));
                }
                if self.chain.live_tokens_of(sheet, self.hour) > 0 {
                    return Err(format!("sheet {sheet} is for sale and has a living token"));
                }
            }
            if self.chain.live_tokens_of(sheet, self.hour) > 1 {
                return Err(format!("sheet {sheet} has two living tokens"));
            }
        }
        for story in &self.stories {
            let claimable = !matches!(story.claim, ClaimStanding::Void | ClaimStanding::Released);
            if story.sale.undone().is_some() && claimable {
                return Err("the claim of an undone sale stands".to_owned());
            }
        }
        Ok(())
    }

    /// Lets everything that is under way come to its end, without time passing, and checks where it ended.
    pub(super) fn drain(&mut self) -> Result<(), String> {
        for _ in 0..1_000 {
            for place in 0..4 {
                self.chain.sign(place);
                self.chain.finalize(place, self.hour);
                self.hear(place);
            }
            for place in 0..self.stories.len() {
                self.follow(place)?;
            }
            self.check()?;
            let due_somewhere = (0..self.stories.len())
                .any(|number| self.stories[number].waits && !due(&self.stories[number].sale, &self.known(number)).effects.is_empty());
            if self.chain.is_idle() && !due_somewhere {
                return self.check_drained();
            }
        }
        Err("it never comes to rest".to_owned())
    }

    fn check_drained(&self) -> Result<(), String> {
        for story in &self.stories {
            let Some(cause) = story.sale.undone() else { continue };
            let on_chain = story.token.and_then(|id| self.chain.status(id, self.hour));
            match on_chain {
                Some(OnChain::Bound(_)) => {
                    return Err(format!("a sale is {} and its token lives unsettled", cause.as_str()));
                }
                Some(OnChain::Settled) => {
                    if story.sale.token_flag != Some(cause) {
                        return Err("a token out of reach bears no flag".to_owned());
                    }
                    if story.sale.holds_impression && self.sheets[story.sheet] != ImpressionState::Quarantined {
                        return Err("the sheet of a token out of reach is not quarantined".to_owned());
                    }
                }
                None | Some(OnChain::Voided | OnChain::Surrendered) => {
                    let back = matches!(
                        story.sale.goods,
                        Goods::Canceled | Goods::Inspected(_, Condition::SameSheet)
                    );
                    if back && story.sale.holds_impression {
                        return Err("a sheet is back, its token gone, and it is not free".to_owned());
                    }
                }
            }
        }
        Ok(())
    }
}
