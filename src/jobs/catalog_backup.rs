//! Backing up the catalog: copies of the databases while work goes on, then one sealed folder.
//!
//! What other services keep is asked for; one that is away leaves the backup incomplete.
//!
//! Each database is copied as it is at one moment, one after another, the catalog last; between them lie
//! seconds, in which somebody may have signed in. Needs no drive and holds up no other job.

use std::fs::DirEntry;
use std::path::{Path, PathBuf};

use super::context::{JobContext, make_folder};
use super::error::JobError;
use super::outcome::{Ending, Outcome};
use super::spec::CatalogBackupSpec;
use crate::catalog::EventLevel;
use crate::catalog::snapshot::{
    ALERTS_FILE, AUDIT_FILE, CARTRIDGES_FILE, CATALOG_FILE, PEOPLE_FILE, copy_database,
};
use crate::catalog_backup::{
    CatalogBackupError, Content, HandedFile, Making, Place, make, remove_older,
};
use crate::domain::{ByteCount, SourcePath};
use crate::source::network::ensure_mounted;

/// In this order: what the catalog says was done, the log has.
const DATABASES: [&str; 5] = [PEOPLE_FILE, ALERTS_FILE, AUDIT_FILE, CARTRIDGES_FILE, CATALOG_FILE];
/// Files and folders of the data folder that stand nowhere else. Indexes and manifests are on the tapes.
const OTHERS: [&str; 4] = ["settings.json", "keys", "receipts", "sources"];
/// A service did not hand over what it keeps.
const NOT_HANDED_OVER: &str = "not_handed_over";

/// Makes a backup and removes those that are no longer kept.
///
/// # Errors
/// If no kit is confirmed, the folder is away or full, or a file cannot be read.
pub(super) fn run(context: &JobContext, spec: &CatalogBackupSpec) -> Result<Ending, JobError> {
    let work = context.parts.folders.job(context.id).join("catalog");
    // Copies of an attempt that was cut off are older than this one.
    remove(&work)?;
    make_folder(&work)?;
    let ended = back_up(context, spec, &work);
    remove(&work)?;
    match ended {
        Err(JobError::CatalogBackup(CatalogBackupError::Stopped)) if context.is_interrupted() => {
            Ok(Ending::Interrupted)
        }
        Err(JobError::CatalogBackup(CatalogBackupError::Stopped)) => {
            let sentence = "cancelled; nothing was left in the folder".to_owned();
            Ok(Ending::Cancelled(Outcome { sentence, ..Outcome::default() }))
        }
        ended => ended,
    }
}

fn back_up(
    context: &JobContext,
    spec: &CatalogBackupSpec,
    work: &Path,
) -> Result<Ending, JobError> {
    let parts = &context.parts;
    ensure_mounted(&spec.folder)?;
    let mut content = gather(context, work)?;
    let missing = ask_others(context, &mut content);
    let total: u64 = content.iter().filter_map(|content| content.place.bytes().ok()).sum();
    let total_files = u64::try_from(content.len()).unwrap_or(u64::MAX);
    context.stage("writing the backup", None);
    context.update(|progress| (progress.files_total, progress.bytes_total) = (total_files, total));
    let goes_on = |bytes: u64| {
        context.update(|progress| progress.bytes_done += bytes);
        !context.is_stopped()
    };
    let (path, description) = make(&Making {
        folder: &spec.folder,
        attempt: &format!("job-{}", context.id),
        content: &content,
        keys: &parts.keys,
        host: &parts.host,
        now: parts.clock.now(),
        goes_on: &goes_on,
    })?;
    let keep = usize::try_from(spec.keep.max(1)).unwrap_or(usize::MAX);
    let removed = remove_older(&spec.folder, keep, &parts.keys)?.len();
    let size = ByteCount(description.sealed_bytes.0);
    let older = match removed {
        0 => String::new(),
        1 => "; one older backup was removed".to_owned(),
        many => format!("; {many} older backups were removed"),
    };
    let without: String = missing.iter().map(|(what, _)| format!(", without {what}")).collect();
    let mut outcome = Outcome {
        sentence: format!("{size} in {}{without}{older}", path.display()),
        destination: Some(path.display().to_string()),
        files: total_files,
        bytes: description.state_bytes(),
        ..Outcome::default()
    };
    for (_, reason) in &missing {
        outcome.add_problem(&SourcePath::top(), NOT_HANDED_OVER, reason);
    }
    let is_whole = missing.is_empty();
    Ok(if is_whole { Ending::Completed(outcome) } else { Ending::Incomplete(outcome) })
}

/// Adds what other services keep; what is missing of it, and why.
fn ask_others(context: &JobContext, content: &mut Vec<Content>) -> Vec<(String, String)> {
    let mut missing = Vec::new();
    for service in &context.parts.elsewhere {
        match service.hand_over() {
            Ok(files) => content.extend(files.into_iter().map(|HandedFile { name, content }| {
                Content { name, place: Place::Memory(content) }
            })),
            Err(error) => {
                let what = service.what().to_owned();
                let message = format!("{what} are not in this backup: {error}");
                context.tell(EventLevel::Warning, NOT_HANDED_OVER, &*message);
                missing.push((what, message));
            }
        }
    }
    missing
}

fn gather(context: &JobContext, work: &Path) -> Result<Vec<Content>, JobError> {
    let data = context.parts.folders.data();
    let mut content = Vec::new();
    for name in DATABASES {
        if context.is_stopped() {
            return Err(CatalogBackupError::Stopped.into());
        }
        let from = data.join(name);
        if from.exists() {
            context.stage(&format!("copying {name}"), None);
            let copy = work.join(name);
            copy_database(&from, &copy)?;
            content.push(Content { name: name.to_owned(), place: Place::File(copy) });
        }
    }
    for name in OTHERS {
        collect(name, &data.join(name), &mut content)?;
    }
    Ok(content)
}

/// The regular files at or below `path`, but for those that are being written: these are hidden.
fn collect(name: &str, path: &Path, content: &mut Vec<Content>) -> Result<(), JobError> {
    let reading = |error| JobError::io("read", path)(error);
    let kind = match path.symlink_metadata() {
        Ok(status) => status.file_type(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(reading(error)),
    };
    if kind.is_file() {
        content.push(Content { name: name.to_owned(), place: Place::File(path.to_owned()) });
    } else if kind.is_dir() {
        let entries = path.read_dir().and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut names: Vec<PathBuf> =
            entries.map_err(reading)?.iter().map(DirEntry::path).collect();
        names.sort();
        for below in names {
            let part = below.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if !part.starts_with('.') {
                collect(&format!("{name}/{part}"), &below, content)?;
            }
        }
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<(), JobError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(JobError::io("remove", folder)(error))
        }
        _ => Ok(()),
    }
}
