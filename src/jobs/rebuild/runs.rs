//! Puts the runs together again, from the manifests of all volumes that were found.
//!
//! A run is a chain of segments, each from where the last ended. The manifests show the ends, also of
//! segments on volumes that are not here: what was on those is listed in the catalog as being on a
//! missing volume, so that a restore can say what it lacks.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::collect::{Collected, CollectedManifest, CollectedVolume};
use super::facts::Edge;
use super::found_copy::{Absent, FoundCopy, FoundPart};
use super::segment::{Here, Stretch, TakenOver, take_over};
use super::{Takeover, foreign_set, kept, presence, receipts};
use crate::catalog::{
    CatalogError, EvidenceState, NewRun, NewVolume, RebuiltRun, RunKind, RunRecord, RunState,
    SegmentTakeover, SetPlace, VolumeState,
};
use crate::domain::{ByteCount, CopyLetter, Partition, RunId, SetName, Timestamp, VolumeUuid};
use crate::jobs::error::JobError;
use crate::jobs::verify::NOT_LISTED;
use crate::manifest;

/// A run as the tapes at hand show it.
#[derive(Debug)]
pub(super) struct FoundRun<'a> {
    pub(super) set: SetName,
    pub(super) run: RunId,
    pub(super) started: Timestamp,
    /// Its volumes and manifests, in the order in which they were written.
    pub(super) parts: Vec<FoundPart<'a>>,
}

/// One segment in the chain of a run.
#[derive(Clone, Debug)]
struct Link<'a> {
    at: LinkAt<'a>,
    from: Edge,
    end: Edge,
    part_before: Option<(u32, u64)>,
}

#[derive(Clone, Copy, Debug)]
enum LinkAt<'a> {
    Found(&'a CollectedVolume, &'a CollectedManifest),
    Missing(VolumeUuid, Absent),
}

impl Link<'_> {
    /// The volume's place in the set.
    fn sequence(&self) -> u32 {
        match self.at {
            LinkAt::Found(_, manifest) => manifest.facts.header.sequence,
            LinkAt::Missing(_, absent) => absent.sequence,
        }
    }
}

/// The runs on all volumes, oldest first.
pub(super) fn found_runs(found: &[Collected]) -> Vec<FoundRun<'_>> {
    let mut runs: BTreeMap<(Timestamp, RunId, SetName), FoundRun<'_>> = BTreeMap::new();
    for volume in found.iter().filter_map(|collected| collected.volume.as_ref()) {
        for manifest in &volume.manifests {
            let header = &manifest.facts.header;
            let set = match &manifest.foreign_key {
                None => header.set.clone(),
                Some(key) => foreign_set(&header.set, key),
            };
            let key = (header.started, header.run.clone(), set.clone());
            let (run, started) = (header.run.clone(), header.started);
            let run = runs.entry(key).or_insert(FoundRun { set, run, started, parts: Vec::new() });
            run.parts.push((volume, manifest));
        }
    }
    let mut runs: Vec<_> = runs.into_values().collect();
    for run in &mut runs {
        run.parts.sort_by_key(|(_, manifest)| (manifest.facts.end, manifest.facts.finished));
    }
    runs
}

impl Takeover<'_> {
    /// Takes all runs over; says in `changed` from when on each set has something new.
    ///
    /// # Errors
    /// If manifests cannot be read or the catalog not be written.
    pub(super) fn take_runs(
        &mut self,
        runs: &[FoundRun<'_>],
    ) -> Result<BTreeMap<SetName, Timestamp>, JobError> {
        let mut changed = BTreeMap::new();
        for run in runs {
            self.context.safe_point();
            if self.context.is_stopped() {
                break;
            }
            if self.take_run(run)? {
                changed.entry(run.set.clone()).or_insert(run.started);
            }
        }
        Ok(changed)
    }

    /// Takes one run over; true if anything of it was new.
    fn take_run(&mut self, run: &FoundRun<'_>) -> Result<bool, JobError> {
        let catalog = &self.context.parts.catalog;
        let known = match catalog.run(&run.run) {
            Ok(known) => Some(known),
            Err(CatalogError::NotFound(_)) => None,
            Err(error) => return Err(error.into()),
        };
        if let Some(known) = &known {
            if known.run.set != run.set {
                self.problem(format!(
                    "run {} is known in set {} and stands on tape in set {}: it is left out",
                    run.run, known.run.set, run.set
                ));
                return Ok(false);
            }
            // A backup that is at work, or will be again, knows better.
            if known.state == RunState::Running {
                return Ok(false);
            }
        }
        let Some((_, first)) = run.parts.first() else { return Ok(false) };
        self.note_set(run, first)?;
        for (_, manifest) in &run.parts {
            kept::keep(self.context, &run.set, manifest)?;
        }
        let is_new = self.has_new(run)?;
        let copies = self.copies_of(run)?;
        if is_new || known.is_none() {
            self.note_run(run, known.as_ref(), &copies)?;
        }
        for copy in &copies {
            for link in chain(copy) {
                self.take_segment(run, copy, &link)?;
            }
        }
        self.runs += u64::from(is_new);
        Ok(is_new)
    }

    fn has_new(&self, run: &FoundRun<'_>) -> Result<bool, JobError> {
        let known = self.context.parts.catalog.segments_of_run(&run.run)?;
        Ok(run.parts.iter().any(|(volume, manifest)| {
            !known.iter().any(|segment| {
                segment.volume == volume.uuid
                    && segment.manifest_sha256 == Some(manifest.facts.sha256)
            })
        }))
    }

    /// Gives a set that is new what the manifest says of it.
    fn note_set(&self, run: &FoundRun<'_>, manifest: &CollectedManifest) -> Result<(), JobError> {
        let catalog = &self.context.parts.catalog;
        let is_known = match catalog.set(&run.set) {
            Ok(set) => set.spec.as_object().is_none_or(|spec| !spec.is_empty()),
            Err(CatalogError::NotFound(_)) => false,
            Err(error) => return Err(error.into()),
        };
        if is_known {
            return Ok(());
        }
        let header = &manifest.facts.header;
        let spec = match &manifest.foreign_key {
            None => json!({
                "set": header.set, "paths": header.roots, "copies": header.copies,
                "pool": header.pool,
            }),
            Some(key) => json!({ "foreign": { "set": header.set, "key_id": key } }),
        };
        Ok(catalog.put_set(&run.set, &spec, run.started)?)
    }

    fn note_run(
        &mut self,
        run: &FoundRun<'_>,
        known: Option<&RunRecord>,
        copies: &[FoundCopy<'_>],
    ) -> Result<(), JobError> {
        let newest = copies.iter().map(|copy| &copy.newest).max_by_key(|newest| newest.end);
        let newest = newest.ok_or_else(|| JobError::Bug("a run without manifests".to_owned()))?;
        let header = &newest.header;
        let mut state = RunState::Complete;
        for copy in copies {
            let is_full = || {
                let volumes = self.found.iter().filter_map(|collected| collected.volume.as_ref());
                let mut last = volumes.filter(|it| it.uuid == copy.newest.header.volume);
                last.any(is_nearly_full)
            };
            state = match state {
                RunState::Cancelled => RunState::Cancelled,
                // A volume that is full ends a segment, and a person ends a run.
                _ if !copy.newest.is_plan_done && !is_full() => RunState::Cancelled,
                _ if !copy.is_whole() => RunState::Incomplete,
                state => state,
            };
        }
        let absent = CopyLetter::first(header.copies);
        let absent: Vec<_> =
            absent.filter(|letter| copies.iter().all(|copy| copy.copy != *letter)).collect();
        for letter in absent {
            state = if state == RunState::Complete { RunState::Incomplete } else { state };
            self.problem(format!(
                "copy {letter} of run {} is on no cartridge that was read: put its cartridges into the \
                 library and rebuild again",
                run.run
            ));
        }
        let kind = match header.kind {
            manifest::RunKind::Full => RunKind::Full,
            manifest::RunKind::Incremental => RunKind::Incremental,
        };
        Ok(self.context.parts.catalog.rebuild_run(&RebuiltRun {
            run: NewRun {
                run: run.run.clone(),
                set: run.set.clone(),
                kind,
                parent: header.parent_run.clone(),
                copies: header.copies,
                job: known.and_then(|known| known.run.job),
                started: header.started,
            },
            state,
            planned: newest.planned,
            unchanged: newest.unchanged,
            ended: Some(newest.finished),
        })?)
    }

    fn take_segment(
        &mut self,
        run: &FoundRun<'_>,
        copy: &FoundCopy<'_>,
        link: &Link<'_>,
    ) -> Result<(), JobError> {
        match link.at {
            LinkAt::Found(volume, manifest) => {
                self.take_found(run, copy.copy, link, (volume, manifest))
            }
            LinkAt::Missing(volume, absent) => {
                self.take_missing(run, copy, link, (volume, absent.sequence))
            }
        }
    }

    fn take_found(
        &mut self,
        run: &FoundRun<'_>,
        copy: CopyLetter,
        link: &Link<'_>,
        (volume, manifest): (&CollectedVolume, &CollectedManifest),
    ) -> Result<(), JobError> {
        let catalog = &self.context.parts.catalog;
        let facts = &manifest.facts;
        let takeover = catalog.rebuild_segment(&run.run, volume.uuid, copy, facts.sha256)?;
        let (segment, taken) = match takeover {
            SegmentTakeover::Known(segment) => (segment, None),
            SegmentTakeover::Empty(segment) => {
                let unlisted = facts.unlisted.iter().copied().collect();
                let stretch = Stretch {
                    manifest: &manifest.path,
                    here: Here::Stored,
                    from: link.from,
                    until: (!facts.is_plan_done).then_some(link.end),
                    part_before: None,
                    data: volume.data,
                    unlisted: &unlisted,
                };
                (segment, Some(take_over(self.context, segment, stretch)?))
            }
        };
        let (now, job) = (self.context.parts.clock.now(), Some(self.context.id));
        if volume.is_on_both {
            catalog.rebuild_evidence(segment, EvidenceState::Indexed, now, job)?;
        }
        let is_new = taken.is_some();
        receipts::apply(
            self.context,
            &receipts::Subject {
                segment,
                run: &run.run,
                volume: volume.uuid,
                manifest: facts.sha256,
                medium_serial: volume.medium_serial.as_deref(),
                is_new,
            },
        )?;
        if let Some(TakenOver { files, unlisted }) = taken {
            self.files += files;
            let failed: Vec<_> =
                unlisted.into_iter().map(|copy| (copy, NOT_LISTED.to_owned())).collect();
            if !failed.is_empty() {
                catalog.fail_copies(&failed, now, job)?;
                let count = failed.len();
                self.problem(format!(
                    "{count} files of run {} are not in the index of volume {} where they were written",
                    run.run, volume.uuid
                ));
            }
        }
        Ok(())
    }

    fn take_missing(
        &mut self,
        run: &FoundRun<'_>,
        copy: &FoundCopy<'_>,
        link: &Link<'_>,
        (volume, sequence): (VolumeUuid, u32),
    ) -> Result<(), JobError> {
        let catalog = &self.context.parts.catalog;
        let now = self.context.parts.clock.now();
        let header = &copy.newest.header;
        let new = NewVolume {
            uuid: volume,
            cartridge: None,
            state: VolumeState::Missing,
            barcode: self.barcode_of(volume),
            name: String::new(),
            block_size: header.block_size_bytes,
            index_partition: Partition(0),
            data_partition: Partition(1),
            capacity: ByteCount(0),
            formatted: header.started,
        };
        let place = SetPlace { set: run.set.clone(), copy: copy.copy, sequence };
        catalog.rebuild_volume(&new, Some(&place), now)?;
        let name = new.barcode.map_or_else(|| "unknown".to_owned(), |barcode| barcode.to_string());
        self.problem(format!(
            "volume {volume} (cartridge {name}, number {sequence} of copy {} of set {}) is missing: files of \
             run {} are on it",
            copy.copy, run.set, run.run
        ));
        let catalog = &self.context.parts.catalog;
        let segment = catalog.begin_segment(&run.run, volume, copy.copy)?;
        if catalog.segment(segment)?.checkpoint.sequence > 0 {
            return Ok(());
        }
        let stretch = Stretch {
            manifest: &copy.path,
            here: Here::On(volume),
            from: link.from,
            until: Some(link.end),
            part_before: link.part_before,
            data: ('b', new.data_partition),
            unlisted: &BTreeSet::new(),
        };
        take_over(self.context, segment, stretch)?;
        let copies = catalog.segment(segment)?.checkpoint.sequence;
        let reason = "its volume was missing when the catalog was rebuilt";
        let planned = EvidenceState::Planned;
        let job = Some(self.context.id);
        Ok(catalog.revoke_evidence(segment, planned, 0..copies, now, job, reason)?)
    }

    /// The label of a volume that is not here, from one that comes after it in its set.
    fn barcode_of(&self, volume: VolumeUuid) -> Option<crate::domain::Barcode> {
        let volumes = self.found.iter().filter_map(|collected| collected.volume.as_ref());
        let records = volumes.clone().filter_map(|found| found.record.as_ref()?.previous.as_ref());
        let headers = volumes.flat_map(|found| &found.manifests);
        let headers = headers.filter_map(|manifest| manifest.facts.header.previous.as_ref());
        let mut before = records.chain(headers).filter(|previous| previous.volume == volume);
        before.find_map(|previous| previous.barcode.clone())
    }

    /// Lets what was gone be gone again in every set that changed.
    ///
    /// # Errors
    /// If manifests cannot be read or the catalog not be written.
    pub(super) fn bury_gone(&self, changed: &BTreeMap<SetName, Timestamp>) -> Result<(), JobError> {
        for (set, from) in changed {
            presence::bury_gone(self.context, set, *from)?;
        }
        Ok(())
    }
}

/// True for a volume on which a backup would have ended for want of room: what is left is less than it
/// keeps for its own files.
pub(super) fn is_nearly_full(volume: &CollectedVolume) -> bool {
    // Four fifths: backup keeps room for manifest and index, a share that small practice cartridges feel.
    volume.used.0 / 4 >= volume.capacity.0 / 5
}

/// The segments of one copy of a run in order, each from where the one before ended.
fn chain<'a>(copy: &FoundCopy<'a>) -> Vec<Link<'a>> {
    let found = copy.parts.iter().map(|&(volume, manifest)| Link {
        at: LinkAt::Found(volume, manifest),
        from: Edge::default(),
        end: manifest.facts.end,
        part_before: manifest.facts.open_part,
    });
    let missing = copy.missing.iter().map(|(&volume, &absent)| {
        let at = LinkAt::Missing(volume, absent);
        Link { at, from: Edge::default(), end: absent.end, part_before: None }
    });
    let mut links: Vec<_> = found.chain(missing).collect();
    // Several volumes may end in one large file: then their numbers in the set decide.
    links.sort_by_key(|link| (link.end, link.sequence()));
    let (mut from, mut part_before) = (Edge::default(), None);
    for link in &mut links {
        let first = match link.at {
            LinkAt::Found(_, manifest) => manifest.facts.first_here,
            LinkAt::Missing(..) => None,
        };
        // Where a segment in between left nothing behind, this one begins with its own first file.
        link.from = match first {
            Some(first) if first.is_inside => first,
            _ => from,
        };
        let open = std::mem::replace(&mut part_before, link.part_before);
        link.part_before = open;
        from = link.end;
    }
    links
}
