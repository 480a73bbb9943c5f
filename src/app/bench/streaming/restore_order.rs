//! Single files from a cartridge: in the order of the catalog, of the tape, and as a restore reads.
//!
//! A real [`Drive`] on a virtual library with the time model. The cartridge is small and half full, and as
//! long as any: the model lays its capacity out in all the wraps of its generation. Files are of one
//! block, so what is measured is the way between them.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{SeedableRng as _, seq};
use serde::Serialize;

use super::report::minutes;
use crate::app::bench::appliance::BENCH_KEY;
use crate::app::bench::tree::failed;
use crate::app::bench::work::WorkFolder;
use crate::app::engine::virtual_equipment;
use crate::app::error::AppError;
use crate::domain::{
    Barcode, BlockCount, BlockNumber, ByteCount, Clock, KIB, LtoGeneration, Partition, Position,
    VirtualClock,
};
use crate::drive::{Access, Drive, Flush, PartitionPlan, Segment};
use crate::jobs::restore::order_for_reading;
use crate::vtl::{
    CAPACITY_MIN, CartridgePlan, LibraryPlan, LibraryRules, OpenOptions, Timing, VirtualLibrary,
};

const DATA: Partition = Partition(1);
/// Small blocks: the way between them is the same as between large ones.
const BLOCK_BYTES: u64 = 4 * KIB;
/// A block of this cartridge is as long as thousands of a real one: no two files lie together.
const GAP: BlockCount = BlockCount(0);
const NEXT_STEP: &str = "Run it again; if it stays, report it with the line above.";

/// What is read of what.
#[derive(Clone, Copy, Debug)]
pub(super) struct RestorePlan {
    pub(super) generation: LtoGeneration,
    /// Blocks on the cartridge, each one file.
    pub(super) blocks: u64,
    /// Of which so many are read.
    pub(super) files: usize,
}

impl RestorePlan {
    /// A drive without advice and the two generations with it.
    pub(super) const ALL: [Self; 3] = [
        Self::of(LtoGeneration::Lto8),
        Self::of(LtoGeneration::Lto9),
        Self::of(LtoGeneration::Lto10),
    ];

    const fn of(generation: LtoGeneration) -> Self {
        Self { generation, blocks: 20_000, files: 1000 }
    }
}

/// How long it takes, in seconds of the model.
#[derive(Clone, Debug, Serialize)]
pub(super) struct RestoreOrder {
    pub(super) generation: LtoGeneration,
    pub(super) files: usize,
    /// By path, which says nothing of places: another order of names than of writing.
    pub(super) catalog_seconds: f64,
    /// By block number.
    pub(super) tape_seconds: f64,
    /// As a restore job reads.
    pub(super) planned_seconds: f64,
}

impl RestoreOrder {
    /// Writes a cartridge and reads it three times.
    pub(super) fn measure(plan: &RestorePlan) -> Result<Self, AppError> {
        let work = WorkFolder::make(&std::env::temp_dir())?;
        let clock = Arc::new(VirtualClock::default());
        let shared: Arc<dyn Clock> = clock.clone();
        let library = library(work.path(), plan, &shared)?;
        let equipment = virtual_equipment(&library, BENCH_KEY, &shared)?;
        let barcode = barcode(plan.generation)?;
        let loaded = equipment.load(&barcode, &|| false, &mut |_| {});
        let mut loaded = loaded.map_err(|error| broken(&error))?;
        let drive = loaded.drive();
        fill(drive, plan.blocks)?;
        let mut noise = StdRng::seed_from_u64(1);
        let blocks = usize::try_from(plan.blocks).unwrap_or(usize::MAX);
        let mut chosen = seq::index::sample(&mut noise, blocks, plan.files).into_vec();
        chosen.sort_unstable();
        let in_tape_order: Vec<u64> = chosen.iter().map(|block| *block as u64).collect();
        let mut by_path = in_tape_order.clone();
        by_path.shuffle(&mut noise);
        let mut timed = |order: &[u64]| read(drive, order, clock.as_ref());
        let catalog_seconds = timed(&by_path)?;
        let tape_seconds = timed(&in_tape_order)?;
        rewind(drive)?;
        let planned = order_for_reading(drive, in_tape_order, GAP, |block| {
            let block = BlockNumber(*block);
            Some(Segment { partition: DATA, first: block, last: block })
        });
        let planned_seconds = read(drive, &planned, clock.as_ref())?;
        let RestorePlan { generation, files, .. } = *plan;
        Ok(Self { generation, files, catalog_seconds, tape_seconds, planned_seconds })
    }

    /// How many times as fast as in catalog order the restore is.
    pub(super) fn gain(&self) -> f64 {
        self.catalog_seconds / self.planned_seconds.max(f64::EPSILON)
    }

    /// As a table.
    pub(super) fn table(all: &[Self]) -> Vec<String> {
        let mut lines = vec![
            "Restore of random files of one block from a cartridge".to_owned(),
            String::new(),
            "| drive | files | in catalog order | in tape order | as a restore reads | gain |"
                .to_owned(),
            "|---|---:|---:|---:|---:|---:|".to_owned(),
        ];
        lines.extend(all.iter().map(|one| {
            format!(
                "| {} | {} | {} | {} | {} | {:.1} |",
                one.generation,
                one.files,
                minutes(one.catalog_seconds),
                minutes(one.tape_seconds),
                minutes(one.planned_seconds),
                one.gain(),
            )
        }));
        lines
    }
}

/// One drive and one cartridge of which `plan.blocks` fill half: the wraps of partition 0 take
/// a part of it too.
fn library(
    folder: &std::path::Path,
    plan: &RestorePlan,
    clock: &Arc<dyn Clock>,
) -> Result<VirtualLibrary, AppError> {
    let capacity = ByteCount(plan.blocks * BLOCK_BYTES * 2).max(CAPACITY_MIN);
    let plan = LibraryPlan {
        drives: vec![plan.generation],
        slots: 1,
        mail_slots: 0,
        cartridges: vec![CartridgePlan::data(barcode(plan.generation)?, plan.generation, capacity)],
        seed: 1,
        rules: LibraryRules::default(),
    };
    let options =
        OpenOptions { clock: Arc::clone(clock), timing: Timing::Model, ..OpenOptions::default() };
    let folder = folder.join("library");
    std::fs::create_dir(&folder).map_err(failed("make", &folder))?;
    VirtualLibrary::create_with(&folder, &plan, options).map_err(|error| broken(&error))
}

fn fill(drive: &mut Drive, blocks: u64) -> Result<(), AppError> {
    drive.permit(Access::Write);
    drive.format_partitions(PartitionPlan::ltfs()).map_err(|error| broken(&error))?;
    let start = Position { partition: DATA, block: BlockNumber(0) };
    drive.locate(start).map_err(|error| broken(&error))?;
    let block = vec![0; usize::try_from(BLOCK_BYTES).unwrap_or(0)];
    for _ in 0..blocks {
        let outcome = drive.write_block(&block).map_err(|error| broken(&error))?;
        if !outcome.is_on_tape() {
            return Err(refused("the cartridge is too small"));
        }
    }
    let flushed = drive.write_filemarks(0, Flush::Synchronous).map_err(|error| broken(&error))?;
    if !flushed.is_on_tape() {
        return Err(refused("the cartridge is too small"));
    }
    Ok(())
}

fn rewind(drive: &mut Drive) -> Result<(), AppError> {
    drive.rewind().map_err(|error| broken(&error))
}

/// Reads `order` from a rewound tape.
fn read(drive: &mut Drive, order: &[u64], clock: &dyn Clock) -> Result<f64, AppError> {
    rewind(drive)?;
    let begun = clock.elapsed();
    let mut buffer = vec![0; usize::try_from(BLOCK_BYTES).unwrap_or(0)];
    for block in order {
        let at = Position { partition: DATA, block: BlockNumber(*block) };
        drive.locate(at).map_err(|error| broken(&error))?;
        let _outcome = drive.read_block(&mut buffer).map_err(|error| broken(&error))?;
    }
    let passed: Duration = clock.elapsed().saturating_sub(begun);
    Ok(passed.as_secs_f64())
}

fn barcode(generation: LtoGeneration) -> Result<Barcode, AppError> {
    let text = format!("FSP001{}", generation.media_suffix());
    text.parse().map_err(|error| AppError::offline("cannot name it", &error, NEXT_STEP))
}

fn broken(error: &dyn std::error::Error) -> AppError {
    AppError::offline("the virtual library cannot be used", error, NEXT_STEP)
}

fn refused(message: &str) -> AppError {
    AppError::Offline { message: message.to_owned(), next_step: NEXT_STEP.to_owned() }
}
