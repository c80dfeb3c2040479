//! Random histories of a small edition: events told twice, shuffled, delayed and out of order, racing the chain and the clock.
//!
//! `COLOPHON_TEST_HISTORIES` says how many; `make prove-sales` takes a hundred thousand.

use std::collections::BTreeMap;
use std::sync::Mutex;

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use super::world::{Fault, World};
use crate::config::OpenOn;

type History = Vec<(u8, u8, u8)>;

#[expect(clippy::disallowed_methods, reason = "the test run says how many in the environment")]
fn histories() -> u32 {
    let given = std::env::var("COLOPHON_TEST_HISTORIES").ok();
    given.map_or(5_000, |number| number.parse().expect("COLOPHON_TEST_HISTORIES is a number"))
}

/// Lives through a history and drains it; tells which law was broken.
fn live(history: &History, fault: Fault) -> Result<World, String> {
    let settle_early = history.first().is_some_and(|(_, place, _)| place % 2 == 0);
    let open_on = match history.first() {
        Some((_, _, 0..100)) => OpenOn::Sale,
        Some((_, _, 100..130)) => OpenOn::Delivery,
        _ => OpenOn::Shipment,
    };
    let mut world = World::new(3, settle_early, open_on, fault);
    for (what, place, when) in history {
        world.step(*what, *place, *when)?;
    }
    world.drain()?;
    Ok(world)
}

fn steps() -> impl Strategy<Value = History> {
    vec((any::<u8>(), any::<u8>(), any::<u8>()), 0..160)
}

fn run(cases: u32, seen: &Mutex<BTreeMap<&'static str, usize>>) -> Result<(), TestError<History>> {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    TestRunner::new(config).run(&steps(), |history| {
        let world = live(&history, Fault::None).map_err(TestCaseError::fail)?;
        let mut seen = seen.lock().expect("the counts");
        for (what, count) in world.seen {
            *seen.entry(what).or_default() += count;
        }
        Ok(())
    })
}

#[test]
fn random_histories_keep_every_law() {
    let (seen, histories) = (Mutex::default(), histories());
    if let Err(broken) = run(histories, &seen) {
        panic!("{broken}");
    }
    let seen = seen.into_inner().expect("the counts");
    println!("{histories} histories: {seen:?}");
    for what in [
        "sold",
        "sold again",
        "redeemed",
        "told again",
        "voided",
        "void came too late",
        "flagged",
        "surrendered",
        "issued again",
        "settled early",
        "redeemed into safekeeping",
        "released",
        "given up by the vault",
    ] {
        let count = seen.get(what).copied().unwrap_or_default();
        assert!(count > 0, "in {histories} histories nothing was ever {what}: {seen:?}");
    }
}

/// The oracle is worth something: each law fails where it is broken.
#[test]
fn a_house_that_breaks_a_law_is_found_out() {
    let cases = [
        (Fault::ForgetVoid, "and its token lives unsettled"),
        (Fault::ForgetClaim, "the claim of an undone sale stands"),
        (Fault::FreeAtRefund, "for sale and not in the house"),
        (Fault::FreeBeforeVoid, "for sale and has a living token"),
        (Fault::VoidTwice, "was asked twice"),
        (Fault::LoseSheet, "sales have a right to it"),
        (Fault::ForgetFlag, "bears no flag"),
        (Fault::ForgetRelease, "a claim is released and its token not"),
        (Fault::SeizeSafekept, "was taken away"),
    ];
    for (fault, law) in cases {
        assert!(breaks(fault, law), "{fault:?} was not found out");
    }
}

/// Looks for a history in which `fault` breaks that very law.
fn breaks(fault: Fault, law: &str) -> bool {
    let config =
        Config { cases: 10_000, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    let found = TestRunner::new(config).run(&steps(), |history| match live(&history, fault) {
        Err(broken) if broken.contains(law) => Err(TestCaseError::fail(broken)),
        _ => Ok(()),
    });
    found.is_err()
}

/// Without the contract's own guard, a house that frees sheets too early gives one of them two living tokens.
#[test]
fn two_living_tokens_are_found_out() {
    assert!(breaks(Fault::FreeBeforeVoidUnguarded, "two living tokens"));
}

/// A token left the vault and was given up by its buyer before the books had heard that it left, and its sale was undone:
/// the claim was void, as if the token had never left.
#[test]
fn a_token_that_left_the_vault_and_was_given_up_at_once_was_released() {
    let history = [
        (81, 0, 0),
        (78, 0, 0),
        (170, 144, 0),
        (172, 0, 0),
        (211, 0, 5),
        (78, 0, 0),
        (125, 0, 59),
        (16, 0, 0),
        (147, 6, 0),
        (203, 0, 70),
        (0, 0, 0),
        (199, 0, 0),
        (18, 0, 0),
        (0, 0, 0),
        (0, 0, 0),
        (70, 0, 0),
        (24, 179, 1),
        (94, 0, 0),
        (173, 0, 0),
        (153, 0, 32),
        (178, 0, 0),
    ];
    assert_eq!(live(&history.to_vec(), Fault::None).err(), None);
}
