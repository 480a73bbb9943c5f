//! Turns the plan into work ahead of its turn: batches of small files, opened large files, chunks.
//!
//! The feeder walks the plan once, in order, and hands each item both to the workers, who begin at
//! once, and to the packer, who takes the results in plan order. How far it runs ahead is bounded by
//! the buffers of batches and chunks and by the queue to the packer.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::batch::Batch;
use super::codec::{FrameWriter, frame_bytes_max};
use super::config::{BATCH_BYTES, CHUNK_BYTES};
use super::input::Input;
use super::plan::{Codec, PlannedFile, SplitState};
use super::run::Run;
use super::sample::Sampler;
use super::workers::WorkQueue;
use crate::source::{FileStamp, Source, SourceError};

/// Files opened ahead of their turn, at most: descriptors are few.
const ITEMS_AHEAD: usize = 64;

/// What the packer takes next.
pub(super) enum Item {
    /// Small files, read.
    Batch(Receiver<Batch>),
    /// A large file that is read into slabs.
    Large { planned: PlannedFile, opened: Receiver<Opened> },
    /// A large file whose [`Item::Chunk`]s follow, to be compressed or sealed. Not opened: there are none.
    Chunked { planned: PlannedFile, opened: Opened },
    /// The next piece of the chunked file before.
    Chunk(Receiver<Chunk>),
}

/// A file that was opened, and what it was then.
pub(super) type Opened = Result<(Arc<Input>, FileStamp), SourceError>;

/// A piece of a large file that does not go to tape as it is.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// Its bytes as read; shorter than planned if the file shrank.
    pub(super) raw: Vec<u8>,
    /// A zstd frame of its own, if the file is compressed; else empty.
    pub(super) frame: Vec<u8>,
    /// How many bytes were planned.
    pub(super) planned_bytes: usize,
    pub(super) failure: Option<SourceError>,
}

/// The packer's ends of the feeder.
pub(super) struct Supply {
    pub(super) items: Receiver<Item>,
    pub(super) batches: Sender<Batch>,
    pub(super) chunks: Sender<Chunk>,
}

/// Walks the plan.
pub(super) struct Feeder<'a> {
    run: Arc<Run>,
    source: Arc<dyn Source>,
    work: WorkQueue,
    files: Box<dyn Iterator<Item = PlannedFile> + Send + 'a>,
    small_bytes_max: u64,
    items: Sender<Item>,
    empty_batches: Receiver<Batch>,
    empty_chunks: Receiver<Chunk>,
    batch: Option<Batch>,
    sampler: Sampler,
}

/// The stream halted, or the packer wants no more.
struct Enough;

impl<'a> Feeder<'a> {
    pub(super) fn new(
        run: &Arc<Run>,
        source: Arc<dyn Source>,
        work: WorkQueue,
        files: Box<dyn Iterator<Item = PlannedFile> + Send + 'a>,
    ) -> (Self, Supply) {
        let (items, items_out) = bounded(ITEMS_AHEAD);
        let (batches, empty_batches) = bounded(run.config.batch_count());
        for _ in 0..run.config.batch_count() {
            let _ = batches.send(Batch::new());
        }
        let (chunks, empty_chunks) = bounded(run.config.chunk_count());
        for _ in 0..run.config.chunk_count() {
            let _ = chunks.send(Chunk::default());
        }
        let small_bytes_max = run.config.small_file_bytes_max.min(BATCH_BYTES as u64);
        let feeder = Self {
            run: Arc::clone(run),
            source,
            work,
            files,
            small_bytes_max,
            items,
            empty_batches,
            empty_chunks,
            batch: None,
            sampler: Sampler::default(),
        };
        (feeder, Supply { items: items_out, batches, chunks })
    }

    /// Runs to the end of the plan, or until there is enough.
    pub(super) fn run(mut self) {
        // `Enough` needs no answer: whoever has enough knows why.
        let _ = self.feed();
    }

    fn feed(&mut self) -> Result<(), Enough> {
        while let Some(file) = self.files.next() {
            if self.run.is_halted() || !self.run.control.checkpoint() {
                return Err(Enough);
            }
            let size = usize::try_from(file.stamp.size_bytes)
                .ok()
                .filter(|_| file.stamp.size_bytes <= self.small_bytes_max);
            match (size, file.codec) {
                (Some(size), _) if file.continuation.is_none() => self.feed_small(file, size)?,
                (_, Codec::None) if self.run.config.seal.is_none() => self.feed_large(file)?,
                _ => self.feed_chunked(file)?,
            }
        }
        self.send_batch()
    }

    fn feed_small(&mut self, file: PlannedFile, size: usize) -> Result<(), Enough> {
        if self.batch.as_ref().is_some_and(|batch| !batch.has_room(size)) {
            self.send_batch()?;
        }
        let mut batch = match self.batch.take() {
            Some(batch) => batch,
            None => self.empty_batches.recv().map_err(|_| Enough)?,
        };
        batch.push(file, size);
        self.batch = Some(batch);
        Ok(())
    }

    fn send_batch(&mut self) -> Result<(), Enough> {
        let Some(mut batch) = self.batch.take() else { return Ok(()) };
        let (done, ready) = bounded(1);
        let source = Arc::clone(&self.source);
        let key = self.run.config.seal.clone();
        self.work.put(Box::new(move |frames| {
            batch.read(source.as_ref(), frames, key.as_deref());
            // Refused only if the packer is gone.
            let _ = done.send(batch);
        }));
        self.send(Item::Batch(ready))
    }

    fn feed_large(&mut self, planned: PlannedFile) -> Result<(), Enough> {
        self.send_batch()?;
        let (done, opened) = bounded(1);
        let (source, file) = (Arc::clone(&self.source), planned.clone());
        self.work.put(Box::new(move |_| {
            let _ = done.send(open(source.as_ref(), &file));
        }));
        self.send(Item::Large { planned, opened })
    }

    fn feed_chunked(&mut self, mut planned: PlannedFile) -> Result<(), Enough> {
        self.send_batch()?;
        let opened = open(self.source.as_ref(), &planned);
        if planned.codec != Codec::None
            && let Ok((input, now)) = &opened
            && !self.sampler.is_worth_compressing(input, now.size_bytes)
        {
            planned.codec = Codec::None;
            if self.run.config.seal.is_none() {
                let (done, ready) = bounded(1);
                let _ = done.send(opened);
                return self.send(Item::Large { planned, opened: ready });
            }
        }
        let codec = planned.codec;
        let input = opened.as_ref().ok().map(|(input, _)| Arc::clone(input));
        let mut offset = planned.continuation.map_or(0, |SplitState { offset, .. }| offset);
        let end = planned.stamp.size_bytes;
        // A file that has shrunk already is not worth reading.
        let is_short = opened.as_ref().is_ok_and(|(_, now)| now.size_bytes < end);
        self.send(Item::Chunked { planned, opened })?;
        let Some(input) = input.filter(|_| !is_short) else { return Ok(()) };
        while offset < end {
            let left = end - offset;
            let length = usize::try_from(left).map_or(CHUNK_BYTES, |left| left.min(CHUNK_BYTES));
            let mut chunk = self.empty_chunks.recv().map_err(|_| Enough)?;
            let (done, ready) = bounded(1);
            let input = Arc::clone(&input);
            self.work.put(Box::new(move |frames| {
                chunk.planned_bytes = length;
                chunk.failure = chunk
                    .read(&input, offset)
                    .and_then(|()| match codec {
                        Codec::None => Ok(()),
                        Codec::Zstd { level } => {
                            chunk.compress(level, frames).map_err(|error| input.error(error))
                        }
                    })
                    .err();
                let _ = done.send(chunk);
            }));
            self.send(Item::Chunk(ready))?;
            offset += length as u64;
        }
        Ok(())
    }

    fn send(&self, item: Item) -> Result<(), Enough> {
        self.items.send(item).map_err(|_| Enough)
    }
}

impl Chunk {
    fn read(&mut self, input: &Input, offset: u64) -> Result<(), SourceError> {
        self.raw.resize(self.planned_bytes, 0);
        let count = input.read_at(&mut self.raw, offset)?;
        self.raw.truncate(count);
        self.frame.clear();
        Ok(())
    }

    fn compress(&mut self, level: i32, frames: &mut FrameWriter) -> std::io::Result<()> {
        self.frame.clear();
        self.frame.reserve(frame_bytes_max(self.raw.len()));
        frames.write(level, &self.raw, &mut self.frame).map(|_| ())
    }

    /// What goes to tape, or is sealed for it.
    pub(super) fn content(&self) -> &[u8] {
        if self.frame.is_empty() { &self.raw } else { &self.frame }
    }
}

fn open(source: &dyn Source, file: &PlannedFile) -> Opened {
    let input = Input::open(source, file)?;
    let stamp = input.stamp()?;
    Ok((Arc::new(input), stamp))
}

impl std::fmt::Debug for Feeder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feeder").field("run", &self.run).finish_non_exhaustive()
    }
}
