//! A backup stream from plan to sinks: starts the threads, waits, and says how it ended.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use crossbeam_channel::bounded;

use super::buffers::BufferPool;
use super::config::{READ_BACK_SLABS, StreamConfig};
use super::control::Control;
use super::engine::{Engine, start_engine};
use super::error::StreamError;
use super::feeder::Feeder;
use super::gauges::{Fixed, Gauges, Snapshot, StagingState};
use super::outlet::{Outlet, first_of};
use super::packer::{Ended, Layout, Packer};
use super::plan::{PlannedFile, Room, SplitState};
use super::run::Run;
use super::sink::{BlockSink, SinkEnd, SinkEndReason, StreamEnd};
use super::stage::{Folder, Spill, Stage, run_intake};
use super::workers::Workers;
use crate::source::Source;

/// Slabs between packer and stage that may wait for their reads: all of them may.
const PACKED_AHEAD: usize = 1 << 16;

/// What a backup stream needs.
pub struct BackupRequest<'a> {
    /// The files, in the order in which they shall lie on tape.
    pub files: Box<dyn Iterator<Item = PlannedFile> + Send + 'a>,
    /// Where they are opened.
    pub source: Arc<dyn Source>,
    /// Where the blocks go: each sink gets all of them, on a thread of its own.
    pub sinks: Vec<&'a mut dyn BlockSink>,
    /// How much room the volume has.
    pub room: &'a dyn Room,
    /// Settings.
    pub config: StreamConfig,
    /// Pause and cancel.
    pub control: Arc<Control>,
    /// Live figures.
    pub gauges: Arc<Gauges>,
}

impl std::fmt::Debug for BackupRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BackupRequest")
            .field("source", &self.source)
            .field("sink_count", &self.sinks.len())
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// How a backup stream ended.
#[derive(Debug)]
pub struct BackupEnd {
    /// The stream as a whole.
    pub end: StreamEnd,
    /// Each sink, in the order of the request.
    pub sinks: Vec<SinkEnd>,
    /// What stopped it, if something of its own failed. What the sinks were told stays true.
    pub failure: Option<StreamError>,
    /// The last figures.
    pub figures: Snapshot,
}

/// Streams `request.files` to the sinks. Blocks until all sinks are finished.
///
/// # Errors
/// Only if it cannot begin. Everything later is in [`BackupEnd`], together with what each sink has.
pub fn backup(request: BackupRequest<'_>) -> Result<BackupEnd, StreamError> {
    let BackupRequest { files, source, sinks, room, config, control, gauges } = request;
    if sinks.is_empty() {
        return Err(StreamError::Config("no sink".to_owned()));
    }
    let run = Arc::new(Run::new(config, control, gauges)?);
    let engine = start_engine(&run)?;
    let workers = Workers::start(&run)?;
    let work = workers.queue().ok_or_else(|| StreamError::Config("no workers".to_owned()))?;
    let (spill, staging) = open_staging(&run, &engine)?;
    let fixed = Fixed { engine: engine.name(), staging, worker_count: run.config.workers() as u64 };
    run.gauges.set_fixed(fixed, sinks.len());
    let stage = Arc::new(Stage::new(Arc::clone(&run), sinks.len(), spill));
    let (woken_run, woken_stage) = (Arc::clone(&run), Arc::clone(&stage));
    let listener = run.control.listen(Box::new(move || {
        if woken_run.control.is_cancelled() {
            woken_run.halt();
        }
        woken_stage.wake();
    }));
    if run.control.is_cancelled() {
        run.halt();
    }

    let first = OnceLock::new();
    let files = files.inspect(|file| {
        first.get_or_init(|| first_of(file));
    });
    let (feeder, supply) = Feeder::new(&run, source, work.clone(), Box::new(files));
    let (out, packed) = bounded(PACKED_AHEAD);
    let packer =
        Packer { run: Arc::clone(&run), room, engine, work, out, layout: Layout::default() };
    let first = || first.get().copied();
    let (packed_to, sink_ends) = std::thread::scope(|scope| {
        let outlets: Vec<_> = sinks
            .into_iter()
            .enumerate()
            .map(|(index, sink)| {
                let (run, stage) = (&run, &stage);
                scope.spawn(move || {
                    guard(run, stage, || Outlet::new(run, stage, index, sink).run(&first))
                })
            })
            .collect();
        scope.spawn(|| guard(&run, &stage, || feeder.run()));
        scope.spawn(|| guard(&run, &stage, || run_intake(&run, packed, &stage)));
        let packed_to = guard(&run, &stage, || packer.run(supply));
        let ends: Vec<_> = outlets.into_iter().map(|outlet| outlet.join().ok().flatten()).collect();
        (packed_to, ends)
    });
    run.control.forget_listener(listener);
    drop(workers);
    let sinks: Vec<SinkEnd> =
        sink_ends.into_iter().map(|end| end.unwrap_or_else(|| lost_sink(&first))).collect();
    let failure = run.take_failure();
    let end = overall_end(packed_to, &sinks, failure.is_some());
    let figures = run.gauges.snapshot(run.config.clock.elapsed());
    Ok(BackupEnd { end, sinks, failure, figures })
}

/// The staging folder, if one is configured and can be used. A folder that cannot is no reason not
/// to write a backup: it is said, and memory alone must do.
fn open_staging(
    run: &Run,
    engine: &Arc<dyn Engine>,
) -> Result<(Option<Spill>, StagingState), StreamError> {
    let Some(config) = &run.config.staging else { return Ok((None, StagingState::None)) };
    match Folder::open(config, run.slabs.slab_bytes() as u64) {
        Ok(folder) => {
            let reserved_bytes = folder.reserved_bytes();
            let read_back = BufferPool::new(run.slabs.slab_bytes(), READ_BACK_SLABS)?;
            let (engine, path) = (Arc::clone(engine), config.folder.clone());
            let spill = Spill { folder, engine, read_back, path };
            Ok((Some(spill), StagingState::Active { reserved_bytes }))
        }
        Err(reason) => {
            tracing::warn!(%reason, "staging in memory alone");
            Ok((None, StagingState::Bypassed { reason }))
        }
    }
}

/// Runs a thread's work; a panic ends the stream instead of leaving the others waiting.
fn guard<T>(run: &Run, stage: &Stage, work: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(value) => Some(value),
        Err(panic) => {
            run.fail_of_panic(panic.as_ref());
            stage.wake();
            None
        }
    }
}

/// The end of a sink whose thread panicked: nothing is known of what it took.
fn lost_sink(first: &dyn Fn() -> Option<(u64, Option<SplitState>)>) -> SinkEnd {
    let (next_ordinal, resume) = first().unwrap_or_default();
    SinkEnd {
        block_count: 0,
        bytes: 0,
        record_count: 0,
        next_ordinal,
        resume,
        why: SinkEndReason::Failed("the thread of this drive panicked".into()),
    }
}

/// The end of the stream as a whole: the packer's, if at least one sink took everything.
fn overall_end(packed_to: Option<Ended>, sinks: &[SinkEnd], has_failed: bool) -> StreamEnd {
    let is_complete = sinks.iter().any(|sink| matches!(sink.why, SinkEndReason::Complete));
    if let Some(Ended::At(end)) = packed_to
        && is_complete
        && !has_failed
    {
        return end;
    }
    let least = sinks.iter().min_by_key(|sink| sink.next_ordinal);
    let full = sinks.iter().filter(|sink| matches!(sink.why, SinkEndReason::Full));
    let full = full.min_by_key(|sink| sink.next_ordinal);
    let (next_ordinal, resume) = match full.or(least) {
        Some(sink) => (sink.next_ordinal, sink.resume),
        None => (0, None),
    };
    match full {
        Some(_) if !has_failed => StreamEnd::VolumeFull { next_ordinal, resume },
        _ => StreamEnd::Stopped { next_ordinal, resume },
    }
}
