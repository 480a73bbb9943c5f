//! Manifests kept off the tape: each that was taken over is put where backup puts its own.
//!
//! With them a rebuild of one cartridge that was found again knows the other volumes of its runs, and
//! can tell what was gone in later ones.

use std::collections::BTreeSet;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::collect::CollectedManifest;
use super::facts::ManifestFacts;
use crate::domain::{CopyLetter, RunId, SetName};
use crate::durable;
use crate::jobs::backup::manifest_path;
use crate::jobs::context::{JobContext, make_folder};
use crate::jobs::error::JobError;
use crate::jobs::verify::IndexedPlaces;
use crate::manifest::{Verdict, verify_manifest};

/// Puts a manifest in its place off the tape, if it is not there.
///
/// # Errors
/// If the disk refuses.
pub(super) fn keep(
    context: &JobContext,
    set: &SetName,
    manifest: &CollectedManifest,
) -> Result<(), JobError> {
    let folder = context.parts.folders.manifests(set);
    make_folder(&folder)?;
    let number = u32::try_from(manifest.facts.elsewhere.len()).unwrap_or(u32::MAX);
    let header = &manifest.facts.header;
    let to = manifest_path(&folder, &header.run, header.copy, number);
    if to.exists() {
        return Ok(());
    }
    for (from, to) in [
        (manifest.path.with_extension("sig"), to.with_extension("sig")),
        (manifest.path.clone(), to),
    ] {
        durable::copy(&from, &to).map_err(JobError::io("copy to", &to))?;
    }
    Ok(())
}

/// The manifest of a run, among those kept off the tape, that knows most of it: of one copy of the set,
/// or of whichever. Only whole ones with a readable signature count.
///
/// # Errors
/// If the disk cannot be read.
pub(super) fn newest(
    context: &JobContext,
    set: &SetName,
    run: &RunId,
    copy: Option<CopyLetter>,
) -> Result<Option<(PathBuf, ManifestFacts)>, JobError> {
    let folder = context.parts.folders.manifests(set);
    let prefix = format!("{run}-");
    let entries = std::fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok);
    let mut best: Option<(PathBuf, ManifestFacts)> = None;
    for path in entries.map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_of_run = name
            .strip_prefix(&prefix)
            .and_then(|rest| rest.strip_suffix(".manifest"))
            .and_then(|segment| segment.split_at_checked(1))
            .is_some_and(|(letter, number)| {
                let is_letter = letter.parse().is_ok_and(|letter| copy.is_none_or(|c| c == letter));
                is_letter && number.bytes().all(|byte| byte.is_ascii_digit())
            });
        if !is_of_run || !is_believable(context, &path)? {
            continue;
        }
        let facts = ManifestFacts::read(&path, &mut IndexedPlaces::of(BTreeSet::new()))?;
        if facts.header.run == *run && best.as_ref().is_none_or(|(_, best)| best.end < facts.end) {
            best = Some((path, facts));
        }
    }
    Ok(best)
}

fn is_believable(context: &JobContext, path: &Path) -> Result<bool, JobError> {
    let file = std::fs::File::open(path).map_err(JobError::io("read", path))?;
    let signature = std::fs::read(path.with_extension("sig")).ok();
    let pinned = context.parts.keys.pinned();
    let found = verify_manifest(BufReader::new(file), signature.as_deref(), pinned)?;
    Ok(matches!(found.verdict, Verdict::Trusted { .. } | Verdict::Foreign { .. }))
}
