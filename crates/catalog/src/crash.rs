//! Places where a process may be made to die, for tests. In builds without the feature `failpoints` they are nothing.
//!
//! `crash_point!("bind.committed")` names the place. A test starts the program with `FAILPOINTS=bind.committed=abort`,
//! which ends it there as a power cut would (`abort@3` at the third time); `1*panic`, `sleep(1000)` and the other words are those of the crate `fail`.

/// Names a place where a crash matters.
#[macro_export]
macro_rules! crash_point {
    ($name:literal) => {
        $crate::crash::reach($name)
    };
}

/// Nothing happens here.
#[cfg(not(feature = "failpoints"))]
#[doc(hidden)]
#[inline(always)]
pub const fn reach(_: &'static str) {}

#[cfg(feature = "failpoints")]
pub use armed::{OddFailpoint, arm, reach};

#[cfg(feature = "failpoints")]
mod armed {
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A text that does not say what is to happen where.
    #[derive(Debug, thiserror::Error)]
    #[error("FAILPOINTS holds `{entry}`: {problem}")]
    pub struct OddFailpoint {
        entry: String,
        problem: String,
    }

    /// Does what the process was told to do here.
    #[doc(hidden)]
    pub fn reach(name: &'static str) {
        fail::fail_point!(name);
    }

    fn die_at(name: &str, time: &str) -> Result<(), String> {
        let time = if time.is_empty() { "1" } else { time };
        let time: usize = time.parse().map_err(|_| "not abort@TIME".to_owned())?;
        let times = AtomicUsize::new(0);
        fail::cfg_callback(name, move || {
            if times.fetch_add(1, Ordering::Relaxed) + 1 >= time {
                std::process::abort();
            }
        })
    }

    /// Takes in what is to happen where: `bind=abort;schema.step=abort@3;lease.taken=1*panic`.
    pub fn arm(plan: &str) -> Result<(), OddFailpoint> {
        for entry in plan.split(';').filter(|entry| !entry.is_empty()) {
            let odd = |problem: String| OddFailpoint { entry: entry.to_owned(), problem };
            let (name, action) = entry.split_once('=').ok_or_else(|| odd("not NAME=ACTION".to_owned()))?;
            match action.strip_prefix("abort") {
                Some(time) => die_at(name, time.trim_start_matches('@')),
                None => fail::cfg(name, action),
            }
            .map_err(odd)?;
        }
        Ok(())
    }
}
