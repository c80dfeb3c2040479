//! The file of dated policies, or the one policy that the settings make.

use std::path::Path;

use config::{Config, File, FileFormat};
use serde::Deserialize;

use super::{OpenOn, RawReturns, SettingError, word};
use crate::policy::{InvalidWordingProfile, Policies, Policy, WordingProfile};

/// The setting that names the file.
const SETTING: &str = "policies";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPolicies {
    #[serde(default)]
    policy: Vec<RawPolicy>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPolicy {
    from: String,
    open_on: String,
    window_days: u64,
    processing_days: u64,
    transit_days: u64,
    #[serde(default)]
    settle_early: bool,
    #[serde(default = "ordinary_wording")]
    wording: String,
}

fn ordinary_wording() -> String {
    "standard".to_owned()
}

/// The profile of words that pages use.
pub(super) fn wording(setting: &'static str, text: &str) -> Result<WordingProfile, SettingError> {
    text.parse().map_err(|problem: InvalidWordingProfile| SettingError::new(setting, problem.to_string()))
}

/// The event that opens a claim, by its word.
pub(super) fn open_on(setting: &'static str, text: &str) -> Result<OpenOn, SettingError> {
    let events = [OpenOn::Sale, OpenOn::Shipment, OpenOn::Delivery].map(|event| (event.as_str(), event));
    word(setting, text, &events)
}

impl RawPolicy {
    fn check(self) -> Result<Policy, SettingError> {
        let day = |_| SettingError::new(SETTING, "must give each `from` as a day, such as 2026-12-01");
        let returns = RawReturns {
            window_days: self.window_days,
            processing_days: self.processing_days,
            transit_days: self.transit_days,
            settle_early: self.settle_early,
            wording: self.wording,
        };
        Ok(Policy {
            holds_from: format!("{}T00:00:00Z", self.from).parse().map_err(day)?,
            open_on: open_on(SETTING, &self.open_on)?,
            wording: wording(SETTING, &returns.wording)?,
            returns: returns.check()?,
        })
    }
}

/// Reads and checks the policies of a file.
pub(super) fn read(path: &Path) -> Result<Policies, SettingError> {
    let text = std::fs::read_to_string(path)
        .map_err(|problem| SettingError::new(SETTING, format!("cannot be read: {problem}")))?;
    parse(&text)
}

/// Checks the text of a file of policies.
pub(super) fn parse(text: &str) -> Result<Policies, SettingError> {
    let raw: RawPolicies = Config::builder()
        .add_source(File::from_str(text, FileFormat::Toml))
        .build()
        .and_then(Config::try_deserialize)
        .map_err(|problem| SettingError::new(SETTING, format!("is not a file of policies: {problem}")))?;
    let policies = raw.policy.into_iter().map(RawPolicy::check).collect::<Result<Vec<_>, _>>()?;
    Policies::in_order(policies).map_err(|problem| SettingError::new(SETTING, problem.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_documents_is_a_file_of_policies() {
        let policies = parse(include_str!("../../../../../docs/policies.example.toml")).unwrap();
        let window = |moment: &str| policies.of(moment.parse().unwrap()).returns.window.as_secs() / 86_400;
        assert_eq!((window("2026-11-30T23:59:59Z"), window("2026-12-01T00:00:00Z")), (7, 30));
        let words = |moment: &str| policies.of(moment.parse().unwrap()).wording.as_str().to_owned();
        assert_eq!(
            (words("2026-11-30T23:59:59Z"), words("2026-12-01T00:00:00Z")),
            ("standard".to_owned(), "thirty-days".to_owned())
        );
    }

    #[test]
    fn what_is_no_policy_is_refused_with_the_setting_that_it_concerns() {
        let policy = |from: &str, open_on: &str, window: u64| {
            format!(
                "[[policy]]\nfrom = \"{from}\"\nopen_on = \"{open_on}\"\nwindow_days = {window}\nprocessing_days = 21\ntransit_days = 15\n"
            )
        };
        assert!(parse(&policy("2026-01-01", "shipment", 7)).is_ok());
        for text in [
            String::new(),
            "[[policy]]\n".to_owned(),
            "window_days = 7\n".to_owned(),
            policy("2026-13-01", "shipment", 7),
            policy("tomorrow", "shipment", 7),
            policy("2026-01-01", "payment", 7),
            policy("2026-01-01", "shipment", 80),
            policy("2026-01-01", "shipment", 7) + &policy("2026-01-01", "sale", 7),
            policy("2026-01-01", "shipment", 7) + "gift_wrap = true\n",
            policy("2026-01-01", "shipment", 7) + "wording = \"Thirty days!\"\n",
            policy("2026-01-01", "shipment", 7) + "wording = \"\"\n",
        ] {
            let refused = parse(&text).map(|_| ()).map_err(|problem| problem.to_string());
            let told = refused.err().unwrap_or_default();
            assert!(told.contains("policies") || told.contains("returns.window_days"), "{text}: {told}");
        }
    }
}
