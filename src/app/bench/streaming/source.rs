//! The sources that a drive is tried with: when each of their blocks is ready.
//!
//! A source works at its own pace while there is room for what it gives, and waits otherwise; so a
//! source says how long its next block takes, not when it comes.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde::Serialize;

use super::figure;
use crate::domain::{GIB, KIB};

/// A block of a tape.
pub(super) const BLOCK_BYTES: u64 = 512 * KIB;
/// Bytes in the megabyte of rates.
pub(super) const MB: u64 = 1_000_000;
/// Of all sources but that of small files.
const FILE_BYTES: u64 = GIB;
/// The burst of a bursty source: a file server whose disks sleep or whose cache is flushed.
const BURST_RATE: u64 = 400 * MB;
/// A million files of 1 to 256 KiB from a disk that needs half a millisecond to find each: about
/// 131 GB at 158 MB/s, in the middle of the slowest bands of LTO-7 to LTO-10.
const SMALL_FILES: u64 = 1_000_000;
const SMALL_FILE_KIB_MAX: u64 = 256;
/// What they come to.
pub(super) const SMALL_FILES_BYTES: u64 = SMALL_FILES * (SMALL_FILE_KIB_MAX + 1) * KIB / 2;
const SMALL_FILE_SEEK: Duration = Duration::from_micros(500);
const SMALL_FILE_RATE: u64 = 400 * MB;

/// What kind of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SourceKind {
    /// The same rate all the time, in MB/s.
    Steady(u64),
    /// Bursts of 400 MB/s for that many seconds, then a stall of that many.
    Bursts { burst: u64, stall: u64 },
    /// Many small files.
    SmallFiles,
    /// From one rate to another, evenly over its time, in MB/s.
    Slowing { from: u64, to: u64 },
}

impl SourceKind {
    /// All that are tried.
    pub(super) const ALL: [Self; 8] = [
        Self::Steady(80),
        Self::Steady(150),
        Self::Steady(300),
        Self::Steady(600),
        Self::Bursts { burst: 10, stall: 5 },
        Self::Bursts { burst: 60, stall: 30 },
        Self::SmallFiles,
        Self::Slowing { from: 500, to: 50 },
    ];

    /// For people.
    pub(super) fn describe(self) -> String {
        match self {
            Self::Steady(rate) => format!("steady {rate} MB/s"),
            Self::Bursts { burst, stall } => format!("400 MB/s, {stall} s stall every {burst} s"),
            Self::SmallFiles => "a million small files".to_owned(),
            Self::Slowing { from, to } => format!("slowing, {from} to {to} MB/s"),
        }
    }

    /// For the name of a file.
    pub(super) fn slug(self) -> String {
        match self {
            Self::Steady(rate) => format!("steady-{rate}"),
            Self::Bursts { stall, .. } => format!("stalls-{stall}s"),
            Self::SmallFiles => "small-files".to_owned(),
            Self::Slowing { from, to } => format!("slowing-{from}-{to}"),
        }
    }

    /// How much of it is drawn: bursts would be a solid bar over hours.
    pub(super) fn drawn(self) -> Option<Duration> {
        match self {
            Self::Bursts { burst, stall } => Some(Duration::from_secs(24 * (burst + stall))),
            _ => None,
        }
    }

    /// Its rate in the long run where `part` of it is done, in bytes a second.
    pub(super) fn rate_at(self, part: f64) -> f64 {
        let rate = |rate: u64| figure(rate * MB);
        match self {
            Self::Steady(steady) => rate(steady),
            Self::Bursts { burst, stall } => {
                figure(BURST_RATE) * figure(burst) / figure(burst + stall)
            }
            Self::SmallFiles => {
                let mean = figure((SMALL_FILE_KIB_MAX + 1) * KIB) / 2.0;
                mean / (SMALL_FILE_SEEK.as_secs_f64() + mean / figure(SMALL_FILE_RATE))
            }
            // Evenly over time, so the square of the rate falls evenly over the bytes.
            Self::Slowing { from, to } => {
                let (from, to) = (rate(from).powi(2), rate(to).powi(2));
                (from - (from - to) * part).sqrt()
            }
        }
    }
}

/// A block, and how long the source works for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    pub(super) bytes: u64,
    pub(super) time: Duration,
    pub(super) ends_file: bool,
}

/// A source at work.
#[derive(Debug)]
pub(super) struct Feed {
    kind: SourceKind,
    total: u64,
    given: u64,
    noise: StdRng,
    /// Small files: bytes of the present file that are not in a block yet.
    left_of_file: u64,
}

impl Feed {
    /// A source of about `total` bytes; a million small files are what they are.
    pub(super) fn new(kind: SourceKind, total: u64) -> Self {
        let noise = StdRng::seed_from_u64(1);
        Self { kind, total, given: 0, noise, left_of_file: 0 }
    }

    /// The next block, if there is one.
    pub(super) fn next(&mut self) -> Option<Work> {
        let work = match self.kind {
            SourceKind::SmallFiles => self.next_of_small_files()?,
            kind => {
                let bytes = BLOCK_BYTES.min(self.total - self.given);
                let part = figure(self.given) / figure(self.total.max(1));
                let (rate, stall) = match kind {
                    SourceKind::Bursts { burst, stall } => {
                        let cycle = burst * BURST_RATE;
                        let is_new = self.given > 0 && self.given % cycle < BLOCK_BYTES;
                        (figure(BURST_RATE), if is_new { stall } else { 0 })
                    }
                    kind => (kind.rate_at(part), 0),
                };
                let time = Duration::from_secs(stall)
                    + Duration::from_secs_f64(figure(bytes) / rate.max(1.0));
                let end = self.given + bytes;
                let ends_file = self.given / FILE_BYTES != end / FILE_BYTES || end == self.total;
                Work { bytes, time, ends_file }
            }
        };
        self.given += work.bytes;
        (work.bytes > 0).then_some(work)
    }

    fn next_of_small_files(&mut self) -> Option<Work> {
        let mut work = Work { bytes: 0, time: Duration::ZERO, ends_file: false };
        while work.bytes < BLOCK_BYTES && self.given + work.bytes < self.total {
            if self.left_of_file == 0 {
                let left = self.total - self.given - work.bytes;
                self.left_of_file = left.min(self.noise.gen_range(1..=SMALL_FILE_KIB_MAX) * KIB);
                work.time += SMALL_FILE_SEEK;
                work.ends_file |= work.bytes > 0;
            }
            let bytes = self.left_of_file.min(BLOCK_BYTES - work.bytes);
            self.left_of_file -= bytes;
            work.bytes += bytes;
            work.time += Duration::from_secs_f64(figure(bytes) / figure(SMALL_FILE_RATE));
        }
        (work.bytes > 0).then_some(work)
    }
}
