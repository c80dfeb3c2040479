//! A return-window policy as JSON: by which rules a sale lives, and in which words buyers are told of them.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::policy::Policy;

/// The policy of the day on which a sale was made. It stays that sale's, whatever holds later.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PolicyView {
    /// The event that opens the claim: `sale`, `shipment` or `delivery`.
    opens_on: &'static str,
    /// Days after delivery in which the buyer may ask for a return.
    window_days: u64,
    /// Days that a return takes.
    processing_days: u64,
    /// Days of the longest transit, counted while no delivery is known.
    transit_days: u64,
    /// The wording profile: in which words pages speak of all this.
    #[schema(example = "standard")]
    wording: String,
}

impl PolicyView {
    pub(crate) fn of(policy: &Policy) -> Self {
        let days = |time: Duration| time.as_secs() / 86_400;
        Self {
            opens_on: policy.open_on.as_str(),
            window_days: days(policy.returns.window),
            processing_days: days(policy.returns.processing),
            transit_days: days(policy.returns.transit),
            wording: policy.wording.as_str().to_owned(),
        }
    }
}
