//! What a person reads while the demo plays: one line a step, with its time, on standard error.

use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use super::Told;

pub(super) struct Transcript {
    begun: Instant,
    last: Mutex<Instant>,
}

fn line(text: &str) {
    // Nobody reads: the demo goes on.
    let _ = writeln!(std::io::stderr(), "{text}");
}

impl Transcript {
    pub(super) fn begin() -> Self {
        let now = Instant::now();
        let transcript = Self { begun: now, last: Mutex::new(now) };
        line("Colophon: from a print to its token\n\n    time   step");
        transcript
    }

    /// A step that has just been done, with the time it took.
    pub(super) fn step(&self, name: &str, what: &str) {
        let now = Instant::now();
        let took = match self.last.lock() {
            Ok(mut last) => now.duration_since(std::mem::replace(&mut *last, now)),
            Err(_) => std::time::Duration::ZERO,
        };
        line(&format!("{:>6.2} s   {name:<12} {what}", took.as_secs_f64()));
    }

    pub(super) fn closing(&self, told: &Told, home: &Path) {
        let program = std::env::current_exe().unwrap_or_else(|_| "colophon".into());
        line(&format!(
            "{:>6.2} s   in all\n\nTo verify the token, asking the chain and the stored image alone:\n\n    {} verify {} --data-dir {}\n",
            self.begun.elapsed().as_secs_f64(),
            program.display(),
            told.token_id,
            home.display(),
        ));
    }
}
