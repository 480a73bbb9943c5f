//! What keeps the drive at speed: measured rates, water marks, and when a drive runs or stands.
//!
//! Pure: time and amounts come in, decisions go out. The arithmetic: with a source of S, a drive of D
//! and B staged bytes, a burst lasts B / (D − S). A source that sustains the medium's minimum with a
//! margin is passed straight through; any other is collected to the high mark, and the drive runs
//! down to the low mark and stops there by its own will, which costs one repositioning a burst
//! instead of one a stall.

use std::time::Duration;

use super::config::{MediumRates, UNDERRUN_HIDDEN};

/// Margin above the medium's minimum at which a source is passed straight through, in tenths.
const DIRECT_MARGIN_TENTHS: u64 = 13;
/// Staged before the first block when passing straight through: two seconds at the minimum rate.
const DIRECT_LEAD_SECONDS: u64 = 2;
/// Part of the staging capacity that is the high mark. The rest is held by files being read.
const HIGH_TENTHS: u64 = 8;
/// What is left at a planned stop: enough that the stop is ours and not the source's.
const LOW_MILLISECONDS: u64 = 250;
/// Rates are smoothed over about four samples of this.
const SAMPLE: Duration = Duration::from_millis(250);

/// Measures a rate from a running total.
#[derive(Clone, Debug, Default)]
pub struct RateMeter {
    sampled_at: Duration,
    sampled_total: u64,
    sampled_blocked: Duration,
    bytes_per_second: Option<u64>,
}

impl RateMeter {
    /// Notes that `total` bytes had passed at `at`, and that of all the time up to then `blocked`
    /// was spent waiting for others. Gives the rate over the rest, once there is one.
    pub fn observe(&mut self, at: Duration, total: u64, blocked: Duration) -> Option<u64> {
        let passed = at.saturating_sub(self.sampled_at);
        if passed < SAMPLE {
            return self.bytes_per_second;
        }
        let waited = blocked.saturating_sub(self.sampled_blocked).min(passed);
        let busy = passed - waited;
        let bytes = total.saturating_sub(self.sampled_total);
        self.sampled_at = at;
        self.sampled_total = total;
        self.sampled_blocked = blocked;
        // A sample that was nearly all waiting says nothing about the rate.
        if busy * 20 >= passed {
            let now = per_second(bytes, busy);
            self.bytes_per_second =
                Some(self.bytes_per_second.map_or(now, |old| (old / 10 * 7) + (now / 10 * 3)));
        }
        self.bytes_per_second
    }

    /// The rate as last measured.
    #[must_use]
    pub fn bytes_per_second(&self) -> Option<u64> {
        self.bytes_per_second
    }
}

/// `bytes` in `time` as a rate a second.
#[must_use]
pub fn per_second(bytes: u64, time: Duration) -> u64 {
    let nanoseconds = time.as_nanos().max(1);
    u64::try_from(u128::from(bytes) * 1_000_000_000 / nanoseconds).unwrap_or(u64::MAX)
}

/// The marks between which a drive runs, in staged bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Water {
    /// A standing drive starts at this.
    pub high_bytes: u64,
    /// A running drive stops at this. 0: it never stops by itself.
    pub low_bytes: u64,
}

/// The marks for a medium, a source as measured so far, and all the room there is for staging.
#[must_use]
pub fn plan_water(
    medium: Option<MediumRates>,
    source_bytes_per_second: Option<u64>,
    capacity_bytes: u64,
) -> Water {
    let Some(medium) = medium else {
        return Water::default();
    };
    let minimum = medium.streaming_min_bytes_per_second;
    let high = capacity_bytes / 10 * HIGH_TENTHS;
    let is_fast = source_bytes_per_second
        .is_some_and(|rate| rate >= minimum.saturating_mul(DIRECT_MARGIN_TENTHS) / 10);
    if is_fast {
        let lead = minimum.saturating_mul(DIRECT_LEAD_SECONDS);
        return Water { high_bytes: lead.min(high), low_bytes: 0 };
    }
    let low = minimum / 1000 * LOW_MILLISECONDS;
    Water { high_bytes: high, low_bytes: low.min(high / 4) }
}

/// What a drive sees when it asks what to do.
#[derive(Clone, Copy, Debug)]
pub struct PaceView {
    /// Staged bytes that it has not taken.
    pub staged_bytes: u64,
    /// True if nothing more will be staged.
    pub is_ended: bool,
    /// True if the source cannot stage more before the drive takes some.
    pub is_full: bool,
    /// The marks now.
    pub water: Water,
}

/// What a drive does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// Take the next block.
    Run,
    /// Wait for it without stopping: it will come at once.
    Wait,
    /// Stand still until there is more.
    Stand,
}

/// One drive's state of motion, and what it cost.
#[derive(Clone, Debug, Default)]
pub struct Pacer {
    is_running: bool,
    start_count: u64,
    underrun_count: u64,
    hitch_count: u64,
    dry_since: Option<Duration>,
}

impl Pacer {
    /// Decides at time `now`.
    pub fn decide(&mut self, now: Duration, view: &PaceView) -> Motion {
        if !self.is_running {
            let reached = view.staged_bytes >= view.water.high_bytes.max(1);
            let forced = view.staged_bytes > 0 && (view.is_ended || view.is_full);
            if !reached && !forced {
                return Motion::Stand;
            }
            self.start();
        }
        if view.staged_bytes == 0 && !view.is_ended {
            return self.run_dry(now, view);
        }
        if let Some(since) = self.dry_since.take()
            && now.saturating_sub(since) >= UNDERRUN_HIDDEN
        {
            self.hitch_count += 1;
        }
        let stops_here = view.staged_bytes <= view.water.low_bytes;
        if stops_here && !view.is_ended && !view.is_full {
            self.is_running = false;
            return Motion::Stand;
        }
        Motion::Run
    }

    /// How often it started to move.
    #[must_use]
    pub fn start_count(&self) -> u64 {
        self.start_count
    }

    /// How often a running drive found nothing staged.
    #[must_use]
    pub fn underrun_count(&self) -> u64 {
        self.underrun_count
    }

    /// Repositionings this must have cost: every start but the first, and every long underrun.
    #[must_use]
    pub fn hitch_count(&self) -> u64 {
        self.hitch_count + self.start_count.saturating_sub(1)
    }

    fn start(&mut self) {
        self.is_running = true;
        self.start_count += 1;
    }

    fn run_dry(&mut self, now: Duration, view: &PaceView) -> Motion {
        if self.dry_since.is_none() {
            self.dry_since = Some(now);
            self.underrun_count += 1;
        }
        if view.water.high_bytes == 0 {
            return Motion::Wait;
        }
        // Better one long stop than one for every block that trickles in.
        self.dry_since = None;
        self.is_running = false;
        Motion::Stand
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1_000_000;
    const LTO9: MediumRates = MediumRates {
        streaming_min_bytes_per_second: 177 * MB,
        streaming_max_bytes_per_second: 408 * MB,
    };

    fn view(staged_bytes: u64, water: Water) -> PaceView {
        PaceView { staged_bytes, is_ended: false, is_full: false, water }
    }

    #[test]
    fn a_fast_source_is_passed_through_and_a_slow_one_is_collected() {
        let direct = plan_water(Some(LTO9), Some(300 * MB), 10_000 * MB);
        assert_eq!(direct, Water { high_bytes: 354 * MB, low_bytes: 0 });
        let burst = plan_water(Some(LTO9), Some(110 * MB), 10_000 * MB);
        assert_eq!(burst.high_bytes, 8_000 * MB);
        assert!(burst.low_bytes > 40 * MB && burst.low_bytes < 50 * MB);
        assert_eq!(plan_water(Some(LTO9), None, 10_000 * MB), burst);
        assert_eq!(plan_water(None, Some(1), 10_000 * MB), Water::default());
    }

    #[test]
    fn a_drive_starts_at_high_water_and_stops_at_low_water() {
        let water = Water { high_bytes: 100, low_bytes: 10 };
        let mut pacer = Pacer::default();
        let at = Duration::from_secs(1);
        assert_eq!(pacer.decide(at, &view(99, water)), Motion::Stand);
        assert_eq!(pacer.decide(at, &view(100, water)), Motion::Run);
        assert_eq!(pacer.decide(at, &view(11, water)), Motion::Run);
        assert_eq!(pacer.decide(at, &view(10, water)), Motion::Stand);
        assert_eq!(pacer.decide(at, &view(99, water)), Motion::Stand);
        assert_eq!(pacer.hitch_count(), 0);
        assert_eq!(pacer.decide(at, &view(100, water)), Motion::Run);
        assert_eq!((pacer.hitch_count(), pacer.underrun_count()), (1, 0));
    }

    #[test]
    fn the_end_of_the_source_or_full_buffers_start_a_drive_below_high_water() {
        let water = Water { high_bytes: 100, low_bytes: 10 };
        let ended = PaceView { is_ended: true, ..view(5, water) };
        assert_eq!(Pacer::default().decide(Duration::ZERO, &ended), Motion::Run);
        let full = PaceView { is_full: true, ..view(5, water) };
        assert_eq!(Pacer::default().decide(Duration::ZERO, &full), Motion::Run);
    }

    #[test]
    fn without_a_medium_a_drive_waits_for_the_next_block_and_only_long_waits_cost() {
        let water = Water::default();
        let mut pacer = Pacer::default();
        assert_eq!(pacer.decide(Duration::ZERO, &view(1, water)), Motion::Run);
        assert_eq!(pacer.decide(Duration::ZERO, &view(0, water)), Motion::Wait);
        assert_eq!(pacer.decide(Duration::from_millis(1), &view(1, water)), Motion::Run);
        assert_eq!((pacer.underrun_count(), pacer.hitch_count()), (1, 0));
        assert_eq!(pacer.decide(Duration::from_secs(1), &view(0, water)), Motion::Wait);
        assert_eq!(pacer.decide(Duration::from_secs(2), &view(1, water)), Motion::Run);
        assert_eq!((pacer.underrun_count(), pacer.hitch_count()), (2, 1));
    }

    #[test]
    fn time_spent_waiting_for_the_drive_does_not_slow_the_source() {
        let mut meter = RateMeter::default();
        let second = Duration::from_secs(1);
        assert_eq!(meter.observe(second, 100 * MB, Duration::ZERO), Some(100 * MB));
        let half = Duration::from_millis(500);
        assert_eq!(meter.observe(2 * second, 150 * MB, half), Some(100 * MB));
        assert_eq!(meter.observe(3 * second, 150 * MB, half + second), Some(100 * MB));
    }
}
