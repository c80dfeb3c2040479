//! The tests of the whole, in one binary: the rules of the house, both databases, a real chain, the real service.
//!
//! What needs a database is written once, with [`both_databases!`], and runs on both: `cargo test` lists it as
//! `…::sqlite::…` and `…::postgres::…`.

#[cfg(test)]
#[macro_use]
#[cfg_attr(
    not(feature = "failpoints"),
    expect(dead_code, unused_imports, reason = "some of it serves only the tests of what dies on purpose")
)]
mod harness;

#[cfg(test)]
mod anvil;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod buying;
#[cfg(test)]
mod chain_faults;
#[cfg(test)]
mod chain_moods;
#[cfg(test)]
mod clocks;
#[cfg(test)]
mod contacts;
#[cfg(test)]
mod crashes;
#[cfg(test)]
mod disks;
#[cfg(test)]
mod doubles;
#[cfg(test)]
mod endurance;
#[cfg(test)]
mod events_out;
#[cfg(test)]
mod feeds;
#[cfg(test)]
mod flips;
#[cfg(test)]
mod journey;
#[cfg(test)]
mod lanes;
#[cfg(test)]
mod late_answers;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod money;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod power_cuts;
#[cfg(test)]
mod providers;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod refunds;
#[cfg(test)]
mod restores;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod safekeeping;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod stores;
#[cfg(test)]
mod strangers;
#[cfg(test)]
mod upgrades;
