//! Measures the product at the size of real archives: one volume and one catalog of millions of files.
//!
//! ```text
//!  volume   entries ─▶ spool ─▶ index on both partitions ─▶ mounts: foreign, own ─▶ first file
//!  catalog  copies ─▶ rows, search index ─▶ questions and pages, alone and beside a writer
//! ```
//!
//! Nothing is simplified: the volume is one of a virtual library, written and mounted by the code that
//! jobs use; the catalog is the product's. The files themselves do not exist, because what is measured
//! is what is kept of them. Processor time stands beside the clock, since other programs disturb only the
//! latter; a figure that has a goal says whether it is met.

mod catalog;
mod gauge;
mod questions;
mod sample;
mod volume;

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

pub(super) use catalog::fill;
use gauge::Gauge;
pub(in crate::app) use gauge::ScaleReport;
pub(super) use questions::search_text;

use super::work::WorkFolder;
use crate::app::error::AppError;
use crate::domain::KIB;

/// What is measured.
#[derive(Clone, Debug)]
pub(in crate::app) struct ScalePlan {
    pub(in crate::app) files: u64,
    pub(in crate::app) subject: Subject,
    /// The folder in which a fresh folder is made for everything.
    pub(in crate::app) work: PathBuf,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::app) enum Subject {
    /// The volume, then the catalog.
    #[default]
    Both,
    /// Indexes of one volume, and mounts.
    Volume,
    /// The catalog with its search index.
    Catalog,
}

/// Fewer files make no folder of the size that pages are measured in.
const FILES_MIN: u64 = 10_000;
/// Six indexes of 604 bytes a file: as it was made, on both partitions, and as three mounts read it.
const VOLUME_BYTES_PER_FILE: u64 = 4 * KIB;
/// Tables, search index, and the logs of both.
const CATALOG_BYTES_PER_FILE: u64 = KIB / 2;

/// Measures; what was made is removed in the end, also after an error. `tell` hears what is being done.
pub(in crate::app) fn run(
    plan: &ScalePlan,
    tell: &dyn Fn(&str),
    is_stopped: &AtomicBool,
) -> Result<ScaleReport, AppError> {
    if plan.files < FILES_MIN {
        return Err(AppError::Usage(format!("scale begins at {FILES_MIN} files")));
    }
    let work = WorkFolder::make(&plan.work)?;
    let bytes_per_file = match plan.subject {
        Subject::Both | Subject::Volume => VOLUME_BYTES_PER_FILE,
        Subject::Catalog => CATALOG_BYTES_PER_FILE,
    };
    work.ensure_room(plan.files.saturating_mul(bytes_per_file))?;
    let mut gauge = Gauge::begin(plan, tell, is_stopped);
    if plan.subject != Subject::Catalog {
        volume::measure(&mut gauge, &work.path().join("volume"), plan.files)?;
    }
    if plan.subject != Subject::Volume {
        catalog::measure(&mut gauge, &work.path().join("catalog"), plan.files)?;
    }
    Ok(gauge.finish())
}
