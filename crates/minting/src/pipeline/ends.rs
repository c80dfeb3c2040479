//! Writes how calls ended: the calls, their tokens and the events.

use catalog::crash_point;
use catalog::db::Tx;
use catalog::journal::{self, Occasion};

use super::{Lane, PassError};
use crate::call::CallId;
use crate::ending::{CallEnd, Ended};
use crate::event::MintingEvent;
use crate::store;
use crate::token::TokenId;
use crate::transaction::Inclusion;

impl Lane {
    /// Writes what became of calls; those of a group that ended alike share their statements.
    pub(super) async fn write_ends(
        &self,
        tx: &mut Tx,
        occasion: &Occasion<'_>,
        inclusion: Option<&Inclusion>,
        ended: &[Ended],
    ) -> Result<(), PassError> {
        for ended in ended.chunk_by(are_alike) {
            let Some(Ended { end, .. }) = ended.first() else { continue };
            match (end, end.as_str()) {
                (CallEnd::Again { reason, spoiled }, _) => {
                    self.requeue(tx, occasion, ended, reason, *spoiled).await?;
                }
                (_, Some(state)) => end_alike(tx, occasion, inclusion, ended, state).await?,
                (_, None) => {}
            }
        }
        Ok(())
    }

    async fn requeue(
        &self,
        tx: &mut Tx,
        occasion: &Occasion<'_>,
        calls: &[Ended],
        reason: &str,
        spoiled: bool,
    ) -> Result<(), PassError> {
        let now = occasion.at;
        let not_before = now.plus(self.pipeline.settings.park);
        for Ended { call_id, call, .. } in calls {
            store::requeue_call(tx, call_id, reason, not_before, spoiled, now).await?;
            let (call_id, business_key) = (call_id.clone(), call.business_key());
            let event = MintingEvent::CallRequeued { call_id, business_key, reason: reason.to_owned() };
            journal::append(tx, occasion, &event)?;
            crash_point!("call.requeued");
        }
        Ok(())
    }
}

fn are_alike(one: &Ended, other: &Ended) -> bool {
    one.end == other.end && one.token_state() == other.token_state()
}

async fn end_alike(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    inclusion: Option<&Inclusion>,
    ended: &[Ended],
    state: &'static str,
) -> Result<(), PassError> {
    let Some(first) = ended.first() else { return Ok(()) };
    let reason = first.end.reason();
    let call_ids: Vec<&CallId> = ended.iter().map(|ended| &ended.call_id).collect();
    store::end_calls(tx, &call_ids, state, reason, occasion.at).await?;
    if let Some(token_state) = first.token_state() {
        let token_ids: Vec<TokenId> = ended.iter().filter_map(|ended| ended.call.token_id()).collect();
        store::set_token_states(tx, &token_ids, token_state, occasion.at).await?;
    }
    let event = |Ended { call_id, call, .. }: &Ended| {
        let reason = reason.map(ToOwned::to_owned);
        MintingEvent::call_ended(call_id.clone(), call.business_key(), state, reason, inclusion)
    };
    let events: Vec<MintingEvent> = ended.iter().map(event).collect();
    journal::append_all(tx, occasion, &events)?;
    crash_point!("call.ended");
    let kind = first.call.kind().as_str();
    let count = u64::try_from(ended.len()).unwrap_or(u64::MAX);
    metrics::counter!("colophon_calls_ended_total", "kind" => kind, "state" => state).increment(count);
    Ok(())
}
