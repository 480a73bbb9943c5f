//! Measures the API under load: how soon it answers while a backup writes, and what the questions cost the
//! backup.
//!
//! ```text
//!  catalog of millions of files ─▶ engine, a process of its own on one processor
//!      round:  a backup alone  ─▶  a backup while so many questions a second are asked
//! ```
//!
//! Questions come at fixed moments, whatever became of those before: one that is late because the engine
//! was busy counts from the moment at which it was due. So an engine that stops for a second shows it.

mod asking;
mod report;
mod server;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(in crate::app) use report::LoadReport;

use super::scale;
use super::tree::TreePlan;
use super::work::WorkFolder;
use crate::app::error::AppError;
use crate::domain::KIB;
use asking::Asked;
use server::Server;

/// What is measured.
#[derive(Clone, Debug)]
pub(in crate::app) struct LoadPlan {
    /// Files that the catalog knows before.
    pub(in crate::app) files: u64,
    /// Questions a second.
    pub(in crate::app) per_second: u32,
    /// What each backup writes.
    pub(in crate::app) source: TreePlan,
    /// Pairs of backups.
    pub(in crate::app) rounds: u32,
    /// The folder in which a fresh folder is made for everything.
    pub(in crate::app) work: PathBuf,
}

/// Tables, search index, and the logs of both.
const CATALOG_BYTES_PER_FILE: u64 = KIB / 2;

/// Measures; what was made is removed in the end, also after an error. `tell` hears what is being done.
pub(in crate::app) fn run(
    plan: &LoadPlan,
    tell: &dyn Fn(&str),
    is_stopped: &AtomicBool,
) -> Result<LoadReport, AppError> {
    if plan.rounds == 0 || plan.per_second == 0 || plan.source.files == 0 {
        return Err(AppError::Usage("nothing is left to measure".to_owned()));
    }
    let work = WorkFolder::make(&plan.work)?;
    let backups = u64::from(plan.rounds) * 2 + 1;
    let room = plan.files * CATALOG_BYTES_PER_FILE + backups * plan.source.bytes_on_disk();
    work.ensure_room(room)?;
    tell("making the files");
    let source = work.path().join("source");
    plan.source.make(&source)?;
    tell("filling the catalog");
    let data = work.path().join("data");
    scale::fill(&data, plan.files)?;
    // Before the processors are divided.
    let mut report = LoadReport::begin(plan);
    tell("starting the engine");
    let server = Server::start(&data, room)?;
    server.format()?;
    // The first one of a set is like no other.
    server.back_up(&source)?;
    for round in 1..=plan.rounds {
        if is_stopped.load(Ordering::SeqCst) {
            return Err(super::stopped());
        }
        tell(&format!("a backup alone, round {round} of {}", plan.rounds));
        report.alone.push(server.back_up(&source)?);
        tell(&format!("a backup under load, round {round} of {}", plan.rounds));
        let (seconds, asked) = under_load(&server, plan.per_second, || server.back_up(&source))?;
        report.under_load.push(seconds);
        report.take(asked);
    }
    server.stop()?;
    Ok(report)
}

/// Does `work` while questions are asked.
fn under_load<T>(
    server: &Server,
    per_second: u32,
    work: impl FnOnce() -> Result<T, AppError>,
) -> Result<(T, Vec<Asked>), AppError> {
    let is_over = Arc::new(AtomicBool::new(false));
    let asking = asking::start(server.socket(), per_second, &is_over)?;
    let done = work();
    is_over.store(true, Ordering::SeqCst);
    let asked = asking::join(asking)?;
    Ok((done?, asked))
}
