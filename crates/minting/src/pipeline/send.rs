//! Binds waiting calls to the next nonce, and sends them.

use std::sync::Arc;

use catalog::crash_point;
use catalog::db::retrying;
use tokio::sync::{mpsc, watch};

use super::gas_need::GasError;
use super::perform::{hand_over, is_heard};
use super::sign::BoundGroup;
use super::{Lane, PassError, PassReport, Pipeline, kinds_of};
use crate::call::{Call, CallKind};
use crate::chain::{Chain, DryRunError};
use crate::purse::{self, CannotPay, Gwei};
use crate::send_error::SendRefusal;
use crate::store::{self, WaitingCall};
use crate::transaction::{Transaction, TransactionId, TransactionState};
use crate::under_way::{Action, Event, Step, UnderWay};
use crate::{fees, gas};

/// So many more calls than the largest group takes are looked at for one, to find others behind those that have to be alone.
const LOOK_FURTHER: usize = 25;
/// The most calls that are looked at for one group.
const LOOK_AHEAD: usize = 500;
/// Groups of a pass. What came into blocks meanwhile is noted between two passes, and makes room for others while the pool
/// still holds some: were all that may wait sent in one pass, the pool would be empty until the next.
const OF_A_PASS: usize = 32;
/// So often a lane looks for others when those that it found were taken meanwhile.
const TRIES: usize = 5;

/// What came of a look for calls to bind.
enum Outcome {
    /// They have a nonce.
    Bound(Group),
    /// Nothing waits, or nothing can be sent now.
    NotNow,
    /// Another lane was quicker.
    TakenByAnother,
}

/// Calls that were bound.
struct Group {
    transaction: Transaction,
    /// Whether no others waited.
    were_all: bool,
}

/// How many of a group were bound.
enum Binding {
    All(Transaction),
    /// The others do not wait any more.
    Some(Transaction),
    None,
    /// The lane stands still.
    Stopped,
}

impl Lane {
    /// Sends what waits, until a group has all of it, too much is under way, or it is enough for a pass. While the nodes take
    /// what is signed, further groups are bound and signed: a node that makes a block takes nothing.
    pub(super) async fn send_waiting(
        &mut self,
        fence: i64,
        report: &mut PassReport,
    ) -> Result<(), PassError> {
        let (chain, stop) = (Arc::clone(&self.pipeline.chain), self.stop.clone());
        for kind in kinds_of(self.role) {
            let (signed, departing) = mpsc::unbounded_channel();
            let leaving = hand_over_all(chain.as_ref(), departing, &stop);
            let (answered, prepared) = tokio::join!(leaving, self.prepare(*kind, signed, fence, report));
            self.note_answers(answered, fence, report).await?;
            prepared?;
        }
        Ok(())
    }

    /// What the nodes answered. That they may have the bytes is written at once for all of them.
    async fn note_answers(
        &mut self,
        answered: Vec<(UnderWay, Result<(), SendRefusal>)>,
        fence: i64,
        report: &mut PassReport,
    ) -> Result<(), PassError> {
        let rules = self.rules();
        let mut live = Vec::with_capacity(answered.len());
        for (under_way, answer) in answered {
            let answered = self.answered(&under_way, answer, report);
            let Step { under_way, actions } = under_way.step(answered, &rules);
            for action in actions {
                match action {
                    Action::MarkLive => live.push(under_way.transaction.transaction_id.clone()),
                    action => {
                        self.perform(&under_way, action, fence, report).await?;
                    }
                }
            }
        }
        self.mark_live(&live).await
    }

    /// Binds and signs groups, each to depart at once. What does not depart is taken up by the next pass.
    async fn prepare(
        &mut self,
        kind: CallKind,
        signed: mpsc::UnboundedSender<UnderWay>,
        fence: i64,
        report: &mut PassReport,
    ) -> Result<(), PassError> {
        for _ in 0..OF_A_PASS {
            if report.waiting >= self.pipeline.settings.most_waiting || self.is_stopping() {
                break;
            }
            let Some(group) = self.bind_group(kind, report.waiting, fence).await? else { break };
            let Group { transaction, were_all } = group;
            report.under_way += 1;
            report.waiting += 1;
            let under_way = UnderWay { transaction, attempts: Vec::new() };
            let visit = Event::Visited(self.visit(&under_way));
            let (under_way, leaves) = self.play_until_send(under_way, visit, fence, report).await?;
            // What came since they were looked for gathers for the next pass, and shares a transaction.
            if !leaves || signed.send(under_way).is_err() || were_all {
                break;
            }
        }
        Ok(())
    }

    /// Takes the calls that fit into one transaction and binds them to the next nonce, unless too many wait already. Everything
    /// that may keep the transaction from going through is asked first, so that no nonce is taken in vain.
    async fn bind_group(
        &mut self,
        kind: CallKind,
        waiting: usize,
        fence: i64,
    ) -> Result<Option<Group>, PassError> {
        for _ in 0..TRIES {
            match self.bind_first(kind, waiting, fence).await? {
                Outcome::Bound(group) => return Ok(Some(group)),
                Outcome::NotNow => return Ok(None),
                // Others wait behind those.
                Outcome::TakenByAnother => {}
            }
        }
        Ok(None)
    }

    async fn bind_first(
        &mut self,
        kind: CallKind,
        waiting_transactions: usize,
        fence: i64,
    ) -> Result<Outcome, PassError> {
        let pipeline = Arc::clone(&self.pipeline);
        let Pipeline { db, clock, settings, .. } = pipeline.as_ref();
        let mut tx = db.begin_read().await?;
        let waiting = store::waiting_calls(&mut tx, kind, clock.now(), look_ahead(kind)).await?;
        drop(tx);
        if waiting.is_empty() {
            return Ok(Outcome::NotNow);
        }
        let (history, block_gas_limit) = self.market().await?;
        let ceiling = gas::ceiling(block_gas_limit, settings.gas_ceiling);
        if waiting_transactions >= gas::most_waiting(block_gas_limit, ceiling, settings.most_waiting) {
            return Ok(Outcome::NotNow);
        }
        let (seen, largest) = (waiting.len(), gas::group_size(kind, ceiling));
        let group = first_group(waiting, largest);
        let were_all = are_all(group.len(), seen, kind);
        let calls: Vec<Call> = group.iter().map(|waiting| waiting.call.clone()).collect();
        if calls.is_empty() {
            self.park(kind, "the block's gas limit has no room for one call");
            return Ok(Outcome::NotNow);
        }
        let fees = match fees::quote(history, settings.fees) {
            Ok(fees) => fees,
            Err(above) => {
                self.park(kind, &above.to_string());
                return Ok(Outcome::NotNow);
            }
        };
        let gas_limit = match self.try_group(kind, &calls).await {
            Ok(limit) => limit,
            Err(GasError::Unfit(unfit)) => return Err(unfit.into()),
            Err(GasError::DryRun(DryRunError::Chain(error))) => return Err(error.into()),
            Err(GasError::DryRun(DryRunError::Refused(refusal))) if kind.goes_alone() => {
                if let Some(waiting) = group.first() {
                    self.follow_refusal(waiting, refusal, fence).await?;
                }
                return Ok(Outcome::NotNow);
            }
            Err(GasError::DryRun(DryRunError::InsufficientFunds)) => {
                self.cannot_pay(&CannotPay::RefusedByNode);
                return Ok(Outcome::NotNow);
            }
            Err(GasError::DryRun(refusal)) => {
                self.park(kind, &refusal.to_string());
                return Ok(Outcome::NotNow);
            }
        };
        let worst = purse::worst(gas_limit, fees.max_fee);
        let owned = self.balance().await?;
        let under_way = self.cost_under_way(owned).await?;
        let bound = match purse::within_balance(owned, under_way, worst) {
            Ok(()) => retrying(|| async { self.try_bind(kind, &group, worst, fence).await }).await?,
            Err(reason) => Err(reason),
        };
        match bound {
            Ok(Binding::All(transaction)) => {
                self.can_pay();
                let transaction_id = transaction.transaction_id.clone();
                self.bound = Some(BoundGroup { transaction_id, gas_limit, calls });
                Ok(Outcome::Bound(Group { transaction, were_all }))
            }
            Ok(Binding::Some(transaction)) => {
                self.can_pay();
                Ok(Outcome::Bound(Group { transaction, were_all }))
            }
            Ok(Binding::None) if !were_all => Ok(Outcome::TakenByAnother),
            Ok(Binding::None | Binding::Stopped) => Ok(Outcome::NotNow),
            Err(reason) => {
                self.cannot_pay(&reason);
                metrics::counter!("colophon_parked_total", "kind" => kind.as_str()).increment(1);
                Ok(Outcome::NotNow)
            }
        }
    }

    /// What the transactions that are not in a block yet may still cost, in wei; zero without a look at them for a
    /// signer who could pay for as many as there can be.
    async fn cost_under_way(&self, owned: u128) -> Result<u128, PassError> {
        let settings = self.pipeline.settings;
        let dearest = purse::worst(settings.gas_ceiling, settings.fees.max_fee_cap);
        let most = u128::try_from(settings.most_waiting).unwrap_or(u128::MAX).saturating_add(1);
        if owned >= dearest.saturating_mul(most) {
            return Ok(0);
        }
        let waits =
            |under_way: &UnderWay| !matches!(under_way.transaction.state, TransactionState::Included(..));
        let cost = |under_way: UnderWay| {
            let signed = under_way.transaction.state.signed();
            let dearest = under_way.attempts.iter().map(|attempt| attempt.fees.max_fee).max();
            signed.zip(dearest).map_or(0, |(signed, max_fee)| purse::worst(signed.gas_limit, max_fee))
        };
        let costs = self.under_way().await?.into_iter().filter(waits).map(cost);
        Ok(costs.fold(0, u128::saturating_add))
    }

    async fn try_bind(
        &self,
        kind: CallKind,
        group: &[WaitingCall],
        worst: u128,
        fence: i64,
    ) -> Result<Result<Binding, CannotPay>, PassError> {
        let Pipeline { db, clock, chance, holder, settings, .. } = self.pipeline.as_ref();
        let signer = self.signer();
        let now = clock.now();
        let mut tx = db.begin_write().await?;
        let held = store::hold_lane(&mut tx, signer, holder, fence).await?.ok_or(PassError::LeaseLost)?;
        if held.frozen_reason.is_some() {
            return Ok(Ok(Binding::Stopped));
        }
        let nonce = store::next_nonce(&mut tx, signer, held.first_nonce).await?;
        let transaction_id = TransactionId::generate(now, chance.as_ref());
        let transaction = Transaction { transaction_id, signer, nonce, kind, state: TransactionState::Bound };
        store::insert_bound(&mut tx, &transaction, fence, now).await?;
        let ids = group.iter().map(|waiting| &waiting.call_id);
        let bound = store::bind_calls(&mut tx, ids, &transaction.transaction_id, now).await?;
        crash_point!("bind.members");
        if bound == 0 {
            // Another lane of this kind took them all; the nonce goes with the rolled-back transaction.
            return Ok(Ok(Binding::None));
        }
        // Promised with the nonce, so that no two lanes take one for the same rest of the budget.
        let (day, worst) = (purse::day_of(now), Gwei::at_least(worst));
        let spent = store::hold_day(&mut tx, day, &transaction.transaction_id).await?;
        if let Err(reason) = purse::within_budget(spent, worst, settings.daily_budget) {
            return Ok(Err(reason));
        }
        store::promise(&mut tx, &transaction.transaction_id, day, worst).await?;
        crash_point!("bind");
        if self.is_stopping() {
            return Ok(Ok(Binding::Stopped));
        }
        tx.commit().await?;
        crash_point!("bind.committed");
        let all = usize::try_from(bound) == Ok(group.len());
        Ok(Ok(if all { Binding::All(transaction) } else { Binding::Some(transaction) }))
    }

    pub(super) fn park(&self, kind: CallKind, reason: &str) {
        tracing::warn!(signer = %self.signer(), kind = kind.as_str(), reason, "calls parked, no nonce taken");
        metrics::counter!("colophon_parked_total", "kind" => kind.as_str()).increment(1);
    }
}

/// Hands attempts to the nodes, in the order of their nonces, as long as these answer and nobody says to stop.
async fn hand_over_all(
    chain: &dyn Chain,
    mut departing: mpsc::UnboundedReceiver<UnderWay>,
    stop: &watch::Receiver<bool>,
) -> Vec<(UnderWay, Result<(), SendRefusal>)> {
    let mut answered = Vec::new();
    while let Some(under_way) = departing.recv().await {
        let answer = hand_over(chain, &under_way).await;
        let is_last = !is_heard(&answer) || *stop.borrow();
        answered.push((under_way, answer));
        if is_last {
            break;
        }
    }
    answered
}

/// How many calls are looked at for one group.
fn look_ahead(kind: CallKind) -> usize {
    let largest = gas::group_size(kind, gas::TRANSACTION_CEILING);
    (largest + LOOK_FURTHER).min(LOOK_AHEAD)
}

/// Whether no others waited than a group took of those that a look saw.
fn are_all(taken: usize, seen: usize, kind: CallKind) -> bool {
    taken == seen && seen < look_ahead(kind)
}

/// The first calls that may share a transaction: as many as the largest group allows, and no more than any of them
/// allows after its setbacks.
fn first_group(waiting: Vec<WaitingCall>, largest: usize) -> Vec<WaitingCall> {
    let mut group: Vec<WaitingCall> = Vec::new();
    let mut most = largest;
    for call in waiting {
        let allowed = most.min(gas::group_size_after(call.setbacks, largest));
        if group.len() >= allowed {
            if group.len() >= most {
                break;
            }
            continue;
        }
        most = allowed;
        group.push(call);
    }
    group
}

#[cfg(test)]
mod tests {
    use catalog::chance::SystemChance;
    use catalog::clock::{Clock, SystemClock};

    use super::*;
    use crate::call::CallId;
    use crate::token::TokenId;

    fn waiting(setbacks: u32) -> WaitingCall {
        let token_id = TokenId::from_number(12_017_100).expect("a token id");
        let call_id = CallId::generate(SystemClock.now(), &SystemChance);
        WaitingCall { call_id, call: Call::Settle { token_id }, setbacks }
    }

    #[test]
    fn a_group_is_as_large_as_its_most_cautious_member_allows() {
        let sizes = |setbacks: &[u32], largest| {
            first_group(setbacks.iter().map(|n| waiting(*n)).collect(), largest).len()
        };
        assert_eq!(sizes(&[0; 10], 4), 4);
        assert_eq!(sizes(&[0; 3], 4), 3);
        assert_eq!(sizes(&[2, 0, 0, 0], 4), 1);
        assert_eq!(sizes(&[0, 0, 2, 0, 0], 4), 4);
        assert_eq!(sizes(&[0; 3], 0), 0);
    }

    #[test]
    fn a_group_had_all_that_waited_when_a_look_saw_no_others_and_could_have() {
        let most = look_ahead(CallKind::Settle);
        assert!(are_all(3, 3, CallKind::Settle));
        assert!(!are_all(2, 3, CallKind::Settle));
        assert!(are_all(most - 1, most - 1, CallKind::Settle));
        assert!(!are_all(most, most, CallKind::Settle));
    }
}
