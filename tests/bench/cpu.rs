//! Who used the processor: the service, the node, and we who measure. From `/proc`; nothing where there is none.

use serde_json::{Value, json};

/// Ticks of a second in `/proc/PID/stat`, as Linux shows them to everybody.
const TICKS: f64 = 100.0;

/// Processor seconds of a process so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Used {
    service: f64,
    node: f64,
    ours: f64,
}

/// What these processes have used so far.
pub(crate) fn used(service: u32, node: u32) -> Used {
    Used { service: seconds(service), node: seconds(node), ours: seconds(std::process::id()) }
}

fn seconds(id: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // The name in brackets may hold spaces; utime and stime are the 12th and 13th field behind it.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS
}

impl Used {
    /// Shares of one core since `before`, over so many seconds.
    pub(crate) fn shares_since(self, before: Self, seconds: f64) -> Value {
        let share = |now: f64, then: f64| super::median::rounded((now - then) / seconds.max(0.001));
        json!({
            "service": share(self.service, before.service),
            "node": share(self.node, before.node),
            "generator": share(self.ours, before.ours),
        })
    }
}
