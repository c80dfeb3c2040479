//! What is said about a value that cannot be taken in.

/// A field of the input that cannot be taken in, with a stable code that a client may match on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct InvalidField {
    /// The field's name as the client wrote it.
    pub field: &'static str,
    /// Stable code, for example `title_invalid`.
    pub code: &'static str,
    /// What is wrong, continuing the field's name: "must have 1 to 500 characters". Never holds the input.
    pub problem: String,
}

impl InvalidField {
    /// A problem with `field`, under the stable `code`.
    #[must_use]
    pub fn new(field: &'static str, code: &'static str, problem: impl Into<String>) -> Self {
        Self { field, code, problem: problem.into() }
    }
}
