//! What the tests stand on: a chain and a database each, made for it.

pub(crate) mod app;
pub(crate) mod by_hand;
pub(crate) mod clock;
pub(crate) mod crooked;
pub(crate) mod ethers;
#[macro_use]
pub(crate) mod database;
pub(crate) mod receiver;
pub(crate) mod workshop;
