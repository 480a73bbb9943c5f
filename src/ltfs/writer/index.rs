//! Writing an index: made off the tape first, then streamed to one partition or both.
//!
//! Making it first costs a moment and buys three things: its size is known before the first filemark, a
//! failing source leaves no torn index on the tape, and the copy off the tape is the base of the next
//! index. The index partition's copy differs in its header only, so its tree is not made again.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use super::{LastIndex, OpenVolume};
use crate::domain::{BlockNumber, ByteCount, Position};
use crate::ltfs::coherency::{Coherency, change_reference};
use crate::ltfs::error::LtfsError;
use crate::ltfs::index::{IndexEvent, IndexHeader, IndexLocation, IndexWriter};
use crate::ltfs::merge::{EventSource, IndexFile, IndexTally, TreeError};
use crate::ltfs::tape;
use crate::ltfs::version::FormatVersion;
use crate::overlap::WriteBehind;

/// Where an index is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexPlacement {
    /// On the data partition: in the middle of work.
    DataPartition,
    /// On both, data partition first: at the end of work.
    Both,
}

/// An index that is on tape for certain.
#[derive(Debug)]
pub struct IndexWritten {
    /// Its generation.
    pub generation: u64,
    /// Where it is on the data partition.
    pub on_data: IndexLocation,
    /// Where it is on the index partition, if it was written there.
    pub on_index: Option<IndexLocation>,
    /// Its size.
    pub bytes: ByteCount,
    /// The index, off the tape.
    pub file: Arc<IndexFile>,
    /// Whether the cartridge's memory says so too. Without it a mount takes longer and finds the same.
    pub coherency: Result<(), LtfsError>,
}

impl OpenVolume {
    /// Writes the next generation of the index.
    ///
    /// Everything appended before is flushed by it: success says that the data and its index are on the
    /// data partition (and the index on the index partition too, with [`IndexPlacement::Both`]).
    ///
    /// # Errors
    /// When the index cannot be made, nothing was written and the writer goes on. When the drive fails,
    /// the writer is stopped.
    pub fn write_index(
        &mut self,
        source: &mut dyn EventSource,
        placement: IndexPlacement,
    ) -> Result<IndexWritten, LtfsError> {
        self.ensure_running()?;
        let header = self.next_header(source);
        let name = format!("{}-g{}.index.xml", self.label.uuid, header.generation);
        let path = self.options.spool_dir.join(name);
        let (file, tree_offset) = make(&path, &header, source, self.label.block_size)?;
        let bytes = file.bytes();
        self.ensure_index_fits(bytes)?;
        let file = Arc::new(file);

        let mut input = open(&path)?;
        let end = self.put(self.data_position(), &mut input)?;
        self.next = end;
        self.flushed = end;
        self.room.note_flushed();
        self.has_unindexed_blocks = false;
        self.last_on_data =
            Some(LastIndex { location: header.location, generation: header.generation });
        self.current = Arc::clone(&file);
        self.generation = header.generation;

        let on_index = match placement {
            IndexPlacement::DataPartition => None,
            IndexPlacement::Both => {
                Some(self.copy_to_index_partition(&header, &path, tree_offset)?)
            }
        };
        self.room.forget();
        Ok(IndexWritten {
            generation: header.generation,
            on_data: header.location,
            on_index,
            bytes,
            file,
            coherency: self.update_coherency(),
        })
    }

    /// Brings the index partition up to the data partition's last index, without a new generation: for
    /// closing a volume to which nothing was added since.
    ///
    /// # Errors
    /// As [`OpenVolume::write_index`]; also when blocks were appended since.
    pub fn complete_index_partition(&mut self) -> Result<IndexWritten, LtfsError> {
        self.ensure_running()?;
        let generation = self.generation();
        let last = self.last_on_data.filter(|last| last.generation == generation);
        let (Some(last), false) = (last, self.has_unindexed_blocks) else {
            return Err(LtfsError::Misuse("the data partition does not end in the newest index"));
        };
        let file = Arc::clone(&self.current);
        let header = IndexHeader { location: last.location, ..file.header().clone() };
        let path = self.options.spool_dir.join(format!("{}-copy.part", self.label.uuid));
        let mut source = IndexFile::clone(&file);
        let (copy, tree_offset) = make(&path, &header, &mut source, self.label.block_size)?;
        let bytes = copy.bytes();
        self.ensure_index_fits(bytes)?;
        let on_index = self.copy_to_index_partition(&header, &path, tree_offset)?;
        // Only an intermediate; the index itself is kept under its own name.
        let _ = std::fs::remove_file(&path);
        Ok(IndexWritten {
            generation,
            on_data: last.location,
            on_index: Some(on_index),
            bytes,
            file,
            coherency: self.update_coherency(),
        })
    }

    fn next_header(&self, source: &dyn EventSource) -> IndexHeader {
        let last = self.current.header();
        IndexHeader {
            version: FormatVersion::WRITTEN,
            creator: self.options.creator.clone(),
            generation: self.generation.saturating_add(1),
            update_time: self.now(),
            location: self.index_at(true, BlockNumber(self.next.0 + 1)),
            previous: self.last_on_data.map(|last| last.location),
            highest_uid: source.highest_uid().max(last.highest_uid),
            lock: self.lock,
            ..last.clone()
        }
    }

    fn copy_to_index_partition(
        &mut self,
        header: &IndexHeader,
        path: &Path,
        tree_offset: u64,
    ) -> Result<IndexLocation, LtfsError> {
        let at = Position { partition: self.map.index.1, block: self.index_append_at };
        let location = self.index_at(false, BlockNumber(at.block.0 + 1));
        let own = IndexHeader { location, previous: Some(header.location), ..header.clone() };
        let mut writer = IndexWriter::new(Vec::new());
        let head = writer
            .write(IndexEvent::Header(&own))
            .and_then(|()| writer.finish())
            .map_err(|source| file_error("make the head of an index for", path, source))?;
        let mut tree = open(path)?;
        tree.seek(SeekFrom::Start(tree_offset))
            .map_err(|source| file_error("read", path, source))?;
        self.go_to(at)?;
        let allowed = self.drive.allow_overwrite(at);
        self.stop_on_error(allowed.map_err(LtfsError::drive("replace the last index")))?;
        self.index_partition_is_torn = true;
        self.put(at, &mut head.as_slice().chain(tree))?;
        self.index_partition_is_torn = false;
        self.last_on_index = Some(LastIndex { location, generation: header.generation });
        if self.is_worm {
            // What was written stays; the next one goes behind it.
            self.index_append_at = self.drive.position().map_or(at.block, |end| end.block);
        }
        Ok(location)
    }

    /// One index construct; the writer stops if it fails.
    fn put(
        &mut self,
        at: Position,
        input: &mut (dyn Read + Send),
    ) -> Result<BlockNumber, LtfsError> {
        self.go_to(at)?;
        let end = tape::write_index(&mut self.drive, at, self.label.block_size, input);
        self.stop_on_error(end)
    }

    /// Tells the cartridge's memory which indexes the partitions end in.
    fn update_coherency(&mut self) -> Result<(), LtfsError> {
        let Some(reference) = change_reference(&mut self.drive)? else { return Ok(()) };
        let ends = [(self.map.index.1, self.last_on_index), (self.map.data.1, self.last_on_data)];
        for (partition, last) in ends {
            let Some(last) = last else { continue };
            let block = last.location.block;
            Coherency::now(reference, last.generation, block, self.label.uuid)
                .write(&mut self.drive, partition)?;
        }
        Ok(())
    }
}

/// Makes an index in a file. Returns it, and where in it its tree begins.
fn make(
    path: &Path,
    header: &IndexHeader,
    source: &mut dyn EventSource,
    block_size: u32,
) -> Result<(IndexFile, u64), LtfsError> {
    let failed = |source| file_error("write", path, source);
    let tree_failed = |source| TreeError::Io { path: path.to_owned(), source };
    let file = WriteBehind::new(File::create(path).map_err(failed)?);
    let mut writer = IndexWriter::new(file);
    let mut tally = IndexTally::of_blocks(block_size);
    writer.write(IndexEvent::Header(header)).map_err(failed)?;
    let tree_offset = writer.bytes_written();
    source.replay(&mut |event| {
        tally.note(&event);
        writer.write(event).map_err(tree_failed)
    })?;
    writer.write(IndexEvent::End(header)).map_err(failed)?;
    let bytes = ByteCount(writer.bytes_written());
    writer.finish().and_then(WriteBehind::finish).map_err(failed)?;
    Ok((IndexFile::written(path, bytes, header.clone(), tally), tree_offset))
}

fn open(path: &Path) -> Result<File, LtfsError> {
    File::open(path).map_err(|source| file_error("read", path, source))
}

fn file_error(doing: &'static str, path: &Path, source: std::io::Error) -> LtfsError {
    LtfsError::File { doing, path: path.to_owned(), source }
}
