//! What the tests stand on: a database each, made for it.

#[macro_use]
pub(crate) mod database;
pub(crate) mod postgres;
