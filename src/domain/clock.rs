//! Time: the wall clock, a monotonic clock, and waiting; real or virtual.
//!
//! The only place that reads the time of the machine. Everything that waits or measures takes a
//! [`Clock`], so tests run hours of tape motion in milliseconds and never sleep.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use super::timestamp::Timestamp;

/// A source of time. Shared between threads as `Arc<dyn Clock>`.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The wall clock. May jump; never used to measure a duration.
    fn now(&self) -> Timestamp;

    /// Time since this clock was made. Never goes back.
    fn elapsed(&self) -> Duration;

    /// Lets `duration` pass: blocks on the real clock, moves a virtual one forward.
    fn wait(&self, duration: Duration);
}

/// The clock of this machine.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock that starts to measure now.
    #[must_use]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let nanoseconds = match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => i128::try_from(since.as_nanos()).unwrap_or(i128::MAX),
            Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap_or(i128::MAX),
        };
        Timestamp::from_unix_nanoseconds(nanoseconds)
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn wait(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// A clock that moves only when somebody waits on it or advances it.
#[derive(Debug)]
pub struct VirtualClock {
    start: Timestamp,
    elapsed_nanoseconds: AtomicU64,
}

impl VirtualClock {
    /// A clock that shows `start` until it is advanced.
    #[must_use]
    pub fn starting_at(start: Timestamp) -> Self {
        Self { start, elapsed_nanoseconds: AtomicU64::new(0) }
    }

    /// Moves the clock forward. Half a millennium fits.
    pub fn advance(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.elapsed_nanoseconds.fetch_add(nanoseconds, Ordering::SeqCst);
    }
}

impl Default for VirtualClock {
    /// Starts on 2026-01-01, a moment that tests can recognise.
    fn default() -> Self {
        Self::starting_at(Timestamp { seconds: 1_767_225_600, nanoseconds: 0 })
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let elapsed = i128::from(self.elapsed_nanoseconds.load(Ordering::SeqCst));
        Timestamp::from_unix_nanoseconds(self.start.unix_nanoseconds() + elapsed)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.elapsed_nanoseconds.load(Ordering::SeqCst))
    }

    fn wait(&self, duration: Duration) {
        self.advance(duration);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_clock_moves_only_when_told() {
        let clock = VirtualClock::default();
        assert_eq!(clock.now().to_string(), "2026-01-01T00:00:00.000000000Z");
        clock.wait(Duration::from_secs(7200));
        assert_eq!(clock.elapsed(), Duration::from_secs(7200));
        assert_eq!(clock.now().to_string(), "2026-01-01T02:00:00.000000000Z");
    }
}
