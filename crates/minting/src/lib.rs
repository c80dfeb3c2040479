//! Fingerprints print images, and makes every chain call happen exactly once.
//!
//! It takes what to mint and later answers what happened to it. It knows no sale, no claim, no buyer.
//!
//! Two halves share the crate. The image half: [`image`] (header check and decoding), [`fingerprint`],
//! [`rendition`], [`image_store`], and the [`metadata`] that names them. The chain half: [`token`] and [`call`]
//! are the words; [`transaction`], [`fees`], [`gas`] and [`send_error`] decide without I/O; [`chain`] says what
//! a chain can be asked and [`rpc`] asks it; [`pipeline`] makes one pass, [`worker`] repeats it.

pub mod call;
pub mod token;
pub mod wallet;

pub mod drawing;
pub mod fingerprint;
pub mod image;
pub mod image_store;
pub mod metadata;
pub mod rendition;
