//! One segment: what one run puts on one volume, from the loaded cartridge to the closed volume.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::RunFacts;
use super::block_runs::BlockRuns;
use super::copy_state::Reached;
use super::cursor::PlanCursor;
use super::files::CopyFiles;
use super::outcomes::OutcomeWriter;
use super::plan::{Action, PlanReader, PlanStep, PlanTotals};
use super::recorder::{EmptyFolders, Mark, Recorder, RecorderContext};
use super::shown::ShownCopy;
use super::sink::TapeSink;
use super::tree::SegmentTree;
use super::volume_room::VolumeRoom;
use crate::catalog::{EventLevel, SegmentId};
use crate::domain::{Barcode, CopyLetter, Sha256Digest, VolumeUuid};
use crate::drive::BlockKey;
use crate::durable;
use crate::jobs::block_keys::block_key_of;
use crate::jobs::context::JobContext;
use crate::jobs::equipment::Loaded;
use crate::jobs::error::JobError;
use crate::jobs::identity;
use crate::jobs::pool::run_key;
use crate::jobs::spec::{BackupMode, BackupSpec, Compression};
use crate::jobs::volume::{expected_of, known_cartridge, look, mounted_of, options_for};
use crate::ltfs::error::LtfsError;
use crate::ltfs::merge::IndexFile;
use crate::ltfs::mount::{CheckEnds, MountedVolume, mount};
use crate::ltfs::repair::repair;
use crate::ltfs::writer::{Locked, OpenVolume, WriteOptions, creator};
use crate::stream::{Codec, PlannedFile, SplitState};

/// One segment as the job's checkpoint keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SegmentState {
    pub(super) id: SegmentId,
    pub(super) number: u32,
    pub(super) volume: VolumeUuid,
    pub(super) barcode: Barcode,
    /// The copy of the set, and the volume's place in it.
    pub(super) copy: CopyLetter,
    pub(super) sequence: u32,
    /// The first planned file that goes here, and where it goes on if it is split.
    pub(super) start_ordinal: u64,
    pub(super) start_split: Option<SplitState>,
    /// Bytes of the planned files before that.
    pub(super) start_bytes: u64,
    /// Length of the outcome spool when the segment began.
    pub(super) outcome_bytes: u64,
    /// The manifest on this volume, once it is closed.
    pub(super) manifest: Option<Sha256Digest>,
    /// True if the cartridge has failed: the copy begins again where this segment began.
    pub(super) is_abandoned: bool,
}

impl SegmentState {
    /// Where it began.
    pub(super) fn start(&self) -> Reached {
        Reached {
            ordinal: self.start_ordinal,
            split: self.start_split,
            outcome_bytes: self.outcome_bytes,
            bytes: self.start_bytes,
        }
    }
}

/// How a stretch of work on a segment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SegmentEnd {
    /// The whole plan is on tape, and the volume closed.
    PlanDone,
    /// The volume is full and closed; the run goes on at the mark.
    VolumeFull,
    /// The read has ended, and the volume is closed with what is there; another read goes on with it.
    Between,
    /// A person or a shutdown stopped it; the volume is closed with what is there.
    Stopped,
}

/// What a segment works with.
pub(super) struct Segment<'a> {
    pub(super) context: &'a JobContext,
    pub(super) spec: &'a BackupSpec,
    pub(super) run: RunFacts,
    pub(super) files: CopyFiles,
    /// Volume and place in the copy of every segment of it so far.
    pub(super) volumes: Vec<(VolumeUuid, u32)>,
    pub(super) state: SegmentState,
    /// What people see of this copy.
    pub(super) shown: ShownCopy,
}

impl<'a> Segment<'a> {
    /// Makes everything ready to go on writing to the loaded cartridge.
    ///
    /// # Errors
    /// If the cartridge is not the right one, or drive, notes or catalog fail. What the catalog says
    /// then is true, and the segment can be taken up again.
    pub(super) fn begin(&self, loaded: &mut Loaded) -> Result<TapeSink<'a>, JobError> {
        let mounted = self.mount(loaded)?;
        let base = self.base(&mounted)?;
        let volume = self.open(loaded, &mounted)?;
        let sink = self.sink(&base, volume).map_err(|refused| {
            let (volume, error) = *refused;
            loaded.take_back(volume.into_drive());
            error
        });
        let mut sink = sink?;
        // Now rather than with the first block: a drive that does not encrypt is named before a source is read.
        if let Err(error) = sink.encrypt() {
            loaded.take_back(sink.into_volume().into_drive());
            return Err(error);
        }
        Ok(sink)
    }

    /// Mounts the volume, repairs what a crash left, and makes sure it may be written.
    fn mount(&self, loaded: &mut Loaded) -> Result<MountedVolume, JobError> {
        let parts = &self.context.parts;
        let known = known_cartridge(parts, &self.state.barcode)?;
        let expected = expected_of(&known.cartridge, self.state.volume);
        let looked = look(self.context, loaded, Some(self.state.volume), CheckEnds::Always)?;
        identity::ensure_writable(&looked.found, &expected)?;
        let mut mounted = mounted_of(looked)?;
        if let Err(LtfsError::NeedsRepair { reason, .. }) = mounted.ensure_appendable() {
            let message = format!("repairing {}: {reason}", self.state.barcode);
            self.context.tell(EventLevel::Warning, "volume_repair", message);
            let volume = self.state.volume;
            match repair(loaded.lend(), &mounted, self.write_options(), None) {
                Ok((drive, _)) => loaded.take_back(drive),
                Err(refused) => {
                    loaded.take_back(refused.drive);
                    return Err(refused.error.into());
                }
            }
            mounted = mount(loaded.drive(), &options_for(parts, volume, CheckEnds::Always))?;
        }
        Ok(mounted)
    }

    /// The index that the segment's own are made from: as it was when the segment began. One that is
    /// newer than the catalog knows was written by a run that could not say so any more.
    fn base(&self, mounted: &MountedVolume) -> Result<Arc<IndexFile>, JobError> {
        let generation = mounted.generation();
        let changed = |detail: String| JobError::VolumeChanged {
            volume: self.state.volume,
            barcode: self.state.barcode.clone(),
            detail,
        };
        let path = self.files.base_index(self.state.number);
        if !path.exists() {
            let known = self.context.parts.catalog.volume(self.state.volume)?.generation;
            if generation < known {
                let detail = format!("its index has generation {generation}, not {known}");
                return Err(changed(detail));
            }
            let copied = durable::copy(mounted.index.file.path(), &path);
            copied.map_err(JobError::io("copy to", &path))?;
        }
        let base = IndexFile::open(&path, mounted.label.block_size)?;
        let began = base.header().generation;
        if generation < began {
            let detail =
                format!("its index has generation {generation}; the run began with {began}");
            return Err(changed(detail));
        }
        Ok(Arc::new(base))
    }

    fn open(&self, loaded: &mut Loaded, mounted: &MountedVolume) -> Result<OpenVolume, JobError> {
        let drive = loaded.lend();
        match OpenVolume::begin(drive, mounted, self.write_options()) {
            Ok(volume) => Ok(volume),
            Err(refused) => {
                loaded.take_back(refused.drive);
                Err(refused.error.into())
            }
        }
    }

    fn write_options(&self) -> WriteOptions {
        WriteOptions {
            spool_dir: self.context.parts.folders.indexes(self.state.volume),
            creator: creator("engine"),
            clock: Arc::clone(&self.context.parts.clock),
            locked: Locked::Respect,
        }
    }

    /// Cuts the notes back to what the catalog calls safe, and makes the sink that goes on from there.
    fn sink(
        &self,
        base: &Arc<IndexFile>,
        volume: OpenVolume,
    ) -> Result<TapeSink<'a>, Box<(OpenVolume, JobError)>> {
        let mut volume = volume;
        match self.prepare_sink(base, &mut volume) {
            Ok((recorder, tree, room, block_key)) => {
                let (block_bytes, partition) = (volume.label().block_size, volume.map().data.0);
                let mark = recorder.mark;
                Ok(TapeSink {
                    context: self.context,
                    volume,
                    block_key,
                    recorder,
                    tree,
                    runs: BlockRuns::new(block_bytes, partition),
                    room: Arc::new(room),
                    index_interval: self.spec.index_interval,
                    bytes_since_index: 0,
                    shown: self.shown.clone(),
                    files_before: mark.ordinal,
                    bytes_before: mark.bytes,
                })
            }
            Err(error) => Err(Box::new((volume, error))),
        }
    }

    fn prepare_sink(
        &self,
        base: &Arc<IndexFile>,
        volume: &mut OpenVolume,
    ) -> Result<(Recorder, SegmentTree, VolumeRoom, Option<BlockKey>), JobError> {
        let parts = &self.context.parts;
        let block_key = run_key(parts, self.run.drive_key)?.map(|key| block_key_of(&key));
        let tree =
            SegmentTree::new(Arc::clone(base), &self.spec.set, &self.run.run, self.run.started)?;
        let checkpoint = parts.catalog.segment(self.state.id)?.checkpoint;
        let mark = match checkpoint.resume {
            Some(value) => serde_json::from_value(value).map_err(JobError::checkpoint)?,
            None => Mark {
                ordinal: self.state.start_ordinal,
                split: self.state.start_split,
                bulk_bytes: 0,
                outcome_bytes: self.state.outcome_bytes,
                bytes: self.state.start_bytes,
                next_uid: tree.first_free_uid(),
                is_complete: false,
            },
        };
        let bulk = self.files.open_bulk(self.state.number, mark.bulk_bytes)?;
        let outcomes = OutcomeWriter::open_at(self.files.outcomes(), mark.outcome_bytes)?;
        let catalog = parts.catalog.run_writer(self.state.id, Arc::clone(&parts.clock))?;
        let cursor = PlanCursor::new(PlanReader::open(self.files.plan(), self.totals())?);
        let context = RecorderContext {
            segment_number: self.state.number,
            data_partition: volume.map().data.1,
            data_partition_id: volume.map().data.0,
            started: self.run.started,
            empty_folders: match self.run.mode {
                BackupMode::Full => EmptyFolders::Kept,
                BackupMode::Incremental => EmptyFolders::LeftOut,
            },
            job: self.context.id,
            clock: Arc::clone(&parts.clock),
        };
        let notes = (bulk, outcomes, catalog);
        let recorder = Recorder::resume(cursor, notes, context, mark, self.state.start_ordinal)?;
        let capacities = volume.drive_mut().partition_capacities()?;
        let data = volume.map().data.1;
        let capacity = capacities.iter().find(|c| c.partition == data).map_or(0, |c| c.maximum.0);
        let room = volume.room(base.bytes())?;
        let room = VolumeRoom::new(room.data.0, capacity, mark.outcome_bytes);
        Ok((recorder, tree, room, block_key))
    }

    pub(super) fn totals(&self) -> &PlanTotals {
        &self.run.totals
    }
}

/// The files of the plan from the mark on, as the stream wants them.
///
/// # Errors
/// If the plan cannot be read.
pub(super) fn planned_files(
    plan: &Path,
    totals: &PlanTotals,
    spec: &BackupSpec,
    mark: Mark,
) -> Result<impl Iterator<Item = PlannedFile> + Send + use<>, JobError> {
    let mut plan = PlanReader::open(plan, totals)?;
    let codec = match spec.compression {
        Compression::None => Codec::None,
        Compression::Zstd { level } => Codec::Zstd { level },
    };
    Ok(std::iter::from_fn(move || {
        loop {
            let step = match plan.next() {
                Ok(Some(step)) => step,
                Ok(None) => return None,
                // The recorder reads the same plan and reports the damage.
                Err(error) => {
                    tracing::error!(%error, "the plan of a backup cannot be read");
                    return None;
                }
            };
            let PlanStep::Entry(planned) = step else { continue };
            let Action::Store { ordinal } = planned.action else { continue };
            if ordinal < mark.ordinal {
                continue;
            }
            let continuation = mark.split.filter(|split| split.ordinal == ordinal);
            let stamp = planned.entry.stamp();
            return Some(PlannedFile {
                ordinal,
                path: planned.entry.path,
                stamp,
                codec,
                continuation,
            });
        }
    }))
}

/// Why the stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamStop {
    PlanDone,
    Full,
    Between,
    Stopped,
}
