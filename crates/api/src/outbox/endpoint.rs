//! An endpoint: where somebody wants to be told, of what, and whether we still try.

use catalog::clock::Timestamp;
use catalog::invalid::InvalidField;
use catalog::text::Line;
use catalog::typed_id;

use super::event_type::{self, TESTED};

typed_id!(
    /// An endpoint that events are sent to: `we_…`.
    WebhookEndpointId, "we");

/// Why nothing is sent to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisabledReason {
    /// Somebody asked for it.
    Requested,
    /// It answered 410 Gone.
    Gone,
    /// It failed for days.
    Failing,
}

impl DisabledReason {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Requested, Self::Gone, Self::Failing];

    /// The word in the database and in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }
}

/// How an endpoint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointState {
    /// Events are sent.
    Enabled,
    /// None is.
    Disabled(DisabledReason),
}

/// Which events an endpoint is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subscription {
    /// All that the shop may read.
    All,
    /// Those of some types.
    Types(Vec<String>),
}

impl Subscription {
    /// Checks the names of types.
    pub fn parse(types: Option<Vec<String>>) -> Result<Self, InvalidField> {
        let Some(mut types) = types else { return Ok(Self::All) };
        let known = event_type::subscribable();
        if types.is_empty() || !types.iter().all(|name| known.contains(&name.as_str())) {
            let problem = "must name event types of docs/EVENTS.md, or be left out for all";
            return Err(InvalidField::new("event_types", "event_type_unknown", problem));
        }
        types.sort_unstable();
        types.dedup();
        Ok(Self::Types(types))
    }

    /// Whether events of that type are sent.
    #[must_use]
    pub fn includes(&self, event_type: &str) -> bool {
        match self {
            Self::All => true,
            Self::Types(types) => event_type == TESTED || types.iter().any(|name| name == event_type),
        }
    }
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEndpoint {
    /// Its id.
    pub id: WebhookEndpointId,
    /// Its address, checked when it was given and again whenever something is sent.
    pub url: String,
    /// What its owner calls it.
    pub description: Option<Line>,
    /// What is sent.
    pub subscription: Subscription,
    /// Whether.
    pub state: EndpointState,
    /// The first failure since the last success.
    pub failing_since: Option<Timestamp>,
    /// Nothing is sent before: the receiver asked for it.
    pub paused_until: Timestamp,
    /// When it was made. Older events are sent by replay alone.
    pub created_at: Timestamp,
}

impl WebhookEndpoint {
    /// Whether something may be sent to it at all.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.state == EndpointState::Enabled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_told_what_it_asked_for() {
        let types =
            |names: &[&str]| Subscription::parse(Some(names.iter().map(ToString::to_string).collect()));
        let minted = types(&["token.minted", "sale.recorded", "token.minted"]).unwrap();
        assert_eq!(minted, Subscription::Types(vec!["sale.recorded".to_owned(), "token.minted".to_owned()]));
        assert!(
            minted.includes("token.minted") && minted.includes(TESTED) && !minted.includes("token.voided")
        );
        assert!(Subscription::parse(None).unwrap().includes("token.voided"));
        for odd in [&[][..], &["token.eaten"], &["api_key.created"], &[TESTED]] {
            assert_eq!(types(odd).map_err(|invalid| invalid.code), Err("event_type_unknown"), "{odd:?}");
        }
    }
}
