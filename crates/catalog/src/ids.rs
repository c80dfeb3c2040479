//! Typed ids with a readable prefix: `art_…`, `ed_…`, `imp_…`. Made by us, ordered by time (UUID version 7,
//! RFC 9562), written as 32 hex digits behind the prefix.

/// A text that is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id that begins with `{prefix}_`")]
pub struct InvalidId {
    /// The prefix that ids of this kind begin with.
    pub prefix: &'static str,
}

/// Declares a typed id. The text form is the only form: it is what stands in the database, in URLs and in JSON.
#[macro_export]
macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// What every id of this kind begins with, before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new id, later in order than those made before it.
            #[must_use]
            pub fn generate(now: $crate::clock::Timestamp, chance: &dyn $crate::chance::Chance) -> Self {
                Self($crate::ids::generate($prefix, now, chance))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::ids::InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::ids::check($prefix, text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl From<&$name> for $crate::db::Value {
            fn from(id: &$name) -> Self {
                Self::from(id.0.as_str())
            }
        }
    };
}

typed_id!(
    /// An artwork: `art_…`.
    ArtworkId, "art");
typed_id!(
    /// An edition: `ed_…`.
    EditionId, "ed");
typed_id!(
    /// One sheet: `imp_…`.
    ImpressionId, "imp");
typed_id!(
    /// An event in the journal: `evt_…`.
    EventId, "evt");

/// Builds the text of a new id. Used by [`typed_id!`].
#[doc(hidden)]
#[must_use]
pub fn generate(prefix: &str, now: crate::clock::Timestamp, chance: &dyn crate::chance::Chance) -> String {
    let millis = u64::try_from(now.as_micros() / 1000).unwrap_or(0);
    let uuid = uuid::Builder::from_unix_timestamp_millis(millis, &chance.bytes::<10>()).into_uuid();
    format!("{prefix}_{}", uuid.simple())
}

/// Checks prefix, length and digits. Used by [`typed_id!`].
#[doc(hidden)]
pub fn check(prefix: &'static str, text: &str) -> Result<(), InvalidId> {
    let digits = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_'));
    let well_formed =
        |digits: &str| digits.len() == 32 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if digits.is_some_and(well_formed) { Ok(()) } else { Err(InvalidId { prefix }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::SystemChance;
    use crate::clock::{Clock, SystemClock};

    #[test]
    fn a_new_id_reads_back() {
        let id = ArtworkId::generate(SystemClock.now(), &SystemChance);
        assert!(id.as_str().starts_with("art_"));
        assert_eq!(id.as_str().parse(), Ok(id));
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let id = EditionId::generate(SystemClock.now(), &SystemChance);
        assert_eq!(id.as_str().parse::<ArtworkId>(), Err(InvalidId { prefix: "art" }));
        for text in ["", "art_", "art_xyz", "art_0123456789ABCDEF0123456789ABCDEF"] {
            assert_eq!(text.parse::<ArtworkId>(), Err(InvalidId { prefix: "art" }), "{text}");
        }
    }
}
