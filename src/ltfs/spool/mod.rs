//! The bulk spool: what a run adds to a volume, kept off the tape in the order in which it was written.
//!
//! A run can add ten million files; they cannot wait in memory for the next index, and they must be
//! there again after a crash, to bring the tape's index up to date. So each entry is appended to a
//! file, depth first, as the run goes:
//!
//! ```text
//!  "FSSPOOL1" | record | record | …
//!  record  =  length of payload (4, big-endian) | CRC-32 of payload (4) | payload
//!  payload =  1 enter directory | 2 file | 3 leave directory, then the entry's fields
//! ```
//!
//! Reopening after a crash cuts off a torn tail. A [`SpoolSnapshot`] is the spool up to some moment,
//! with the directories that were open then closed: what an index in the middle of a run needs. It can
//! be replayed while the run appends.
//!
//! It does not decide when to reach the disk: [`BulkSpool::sync`] is called by whoever must not lose
//! what was appended.

mod record;
#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::index::{DirectoryEntry, FileEntry, IndexEvent};
use record::Decoded;

const MAGIC: &[u8; 8] = b"FSSPOOL1";
const FRAME_BYTES: usize = 8;
/// Longest payload: one entry with all its attributes, as bounded by the index reader.
const PAYLOAD_BYTES_MAX: usize = 256 * 1024 * 1024;
/// What is collected before it is handed to the system.
const BUFFER_BYTES: usize = 256 * 1024;

/// Why a spool cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The file cannot be read or written.
    #[error("cannot {doing} the spool {}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is something else.
    #[error("{} is not a spool", path.display())]
    NotASpool {
        /// The file.
        path: PathBuf,
    },
    /// A record before the end is damaged.
    #[error("the spool {} is damaged at byte {offset}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the record begins.
        offset: u64,
    },
    /// A directory was left that was never entered.
    #[error("the spool {} leaves a directory that it never entered", path.display())]
    Unbalanced {
        /// The file.
        path: PathBuf,
    },
}

/// What a spool holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpoolCounts {
    /// Files and symbolic links.
    pub files: u64,
    /// Directories entered.
    pub directories: u64,
    /// Length of all names together.
    pub name_bytes: u64,
    /// The highest `fileuid` in it.
    pub highest_uid: u64,
    /// Directories entered and not left.
    pub open_directories: u64,
}

/// A spool being appended to. Has one owner.
#[derive(Debug)]
pub struct BulkSpool {
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
    /// Bytes handed to the system.
    bytes: u64,
    counts: SpoolCounts,
}

/// A spool as it was at some moment.
#[derive(Clone, Debug)]
pub struct SpoolSnapshot {
    path: PathBuf,
    bytes: u64,
    counts: SpoolCounts,
}

impl BulkSpool {
    /// Makes a new spool; the file must not exist.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Path) -> Result<Self, SpoolError> {
        let opened = OpenOptions::new().read(true).write(true).create_new(true).open(path);
        let file = opened.map_err(|source| io_error("create", path, source))?;
        let mut spool = Self {
            path: path.to_owned(),
            file,
            buffer: Vec::with_capacity(2 * BUFFER_BYTES),
            bytes: 0,
            counts: SpoolCounts::default(),
        };
        spool.buffer.extend_from_slice(MAGIC);
        spool.flush()?;
        Ok(spool)
    }

    /// Opens a spool after a restart and cuts off what was not completely written.
    ///
    /// # Errors
    /// When the file cannot be used. A torn tail is no error; returns how many bytes were cut.
    pub fn reopen(path: &Path) -> Result<(Self, u64), SpoolError> {
        let opened = OpenOptions::new().read(true).write(true).open(path);
        let mut file = opened.map_err(|source| io_error("open", path, source))?;
        let length = file.metadata().map_err(|source| io_error("look at", path, source))?.len();
        let mut reader = RecordReader::start(path, &file, length)?;
        while reader.advance_to_torn()? {}
        let (bytes, counts) = (reader.offset, reader.counts);
        file.set_len(bytes).map_err(|source| io_error("cut the torn end of", path, source))?;
        file.seek(SeekFrom::Start(bytes)).map_err(|source| io_error("seek in", path, source))?;
        let buffer = Vec::with_capacity(2 * BUFFER_BYTES);
        Ok((Self { path: path.to_owned(), file, buffer, bytes, counts }, length - bytes))
    }

    /// Opens a spool and goes back to an earlier state of it: the length that
    /// [`SpoolSnapshot::bytes`] had. Everything behind is cut off.
    ///
    /// # Errors
    /// When the file cannot be used, is shorter, or has no record that ends there.
    pub fn reopen_at(path: &Path, bytes: u64) -> Result<Self, SpoolError> {
        let opened = OpenOptions::new().read(true).write(true).open(path);
        let mut file = opened.map_err(|source| io_error("open", path, source))?;
        let mut reader = RecordReader::start(path, &file, bytes)?;
        while reader.next()?.is_some() {}
        let counts = reader.counts;
        file.set_len(bytes).map_err(|source| io_error("cut", path, source))?;
        file.seek(SeekFrom::Start(bytes)).map_err(|source| io_error("seek in", path, source))?;
        let buffer = Vec::with_capacity(2 * BUFFER_BYTES);
        Ok(Self { path: path.to_owned(), file, buffer, bytes, counts })
    }

    /// Enters a directory below the current one.
    ///
    /// # Errors
    /// When the file cannot be written; the spool must then be reopened.
    pub fn enter(&mut self, entry: &DirectoryEntry) -> Result<(), SpoolError> {
        self.counts.enter(entry);
        self.append(|out| record::encode_enter(out, entry))
    }

    /// Adds a file to the current directory.
    ///
    /// # Errors
    /// As [`BulkSpool::enter`].
    pub fn file(&mut self, entry: &FileEntry) -> Result<(), SpoolError> {
        self.counts.file(entry);
        self.append(|out| record::encode_file(out, entry))
    }

    /// Goes back to the parent of the current directory.
    ///
    /// # Errors
    /// As [`BulkSpool::enter`], and when no directory is open.
    pub fn leave(&mut self) -> Result<(), SpoolError> {
        let open = self.counts.open_directories.checked_sub(1);
        self.counts.open_directories =
            open.ok_or_else(|| SpoolError::Unbalanced { path: self.path.clone() })?;
        self.append(record::encode_leave)
    }

    /// What it holds.
    #[must_use]
    pub fn counts(&self) -> SpoolCounts {
        self.counts
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Hands everything to the system.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn flush(&mut self) -> Result<(), SpoolError> {
        let written = self.file.write_all(&self.buffer);
        written.map_err(|source| io_error("write", &self.path, source))?;
        self.bytes += length(self.buffer.len());
        self.buffer.clear();
        Ok(())
    }

    /// Brings everything to the disk.
    ///
    /// # Errors
    /// When the file cannot be written; nothing since the last success is then certain.
    pub fn sync(&mut self) -> Result<(), SpoolError> {
        self.flush()?;
        self.file.sync_data().map_err(|source| io_error("sync", &self.path, source))
    }

    /// The spool as it is now, for an index.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn snapshot(&mut self) -> Result<SpoolSnapshot, SpoolError> {
        self.flush()?;
        Ok(SpoolSnapshot { path: self.path.clone(), bytes: self.bytes, counts: self.counts })
    }

    fn append(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> Result<(), SpoolError> {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(&[0; FRAME_BYTES]);
        encode(&mut self.buffer);
        let payload = &self.buffer[start + FRAME_BYTES..];
        let count = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        let checksum = crc32fast::hash(payload);
        self.buffer[start..start + 4].copy_from_slice(&count.to_be_bytes());
        self.buffer[start + 4..start + FRAME_BYTES].copy_from_slice(&checksum.to_be_bytes());
        if self.buffer.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }
}

impl SpoolSnapshot {
    /// What a spool holds that nobody appends to any more. What a crash has torn off its end is left
    /// out, and the file stays as it is.
    ///
    /// # Errors
    /// When the file cannot be read or is no spool.
    pub fn of_file(path: &Path) -> Result<Self, SpoolError> {
        let file = File::open(path).map_err(|source| io_error("open", path, source))?;
        let length = file.metadata().map_err(|source| io_error("look at", path, source))?.len();
        let mut reader = RecordReader::start(path, &file, length)?;
        while reader.advance_to_torn()? {}
        Ok(Self { path: path.to_owned(), bytes: reader.offset, counts: reader.counts })
    }

    /// Bytes of the file that belong to it: a state to which [`BulkSpool::reopen_at`] goes back.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What it holds.
    #[must_use]
    pub fn counts(&self) -> SpoolCounts {
        self.counts
    }

    /// Gives every entry in order; directories that were open are closed at the end.
    ///
    /// Only [`IndexEvent::EnterDirectory`], [`IndexEvent::File`] and [`IndexEvent::LeaveDirectory`].
    ///
    /// # Errors
    /// When the file is damaged or gone, or when `visit` refuses.
    pub fn replay<E: From<SpoolError>>(
        &self,
        visit: &mut dyn FnMut(IndexEvent<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let file = File::open(&self.path).map_err(|source| io_error("open", &self.path, source))?;
        let mut reader = RecordReader::start(&self.path, &file, self.bytes)?;
        while let Some(event) = reader.next()? {
            visit(event)?;
        }
        for _ in 0..reader.counts.open_directories {
            visit(IndexEvent::LeaveDirectory(b""))?;
        }
        Ok(())
    }
}

impl SpoolCounts {
    fn enter(&mut self, entry: &DirectoryEntry) {
        self.directories += 1;
        self.open_directories += 1;
        self.name_bytes += length(entry.name.as_str().len());
        self.highest_uid = self.highest_uid.max(entry.uid);
    }

    fn file(&mut self, entry: &FileEntry) {
        self.files += 1;
        self.name_bytes += length(entry.name.as_str().len());
        self.highest_uid = self.highest_uid.max(entry.uid);
    }
}

/// Reads records up to a given length of the file.
struct RecordReader<'a> {
    path: &'a Path,
    input: BufReader<&'a File>,
    offset: u64,
    end: u64,
    payload: Vec<u8>,
    directory: DirectoryEntry,
    file: FileEntry,
    counts: SpoolCounts,
}

impl<'a> RecordReader<'a> {
    fn start(path: &'a Path, mut file: &'a File, end: u64) -> Result<Self, SpoolError> {
        let start = file.seek(SeekFrom::Start(0));
        start.map_err(|source| io_error("seek in", path, source))?;
        let mut input = BufReader::with_capacity(BUFFER_BYTES, file);
        let mut magic = [0; MAGIC.len()];
        let is_spool =
            end >= length(MAGIC.len()) && input.read_exact(&mut magic).is_ok() && magic == *MAGIC;
        if !is_spool {
            return Err(SpoolError::NotASpool { path: path.to_owned() });
        }
        Ok(Self {
            path,
            input,
            offset: length(MAGIC.len()),
            end,
            payload: Vec::new(),
            directory: DirectoryEntry::default(),
            file: FileEntry::default(),
            counts: SpoolCounts::default(),
        })
    }

    /// The next entry; anything incomplete is damage.
    fn next(&mut self) -> Result<Option<IndexEvent<'_>>, SpoolError> {
        if self.offset == self.end {
            return Ok(None);
        }
        let offset = self.offset;
        let damaged = || SpoolError::Damaged { path: self.path.to_owned(), offset };
        match self.decode_next()? {
            Some(Decoded::Enter) => Ok(Some(IndexEvent::EnterDirectory(&self.directory))),
            Some(Decoded::File) => Ok(Some(IndexEvent::File(&self.file))),
            Some(Decoded::Leave) => Ok(Some(IndexEvent::LeaveDirectory(b""))),
            None => Err(damaged()),
        }
    }

    /// Goes one record further; false where the records end or begin to be torn.
    fn advance_to_torn(&mut self) -> Result<bool, SpoolError> {
        Ok(self.offset < self.end && self.decode_next()?.is_some())
    }

    /// `None` leaves `offset` before the record that cannot be read.
    fn decode_next(&mut self) -> Result<Option<Decoded>, SpoolError> {
        let left = self.end - self.offset;
        let mut frame = [0; FRAME_BYTES];
        if left < length(FRAME_BYTES) || !self.fill(&mut frame)? {
            return Ok(None);
        }
        let [a, b, c, d, e, f, g, h] = frame;
        let count = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        let record_bytes = length(FRAME_BYTES) + length(count);
        if count > PAYLOAD_BYTES_MAX || record_bytes > left {
            return Ok(None);
        }
        let mut payload = std::mem::take(&mut self.payload);
        payload.resize(count, 0);
        let is_complete = self.fill(&mut payload)?;
        self.payload = payload;
        if !is_complete || crc32fast::hash(&self.payload) != u32::from_be_bytes([e, f, g, h]) {
            return Ok(None);
        }
        let decoded = record::decode(&self.payload, &mut self.directory, &mut self.file);
        match decoded {
            Some(Decoded::Enter) => self.counts.enter(&self.directory),
            Some(Decoded::File) => self.counts.file(&self.file),
            Some(Decoded::Leave) => {
                let Some(open) = self.counts.open_directories.checked_sub(1) else {
                    return Ok(None);
                };
                self.counts.open_directories = open;
            }
            None => return Ok(None),
        }
        self.offset += record_bytes;
        Ok(decoded)
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<bool, SpoolError> {
        match self.input.read_exact(buffer) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(source) => Err(io_error("read", self.path, source)),
        }
    }
}

fn io_error(doing: &'static str, path: &Path, source: io::Error) -> SpoolError {
    SpoolError::Io { doing, path: path.to_owned(), source }
}

fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
