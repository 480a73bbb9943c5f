//! One source, one way of writing, one drive: played through on a virtual clock, block by block.
//!
//! Real are the decisions ([`SourceMeter`], [`plan_water`], [`Pacer`]: what the data path runs) and the
//! drive ([`Motion`]: what the virtual library's drives are timed by). Simulated are the source and
//! the staging between them: a count of bytes, and no bytes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::figure;
use super::source::{BLOCK_BYTES, Feed, SourceKind, Work};
use crate::domain::{Clock, GIB, LtoGeneration, MIB, VirtualClock};
use crate::stream::{
    FEED_PERCENT, MediumRates, Motion as Move, PaceView, Pacer, SourceMeter, SourceView, StageRoom,
    Water, plan_water,
};
use crate::vtl::{Motion, Timing};

/// Between source and drive when nothing is staged: what a pipe and its programs hold.
const PIPE_BYTES: u64 = 16 * BLOCK_BYTES;
/// The fixed buffer that is compared with: what people give `mbuffer`.
const PREBUFFER_BYTES: u64 = 10_000_000_000;
/// What the product stages in: its default memory, of which files being read hold a fifth, and its
/// default of a staging folder.
pub(super) const STAGED: StageRoom =
    StageRoom { memory_bytes: 256 * MIB / 10 * 8, total_bytes: 64 * GIB + 256 * MIB / 10 * 8 };
/// The same with no more room than the fixed buffer has.
const STAGED_SMALL: StageRoom =
    StageRoom { memory_bytes: STAGED.memory_bytes, total_bytes: PREBUFFER_BYTES };

/// How the source is brought to the drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Way {
    /// Block by block, as it comes.
    Straight,
    /// A fixed buffer: the drive starts when it is full and stops when it is empty.
    Prebuffer,
    /// As the product does it, with as much room as the fixed buffer.
    StagedSmall,
    /// As the product does it.
    Staged,
}

impl Way {
    pub(super) const ALL: [Self; 4] =
        [Self::Straight, Self::Prebuffer, Self::StagedSmall, Self::Staged];

    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Straight => "straight through",
            Self::Prebuffer => "fixed 10 GB pre-buffer",
            Self::StagedSmall => "stage-ahead, 10 GB",
            Self::Staged => "stage-ahead, 64 GiB",
        }
    }

    /// What can be staged.
    pub(super) fn room(self) -> StageRoom {
        let fixed = |bytes| StageRoom { memory_bytes: bytes, total_bytes: bytes };
        match self {
            Self::Straight => fixed(PIPE_BYTES),
            Self::Prebuffer => fixed(PREBUFFER_BYTES),
            Self::StagedSmall => STAGED_SMALL,
            Self::Staged => STAGED,
        }
    }

    /// True if the product decides.
    #[cfg(test)]
    pub(super) fn is_ours(self) -> bool {
        matches!(self, Self::StagedSmall | Self::Staged)
    }
}

/// What is played.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    pub(super) generation: LtoGeneration,
    pub(super) source: SourceKind,
    pub(super) way: Way,
    pub(super) room: StageRoom,
    pub(super) bytes: u64,
}

/// What came out.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Outcome {
    pub(super) bytes: u64,
    pub(super) seconds: f64,
    /// Time that the tape did not run.
    pub(super) idle_seconds: f64,
    pub(super) back_hitches: u64,
    /// Stops that no buffer of that size can prevent: see [`Setup::bursts_demanded`].
    pub(super) bursts_demanded: u64,
    pub(super) staged_peak_bytes: u64,
    pub(super) staged_mean_bytes: f64,
    /// For the plot.
    #[serde(skip)]
    pub(super) trace: Vec<Sample>,
}

/// The totals at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) at: f64,
    pub(super) source_bytes: f64,
    pub(super) tape_bytes: f64,
    pub(super) staged_bytes: f64,
    pub(super) back_hitches: u64,
}

impl Setup {
    /// Bursts that the arithmetic demands: where the source is slower than the slowest band, a burst at
    /// the rate R at which that band is fed moves `B · R / (R − S)`, with `B` between the marks. Each
    /// ends with a stop.
    pub(super) fn bursts_demanded(&self) -> u64 {
        const STEPS: u32 = 1000;
        let medium = MediumRates::of(self.generation);
        let too_slow = SourceView { bytes_per_second: Some(0), pause: Duration::ZERO };
        let water = plan_water(Some(medium), too_slow, self.room);
        let room = figure(water.full_bytes - water.low_bytes);
        let (slowest, fed) = (medium.slowest(), medium.slowest() * FEED_PERCENT / 100);
        let step = figure(self.bytes) / f64::from(STEPS);
        let drained = (0..STEPS).map(|n| {
            let rate = self.source.rate_at((f64::from(n) + 0.5) / f64::from(STEPS));
            if rate < figure(slowest) { step * (1.0 - rate / figure(fed)) } else { 0.0 }
        });
        Duration::from_secs_f64((drained.sum::<f64>() / room).ceil()).as_secs()
    }

    /// Plays it; a sample for the trace is taken every `interval`.
    pub(super) fn play(&self, interval: Duration) -> Outcome {
        let clock = Arc::new(VirtualClock::default());
        let (motion_clock, timing): (Arc<dyn Clock>, _) = (clock.clone(), Timing::Model);
        let mut player = Player {
            setup: *self,
            feed: Feed::new(self.source, self.bytes),
            next: None,
            next_at: Duration::ZERO,
            blocked_since: None,
            blocked: Duration::ZERO,
            meter: SourceMeter::default(),
            staged: VecDeque::new(),
            staged_bytes: 0,
            given_bytes: 0,
            motion: Motion::new(motion_clock, timing),
            pacer: Pacer::default(),
            is_between_files: false,
            busy_until: Duration::ZERO,
            clock,
            interval,
            outcome: Outcome::default(),
        };
        player.play();
        let bursts_demanded = self.bursts_demanded();
        Outcome { bursts_demanded, ..player.outcome }
    }
}

struct Player {
    setup: Setup,
    feed: Feed,
    /// The block that the source works on, and when it is done.
    next: Option<Work>,
    next_at: Duration,
    /// Set while a block is done that finds no room.
    blocked_since: Option<Duration>,
    blocked: Duration,
    meter: SourceMeter,
    staged: VecDeque<Work>,
    staged_bytes: u64,
    given_bytes: u64,
    motion: Motion,
    pacer: Pacer,
    is_between_files: bool,
    busy_until: Duration,
    clock: Arc<VirtualClock>,
    interval: Duration,
    outcome: Outcome,
}

impl Player {
    fn play(&mut self) {
        let mut sample_at = Duration::ZERO;
        let mut staged_seconds = 0.0;
        self.work_on(Duration::ZERO);
        loop {
            let now = self.clock.elapsed();
            if now >= sample_at {
                self.sample(now);
                sample_at = now + self.interval;
            }
            self.take_in(now);
            let drive_at = self.turn_drive(now);
            let source_at = self.next.map(|_| self.next_at).filter(|at| *at > now);
            let Some(next) = drive_at.into_iter().chain(source_at).min() else { break };
            let passed = next.min(sample_at.max(now)) - now;
            staged_seconds += figure(self.staged_bytes) * passed.as_secs_f64();
            self.clock.advance(passed);
        }
        self.motion.stop(self.setup.generation);
        self.clock.advance(self.motion.take_owed());
        let now = self.clock.elapsed();
        self.sample(now);
        let counters = self.motion.counters();
        let outcome = &mut self.outcome;
        outcome.bytes = self.given_bytes;
        outcome.seconds = now.as_secs_f64();
        outcome.idle_seconds = now.saturating_sub(counters.streaming).as_secs_f64();
        outcome.back_hitches = counters.back_hitches;
        outcome.staged_mean_bytes = staged_seconds / outcome.seconds;
    }

    fn work_on(&mut self, now: Duration) {
        self.next = self.feed.next();
        self.next_at = now + self.next.map_or(Duration::ZERO, |work| work.time);
    }

    /// Stages the source's block if it is done and there is room.
    fn take_in(&mut self, now: Duration) {
        let Some(work) = self.next.filter(|_| self.next_at <= now) else { return };
        if self.staged_bytes + work.bytes > self.setup.room.total_bytes {
            self.blocked_since.get_or_insert(now);
            return;
        }
        if let Some(since) = self.blocked_since.take() {
            self.blocked += now - since;
        }
        self.staged.push_back(work);
        self.staged_bytes += work.bytes;
        self.given_bytes += work.bytes;
        self.outcome.staged_peak_bytes = self.outcome.staged_peak_bytes.max(self.staged_bytes);
        self.meter.observe(now, self.given_bytes, self.blocked);
        self.work_on(now);
    }

    /// Lets the drive take a block if it will; says when it looks again, unless bytes must come first.
    fn turn_drive(&mut self, now: Duration) -> Option<Duration> {
        if self.busy_until > now {
            return Some(self.busy_until);
        }
        let is_ended = self.next.is_none();
        if is_ended && self.staged.is_empty() {
            return None;
        }
        match self.pacer.decide(now, &self.view(now, is_ended)) {
            Move::Stand | Move::Wait => None,
            Move::Hold(time) => Some(now + time),
            Move::Run => {
                let work = self.staged.pop_front()?;
                self.staged_bytes -= work.bytes;
                self.is_between_files = work.ends_file;
                self.motion.write(Some(work.bytes), self.setup.generation);
                self.busy_until = now + self.motion.take_owed();
                self.pacer.note_taken(self.busy_until, work.bytes);
                Some(self.busy_until)
            }
        }
    }

    fn view(&self, now: Duration, is_ended: bool) -> PaceView {
        let medium = MediumRates::of(self.setup.generation);
        let (medium, water) = match self.setup.way {
            Way::Straight => (None, Water::default()),
            Way::Prebuffer => {
                let high_bytes = PREBUFFER_BYTES - BLOCK_BYTES;
                (None, Water { high_bytes, low_bytes: 1, span_bytes: 0, full_bytes: high_bytes })
            }
            Way::StagedSmall | Way::Staged => {
                let source = self.meter.view(now);
                (Some(medium), plan_water(Some(medium), source, self.setup.room))
            }
        };
        PaceView {
            staged_bytes: self.staged_bytes,
            is_ended,
            is_full: self.blocked_since.is_some(),
            is_between_files: self.is_between_files,
            medium,
            water,
        }
    }

    fn sample(&mut self, now: Duration) {
        let held = self.motion.look(self.setup.generation);
        let counters = self.motion.counters();
        self.outcome.trace.push(Sample {
            at: now.as_secs_f64(),
            source_bytes: figure(self.given_bytes),
            tape_bytes: figure(counters.streamed_bytes) - held,
            staged_bytes: figure(self.staged_bytes),
            back_hitches: counters.back_hitches,
        });
    }
}

impl std::fmt::Debug for Player {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Player").field("setup", &self.setup).finish_non_exhaustive()
    }
}
