//! One door for each outside thing, files that are one idea, and names that mean something.

use std::path::{Path, PathBuf};

/// Files past 400 lines that may be: each with its reason.
const LONG_FILES: [(&str, &str); 0] = [];

/// Words that say nothing about what a file holds.
const EMPTY_NAMES: [&str; 7] = ["utils", "common", "helpers", "types", "models", "services", "manager"];

/// Files that decide without I/O: they name neither a store, nor a chain, nor a database, nor a runtime.
const PURE: [&str; 26] = [
    "catalog/src/account.rs",
    "catalog/src/artwork.rs",
    "catalog/src/chance.rs",
    "catalog/src/clock.rs",
    "catalog/src/colophon.rs",
    "catalog/src/digest.rs",
    "catalog/src/edition.rs",
    "catalog/src/ids.rs",
    "catalog/src/image.rs",
    "catalog/src/impression.rs",
    "catalog/src/invalid.rs",
    "catalog/src/provenance.rs",
    "catalog/src/text.rs",
    "minting/src/call.rs",
    "minting/src/fees.rs",
    "minting/src/foreign.rs",
    "minting/src/ledger.rs",
    "minting/src/metadata.rs",
    "minting/src/providers/agreement.rs",
    "minting/src/providers/health.rs",
    "minting/src/providers/identity.rs",
    "minting/src/purse.rs",
    "minting/src/send_error.rs",
    "minting/src/send_error/phrases.rs",
    "minting/src/token.rs",
    "minting/src/transaction.rs",
];

/// A thing that stands behind one door: the words that show its use, the files that may, and where to go instead.
struct Door {
    words: &'static [&'static str],
    open_to: fn(&Source) -> bool,
    instead: &'static str,
}

const DOORS: [Door; 7] = [
    Door {
        words: &["INSERT INTO ", "DELETE FROM ", "SELECT ", " SET state", "FROM sqlite_", "CREATE TABLE"],
        open_to: |source| source.is_named(&["store", "db"]),
        instead: "SQL stands in a store.rs (or store/), behind a function with a name",
    },
    Door {
        words: &["StatusCode"],
        open_to: |source| source.is_named(&["error", "routes"]),
        instead: "an error becomes an HTTP status in error.rs or in routes/",
    },
    Door {
        words: &["env::var(", "env::vars(", "env::var_os("],
        open_to: |source| source.is_named(&["config"]),
        instead: "settings come from config.rs, which alone reads the environment",
    },
    Door {
        words: &["SystemTime::now", "Timestamp::now", "Zoned::now", "Utc::now"],
        open_to: |source| source.is_named(&["clock"]),
        instead: "take the time from the Clock that you were handed",
    },
    Door {
        words: &["alloy::providers", "ProviderBuilder", "RootProvider", "DynProvider"],
        open_to: |source| source.is_named(&["rpc"]),
        instead: "JSON-RPC is spoken in minting::rpc, behind the Chain trait",
    },
    Door {
        words: &["use alloy", "alloy::"],
        open_to: |source| source.path.starts_with("minting/"),
        instead: "only minting names alloy",
    },
    Door {
        words: &["use sqlx", "sqlx::"],
        open_to: |source| source.is_named(&["store", "db"]),
        instead: "rows and drivers stay in stores and in catalog::db",
    },
];

/// A source file of a crate.
struct Source {
    /// Below `crates/`.
    path: String,
    text: String,
}

impl Source {
    /// Whether the file is `NAME.rs`, or stands in a folder `NAME/`.
    fn is_named(&self, names: &[&str]) -> bool {
        Path::new(&self.path)
            .with_extension("")
            .components()
            .any(|part| names.iter().any(|name| part.as_os_str() == *name))
    }

    /// Its lines with their numbers, without comments, and without the tests at its end.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let tests = |line: &str| line == "#[cfg(test)]";
        let numbered = (1..).zip(self.text.lines()).take_while(move |(_, line)| !tests(line));
        numbered.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn sources() -> Vec<Source> {
    let crates = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../crates"));
    let mut folders = vec![crates.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let below = path.strip_prefix(&crates).expect("a path below crates/");
                let text = std::fs::read_to_string(&path).expect("a source file");
                sources.push(Source { path: below.to_string_lossy().replace('\\', "/"), text });
            }
        }
    }
    assert!(sources.len() > 20, "only {} source files were found", sources.len());
    sources
}

fn assert_none(broken: &[String]) {
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn each_outside_thing_has_one_door() {
    let mut broken = Vec::new();
    // Tests look behind the doors.
    for source in sources().into_iter().filter(|source| !source.is_named(&["tests"])) {
        for door in DOORS.iter().filter(|door| !(door.open_to)(&source)) {
            for (number, line) in source.code() {
                if let Some(word) = door.words.iter().find(|word| line.contains(**word)) {
                    broken.push(format!(
                        "crates/{}:{number}: `{}`: {}",
                        source.path,
                        word.trim(),
                        door.instead
                    ));
                }
            }
        }
    }
    assert_none(&broken);
}

#[test]
fn files_that_decide_do_no_input_or_output() {
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| PURE.contains(&source.path.as_str())) {
        for (number, line) in source.code() {
            for word in ["crate::store", "crate::rpc", "sqlx", "tokio", "reqwest", "std::fs", "std::net"] {
                if line.contains(word) {
                    broken
                        .push(format!("crates/{}:{number} decides, so it must not name {word}", source.path));
                }
            }
        }
    }
    assert_none(&broken);
}

#[test]
fn minting_knows_no_sale_no_claim_and_no_http_status() {
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| source.path.starts_with("minting/src/")) {
        for (number, line) in source.code() {
            for word in ["SaleId", "ClaimId", "Buyer", "StatusCode", "FROM sales", "FROM claims"] {
                if line.contains(word) {
                    broken.push(format!("crates/{}:{number}: {word} belongs to api", source.path));
                }
            }
        }
    }
    assert_none(&broken);
}

#[test]
fn a_file_is_one_idea_of_at_most_400_lines() {
    let mut broken = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if lines > 400 && !LONG_FILES.iter().any(|(path, _)| *path == source.path) {
            broken.push(format!(
                "crates/{} has {lines} lines: split it, or move its tests to a sibling",
                source.path
            ));
        }
    }
    assert_none(&broken);
}

#[test]
fn no_file_has_a_name_that_says_nothing() {
    let mut broken = Vec::new();
    for source in sources() {
        if source.is_named(&EMPTY_NAMES) {
            broken.push(format!("crates/{}: name the noun of docs/GLOSSARY.md that it holds", source.path));
        }
    }
    assert_none(&broken);
}

/// What is not on the list is prepared by no test.
#[test]
fn every_file_of_statements_stands_in_the_list_of_its_crate() {
    let sources = sources();
    let mut broken = Vec::new();
    for source in
        sources.iter().filter(|source| source.code().any(|(_, line)| line.contains("::statements! {")))
    {
        let (folder, file) = source.path.rsplit_once('/').expect("a file in a folder");
        let list =
            sources.iter().find(|list| list.path == format!("{folder}.rs")).expect("the store's own file");
        let entry = format!("{}::STATEMENTS", file.trim_end_matches(".rs"));
        if !list.text.contains(&entry) {
            broken.push(format!("crates/{folder}.rs: add {entry} to `statements()`"));
        }
    }
    assert_none(&broken);
}
