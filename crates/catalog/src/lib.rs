//! The records of the artworks, editions and sheets, and the ground that every other crate stands on.
//!
//! Read top-down: pure files first ([`ids`], [`clock`], [`text`], then the domain from [`artwork`] to
//! [`colophon`]), then those with I/O ([`db`], [`journal`], [`store`]).
//!
//! *Invariant: conservation.* Every edition has exactly as many impressions as its declared size, each in
//! one state; nothing ever deletes one.
//!
//! *Invariant: one transaction.* A function that takes `&mut Tx` never commits; who opens a transaction
//! commits it.

pub mod account;
pub mod artwork;
pub mod chance;
pub mod clock;
pub mod colophon;
pub mod crash;
pub mod db;
pub mod digest;
pub mod edition;
pub mod ids;
pub mod image;
pub mod impression;
pub mod invalid;
pub mod journal;
pub mod provenance;
pub mod store;
pub mod text;
