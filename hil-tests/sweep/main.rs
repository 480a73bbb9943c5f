//! The sweep: every job with a fault at every command, and nothing is lost.
//!
//! Each scenario is prepared once and its task done once to count its commands and the writes to the
//! catalog. Then it is done once for each of them with the host cut off there, and once for each
//! fault that can happen there:
//!
//! * **power-before, power-during**: the power of everything fails just before a command, or after it was
//!   done and before it was answered. Drives lose their buffers. The host's files are copied while the command
//!   is held. With `--disk`, and in the sample where it can be had, the host has a disk of its own that is copied
//!   instead, and what was not synced is gone: content, names, renames.
//! * **host-gone**: the process alone dies; drives keep buffer, position and locks.
//! * **write-before, write-torn**: the power fails at a write of SQLite to the catalog or its log, which did
//!   not happen, or half of which did.
//! * the kinds of [`faults::table`], each at every command that it can happen to.
//!
//! After a cut a new host is opened on the crash image, and before it does anything the tapes are read
//! with an empty catalog: everything that the image calls flushed must be there with the right hash. Then it
//! goes on, and a job that nothing but a cut has happened to completes. What else has not ended well is begun
//! again without faults and must come to its end. In the
//! end again: every claim is on tape, nothing that was there before is lost or forgotten, no block was
//! written over, nothing was sent that writes to a cartridge that was not ours, drives and robot are free,
//! no lock is left, and a job that has not done all it was asked said why.
//!
//! ```text
//! cargo test --test sweep                        a sample of every scenario, always the same
//! scripts/sweep                                  all of it
//! scripts/sweep --scenario backup                all of one scenario
//! scripts/sweep --scenario backup --point write-error@40    one point, with what the drive was told
//! scripts/sweep --disk --point power-before      a power cut at each command, on a disk of the host's own
//! scripts/sweep --random 600 --seed 7            several faults at once, over several lives, for so long
//! ```
//!
//! Every point is repeated by its name: counts are of commands since the task was begun, and nothing in
//! a run depends on the time.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking and says on its output what it found"
)]

mod claims;
mod disk;
mod faults;
mod goals;
mod host;
mod image;
mod options;
mod point;
mod points;
mod random;
mod rig;
mod scenarios;
mod storage;
mod tape;
#[path = "../appliance/tree.rs"]
#[expect(dead_code, reason = "the appliance's tests use the rest of it")]
mod tree;
mod wire;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use crate::claims::claims;
use crate::faults::FaultKind;
use crate::host::Failed;
use crate::options::{Extent, Options};
use crate::point::{Counted, Report, Stage};
use crate::rig::{Keeping, Rig};
use crate::scenarios::{SCENARIOS, Scenario};
use crate::tape::TapeReader;

/// Findings shown of one point; the others follow from the first ones.
const FINDINGS_SHOWN: usize = 4;
/// Points with findings after which a scenario is given up.
const BAD_POINTS_MAX: usize = 25;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => return ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("sweep: {message}; see --help");
            return ExitCode::from(2);
        }
    };
    let work = match tempfile::Builder::new().prefix("sweep-").tempdir_in(&options.work) {
        Ok(work) => work,
        Err(error) => {
            eprintln!("sweep: no folder in {}: {error}", options.work.display());
            return ExitCode::FAILURE;
        }
    };
    let keeping = match (options.keeping, options.extent) {
        (Some(keeping), _) => keeping,
        (None, Extent::Sample) if disk::is_possible(work.path()) => Keeping::Disk,
        (None, _) => Keeping::Folder,
    };
    println!("{}", keeping.describe());
    if options.keeping == Some(Keeping::Disk)
        && let Err(error) = disk::mount_alone()
    {
        eprintln!("sweep: {error}");
        return ExitCode::FAILURE;
    }
    let is_good = match options.extent {
        Extent::Random { .. } => random::sweep(&options, keeping, work.path()),
        _ => sweep(&options, keeping, work.path()),
    };
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Every chosen scenario; true if nothing was found.
fn sweep(options: &Options, keeping: Keeping, work: &Path) -> bool {
    let table = faults::table();
    let mut is_good = true;
    for scenario in SCENARIOS.iter().filter(|scenario| options.wants(scenario.name)) {
        let name = scenario.name;
        match sweep_scenario(scenario, &table, options, keeping, &work.join(name)) {
            Ok(0) => println!("ok - sweep of {name}"),
            Ok(bad) => {
                is_good = false;
                println!("not ok - sweep of {name}: {bad} points with findings");
            }
            Err(error) => {
                is_good = false;
                println!("not ok - sweep of {name}: {error}");
            }
        }
    }
    is_good
}

/// Returns how many points have findings.
fn sweep_scenario(
    scenario: &Scenario,
    table: &[FaultKind],
    options: &Options,
    keeping: Keeping,
    folder: &Path,
) -> Result<usize, Failed> {
    let begun = Instant::now();
    let mut reader = TapeReader::default();
    let stage = prepare(scenario, folder, keeping, &mut reader)?;
    let Counted { commands, writes, report: undisturbed } = stage.count(&mut reader)?;
    if !undisturbed.findings.is_empty() || undisturbed.first_end != "completed" {
        show("undisturbed", &undisturbed);
        return Err("it fails without any fault".into());
    }
    let all = points::of(&commands, writes, table);
    let chosen = options.choose(scenario.name, &all)?;
    let drives = commands.iter().filter(|seen| seen.0 != fossilsafe::vtl::Device::Changer).count();
    let (mut bad, mut late, mut tried) = (0, 0, 0);
    let mut ends: BTreeMap<(String, String), usize> = BTreeMap::new();
    for place in &chosen {
        let (strike, harm) = place.strike(table);
        let report = stage.disturb(vec![vec![strike]], harm, &mut reader);
        tried += 1;
        late += usize::from(report.was_late);
        *ends.entry((place.kind(table).to_owned(), report.first_end.clone())).or_default() += 1;
        if options.is_verbose() {
            println!("{} {}: {}", scenario.name, place.name(table), report.first_end);
        }
        if !report.findings.is_empty() {
            bad += 1;
            show(&format!("{} {}", scenario.name, place.name(table)), &report);
            if bad >= BAD_POINTS_MAX {
                break;
            }
        }
    }
    if options.is_whole() {
        for ((kind, end), count) in &ends {
            let failures =
                table.iter().find(|known| known.name == kind).map_or("F1 F2", |k| k.failures);
            println!("  {kind} ({failures}): {count} {end}");
        }
    }
    println!(
        "{}: {} commands ({drives} to drives, {} to the changer), {writes} writes to the catalog; \
         {} points, {tried} tried, {} skipped, {late} not reached; {:.1} s",
        scenario.name,
        commands.len(),
        commands.len() - drives,
        all.len(),
        chosen.len() - tried,
        begun.elapsed().as_secs_f64()
    );
    Ok(bad)
}

/// Makes the base of a scenario and reads what is on its tapes.
fn prepare(
    scenario: &Scenario,
    folder: &Path,
    keeping: Keeping,
    reader: &mut TapeReader,
) -> Result<Stage, Failed> {
    let mut rig = Rig::new(folder, scenario.data_mib, keeping)?;
    let prepared = (scenario.prepare)(&mut rig)?;
    let mut floor = claims(rig.host()?.catalog())?;
    let is_known = rig.disowned.keys().all(|key| floor.contains_key(key));
    let last_job = rig.host()?.catalog().jobs(None, 1)?.first().map_or(0, |job| job.id.0);
    // What is thrown away on purpose is on the tapes all the same.
    floor.extend(std::mem::take(&mut rig.disowned));
    reader.trust(std::mem::take(&mut rig.drive_keys));
    rig.keep_as_base()?;
    let base = folder.join("case/library");
    let tapes = reader.read(&base, &folder.join("case/scratch"))?;
    let missing = claims::unproven(&floor, &tapes);
    if let Some(what) = missing.first() {
        return Err(format!("after its preparation, {what}").into());
    }
    let last_job = fossilsafe::domain::JobId(last_job);
    Ok(Stage { folder: folder.to_owned(), keeping, prepared, floor, is_known, tapes, last_job })
}

fn show(point: &str, report: &Report) {
    println!("finding at {point} (it first ended {}):", report.first_end);
    for finding in report.findings.iter().take(FINDINGS_SHOWN) {
        println!("  {finding}");
    }
    if report.findings.len() > FINDINGS_SHOWN {
        println!("  and {} more", report.findings.len() - FINDINGS_SHOWN);
    }
    if std::env::var_os("SWEEP_COMMANDS").is_some() {
        println!("{}", report.commands);
    }
}
