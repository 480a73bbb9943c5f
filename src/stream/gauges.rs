//! The live figures of a stream: counters written by its threads, a snapshot for anybody.
//!
//! Writing is one relaxed atomic add; rates are worked out when somebody looks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;

use super::rate::RateMeter;

/// Counters of one stream, shared with those who show them.
#[derive(Debug, Default)]
pub struct Gauges {
    pub(super) source_bytes: Count,
    pub(super) source_files: Count,
    /// Time the source could not go on because every buffer was full, in nanoseconds.
    pub(super) source_blocked: Count,
    /// Time the workers spent working, in nanoseconds, all of them together.
    pub(super) worker_busy: Count,
    pub(super) dead_bytes: Count,
    /// Bytes in blocks that wait for a drive.
    pub(super) staged_bytes: Count,
    pub(super) staged_on_disk_bytes: Count,
    pub(super) staging_written_bytes: Count,
    drives: Mutex<Vec<DriveFigures>>,
    fixed: Mutex<Fixed>,
    meters: Mutex<Meters>,
}

/// What is known once a stream is set up.
#[derive(Clone, Debug, Default)]
pub(super) struct Fixed {
    pub(super) engine: &'static str,
    pub(super) staging: StagingState,
    pub(super) worker_count: u64,
}

#[derive(Debug, Default)]
struct Meters {
    source: RateMeter,
    drives: Vec<RateMeter>,
    looked_at: Duration,
    busy_then: [u64; 2],
    bottleneck: Option<Bottleneck>,
}

/// A counter.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    pub(super) fn subtract(&self, amount: u64) {
        self.0.fetch_sub(amount, Ordering::Relaxed);
    }

    pub(super) fn add_time(&self, time: Duration) {
        self.add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What one drive did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DriveFigures {
    /// Bytes it took.
    pub bytes: u64,
    /// Its rate now.
    pub bytes_per_second: u64,
    /// How often it found nothing to write while running.
    pub underruns: u64,
    /// Repositionings that this must have cost.
    pub back_hitches: u64,
    /// True while it takes blocks, false while it stands.
    pub is_running: bool,
}

/// What became of the staging folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum StagingState {
    /// None is configured.
    #[default]
    None,
    /// In use with this many bytes reserved.
    Active {
        /// Reserved bytes.
        reserved_bytes: u64,
    },
    /// Not used (any more); memory alone must do.
    Bypassed {
        /// Why, for a person.
        reason: String,
    },
}

/// Which part holds the others up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bottleneck {
    /// Reading the files.
    Source,
    /// Hashing and compressing.
    Processor,
    /// The slowest drive.
    Drive,
}

/// All figures at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Which engine reads: `io_uring` or `threads`.
    pub engine: &'static str,
    /// Bytes of files read so far.
    pub source_bytes: u64,
    /// Files handled so far.
    pub source_files: u64,
    /// The rate of the source while it may go on.
    pub source_bytes_per_second: u64,
    /// Bytes in the stream that belong to no file.
    pub dead_bytes: u64,
    /// Bytes waiting for the drive, in memory and on disk.
    pub staged_bytes: u64,
    /// Those of them on disk.
    pub staged_on_disk_bytes: u64,
    /// Bytes written to the staging folder so far: what its disk wears by.
    pub staging_written_bytes: u64,
    /// How long the staged bytes last at the drive's present rate; nothing while it stands.
    pub buffer_seconds: Option<u64>,
    /// Each drive.
    pub drives: Vec<DriveFigures>,
    /// The staging folder.
    pub staging: StagingState,
    /// What holds the others up; nothing before there is enough to tell.
    pub bottleneck: Option<Bottleneck>,
}

impl Gauges {
    /// All zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Time that the source was held up by full buffers.
    pub(super) fn source_blocked_time(&self) -> Duration {
        Duration::from_nanos(self.source_blocked.get())
    }

    pub(super) fn set_fixed(&self, fixed: Fixed, drive_count: usize) {
        *self.fixed.lock() = fixed;
        *self.drives.lock() = vec![DriveFigures::default(); drive_count];
    }

    pub(super) fn set_staging(&self, staging: StagingState) {
        self.fixed.lock().staging = staging;
    }

    pub(super) fn update_drive(&self, index: usize, change: impl FnOnce(&mut DriveFigures)) {
        if let Some(drive) = self.drives.lock().get_mut(index) {
            change(drive);
        }
    }

    /// The figures at `now`, a time of the stream's clock. Rates are those since the last look.
    #[must_use]
    pub fn snapshot(&self, now: Duration) -> Snapshot {
        let fixed = self.fixed.lock().clone();
        let mut drives = self.drives.lock().clone();
        let mut meters = self.meters.lock();
        let blocked = self.source_blocked_time();
        let source_rate = meters.source.observe(now, self.source_bytes.get(), blocked);
        meters.drives.resize_with(drives.len(), RateMeter::default);
        for (drive, meter) in drives.iter_mut().zip(&mut meters.drives) {
            let rate = meter.observe(now, drive.bytes, Duration::ZERO);
            drive.bytes_per_second = rate.unwrap_or(0);
        }
        self.judge(now, &mut meters, fixed.worker_count);
        let staged_bytes = self.staged_bytes.get();
        let slowest = drives.iter().filter(|d| d.is_running).map(|d| d.bytes_per_second).min();
        Snapshot {
            engine: fixed.engine,
            source_bytes: self.source_bytes.get(),
            source_files: self.source_files.get(),
            source_bytes_per_second: source_rate.unwrap_or(0),
            dead_bytes: self.dead_bytes.get(),
            staged_bytes,
            staged_on_disk_bytes: self.staged_on_disk_bytes.get(),
            staging_written_bytes: self.staging_written_bytes.get(),
            buffer_seconds: slowest.and_then(|rate| staged_bytes.checked_div(rate)),
            drives,
            staging: fixed.staging,
            bottleneck: meters.bottleneck,
        }
    }

    /// Whoever was busy most of the time since the last look is the bottleneck.
    fn judge(&self, now: Duration, meters: &mut Meters, worker_count: u64) {
        const LOOK: Duration = Duration::from_millis(250);
        let passed = now.saturating_sub(meters.looked_at);
        if passed < LOOK {
            return;
        }
        let nanoseconds = u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX);
        let now_busy = [self.source_blocked.get(), self.worker_busy.get()];
        let [blocked, busy] = [0, 1].map(|i| now_busy[i].saturating_sub(meters.busy_then[i]));
        meters.looked_at = now;
        meters.busy_then = now_busy;
        let workers_could = nanoseconds.saturating_mul(worker_count.max(1));
        meters.bottleneck = Some(if blocked > nanoseconds / 2 {
            Bottleneck::Drive
        } else if busy > workers_could / 10 * 8 {
            Bottleneck::Processor
        } else {
            Bottleneck::Source
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_that_others_wait_for_is_named() {
        let gauges = Gauges::new();
        gauges.set_fixed(Fixed { engine: "threads", worker_count: 2, ..Fixed::default() }, 1);
        gauges.source_blocked.add_time(Duration::from_millis(900));
        let second = Duration::from_secs(1);
        assert_eq!(gauges.snapshot(second).bottleneck, Some(Bottleneck::Drive));
        gauges.worker_busy.add_time(Duration::from_millis(1900));
        assert_eq!(gauges.snapshot(2 * second).bottleneck, Some(Bottleneck::Processor));
        assert_eq!(gauges.snapshot(3 * second).bottleneck, Some(Bottleneck::Source));
    }

    #[test]
    fn a_snapshot_says_how_long_the_buffer_lasts() {
        let gauges = Gauges::new();
        gauges.set_fixed(Fixed::default(), 1);
        gauges.staged_bytes.add(5000);
        assert_eq!(gauges.snapshot(Duration::ZERO).buffer_seconds, None);
        gauges.update_drive(0, |d| {
            d.bytes = 1000;
            d.is_running = true;
        });
        let snapshot = gauges.snapshot(Duration::from_secs(1));
        assert_eq!(snapshot.drives[0].bytes_per_second, 1000);
        assert_eq!(snapshot.buffer_seconds, Some(5));
    }
}
