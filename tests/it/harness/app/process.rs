//! The program itself, as a process of its own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use tests::program::{free_address, tail};

use super::world::World;

/// How long the service may take until it is ready, the first deployment included.
const START: Duration = Duration::from_mins(1);
/// How long it may take to end.
const END: Duration = Duration::from_secs(20);

/// `colophon serve`. It is told to stop when it is dropped, and must do so.
pub(crate) struct Service {
    process: Child,
    url: String,
    log: PathBuf,
}

impl Service {
    /// Starts the service and waits until it is ready.
    pub(crate) async fn start(world: &World, listen: &str) -> Self {
        let mut service = Self::launch(world.command(), world.new_log(), listen);
        let ended = service.wait_until_ready().await;
        assert!(ended.is_none(), "the service ended: {ended:?}\n{}", service.log_tail());
        service
    }

    /// Starts the service; gives it when it is ready, and else how it ended before.
    pub(crate) async fn try_start(world: &World, listen: &str) -> Result<Self, ExitStatus> {
        let mut service = Self::launch(world.command(), world.new_log(), listen);
        match service.wait_until_ready().await {
            None => Ok(service),
            Some(ended) => Err(ended),
        }
    }

    /// How it ended, if it does within `patience`.
    pub(crate) async fn end_within(&mut self, patience: Duration) -> Option<ExitStatus> {
        let begun = Instant::now();
        loop {
            let ended = self.process.try_wait().expect("the state of the process");
            if ended.is_some() || begun.elapsed() >= patience {
                return ended;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Tells it to stop (SIGTERM).
    pub(crate) fn tell_to_stop(&self) {
        let id = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(id, Signal::TERM).expect("the service to be told");
    }

    /// Lets it write to no file beyond so many bytes from now on; none: as it likes. It does not know of the limit.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        let id = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw).expect("a process id");
        let limit = Rlimit { current: bytes, maximum: None };
        prlimit(Some(id), Resource::Fsize, limit).expect("a limit");
    }

    /// Starts the service in the expectation that it refuses; gives what it said.
    pub(crate) fn refuses_to_start(world: &World, setting: (&str, &str)) -> String {
        let mut command = world.command();
        command.env(setting.0, setting.1);
        let mut service = Self::launch(command, world.new_log(), &free_address());
        let begun = Instant::now();
        while begun.elapsed() < START {
            if let Some(status) = service.process.try_wait().expect("the state of the process") {
                assert!(!status.success(), "the service ended by itself:\n{}", service.log_tail());
                return service.log_tail();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the service did not refuse to start:\n{}", service.log_tail());
    }

    /// Starts the service with its log in a pipe that nobody reads.
    pub(crate) async fn start_with_an_unread_log(world: &World, listen: &str) -> (Self, ChildStderr) {
        let mut service = Self::launch_into(world.command(), world.new_log(), listen, Stdio::piped());
        let log = service.process.stderr.take().expect("its log");
        let ended = service.wait_until_ready().await;
        assert!(ended.is_none(), "the service ended: {ended:?}");
        (service, log)
    }

    fn launch(command: Command, log: PathBuf, listen: &str) -> Self {
        let output = File::create(&log).expect("a log");
        Self::launch_into(command, log, listen, output.into())
    }

    fn launch_into(mut command: Command, log: PathBuf, listen: &str, output: Stdio) -> Self {
        let process = command
            .args(["serve", "--listen", listen])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            .spawn()
            .expect("the service to be started");
        Self { process, url: format!("http://{listen}"), log }
    }

    /// How it ended before it was ready, if it did.
    async fn wait_until_ready(&mut self) -> Option<ExitStatus> {
        let client = reqwest::Client::new();
        let begun = Instant::now();
        loop {
            let answer = client.get(format!("{}/readyz", self.url)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return None;
            }
            let ended = self.process.try_wait().expect("the state of the process");
            if ended.is_some() {
                return ended;
            }
            assert!(begun.elapsed() < START, "the service did not become ready\n{}", self.log_tail());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Where it answers.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Where it logs.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// What it said last.
    pub(crate) fn log_tail(&self) -> String {
        tail(&self.log)
    }

    /// Kills it as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("the service to be killed");
        self.process.wait().expect("the service to be gone");
    }

    fn has_ended(&mut self) -> bool {
        !matches!(self.process.try_wait(), Ok(None))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if self.has_ended() {
            return;
        }
        let id = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        let told = id.is_some_and(|id| kill_process(id, Signal::TERM).is_ok());
        let begun = Instant::now();
        while told && begun.elapsed() < END {
            if self.has_ended() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.kill();
        // Not a second failure while a first one is being told.
        assert!(
            std::thread::panicking(),
            "the service did not stop when it was told to\n{}",
            self.log_tail()
        );
    }
}
