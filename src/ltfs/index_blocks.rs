//! An index on tape as a stream of bytes that leaves a copy in a file.
//!
//! Its reader goes through the text while the drive reads on into its buffer, so an index of ten
//! million files is there, checked and kept, when the tape has passed. It ends at a short block, a
//! filemark or the end of data. A failure of the drive ends the stream too; which it was is asked
//! afterwards, because to a reader of text every failure looks like a torn document.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::error::{LtfsError, is_damage};
use super::index::IndexLocation;
use super::tape::{IndexPlace, header_problem, looks_like_index, read_head};
use crate::domain::{BlockCount, Position};
use crate::drive::{Drive, DriveError, ReadOutcome};

const DOING: &str = "read an index";

/// The stream.
#[derive(Debug)]
pub(super) struct IndexBlocks<'d> {
    drive: &'d mut Drive,
    path: PathBuf,
    copy: File,
    buffer: Vec<u8>,
    /// What of `buffer` was not given yet.
    waiting: std::ops::Range<usize>,
    /// The last block was short, so that it was the last one.
    is_last: bool,
    /// The last block was a whole one and the text ended with it: what follows is more of it only if
    /// it is blank.
    has_ended: bool,
    blocks: u64,
    /// Set at the end: whether a filemark follows.
    has_trailing_filemark: Option<bool>,
    failure: Option<LtfsError>,
    damage: Option<String>,
}

/// What a place begins with.
#[derive(Debug)]
pub(super) enum Begun<'d> {
    /// An index.
    Index(Box<IndexBlocks<'d>>),
    /// Something else.
    NotAnIndex,
    /// What only begins like an index of the volume is data, perhaps of terabytes, and is not copied.
    /// Nor is what the drive cannot read. Why.
    Unusable(String),
}

impl<'d> IndexBlocks<'d> {
    /// Goes to `at` and looks at the first block. The copy at `path` is made if it is an index.
    ///
    /// # Errors
    /// When the drive fails in a way that has nothing to do with that place, or the copy cannot be made.
    pub(super) fn begin(
        drive: &'d mut Drive,
        place: IndexPlace<'_>,
        location: IndexLocation,
        at: Position,
        path: &Path,
    ) -> Result<Begun<'d>, LtfsError> {
        let mut buffer = vec![0; usize::try_from(place.label.block_size).unwrap_or(usize::MAX)];
        let first = match drive.locate(at) {
            Ok(()) => drive.read_block(&mut buffer),
            Err(DriveError::BeyondEndOfData { .. }) => return Ok(Begun::NotAnIndex),
            Err(error) => Err(error),
        };
        let length = match first {
            Ok(ReadOutcome::Block { len }) => len,
            Ok(ReadOutcome::Filemark | ReadOutcome::EndOfData)
            | Err(DriveError::BlockTooLong { .. }) => return Ok(Begun::NotAnIndex),
            // Files may be encrypted by the drive; an index of ours never is.
            Err(error) if error.is_locked_content() => return Ok(Begun::NotAnIndex),
            Err(error) if is_damage(&error) => return Ok(Begun::Unusable(error.to_string())),
            Err(error) => return Err(LtfsError::drive(DOING)(error)),
        };
        if !looks_like_index(&buffer[..length]) {
            return Ok(Begun::NotAnIndex);
        }
        if let Some(problem) = head_problem(place, location, &buffer[..length]) {
            return Ok(Begun::Unusable(problem));
        }
        let file_error = |source| LtfsError::File { doing: "write", path: path.to_owned(), source };
        let mut blocks = Self {
            drive,
            path: path.to_owned(),
            copy: File::create(path).map_err(file_error)?,
            is_last: length < buffer.len(),
            has_ended: ends_the_text(&buffer[..length]),
            buffer,
            waiting: 0..length,
            blocks: 1,
            has_trailing_filemark: None,
            failure: None,
            damage: None,
        };
        blocks.keep(length).map_err(file_error)?;
        Ok(Begun::Index(Box::new(blocks)))
    }

    /// How many blocks it has and whether a filemark follows; or why it cannot be read to its end. Of
    /// an index whose reader stopped before, the rest is of no interest.
    ///
    /// # Errors
    /// When it was the drive or the copy that failed, and not the index.
    pub(super) fn end(self) -> Result<Result<(BlockCount, bool), String>, LtfsError> {
        match (self.failure, self.damage) {
            (Some(failure), _) => Err(failure),
            (None, Some(damage)) => Ok(Err(damage)),
            (None, None) => {
                let has_trailing_filemark = self.has_trailing_filemark.unwrap_or(false);
                Ok(Ok((BlockCount(self.blocks), has_trailing_filemark)))
            }
        }
    }

    fn keep(&mut self, length: usize) -> io::Result<()> {
        self.copy.write_all(&self.buffer[..length])
    }

    /// Whether the block just read belongs to what follows the index.
    fn is_beyond(&self, len: usize) -> bool {
        self.has_ended && !self.buffer[..len].trim_ascii().is_empty()
    }

    /// The next block; false at the end.
    fn advance(&mut self) -> io::Result<bool> {
        if self.has_trailing_filemark.is_some() {
            return Ok(false);
        }
        match self.drive.read_block(&mut self.buffer) {
            Ok(ReadOutcome::Block { len }) if !self.is_last && !self.is_beyond(len) => {
                self.has_ended |= ends_the_text(&self.buffer[..len]);
                self.is_last = len < self.buffer.len();
                self.blocks += 1;
                self.waiting = 0..len;
                self.keep(len).inspect_err(|error| {
                    self.failure = Some(LtfsError::File {
                        doing: "write",
                        path: self.path.clone(),
                        source: io::Error::new(error.kind(), error.to_string()),
                    });
                })?;
                Ok(true)
            }
            Ok(outcome) => {
                self.has_trailing_filemark = Some(outcome == ReadOutcome::Filemark);
                Ok(false)
            }
            // The index is whole already; only what follows is not known.
            Err(error) if self.is_last && is_damage(&error) => {
                self.has_trailing_filemark = Some(false);
                Ok(false)
            }
            Err(error) if is_damage(&error) => {
                self.damage = Some(error.to_string());
                Err(io::Error::other("the drive cannot read it"))
            }
            Err(error) => {
                self.failure = Some(LtfsError::drive(DOING)(error));
                Err(io::Error::other("the drive failed"))
            }
        }
    }
}

fn ends_the_text(block: &[u8]) -> bool {
    block.trim_ascii_end().ends_with(b"</ltfsindex>")
}

/// What the first block already says against an index. A head that goes on in the next block says
/// nothing yet.
fn head_problem(place: IndexPlace<'_>, location: IndexLocation, block: &[u8]) -> Option<String> {
    match read_head(block) {
        // What is not said before the tree may be said behind it.
        Ok(header) if header.volume_uuid.0.is_nil() || header.location.block.0 == 0 => None,
        Ok(header) => header_problem(place, location, &header),
        Err(error) => (!error.is_truncation()).then(|| error.to_string()),
    }
}

impl Read for IndexBlocks<'_> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        if self.waiting.is_empty() && !self.advance()? {
            return Ok(0);
        }
        let count = place.len().min(self.waiting.len());
        let from = self.waiting.start;
        place[..count].copy_from_slice(&self.buffer[from..from + count]);
        self.waiting.start += count;
        Ok(count)
    }
}
