//! `make bench`: how fast the service is, beside ceilings of the same machine in the same run.
//!
//! A figure of a shared machine says little by itself; the ratio of two figures of one run says more. Each part runs
//! three times, and its line tells the medians and every single figure. Lines are JSON on standard output, progress
//! is on standard error.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness that cannot go on fails at once and loudly"
)]

mod ceilings;
mod cpu;
mod disk;
mod drain;
mod growth;
mod house;
mod inclusion;
mod median;
mod plan;
mod recovery;
mod redeeming;
mod stock;
mod whole_way;

use std::process::ExitCode;
use std::time::Duration;

use self::plan::{Part, Plan};

/// Tells how it goes, on standard error.
macro_rules! tell {
    ($($words:tt)*) => { eprintln!("bench: {}", format_args!($($words)*)) };
}
pub(crate) use tell;

/// No run takes longer than this.
const LONGEST: Duration = Duration::from_hours(3);

fn main() -> ExitCode {
    let plan = match Plan::from_arguments(std::env::args().skip(1)) {
        Ok(plan) => plan,
        Err(problem) => {
            tell!("{problem}");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        tokio::select! {
            () = measure(&plan) => ExitCode::SUCCESS,
            () = tokio::time::sleep(LONGEST) => {
                tell!("this took longer than {LONGEST:?}");
                ExitCode::FAILURE
            }
            _ = tokio::signal::ctrl_c() => ExitCode::from(130),
        }
    })
}

async fn measure(plan: &Plan) {
    for part in &plan.parts {
        let line = match part {
            Part::Drain => drain::measure(plan).await,
            Part::Whole => whole_way::measure(plan).await,
            Part::Redeem => redeeming::measure(plan).await,
            Part::Growth => growth::measure(plan).await,
            Part::Recovery => recovery::measure(plan).await,
        };
        println!("{line}");
    }
}
