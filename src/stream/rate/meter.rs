//! Measured rates, and what a source has shown of itself: its rate in the long run and its pauses.

use std::time::Duration;

/// Shortest time that a rate is taken over.
const SAMPLE: Duration = Duration::from_millis(250);
/// What "now" means for a rate that people look at: a flicker of one sample is smoothed away.
const DISPLAY_HORIZON: Duration = Duration::from_secs(1);
/// A source is judged by no less than this much of its work.
const JUDGED_AFTER: Duration = Duration::from_secs(2);
/// The long run of a source: this many of its pauses, so that a few cycles of burst and pause are in it.
const PAUSES_IN_HORIZON: u32 = 10;
const HORIZON_MIN: Duration = Duration::from_secs(60);
/// What a source is thought to do before it has shown anything: pause like a file server whose disks
/// have to spin up.
const PAUSE_GUESS: Duration = Duration::from_secs(30);
/// Longer pauses are not prepared for: what outlasts them is a slow source, and is collected.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// A pause that did not come again counts half after this. Chosen, no data yet.
const PAUSE_HALVES: Duration = Duration::from_secs(5 * 60);

/// Measures a rate from a running total.
#[derive(Clone, Debug)]
pub struct RateMeter {
    horizon: Duration,
    sampled: Option<Sample>,
    /// Time that the rate was measured over so far.
    measured: Duration,
    bytes_per_second: Option<u64>,
}

/// The totals at one moment.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Duration,
    total: u64,
    blocked: Duration,
}

impl RateMeter {
    /// A meter whose rate is that of about the last `horizon`.
    #[must_use]
    pub fn over(horizon: Duration) -> Self {
        Self { horizon, sampled: None, measured: Duration::ZERO, bytes_per_second: None }
    }

    /// Notes that `total` bytes had passed at `at`, and that of all the time up to then `blocked`
    /// was spent waiting for others. Gives the rate over the rest, once there is one.
    pub fn observe(&mut self, at: Duration, total: u64, blocked: Duration) -> Option<u64> {
        let now = Sample { at, total, blocked };
        let Some(then) = self.sampled else {
            self.sampled = Some(now);
            return None;
        };
        let passed = at.saturating_sub(then.at);
        if passed < SAMPLE {
            return self.bytes_per_second;
        }
        let busy = passed - blocked.saturating_sub(then.blocked).min(passed);
        self.sampled = Some(now);
        // A sample that was nearly all waiting says nothing about the rate.
        if busy * 20 >= passed {
            self.measured = (self.measured + busy).min(self.horizon.max(busy));
            let sample = per_second(total.saturating_sub(then.total), busy);
            let old = self.bytes_per_second.unwrap_or(sample);
            self.bytes_per_second = Some(blend(old, sample, busy, self.measured));
        }
        self.bytes_per_second
    }

    /// The rate as last measured.
    #[must_use]
    pub fn bytes_per_second(&self) -> Option<u64> {
        self.bytes_per_second
    }
}

impl Default for RateMeter {
    /// For people who look at it.
    fn default() -> Self {
        Self::over(DISPLAY_HORIZON)
    }
}

/// `bytes` in `time` as a rate a second.
#[must_use]
pub fn per_second(bytes: u64, time: Duration) -> u64 {
    let nanoseconds = time.as_nanos().max(1);
    u64::try_from(u128::from(bytes) * 1_000_000_000 / nanoseconds).unwrap_or(u64::MAX)
}

/// `old` of which the part `time` / `all` is replaced by `new`.
fn blend(old: u64, new: u64, time: Duration, all: Duration) -> u64 {
    let (time, all) = (time.as_nanos(), all.as_nanos().max(1));
    let kept = all.saturating_sub(time);
    let sum = u128::from(old) * kept + u128::from(new) * time;
    u64::try_from(sum / (kept + time)).unwrap_or(u64::MAX)
}

/// What is known of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceView {
    /// Its rate in the long run, pauses included and waiting for us not; nothing before it could be
    /// judged.
    pub bytes_per_second: Option<u64>,
    /// For how long it may give nothing.
    pub pause: Duration,
}

/// Watches a source.
#[derive(Clone, Debug)]
pub struct SourceMeter {
    rate: RateMeter,
    last: Option<Sample>,
    pause: Duration,
    paused_at: Duration,
}

impl SourceMeter {
    /// Notes that bytes came, as [`RateMeter::observe`] does. Called for every block.
    pub fn observe(&mut self, at: Duration, total: u64, blocked: Duration) {
        let now = Sample { at, total, blocked };
        match self.last.replace(now) {
            None => self.paused_at = at,
            Some(then) => {
                let gap = at.saturating_sub(then.at);
                let pause = gap.saturating_sub(blocked.saturating_sub(then.blocked));
                if pause >= self.pause_at(at) {
                    self.pause = pause.min(PAUSE_MAX);
                    self.paused_at = at;
                }
            }
        }
        self.rate.horizon = (self.pause_at(at) * PAUSES_IN_HORIZON).max(HORIZON_MIN);
        self.rate.observe(at, total, blocked);
    }

    /// What is known at time `at`.
    #[must_use]
    pub fn view(&self, at: Duration) -> SourceView {
        let rate = self.rate.bytes_per_second();
        SourceView {
            bytes_per_second: rate.filter(|_| self.rate.measured >= JUDGED_AFTER),
            pause: self.pause_at(at),
        }
    }

    fn pause_at(&self, at: Duration) -> Duration {
        let age = at.saturating_sub(self.paused_at).as_secs_f64();
        self.pause.mul_f64(0.5_f64.powf(age / PAUSE_HALVES.as_secs_f64()))
    }
}

impl Default for SourceMeter {
    fn default() -> Self {
        Self {
            rate: RateMeter::over(HORIZON_MIN),
            last: None,
            pause: PAUSE_GUESS,
            paused_at: Duration::ZERO,
        }
    }
}
