//! One sentence about a setting that cannot be. It never repeats the value, which may be a secret.

use config::ConfigError;

/// A setting that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the setting `{setting}` {problem}")]
pub struct SettingError {
    /// Its full name: `claims.open_on`.
    pub setting: String,
    /// What is wrong, continuing its name.
    pub problem: String,
}

impl SettingError {
    /// A problem with `setting`.
    #[must_use]
    pub fn new(setting: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { setting: setting.into(), problem: problem.into() }
    }
}

/// The text between the first pair of backticks.
fn quoted(text: &str) -> Option<&str> {
    text.split('`').nth(1)
}

/// What the message says after ", expected ".
fn expectation(text: &str) -> Option<&str> {
    text.split_once(", expected ").map(|(_, expected)| expected)
}

/// Says in our own words what the library found.
pub(super) fn of(error: &ConfigError) -> SettingError {
    match error {
        ConfigError::Type { expected, key, .. } => {
            SettingError::new(key.clone().unwrap_or_default(), format!("must be {expected}"))
        }
        ConfigError::At { error, key, .. } => {
            let inner = of(error);
            let outer = key.clone().unwrap_or_default();
            let setting = match (outer.is_empty(), inner.setting.is_empty()) {
                (true, _) => inner.setting,
                (false, true) => outer,
                // A name that is not known stands in a table, whose name is the outer one.
                (false, false) if outer.ends_with(&inner.setting) => outer,
                (false, false) => format!("{outer}.{}", inner.setting),
            };
            SettingError { setting, problem: inner.problem }
        }
        ConfigError::FileParse { .. } => SettingError::new("--config", "names a file that is not TOML"),
        other => of_message(&other.to_string()),
    }
}

fn of_message(text: &str) -> SettingError {
    let expected = expectation(text).unwrap_or("another value");
    if text.starts_with("unknown field") {
        let problem = format!("is not known; known are {expected}");
        SettingError::new(quoted(text).unwrap_or_default(), problem)
    } else if text.starts_with("missing field") || text.starts_with("missing configuration field") {
        let name = quoted(text).or_else(|| text.split('"').nth(1));
        SettingError::new(name.unwrap_or_default(), "is missing")
    } else {
        SettingError::new("", format!("must be {expected}"))
    }
}
