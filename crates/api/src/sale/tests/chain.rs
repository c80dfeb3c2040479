//! A small pure model of the chain: ids that are minted once, locks, tombstones, and calls that are included in an order
//! of the chain's own, may fall out of their block again, and are heard of later.

use std::collections::{BTreeMap, BTreeSet};

/// A token id: the sheet's place and the issue.
pub(super) type Id = (usize, u8);

/// The least time that the contract keeps a token locked, in hours.
const LEAST_LOCK: i64 = 24;

/// Where a token stands on chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnChain {
    /// Live, and locked until that hour.
    Bound(i64),
    /// Live, and out of the issuer's reach.
    Settled,
    /// A tombstone by the issuer.
    Voided,
    /// A tombstone by the owner.
    Surrendered,
}

/// What is asked of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ask {
    /// To settle at that hour.
    Mint(Id, i64),
    Void(Id),
    Settle(Id),
    Release(Id),
    Surrender(Id),
}

impl Ask {
    pub(super) fn id(self) -> Id {
        match self {
            Self::Mint(id, _)
            | Self::Void(id)
            | Self::Settle(id)
            | Self::Release(id)
            | Self::Surrender(id) => id,
        }
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Done,
    /// A tombstone stood there already.
    Void,
    /// Settled: too late.
    Refused,
    /// For a reason that can pass.
    Again,
}

/// How far a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Queued,
    /// Bytes of it may be anywhere.
    Signed,
    /// Final on chain, and not heard of yet.
    Ended(End),
}

/// The chain, and the calls on their way to it.
#[derive(Debug, Clone, Default)]
pub(super) struct Chain {
    tokens: BTreeMap<Id, OnChain>,
    /// Ids that are or will be minted to the vault, and were not handed out.
    in_vault: BTreeSet<Id>,
    released: BTreeSet<Id>,
    calls: Vec<(Ask, Stage)>,
    /// Whether the contract refuses an issue whose predecessor lives. A test switches it off to see what it keeps.
    forgets_predecessors: bool,
}

impl Chain {
    pub(super) fn with_guard(guards: bool) -> Self {
        Self { forgets_predecessors: !guards, ..Self::default() }
    }

    pub(super) fn queue(&mut self, ask: Ask) {
        self.calls.push((ask, Stage::Queued));
    }

    /// The token of that id goes to the vault.
    pub(super) fn keep(&mut self, id: Id) {
        self.in_vault.insert(id);
    }

    pub(super) fn keeps(&self, id: Id) -> bool {
        self.in_vault.contains(&id)
    }

    pub(super) fn was_released(&self, id: Id) -> bool {
        self.released.contains(&id)
    }

    /// Takes a mint back, if no byte of it was signed.
    pub(super) fn withdraw_mint(&mut self, id: Id) {
        let unsigned = |(ask, stage): &(Ask, Stage)| {
            matches!(ask, Ask::Mint(minted, _) if *minted == id) && *stage == Stage::Queued
        };
        self.calls.retain(|call| !unsigned(call));
    }

    /// Signs the call at a place.
    pub(super) fn sign(&mut self, place: usize) {
        let queued: Vec<usize> = self.at(Stage::Queued);
        if let Some(place) = pick(&queued, place) {
            self.calls[place].1 = Stage::Signed;
        }
    }

    /// Carries out a signed call for good, at that hour. Whatever was included before and fell out again was signed
    /// all the time, so only this order counts.
    pub(super) fn finalize(&mut self, place: usize, hour: i64) {
        let signed = self.at(Stage::Signed);
        if let Some(place) = pick(&signed, place) {
            let end = self.carry_out(self.calls[place].0, hour);
            self.calls[place].1 = Stage::Ended(end);
        }
    }

    /// The service hears of the end of a call; one that was passed over waits again.
    pub(super) fn hear(&mut self, place: usize) -> Option<(Ask, End)> {
        let ended: Vec<usize> =
            (0..self.calls.len()).filter(|place| matches!(self.calls[*place].1, Stage::Ended(_))).collect();
        let place = pick(&ended, place)?;
        let (ask, Stage::Ended(end)) = self.calls[place] else { return None };
        if end == End::Again {
            self.calls[place].1 = Stage::Queued;
        } else {
            self.calls.remove(place);
        }
        Some((ask, end))
    }

    fn at(&self, stage: Stage) -> Vec<usize> {
        (0..self.calls.len()).filter(|place| self.calls[*place].1 == stage).collect()
    }

    /// True when nothing more happens without time passing: a release waits for the lock to end.
    pub(super) fn is_idle(&self, hour: i64) -> bool {
        let locked = |ask: Ask| {
            matches!(ask, Ask::Release(_)) && matches!(self.status(ask.id(), hour), Some(OnChain::Bound(_)))
        };
        self.calls.iter().all(|(ask, _)| locked(*ask))
    }

    pub(super) fn status(&self, id: Id, hour: i64) -> Option<OnChain> {
        match self.tokens.get(&id).copied() {
            Some(OnChain::Bound(settles_at)) if hour >= settles_at => Some(OnChain::Settled),
            other => other,
        }
    }

    /// The owner of a living token gives it up.
    pub(super) fn surrender(&mut self, place: usize, hour: i64) {
        let free = |id: &Id| self.is_live(*id, hour) && !self.in_vault.contains(id);
        let live: Vec<Id> = self.tokens.keys().copied().filter(free).collect();
        if let Some(id) = live.get(place % live.len().max(1)) {
            self.tokens.insert(*id, OnChain::Surrendered);
        }
    }

    pub(super) fn is_live(&self, id: Id, hour: i64) -> bool {
        matches!(self.status(id, hour), Some(OnChain::Bound(_) | OnChain::Settled))
    }

    /// How many tokens of a sheet live.
    pub(super) fn live_tokens_of(&self, sheet: usize, hour: i64) -> usize {
        self.tokens.keys().filter(|id| id.0 == sheet && self.is_live(**id, hour)).count()
    }

    fn predecessor_lives(&self, (sheet, issue): Id) -> bool {
        if self.forgets_predecessors || issue == 0 {
            return false;
        }
        let before = self.tokens.get(&(sheet, issue - 1));
        !matches!(before, Some(OnChain::Voided | OnChain::Surrendered))
    }

    fn carry_out(&mut self, ask: Ask, hour: i64) -> End {
        let id = ask.id();
        match (ask, self.status(id, hour)) {
            (Ask::Mint(..) | Ask::Void(_), None) if self.predecessor_lives(id) => End::Again,
            (Ask::Mint(_, settles_at), None) => {
                self.tokens.insert(id, OnChain::Bound(settles_at.max(hour + LEAST_LOCK)));
                End::Done
            }
            (Ask::Mint(..), Some(OnChain::Bound(_) | OnChain::Settled)) => {
                panic!("{id:?} is minted a second time")
            }
            (Ask::Mint(..) | Ask::Settle(_), Some(_)) if !self.is_live(id, hour) => End::Void,
            (Ask::Void(_), None | Some(OnChain::Bound(_))) => {
                self.tokens.insert(id, OnChain::Voided);
                End::Done
            }
            (Ask::Void(_), Some(OnChain::Settled)) => End::Refused,
            (Ask::Settle(_) | Ask::Release(_) | Ask::Surrender(_), None)
            | (Ask::Release(_), Some(OnChain::Bound(_))) => End::Again,
            (Ask::Release(_), Some(OnChain::Settled)) => {
                assert!(self.in_vault.remove(&id), "{id:?} leaves the vault a second time");
                self.released.insert(id);
                End::Done
            }
            (Ask::Surrender(_), Some(OnChain::Bound(_) | OnChain::Settled)) => {
                assert!(self.in_vault.contains(&id), "{id:?} is given up by a vault that does not hold it");
                self.tokens.insert(id, OnChain::Surrendered);
                End::Done
            }
            (Ask::Release(_) | Ask::Surrender(_), Some(_)) => End::Void,
            (Ask::Settle(_), Some(OnChain::Bound(_) | OnChain::Settled)) => {
                self.tokens.insert(id, OnChain::Settled);
                End::Done
            }
            (_, Some(_)) => End::Done,
        }
    }
}

fn pick(places: &[usize], place: usize) -> Option<usize> {
    places.get(place % places.len().max(1)).copied()
}
