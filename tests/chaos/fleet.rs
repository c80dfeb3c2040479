//! The service's processes: started, killed, stopped, and started again as an operator's supervisor would.

use std::fs::File;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tests::program::tail;

use crate::ground::Ground;
use crate::tell;

/// How long a process may take until it answers.
const START: Duration = Duration::from_secs(30);
/// How long it may take to end when it is told to.
const END: Duration = Duration::from_secs(20);

/// All processes of the service.
pub(crate) struct Fleet {
    ground: Arc<Ground>,
    processes: Vec<Mutex<Option<Child>>>,
    /// Processes that ended by themselves, for example because the node did not answer at their start.
    pub(crate) gave_up: AtomicU32,
    client: reqwest::Client,
    complaints: Mutex<Vec<String>>,
}

impl Fleet {
    /// Starts every process and waits until it answers.
    pub(crate) async fn start(ground: Arc<Ground>) -> Self {
        let processes = ground.addresses.iter().map(|_| Mutex::new(None)).collect();
        let client = reqwest::Client::builder().timeout(Duration::from_secs(2)).build().expect("a client");
        let gave_up = AtomicU32::new(0);
        let fleet = Self { ground, processes, gave_up, client, complaints: Mutex::default() };
        for index in 0..fleet.len() {
            fleet.launch(index);
            assert!(fleet.answers(index, START).await, "a process did not start:\n{}", fleet.log_tail(index));
        }
        fleet
    }

    pub(crate) fn len(&self) -> usize {
        self.processes.len()
    }

    fn log_tail(&self, index: usize) -> String {
        tail(&self.ground.log(index))
    }

    /// Starts process `index`.
    pub(crate) fn launch(&self, index: usize) {
        let log = File::options().create(true).append(true).open(self.ground.log(index)).expect("a log");
        let mut command = self.ground.service(index);
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log);
        let mut process = self.processes[index].lock().expect("a process");
        self.ground.proxy.restarts.launched(index);
        *process = Some(command.spawn().expect("the service to be started"));
    }

    fn signal(&self, index: usize, signal: Signal) {
        let process = self.processes[index].lock().expect("a process");
        let id = process.as_ref().and_then(|child| i32::try_from(child.id()).ok()).and_then(Pid::from_raw);
        // One that just ended by itself cannot be told.
        let _ = id.map(|id| kill_process(id, signal));
    }

    /// Kills process `index` as a power cut would.
    pub(crate) fn kill(&self, index: usize) {
        let mut process = self.processes[index].lock().expect("a process");
        if let Some(mut child) = process.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// The process with that id.
    pub(crate) fn with_id(&self, id: u32) -> Option<usize> {
        let has_id = |process: &Mutex<Option<Child>>| {
            process.lock().expect("a process").as_ref().is_some_and(|child| child.id() == id)
        };
        self.processes.iter().position(has_id)
    }

    /// Lets process `index` stand still until it is told to go on.
    pub(crate) fn stop(&self, index: usize) {
        self.signal(index, Signal::STOP);
    }

    /// Lets process `index` go on.
    pub(crate) fn go_on(&self, index: usize) {
        self.signal(index, Signal::CONT);
    }

    /// Lets process `index` stand still for a while, as a paused machine does.
    pub(crate) async fn stop_for(&self, index: usize, pause: Duration) {
        self.stop(index);
        tokio::time::sleep(pause).await;
        self.go_on(index);
    }

    /// Waits until process `index` answers; false when it does not in time.
    pub(crate) async fn answers(&self, index: usize, patience: Duration) -> bool {
        let url = format!("http://{}/healthz", self.ground.addresses[index]);
        let begun = Instant::now();
        while begun.elapsed() < patience {
            if self.client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        false
    }

    /// Whether process `index` ended without being killed.
    fn ended_by_itself(&self, index: usize) -> bool {
        let mut process = self.processes[index].lock().expect("a process");
        process.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None)))
    }

    /// Tells every process to end (SIGTERM), and waits for it. One that was just started may come up before.
    pub(crate) async fn stop_all(&self) {
        for index in 0..self.len() {
            self.answers(index, START).await;
            self.signal(index, Signal::TERM);
        }
        let begun = Instant::now();
        for index in 0..self.len() {
            while !self.ended_by_itself(index) && begun.elapsed() < END {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let mut process = self.processes[index].lock().expect("a process");
            let status = process.as_mut().and_then(|child| child.try_wait().ok()).flatten();
            if !status.is_some_and(|status| status.success()) {
                let complaint = format!("process {index} did not end well when it was told to: {status:?}");
                self.complaints.lock().expect("complaints").push(complaint);
            }
        }
    }

    /// What the processes did wrong.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let mut all = self.complaints.lock().expect("complaints").clone();
        for index in 0..self.len() {
            let log = std::fs::read_to_string(self.ground.log(index)).unwrap_or_default();
            all.extend(log.lines().filter(|line| line.contains("panicked at")).map(ToOwned::to_owned));
        }
        all
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        (0..self.len()).for_each(|index| self.kill(index));
    }
}

/// Starts again what ended by itself, as a supervisor does.
pub(crate) async fn keep_running(fleet: Arc<Fleet>) {
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        for index in 0..fleet.len() {
            if fleet.ended_by_itself(index) {
                let last = fleet.log_tail(index);
                tell!("process {index} gave up: {}", last.lines().next_back().unwrap_or("without a word"));
                fleet.gave_up.fetch_add(1, Ordering::Relaxed);
                fleet.launch(index);
            }
        }
    }
}
