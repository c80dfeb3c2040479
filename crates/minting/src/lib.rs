//! Fingerprints print images, and makes every chain call happen exactly once.
//!
//! It takes what to mint and later answers what happened to it. It knows no sale, no claim, no buyer.
//!
//! Two halves share the crate. The image half: [`image`] (header check and decoding), [`fingerprint`],
//! [`rendition`], [`image_store`], [`image_intake`], and the [`metadata`] that names them. The chain half: [`token`] and [`call`]
//! are the words; [`transaction`], [`fees`], [`gas`] and [`send_error`] decide without I/O; [`chain`] says what
//! a chain can be asked, [`rpc`] asks a node and
//! [`providers`] several; [`pipeline`] makes one pass, [`worker`] repeats it.

pub mod attempt;
pub mod call;
pub mod contract;
pub mod departure;
pub mod ending;
pub mod event;
pub mod fees;
pub mod foreign;
pub mod gas;
pub mod ledger;
pub mod outcome;
pub mod purse;
pub mod send_error;
pub mod token;
pub mod transaction;
pub mod under_way;
pub mod wallet;

pub mod chain;
pub mod deployment;
pub mod devchain;
pub mod pipeline;
pub mod providers;
pub mod recovery;
pub mod resumption;
pub mod rpc;
pub mod scan;
pub mod signer;
pub mod store;
pub mod worker;

pub mod drawing;
pub mod fingerprint;
pub mod image;
pub mod image_intake;
pub mod image_store;
pub mod metadata;
pub mod rendition;
