//! What the threads of one stream share: settings, the first error, and the call to halt.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::buffers::BufferPool;
use super::config::{RECORDS_MAX, StreamConfig};
use super::control::Control;
use super::error::StreamError;
use super::gauges::Gauges;

/// How often those who wait for another thread look whether everything was called to halt.
pub(super) const HALT_LOOK: Duration = Duration::from_millis(100);

/// One running stream.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) config: StreamConfig,
    pub(super) control: Arc<Control>,
    pub(super) gauges: Arc<Gauges>,
    pub(super) slabs: BufferPool,
    /// Set when nothing more shall be read or staged: cancelled, failed, or no sink left.
    halted: AtomicBool,
    failure: Mutex<Option<StreamError>>,
    records: Mutex<RecordCount>,
    records_returned: Condvar,
}

#[derive(Debug, Default)]
struct RecordCount {
    in_flight: usize,
    is_waiting: bool,
}

impl Run {
    pub(super) fn new(
        config: StreamConfig,
        control: Arc<Control>,
        gauges: Arc<Gauges>,
    ) -> Result<Self, StreamError> {
        config.ensure_sound()?;
        let block_bytes = usize::try_from(config.block_bytes).unwrap_or(usize::MAX);
        let slabs = BufferPool::new(block_bytes, config.slab_count())?;
        Ok(Self {
            config,
            control,
            gauges,
            slabs,
            halted: AtomicBool::new(false),
            failure: Mutex::new(None),
            records: Mutex::new(RecordCount::default()),
            records_returned: Condvar::new(),
        })
    }

    /// Ends reading and staging.
    pub(super) fn halt(&self) {
        self.halted.store(true, Ordering::Release);
        self.slabs.wake();
        self.records_returned.notify_all();
    }

    /// The flag behind [`halt`](Self::halt), for those who wait in a pool.
    pub(super) fn halted(&self) -> &AtomicBool {
        &self.halted
    }

    pub(super) fn is_halted(&self) -> bool {
        self.halted.load(Ordering::Acquire)
    }

    /// Ends the stream with `error`, unless it failed before.
    pub(super) fn fail(&self, error: StreamError) {
        self.failure.lock().get_or_insert(error);
        self.halt();
    }

    /// As [`fail`](Self::fail), for the payload of a panic.
    pub(super) fn fail_of_panic(&self, payload: &(dyn Any + Send)) {
        let text = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic without words".to_owned());
        self.fail(StreamError::Bug(text));
    }

    pub(super) fn take_failure(&self) -> Option<StreamError> {
        self.failure.lock().take()
    }

    /// Waits until one more record may be on its way; false if halted.
    pub(super) fn admit_record(&self) -> bool {
        let mut records = self.records.lock();
        if records.in_flight >= RECORDS_MAX {
            let waiting_since = Instant::now();
            while records.in_flight >= RECORDS_MAX && !self.is_halted() {
                records.is_waiting = true;
                self.records_returned.wait_for(&mut records, HALT_LOOK);
            }
            records.is_waiting = false;
            self.gauges.source_blocked.add_time(waiting_since.elapsed());
        }
        records.in_flight += 1;
        !self.is_halted()
    }

    /// Records that reached all sinks.
    pub(super) fn return_records(&self, count: usize) {
        if count == 0 {
            return;
        }
        let mut records = self.records.lock();
        records.in_flight = records.in_flight.saturating_sub(count);
        if records.is_waiting {
            self.records_returned.notify_all();
        }
    }

    /// True if the packer waits for records to reach a drive.
    pub(super) fn has_records_waiting(&self) -> bool {
        self.records.lock().is_waiting
    }
}
