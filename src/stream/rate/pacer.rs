//! One drive's state of motion: when it runs, how fast it is fed, and what its stops have cost.

use std::time::Duration;

use super::water::Water;
use crate::stream::config::{MediumRates, UNDERRUN_HIDDEN};

/// A drive is fed at this part of its band: so its buffer stays full, and it is the drive that waits.
/// More would make bursts shorter than they can be.
pub const FEED_PERCENT: u64 = 101;
/// Shorter waits are not worth a thread's sleep.
const HOLD_MIN: Duration = Duration::from_millis(4);
/// A drive that was late makes up for this much and no more.
const CATCH_UP: Duration = Duration::from_millis(500);

/// What a drive sees when it asks what to do.
#[derive(Clone, Copy, Debug)]
pub struct PaceView {
    /// Staged bytes that it has not taken.
    pub staged_bytes: u64,
    /// True if nothing more will be staged.
    pub is_ended: bool,
    /// True if the source cannot stage more before *this* drive takes some.
    pub is_full: bool,
    /// True if the last block it took ended a file.
    pub is_between_files: bool,
    /// What the loaded medium needs.
    pub medium: Option<MediumRates>,
    /// The marks now.
    pub water: Water,
}

/// What a drive does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// Take the next block.
    Run,
    /// Take the next block after this time, to stay in its band.
    Hold(Duration),
    /// Wait for it without stopping: it will come at once.
    Wait,
    /// Stand still until there is more.
    Stand,
}

/// One drive's state of motion, and what it cost.
#[derive(Clone, Debug, Default)]
pub struct Pacer {
    is_running: bool,
    /// The band that it is fed for; nothing: as fast as it can.
    band: Option<u64>,
    /// When the next block is due in that band.
    due: Duration,
    start_count: u64,
    underrun_count: u64,
    hitch_count: u64,
    dry_since: Option<Duration>,
}

impl Pacer {
    /// Decides at time `now`.
    pub fn decide(&mut self, now: Duration, view: &PaceView) -> Motion {
        let is_pressed = view.is_ended || view.is_full;
        if !self.is_running {
            let mark = match self.start_count {
                0 => view.water.high_bytes,
                _ => view.water.full_bytes,
            };
            let is_reached = view.staged_bytes >= mark.max(1);
            let may_start = is_reached || is_pressed && view.staged_bytes > 0;
            if !may_start {
                return Motion::Stand;
            }
            self.start(now, view);
        }
        if view.staged_bytes == 0 && !view.is_ended {
            return self.run_dry(now, view);
        }
        if let Some(since) = self.dry_since.take()
            && now.saturating_sub(since) >= UNDERRUN_HIDDEN
        {
            self.hitch_count += 1;
        }
        if !is_pressed && stops_here(view) {
            self.is_running = false;
            return Motion::Stand;
        }
        self.choose_band(view, is_pressed);
        let early = self.due.saturating_sub(now);
        if self.band.is_some() && early >= HOLD_MIN { Motion::Hold(early) } else { Motion::Run }
    }

    /// Notes that a block was taken at time `now`.
    pub fn note_taken(&mut self, now: Duration, bytes: u64) {
        let Some(band) = self.band else {
            self.due = now;
            return;
        };
        let feed = u128::from(band) * u128::from(FEED_PERCENT) / 100;
        let nanoseconds = u128::from(bytes) * 1_000_000_000 / feed.max(1);
        let time = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        self.due = self.due.max(now.saturating_sub(CATCH_UP)) + time;
    }

    /// The band that it is fed for, in bytes a second; nothing: as fast as it can.
    #[must_use]
    pub fn band_bytes_per_second(&self) -> Option<u64> {
        self.band
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

    fn start(&mut self, now: Duration, view: &PaceView) {
        self.is_running = true;
        self.start_count += 1;
        self.band = view.medium.map(MediumRates::slowest);
        // Nothing to catch up with: a drive takes the rate of the first blocks for that of all.
        self.due = now;
    }

    fn run_dry(&mut self, now: Duration, view: &PaceView) -> Motion {
        if self.dry_since.is_none() {
            self.dry_since = Some(now);
            self.underrun_count += 1;
        }
        if view.water.low_bytes == 0 {
            return Motion::Wait;
        }
        // Better one long stop than one for every block that trickles in.
        self.dry_since = None;
        self.is_running = false;
        Motion::Stand
    }

    /// Follows the level above the high mark, from band to band. Goes up where the next band is reached
    /// and down half a step later, so that a level between two bands does not make it flicker.
    fn choose_band(&mut self, view: &PaceView, is_pressed: bool) {
        let Some(medium) = view.medium.filter(|medium| !is_pressed && !medium.is_compressing())
        else {
            self.band = None;
            return;
        };
        let wanted = wanted_speed(view, medium);
        let best = medium.band_within(wanted);
        let now = self.band.unwrap_or(medium.fastest());
        let is_lower = wanted < u64::midpoint(now, medium.band_within(now.saturating_sub(1)));
        if best > now || is_lower {
            self.band = (best < medium.fastest()).then_some(best);
        }
    }
}

/// True at the low mark, if possible where a file ends: so a stop leaves no file half on tape.
fn stops_here(view: &PaceView) -> bool {
    let low = view.water.low_bytes;
    view.staged_bytes <= low && (view.is_between_files || view.staged_bytes <= low / 2)
}

/// The speed that belongs to the level, between slowest and fastest.
fn wanted_speed(view: &PaceView, medium: MediumRates) -> u64 {
    let (slowest, fastest) = (medium.slowest(), medium.fastest());
    let above = view.staged_bytes.saturating_sub(view.water.high_bytes);
    if above >= view.water.span_bytes {
        return if above > 0 { fastest } else { slowest };
    }
    let range = u128::from(fastest - slowest);
    let part = range * u128::from(above) / u128::from(view.water.span_bytes);
    slowest + u64::try_from(part).unwrap_or(0)
}
