//! What one durable write costs on this machine.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use super::median::{quantile, rounded};

/// Writes that are timed.
const WRITES: usize = 300;

/// `fsync` after appending a page: p50 and p99 in milliseconds.
pub(crate) fn fsync(folder: &Path) -> Value {
    let mut file = File::create(folder.join("fsync")).expect("a file");
    let times: Vec<f64> = (0..WRITES)
        .map(|_| {
            file.write_all(&[7; 4096]).expect("a page");
            let begun = Instant::now();
            file.sync_data().expect("the disk");
            begun.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    json!({ "p50_ms": rounded(quantile(&times, 0.5)), "p99_ms": rounded(quantile(&times, 0.99)) })
}
