//! Measures this machine: the product end to end, beside the tools that people would use instead.
//!
//! ```text
//!  for each tree (few large files, half of them, many small files):
//!    make it ─▶ rounds × ( read it into the page cache ─▶ one case in a process of its own ) ─▶ medians
//! ```
//!
//! A case is a real job of a real [`Runner`](crate::jobs::Runner) on a virtual library, or a tool, on the
//! same files in the same run: what counts are the ratios, which hold on a busy or a slow machine too.
//! Each case has its own process, so its peak memory is its own. The rounds alternate the cases, so
//! that a disturbance falls on all of them.
//!
//! Not measured: the drive (the virtual one takes no time), nor, unless [`Caches::Cold`] is asked for, the
//! disk that files come from. What drives would do is played in [`streaming`].

mod appliance;
mod caches;
mod case;
mod cost;
mod load;
mod ready_memory;
mod report;
mod scale;
mod series;
pub(super) mod streaming;
#[cfg(test)]
mod tests;
mod tools;
mod tree;
mod work;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) use caches::Caches;
pub(super) use case::Case;
pub(super) use cost::Cost;
pub(super) use load::{LoadPlan, run as run_load};
pub(super) use report::Report;
pub(super) use scale::{ScalePlan, Subject, run as run_scale};
pub(super) use tree::TreePlan;

use super::error::AppError;
use crate::domain::{Clock, SystemClock};
use case::{Place, Task};
use report::Row;
use series::Series;
use work::WorkFolder;

/// What is measured.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) large: TreePlan,
    pub(super) small: TreePlan,
    /// Times that each case is run; the figures are medians.
    pub(super) rounds: u32,
    /// The folder in which a fresh folder is made for everything.
    pub(super) work: PathBuf,
    /// Where files are before each case.
    pub(super) caches: Caches,
}

/// Runs one case, in a process of its own unless it is a test.
pub(super) type Launch<'a> = &'a dyn Fn(&Case) -> Result<Cost, AppError>;

/// Measures everything. `tell` hears what is being done; `is_stopped` ends it after the present case.
/// What was made is removed in the end, also after an error.
pub(super) fn run(
    plan: &Plan,
    launch: Launch<'_>,
    tell: &dyn Fn(&str),
    is_stopped: &AtomicBool,
) -> Result<Report, AppError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let all = Series::of(plan);
    if all.is_empty() || plan.rounds == 0 {
        return Err(AppError::Usage("nothing is left to measure".to_owned()));
    }
    tools::ensure_present()?;
    let work = WorkFolder::make(&plan.work)?;
    if plan.caches == Caches::Cold {
        work.ensure_on_disk()?;
        caches::drop_all()?;
    }
    work.ensure_room(all.iter().map(Series::room_bytes).max().unwrap_or(0))?;
    let mut report = Report::begin(plan, clock.now());
    for Series { kind, tree, tasks } in all {
        tell(&format!("making {}", tree.describe()));
        let place = Place::make(work.path().join(kind.name()), tree, plan.caches)?;
        let mut costs: Vec<(Task, Vec<Cost>)> =
            tasks.into_iter().map(|task| (task, Vec::new())).collect();
        for round in 1..=plan.rounds {
            for (task, costs) in &mut costs {
                if is_stopped.load(Ordering::SeqCst) {
                    return Err(stopped());
                }
                let what = format!("{}: {}", tree.describe(), task.describe());
                tell(&format!("{what}, round {round} of {}", plan.rounds));
                costs.push(place.run(*task, &work, launch)?);
            }
        }
        report.rows.extend(costs.iter().map(|(task, all)| Row::of(kind, tree, *task, all)));
        place.remove()?;
    }
    Ok(report)
}

fn stopped() -> AppError {
    AppError::Offline {
        message: "the measurement was stopped".to_owned(),
        next_step: "What it had made is removed; run it again when there is time.".to_owned(),
    }
}
