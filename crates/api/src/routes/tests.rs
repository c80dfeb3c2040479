//! The routes as a client meets them.

mod bad_input;
mod catalog;
mod idempotency;
mod keys;
mod operation;
mod roles;
