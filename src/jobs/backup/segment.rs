//! One segment: what one run puts on one volume, from the loaded cartridge to the closed volume.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::RunState;
use super::block_runs::BlockRuns;
use super::cursor::PlanCursor;
use super::files::RunFiles;
use super::outcomes::OutcomeWriter;
use super::plan::{Action, PlanReader, PlanStep, PlanTotals};
use super::recorder::{EmptyFolders, Mark, Recorder, RecorderContext};
use super::sink::TapeSink;
use super::tree::SegmentTree;
use super::volume_room::VolumeRoom;
use crate::catalog::{EventLevel, SegmentId};
use crate::domain::{Barcode, Sha256Digest, VolumeUuid};
use crate::jobs::context::JobContext;
use crate::jobs::equipment::Loaded;
use crate::jobs::error::JobError;
use crate::jobs::identity;
use crate::jobs::spec::{BackupMode, BackupSpec, Compression};
use crate::jobs::volume::{expected_of, known_cartridge, look, mounted_of, options_for};
use crate::ltfs::merge::IndexFile;
use crate::ltfs::mount::{CheckEnds, MountedVolume, mount};
use crate::ltfs::repair::repair;
use crate::ltfs::writer::{Locked, OpenVolume, WriteOptions, creator};
use crate::source::Source;
use crate::stream::{
    BackupRequest, BlockSink, Codec, Gauges, MediumRates, PlannedFile, SinkEndReason, SplitState,
    StagingState, StreamConfig, backup,
};

/// One segment as the job's checkpoint keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SegmentState {
    pub(super) id: SegmentId,
    pub(super) number: u32,
    pub(super) volume: VolumeUuid,
    pub(super) barcode: Barcode,
    /// The volume's place in the set.
    pub(super) sequence: u32,
    /// The first planned file that goes here, and where it goes on if it is split.
    pub(super) start_ordinal: u64,
    pub(super) start_split: Option<SplitState>,
    /// Length of the outcome spool when the segment began.
    pub(super) outcome_bytes: u64,
    /// The manifest on this volume, once it is closed.
    pub(super) manifest: Option<Sha256Digest>,
}

/// How a stretch of work on a segment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SegmentEnd {
    /// The whole plan is on tape, and the volume closed.
    PlanDone,
    /// The volume is full and closed; the run goes on at the mark.
    VolumeFull,
    /// A person or a shutdown stopped it; the volume is closed with what is there.
    Stopped,
}

/// What a segment works with.
pub(super) struct Segment<'a> {
    pub(super) context: &'a JobContext,
    pub(super) spec: &'a BackupSpec,
    pub(super) run: &'a RunState,
    pub(super) files: &'a RunFiles,
    pub(super) source: Arc<dyn Source>,
    pub(super) state: SegmentState,
}

impl<'a> Segment<'a> {
    /// Writes to the loaded cartridge until the plan is done, the volume full, or the job stopped.
    ///
    /// # Errors
    /// If the cartridge is not the right one, or drive, notes or catalog fail. What the catalog says
    /// then is true, and the segment can be taken up again.
    pub(super) fn write(&mut self, loaded: &mut Loaded) -> Result<SegmentEnd, JobError> {
        let mounted = self.mount(loaded)?;
        let base = self.base(&mounted)?;
        let volume = self.open(loaded, &mounted)?;
        let mut sink = match self.sink(&base, volume) {
            Ok(sink) => sink,
            Err(refused) => {
                let (volume, error) = *refused;
                loaded.take_back(volume.into_drive());
                return Err(error);
            }
        };
        let rates = loaded.rates();
        let written = self.stream(&mut sink, rates).and_then(|stop| self.close(&mut sink, stop));
        loaded.take_back(sink.volume.into_drive());
        let (end, manifest) = written?;
        self.state.manifest = Some(manifest);
        Ok(end)
    }

    /// Mounts the volume, repairs what a crash left, and makes sure it may be written.
    fn mount(&self, loaded: &mut Loaded) -> Result<MountedVolume, JobError> {
        let parts = &self.context.parts;
        let known = known_cartridge(parts, &self.state.barcode)?;
        let expected = expected_of(&known.cartridge, self.state.volume);
        let looked = look(self.context, loaded, Some(self.state.volume), CheckEnds::Always)?;
        identity::ensure_writable(&looked.found, &expected)?;
        let mut mounted = mounted_of(looked)?;
        if mounted.ensure_appendable().is_err() && mounted.needs_repair() {
            let findings: Vec<_> = mounted.findings.iter().map(ToString::to_string).collect();
            let message = format!("repairing {}: {}", self.state.barcode, findings.join("; "));
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
            copy_whole(mounted.index.file.path(), &path)?;
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
            Ok((recorder, tree, room)) => {
                let (block_bytes, partition) = (volume.label().block_size, volume.map().data.0);
                let progress = self.context.live.progress();
                Ok(TapeSink {
                    context: self.context,
                    volume,
                    recorder,
                    tree,
                    runs: BlockRuns::new(block_bytes, partition),
                    room: Arc::new(room),
                    index_interval: self.spec.index_interval,
                    bytes_since_index: 0,
                    files_before: progress.files_done,
                    bytes_before: progress.bytes_done,
                })
            }
            Err(error) => Err(Box::new((volume, error))),
        }
    }

    fn prepare_sink(
        &self,
        base: &Arc<IndexFile>,
        volume: &mut OpenVolume,
    ) -> Result<(Recorder, SegmentTree, VolumeRoom), JobError> {
        let parts = &self.context.parts;
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
        Ok((recorder, tree, room))
    }

    pub(super) fn totals(&self) -> &PlanTotals {
        &self.run.totals
    }

    fn stream(
        &self,
        sink: &mut TapeSink<'_>,
        medium: Option<MediumRates>,
    ) -> Result<StreamStop, JobError> {
        let mark = sink.recorder.mark;
        if mark.ordinal >= self.totals().files_to_store {
            return Ok(StreamStop::PlanDone);
        }
        self.context.stage("writing", Some(&self.state.barcode));
        let room = Arc::clone(&sink.room);
        let config = StreamConfig {
            block_bytes: sink.volume.label().block_size,
            medium,
            ..self.context.parts.stream.clone()
        };
        let files = self.planned_files(mark)?;
        let ended = backup(BackupRequest {
            files: Box::new(files),
            source: Arc::clone(&self.source),
            sinks: vec![sink as &mut dyn BlockSink],
            room: room.as_ref(),
            config,
            control: Arc::clone(&self.context.live.control),
            gauges: Arc::<Gauges>::clone(&self.context.live.gauges),
        })?;
        if let StagingState::Bypassed { reason } = &ended.figures.staging {
            let message = format!(
                "{reason}; data went through memory alone, and the drive may have had to wait. \
                 Make room there, or name another folder or size: `fossilsafe run --help`"
            );
            self.context.tell(EventLevel::Warning, "staging_bypassed", message);
        }
        if let Some(failure) = ended.failure {
            return Err(failure.into());
        }
        let Some(end) = ended.sinks.into_iter().next() else {
            return Err(JobError::Bug("a stream without a sink".to_owned()));
        };
        match end.why {
            SinkEndReason::Complete if end.next_ordinal >= self.totals().files_to_store => {
                Ok(StreamStop::PlanDone)
            }
            SinkEndReason::Complete | SinkEndReason::Full => Ok(StreamStop::Full),
            SinkEndReason::Stopped | SinkEndReason::Cancelled => Ok(StreamStop::Stopped),
            SinkEndReason::Failed(error) => Err(match error.downcast::<JobError>() {
                Ok(error) => *error,
                Err(other) => JobError::Bug(other.to_string()),
            }),
        }
    }

    /// The files of the plan from the mark on, as the stream wants them.
    fn planned_files(
        &self,
        mark: Mark,
    ) -> Result<impl Iterator<Item = PlannedFile> + Send + use<>, JobError> {
        let mut plan = PlanReader::open(self.files.plan(), self.totals())?;
        let codec = match self.spec.compression {
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
}

/// Why the stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamStop {
    PlanDone,
    Full,
    Stopped,
}

fn copy_whole(from: &Path, to: &Path) -> Result<(), JobError> {
    let partial = to.with_extension("partial");
    std::fs::copy(from, &partial).map_err(JobError::io("copy the index to", to))?;
    std::fs::rename(&partial, to).map_err(JobError::io("put in place", to))
}
