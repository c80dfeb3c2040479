//! The settings of events out.

use std::time::Duration;

use serde::Deserialize;

use super::{DAY, SettingError, within};
use crate::config::OutboxSettings;
use crate::outbox::endpoint_url::Reach;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOutbox {
    allow_loopback: bool,
    timeout_seconds: u64,
    retry_seconds: Vec<u64>,
    disable_after_days: u64,
}

impl RawOutbox {
    pub(super) fn check(self) -> Result<OutboxSettings, SettingError> {
        let pause = |seconds| within("outbox.retry_seconds", seconds, 1..=7 * DAY).map(Duration::from_secs);
        let schedule: Vec<_> = self.retry_seconds.into_iter().map(pause).collect::<Result<_, _>>()?;
        if schedule.is_empty() || schedule.len() > 50 {
            return Err(SettingError::new("outbox.retry_seconds", "must name 1 to 50 pauses"));
        }
        let days: u64 = within("outbox.disable_after_days", self.disable_after_days, 1..=365)?;
        Ok(OutboxSettings {
            reach: if self.allow_loopback { Reach::PublicAndLoopback } else { Reach::Public },
            timeout: within("outbox.timeout_seconds", self.timeout_seconds, 1..=60)
                .map(Duration::from_secs)?,
            schedule,
            disable_after: Duration::from_secs(days * DAY),
        })
    }
}
