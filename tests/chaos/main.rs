//! `make chaos`: real service processes on a real chain behind a proxy that loses, lies and delays; processes are
//! killed and stopped, the chain is reorganized; then everything drains, and what the chain holds is compared with
//! what was sold and with the books.
//!
//! Each random decision has a generator of its own, made of the seed and of the decision's place, so that one
//! command plays the same faults again.
//!
//! The last line of standard output is one JSON object; the way there is told on standard error. The exit code is
//! 0 only when nothing was lost, doubled, misdirected or left unexplained.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness that cannot go on fails at once and loudly"
)]

mod drain;
mod fleet;
mod ground;
mod killer;
mod oracle;
mod pace;
mod plan;
mod proxy;
mod reorgs;
mod report;
mod sabotage;
mod thief;
mod trade;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use self::fleet::Fleet;
use self::ground::Ground;
use self::oracle::Verdict;
use self::pace::Pace;
use self::plan::Plan;
use self::report::Report;
use self::trade::Trade;

/// Tells how it goes, on standard error.
macro_rules! tell {
    ($($words:tt)*) => { eprintln!("chaos: {}", format_args!($($words)*)) };
}
pub(crate) use tell;

fn main() -> ExitCode {
    let plan = match Plan::from_arguments(std::env::args().skip(1)) {
        Ok(plan) => Arc::new(plan),
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
            exit = play(Arc::clone(&plan)) => exit,
            // A bound on the whole, and a clean end of every process when somebody interrupts.
            () = tokio::time::sleep(plan.longest()) => {
                tell!("this took longer than {:?}; to play it again: {}", plan.longest(), plan.command());
                ExitCode::FAILURE
            }
            _ = tokio::signal::ctrl_c() => ExitCode::from(130),
        }
    })
}

async fn play(plan: Arc<Plan>) -> ExitCode {
    let begun = Instant::now();
    tell!("{}", plan.command());
    let ground = Arc::new(Ground::make(Arc::clone(&plan)).await);
    tell!("data and logs are in {}", ground.folder().display());
    let pace = Arc::new(Pace::new(&plan));
    let fleet = Arc::new(Fleet::start(Arc::clone(&ground)).await);
    let watch = tokio::spawn(fleet::keep_running(Arc::clone(&fleet)));

    let progress = tokio::spawn(pace::watch(Arc::clone(&ground), Arc::clone(&pace)));
    ground.proxy.be_honest(!plan.weather);
    let kills = tokio::spawn(killer::strike(Arc::clone(&plan), Arc::clone(&fleet), Arc::clone(&pace)));
    let thefts = tokio::spawn(thief::strike(
        Arc::clone(&plan),
        Arc::clone(&ground),
        Arc::clone(&fleet),
        Arc::clone(&pace),
    ));
    let reorgs = tokio::spawn(reorgs::strike(Arc::clone(&plan), Arc::clone(&ground), Arc::clone(&pace)));
    let mut trade = Trade::carry_on(Arc::clone(&plan), Arc::clone(&ground), Arc::clone(&pace)).await;
    let struck = kills.await.expect("the killer to end");
    let stolen = thefts.await.expect("the thief to end");
    let reorged = reorgs.await.expect("the reorgs to end");
    ground.proxy.be_honest(true);
    tell!(
        "traffic and faults are over after {:.0?}; waiting for the rest to come to its end",
        begun.elapsed()
    );

    let drained = drain::wait(&plan, &ground).await;
    watch.abort();
    progress.abort();
    fleet.stop_all().await;
    sabotage::commit(&plan, &ground, &mut trade).await;
    let mut verdict: Verdict = oracle::judge(&ground, &trade).await;
    verdict.findings.extend(drained.err());
    verdict.findings.extend(fleet.complaints());

    let report =
        Report { plan: &plan, verdict: &verdict, struck, stolen, reorged, fleet: &fleet, ground: &ground };
    println!("{}", report.line(begun.elapsed()));
    if verdict.is_clean() {
        ground.clear_up().await;
        return ExitCode::SUCCESS;
    }
    verdict.tell();
    ground.keep_books().await;
    tell!("data and logs are kept in {}; to play it again: {}", ground.folder().display(), plan.command());
    ExitCode::FAILURE
}
