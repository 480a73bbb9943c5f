//! Append-only record files: what a long task has decided or done, in order, surviving a crash.
//!
//! A backup of ten million files cannot keep its plan in memory and must not lose it when the process
//! dies. A spool holds records one after the other; a crash can only tear the last, and the next opening
//! cuts a torn tail off. Payloads are the caller's; this file knows bytes.
//!
//! ```text
//! record:  length  u32, big-endian   bytes of the payload
//!          crc     u32, big-endian   CRC-32 of length and payload
//!          payload
//! ```
//!
//! One writer at a time; readers may follow a file that is being written, up to what was flushed.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Bytes before a payload.
const HEADER_BYTES: usize = 8;
/// Largest payload: far above any file's description, small enough to refuse a torn length.
const PAYLOAD_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Buffer of writers and readers; one system call for some hundred records.
const BUFFER_BYTES: usize = 256 * 1024;

/// A spool file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The system failed.
    #[error("spool file {}: cannot {action}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was being done.
        action: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A record in the middle is damaged.
    #[error("spool file {}: the record at byte {at} is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the record begins.
        at: u64,
    },
    /// A payload is larger than a spool takes.
    #[error("spool file {}: a record of {len} bytes is too large", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Bytes of the payload.
        len: usize,
    },
}

impl SpoolError {
    fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, action, source }
    }
}

/// Appends records to a spool.
#[derive(Debug)]
pub struct SpoolWriter {
    path: PathBuf,
    file: BufWriter<File>,
    len: u64,
}

impl SpoolWriter {
    /// Makes an empty spool, replacing what was there.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn create(path: &Path) -> Result<Self, SpoolError> {
        let file = File::create(path).map_err(SpoolError::io(path, "create it"))?;
        Ok(Self { path: path.to_owned(), file: buffered(file), len: 0 })
    }

    /// Opens a spool to go on after its last whole record. Everything from the first record that is
    /// torn or damaged is cut off; who knows how much must be there uses [`reopen_at`](Self::reopen_at).
    ///
    /// # Errors
    /// If the file cannot be read or cut.
    pub fn reopen(path: &Path) -> Result<Self, SpoolError> {
        let len = whole_length(path)?;
        Self::reopen_at(path, len)
    }

    /// Opens a spool and cuts it to its first `len` bytes, which must be the end of a record: a value
    /// that [`len`](Self::len) returned.
    ///
    /// # Errors
    /// If the file cannot be opened or is shorter than `len`.
    pub fn reopen_at(path: &Path, len: u64) -> Result<Self, SpoolError> {
        let open = OpenOptions::new().read(true).write(true).open(path);
        let mut file = open.map_err(SpoolError::io(path, "open it"))?;
        let found = file.metadata().map_err(SpoolError::io(path, "read its size"))?.len();
        if found < len {
            return Err(SpoolError::Damaged { path: path.to_owned(), at: found });
        }
        file.set_len(len).map_err(SpoolError::io(path, "cut its torn end"))?;
        file.seek(SeekFrom::End(0)).map_err(SpoolError::io(path, "go to its end"))?;
        Ok(Self { path: path.to_owned(), file: buffered(file), len })
    }

    /// Appends one record. It is in the file for certain only after [`sync`](Self::sync).
    ///
    /// # Errors
    /// If the payload is too large or the file cannot be written.
    pub fn push(&mut self, payload: &[u8]) -> Result<(), SpoolError> {
        let len = payload.len();
        let too_large = || SpoolError::TooLarge { path: self.path.clone(), len };
        let field = u32::try_from(len).map_err(|_| too_large())?;
        if len > PAYLOAD_BYTES_MAX {
            return Err(too_large());
        }
        let mut header = [0; HEADER_BYTES];
        header[..4].copy_from_slice(&field.to_be_bytes());
        header[4..].copy_from_slice(&checksum(field, payload).to_be_bytes());
        let write = self.file.write_all(&header).and_then(|()| self.file.write_all(payload));
        write.map_err(SpoolError::io(&self.path, "append to it"))?;
        self.len += (HEADER_BYTES + len) as u64;
        Ok(())
    }

    /// Hands everything to the system, so that readers of the file see it.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn flush(&mut self) -> Result<(), SpoolError> {
        self.file.flush().map_err(SpoolError::io(&self.path, "write it"))
    }

    /// Puts everything on disk, so that a power failure leaves it there.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn sync(&mut self) -> Result<(), SpoolError> {
        self.flush()?;
        self.file.get_ref().sync_data().map_err(SpoolError::io(&self.path, "put it on disk"))
    }

    /// Bytes of all records so far: a place to which [`reopen_at`](Self::reopen_at) can return.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// True if no record was pushed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Reads the records of a spool in order.
#[derive(Debug)]
pub struct SpoolReader {
    path: PathBuf,
    file: BufReader<File>,
    at: u64,
    payload: Vec<u8>,
}

impl SpoolReader {
    /// Opens a spool at its first record.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, SpoolError> {
        let file = File::open(path).map_err(SpoolError::io(path, "open it"))?;
        let file = BufReader::with_capacity(BUFFER_BYTES, file);
        Ok(Self { path: path.to_owned(), file, at: 0, payload: Vec::new() })
    }

    /// Goes to `at`, which must be the beginning of a record.
    ///
    /// # Errors
    /// If the file cannot be read there.
    pub fn seek(&mut self, at: u64) -> Result<(), SpoolError> {
        self.file.seek(SeekFrom::Start(at)).map_err(SpoolError::io(&self.path, "read it"))?;
        self.at = at;
        Ok(())
    }

    /// Where the next record begins.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.at
    }

    /// The next payload; `None` after the last whole record.
    ///
    /// # Errors
    /// If the file cannot be read or a whole record's checksum is wrong. A record that is cut off by
    /// the end of the file is the torn tail of a crash and ends the reading.
    pub fn next_record(&mut self) -> Result<Option<&[u8]>, SpoolError> {
        let mut header = [0; HEADER_BYTES];
        if !self.fill(&mut header)? {
            return Ok(None);
        }
        let field = u32::from_be_bytes([header[0], header[1], header[2], header[3]]);
        let crc = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
        let damaged = |reader: &Self| {
            let path = reader.path.clone();
            Err(SpoolError::Damaged { path, at: reader.at })
        };
        let len = usize::try_from(field).unwrap_or(usize::MAX);
        if len > PAYLOAD_BYTES_MAX {
            return damaged(self);
        }
        let mut payload = std::mem::take(&mut self.payload);
        payload.resize(len, 0);
        let is_whole = self.fill(&mut payload)?;
        self.payload = payload;
        if !is_whole {
            return Ok(None);
        }
        if checksum(field, &self.payload) != crc {
            return damaged(self);
        }
        self.at += (HEADER_BYTES + len) as u64;
        Ok(Some(&self.payload))
    }

    /// Fills `bytes`; false if the file ends before.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<bool, SpoolError> {
        match self.file.read_exact(bytes) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(SpoolError::io(&self.path, "read it")(error)),
        }
    }
}

fn buffered(file: File) -> BufWriter<File> {
    BufWriter::with_capacity(BUFFER_BYTES, file)
}

fn checksum(len: u32, payload: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&len.to_be_bytes());
    crc.update(payload);
    crc.finalize()
}

/// Length of the whole records at the beginning of a spool.
fn whole_length(path: &Path) -> Result<u64, SpoolError> {
    let mut reader = SpoolReader::open(path)?;
    loop {
        match reader.next_record() {
            Ok(Some(_)) => {}
            Ok(None) | Err(SpoolError::Damaged { .. }) => return Ok(reader.position()),
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(path: &Path) -> Result<Vec<Vec<u8>>, SpoolError> {
        let mut reader = SpoolReader::open(path)?;
        let mut found = Vec::new();
        while let Some(payload) = reader.next_record()? {
            found.push(payload.to_vec());
        }
        Ok(found)
    }

    fn spool_of(path: &Path, payloads: &[&[u8]]) -> Vec<u64> {
        let mut writer = SpoolWriter::create(path).unwrap();
        let mut ends = vec![0];
        for payload in payloads {
            writer.push(payload).unwrap();
            ends.push(writer.len());
        }
        writer.sync().unwrap();
        ends
    }

    /// Cuts a spool at every byte: what comes back is always the whole records before the cut, and
    /// writing goes on after them.
    #[test]
    fn a_crash_at_any_byte_loses_only_the_torn_record() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.spool");
        let payloads: [&[u8]; 4] = [b"one", b"", b"three", &[7; 1000]];
        let ends = spool_of(&path, &payloads);
        let bytes = std::fs::read(&path).unwrap();
        for cut in 0..=bytes.len() {
            std::fs::write(&path, &bytes[..cut]).unwrap();
            let whole = ends.iter().filter(|end| **end > 0 && **end <= cut as u64).count();
            assert_eq!(all(&path).unwrap(), payloads[..whole]);
            let mut writer = SpoolWriter::reopen(&path).unwrap();
            writer.push(b"next").unwrap();
            writer.sync().unwrap();
            assert_eq!(all(&path).unwrap().len(), whole + 1);
        }
    }

    #[test]
    fn a_flipped_bit_is_found_wherever_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.spool");
        spool_of(&path, &[b"first record", b"second record", b"third"]);
        let bytes = std::fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            std::fs::write(&path, &damaged).unwrap();
            let is_noticed = match all(&path) {
                Err(SpoolError::Damaged { .. }) => true,
                Ok(found) => found.len() < 3,
                Err(other) => panic!("{other}"),
            };
            assert!(is_noticed, "byte {at}");
        }
    }

    #[test]
    fn a_spool_can_go_back_to_an_earlier_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.spool");
        let ends = spool_of(&path, &[b"a", b"b", b"c"]);
        drop(SpoolWriter::reopen_at(&path, ends[2]).unwrap());
        assert_eq!(all(&path).unwrap(), [b"a", b"b"]);
        assert!(matches!(SpoolWriter::reopen_at(&path, ends[3]), Err(SpoolError::Damaged { .. })));
    }

    #[test]
    fn a_payload_that_is_too_large_is_refused_when_it_is_pushed() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = SpoolWriter::create(&folder.path().join("s")).unwrap();
        let huge = vec![0; PAYLOAD_BYTES_MAX + 1];
        assert!(matches!(writer.push(&huge), Err(SpoolError::TooLarge { .. })));
    }
}
