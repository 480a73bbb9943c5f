//! Puts the runs together again, from the manifests of all volumes that were found.
//!
//! A run is a chain of segments, each from where the last ended. The manifests show the ends, also of
//! segments on volumes that are not here: what was on those is listed in the catalog as being on a
//! missing volume, so that a restore can say what it lacks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::json;

use super::collect::{Collected, CollectedManifest, CollectedVolume};
use super::facts::{Edge, ManifestFacts};
use super::segment::{Here, Stretch, TakenOver, take_over};
use super::{Takeover, foreign_set, kept, presence, receipts};
use crate::catalog::{
    CatalogError, EvidenceState, NewRun, NewVolume, RebuiltRun, RunKind, RunRecord, RunState,
    SegmentTakeover, VolumeState,
};
use crate::domain::{ByteCount, Partition, RunId, SetName, Timestamp, VolumeUuid};
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
    pub(super) parts: Vec<(&'a CollectedVolume, &'a CollectedManifest)>,
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

/// A volume of a run that is not here.
#[derive(Clone, Copy, Debug)]
struct Absent {
    /// Its place in the set.
    sequence: u32,
    /// Where the run went on behind it.
    end: Edge,
}

/// The volumes of a run that are not here.
type Missing = BTreeMap<VolumeUuid, Absent>;

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
        let (path, newest) = self.newest(run)?;
        let missing = self.missing(run, &newest)?;
        if is_new || known.is_none() {
            self.note_run(run, known.as_ref(), &newest, &missing)?;
        }
        for link in chain(run, &missing) {
            self.take_segment(run, &link, &path)?;
        }
        self.runs += u64::from(is_new);
        Ok(is_new)
    }

    /// The manifest that knows most of the run, here or kept off the tape from an earlier time.
    fn newest(&self, run: &FoundRun<'_>) -> Result<(PathBuf, ManifestFacts), JobError> {
        if let Some(newest) = kept::newest(self.context, &run.set, &run.run)? {
            return Ok(newest);
        }
        let last = run.parts.last();
        let (_, last) = last.ok_or_else(|| JobError::Bug("a run without manifests".to_owned()))?;
        Ok((last.path.clone(), last.facts.clone()))
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
            None => json!({ "set": header.set, "paths": header.roots }),
            Some(key) => json!({ "foreign": { "set": header.set, "key_id": key } }),
        };
        Ok(catalog.put_set(&run.set, &spec, run.started)?)
    }

    fn note_run(
        &self,
        run: &FoundRun<'_>,
        known: Option<&RunRecord>,
        newest: &ManifestFacts,
        missing: &Missing,
    ) -> Result<(), JobError> {
        let header = &newest.header;
        let state = if !newest.is_plan_done {
            let last = self.found.iter().filter_map(|collected| collected.volume.as_ref());
            let mut last = last.filter(|volume| volume.uuid == header.volume);
            // A volume that is full ends a segment, and a person ends a run.
            if last.any(is_nearly_full) { RunState::Incomplete } else { RunState::Cancelled }
        } else if newest.failed > 0 || !missing.is_empty() {
            RunState::Incomplete
        } else {
            RunState::Complete
        };
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
                job: known.and_then(|known| known.run.job),
                started: header.started,
            },
            state,
            planned: newest.planned,
            unchanged: newest.unchanged,
            ended: Some(newest.finished),
        })?)
    }

    /// Volumes of a run that nobody has: not found now, and not known from before.
    fn missing(&self, run: &FoundRun<'_>, newest: &ManifestFacts) -> Result<Missing, JobError> {
        let mut missing = Missing::new();
        let begun: Vec<Edge> = run.parts.iter().filter_map(|(_, m)| m.facts.first_here).collect();
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
        for (_, manifest) in &run.parts {
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

    fn take_segment(
        &mut self,
        run: &FoundRun<'_>,
        link: &Link<'_>,
        newest: &std::path::Path,
    ) -> Result<(), JobError> {
        match link.at {
            LinkAt::Found(volume, manifest) => self.take_found(run, link, volume, manifest),
            LinkAt::Missing(volume, absent) => {
                self.take_missing(run, link, volume, absent.sequence, newest)
            }
        }
    }

    fn take_found(
        &mut self,
        run: &FoundRun<'_>,
        link: &Link<'_>,
        volume: &CollectedVolume,
        manifest: &CollectedManifest,
    ) -> Result<(), JobError> {
        let catalog = &self.context.parts.catalog;
        let facts = &manifest.facts;
        let takeover = catalog.rebuild_segment(&run.run, volume.uuid, 0, facts.sha256)?;
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
        link: &Link<'_>,
        volume: VolumeUuid,
        sequence: u32,
        newest: &std::path::Path,
    ) -> Result<(), JobError> {
        let catalog = &self.context.parts.catalog;
        let now = self.context.parts.clock.now();
        let (_, manifest) = run.parts[0];
        let header = &manifest.facts.header;
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
        catalog.rebuild_volume(&new, Some((&run.set, sequence)), now)?;
        let name = new.barcode.map_or_else(|| "unknown".to_owned(), |barcode| barcode.to_string());
        self.problem(format!(
            "volume {volume} (cartridge {name}, number {sequence} of set {}) is missing: files of run {} are on it",
            run.set, run.run
        ));
        let catalog = &self.context.parts.catalog;
        let segment = catalog.begin_segment(&run.run, volume, 0)?;
        if catalog.segment(segment)?.checkpoint.sequence > 0 {
            return Ok(());
        }
        let stretch = Stretch {
            manifest: newest,
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

/// The segments of a run in order, each from where the one before ended.
fn chain<'a>(run: &FoundRun<'a>, missing: &Missing) -> Vec<Link<'a>> {
    let found = run.parts.iter().map(|&(volume, manifest)| Link {
        at: LinkAt::Found(volume, manifest),
        from: Edge::default(),
        end: manifest.facts.end,
        part_before: manifest.facts.open_part,
    });
    let missing = missing.iter().map(|(&volume, &absent)| {
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
