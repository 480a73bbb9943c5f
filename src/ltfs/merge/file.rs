//! An index kept off the tape, as the XML that is on it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::TreeError;
use super::difference::{self, TreeSum};
use crate::domain::{BlockNumber, ByteCount};
use crate::ltfs::elements::DocumentError;
use crate::ltfs::extent::PartitionId;
use crate::ltfs::index::{FileEntry, IndexEvent, IndexHeader, IndexReader};

/// How much an index lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexCounts {
    /// Files and symbolic links.
    pub files: u64,
    /// Directories, the root included.
    pub directories: u64,
    /// Length of all files together.
    pub file_bytes: u64,
}

/// What is counted while an index goes by, written or read.
#[derive(Clone, Debug)]
pub struct IndexTally {
    counts: IndexCounts,
    ends: Vec<(PartitionId, BlockNumber)>,
    block_size: u32,
}

impl IndexTally {
    /// Of a volume with that block size, which tells where extents end.
    #[must_use]
    pub fn of_blocks(block_size: u32) -> Self {
        Self { counts: IndexCounts::default(), ends: Vec::new(), block_size }
    }

    /// Counts one event.
    pub fn note(&mut self, event: &IndexEvent<'_>) {
        match event {
            IndexEvent::EnterDirectory(_) => self.counts.directories += 1,
            IndexEvent::File(entry) => {
                self.counts.files += 1;
                self.counts.file_bytes = self.counts.file_bytes.saturating_add(entry.length);
                self.note_extents(entry);
            }
            IndexEvent::Header(_) | IndexEvent::LeaveDirectory(_) | IndexEvent::End(_) => {}
        }
    }

    fn note_extents(&mut self, entry: &FileEntry) {
        for extent in &entry.extents {
            let end = extent.end_block(self.block_size);
            match self.ends.iter_mut().find(|(id, _)| *id == extent.partition) {
                Some((_, known)) => *known = end.max(*known),
                None => self.ends.push((extent.partition, end)),
            }
        }
    }
}

/// A whole index in a file, gone through once from end to end and found without fault.
///
/// The file is not removed when this is dropped: every generation is kept off the tape.
#[derive(Clone, Debug)]
pub struct IndexFile {
    path: PathBuf,
    bytes: ByteCount,
    header: IndexHeader,
    tally: IndexTally,
    /// Of an index that was read; one that we have just written is compared with nothing.
    tree_sum: Option<u32>,
}

impl IndexFile {
    /// Reads the whole file and checks everything that the format demands.
    ///
    /// `block_size` is the volume's; it tells where extents end.
    ///
    /// # Errors
    /// When the file cannot be read or the reference would refuse the index.
    pub fn open(path: &Path, block_size: u32) -> Result<Self, TreeError> {
        Self::read_from(open(path)?, path, block_size)
            .map_err(|source| TreeError::Index { path: path.to_owned(), source })
    }

    /// The same for an index that `input` gives while it puts it into the file.
    ///
    /// # Errors
    /// When `input` fails or the reference would refuse the index.
    pub(in crate::ltfs) fn read_from(
        input: impl Read,
        path: &Path,
        block_size: u32,
    ) -> Result<Self, DocumentError> {
        let mut input = TreeSum::over(input);
        let mut reader = IndexReader::open(&mut input)?;
        let mut tally = IndexTally::of_blocks(block_size);
        loop {
            let event = reader.next()?;
            tally.note(&event);
            if let IndexEvent::End(header) = event {
                let header = header.clone();
                let bytes = ByteCount(reader.offset());
                let tree_sum = input.value();
                return Ok(Self { path: path.to_owned(), bytes, header, tally, tree_sum });
            }
        }
    }

    /// The index that was just written to the file, event by event, and counted on the way.
    pub(in crate::ltfs) fn written(
        path: &Path,
        bytes: ByteCount,
        header: IndexHeader,
        tally: IndexTally,
    ) -> Self {
        Self { path: path.to_owned(), bytes, header, tally, tree_sum: None }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file another name, replacing what has it.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn move_to(&mut self, path: &Path) -> Result<(), TreeError> {
        std::fs::rename(&self.path, path)
            .map_err(|source| TreeError::Io { path: path.to_owned(), source })?;
        self.path = path.to_owned();
        Ok(())
    }

    /// Its length.
    #[must_use]
    pub fn bytes(&self) -> ByteCount {
        self.bytes
    }

    /// What the index says of itself, complete, `highest_uid` being at least every number used.
    #[must_use]
    pub fn header(&self) -> &IndexHeader {
        &self.header
    }

    /// How much it lists.
    #[must_use]
    pub fn counts(&self) -> IndexCounts {
        self.tally.counts
    }

    /// For each partition that holds data: the block after the last that a file needs.
    #[must_use]
    pub fn data_ends(&self) -> &[(PartitionId, BlockNumber)] {
        &self.tally.ends
    }

    /// Gives the tree again.
    ///
    /// # Errors
    /// When the file cannot be read any more, or with what `visit` says.
    pub fn replay(
        &self,
        visit: &mut dyn FnMut(IndexEvent<'_>) -> Result<(), TreeError>,
    ) -> Result<(), TreeError> {
        let mut reader = self.reader()?;
        loop {
            let event = reader.next();
            match event.map_err(|source| TreeError::Index { path: self.path.clone(), source })? {
                IndexEvent::Header(_) => {}
                IndexEvent::End(_) => return Ok(()),
                event => visit(event)?,
            }
        }
    }

    /// Where another copy of the same generation says something else: the first path, or `None`.
    ///
    /// # Errors
    /// When one of the files cannot be read any more.
    pub(in crate::ltfs) fn first_difference(
        &self,
        other: &Self,
    ) -> Result<Option<String>, TreeError> {
        let same_head = difference::same_head(&self.header, &other.header);
        if same_head && self.tree_sum.is_some() && self.tree_sum == other.tree_sum {
            return Ok(None);
        }
        let failed = |file: &Self, source| TreeError::Index { path: file.path.clone(), source };
        let mut readers = [self.reader()?, other.reader()?];
        match difference::first(&mut readers) {
            Ok(Some(path)) => Ok(Some(path)),
            Ok(None) if same_head => Ok(None),
            Ok(None) => Ok(Some("what stands before the tree".to_owned())),
            Err((0, source)) => Err(failed(self, source)),
            Err((_, source)) => Err(failed(other, source)),
        }
    }

    fn reader(&self) -> Result<IndexReader<File>, TreeError> {
        IndexReader::open(open(&self.path)?)
            .map_err(|source| TreeError::Index { path: self.path.clone(), source })
    }
}

fn open(path: &Path) -> Result<File, TreeError> {
    File::open(path).map_err(|source| TreeError::Io { path: path.to_owned(), source })
}
