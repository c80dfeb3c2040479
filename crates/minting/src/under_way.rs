//! A transaction whose end is not known, as a machine without I/O: `(state, event) → (state, actions)`.
//!
//! [`crate::pipeline`] performs the actions, writes the books under the lane's fence, and turns what comes of them
//! into the next event. The model in the tests does the same, with crashes, stale processes, and a chain that drops,
//! reorders, reorganizes and lies.
//!
//! *Invariant: bytes before wire.* An attempt is sent only after [`Event::Stored`] said that it is in the books.
//!
//! *Invariant: one nonce, one list of calls.* Whatever a node answers, the same bytes are sent again or the same calls
//! at the same nonce for a higher fee. No event of this machine asks for another nonce.

use std::time::Duration;

use catalog::clock::Timestamp;

use crate::attempt::{self, Attempt};
use crate::call::Member;
use crate::chain::FeeHistory;
use crate::ending::{Ended, Ending, FirstMints, NotBelieved, ends};
use crate::fees::{self, AboveCap, FeePolicy, Fees};
use crate::purse::CannotPay;
use crate::send_error::SendRefusal;
use crate::transaction::{Finding, Inclusion, Sighting, Signed, Transaction, TransactionState, judge};

/// A transaction under way and the bytes that were signed for it, those that pay most last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnderWay {
    /// The transaction.
    pub transaction: Transaction,
    /// Its attempts.
    pub attempts: Vec<Attempt>,
}

/// What the machine goes by.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Bounds on fees.
    pub fees: FeePolicy,
    /// Bytes without a receipt are sent again after this.
    pub resend_after: Duration,
    /// Bytes that the nodes' pools do not count are sent again after this.
    pub resend_missing_after: Duration,
    /// A transaction without a receipt gets a higher fee after this.
    pub bump_after: Duration,
}

impl Rules {
    /// Whether a visit would find nothing to do for bytes that the nodes count among what waits.
    #[must_use]
    pub fn are_at_rest(&self, now: Timestamp, signed_at: Timestamp, last_send: LastSend) -> bool {
        last_send.taken
            && !now.is_over(last_send.at, self.resend_after)
            && !now.is_over(signed_at, self.bump_after)
    }
}

/// A look at the transaction by a process that works its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visit {
    /// When.
    pub now: Timestamp,
    /// What this process remembers of handing the newest attempt to a node. Memory only spares questions.
    pub last_send: Option<LastSend>,
    /// Whether the nodes' count of the signer's transactions, with those that wait, ends before this one: it was
    /// dropped, or one before it was.
    pub is_missing: bool,
}

/// The last time that a process handed an attempt to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastSend {
    /// When.
    pub at: Timestamp,
    /// Whether the node found the fee too low.
    pub underpriced: bool,
    /// Whether it took the bytes, or had them.
    pub taken: bool,
}

impl LastSend {
    /// What is remembered of an attempt that was handed over at that moment and answered so.
    #[must_use]
    pub fn answered(at: Timestamp, answer: &Result<(), SendRefusal>) -> Self {
        Self {
            at,
            underpriced: answer.as_ref().is_err_and(SendRefusal::is_underpriced),
            taken: matches!(answer, Ok(()) | Err(SendRefusal::AlreadyKnown)),
        }
    }
}

/// What happened, as the machine is told.
#[derive(Debug, Clone)]
pub enum Event {
    /// A process looks at it.
    Visited(Visit),
    /// The market was asked for on that visit.
    Priced(Visit, FeeHistory),
    /// An attempt is in the books. What it carries is fixed from the first one on.
    Stored(Signed, Attempt),
    /// The attempt was not signed: nobody can pay for it now.
    Unpaid(Visit, CannotPay),
    /// A node was handed the newest attempt and answered, or did not.
    Answered(Result<(), SendRefusal>),
    /// The chain was asked for our attempts.
    Sighted(Sighting),
    /// What was needed to write an end was read.
    Weighed(Ending, Vec<Member>, FirstMints),
}

/// What is to be done. At most the last action of a step leads to a further event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Ask what the last blocks cost; leads to [`Event::Priced`].
    AskMarket(Visit),
    /// Sign at the nonce for these fees and commit the bytes; leads to [`Event::Stored`] or [`Event::Unpaid`].
    Store(Fees),
    /// Hand the newest attempt to the nodes; leads to [`Event::Answered`].
    Send,
    /// Write that a node may have the bytes.
    MarkLive,
    /// Write that an attempt is in a block, or in another one than before.
    MarkIncluded(Inclusion),
    /// Write that a reorg took it out of its block.
    MarkFellOut,
    /// Read its calls and the first mints that they need; leads to [`Event::Weighed`].
    Weigh(Ending),
    /// Write the end of the transaction and of each call that it carried.
    End(Ending, Vec<Ended>),
    /// Tell the operator.
    Alarm(Alarm),
}

/// What an operator should know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Alarm {
    /// Unsigned, and to be signed when the market allows.
    #[error("parked: {0}")]
    Parked(AboveCap),
    /// Signed, and not to be offered more for.
    #[error("fee cap reached: held as it is")]
    HeldAtCap,
    /// Unsigned, or held as it is, until it can be paid for.
    #[error("waits for money: {0}")]
    Unpaid(CannotPay),
    /// The node did not take it.
    #[error("not sent: {0}")]
    NotSent(SendRefusal),
    /// A reorg took it out of its block.
    #[error("a reorg took it out of its block")]
    FellOut,
    /// It reverted as a whole.
    #[error("reverted as a whole")]
    Reverted,
    /// Another transaction has its nonce.
    #[error("displaced by another transaction")]
    Displaced,
    /// What the node says cannot be.
    #[error("not believed: {0}")]
    NotBelieved(NotBelieved),
}

/// The next state and what is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The state after the event.
    pub under_way: UnderWay,
    /// What is to be done, in this order.
    pub actions: Vec<Action>,
}

impl UnderWay {
    /// What `event` makes of the transaction.
    #[must_use]
    pub fn step(mut self, event: Event, rules: &Rules) -> Step {
        let actions = match event {
            Event::Visited(visit) => self.visited(visit, rules),
            Event::Priced(visit, history) => self.priced(visit, history, rules),
            Event::Stored(signed, attempt) => self.stored(signed, attempt),
            Event::Unpaid(visit, reason) => self.unpaid(visit, reason, rules),
            Event::Answered(answer) => self.answered(answer),
            Event::Sighted(sighting) => self.sighted(sighting),
            Event::Weighed(ending, members, first_mints) => self.weighed(ending, members, &first_mints),
        };
        Step { under_way: self, actions }
    }

    fn visited(&self, visit: Visit, rules: &Rules) -> Vec<Action> {
        match &self.transaction.state {
            TransactionState::Bound => vec![Action::AskMarket(visit)],
            TransactionState::Signed(_) | TransactionState::Live(_) if self.is_due_a_bump(visit, rules) => {
                vec![Action::AskMarket(visit)]
            }
            TransactionState::Signed(_) | TransactionState::Live(_) => Self::send_again(visit, rules),
            // It is in a block, or over.
            TransactionState::Included(..)
            | TransactionState::Confirmed(_)
            | TransactionState::RevertedConfirmed(_)
            | TransactionState::Displaced => vec![],
        }
    }

    fn priced(&self, visit: Visit, history: FeeHistory, rules: &Rules) -> Vec<Action> {
        let newest = self.attempts.last();
        match (&self.transaction.state, newest) {
            (TransactionState::Bound, _) => match fees::quote(history, rules.fees) {
                Ok(fees) => vec![Action::Store(fees)],
                Err(above) => vec![Action::Alarm(Alarm::Parked(above))],
            },
            (TransactionState::Signed(_) | TransactionState::Live(_), Some(newest)) => {
                if let Some(fees) = fees::bump(newest.fees, history, rules.fees) {
                    return vec![Action::Store(fees)];
                }
                let mut actions = vec![Action::Alarm(Alarm::HeldAtCap)];
                actions.extend(Self::send_again(visit, rules));
                actions
            }
            _ => vec![],
        }
    }

    /// What is signed is held as it is, and sent again; what is not waits.
    fn unpaid(&self, visit: Visit, reason: CannotPay, rules: &Rules) -> Vec<Action> {
        let mut actions = vec![Action::Alarm(Alarm::Unpaid(reason))];
        if matches!(self.transaction.state, TransactionState::Signed(_) | TransactionState::Live(_)) {
            actions.extend(Self::send_again(visit, rules));
        }
        actions
    }

    fn is_due_a_bump(&self, visit: Visit, rules: &Rules) -> bool {
        let Some(newest) = self.attempts.last() else { return false };
        let underpriced = visit.last_send.is_some_and(|last| last.underpriced);
        let patience = if underpriced { rules.resend_after } else { rules.bump_after };
        self.attempts.len() < attempt::MOST && visit.now.is_over(newest.signed_at, patience)
    }

    fn send_again(visit: Visit, rules: &Rules) -> Vec<Action> {
        // What a node refuses is missing for that reason, and is not pressed upon it.
        let was_taken = visit.last_send.is_some_and(|last| last.taken);
        let pause =
            if visit.is_missing && was_taken { rules.resend_missing_after } else { rules.resend_after };
        let recently = |last: LastSend| !visit.now.is_over(last.at, pause);
        if visit.last_send.is_some_and(recently) { vec![] } else { vec![Action::Send] }
    }

    fn stored(&mut self, signed: Signed, attempt: Attempt) -> Vec<Action> {
        if self.transaction.state == TransactionState::Bound {
            self.transaction.state = TransactionState::Signed(signed);
        }
        self.attempts.push(attempt);
        vec![Action::Send]
    }

    /// Every answer leaves the bytes standing: receipts alone decide.
    fn answered(&mut self, answer: Result<(), SendRefusal>) -> Vec<Action> {
        let mut actions = vec![];
        if let Err(refusal) = answer
            && refusal.needs_an_operator()
        {
            actions.push(Action::Alarm(Alarm::NotSent(refusal)));
        }
        if let TransactionState::Signed(signed) = &self.transaction.state {
            self.transaction.state = TransactionState::Live(signed.clone());
            actions.push(Action::MarkLive);
        }
        actions
    }

    fn sighted(&mut self, sighting: Sighting) -> Vec<Action> {
        match judge(&self.transaction.state, self.transaction.nonce, sighting) {
            Finding::Unchanged => vec![],
            Finding::Included(inclusion) => {
                let Some(signed) = self.transaction.state.signed().cloned() else { return vec![] };
                self.transaction.state = TransactionState::Included(signed, inclusion);
                vec![Action::MarkIncluded(inclusion)]
            }
            Finding::FellOut => {
                let Some(signed) = self.transaction.state.signed().cloned() else { return vec![] };
                self.transaction.state = TransactionState::Live(signed);
                vec![Action::Alarm(Alarm::FellOut), Action::MarkFellOut]
            }
            Finding::Over(ending) => vec![Action::Weigh(ending)],
        }
    }

    fn weighed(&mut self, ending: Ending, members: Vec<Member>, first_mints: &FirstMints) -> Vec<Action> {
        let ended = match ends(&ending, members, first_mints) {
            Ok(ended) => ended,
            Err(lie) => return vec![Action::Alarm(Alarm::NotBelieved(lie))],
        };
        let (state, alarm) = match &ending {
            Ending::Confirmed(inclusion, _) => (TransactionState::Confirmed(*inclusion), None),
            Ending::Reverted(inclusion) => {
                (TransactionState::RevertedConfirmed(*inclusion), Some(Alarm::Reverted))
            }
            Ending::Displaced => (TransactionState::Displaced, Some(Alarm::Displaced)),
        };
        self.transaction.state = state;
        alarm.map(Action::Alarm).into_iter().chain([Action::End(ending, ended)]).collect()
    }
}

#[cfg(test)]
mod flips;
#[cfg(test)]
mod histories;
#[cfg(test)]
mod house;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
