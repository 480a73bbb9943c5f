//! Measures the API under load: how soon it answers while a backup writes, and what the questions cost the
//! backup.
//!
//! ```text
//!  catalog of millions of files ─▶ engine, a process of its own on one processor, a new one for each backup
//!      large files to a drive that takes its time, then small files to one that takes none:
//!          round:  a backup alone  ─▶  a backup while so many questions a second are asked
//! ```
//!
//! The first is what an appliance does: the drive sets the pace. In the second the processor is busy without
//! any question, so each question takes from the backup just what it costs; that bounds every case.
//!
//! Questions come at fixed moments, whatever became of those before: one that is late because the engine
//! was busy counts from the moment at which it was due. So an engine that stops for a second shows it.

mod asking;
mod report;
mod server;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(in crate::app) use report::LoadReport;

use super::ready_memory::ReadyMemory;
use super::scale;
use super::tree::TreePlan;
use super::work::WorkFolder;
use crate::app::error::AppError;
use crate::domain::KIB;
use asking::Asked;
use report::Case;
use server::{Drive, Server, Took};

/// What is measured.
#[derive(Clone, Debug)]
pub(in crate::app) struct LoadPlan {
    /// Files that the catalog knows before.
    pub(in crate::app) files: u64,
    /// Questions a second.
    pub(in crate::app) per_second: u32,
    /// What each backup writes to the drive that takes its time.
    pub(in crate::app) large: TreePlan,
    /// What each backup writes to the drive that takes none.
    pub(in crate::app) small: TreePlan,
    /// Pairs of backups of each.
    pub(in crate::app) rounds: u32,
    /// The folder in which a fresh folder is made for everything.
    pub(in crate::app) work: PathBuf,
}

/// Tables, search index, and the logs of both.
const CATALOG_BYTES_PER_FILE: u64 = KIB / 2;
/// The source, the cartridge, and the memory that is made ready.
const TIMES_SOURCE: u64 = 3;

/// Measures; what was made is removed in the end, also after an error. `tell` hears what is being done.
pub(in crate::app) fn run(
    plan: &LoadPlan,
    tell: &dyn Fn(&str),
    is_stopped: &AtomicBool,
) -> Result<LoadReport, AppError> {
    if [plan.rounds, plan.per_second].contains(&0) || plan.large.files.min(plan.small.files) == 0 {
        return Err(AppError::Usage("nothing is left to measure".to_owned()));
    }
    let work = WorkFolder::make(&plan.work)?;
    let most = plan.large.bytes_on_disk().max(plan.small.bytes_on_disk());
    work.ensure_room(plan.files * CATALOG_BYTES_PER_FILE + TIMES_SOURCE * most)?;
    tell("filling the catalog");
    let data = work.path().join("data");
    scale::fill(&data, plan.files)?;
    // Before the processors are divided.
    let mut report = LoadReport::begin(plan);
    for (drive, tree) in [(Drive::TakesTime, plan.large), (Drive::TakesNone, plan.small)] {
        let measuring = Measuring { plan, work: &work, data: &data, tell, is_stopped };
        report.cases.push(measuring.case(drive, tree)?);
    }
    Ok(report)
}

/// What all cases have in common.
struct Measuring<'a> {
    plan: &'a LoadPlan,
    work: &'a WorkFolder,
    data: &'a Path,
    tell: &'a dyn Fn(&str),
    is_stopped: &'a AtomicBool,
}

impl Measuring<'_> {
    fn case(&self, drive: Drive, tree: TreePlan) -> Result<Case, AppError> {
        (self.tell)(&format!("making {}", tree.describe()));
        let source = self.work.path().join("source");
        tree.make(&source)?;
        let mut case = Case::begin(drive, tree);
        // The first one of a set is like no other.
        self.back_up(drive, tree, &source, None)?;
        for round in 1..=self.plan.rounds {
            if self.is_stopped.load(Ordering::SeqCst) {
                return Err(super::stopped());
            }
            let what = format!("{}, round {round} of {}", tree.describe(), self.plan.rounds);
            (self.tell)(&format!("{what}: a backup alone"));
            case.alone.push(self.back_up(drive, tree, &source, None)?.0);
            (self.tell)(&format!("{what}: a backup under load"));
            let per_second = Some(self.plan.per_second);
            let (took, asked) = self.back_up(drive, tree, &source, per_second)?;
            case.under_load.push(took);
            case.take(&asked);
        }
        std::fs::remove_dir_all(&source).map_err(super::tree::failed("remove", &source))?;
        Ok(case)
    }

    /// Backs up to an empty cartridge, while so many questions a second are asked.
    fn back_up(
        &self,
        drive: Drive,
        tree: TreePlan,
        source: &Path,
        per_second: Option<u32>,
    ) -> Result<(Took, Vec<Asked>), AppError> {
        server::make_library(self.data, tree.bytes_on_disk())?;
        let server = Server::start(self.data, drive)?;
        server.format()?;
        let memory = ReadyMemory::of(self.work, tree.bytes_on_disk())?;
        let is_over = Arc::new(AtomicBool::new(false));
        let asking = match per_second {
            Some(per_second) => asking::start(server.socket(), per_second, &is_over)?,
            None => Vec::new(),
        };
        let done = server.back_up(source);
        drop(memory);
        is_over.store(true, Ordering::SeqCst);
        let asked = asking::join(asking)?;
        server.stop()?;
        Ok((done?, asked))
    }
}
