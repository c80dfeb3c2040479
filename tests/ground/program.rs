//! The program under test, as cargo built it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The program that `cargo build --release` made beside this binary.
#[must_use]
pub fn program() -> PathBuf {
    let this = std::env::current_exe().expect("the path of this binary");
    // A test binary lies one folder deeper than a program.
    let folders = this.ancestors().skip(1).take(2);
    let mut programs = folders.map(|folder| folder.join("colophon"));
    let found = programs.find(|program| program.is_file());
    found.expect("colophon beside this binary: run `cargo build --release --workspace --bin colophon` first")
}

/// The last lines of a log.
#[must_use]
pub fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

/// An address that nobody listens on at this moment.
#[must_use]
pub fn free_address() -> String {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    socket.local_addr().expect("its address").to_string()
}

/// The program without any setting of the surroundings.
#[must_use]
pub fn clean_command() -> Command {
    cleaned(Command::new(program()))
}

/// The same, as a program that outlives what a limit on the size of its files forbids: a write fails, and it goes on.
#[must_use]
pub fn clean_command_under_limits() -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(program());
    cleaned(shell)
}

#[expect(clippy::disallowed_methods, reason = "settings of the surroundings are removed here, none is read")]
fn cleaned(mut command: Command) -> Command {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("COLOPHON_")) {
        command.env_remove(name);
    }
    // Everybody in a test comes from one address.
    for name in ["FAILURES_BY_ADDRESS", "FAILURES_IN_ALL"] {
        command.env(format!("COLOPHON_THROTTLE__{name}"), "1000000");
    }
    command
}
