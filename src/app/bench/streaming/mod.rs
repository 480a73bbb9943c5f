//! What tape drives would do: whole cartridges on the drive's time model and a virtual clock.
//!
//! ```text
//!  source ──▶ staged bytes ──▶ Pacer ──▶ drive's buffer and tape (vtl::Motion)
//!  simulated    a count         real      the model that the virtual library is timed by
//! ```
//!
//! A terabyte at 80 MB/s takes three hours and a half; here it takes a second, because no bytes are
//! moved. A test plays the same on the real stage and a real virtual drive, in small.
//!
//! Simulated are sources of an even rate, in bursts, of small files, and one that slows down; each is
//! written to each generation straight through, with a fixed buffer, and as the product does it. The
//! figures that decide are the drive's stops: each costs seconds, tape and heads.
//!
//! The staging disk is not modelled: it is taken to keep up with source and drive together.

mod plot;
mod report;
mod restore_order;
mod simulation;
mod source;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

pub(in crate::app) use report::StreamingReport;

use super::tree::failed;
use crate::app::error::AppError;
use crate::domain::{ByteCount, LtoGeneration};
use report::Row;
use restore_order::{RestoreOrder, RestorePlan};
use simulation::{Setup, Way};
use source::SourceKind;

/// Points of a picture: more than it has pixels would be drawn over each other.
const POINTS: u32 = 420;
/// The generations whose speed bands are published.
const GENERATIONS: [LtoGeneration; 4] =
    [LtoGeneration::Lto7, LtoGeneration::Lto8, LtoGeneration::Lto9, LtoGeneration::Lto10];

/// What is played.
#[derive(Clone, Debug)]
pub(in crate::app) struct StreamingPlan {
    /// What is written in each case; a million small files are what they are.
    pub(in crate::app) bytes: ByteCount,
    /// Where the pictures go, if they are wanted.
    pub(in crate::app) out: Option<PathBuf>,
}

/// Plays everything.
pub(in crate::app) fn run(plan: &StreamingPlan) -> Result<StreamingReport, AppError> {
    if plan.bytes.0 < source::BLOCK_BYTES {
        return Err(AppError::Usage("nothing is left to write".to_owned()));
    }
    if let Some(out) = &plan.out {
        fs::create_dir_all(out).map_err(failed("make", out))?;
    }
    let setups = setups(plan.bytes.0);
    let played = play_all(&setups);
    if let Some(out) = &plan.out {
        for (setup, outcome) in setups.iter().zip(&played).filter(|(s, _)| s.way == Way::Staged) {
            let generation = setup.generation.name().to_ascii_lowercase();
            let path = out.join(format!("{generation}-{}.svg", setup.source.slug()));
            fs::write(&path, plot::draw(setup, outcome)).map_err(failed("write", &path))?;
        }
    }
    let rows = setups.iter().zip(played).map(|(setup, outcome)| Row::of(setup, outcome)).collect();
    let restores = RestorePlan::ALL.iter().map(RestoreOrder::measure).collect::<Result<_, _>>()?;
    Ok(StreamingReport { rows, restores })
}

fn setups(bytes: u64) -> Vec<Setup> {
    let mut setups = Vec::new();
    for generation in GENERATIONS {
        for source in SourceKind::ALL {
            // A million small files are 131 GB: the plan of more would end before.
            let bytes = if source == SourceKind::SmallFiles {
                bytes.min(source::SMALL_FILES_BYTES)
            } else {
                bytes
            };
            setups.extend(Way::ALL.map(|way| Setup {
                generation,
                source,
                way,
                room: way.room(),
                bytes,
            }));
        }
    }
    setups
}

/// Plays each on a processor of its own, as far as there are; what comes out does not depend on it.
fn play_all(setups: &[Setup]) -> Vec<simulation::Outcome> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(vec![simulation::Outcome::default(); setups.len()]);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(setup) = setups.get(at) else { return };
                    let outcome = setup.play(interval(setup));
                    outcomes.lock()[at] = outcome;
                }
            });
        }
    });
    outcomes.into_inner()
}

/// Between two points of the picture.
fn interval(setup: &Setup) -> Duration {
    let whole = figure(setup.bytes) / setup.source.rate_at(0.5);
    let drawn = setup.source.drawn().map_or(whole, |drawn| drawn.as_secs_f64().min(whole));
    Duration::from_secs_f64(drawn / f64::from(POINTS))
}

/// A count as a figure to divide by; exact up to 9 PB.
#[expect(clippy::cast_precision_loss, reason = "figures for people, of three digits")]
fn figure(count: u64) -> f64 {
    count as f64
}
