//! What the tests stand on: a chain and a database each, made for it.

pub(crate) mod app;
#[macro_use]
pub(crate) mod database;
