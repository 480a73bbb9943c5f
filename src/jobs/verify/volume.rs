//! One volume: loaded, identified, its own files checked, its copies read in tape order.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::BufReader;
use std::sync::Arc;

use super::State;
use super::places::{IndexedPlaces, path_on_volume};
use super::plan::{SegmentPlan, VolumePlan};
use super::receipt::{Receipt, ReceiptSubject};
use super::tracker::{Findings, PartCount, Tracker, Verdict as Found};
use crate::catalog::{EventLevel, FileKind, LocatedCopy, VolumeState};
use crate::domain::{Barcode, SourcePath};
use crate::jobs::context::JobContext;
use crate::jobs::equipment::Loaded;
use crate::jobs::error::JobError;
use crate::jobs::rebuild::set_folder;
use crate::jobs::tape_blocks::{TapeBlocks, extents_of, read_item, volume_lost};
use crate::jobs::volume::{expected_of, mount_expected, with_tries};
use crate::jobs::volume_tree::{
    OwnFiles, distrust, read_text, read_to_file, tell_if_forged, walk_files,
};
use crate::ltfs::label::PartitionMap;
use crate::ltfs::mount::{CheckEnds, MountedVolume};
use crate::ltfs::reader::VolumeReader;
use crate::manifest::{Verdict, verify_manifest, verify_volume_record};
use crate::stream::{ReadEndReason, ReadItem, ReadRequest, StreamConfig, Target, restore};

/// Copies read from the catalog at once.
const COPIES_READ: usize = 1000;
/// Why a copy counts as failed that the volume's own index has elsewhere, or not at all.
pub(crate) const NOT_LISTED: &str = "the volume's index does not list it where it was written";

/// How the work on a volume ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VolumeEnd {
    /// All of it has its verdict.
    Read,
    /// The job was stopped at a safe point.
    Stopped,
}

/// Verifies what the plan names on one volume.
///
/// # Errors
/// If the cartridge is not there or is another one, or a device or the catalog fails.
pub(super) fn verify(
    context: &JobContext,
    plan: &VolumePlan,
    state: &mut State,
) -> Result<VolumeEnd, JobError> {
    let what = || format!("known cartridge with volume {}", plan.record.volume.uuid);
    let barcode = plan.barcode.as_ref().ok_or_else(|| JobError::Unknown { what: what() })?;
    with_tries(context, barcode, || load_and_read(context, plan, barcode, state))
}

fn load_and_read(
    context: &JobContext,
    plan: &VolumePlan,
    barcode: &Barcode,
    state: &mut State,
) -> Result<VolumeEnd, JobError> {
    let mut loaded = load(context, barcode)?;
    let mut work = VolumeWork { context, plan, state, barcode };
    let verified = work.read(&mut loaded);
    context.stage("putting the cartridge away", Some(barcode));
    if let Err(error) = loaded.put_away() {
        let message = format!("cartridge {barcode} could not be put away: {error}");
        context.tell(EventLevel::Warning, "put_away", message);
    }
    verified
}

/// Loads the cartridge; one that was in the drive leaves it first.
fn load(context: &JobContext, barcode: &Barcode) -> Result<Loaded, JobError> {
    context.stage("loading", Some(barcode));
    let equipment = &context.parts.equipment;
    let loaded = equipment.load(barcode, context, &mut |wait| context.tell_wait(wait))?;
    if !loaded.was_loaded() {
        return Ok(loaded);
    }
    context.stage("unloading and loading again", Some(barcode));
    Ok(loaded.cycle(context, &mut |wait| context.tell_wait(wait))?)
}

pub(super) struct VolumeWork<'a> {
    pub(super) context: &'a JobContext,
    plan: &'a VolumePlan,
    state: &'a mut State,
    pub(super) barcode: &'a Barcode,
}

impl VolumeWork<'_> {
    fn read(&mut self, loaded: &mut Loaded) -> Result<VolumeEnd, JobError> {
        let parts = &self.context.parts;
        let uuid = self.plan.record.volume.uuid;
        let cartridge = self.plan.record.volume.cartridge;
        let cartridge = cartridge.ok_or_else(|| JobError::Bug(format!("{uuid} is nowhere")))?;
        let expected = expected_of(&parts.catalog.cartridge(cartridge)?, uuid);
        let mounted = mount_expected(self.context, loaded, &expected, CheckEnds::Always)?;
        let may_say = self.is_on_both(&mounted);
        let problems_before = self.state.outcome.problems_total;

        self.context.stage("reading the index", Some(self.barcode));
        let folders = self.plan.segments.iter().map(|segment| self.run_folder(segment));
        let folders = folders.collect::<Result<BTreeSet<String>, JobError>>()?;
        let mut places = IndexedPlaces::of(folders);
        let mut own = OwnFiles::default();
        walk_files(&mounted.index.file, &mut |folder, file| {
            places.meet(folder, file);
            own.meet(folder, file);
        })?;

        self.check_record(loaded, &mounted, &own)?;
        for segment in &self.plan.segments {
            if self.state.closed.contains(&segment.record.id.0) {
                continue;
            }
            let is_manifest_good = self.check_manifest(loaded, &mounted, &own, segment)?;
            self.check_encryption(loaded, &segment.record.run, segment.record.id)?;
            let end = self.read_segment(
                loaded,
                &mounted,
                &mut places,
                segment,
                is_manifest_good,
                may_say,
            )?;
            if end == VolumeEnd::Stopped {
                return Ok(end);
            }
            self.state.closed.insert(segment.record.id.0);
        }
        if self.plan.is_whole && self.state.outcome.problems_total == problems_before {
            parts.catalog.volume_verified(uuid, parts.clock.now())?;
        }
        Ok(VolumeEnd::Read)
    }

    /// The folder of a run on the volume.
    fn run_folder(&self, segment: &SegmentPlan) -> Result<String, JobError> {
        let catalog = &self.context.parts.catalog;
        let run = catalog.run(&segment.record.run)?.run;
        let set = set_folder(&catalog.set(&run.set)?);
        Ok(format!("{set}/{}", run.run))
    }

    /// *Read back* includes *indexed*: both partitions must end in the index that is read here.
    fn is_on_both(&mut self, mounted: &MountedVolume) -> bool {
        let generation = mounted.generation();
        let ends = [&mounted.index_partition, &mounted.data_partition];
        let is_on_both = ends
            .iter()
            .all(|end| end.last_index.is_some_and(|index| index.generation == generation));
        if !is_on_both {
            let volume = self.plan.record.volume.uuid;
            let reason = format!(
                "volume {volume} on {} was not closed: its index stands on one partition only, so \
                 nothing on it counts as read back; the next backup to it repairs that",
                self.barcode
            );
            self.problem(reason);
        }
        is_on_both
    }

    pub(super) fn problem(&mut self, reason: String) {
        // A job that goes on after an interruption looks at the volume again.
        if self.state.outcome.problems.iter().any(|problem| problem.reason == reason) {
            return;
        }
        self.context.tell(EventLevel::Error, "volume_problem", reason.clone());
        self.state.outcome.add_problem(&SourcePath::top(), "volume", reason);
    }

    /// Looks at `volume.json`, if the volume was ever closed.
    fn check_record(
        &mut self,
        loaded: &mut Loaded,
        mounted: &MountedVolume,
        own: &OwnFiles,
    ) -> Result<(), JobError> {
        if self.plan.segments.iter().all(|segment| segment.record.manifest_sha256.is_none()) {
            return Ok(());
        }
        let mut reader = VolumeReader::new(loaded.drive(), mounted);
        let json = read_text(&mut reader, own.record.as_ref())?;
        let signature = read_text(&mut reader, own.record_signature.as_ref())?;
        let uuid = mounted.label.uuid;
        let reason = match json {
            Err(problem) => Some(problem.to_string()),
            Ok(json) => {
                let pinned = self.context.parts.keys.pinned();
                let (verdict, record) =
                    verify_volume_record(&json, signature.as_deref().ok(), pinned);
                tell_if_forged(self.context, self.barcode, "volume.json", &verdict);
                match (self.distrust(&verdict), record) {
                    (Some(reason), _) => Some(reason),
                    (None, Some(record)) if record.volume != uuid => {
                        Some(format!("it is about volume {}", record.volume))
                    }
                    (None, _) => None,
                }
            }
        };
        if let Some(reason) = reason {
            self.problem(format!("volume.json on {}: {reason}", self.barcode));
        }
        Ok(())
    }

    /// True if the manifest on the tape is whole, signed, and the one that the catalog knows.
    fn check_manifest(
        &mut self,
        loaded: &mut Loaded,
        mounted: &MountedVolume,
        own: &OwnFiles,
        segment: &SegmentPlan,
    ) -> Result<bool, JobError> {
        let Some(known) = segment.record.manifest_sha256 else { return Ok(false) };
        let run = &segment.record.run;
        self.context.stage("checking the manifest", Some(self.barcode));
        let mut reader = VolumeReader::new(loaded.drive(), mounted);
        let reason = match own.manifests.get(&run.0) {
            None => Some("it is not on the volume".to_owned()),
            Some(entry) => {
                let parts = &self.context.parts;
                let path = parts.folders.job(self.context.id).join("manifest");
                let signature = read_text(&mut reader, own.signatures.get(&run.0))?;
                match read_to_file(&mut reader, entry, &path)? {
                    Err(problem) => Some(problem.to_string()),
                    Ok(()) => {
                        let file =
                            std::fs::File::open(&path).map_err(JobError::io("read", &path))?;
                        let signature = signature.as_deref().ok();
                        let pinned = parts.keys.pinned();
                        let found = verify_manifest(BufReader::new(file), signature, pinned)?;
                        let what = format!("the manifest of run {run}");
                        tell_if_forged(self.context, self.barcode, &what, &found.verdict);
                        let is_known = found.end.is_some_and(|end| end.sha256 == known);
                        let other = || "it is not the manifest that was written".to_owned();
                        self.distrust(&found.verdict).or_else(|| (!is_known).then(other))
                    }
                }
            }
        };
        let is_good = reason.is_none();
        if let Some(reason) = reason {
            self.problem(format!("the manifest of run {run} on {}: {reason}", self.barcode));
        }
        Ok(is_good)
    }

    /// Why a signed file is not to be believed.
    fn distrust(&self, verdict: &Verdict) -> Option<String> {
        // A volume of another appliance is known as such.
        let is_foreign = self.plan.record.volume.state == VolumeState::Foreign;
        match verdict {
            Verdict::Foreign { .. } if is_foreign => None,
            verdict => distrust(verdict),
        }
    }

    fn read_segment(
        &mut self,
        loaded: &mut Loaded,
        mounted: &MountedVolume,
        places: &mut IndexedPlaces,
        segment: &SegmentPlan,
        is_manifest_good: bool,
        may_say: bool,
    ) -> Result<VolumeEnd, JobError> {
        let (context, id) = (self.context, segment.record.id);
        context.stage("reading back", Some(self.barcode));
        let run_folder = self.run_folder(segment)?;
        let from = self.state.next.get(&id.0).copied().unwrap_or(0);
        let part_count = if self.plan.is_whole { PartCount::Each } else { PartCount::FirstOnly };
        let tracker = Tracker::new(context, self.state, id, from, may_say, part_count);
        let tracker = RefCell::new(tracker);
        let mut feed = Feed {
            context,
            segment,
            at: from,
            page: Vec::new().into_iter(),
            places,
            run_folder,
            map: mounted.map,
            is_manifest_good,
            tracker: &tracker,
        };
        let mut blocks = TapeBlocks::new(loaded.drive(), mounted);
        let ended = restore(ReadRequest {
            items: Box::new(std::iter::from_fn(|| feed.next_item())),
            reader: &mut blocks,
            outs: None,
            on_result: &mut |result| tracker.borrow_mut().take(result),
            config: StreamConfig {
                block_bytes: mounted.label.block_size,
                keys: Some(context.parts.keys.ring().clone()),
                ..context.parts.streaming.config()
            },
            control: Arc::clone(&context.live.control),
            gauges: Arc::clone(&context.live.gauges),
        });
        let mut tracker = tracker.into_inner();
        if let Some(failure) = tracker.failure.take() {
            return Err(failure);
        }
        tracker.commit()?;
        tracker.tell_of_unopened(self.barcode);
        let found = tracker.found()?;
        let ended = ended?;
        if let Some(failure) = ended.failure {
            return Err(failure.into());
        }
        let end = match ended.why {
            ReadEndReason::Finished => VolumeEnd::Read,
            ReadEndReason::Cancelled => VolumeEnd::Stopped,
            ReadEndReason::VolumeLost(error) => return Err(volume_lost(error)),
        };
        if end == VolumeEnd::Read || !context.is_interrupted() {
            self.keep_receipt(loaded, segment, found)?;
        }
        Ok(end)
    }

    fn keep_receipt(
        &self,
        loaded: &Loaded,
        segment: &SegmentPlan,
        (read_back, failed): Findings,
    ) -> Result<(), JobError> {
        let Some(manifest_sha256) = segment.record.manifest_sha256 else { return Ok(()) };
        if read_back.is_empty() && failed.is_empty() {
            return Ok(());
        }
        let parts = &self.context.parts;
        let cartridge = self.plan.record.volume.cartridge;
        let cartridge = cartridge.map(|id| parts.catalog.cartridge(id)).transpose()?;
        let subject = ReceiptSubject {
            run: segment.record.run.clone(),
            volume: self.plan.record.volume.uuid,
            manifest_sha256,
            copies: segment.record.checkpoint.sequence,
            drive: loaded.drive_serial().clone(),
            medium_serial: cartridge.and_then(|cartridge| cartridge.medium_serial),
        };
        Receipt::keep(parts, self.context.id, subject, read_back, failed)
    }
}

/// The copies of a segment, as the data path wants them.
struct Feed<'a, 'b> {
    context: &'a JobContext,
    segment: &'a SegmentPlan,
    at: u64,
    page: std::vec::IntoIter<LocatedCopy>,
    places: &'a mut IndexedPlaces,
    run_folder: String,
    map: PartitionMap,
    is_manifest_good: bool,
    tracker: &'a RefCell<Tracker<'b>>,
}

impl Feed<'_, '_> {
    /// The next copy with bytes to read; what needs no reading gets its verdict on the way.
    fn next_item(&mut self) -> Option<ReadItem> {
        loop {
            let located = match self.next_copy() {
                Ok(located) => located?,
                Err(error) => {
                    self.tracker.borrow_mut().failure.get_or_insert(error);
                    return None;
                }
            };
            let mut tracker = self.tracker.borrow_mut();
            if tracker.failure.is_some() {
                return None;
            }
            tracker.begin(&located);
            match self.item(&located) {
                Ok(item) => return Some(item),
                Err(found) => tracker.end(located.copy.id.sequence(), found),
            }
        }
    }

    fn next_copy(&mut self) -> Result<Option<LocatedCopy>, JobError> {
        loop {
            let wanted = self.segment.ranges.iter().find(|range| range.end > self.at);
            let Some(range) = wanted else { return Ok(None) };
            self.at = self.at.max(range.start);
            if let Some(located) = self.page.next() {
                let sequence = located.copy.id.sequence();
                if sequence < self.at {
                    continue;
                }
                self.at = sequence;
                if self.segment.ranges.iter().any(|range| range.contains(&sequence)) {
                    self.at += 1;
                    return Ok(Some(located));
                }
                continue;
            }
            let catalog = &self.context.parts.catalog;
            let page = catalog.segment_copies(self.segment.record.id, self.at, COPIES_READ)?;
            if page.is_empty() {
                return Ok(None);
            }
            self.page = page.into_iter();
        }
    }

    fn item(&mut self, located: &LocatedCopy) -> Result<ReadItem, Found> {
        if located.version.kind != FileKind::File {
            return Err(if self.is_manifest_good { Found::Good } else { Found::Open });
        }
        let path = path_on_volume(&self.run_folder, located);
        let is_listed = match (path, extents_of(located, &self.map)) {
            (Some(path), Some(extents)) => self.places.lists(&path, &extents),
            _ => false,
        };
        if !is_listed {
            return Err(Found::Failed(NOT_LISTED.to_owned()));
        }
        read_item(located, &self.map, Target::Verify)
            .ok_or_else(|| Found::Failed("its place is on no partition of the volume".to_owned()))
    }
}
