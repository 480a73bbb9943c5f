//! What a piece of work costs: time, processor time, memory.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::work::kib_field;
use crate::app::error::AppError;
use crate::domain::{Clock, SystemClock};

/// What one case cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::app) struct Cost {
    /// From beginning to end, in seconds.
    pub(super) seconds: f64,
    /// Processor time of all threads and processes, in seconds.
    pub(super) cpu_seconds: f64,
    /// The most memory that the process held at once, in bytes. Of children it is not known: what the
    /// system counts for them begins with our own, before their program is loaded.
    pub(super) peak_bytes: Option<u64>,
}

/// Who does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worker {
    /// This process.
    Own,
    /// The thread that asks, and no other.
    Thread,
    /// Processes that it starts and waits for, and no others.
    Children,
}

/// Lets the peak of memory begin anew with what is held now, where the system allows it.
pub(super) fn forget_peak() {
    const PEAK: &str = "5";
    if let Err(error) = fs::write("/proc/self/clear_refs", PEAK) {
        tracing::debug!(%error, "peaks of memory are those of the whole process");
    }
}

/// Measures `work`. Peak memory is that of the process since it began or [`forget_peak`] was called.
pub(super) fn measure(
    worker: Worker,
    work: impl FnOnce() -> Result<(), AppError>,
) -> Result<Cost, AppError> {
    let who = match worker {
        Worker::Own => UsageWho::RUSAGE_SELF,
        Worker::Thread => UsageWho::RUSAGE_THREAD,
        Worker::Children => UsageWho::RUSAGE_CHILDREN,
    };
    let usage = || {
        let what = || "cannot read the processor time".to_owned();
        getrusage(who).map_err(|error| AppError::Io { what: what(), source: error.into() })
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let before = usage()?;
    let begun = clock.elapsed();
    work()?;
    let seconds = clock.elapsed().saturating_sub(begun).as_secs_f64();
    let after = usage()?;
    let cpu = processor_time(&after).saturating_sub(processor_time(&before));
    let peak_bytes = match worker {
        Worker::Own | Worker::Thread => {
            let status = fs::read_to_string("/proc/self/status").map_err(|source| {
                AppError::Io { what: "cannot read /proc/self/status".to_owned(), source }
            })?;
            kib_field(&status, "VmHWM:")
        }
        Worker::Children => None,
    };
    Ok(Cost { seconds, cpu_seconds: cpu.as_secs_f64(), peak_bytes })
}

/// Processor time that this thread has had.
pub(super) fn thread_time() -> Result<Duration, AppError> {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_err(|error| AppError::Io {
        what: "cannot read the processor time".to_owned(),
        source: error.into(),
    })?;
    Ok(Duration::from(time))
}

fn processor_time(usage: &Usage) -> Duration {
    let microseconds =
        usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(u64::try_from(microseconds).unwrap_or(0))
}

/// The medians of several runs of one case, each figure by itself.
pub(super) fn median(costs: &[Cost]) -> Cost {
    Cost {
        seconds: middle(costs.iter().map(|cost| cost.seconds)),
        cpu_seconds: middle(costs.iter().map(|cost| cost.cpu_seconds)),
        peak_bytes: middle_of(costs.iter().filter_map(|cost| cost.peak_bytes)),
    }
}

fn middle(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => 0.0,
        length if length % 2 == 1 => values[half],
        _ => f64::midpoint(values[half - 1], values[half]),
    }
}

fn middle_of(values: impl Iterator<Item = u64>) -> Option<u64> {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}
