//! How long a process takes from its start to its first question, and to the first one of a lane at work.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The questions that only a lane at work asks.
const OF_A_LANE: [&str; 3] =
    ["eth_getTransactionCount", "eth_getTransactionReceipt", "eth_sendRawTransaction"];

/// The starts that were watched.
pub(crate) struct Restarts(Mutex<Watched>);

struct Watched {
    /// For each process: when it was started, while its first question is waited for; and the same for a lane.
    waiting: Vec<(Option<Instant>, Option<Instant>)>,
    first: Vec<Duration>,
    lane: Vec<Duration>,
}

impl Restarts {
    pub(crate) fn new(processes: usize) -> Self {
        Self(Mutex::new(Watched { waiting: vec![(None, None); processes], first: vec![], lane: vec![] }))
    }

    /// Process `index` is started now.
    pub(crate) fn launched(&self, index: usize) {
        let now = Some(Instant::now());
        self.0.lock().expect("the watch").waiting[index] = (now, now);
    }

    /// Process `index` asks something.
    pub(super) fn asked(&self, index: usize, method: &str) {
        let watched = &mut *self.0.lock().expect("the watch");
        let Some((first, lane)) = watched.waiting.get_mut(index) else { return };
        watched.first.extend(first.take().map(|since| since.elapsed()));
        if OF_A_LANE.contains(&method) {
            watched.lane.extend(lane.take().map(|since| since.elapsed()));
        }
    }

    /// The times until the first question, and until the first one of a lane, each in order.
    pub(crate) fn times(&self) -> [Vec<Duration>; 2] {
        let watched = self.0.lock().expect("the watch");
        [&watched.first, &watched.lane].map(|times| {
            let mut times = times.clone();
            times.sort();
            times
        })
    }
}
