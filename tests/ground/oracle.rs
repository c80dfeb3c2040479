//! What holds whatever was broken: nonces, tokens and books, compared by those who watch the service from outside.

pub mod laws;
pub mod nonces;
pub mod tokens;
