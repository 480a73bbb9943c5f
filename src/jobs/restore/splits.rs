//! Which split files can be put together now: those of which every part is on a volume that is here.
//!
//! A part that is read today would have to be kept until the others come, so a file waits as a whole.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::catalog::{Catalog, FullVersion, LocatedCopy};
use crate::domain::{CopyLetter, SourcePath, VolumeUuid};
use crate::jobs::error::JobError;

/// The split files met so far, and the volume that each waits for.
#[derive(Debug, Default)]
pub(super) struct SplitFiles {
    absent: HashSet<VolumeUuid>,
    waits_for: HashMap<(SourcePath, CopyLetter), Option<VolumeUuid>>,
}

impl SplitFiles {
    /// While the volumes `absent` cannot be had.
    pub(super) fn without(absent: impl IntoIterator<Item = VolumeUuid>) -> Self {
        Self { absent: absent.into_iter().collect(), waits_for: HashMap::new() }
    }

    /// Nothing can be had from this volume either.
    pub(super) fn lost(&mut self, volume: VolumeUuid) {
        self.absent.insert(volume);
        self.waits_for.retain(|_, waits_for| waits_for.is_some());
    }

    /// A volume that cannot be had and has a part of the file. Decided once, so that all parts of a
    /// file are read or none.
    ///
    /// # Errors
    /// If the catalog cannot be read.
    pub(super) fn volume_missing(
        &mut self,
        catalog: &Catalog,
        located: &LocatedCopy,
        path: &SourcePath,
    ) -> Result<Option<VolumeUuid>, JobError> {
        let key = (path.clone(), located.copy.letter);
        if let Some(known) = self.waits_for.get(&key) {
            return Ok(*known);
        }
        let versions = catalog.versions(&located.set, &located.path)?;
        let run = &located.version.run;
        let version = versions.iter().find(|version| version.version.run == *run);
        let missing = version.and_then(|version| self.missing_of(version, key.1));
        self.waits_for.insert(key, missing);
        Ok(missing)
    }

    fn missing_of(&self, version: &FullVersion, letter: CopyLetter) -> Option<VolumeUuid> {
        let mut parts: BTreeMap<u64, Vec<VolumeUuid>> = BTreeMap::new();
        // Another copy of the set may be split at other places: its parts are no substitute.
        for copy in version.copies.iter().filter(|copy| copy.letter == letter) {
            let offset = copy.part.as_ref().map_or(0, |part| part.offset);
            parts.entry(offset).or_default().push(copy.volume);
        }
        let is_absent =
            |volumes: &Vec<VolumeUuid>| volumes.iter().all(|volume| self.absent.contains(volume));
        parts.into_values().find(is_absent).and_then(|volumes| volumes.first().copied())
    }
}
