//! The shop's and the curator's side of the service, over HTTP.

pub mod client;
pub mod publishing;
