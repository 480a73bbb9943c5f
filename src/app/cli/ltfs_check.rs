//! What `fossilsafe ltfs check` and `fossilsafe ltfs repair` say.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::ltfs_target::next_step;
use super::output::{Output, Table, grouped, moment, size};
use crate::app::error::{AppError, Exit};
use crate::domain::Clock;
use crate::drive::Drive;
use crate::ltfs::check::{CheckReport, Examples, check as check_volume};
use crate::ltfs::mount::{Finding, MountedVolume, Severity};
use crate::ltfs::repair::repair as repair_volume;
use crate::ltfs::writer::{Locked, WriteOptions, creator};

/// Looks at everything and writes nothing. Fails if something needs repair or is lost.
pub(super) fn check(
    drive: &mut Drive,
    volume: &MountedVolume,
    output: &Output,
) -> Result<Exit, AppError> {
    let report = check_volume(drive, volume)
        .map_err(|error| AppError::offline("cannot check", &error, next_step(&error)))?;
    let is_good = report.is_clean() && !is_bad(&volume.findings);
    if output.is_json {
        print_json(volume, &report, output)?;
    } else {
        print_text(volume, &report, output)?;
    }
    Ok(if is_good { Exit::Done } else { Exit::Failed })
}

fn is_bad(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity() >= Severity::Repair)
}

fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Repair => "repair",
        Severity::Damage => "damage",
    }
}

fn findings_json(findings: &[Finding]) -> serde_json::Value {
    let one = |finding: &Finding| json!({ "severity": severity_name(finding.severity()), "sentence": finding.to_string() });
    findings.iter().map(one).collect()
}

fn print_json(
    volume: &MountedVolume,
    report: &CheckReport,
    output: &Output,
) -> Result<(), AppError> {
    let counts = volume.index.file.counts();
    let examples = |found: &Examples| json!({ "count": found.count, "paths": found.paths });
    let broken: Vec<String> = report.broken_chain.iter().map(ToString::to_string).collect();
    let damaged: Vec<_> = report
        .damaged_indexes
        .iter()
        .map(|index| json!({ "location": index.location.to_string(), "why": index.why }))
        .collect();
    let generations: Vec<_> = report
        .generations
        .iter()
        .map(|index| {
            json!({
                "generation": index.generation,
                "location": index.location.to_string(),
                "written": index.update_time,
                "creator": index.creator,
            })
        })
        .collect();
    output.json(&json!({
        "volume": volume.label.uuid,
        "generation": volume.generation(),
        "index": volume.index.why.to_string(),
        "files": counts.files,
        "bytes": counts.file_bytes,
        "lock": volume.lock.map(|lock| lock.to_string()),
        "findings": findings_json(&volume.findings),
        "broken_chain": broken,
        "damaged_indexes": damaged,
        "out_of_reach": examples(&report.out_of_reach),
        "repeated_uids": examples(&report.repeated_uids),
        "too_deep": examples(&report.too_deep),
        "generations": generations,
    }))
}

fn print_text(
    volume: &MountedVolume,
    report: &CheckReport,
    output: &Output,
) -> Result<(), AppError> {
    let counts = volume.index.file.counts();
    output.line(&format!("Volume {}", volume.label.uuid))?;
    output.line(&format!("Index: {}", volume.index.why))?;
    output.line(&format!("Lists {} files, {}", grouped(counts.files), size(counts.file_bytes)))?;
    if let Some(lock) = volume.lock {
        output.line(&format!("It must not be written: {lock}"))?;
    }
    let mut table = Table::new(&["GENERATION", "AT", "WRITTEN", "BY"]);
    for index in &report.generations {
        let (number, location) = (index.generation.to_string(), index.location.to_string());
        table.row(vec![number, location, moment(index.update_time), index.creator.clone()]);
    }
    output.table(&table, "There is no index on the data partition.")?;
    for location in &report.broken_chain {
        output.line(&format!("damage: the index at {location} does not lead to the one before"))?;
    }
    for index in &report.damaged_indexes {
        let (at, why) = (index.location, &index.why);
        output.line(&format!("damage: the older index at {at} cannot be used ({why})"))?;
    }
    let examples = [
        ("damage", "need blocks that are not on the tape", &report.out_of_reach),
        ("repair", "have a number that another entry has too", &report.repeated_uids),
        ("note", "lie deeper than every LTFS implementation reads", &report.too_deep),
    ];
    for (severity, what, found) in examples.iter().filter(|(.., found)| found.count > 0) {
        output.line(&format!("{severity}: {} entries {what}", grouped(found.count)))?;
        for path in &found.paths {
            output.line(&format!("  {path}"))?;
        }
    }
    print_findings(&volume.findings, output)?;
    if report.is_clean() && volume.findings.is_empty() {
        output.line("Everything is as after a clean close.")?;
    }
    Ok(())
}

fn print_findings(findings: &[Finding], output: &Output) -> Result<(), AppError> {
    for finding in findings {
        output.line(&format!("{}: {finding}", severity_name(finding.severity())))?;
    }
    Ok(())
}

/// Appends what is missing for a clean close. Fails if something is still wrong afterwards.
pub(super) fn repair(
    drive: Drive,
    volume: &MountedVolume,
    spool_dir: &Path,
    clock: &Arc<dyn Clock>,
    output: &Output,
) -> (Drive, Result<Exit, AppError>) {
    let options = WriteOptions {
        spool_dir: spool_dir.to_owned(),
        creator: creator("repair"),
        clock: Arc::clone(clock),
        locked: Locked::Respect,
    };
    match repair_volume(drive, volume, options, None) {
        Ok((drive, repaired)) => {
            let generation = repaired.index.generation;
            let told = if output.is_json {
                output.json(&json!({
                    "volume": volume.label.uuid,
                    "generation": generation,
                    "healed": findings_json(&repaired.healed),
                    "left": findings_json(&repaired.left),
                }))
            } else {
                let uuid = volume.label.uuid;
                let healed = repaired.healed.len();
                output
                    .line(&format!(
                        "Volume {uuid} is closed with index generation {generation}; \
                         {healed} findings are healed, {} are left.",
                        repaired.left.len()
                    ))
                    .and_then(|()| print_findings(&repaired.left, output))
            };
            let exit = if is_bad(&repaired.left) { Exit::Failed } else { Exit::Done };
            (drive, told.map(|()| exit))
        }
        Err(refused) => {
            let error = &refused.error;
            let failed = AppError::offline("cannot repair", error, next_step(error));
            (refused.drive, Err(failed))
        }
    }
}
