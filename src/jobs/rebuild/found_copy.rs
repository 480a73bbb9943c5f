//! One copy of a set's run, as the tapes at hand show it: its volumes that are here, and those that are not.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::collect::{CollectedManifest, CollectedVolume};
use super::facts::{Edge, ManifestFacts};
use super::runs::FoundRun;
use super::{Takeover, kept};
use crate::catalog::VolumeState;
use crate::domain::{CopyLetter, VolumeUuid};
use crate::jobs::error::JobError;

/// A volume of a run, and the run's manifest on it.
pub(super) type FoundPart<'a> = (&'a CollectedVolume, &'a CollectedManifest);

/// One copy of a run.
#[derive(Debug)]
pub(super) struct FoundCopy<'a> {
    pub(super) copy: CopyLetter,
    /// Its volumes that are here, in the order in which they were written.
    pub(super) parts: Vec<FoundPart<'a>>,
    /// The manifest that knows most of it, here or kept off the tape.
    pub(super) newest: ManifestFacts,
    pub(super) path: PathBuf,
    /// Its volumes that are not here.
    pub(super) missing: BTreeMap<VolumeUuid, Absent>,
}

/// A volume of a run that is not here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Absent {
    /// Its place in its copy of the set.
    pub(super) sequence: u32,
    /// Where the run went on behind it.
    pub(super) end: Edge,
}

impl FoundCopy<'_> {
    /// True if everything that was planned is on volumes that are here.
    pub(super) fn is_whole(&self) -> bool {
        self.newest.is_plan_done && self.newest.failed == 0 && self.missing.is_empty()
    }
}

impl Takeover<'_> {
    /// The copies of a run of which something is known.
    ///
    /// # Errors
    /// If manifests cannot be read or the catalog not be read.
    pub(super) fn copies_of<'r>(&self, run: &FoundRun<'r>) -> Result<Vec<FoundCopy<'r>>, JobError> {
        let mut copies = Vec::new();
        for copy in CopyLetter::first(CopyLetter::COPIES_MAX) {
            let is_of_copy = |part: &&FoundPart<'_>| part.1.facts.header.copy == copy;
            let parts: Vec<_> = run.parts.iter().filter(is_of_copy).copied().collect();
            let kept = kept::newest(self.context, &run.set, &run.run, Some(copy))?;
            let here = || parts.last().map(|(_, m)| (m.path.clone(), m.facts.clone()));
            let Some((path, newest)) = kept.or_else(here) else { continue };
            let missing = self.missing(&parts, &newest)?;
            copies.push(FoundCopy { copy, parts, newest, path, missing });
        }
        Ok(copies)
    }

    /// Volumes of a copy that nobody has: not found now, and not known from before.
    fn missing(
        &self,
        parts: &[FoundPart<'_>],
        newest: &ManifestFacts,
    ) -> Result<BTreeMap<VolumeUuid, Absent>, JobError> {
        let mut missing = BTreeMap::new();
        let begun: Vec<Edge> = parts.iter().filter_map(|(_, m)| m.facts.first_here).collect();
        for (&volume, elsewhere) in &newest.elsewhere {
            let inside = Edge { ordinal: elsewhere.last + 1, is_inside: true };
            let end =
                if begun.contains(&inside) { inside } else { Edge { is_inside: false, ..inside } };
            if self.is_missing(volume)? {
                missing.insert(volume, Absent { sequence: elsewhere.sequence, end });
            }
        }
        // A volume with nothing but the middle of one file stands in no line of a later manifest.
        let mut part_before = 0;
        for (_, manifest) in parts {
            let facts = &manifest.facts;
            let is_gap = facts.first_part.is_some_and(|number| number == part_before + 2);
            if let (true, Some(end), Some(before)) =
                (is_gap, facts.first_here, &facts.header.previous)
                && self.is_missing(before.volume)?
            {
                let sequence = facts.header.sequence.saturating_sub(1);
                missing.entry(before.volume).or_insert(Absent { sequence, end });
            }
            part_before = facts.open_part.map_or(0, |(number, _)| number);
        }
        Ok(missing)
    }

    /// True for a volume that is not here and that the catalog knows at most by hearsay.
    fn is_missing(&self, volume: VolumeUuid) -> Result<bool, JobError> {
        let mut found = self.found.iter().filter_map(|collected| collected.volume.as_ref());
        if found.any(|found| found.uuid == volume) {
            return Ok(false);
        }
        let known = self.context.parts.catalog.find_volume(volume)?;
        Ok(known.is_none_or(|record| {
            record.volume.state == VolumeState::Missing && record.former_state.is_none()
        }))
    }
}
