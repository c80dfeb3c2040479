use proptest::prelude::*;

use super::Seen::{Missing, There, TooEarly};
use super::*;

#[test]
fn a_majority_is_of_the_configured() {
    assert_eq!([1, 2, 3, 4, 5].map(majority), [1, 2, 2, 3, 3]);
}

#[test]
fn the_final_height_is_the_one_that_most_have_reached() {
    let cases = [
        (vec![9], 1, Some(9)),
        (vec![9, 12, 11], 3, Some(11)),
        // A liar far ahead and a replica far behind change nothing.
        (vec![1_000_000, 12, 11], 3, Some(12)),
        (vec![0, 12, 11], 3, Some(11)),
        // One alone of three proves nothing; nor does one of two.
        (vec![12], 3, None),
        (vec![12], 2, None),
        (vec![], 1, None),
    ];
    for (told, configured, expected) in cases {
        assert_eq!(reached_by_most(told.clone(), configured), expected, "{told:?} of {configured}");
    }
}

#[test]
fn most_must_say_the_same() {
    assert_eq!(said_by_most(vec!["a"], 1), Some("a"));
    assert_eq!(said_by_most(vec!["lie", "a", "a"], 3), Some("a"));
    assert_eq!(said_by_most(vec!["lie", "a"], 3), None);
    assert_eq!(said_by_most(vec!["a", "a"], 3), Some("a"));
    assert_eq!(said_by_most::<&str>(vec![], 3), None);
}

#[test]
fn a_receipt_needs_most_and_its_absence_needs_most_and_no_contradiction() {
    let cases = [
        // As with one provider before: it is believed.
        (vec![There("r")], 1, Evidence::There("r")),
        (vec![Missing], 1, Evidence::Missing),
        (vec![There("r"), There("r"), Missing], 3, Evidence::There("r")),
        // The primary is dead, the secondary lies, the third is honest: nothing follows.
        (vec![There("lie"), There("r")], 3, Evidence::Open),
        (vec![Missing, There("r")], 3, Evidence::Open),
        (vec![There("lie"), Missing], 3, Evidence::Open),
        // A lagging replica's null is no absence.
        (vec![TooEarly, Missing], 3, Evidence::Open),
        (vec![TooEarly, TooEarly, TooEarly], 3, Evidence::Open),
        (vec![Missing, Missing, TooEarly], 3, Evidence::Missing),
        // Most know nothing of it, and one has it: it may be mined, so it is not missing.
        (vec![Missing, Missing, There("r")], 3, Evidence::Open),
        (vec![], 3, Evidence::Open),
    ];
    for (told, configured, expected) in cases {
        assert_eq!(weigh(&told, configured), expected, "{told:?} of {configured}");
    }
}

#[test]
fn the_strongest_answer_to_the_bytes_counts() {
    let busy = || Err(SendRefusal::ProviderBusy("429".to_owned()));
    let unknown = || Err(SendRefusal::Unknown("no answer".to_owned()));
    assert_eq!(strongest(vec![busy(), Ok(()), Err(SendRefusal::NonceTooLow)]), Ok(()));
    assert_eq!(strongest(vec![unknown(), Err(SendRefusal::AlreadyKnown)]), Err(SendRefusal::AlreadyKnown));
    assert_eq!(
        strongest(vec![busy(), Err(SendRefusal::InsufficientFunds), unknown()]),
        Err(SendRefusal::InsufficientFunds)
    );
    assert!(matches!(strongest(vec![]), Err(SendRefusal::Unknown(_))));
}

#[test]
fn one_liar_does_not_move_the_middle_past_the_honest() {
    assert_eq!(middle(vec![u128::MAX, 20, 10]), Some(20));
    assert_eq!(middle(vec![0, 20, 10]), Some(10));
    assert_eq!(middle(vec![30, 10]), Some(10));
    assert_eq!(middle(vec![]), None);
}

proptest! {
    /// Whatever a minority says, and in whatever order, it confirms nothing that the honest do not say.
    #[test]
    fn a_minority_of_liars_proves_nothing(
        configured in 1_usize..8,
        lies in prop::collection::vec(prop_oneof![Just(Missing), Just(TooEarly), Just(There("lie"))], 0..8),
        honest in prop::collection::vec(prop_oneof![Just(Missing), Just(TooEarly), Just(There("truth"))], 0..8),
    ) {
        let mut told: Vec<_> = lies.into_iter().take(configured - majority(configured)).collect();
        let room = configured - told.len();
        let honest: Vec<_> = honest.into_iter().take(room).collect();
        let somebody_has_it = honest.contains(&There("truth"));
        told.extend(honest);
        match weigh(&told, configured) {
            Evidence::There(said) => prop_assert_eq!(said, "truth"),
            Evidence::Missing => prop_assert!(!somebody_has_it),
            Evidence::Open => {}
        }
    }
}
