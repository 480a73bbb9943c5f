//! The tree that a segment's indexes list: what was on the volume before, the run's files, and ours.
//!
//! ```text
//! /<set>/<run>/…                       the run's files
//! /.fossilsafe/README.txt              how to read this tape without us
//! /.fossilsafe/volume.json             which volume of which set, signed
//! /.fossilsafe/runs/<run>.manifest     everything about the run's files
//! /.fossilsafe/runs/<run>.sig          who made the manifest
//! /.fossilsafe/keys/<id>.json         data keys of sealed runs, wrapped for the kits
//! /.fossilsafe/unseal.py              what opens sealed files with a kit
//! ```

use std::sync::Arc;

use crate::domain::{RunId, SetName, Timestamp};
use crate::jobs::error::JobError;
use crate::ltfs::extent::Extents;
use crate::ltfs::index::{DirectoryEntry, FileEntry, Times};
use crate::ltfs::merge::{Existing, IndexFile, MergedIndex};
use crate::ltfs::names::{Name, NameUse};
use crate::ltfs::spool::SpoolSnapshot;

/// Our own folder on a volume.
pub(crate) const OWN_FOLDER: &str = ".fossilsafe";
/// The folder in it with manifests.
pub(crate) const RUNS_FOLDER: &str = "runs";
/// The folder in it with data keys.
pub(crate) const KEYS_FOLDER: &str = "keys";
/// Entries of the index that [`SegmentTree`] numbers itself: five folders and seven files.
const OWN_ENTRIES: u64 = 12;

/// The number of the folder with keys among them; the four others come before it.
const KEYS_FOLDER_UID: u64 = 4;

/// The tree of one segment.
#[derive(Clone, Debug)]
pub(super) struct SegmentTree {
    merged: MergedIndex,
    run_folder: [Name; 2],
    own: Name,
    runs: Name,
    first_uid: u64,
    next_own_file: u64,
    started: Timestamp,
}

impl SegmentTree {
    /// The tree of `base` with the folders of a run in it.
    ///
    /// # Errors
    /// If a name cannot stand in an index; set and run names always can.
    pub(super) fn new(
        base: Arc<IndexFile>,
        set: &SetName,
        run: &RunId,
        started: Timestamp,
    ) -> Result<Self, JobError> {
        let first_uid = base.header().highest_uid + 1;
        let mut merged = MergedIndex::over(base);
        let (set, run) = (name(set.as_str())?, name(&run.0)?);
        let (own, runs) = (name(OWN_FOLDER)?, name(RUNS_FOLDER)?);
        let folder = |name: &Name, number| DirectoryEntry {
            name: name.clone(),
            times: Times::all(started),
            uid: first_uid + number,
            ..DirectoryEntry::default()
        };
        let overlay = merged.overlay_mut();
        overlay.put_directory(&[], folder(&set, 0), Existing::Keep);
        overlay.put_directory(std::slice::from_ref(&set), folder(&run, 1), Existing::Keep);
        overlay.put_directory(&[], folder(&own, 2), Existing::Keep);
        overlay.put_directory(std::slice::from_ref(&own), folder(&runs, 3), Existing::Keep);
        let run_folder = [set, run];
        Ok(Self {
            merged,
            run_folder,
            own,
            runs,
            first_uid,
            next_own_file: KEYS_FOLDER_UID + 1,
            started,
        })
    }

    /// The number that the run's first entry gets.
    pub(super) fn first_free_uid(&self) -> u64 {
        self.first_uid + OWN_ENTRIES
    }

    /// The tree with the run's files up to a moment.
    pub(super) fn with(&self, bulk: SpoolSnapshot) -> MergedIndex {
        let mut merged = self.merged.clone();
        merged.attach(&self.run_folder, bulk);
        merged
    }

    /// Puts a file of ours into the tree.
    ///
    /// # Errors
    /// If its name cannot stand in an index.
    pub(super) fn put_own_file(
        &mut self,
        place: OwnPlace,
        text: &str,
        length: u64,
        extents: Extents,
    ) -> Result<(), JobError> {
        let parent = match place {
            OwnPlace::Top => vec![self.own.clone()],
            OwnPlace::Runs => vec![self.own.clone(), self.runs.clone()],
            OwnPlace::Keys => {
                let keys = DirectoryEntry {
                    name: name(KEYS_FOLDER)?,
                    times: Times::all(self.started),
                    uid: self.first_uid + KEYS_FOLDER_UID,
                    ..DirectoryEntry::default()
                };
                let path = vec![self.own.clone(), keys.name.clone()];
                let own = std::slice::from_ref(&self.own);
                self.merged.overlay_mut().put_directory(own, keys, Existing::Keep);
                path
            }
        };
        let entry = FileEntry {
            name: name(text)?,
            length,
            read_only: true,
            times: Times::all(self.started),
            uid: self.first_uid + self.next_own_file,
            extents,
            ..FileEntry::default()
        };
        self.next_own_file += 1;
        self.merged.overlay_mut().put_file(&parent, entry);
        Ok(())
    }
}

/// Where a file of ours goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnPlace {
    /// `/.fossilsafe/`
    Top,
    /// `/.fossilsafe/runs/`
    Runs,
    /// `/.fossilsafe/keys/`, which only sealed runs make.
    Keys,
}

fn name(text: &str) -> Result<Name, JobError> {
    Name::new(text, NameUse::Entry).map_err(|source| JobError::name(text, source))
}
