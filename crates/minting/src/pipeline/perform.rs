//! Performs what the machine of [`crate::under_way`] asks for, and tells it what came of it.

use catalog::crash_point;
use catalog::db::{Tx, retrying};

use super::sign::Stored;
use super::{Lane, PassError, PassReport, Sent};
use crate::call::Member;
use crate::chain::{Block, Chain, ChainError};
use crate::ending::{Ended, Ending, FirstMints, Mint, first_mints_needed};
use crate::purse::{CannotPay, Gwei};
use crate::send_error::SendRefusal;
use crate::store;
use crate::transaction::TransactionId;
use crate::under_way::{Action, Alarm, Event, LastSend, UnderWay, Visit};

impl Lane {
    /// Hands the machine one event after the other, until nothing more is to be done.
    pub(super) async fn play(
        &mut self,
        under_way: UnderWay,
        event: Event,
        fence: i64,
        report: &mut PassReport,
    ) -> Result<UnderWay, PassError> {
        let (mut under_way, mut leaves) = self.play_until_send(under_way, event, fence, report).await?;
        while leaves && !self.told.is_silent {
            let answer = hand_over(self.pipeline.chain.as_ref(), &under_way).await;
            let answered = self.answered(&under_way, answer, report);
            (under_way, leaves) = self.play_until_send(under_way, answered, fence, report).await?;
        }
        Ok(under_way)
    }

    /// Hands the machine one event after the other, until nothing more is to be done before the newest attempt is handed
    /// to the nodes, if it is to be: the caller does that, and tells the machine what they answered.
    pub(super) async fn play_until_send(
        &mut self,
        mut under_way: UnderWay,
        event: Event,
        fence: i64,
        report: &mut PassReport,
    ) -> Result<(UnderWay, bool), PassError> {
        let rules = self.rules();
        let (mut next, mut leaves) = (Some(event), false);
        while let Some(event) = next.take() {
            let step = under_way.step(event, &rules);
            under_way = step.under_way;
            for action in step.actions {
                leaves |= matches!(action, Action::Send);
                next = self.perform(&under_way, action, fence, report).await?;
            }
        }
        Ok((under_way, leaves))
    }

    /// The look of this process at a transaction, now.
    pub(super) fn visit(&self, under_way: &UnderWay) -> Visit {
        let newest = under_way.attempts.last();
        let sent = self.sent.get(&under_way.transaction.transaction_id);
        let of_newest = |sent: &&Sent| newest.is_some_and(|newest| newest.signed.hash == sent.attempt_hash);
        let last_send = sent.filter(of_newest).map(|sent| sent.last_send);
        let is_missing = self.told.waiting_count.is_some_and(|count| count <= under_way.transaction.nonce);
        Visit { now: self.pipeline.clock.now(), last_send, is_missing }
    }

    /// Writes that the nodes may have the bytes of these.
    pub(super) async fn mark_live(&self, ids: &[TransactionId]) -> Result<(), PassError> {
        if ids.is_empty() {
            return Ok(());
        }
        let now = self.pipeline.clock.now();
        let mut tx = self.pipeline.db.begin_write().await?;
        store::set_live(&mut tx, ids, now).await?;
        crash_point!("send.noted");
        tx.commit().await?;
        crash_point!("send.noted.committed");
        Ok(())
    }

    pub(super) async fn perform(
        &mut self,
        under_way: &UnderWay,
        action: Action,
        fence: i64,
        report: &mut PassReport,
    ) -> Result<Option<Event>, PassError> {
        let id = &under_way.transaction.transaction_id;
        let now = self.pipeline.clock.now();
        match action {
            Action::AskMarket(visit) => {
                let (history, _) = self.market().await?;
                return Ok(Some(Event::Priced(visit, history)));
            }
            Action::Store(fees) => {
                let first = under_way.attempts.is_empty();
                return Ok(match self.store_attempt(under_way, fees, fence).await? {
                    Stored::Yes(signed, attempt) => {
                        report.signed += usize::from(first);
                        Some(Event::Stored(signed, attempt))
                    }
                    Stored::Frozen => None,
                    Stored::Unpaid(reason) => Some(Event::Unpaid(self.visit(under_way), reason)),
                });
            }
            // The machine waits for the answer.
            Action::Send => {}
            Action::Weigh(ending) => return Ok(Some(self.weigh(under_way, ending).await?)),
            Action::MarkLive => self.mark_live(std::slice::from_ref(id)).await?,
            Action::MarkIncluded(inclusion) => {
                let mut tx = self.hold(fence).await?;
                store::set_included(&mut tx, id, &inclusion, now).await?;
                crash_point!("included");
                tx.commit().await?;
                crash_point!("included.committed");
            }
            Action::MarkFellOut => {
                let mut tx = self.hold(fence).await?;
                store::set_fell_out(&mut tx, id, now).await?;
                crash_point!("fell_out");
                tx.commit().await?;
                crash_point!("fell_out.committed");
            }
            Action::End(ending, ended) => {
                retrying(|| self.write_end(under_way, &ending, &ended, fence)).await?;
                report.ended += 1;
                ended_committed(&ending);
            }
            Action::Alarm(alarm) => self.raise(under_way.transaction.nonce, &alarm),
        }
        Ok(None)
    }

    /// What the machine is told of an attempt that was handed over.
    pub(super) fn answered(
        &mut self,
        under_way: &UnderWay,
        answer: Result<(), SendRefusal>,
        report: &mut PassReport,
    ) -> Event {
        if let Err(refusal) = &answer {
            let nonce = under_way.transaction.nonce;
            tracing::info!(signer = %self.signer(), nonce, %refusal, "handed to the node, which did not simply take it");
        }
        self.told.is_silent |= !is_heard(&answer);
        if let Some(newest) = under_way.attempts.last() {
            let last_send = LastSend::answered(self.pipeline.clock.now(), &answer);
            let (attempt_hash, signed_at) = (newest.signed.hash, newest.signed_at);
            let transaction_id = under_way.transaction.transaction_id.clone();
            self.sent.insert(transaction_id, Sent { attempt_hash, signed_at, last_send });
            report.sent += 1;
        }
        Event::Answered(answer)
    }

    /// Reads what an end needs to know: the calls, and of some the first mint.
    async fn weigh(&self, under_way: &UnderWay, ending: Ending) -> Result<Event, PassError> {
        let mut tx = self.pipeline.db.begin_read().await?;
        let members: Vec<Member> = store::members(&mut tx, &under_way.transaction.transaction_id).await?;
        drop(tx);
        let mut first_mints = FirstMints::new();
        let needed = first_mints_needed(&ending, &members);
        if !needed.is_empty() {
            let finalized = self.pipeline.chain.finalized().await?;
            for token_id in needed {
                let mint = match self.pipeline.chain.first_mint(token_id).await? {
                    None => None,
                    Some(first) => {
                        Some(Mint { first, is_final: self.is_final(first.block, finalized).await? })
                    }
                };
                first_mints.insert(token_id, mint);
            }
        }
        Ok(Event::Weighed(ending, members, first_mints))
    }

    /// A block is final when it is at or below the finalized head and is the canonical one of its height.
    pub(super) async fn is_final(&self, block: Block, finalized: Block) -> Result<bool, PassError> {
        let Block { number, hash } = block;
        if number > finalized.number {
            return Ok(false);
        }
        match self.pipeline.chain.block_hash(number).await {
            Err(ChainError::NoAgreement { .. }) => Ok(false),
            canonical => Ok(canonical? == Some(hash)),
        }
    }

    pub(super) async fn hold(&self, fence: i64) -> Result<Tx, PassError> {
        let mut tx = self.pipeline.db.begin_write().await?;
        let held = store::hold_lane(&mut tx, self.signer(), &self.pipeline.holder, fence).await?;
        held.ok_or(PassError::LeaseLost)?;
        Ok(tx)
    }

    /// Writes the end of the transaction, of each call, of its token, and the events, in one database transaction.
    async fn write_end(
        &self,
        under_way: &UnderWay,
        ending: &Ending,
        ended: &[Ended],
        fence: i64,
    ) -> Result<(), PassError> {
        let occasion = self.occasion();
        let now = occasion.at;
        let id = &under_way.transaction.transaction_id;
        let mut tx = self.hold(fence).await?;
        let inclusion = match ending {
            Ending::Confirmed(inclusion, _) => {
                store::set_final(&mut tx, id, true, inclusion, now).await?;
                crash_point!("confirmed");
                Some(inclusion)
            }
            Ending::Reverted(inclusion) => {
                store::set_final(&mut tx, id, false, inclusion, now).await?;
                crash_point!("reverted");
                Some(inclusion)
            }
            Ending::Displaced => {
                store::set_displaced(&mut tx, id, now).await?;
                crash_point!("displaced");
                None
            }
        };
        let cost = match inclusion {
            // No bytes of ours can come in any more.
            None => Some(0),
            Some(inclusion) => self.costs.get(&inclusion.attempt_hash).copied(),
        };
        if let Some(cost) = cost {
            store::settle_spend(&mut tx, id, Gwei::at_least(cost)).await?;
            crash_point!("purse.settled");
        }
        self.write_ends(&mut tx, &occasion, inclusion, ended).await?;
        Ok(tx.commit().await?)
    }

    fn raise(&mut self, nonce: u64, alarm: &Alarm) {
        let signer = self.signer();
        match alarm {
            Alarm::Unpaid(reason) => self.cannot_pay(reason),
            Alarm::NotSent(SendRefusal::InsufficientFunds) => self.cannot_pay(&CannotPay::RefusedByNode),
            Alarm::Parked(_) | Alarm::HeldAtCap => tracing::warn!(%signer, nonce, "{alarm}"),
            Alarm::FellOut => {
                tracing::warn!(%signer, nonce, "{alarm}");
                metrics::counter!("colophon_reorged_total").increment(1);
            }
            Alarm::NotSent(_) => {
                tracing::error!(%signer, nonce, "{alarm}");
                metrics::counter!("colophon_send_alarms_total").increment(1);
            }
            Alarm::Reverted => {
                tracing::error!(%signer, nonce, "{alarm}");
                metrics::counter!("colophon_reverted_total").increment(1);
            }
            Alarm::Displaced => {
                // Whoever took the nonce may have taken more: compared with the chain before anything else is sent.
                self.counted_at = None;
                tracing::error!(%signer, nonce, "{alarm}");
                metrics::counter!("colophon_displaced_total").increment(1);
            }
            Alarm::NotBelieved(_) => {
                tracing::error!(%signer, nonce, "{alarm}");
                metrics::counter!("colophon_not_believed_total").increment(1);
            }
        }
    }
}

/// Hands the newest attempt to the nodes.
pub(super) async fn hand_over(chain: &dyn Chain, under_way: &UnderWay) -> Result<(), SendRefusal> {
    let Some(newest) = under_way.attempts.last() else { return Ok(()) };
    crash_point!("send.begun");
    let answer = chain.send(&newest.signed.raw).await;
    crash_point!("send.answered");
    if under_way.attempts.len() > 1 {
        crash_point!("bump.sent");
    }
    answer
}

/// Whether a node answered, whatever it said of the transaction.
pub(super) fn is_heard(answer: &Result<(), SendRefusal>) -> bool {
    answer.as_ref().err().is_none_or(SendRefusal::is_of_the_transaction)
}

/// The end of a transaction is in the books.
fn ended_committed(ending: &Ending) {
    match ending {
        Ending::Confirmed(..) => crash_point!("confirmed.committed"),
        Ending::Reverted(_) => crash_point!("reverted.committed"),
        Ending::Displaced => crash_point!("displaced.committed"),
    }
}
