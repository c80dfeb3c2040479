//! The laws, at every moment and where all came to rest.

use super::super::chain::OnChain;
use super::*;

impl World {
    /// What must hold at every moment.
    pub(super) fn check(&self) -> Result<(), String> {
        for (sheet, state) in self.sheets.iter().enumerate() {
            let holders = self
                .stories
                .iter()
                .filter(|story| story.sheet == sheet && story.sale.holds_impression)
                .count();
            let expected = usize::from(!matches!(state, ImpressionState::Available));
            if holders != expected {
                return Err(format!(
                    "sheet {sheet} is {} and {holders} sales have a right to it",
                    state.as_str()
                ));
            }
            if *state == ImpressionState::Available {
                if !self.in_house[sheet] {
                    return Err(format!("sheet {sheet} is for sale and not in the house"));
                }
                // With that fault the law below is the one to be seen broken.
                let other = self.fault == Fault::FreeBeforeVoidUnguarded;
                if !other && self.chain.live_tokens_of(sheet, self.hour) > 0 {
                    return Err(format!("sheet {sheet} is for sale and has a living token"));
                }
            }
            if self.chain.live_tokens_of(sheet, self.hour) > 1 {
                return Err(format!("sheet {sheet} has two living tokens"));
            }
        }
        for story in &self.stories {
            // What the vault keeps is decided by the chain, and the books may not have heard of it yet.
            let kept = story.claim == ClaimStanding::Safekept && story.waits;
            let claimable = !kept && !matches!(story.claim, ClaimStanding::Void | ClaimStanding::Released);
            if story.sale.undone().is_some() && claimable {
                return Err("the claim of an undone sale stands".to_owned());
            }
        }
        Ok(())
    }

    /// Lets everything that is under way come to its end, without time passing, and checks where it ended.
    pub(in super::super) fn drain(&mut self) -> Result<(), String> {
        for _ in 0..1_000 {
            for place in 0..4 {
                self.chain.sign(place);
                self.chain.finalize(place, self.hour);
                self.hear(place);
            }
            for number in 0..self.stories.len() {
                if self.stories[number].waits {
                    self.follow_sale(number)?;
                }
            }
            self.check()?;
            let due_somewhere = (0..self.stories.len()).any(|number| {
                let effects = due(&self.stories[number].sale, &self.known(number)).effects;
                self.stories[number].waits && !self.distort(number, &effects).is_empty()
            });
            if self.chain.is_idle(self.hour) && !due_somewhere {
                return self.check_drained();
            }
        }
        Err("it never comes to rest".to_owned())
    }

    fn check_drained(&self) -> Result<(), String> {
        for story in &self.stories {
            let on_chain = story.token.and_then(|id| self.chain.status(id, self.hour));
            let released = story.token.is_some_and(|id| self.chain.was_released(id));
            if released != (story.claim == ClaimStanding::Released) {
                return Err("a claim is released and its token not, or the reverse".to_owned());
            }
            let Some(cause) = story.sale.undone() else { continue };
            let kept = story.token.is_some_and(|id| self.chain.keeps(id));
            let stays = kept && on_chain == Some(OnChain::Settled);
            if !released && stays != (story.claim == ClaimStanding::Safekept) {
                return Err("a buyer's claim to a settled token in the vault was taken away, or one outlived its token".to_owned());
            }
            match on_chain {
                Some(OnChain::Bound(_)) => {
                    return Err(format!("a sale is {} and its token lives unsettled", cause.as_str()));
                }
                Some(OnChain::Settled) => {
                    if story.sale.token_flag != Some(cause) {
                        return Err("a token out of reach bears no flag".to_owned());
                    }
                    if story.sale.holds_impression && self.sheets[story.sheet] != ImpressionState::Quarantined
                    {
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
