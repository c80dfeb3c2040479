//! `catalog ← minting ← api ← tests`: no other edge, no cycle, no fifth crate.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use cargo_metadata::{Metadata, MetadataCommand};

/// Each member and the members that it names. A crate that is not here may not exist.
const MEMBERS: [(&str, &[&str]); 4] = [
    ("catalog", &[]),
    ("minting", &["catalog"]),
    ("api", &["catalog", "minting"]),
    ("tests", &["api", "catalog", "minting"]),
];

/// What a member must not name, and why.
const BANS: [(&str, &[&str], &str); 3] = [
    (
        "catalog",
        &["axum", "alloy", "reqwest"],
        "the catalog speaks neither HTTP nor to a chain: that belongs in api or minting",
    ),
    ("api", &["alloy"], "api takes chain types that minting re-exports as its own"),
    (
        "tests",
        &["alloy"],
        "tests see the chain as a client does: through minting, JSON-RPC or ethers in JavaScript",
    ),
];

fn metadata() -> Metadata {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    MetadataCommand::new().manifest_path(manifest).no_deps().exec().expect("cargo metadata to answer")
}

/// Each member with all that its manifest names, whether for the program, for its build or for its tests.
fn named() -> BTreeMap<String, BTreeSet<String>> {
    let name_all = |package: &cargo_metadata::Package| {
        (package.name.to_string(), package.dependencies.iter().map(|named| named.name.clone()).collect())
    };
    metadata().workspace_packages().into_iter().map(name_all).collect()
}

#[test]
fn the_members_are_catalog_minting_api_and_tests() {
    let members: BTreeSet<_> = named().into_keys().collect();
    let expected = MEMBERS.map(|(member, _)| member.to_owned());
    assert_eq!(
        members,
        BTreeSet::from(expected),
        "a further crate has no place here: what has a noun has a module"
    );
}

#[test]
fn members_name_each_other_in_one_direction_only() {
    let members: BTreeSet<_> = MEMBERS.map(|(member, _)| member.to_owned()).into();
    for (member, named) in named() {
        let (_, allowed) = MEMBERS.iter().find(|(known, _)| *known == member).expect("a known member");
        for sibling in named.intersection(&members) {
            assert!(
                allowed.contains(&sibling.as_str()),
                "crates/{member} must not name {sibling}: catalog <- minting <- api <- tests is the only direction"
            );
        }
    }
}

#[test]
fn no_member_names_what_another_member_is_the_door_to() {
    let named = named();
    for (member, banned, why) in BANS {
        for name in &named[member] {
            let family = |banned: &&&str| name == **banned || name.starts_with(&format!("{banned}-"));
            let found = banned.iter().find(family);
            assert!(found.is_none(), "crates/{member}/Cargo.toml must not name {name}: {why}");
        }
    }
}

#[test]
fn nobody_names_ethers() {
    for (member, named) in named() {
        let ethers = named.iter().find(|name| *name == "ethers" || name.starts_with("ethers-"));
        assert_eq!(
            ethers, None,
            "crates/{member} must not name it: see docs/decisions/0002-alloy-in-the-place-of-ethers.md"
        );
    }
}

#[test]
fn no_build_dies_on_purpose_unless_it_was_asked_to() {
    let mut tree = Command::new(env!("CARGO"));
    tree.args([
        "tree",
        "--locked",
        "--offline",
        "--workspace",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
    ]);
    let told =
        tree.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).output().expect("cargo tree to run");
    let packages = String::from_utf8_lossy(&told.stdout);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert!(packages.lines().any(|package| package.starts_with("api ")), "{packages}");
    assert!(
        !packages.lines().any(|package| package.starts_with("fail ")),
        "the feature `failpoints` must not be a default of any member: it belongs to tests alone"
    );
}

#[test]
fn every_member_takes_the_lints_of_the_workspace() {
    for package in metadata().workspace_packages() {
        let manifest = std::fs::read_to_string(&package.manifest_path).expect("a manifest");
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{} must say `[lints] workspace = true`",
            package.manifest_path
        );
    }
}
