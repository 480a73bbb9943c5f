//! The time model: how long a drive and a robot take, and what it costs when the host is slow.
//!
//! Serpentine geometry: the capacity of a cartridge is laid out in as many wraps as its generation
//! has, every other one running back, so a locate costs winding along the tape and a change of wrap,
//! on a small practice cartridge as on a full one. Streaming: the host fills a buffer, the tape
//! drains it at one of the medium's speed bands; the band follows the level. An empty buffer stops
//! the tape, which overshoots and has to wind back: a back-hitch. Reading is the same mirrored.
//!
//! Figures are of full-height drives (IBM's published tables); what is a choice says so. All of it
//! is off unless [`Timing::Model`] is chosen, or its streaming alone. A virtual clock that several drives wait on advances
//! by the sum of their waits, as it has only one hand.

use std::sync::Arc;
use std::time::Duration;

use super::plan::Timing;
use super::store::wraps;
use crate::domain::{Clock, LtoGeneration, MIB};

/// Buffer of the model's drive: half of what LTO drives have. A choice.
const BUFFER_BYTES: f64 = 512.0 * 1024.0 * 1024.0;
/// A stopped tape starts again when the buffer is this full, or empty when reading. A choice.
const START_LEVEL: f64 = 0.25;
/// Above this level the band is moved by one, so that the buffer does not run over. A choice.
const HIGH_LEVEL: f64 = 0.75;
/// Over how long the host's rate is measured. A choice.
const WINDOW: Duration = Duration::from_secs(2);
/// Stop, wind back and stand ready: 3 to 5 s are reported for LTO.
const BACK_HITCH: Duration = Duration::from_secs(4);
/// Before any locate: decide, accelerate, settle. A choice.
const SETTLE: Duration = Duration::from_secs(2);
/// Moving the head to another wrap. A choice.
const WRAP_CHANGE: Duration = Duration::from_millis(1500);
/// One move of the robot.
pub(super) const ROBOT_MOVE: Duration = Duration::from_secs(10);
/// First load of an LTO-9 cartridge: IBM's average.
const INITIALIZATION: Duration = Duration::from_secs(40 * 60);
/// Bytes that a filemark takes while streaming. A choice.
const FILEMARK_BYTES: u64 = MIB;

/// What motion has cost a drive since the library was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MotionCounters {
    /// Stops in mid-stream because the host was too slow or too fast for every band.
    pub back_hitches: u64,
    /// Stops because the host asked for a flush or went elsewhere.
    pub flush_stops: u64,
    /// Time that the tape stood while the host could have been sending or taking data.
    pub idle: Duration,
    /// Time of loads, locates, rewinds and robot moves.
    pub motion: Duration,
    /// Time that the host waited for the drive while streaming.
    pub host_waits: Duration,
    /// Time that the tape ran under data.
    pub streaming: Duration,
    /// Bytes that the host sent or took.
    pub streamed_bytes: u64,
}

/// Where the head is: on which wrap, and how far along the tape (0 to 1).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct TapePoint {
    wrap: u64,
    along: f64,
}

impl TapePoint {
    /// The point behind `bytes` of a tape of `capacity` bytes.
    pub(super) fn behind(bytes: u64, capacity: u64, generation: LtoGeneration) -> Self {
        let wrap_bytes = (capacity / wraps(generation)).max(1);
        let (wrap, rest) = (bytes / wrap_bytes, bytes % wrap_bytes);
        let fraction = float(rest) / float(wrap_bytes);
        Self { wrap, along: if wrap % 2 == 0 { fraction } else { 1.0 - fraction } }
    }

    /// How long the way from here to `to` takes.
    pub(super) fn way_to(self, to: Self, generation: LtoGeneration) -> Duration {
        if self == to {
            return Duration::ZERO;
        }
        let winding = (self.along - to.along).abs() * full_pass(generation).as_secs_f64();
        let change = if self.wrap == to.wrap { Duration::ZERO } else { WRAP_CHANGE };
        SETTLE + change + seconds(winding)
    }
}

/// Which way data flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Write,
    Read,
}

/// A tape that streams, or stands in the middle of a stream.
#[derive(Clone, Copy, Debug)]
struct Stream {
    flow: Flow,
    /// Bytes in the buffer.
    level: f64,
    /// Index into the medium's bands, 0 the fastest.
    band: usize,
    /// Since when the host's rate is measured, what it moved, and how long it was kept waiting.
    window_since: Duration,
    window_bytes: f64,
    window_waits: Duration,
    /// When `level` was right.
    at: Duration,
    /// Set while the tape stands: since when, and when it can run again.
    stopped: Option<(Duration, Duration)>,
}

/// The motion of one drive. Every call is one command; what it costs is [owed](Self::take_owed), and
/// whoever drives the clock lets that pass.
#[derive(Debug)]
pub struct Motion {
    clock: Arc<dyn Clock>,
    timing: Timing,
    stream: Option<Stream>,
    /// Time that the command at work has cost so far.
    owed: Duration,
    counters: MotionCounters,
}

impl Motion {
    /// A drive with a tape that stands.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, timing: Timing) -> Self {
        Self {
            clock,
            timing,
            stream: None,
            owed: Duration::ZERO,
            counters: MotionCounters::default(),
        }
    }

    /// True if winding, loads and robot moves take their time.
    pub(super) fn has_motion(&self) -> bool {
        self.timing == Timing::Model
    }

    fn has_streaming(&self) -> bool {
        self.timing != Timing::Off
    }

    /// What it has cost so far.
    #[must_use]
    pub fn counters(&self) -> MotionCounters {
        self.counters
    }

    /// Now, as the command at work sees it.
    pub(super) fn now(&self) -> Duration {
        self.clock.elapsed() + self.owed
    }

    /// What the command at work has cost; the next one begins at nothing.
    pub fn take_owed(&mut self) -> Duration {
        std::mem::take(&mut self.owed)
    }

    /// The tape or the robot moves for that long.
    pub(super) fn spend(&mut self, duration: Duration) {
        if self.has_motion() {
            self.owed += duration;
            self.counters.motion += duration;
        }
    }

    /// Brings it up to now; gives the bytes in the drive's buffer.
    pub fn look(&mut self, medium: LtoGeneration) -> f64 {
        let Some(mut stream) = self.stream.take() else { return 0.0 };
        self.advance(&mut stream, medium);
        self.stream = Some(stream);
        stream.level
    }

    /// A block or filemark goes into the buffer.
    pub fn write(&mut self, bytes: Option<u64>, medium: LtoGeneration) {
        self.counters.streamed_bytes += bytes.unwrap_or(0);
        if self.has_streaming() {
            let mut stream = self.streaming(Flow::Write);
            self.advance(&mut stream, medium);
            stream.level += float(bytes.unwrap_or(FILEMARK_BYTES));
            stream.window_bytes += float(bytes.unwrap_or(0));
            let over = stream.level - BUFFER_BYTES;
            if over > 0.0 {
                self.wait_for_tape(&mut stream, over, medium);
            }
            self.stream = Some(stream);
        }
    }

    /// A block goes from the buffer to the host.
    pub(super) fn read(&mut self, bytes: u64, medium: LtoGeneration) {
        self.counters.streamed_bytes += bytes;
        if self.has_streaming() {
            let mut stream = self.streaming(Flow::Read);
            self.advance(&mut stream, medium);
            stream.window_bytes += float(bytes);
            let missing = float(bytes) - stream.level;
            if missing > 0.0 {
                self.wait_for_tape(&mut stream, missing, medium);
            }
            stream.level = (stream.level - float(bytes)).max(0.0);
            self.stream = Some(stream);
        }
    }

    /// The stream ends: what is in the buffer goes to the tape, and the tape stops.
    pub fn stop(&mut self, medium: LtoGeneration) {
        let Some(mut stream) = self.stream.take() else { return };
        self.advance(&mut stream, medium);
        if stream.flow == Flow::Write && stream.level > 0.0 {
            let level = stream.level;
            self.wait_for_tape(&mut stream, level, medium);
        }
        self.counters.flush_stops += 1;
    }

    /// The stream ends if it was one of writing.
    pub(super) fn stop_writing(&mut self, medium: LtoGeneration) {
        if self.stream.is_some_and(|stream| stream.flow == Flow::Write) {
            self.stop(medium);
        }
    }

    /// The power is gone, or the tape.
    pub(super) fn forget(&mut self) {
        self.stream = None;
    }

    fn streaming(&self, flow: Flow) -> Stream {
        let now = self.now();
        self.stream.filter(|stream| stream.flow == flow).unwrap_or(Stream {
            flow,
            level: 0.0,
            band: 0,
            window_since: now,
            window_bytes: 0.0,
            window_waits: Duration::ZERO,
            at: now,
            // Before the first byte the tape stands and can run at once.
            stopped: Some((now, now)),
        })
    }

    /// Brings `stream` up to now: the tape has run as long as the buffer let it.
    fn advance(&mut self, stream: &mut Stream, medium: LtoGeneration) {
        let now = self.now();
        if let Some((since, ready)) = stream.stopped {
            let is_due = match stream.flow {
                Flow::Write => stream.level >= BUFFER_BYTES * START_LEVEL,
                Flow::Read => stream.level <= BUFFER_BYTES * START_LEVEL,
            };
            if !is_due || now < ready {
                stream.at = now;
                return;
            }
            self.counters.idle += ready.max(stream.at).saturating_sub(since);
            stream.stopped = None;
            stream.at = ready.max(stream.at);
            // How fast the buffer filled, or was emptied, says what to begin with.
            self.match_speed(stream, medium);
        }
        let moved = rate(medium, stream.band) * now.saturating_sub(stream.at).as_secs_f64();
        let (limit, at_limit) = match stream.flow {
            Flow::Write => (stream.level, 0.0),
            Flow::Read => (BUFFER_BYTES - stream.level, BUFFER_BYTES),
        };
        self.counters.streaming += seconds(moved.min(limit) / rate(medium, stream.band));
        if moved >= limit && (stream.flow == Flow::Read || limit > 0.0) {
            let stopped = stream.at + seconds(limit / rate(medium, stream.band));
            stream.level = at_limit;
            stream.stopped = Some((stopped, stopped + BACK_HITCH));
            self.counters.back_hitches += 1;
        } else {
            stream.level += if stream.flow == Flow::Write { -moved } else { moved };
        }
        stream.at = now;
        if stream.stopped.is_some() {
            self.match_speed(stream, medium);
        } else {
            self.match_speed_if_due(stream, medium);
        }
    }

    fn match_speed_if_due(&self, stream: &mut Stream, medium: LtoGeneration) {
        if self.now().saturating_sub(stream.window_since) >= WINDOW {
            self.match_speed(stream, medium);
        }
    }

    /// Follows the host, as speed matching does: for writing the fastest band that it fills, for
    /// reading the slowest that it does not outrun. A level that leaves the middle moves it by one.
    fn match_speed(&self, stream: &mut Stream, medium: LtoGeneration) {
        let now = self.now();
        let window = now.saturating_sub(stream.window_since);
        let bands = medium.speed_bands_bytes_per_second();
        let slowest = bands.len().saturating_sub(1);
        let busy = window.saturating_sub(stream.window_waits).as_secs_f64();
        let host = if busy > 0.0 { stream.window_bytes / busy } else { f64::INFINITY };
        let fill = stream.level / BUFFER_BYTES;
        let filled = bands.iter().position(|band| float(*band) <= host).unwrap_or(slowest);
        let keeping = bands.iter().rposition(|band| float(*band) >= host).unwrap_or(0);
        stream.band = match stream.flow {
            Flow::Write if fill > HIGH_LEVEL => filled.saturating_sub(1),
            Flow::Write => filled,
            Flow::Read if fill > HIGH_LEVEL => (keeping + 1).min(slowest),
            Flow::Read => keeping,
        };
        stream.window_since = now;
        stream.window_bytes = 0.0;
        stream.window_waits = Duration::ZERO;
    }

    /// The host waits until so many more bytes have passed the head.
    fn wait_for_tape(&mut self, stream: &mut Stream, bytes: f64, medium: LtoGeneration) {
        if let Some((since, ready)) = stream.stopped.take() {
            let until_running = ready.saturating_sub(self.now());
            self.counters.idle += self.now().max(ready).saturating_sub(since);
            self.counters.host_waits += until_running;
            self.owed += until_running;
            stream.window_waits += until_running;
        }
        let wait = seconds(bytes / rate(medium, stream.band));
        self.owed += wait;
        self.counters.host_waits += wait;
        self.counters.streaming += wait;
        stream.window_waits += wait;
        stream.level += if stream.flow == Flow::Write { -bytes } else { bytes };
        stream.at = self.now();
        self.match_speed_if_due(stream, medium);
    }
}

fn rate(medium: LtoGeneration, band: usize) -> f64 {
    let bands = medium.speed_bands_bytes_per_second();
    float(bands.get(band).or(bands.last()).copied().unwrap_or(1))
}

/// From load to ready.
pub(super) fn load(drive: LtoGeneration) -> Duration {
    Duration::from_secs(match drive {
        LtoGeneration::Lto5 | LtoGeneration::Lto6 | LtoGeneration::Lto10 => 12,
        LtoGeneration::Lto7 | LtoGeneration::Lto8 => 15,
        LtoGeneration::Lto9 => 17,
    })
}

/// From a rewound tape to a cartridge that can be taken.
pub(super) fn unload(drive: LtoGeneration) -> Duration {
    Duration::from_secs(match drive {
        LtoGeneration::Lto5 | LtoGeneration::Lto6 => 17,
        LtoGeneration::Lto7 => 20,
        LtoGeneration::Lto8 => 24,
        LtoGeneration::Lto9 => 30,
        LtoGeneration::Lto10 => 27,
    })
}

/// First load of a cartridge, where the generation needs it.
pub(super) fn initialization() -> Duration {
    INITIALIZATION
}

/// Winding from end to end: twice the published average locate from the beginning, without what
/// every locate costs.
fn full_pass(medium: LtoGeneration) -> Duration {
    let average = Duration::from_secs(match medium {
        LtoGeneration::Lto5 => 60,
        LtoGeneration::Lto6 => 62,
        LtoGeneration::Lto7 => 56,
        LtoGeneration::Lto8 => 59,
        LtoGeneration::Lto9 => 45,
        LtoGeneration::Lto10 => 65,
    });
    (average - SETTLE - WRAP_CHANGE) * 2
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "a time model; tapes end far below 2^53 bytes")]
fn float(number: u64) -> f64 {
    number as f64
}
