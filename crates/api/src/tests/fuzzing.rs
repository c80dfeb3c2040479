//! Fuzzing as an ordinary test: a corpus that is checked in, and for some seconds what seeded mutations make of it.
//!
//! The corpus of `name` is the folder `crates/api/fuzz/name/`, one input a file. `COLOPHON_TEST_FUZZ_SECONDS` says how
//! long (5; `make prove-sales` takes 60), `COLOPHON_TEST_SEED` which mutations (1). An input that breaks the
//! property is told byte for byte, so that it can join the corpus.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The longest input that mutations make, in bytes. Longer ones stand in the corpus.
const LONGEST: usize = 16 * 1024;
/// Accepted inputs that are kept to be mutated further.
const KEPT: usize = 512;

/// What a target made of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accepted,
    Refused,
}

impl Verdict {
    pub(crate) fn of<T, E>(result: &Result<T, E>) -> Self {
        if result.is_ok() { Self::Accepted } else { Self::Refused }
    }
}

/// Something that takes in foreign bytes.
pub(crate) struct Target<'a> {
    /// Names its corpus.
    pub(crate) name: &'a str,
    /// Pieces of its language, which mutations put in.
    pub(crate) dictionary: &'a [&'a str],
    /// Takes an input in and panics where a property does not hold.
    pub(crate) judge: &'a dyn Fn(&[u8]) -> Verdict,
}

/// Judges the whole corpus, which must hold inputs of both kinds, and then mutations of it until the time is over.
pub(crate) fn fuzz(target: &Target<'_>) {
    let corpus = corpus(target.name);
    let verdicts: Vec<_> = corpus.iter().map(|input| judge(target, input)).collect();
    for kind in [Verdict::Accepted, Verdict::Refused] {
        assert!(verdicts.contains(&kind), "{}: no input of the corpus is {kind:?}", target.name);
    }
    let until = Instant::now() + Duration::from_secs(setting("COLOPHON_TEST_FUZZ_SECONDS", 5));
    let (judged, accepted) =
        mutate(target, corpus, setting("COLOPHON_TEST_SEED", 1), || Instant::now() < until);
    println!("{}: {judged} mutated inputs, {accepted} of them accepted", target.name);
}

/// Mutates while `goes_on`; tells how many inputs were judged and accepted.
fn mutate(target: &Target<'_>, mut pool: Vec<Vec<u8>>, seed: u64, goes_on: impl Fn() -> bool) -> (u64, u64) {
    let mut chance = StdRng::seed_from_u64(seed);
    let (born, mut judged, mut accepted) = (pool.len(), 0, 0);
    while goes_on() {
        let input = mutant(&mut chance, &pool, target.dictionary);
        judged += 1;
        if judge(target, &input) == Verdict::Accepted {
            accepted += 1;
            if pool.len() < born + KEPT {
                pool.push(input);
            } else {
                let place = born + chance.random_range(0..KEPT);
                pool[place] = input;
            }
        }
    }
    (judged, accepted)
}

fn judge(target: &Target<'_>, input: &[u8]) -> Verdict {
    catch_unwind(AssertUnwindSafe(|| (target.judge)(input))).unwrap_or_else(|panic| {
        println!("{}: this input fails: b\"{}\"", target.name, input.escape_ascii());
        resume_unwind(panic)
    })
}

/// One of the pool after one to eight changes.
fn mutant(chance: &mut StdRng, pool: &[Vec<u8>], dictionary: &[&str]) -> Vec<u8> {
    let mut input = pool[chance.random_range(0..pool.len())].clone();
    for _ in 0..chance.random_range(1..=8) {
        let from = chance.random_range(0..=input.len());
        let to = (from + chance.random_range(0..=16)).min(input.len());
        match chance.random_range(0..8) {
            0 if from < input.len() => input[from] ^= 1 << chance.random_range(0..8),
            1 if from < input.len() => input[from] = chance.random(),
            2 => input.insert(from, chance.random()),
            3 => drop(input.drain(from..to)),
            4 => {
                let piece = input[from..to].to_vec();
                let place = chance.random_range(0..=input.len());
                input.splice(place..place, piece);
            }
            5 => input.truncate(from),
            6 if !dictionary.is_empty() => {
                let piece = dictionary[chance.random_range(0..dictionary.len())];
                input.splice(from..to, piece.bytes());
            }
            _ => {
                let other = &pool[chance.random_range(0..pool.len())];
                let start = chance.random_range(0..=other.len());
                let end = (start + chance.random_range(0..=64)).min(other.len());
                input.splice(from..to, other[start..end].iter().copied());
            }
        }
    }
    input.truncate(LONGEST);
    input
}

/// The inputs in the folder of `name`, in the order of their files' names.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).expect("an input")).collect()
}

#[expect(clippy::disallowed_methods, reason = "the test run says so in the environment")]
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[test]
fn a_reader_that_fails_now_and_then_is_found_out() {
    let careless = |input: &[u8]| {
        let text = std::str::from_utf8(input);
        assert!(!text.is_ok_and(|text| text.starts_with("0x0x")), "a careless reader");
        Verdict::of(&text)
    };
    let target = Target { name: "nothing", dictionary: &["0x"], judge: &careless };
    let left = std::cell::Cell::new(1_000_000_u64);
    let goes_on = || left.replace(left.get() - 1) > 1;
    let found = catch_unwind(AssertUnwindSafe(|| mutate(&target, vec![b"0xabcdef".to_vec()], 7, goes_on)));
    assert!(found.is_err() && left.get() > 1, "a million mutations found nothing");
}
