//! ONE sheet of an edition.

use crate::edition::{EditionState, Run};
use crate::ids::{EditionId, ImpressionId};
use crate::invalid::InvalidField;

/// The place of a sheet in its edition: 1 to 9,999. The numbered run comes first, then AP, PP, HC, BAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct Serial(u16);

impl Serial {
    /// The largest serial that a token id has room for.
    pub const MAX: u16 = 9_999;

    /// The serial `number`, or none outside 1 to [`Serial::MAX`].
    #[must_use]
    pub fn new(number: u16) -> Option<Self> {
        (1..=Self::MAX).contains(&number).then_some(Self(number))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

/// Where a sheet stands in the trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImpressionState {
    /// In the house, may be sold.
    Available,
    /// Belongs to a sale, not shipped.
    Reserved,
    /// Shipped to its buyer.
    Sold,
    /// On its way back.
    InReturn,
    /// Must not be sold until somebody has looked.
    Quarantined,
    /// Taken out of the edition's trade for ever.
    Withdrawn,
}

impl ImpressionState {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Available, Self::Reserved, Self::Sold, Self::InReturn, Self::Quarantined, Self::Withdrawn];

    /// The word in the database and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Reserved => "reserved",
            Self::Sold => "sold",
            Self::InReturn => "in_return",
            Self::Quarantined => "quarantined",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The state that `word` names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether a sheet may go from this state to another. Nothing leads back from being withdrawn, and only a sheet that
    /// never left, or was looked at after its return, is available again.
    #[must_use]
    #[expect(clippy::match_same_arms, reason = "one line for each state that is left")]
    pub fn may_become(self, to: Self) -> bool {
        match (self, to) {
            (Self::Withdrawn, _) => false,
            (from, to) if from == to => false,
            (_, Self::Withdrawn) => true,
            (Self::Available, to) => matches!(to, Self::Reserved | Self::Quarantined),
            (Self::Reserved, to) => to != Self::InReturn,
            (Self::Sold, to) => matches!(to, Self::InReturn | Self::Quarantined),
            (Self::InReturn, to) => to != Self::Reserved,
            (Self::Quarantined, _) => true,
        }
    }
}

/// One sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impression {
    /// Its id.
    pub impression_id: ImpressionId,
    /// The edition it belongs to.
    pub edition_id: EditionId,
    /// Its place in the edition.
    pub serial: Serial,
    /// Its impression number as pencilled on the sheet: `7/50`, `AP II/V`.
    pub label: String,
    /// Where it stands.
    pub state: ImpressionState,
    /// Whether it is outside the house though its sale was undone.
    pub unreturned: bool,
}

/// A verb that the sheet's state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an impression that is {} cannot be {verb}", from.as_str())]
pub struct InvalidTransition {
    /// Its present state.
    pub from: ImpressionState,
    /// What was tried, as a past participle.
    pub verb: &'static str,
}

impl Impression {
    /// The sheet stands in another state from now on.
    pub fn move_to(self, to: ImpressionState) -> Result<Self, InvalidTransition> {
        if self.state.may_become(to) {
            Ok(Self { state: to, ..self })
        } else {
            Err(InvalidTransition { from: self.state, verb: to.as_str() })
        }
    }

    /// A sale takes the sheet, which must be available: other ways to `reserved` lead back to the sale that has it.
    pub fn reserve(self) -> Result<Self, InvalidTransition> {
        match self.state {
            ImpressionState::Available => Ok(Self { state: ImpressionState::Reserved, ..self }),
            from => Err(InvalidTransition { from, verb: ImpressionState::Reserved.as_str() }),
        }
    }

    /// A curator takes the sheet out of the trade for ever.
    pub fn withdraw(self) -> Result<Self, InvalidTransition> {
        self.move_to(ImpressionState::Withdrawn)
    }
}

/// The sheets of an edition in order: serial and impression number of each.
pub fn sheets(run: &Run) -> impl Iterator<Item = (Serial, String)> {
    let numbered = (1..=run.size).map(|n| format!("{n}/{}", run.size));
    let proofs = run.proofs().into_iter().flat_map(|(letters, count)| {
        (1..=count).map(move |n| match (letters, count) {
            // The bon à tirer is as a rule a single sheet, and then bears no number.
            ("BAT", 1) => "BAT".to_owned(),
            _ => format!("{letters} {}/{}", roman(n), roman(count)),
        })
    });
    (1..=Serial::MAX).map(Serial).zip(numbered.chain(proofs))
}

/// `number` in Roman numerals, as proofs are numbered.
fn roman(mut number: u16) -> String {
    const SIGNS: [(u16, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    let mut text = String::new();
    for (value, sign) in SIGNS {
        while number >= value {
            text.push_str(sign);
            number -= value;
        }
    }
    text
}

/// Says why an edition in `state` has no sheets to sell, if so.
pub fn check_for_sale(state: &EditionState) -> Result<(), InvalidField> {
    match state {
        EditionState::Published(_) => Ok(()),
        EditionState::Draft | EditionState::Closed { .. } => Err(InvalidField::new(
            "edition_id",
            "edition_not_published",
            format!("names an edition that is {}, not published", state.as_str()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheets_are_numbered_as_a_printer_would() {
        let run = Run { size: 3, artist_proofs: 2, printer_proofs: 0, hors_commerce: 1, bon_a_tirer: 1 };
        let labels: Vec<_> = sheets(&run).map(|(serial, label)| (serial.get(), label)).collect();
        let expected =
            [(1, "1/3"), (2, "2/3"), (3, "3/3"), (4, "AP I/II"), (5, "AP II/II"), (6, "HC I/I"), (7, "BAT")];
        assert_eq!(labels, expected.map(|(serial, label)| (serial, label.to_owned())));
    }

    #[test]
    fn the_largest_edition_has_a_sheet_for_every_serial() {
        let run = Run { size: 9_998, artist_proofs: 1, printer_proofs: 0, hors_commerce: 0, bon_a_tirer: 0 };
        let last = sheets(&run).last();
        assert_eq!(last, Some((Serial(Serial::MAX), "AP I/I".to_owned())));
    }

    #[test]
    fn roman_numerals_subtract() {
        let written = [1, 4, 9, 14, 40, 90, 400, 1994, 3999].map(roman);
        assert_eq!(written, ["I", "IV", "IX", "XIV", "XL", "XC", "CD", "MCMXCIV", "MMMCMXCIX"]);
    }

    #[test]
    fn a_sheet_goes_only_where_it_may() {
        use crate::chance::SystemChance;
        use crate::clock::{Clock, SystemClock};
        let now = SystemClock.now();
        for state in ImpressionState::ALL {
            let impression = Impression {
                impression_id: ImpressionId::generate(now, &SystemChance),
                edition_id: EditionId::generate(now, &SystemChance),
                serial: Serial(1),
                label: "1/1".to_owned(),
                state,
                unreturned: false,
            };
            let ways = ImpressionState::ALL.map(|to| impression.clone().move_to(to).is_ok());
            // available, reserved, sold, in_return, quarantined, withdrawn
            let expected = match state {
                ImpressionState::Available => [false, true, false, false, true, true],
                ImpressionState::Reserved | ImpressionState::InReturn => {
                    [true, false, true, false, true, true]
                }
                ImpressionState::Sold => [false, false, false, true, true, true],
                ImpressionState::Quarantined => [true, true, true, true, false, true],
                ImpressionState::Withdrawn => [false; 6],
            };
            assert_eq!(ways, expected, "from {}", state.as_str());
            assert_eq!(impression.reserve().is_ok(), state == ImpressionState::Available);
        }
    }
}
