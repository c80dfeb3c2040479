//! The walk-through of the README works word for word.

use std::process::Command;

use crate::harness::app::TestApp;
use crate::harness::database::on_sqlite;

/// The commands of the README's walk-through.
fn walk_through() -> String {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once("```sh\n").expect("a block of commands");
    let (commands, _) = rest.split_once("\n```").expect("its end");
    commands.to_owned()
}

#[test]
fn the_walk_through_works_word_for_word() {
    on_sqlite(|db| async move {
        let app = TestApp::start(&db).await;
        let commands = walk_through();
        let base = "BASE=http://127.0.0.1:8020\n";
        assert!(commands.starts_with(base), "the walk-through begins with the address");
        // Word for word but for the address, which here is a free port.
        let commands = commands.replacen(base, &format!("BASE={}\n", app.url()), 1);
        let mut shell = Command::new("bash");
        shell.args(["-e", "-u", "-o", "pipefail", "-c", &commands]);
        app.surround(&mut shell);
        let output = shell.output().expect("bash to run");
        let said = String::from_utf8_lossy(&output.stdout);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}\n{said}\n{complaint}", output.status);
        assert!(said.contains("\"progress\":\"recorded\""), "{said}");
    });
}
