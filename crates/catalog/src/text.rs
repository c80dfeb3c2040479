//! Text from outside, checked once at the edge.

use crate::invalid::InvalidField;

/// Longest single line that we keep: titles, names, media.
pub const LINE_CHARS: usize = 500;
/// Longest prose that we keep: descriptions.
pub const PROSE_CHARS: usize = 10_000;

/// One line of 1 to [`LINE_CHARS`] characters without control or direction-override characters, trimmed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Line(String);

/// One or more lines, 1 to [`PROSE_CHARS`] characters; line breaks and tabs are the only control characters.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Prose(String);

/// Characters that turn the reading direction: they make one name look like another.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' | '\u{061C}')
}

fn check(
    field: &'static str,
    code: &'static str,
    text: &str,
    most: usize,
    control_allowed: fn(char) -> bool,
) -> Result<String, InvalidField> {
    let text = text.trim();
    if text.is_empty() || text.chars().nth(most).is_some() {
        return Err(InvalidField::new(field, code, format!("must have 1 to {most} characters")));
    }
    if text.chars().any(|c| (c.is_control() && !control_allowed(c)) || turns_direction(c)) {
        let problem = "must not hold control characters or characters that turn the reading direction";
        return Err(InvalidField::new(field, code, problem));
    }
    Ok(text.to_owned())
}

impl Line {
    /// Checks `text`; a problem is reported for `field` under `code`.
    pub fn parse(field: &'static str, code: &'static str, text: &str) -> Result<Self, InvalidField> {
        check(field, code, text, LINE_CHARS, |_| false).map(Self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Prose {
    /// Checks `text`; a problem is reported for `field` under `code`.
    pub fn parse(field: &'static str, code: &'static str, text: &str) -> Result<Self, InvalidField> {
        check(field, code, text, PROSE_CHARS, |c| matches!(c, '\n' | '\t' | '\r')).map(Self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The same statement in the languages that the house writes: Chinese, English, or both.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Bilingual<T> {
    /// Simplified Chinese.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zh: Option<T>,
    /// English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub en: Option<T>,
}

impl<T> Bilingual<T> {
    /// English where there is some, else Chinese.
    pub fn either(&self) -> Option<&T> {
        self.en.as_ref().or(self.zh.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_trimmed_and_keeps_its_accents() {
        let line = Line::parse("title", "title_invalid", "  Étude 浪裏  ");
        assert_eq!(line.as_ref().map(Line::as_str), Ok("Étude 浪裏"));
    }

    #[test]
    fn empty_long_and_deceptive_lines_are_refused() {
        let long = "x".repeat(LINE_CHARS + 1);
        for text in ["", "   ", long.as_str(), "a\nb", "a\u{0}b", "evil\u{202E}gnp"] {
            assert!(Line::parse("title", "title_invalid", text).is_err(), "{text:?}");
        }
        assert!(Line::parse("title", "title_invalid", &"浪".repeat(LINE_CHARS)).is_ok());
    }

    #[test]
    fn prose_may_break_lines() {
        assert!(Prose::parse("description", "description_invalid", "one\ntwo").is_ok());
        assert!(Prose::parse("description", "description_invalid", "one\u{7}").is_err());
    }
}
