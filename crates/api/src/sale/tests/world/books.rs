//! The books of the house in memory: what is known, and what is done of what is due.

use minting::call::CallId;
use minting::token::{TokenId, TokenState};

use super::super::chain::{End, OnChain};
use super::*;

impl World {
    /// Redeems an open claim, and sometimes one that is just being undone.
    pub(super) fn redeem(&mut self, place: usize) {
        let Some(number) = self.story(place) else { return };
        if self.stories[number].claim != ClaimStanding::Redeemable {
            return;
        }
        let safekept = (place / 4).is_multiple_of(2);
        self.stories[number].claim = if safekept { ClaimStanding::Safekept } else { ClaimStanding::Redeemed };
        self.stories[number].redeemed_at = self.hour;
        self.issue(number);
        self.note(if safekept { "redeemed into safekeeping" } else { "redeemed" });
    }

    /// The buyer orders the vault to hand the token out, or now and then to give it up.
    pub(super) fn order(&mut self, place: usize, when: i64) -> Result<(), String> {
        let Some(number) = self.story(place) else { return Ok(()) };
        let known = self.known(number);
        let id = self.stories[number].token;
        let booked = id.and_then(|id| self.tokens.get_mut(&id));
        let (Some(id), Some(booked)) = (id, booked) else { return Ok(()) };
        if self.stories[number].claim != ClaimStanding::Safekept || booked.ordered {
            return Ok(());
        }
        let ask = if when % 4 == 0 {
            if may_surrender(&known).is_err() {
                return Ok(());
            }
            Ask::Surrender(id)
        } else {
            if may_release(&known).is_err() {
                return Ok(());
            }
            booked.release = Some(CallState::Queued { setback: None });
            Ask::Release(id)
        };
        booked.ordered = true;
        self.stories[number].waits = true;
        self.ask(ask)
    }

    fn issue(&mut self, number: usize) {
        let story = &mut self.stories[number];
        let issues = self.tokens.keys().filter(|id| id.0 == story.sheet).count();
        let id = (story.sheet, u8::try_from(issues).expect("few issues"));
        let settles_at = (story.redeemed_at + 43 * 24).max(self.hour);
        story.token = Some(id);
        story.waits = true;
        let token = Token {
            token_id: TokenId::from_number(1_000_000 + (id.0 as u64 + 1) * 100 + u64::from(id.1))
                .expect("an id"),
            impression_id: story.sale.impression_id.clone(),
            recipient: catalog::account::Account::from_bytes([7; 20]),
            settles_at: hours(settles_at),
            mint_call_id: CallId::generate(at(NOON), CHANCE),
            state: TokenState::Unissued,
            metadata: String::new(),
            created_at: hours(self.hour),
        };
        let (void, release) = (None, None);
        self.tokens.insert(id, Booked { token, void, settling: false, release, ordered: false });
        if self.stories[number].claim == ClaimStanding::Safekept {
            self.chain.keep(id);
        }
        self.chain.queue(Ask::Mint(id, settles_at));
    }

    /// The books hear of the end of a call, as the confirming pass writes it.
    pub(super) fn hear(&mut self, place: usize) {
        let Some((ask, end)) = self.chain.hear(place) else { return };
        let Some(booked) = self.tokens.get_mut(&ask.id()) else { return };
        let state = match (ask, end) {
            (_, End::Again) => return,
            (Ask::Mint(..), End::Done) => TokenState::Bound,
            (Ask::Mint(..), End::Void) | (Ask::Void(_), End::Done) => TokenState::Voided,
            (Ask::Settle(_) | Ask::Release(_), End::Done) => TokenState::Settled,
            (Ask::Surrender(_), End::Done) => TokenState::Surrendered,
            _ => booked.token.state,
        };
        let over = matches!(booked.token.state, TokenState::Voided | TokenState::Surrendered);
        let falls_back = booked.token.state == TokenState::Settled && state == TokenState::Bound;
        if !(over || falls_back) {
            booked.token.state = state;
        }
        match ask {
            Ask::Release(_) => {
                booked.release = Some(if end == End::Done { CallState::Done(None) } else { CallState::Void });
                self.note(if end == End::Done { "released" } else { "release came too late" });
                return;
            }
            Ask::Surrender(_) if end == End::Done => self.note("given up by the vault"),
            _ => {}
        }
        let Some(booked) = self.tokens.get_mut(&ask.id()) else { return };
        if let Ask::Void(_) = ask {
            booked.void = Some(match end {
                End::Refused => CallState::Refused("settled".to_owned()),
                _ => CallState::Done(None),
            });
            self.note(if end == End::Refused { "void came too late" } else { "voided" });
        }
    }

    pub(super) fn known(&self, number: usize) -> Known {
        let story = &self.stories[number];
        let booked = story.token.and_then(|id| self.tokens.get(&id));
        Known {
            claim: story.claim,
            opens: crate::claim::opens(self.open_on, &story.sale.goods),
            token: booked.map_or(TokenStanding::NotAsked, |booked| {
                TokenStanding::of(&booked.token, booked.void.as_ref())
            }),
            handing: Handing::of(booked.and_then(|booked| booked.release.as_ref())),
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

    pub(super) fn distort(&self, number: usize, effects: &[Effect]) -> Vec<Effect> {
        let story = &self.stories[number];
        let undone = story.sale.undone().is_some();
        let mut effects = effects.to_vec();
        let voids = effects.iter().any(|effect| matches!(effect, Effect::VoidToken(_)));
        match self.fault {
            Fault::ForgetVoid => effects.retain(|effect| !matches!(effect, Effect::VoidToken(_))),
            Fault::ForgetClaim => effects.retain(|effect| *effect != Effect::VoidClaim),
            Fault::ForgetRelease => effects.retain(|effect| *effect != Effect::ReleaseClaim),
            Fault::SeizeSafekept if undone && story.claim == ClaimStanding::Safekept => {
                effects.push(Effect::VoidClaim);
            }
            Fault::ForgetFlag => effects.retain(|effect| !matches!(effect, Effect::FlagToken(_))),
            Fault::FreeAtRefund if undone && story.sale.holds_impression => {
                effects.push(Effect::MoveSheet(ImpressionState::Available));
            }
            Fault::FreeBeforeVoid | Fault::FreeBeforeVoidUnguarded
                if voids && !story.sale.goods.are_out() =>
            {
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

    pub(super) fn carry_out(&mut self, number: usize, effects: &[Effect]) -> Result<(), String> {
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
                Effect::ReleaseClaim => story.claim = ClaimStanding::Released,
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
    pub(super) fn follow(&mut self, place: usize) -> Result<(), String> {
        let waiting: Vec<usize> = (0..self.stories.len()).filter(|n| self.stories[*n].waits).collect();
        waiting.get(place % waiting.len().max(1)).map_or(Ok(()), |number| self.follow_sale(*number))
    }

    /// Does what is due for that sale.
    pub(super) fn follow_sale(&mut self, number: usize) -> Result<(), String> {
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
}
