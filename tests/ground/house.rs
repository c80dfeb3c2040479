//! The house that a harness keeps for the program: its secrets, its settings, its commands.

use std::path::Path;
use std::process::Command;

use api::secrets::Secrets;
use catalog::chance::Chance;
use minting::signer::SigningKey;
use minting::wallet;

use crate::program::clean_command;

/// Settings by the names that the environment gives them.
pub type Settings = Vec<(&'static str, String)>;

/// Makes the secrets of a service with so many minters; gives the accounts that sign (EIP-55).
pub fn make_secrets(folder: &Path, minters: usize, chance: &dyn Chance) -> Vec<String> {
    Secrets::make_missing(folder, chance).expect("secrets");
    let mut names = ["admin", "curator", "minter", "registrar", "vault"].map(ToOwned::to_owned).to_vec();
    for number in 2..=minters {
        let name = format!("minter-{number}");
        SigningKey::generate(chance).store(folder, &name, chance).expect("a further minter");
        names.push(name);
    }
    let open = |name: &String| SigningKey::open(folder, name).expect("a keystore");
    names.iter().map(|name| wallet::checksummed(open(name).account())).collect()
}

/// The program in its folder, with these settings and no other.
#[must_use]
pub fn command(folder: &Path, settings: &Settings) -> Command {
    let mut command = clean_command();
    command.envs(settings.iter().map(|(name, value)| (*name, value)));
    command.current_dir(folder);
    command
}

/// Runs the program to its end; gives the last line of its standard output.
#[must_use]
pub fn say(folder: &Path, settings: &Settings, arguments: &[&str]) -> String {
    let output = command(folder, settings).args(arguments).output().expect("the program to run");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "colophon {}: {}\n{complaint}", arguments.join(" "), output.status);
    String::from_utf8_lossy(&output.stdout).lines().next_back().unwrap_or_default().to_owned()
}
