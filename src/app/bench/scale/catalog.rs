//! The catalog of millions of files: how fast it takes them, how large it gets, and how soon it answers.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::cost::Worker;
use super::super::tree::failed;
use super::gauge::{Gauge, Goal};
use super::questions;
use super::sample::{ATTRIBUTES, FILES_IN_FOLDER, LARGE_FOLDER, Sample};
use crate::app::error::AppError;
use crate::catalog::snapshot::CATALOG_FILE;
use crate::catalog::{
    Catalog, CatalogError, CopyExtent, EvidenceState, FileKind, NewCopy, NewRun, NewVolume,
    OpenCheck, PreviousEntries, RunKind, RunState, RunWriter, SegmentId, VolumeState,
};
use crate::domain::{
    ByteCount, Clock, CopyLetter, Partition, Position, RunId, SetName, SystemClock, Timestamp,
    VolumeUuid,
};

const SET: &str = "scale";
const INSERTS_PER_SECOND_MIN: f64 = 150_000.0;
const BYTES_A_FILE_MAX: u64 = 250;
/// Files between two checkpoints of the run in the background, as many as lie between two indexes.
const CHECKPOINT_FILES: u64 = 200_000;
/// Entries of earlier runs that a scan reads at a time.
const PREVIOUS_ENTRIES: usize = 4096;
const NEXT_STEP: &str = "Run it again; if it stays, report it with the line above.";

pub(super) fn refused(error: CatalogError) -> AppError {
    AppError::offline("the catalog", &error, NEXT_STEP)
}

pub(super) fn set() -> Result<SetName, AppError> {
    SET.parse().map_err(|error| AppError::offline("cannot name it", &error, NEXT_STEP))
}

/// Measures everything in `folder`, which does not exist.
pub(super) fn measure(gauge: &mut Gauge<'_>, folder: &Path, files: u64) -> Result<(), AppError> {
    fs::create_dir(folder).map_err(failed("make", folder))?;
    let catalog = Catalog::open(&folder.join("catalog.db"), OpenCheck::WhenDue).map_err(refused)?;
    let full = start_run(&catalog, RunKind::Full, 1)?;
    store(gauge, &catalog, &full, files)?;
    sizes(gauge, &catalog)?;
    let second = start_run(&catalog, RunKind::Incremental, 2)?;
    plan_again(gauge, &catalog, &second, files)?;
    questions::measure(gauge, &catalog, "")?;
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| -> Result<(), AppError> {
        let clock = Arc::clone(&gauge.clock);
        let background = {
            let (catalog, second, is_over) = (&catalog, &second, &is_over);
            scope.spawn(move || write_until(catalog, clock, second, files, is_over))
        };
        let asked = questions::measure(gauge, &catalog, " while a run writes");
        is_over.store(true, Ordering::SeqCst);
        let (stored, seconds) =
            background.join().map_err(|_| AppError::Usage("it panicked".to_owned()))??;
        asked?;
        gauge.rate("inserts meanwhile", stored, seconds, None);
        Ok(())
    })?;
    gauge.step("check of the whole file", Worker::Own, Goal::default(), || {
        catalog.check().map_err(refused)
    })?;
    drop(catalog);
    fs::remove_dir_all(folder).map_err(failed("remove", folder))
}

/// Makes the data folder of an appliance whose catalog has a run of so many files.
pub(in crate::app::bench) fn fill(data: &Path, files: u64) -> Result<(), AppError> {
    fs::create_dir(data).map_err(failed("make", data))?;
    let catalog = Catalog::open(&data.join(CATALOG_FILE), OpenCheck::WhenDue).map_err(refused)?;
    let clock = Arc::new(SystemClock::new());
    let run = start_run(&catalog, RunKind::Full, 1)?;
    let segment = begin_segment(&catalog, &run, 900)?;
    let mut writer = catalog.run_writer(segment, clock.clone()).map_err(refused)?;
    (0..files).try_for_each(|number| push(&mut writer, Sample { number, files }))?;
    writer.checkpoint(files, None, clock.now(), None).map_err(refused)?;
    let indexed = EvidenceState::Indexed;
    catalog.say_evidence(segment, indexed, 0..files, clock.now(), None).map_err(refused)?;
    catalog.set_run_state(&run, RunState::Complete, None, clock.now()).map_err(refused)?;
    if catalog.wait_until_searchable() {
        return Ok(());
    }
    let message = format!("the search index: {:?}", catalog.search_status());
    Err(AppError::Offline { message, next_step: NEXT_STEP.to_owned() })
}

/// Stores the full run, and waits until all of it can be found.
fn store(
    gauge: &mut Gauge<'_>,
    catalog: &Catalog,
    run: &RunId,
    files: u64,
) -> Result<(), AppError> {
    let clock = Arc::clone(&gauge.clock);
    let segment = begin_segment(catalog, run, 1)?;
    let mut writer = catalog.run_writer(segment, clock.clone()).map_err(refused)?;
    let (_, cost) = gauge.step("copies stored, synced", Worker::Thread, Goal::default(), || {
        (0..files).try_for_each(|number| push(&mut writer, Sample { number, files }))?;
        writer.flush().map_err(refused)
    })?;
    gauge.rate("inserts", files, cost.seconds, Some(INSERTS_PER_SECOND_MIN));
    gauge.step("checkpoint, and all are indexed", Worker::Own, Goal::default(), || {
        writer.checkpoint(files, None, clock.now(), None).map_err(refused)?;
        let indexed = EvidenceState::Indexed;
        catalog.say_evidence(segment, indexed, 0..files, clock.now(), None).map_err(refused)?;
        catalog.set_run_state(run, RunState::Complete, None, clock.now()).map_err(refused)
    })?;
    let (_, cost) = gauge.step("search index", Worker::Own, Goal::default(), || {
        if catalog.wait_until_searchable() {
            return Ok(());
        }
        let message = format!("the search index: {:?}", catalog.search_status());
        Err(AppError::Offline { message, next_step: NEXT_STEP.to_owned() })
    })?;
    gauge.rate("files made searchable", files, cost.seconds, None);
    gauge.step("evidence table of the run", Worker::Own, Goal::default(), || {
        let table = catalog.run_evidence(run).map_err(refused)?;
        let stored: u64 = table.stored.values().map(|totals| totals.files).sum();
        if stored == files { Ok(()) } else { Err(AppError::Usage(format!("{stored} files"))) }
    })?;
    Ok(())
}

fn sizes(gauge: &mut Gauge<'_>, catalog: &Catalog) -> Result<(), AppError> {
    let sizes = catalog.sizes().map_err(refused)?;
    gauge.bytes_a_file("catalog", sizes.catalog.0, Some(BYTES_A_FILE_MAX));
    for (table, bytes) in sizes.tables.iter().take(4) {
        gauge.bytes_a_file(&format!("of that `{table}`"), bytes.0, None);
    }
    gauge.bytes_a_file("search index", sizes.search.0, None);
    Ok(())
}

/// What an incremental run asks before it writes, and what is said of it in the end.
fn plan_again(
    gauge: &mut Gauge<'_>,
    catalog: &Catalog,
    run: &RunId,
    files: u64,
) -> Result<(), AppError> {
    let set = set()?;
    gauge.step("earlier entries of every folder", Worker::Own, Goal::default(), || {
        let mut previous = catalog.previous_entries(&set, run).map_err(refused)?;
        let mut met = 0;
        for first in (0..files - files / 10).step_by(usize::try_from(FILES_IN_FOLDER).unwrap_or(1))
        {
            let path = Sample { number: first, files }.path();
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            met += entries_of(&mut previous, folder)?;
        }
        met += entries_of(&mut previous, LARGE_FOLDER)?;
        if met == files { Ok(()) } else { Err(AppError::Usage(format!("{met} entries"))) }
    })?;
    gauge.step("evidence of all that a run refers to", Worker::Own, Goal::default(), || {
        let referred = catalog.referred_evidence(run).map_err(refused)?;
        let met: u64 = referred.files.values().map(|totals| totals.files).sum();
        if met == files { Ok(()) } else { Err(AppError::Usage(format!("{met} files"))) }
    })?;
    Ok(())
}

/// Goes through a folder page by page, as a scan does.
fn entries_of(previous: &mut PreviousEntries, folder: &str) -> Result<u64, AppError> {
    let (mut met, mut after) = (0, Vec::new());
    loop {
        let page = previous.page(folder.as_bytes(), &after, PREVIOUS_ENTRIES).map_err(refused)?;
        met += page.len() as u64;
        match page.last() {
            Some(last) if page.len() == PREVIOUS_ENTRIES => after.clone_from(&last.name),
            _ => return Ok(met),
        }
    }
}

fn write_until(
    catalog: &Catalog,
    clock: Arc<SystemClock>,
    run: &RunId,
    files: u64,
    is_over: &AtomicBool,
) -> Result<(u64, f64), AppError> {
    let segment = begin_segment(catalog, run, 2)?;
    let mut writer = catalog.run_writer(segment, clock.clone()).map_err(refused)?;
    let begun = clock.elapsed();
    let mut stored = 0;
    // Once each: a file that one run stores again and again is nothing that a backup does.
    while !is_over.load(Ordering::SeqCst) && stored < files {
        push(&mut writer, Sample { number: stored, files })?;
        stored += 1;
        if stored % CHECKPOINT_FILES == 0 {
            writer.checkpoint(stored, None, clock.now(), None).map_err(refused)?;
        }
    }
    Ok((stored, clock.elapsed().saturating_sub(begun).as_secs_f64()))
}

fn start_run(catalog: &Catalog, kind: RunKind, number: i64) -> Result<RunId, AppError> {
    let started = Timestamp { seconds: 1_790_000_000 + number, nanoseconds: 0 };
    let set = set()?;
    catalog.put_set(&set, &serde_json::json!({}), started).map_err(refused)?;
    let run = RunId(format!("run-{number}"));
    let new = NewRun { run: run.clone(), set, kind, parent: None, job: None, copies: 1, started };
    catalog.start_run(&new).map_err(refused)?;
    Ok(run)
}

fn begin_segment(catalog: &Catalog, run: &RunId, number: u64) -> Result<SegmentId, AppError> {
    let uuid = VolumeUuid::random();
    let volume = NewVolume {
        uuid,
        cartridge: None,
        state: VolumeState::Open,
        barcode: format!("FSP{number:03}L9").parse().ok(),
        name: format!("volume {number}"),
        block_size: 524_288,
        index_partition: Partition(0),
        data_partition: Partition(1),
        capacity: ByteCount(18_000_000_000_000),
        formatted: Timestamp { seconds: 1_790_000_000, nanoseconds: 0 },
    };
    catalog.saw_volume(&volume).map_err(refused)?;
    catalog.begin_segment(run, uuid, CopyLetter::A).map_err(refused)
}

fn push(writer: &mut RunWriter, sample: Sample) -> Result<(), AppError> {
    let (path, number) = (sample.path(), sample.number);
    let extents = [CopyExtent {
        start: Position::new(1, 4 + number / 100),
        byte_offset: number * 4096 % 524_288,
        byte_count: ByteCount(sample.size()),
        file_offset: 0,
    }];
    let modified = sample.modified();
    let copy = NewCopy {
        ordinal: number,
        path: path.as_bytes(),
        kind: FileKind::File,
        size: ByteCount(sample.size()),
        modified,
        changed: Some(Timestamp { seconds: modified.seconds + 3, ..modified }),
        inode: Some(1_000_000 + number),
        sha256: Some(sample.digest()),
        attributes: ATTRIBUTES,
        detail: None,
        extents: &extents,
        codec: None,
        part: None,
        stored_path: None,
    };
    writer.push(&copy).map(|_| ()).map_err(refused)
}
