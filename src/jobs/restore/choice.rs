//! What is to be restored: chosen once, kept in the catalog, the same after a restart.
//!
//! A hard link whose first name was not asked for has no bytes of its own. Its content is chosen too
//! and put under the link's name: the link stands in for the first name.

use std::collections::{HashMap, HashSet};
use std::os::unix::ffi::OsStrExt as _;

use serde::{Deserialize, Serialize};

use super::shelf::Shelf;
use crate::catalog::{AsOf, Choosing, FileKind, ItemKey, SelectionItem, SelectionRequest};
use crate::domain::{JobId, SourcePath};
use crate::jobs::context::Parts;
use crate::jobs::description::{Described, Describer, DescriptionError};
use crate::jobs::error::JobError;
use crate::jobs::spec::RestoreSelection;

/// Items read from the catalog at once.
pub(super) const ITEMS_READ: usize = 1000;

/// What a job's checkpoint keeps beside the selection in the catalog.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Choice {
    /// Paths that were asked for and of which the run has nothing.
    pub(super) nothing: Vec<SourcePath>,
    /// First names that were not asked for, and the link that has their content instead.
    stand_ins: Vec<(SourcePath, SourcePath)>,
}

impl Choice {
    /// Chooses, in place of what `job` had chosen before. Of several copies one on volumes that are on
    /// the shelf is preferred, and there one that is in a drive already.
    ///
    /// # Errors
    /// If the run is not known, or has nothing of what was asked for.
    pub(super) fn make(
        parts: &Parts,
        job: JobId,
        selection: &RestoreSelection,
        shelf: &Shelf,
    ) -> Result<Self, JobError> {
        let run = parts.catalog.run(&selection.run)?;
        let paths = selection.paths.iter().map(|path| relative(path.as_os_str().as_bytes()));
        let mut request = SelectionRequest {
            set: run.run.set,
            as_of: AsOf::Run(selection.run.clone()),
            paths: paths.collect(),
            missing: shelf.absent(parts)?,
            at_hand: shelf.in_drives(parts)?,
            choosing: Choosing::Best,
        };
        let nothing = parts.catalog.select_for_restore(job, &request)?;
        if parts.catalog.is_selection_empty(job)? {
            return Err(JobError::Unknown { what: format!("file of {selection}") });
        }
        let to_path = |bytes: Vec<u8>| SourcePath::from_bytes(bytes).unwrap_or_default();
        let mut choice =
            Self { nothing: nothing.into_iter().map(to_path).collect(), stand_ins: Vec::new() };
        if !request.paths.is_empty() {
            let asked: Vec<SourcePath> = request.paths.iter().cloned().map(to_path).collect();
            choice.find_stand_ins(parts, job, &asked)?;
            if !choice.stand_ins.is_empty() {
                let firsts = choice.stand_ins.iter().map(|(first, _)| first.as_bytes().to_vec());
                request.paths.extend(firsts);
                parts.catalog.select_for_restore(job, &request)?;
            }
        }
        Ok(choice)
    }

    fn find_stand_ins(
        &mut self,
        parts: &Parts,
        job: JobId,
        asked: &[SourcePath],
    ) -> Result<(), JobError> {
        let (mut describer, mut known) = (Describer::default(), HashSet::new());
        each_bare(parts, job, &mut |item| {
            if item.located.version.kind != FileKind::HardLink {
                return Ok(());
            }
            // What cannot be understood is told when its turn comes.
            let Ok((path, described)) = describe(&mut describer, item) else { return Ok(()) };
            let Some(first) = described.hard_link_of else { return Ok(()) };
            let is_asked = asked.iter().any(|path| first.is_within(path));
            if !is_asked && known.insert(first.clone()) {
                self.stand_ins.push((first, path));
            }
            Ok(())
        })
    }

    /// First names by what stands in for them.
    pub(super) fn targets(&self) -> HashMap<SourcePath, SourcePath> {
        self.stand_ins.iter().cloned().collect()
    }
}

/// Shows every waiting item that has no bytes on tape: folders, links, devices, empty files.
///
/// # Errors
/// Those of `visit`, and if the catalog cannot be read.
pub(super) fn each_bare(
    parts: &Parts,
    job: JobId,
    visit: &mut dyn FnMut(&SelectionItem) -> Result<(), JobError>,
) -> Result<(), JobError> {
    for volume in parts.catalog.selected_volumes(job)? {
        let mut after: Option<ItemKey> = None;
        loop {
            let page = parts.catalog.waiting_items_without_bytes(job, volume, after, ITEMS_READ)?;
            page.iter().try_for_each(&mut *visit)?;
            match page.last() {
                Some(last) => after = Some(last.key),
                None => break,
            }
        }
    }
    Ok(())
}

/// The path of an item, and all that is known of it besides its bytes.
///
/// # Errors
/// If the catalog's words cannot be understood.
pub(super) fn describe(
    describer: &mut Describer,
    item: &SelectionItem,
) -> Result<(SourcePath, Described), DescriptionError> {
    let path = SourcePath::from_bytes(item.located.path.clone()).unwrap_or_default();
    let described = describer.describe(&path, &item.located)?;
    Ok((path, described))
}

fn relative(path: &[u8]) -> Vec<u8> {
    let start = path.iter().position(|&byte| byte != b'/').unwrap_or(path.len());
    let end = path.iter().rposition(|&byte| byte != b'/').map_or(start, |last| last + 1);
    path[start..end.max(start)].to_vec()
}
