//! What a verification reads: which copies on which volumes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::State;
use crate::catalog::{AsOf, Choosing, SegmentRecord, SelectionRequest, VolumeRecord, VolumeState};
use crate::domain::{Barcode, RunId, SetName, VolumeUuid};
use crate::jobs::context::JobContext;
use crate::jobs::error::JobError;
use crate::jobs::spec::VerifyScope;
use crate::jobs::volume::{current_volume, known_cartridge};

/// Everything to be read.
#[derive(Debug, Default)]
pub(super) struct VerifyPlan {
    /// In the order of their sets.
    pub(super) volumes: Vec<VolumePlan>,
    /// Copies to be looked at.
    pub(super) entries: u64,
    /// About how many bytes they are.
    pub(super) bytes: u64,
}

/// What is read of one volume.
#[derive(Debug)]
pub(super) struct VolumePlan {
    /// The volume.
    pub(super) record: VolumeRecord,
    /// The label of the cartridge it is on, where one is known.
    pub(super) barcode: Option<Barcode>,
    /// Segments in tape order.
    pub(super) segments: Vec<SegmentPlan>,
    /// True if every copy on the volume is read.
    pub(super) is_whole: bool,
}

/// What is read of one segment.
#[derive(Debug)]
pub(super) struct SegmentPlan {
    /// The segment.
    pub(super) record: SegmentRecord,
    /// Which of its copies, in order.
    pub(super) ranges: Vec<Range<u64>>,
}

impl SegmentPlan {
    fn whole(record: SegmentRecord) -> Self {
        let all = 0..record.checkpoint.sequence;
        Self { record, ranges: vec![all] }
    }

    /// How many copies are read.
    pub(super) fn entries(&self) -> u64 {
        self.ranges.iter().map(|range| range.end - range.start).sum()
    }
}

impl VerifyPlan {
    /// The sets whose volumes are read.
    pub(super) fn sets(&self) -> BTreeSet<SetName> {
        let places = self.volumes.iter().filter_map(|volume| volume.record.set.as_ref());
        places.map(|place| place.set.clone()).collect()
    }

    /// Finds out what `scope` means. `state` keeps which run a set's newest one was.
    ///
    /// # Errors
    /// If there is nothing of that name, or the catalog fails.
    pub(super) fn make(
        context: &JobContext,
        scope: &VerifyScope,
        state: &mut State,
    ) -> Result<Self, JobError> {
        let mut plan = match scope {
            VerifyScope::Run(run) => Self::of_run(context, run)?,
            VerifyScope::Cartridge(barcode) => Self::of_cartridge(context, barcode)?,
            VerifyScope::Set(set) => Self::of_set(context, set, state)?,
        };
        plan.volumes.retain(|volume| volume.record.volume.state != VolumeState::Erased);
        plan.volumes
            .sort_by_key(|volume| volume.record.set.as_ref().map(|it| (it.copy, it.sequence)));
        plan.entries = plan.segments().map(SegmentPlan::entries).sum();
        Ok(plan)
    }

    fn segments(&self) -> impl Iterator<Item = &SegmentPlan> {
        self.volumes.iter().flat_map(|volume| &volume.segments)
    }

    fn of_run(context: &JobContext, run: &RunId) -> Result<Self, JobError> {
        let catalog = &context.parts.catalog;
        let table = catalog.run_evidence(run)?;
        let bytes = table.stored.values().map(|totals| totals.bytes.0).sum();
        let mut plan = Self { bytes, ..Self::default() };
        for segment in catalog.segments_of_run(run)? {
            plan.add(context, segment.volume, SegmentPlan::whole(segment))?;
        }
        Ok(plan)
    }

    fn of_cartridge(context: &JobContext, barcode: &Barcode) -> Result<Self, JobError> {
        let catalog = &context.parts.catalog;
        let known = known_cartridge(&context.parts, barcode)?;
        let record = current_volume(&context.parts, known.cartridge.id)?.ok_or_else(|| {
            JobError::Unknown { what: format!("volume on cartridge {barcode} in the catalog") }
        })?;
        let volume = record.volume.uuid;
        let mut plan = Self { bytes: record.used.0, ..Self::default() };
        plan.volumes.push(VolumePlan {
            record,
            barcode: Some(barcode.clone()),
            segments: Vec::new(),
            is_whole: true,
        });
        for segment in catalog.segments_of_volume(volume)? {
            plan.add(context, volume, SegmentPlan::whole(segment))?;
        }
        Ok(plan)
    }

    /// Every copy of the set as its newest run left it: what that run stored, and what it refers to.
    fn of_set(context: &JobContext, set: &SetName, state: &mut State) -> Result<Self, JobError> {
        let catalog = &context.parts.catalog;
        let run = match &state.run {
            Some(run) => run.clone(),
            None => {
                catalog.set(set)?;
                let newest = catalog.last_ended_run(set)?;
                let what = || format!("run of set {set} that has ended");
                newest.ok_or_else(|| JobError::Unknown { what: what() })?.run.run
            }
        };
        state.run = Some(run.clone());
        let request = SelectionRequest {
            set: set.clone(),
            as_of: AsOf::Run(run),
            paths: Vec::new(),
            missing: Vec::new(),
            at_hand: Vec::new(),
            choosing: Choosing::Every,
        };
        catalog.select_for_restore(context.id, &request)?;
        let chosen = Self::chosen(context);
        catalog.drop_selection(context.id)?;
        chosen
    }

    fn chosen(context: &JobContext) -> Result<Self, JobError> {
        let catalog = &context.parts.catalog;
        let mut copies: BTreeMap<i64, Vec<u64>> = BTreeMap::new();
        let mut plan = Self::default();
        for share in catalog.selection_volumes(context.id)? {
            plan.bytes += share.totals.values().map(|totals| totals.bytes.0).sum::<u64>();
        }
        // What lies on volumes that are called missing or bad is to be verified all the same.
        catalog.each_selected_copy(context.id, &mut |copy| {
            copies.entry(copy.segment().0).or_default().push(copy.sequence());
        })?;
        for (segment, sequences) in copies {
            let record = catalog.segment(crate::catalog::SegmentId(segment))?;
            let ranges = ranges_of(sequences, record.checkpoint.sequence);
            plan.add(context, record.volume, SegmentPlan { record, ranges })?;
        }
        Ok(plan)
    }

    fn add(
        &mut self,
        context: &JobContext,
        volume: VolumeUuid,
        segment: SegmentPlan,
    ) -> Result<(), JobError> {
        if let Some(known) = self.volumes.iter_mut().find(|v| v.record.volume.uuid == volume) {
            known.segments.push(segment);
            return Ok(());
        }
        let record = context.parts.catalog.volume(volume)?;
        let cartridge = record.volume.cartridge;
        let cartridge = cartridge.map(|id| context.parts.catalog.cartridge(id)).transpose()?;
        let on_cartridge = cartridge.and_then(|cartridge| cartridge.barcode);
        let barcode = on_cartridge.or_else(|| record.volume.barcode.clone());
        let segments = vec![segment];
        self.volumes.push(VolumePlan { record, barcode, segments, is_whole: false });
        Ok(())
    }
}

/// Numbers as ranges; those from `end` on are not on the tape for certain and left out.
fn ranges_of(mut sequences: Vec<u64>, end: u64) -> Vec<Range<u64>> {
    sequences.sort_unstable();
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for sequence in sequences.into_iter().filter(|sequence| *sequence < end) {
        match ranges.last_mut() {
            Some(last) if sequence < last.end => {}
            Some(last) if sequence == last.end => last.end += 1,
            _ => ranges.push(sequence..sequence + 1),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_ranges_without_what_is_not_safe() {
        assert_eq!(ranges_of(vec![4, 0, 1, 1, 2, 9, 10], 10), [0..3, 4..5, 9..10]);
    }
}
