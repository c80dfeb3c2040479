//! The rules of the house that a machine can hold: who may depend on whom, and which file is the door to what.
//! Each failure says the rule and what to do instead.

mod dependencies;
mod sources;
