//! Joins each physical sale to its token, over REST.
//!
//! The only crate that knows both the shop and the chain. Read top-down: [`config`] and [`error`], the ground
//! ([`telemetry`], [`state`], [`auth`], [`json`], [`idempotency`]), then [`routes`] and [`server`].
//!
//! *Invariant: one answer.* A request with an idempotency key is done at most once, and its answer is stored in
//! the transaction of its effect.
//!
//! *Invariant: one door.* Errors become HTTP in [`error`] alone; the environment is read in [`config`] alone.

pub mod audit;
pub mod auth;
pub mod binding;
mod carrying_out;
pub mod chain_side;
pub mod chores;
pub mod claim;
pub mod cli;
pub mod client_address;
pub mod config;
pub mod conservation;
mod contact;
mod contacting;
pub mod demo;
pub mod encryption;
pub mod error;
pub mod feed;
mod feeding;
pub mod following;
pub mod idempotency;
pub mod inbox;
pub mod json;
pub mod keys;
pub mod lanes;
pub mod linking;
pub mod lost_orders;
pub mod outbox;
pub mod policy;
pub mod readiness;
pub mod reconciliation;
pub mod reconciling;
pub mod recovering;
mod redeeming;
pub mod routes;
mod safekeeping;
pub mod sale;
pub mod secrets;
mod selling;
pub mod server;
pub mod service;
pub mod state;
pub mod store;
pub mod telemetry;
mod telling;
pub mod throttle;
pub mod verification;
pub mod write_log;

#[cfg(test)]
#[path = "tests/fuzzing.rs"]
mod fuzzing;
#[cfg(test)]
mod test_api;
