//! What the integration tests (`it/`) and the chaos harness (`chaos/`) both stand on: chains, databases, the program
//! and wallets.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "the ground of tests fails as tests do: at once and loudly"
)]

pub mod anvil;
pub mod database;
pub mod dice;
pub mod house;
pub mod oracle;
pub mod postgres;
pub mod program;
pub mod shopify;
pub mod trade;
pub mod wallet;
