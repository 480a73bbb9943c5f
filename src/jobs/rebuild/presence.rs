//! What was gone at the time of a run is gone again: no manifest says so, each shows what was there.

use std::path::Path;

use super::facts::{ManifestFacts, open_manifest};
use super::kept;
use crate::catalog::{PreviousEntries, RunState};
use crate::domain::{RunId, SetName, SourcePath, Timestamp};
use crate::jobs::context::JobContext;
use crate::jobs::error::JobError;

/// Buries what the runs of a set since `from` did not find.
///
/// A run whose walk is not known to its end buries nothing: a file that seems to be still there does
/// less harm than one that seems to be gone.
///
/// # Errors
/// If a manifest cannot be read or the catalog not be written.
pub(super) fn bury_gone(
    context: &JobContext,
    set: &SetName,
    from: Timestamp,
) -> Result<(), JobError> {
    let mut runs = context.parts.catalog.runs(set)?;
    runs.reverse();
    for run in runs.iter().filter(|run| run.run.started >= from) {
        if run.state == RunState::Running {
            continue;
        }
        context.safe_point();
        if context.is_stopped() {
            return Ok(());
        }
        let run = &run.run.run;
        if let Some((path, facts)) = kept::newest(context, set, run, None)?
            && facts.is_plan_done
        {
            bury_gone_in(context, set, run, &path, &facts)?;
        }
    }
    Ok(())
}

fn bury_gone_in(
    context: &JobContext,
    set: &SetName,
    run: &RunId,
    path: &Path,
    facts: &ManifestFacts,
) -> Result<(), JobError> {
    let mut known = Vec::new();
    if !facts.unknown.is_empty() {
        let mut before = context.parts.catalog.previous_entries(set, run)?;
        for top in &facts.unknown {
            add_below(&mut before, top, &mut known)?;
        }
    }
    let mut reader = open_manifest(path)?;
    let listed = std::iter::from_fn(|| match reader.next_entry() {
        Ok(entry) => entry.map(|entry| Ok(entry.path.as_bytes().to_vec())),
        Err(error) => Some(Err(JobError::from(error))),
    });
    let present = listed.chain(known.into_iter().map(Ok));
    context.parts.catalog.rebuild_presence::<JobError>(set, run, present)
}

/// Entries of a folder that are read at a time.
const PAGE_ENTRIES: usize = 4096;

/// Everything that earlier runs knew below a folder that this run could not look into.
fn add_below(
    before: &mut PreviousEntries,
    top: &SourcePath,
    known: &mut Vec<Vec<u8>>,
) -> Result<(), JobError> {
    let mut waiting = vec![top.clone()];
    while let Some(folder) = waiting.pop() {
        let mut after = Vec::new();
        loop {
            let page = before.page(folder.as_bytes(), &after, PAGE_ENTRIES)?;
            for entry in &page {
                let path = folder.join(&entry.name).map_err(|e| JobError::Bug(e.to_string()))?;
                known.push(path.as_bytes().to_vec());
                if entry.version.kind == crate::catalog::FileKind::Directory {
                    waiting.push(path);
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE_ENTRIES => after.clone_from(&last.name),
                _ => break,
            }
        }
    }
    Ok(())
}
