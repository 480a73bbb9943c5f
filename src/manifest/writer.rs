//! Writes a manifest line by line.

use std::io::Write;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::encode::write_entry;
use super::entry::ManifestEntry;
use super::error::ManifestError;
use super::header::{Counts, FORMAT, HeaderLine, ManifestHeader, TrailerLine, VERSION};
use super::reader::ManifestEnd;
use crate::domain::{Sha256Digest, Timestamp};

/// Hexadecimal digits of a check value: finds the line that changed. Forgery is the signature's
/// business.
pub(super) const CHECK_DIGITS: usize = 8;
/// Lines are gathered to pieces of this size before they are hashed and written.
const PIECE_BYTES: usize = 128 * 1024;

/// A manifest being written to `W`. Nothing is complete before [`ManifestWriter::finish`].
#[derive(Debug)]
pub struct ManifestWriter<W> {
    sink: W,
    hasher: Sha256,
    pending: Vec<u8>,
    /// How much of `pending` is in the hash already.
    hashed: usize,
    counts: Counts,
    bytes: u64,
}

impl<W: Write> ManifestWriter<W> {
    /// Begins a manifest with its first line.
    ///
    /// # Errors
    /// When the sink refuses.
    pub fn begin(sink: W, header: &ManifestHeader) -> Result<Self, ManifestError> {
        let mut writer = Self {
            sink,
            hasher: Sha256::new(),
            pending: Vec::with_capacity(PIECE_BYTES * 2),
            hashed: 0,
            counts: Counts::default(),
            bytes: 0,
        };
        let format = FORMAT.to_owned();
        writer.push_json(&HeaderLine { format, version: VERSION, header })?;
        writer.pending.push(b'\n');
        Ok(writer)
    }

    /// Adds one entry.
    ///
    /// # Errors
    /// When the sink refuses; the manifest is lost then.
    pub fn write(&mut self, entry: &ManifestEntry) -> Result<(), ManifestError> {
        let prev = self.check_value();
        write_entry(&mut self.pending, &prev, entry);
        self.counts.add(entry);
        if self.pending.len() >= PIECE_BYTES { self.flush_pending() } else { Ok(()) }
    }

    /// What has been counted so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Adds the last line and gives back the sink, flushed, and what is to be signed.
    ///
    /// # Errors
    /// When the sink refuses.
    pub fn finish(mut self, finished: Timestamp) -> Result<(W, ManifestEnd), ManifestError> {
        let prev = self.check_value();
        let sha256 = Sha256Digest(self.hasher.clone().finalize().into());
        self.flush_pending()?;
        let counts = self.counts;
        self.push_json(&TrailerLine { trailer: VERSION, prev, counts, finished, sha256 })?;
        self.pending.pop(); // the brace, which comes after the check value
        let check = check_value(&Sha256::digest(&self.pending).into());
        self.pending.extend_from_slice(format!(",\"check\":\"{check}\"}}\n").as_bytes());
        self.flush_pending()?;
        self.sink.flush().map_err(ManifestError::Write)?;
        let end = ManifestEnd {
            counts,
            finished,
            sha256: Sha256Digest(self.hasher.finalize().into()),
            size_bytes: self.bytes,
        };
        Ok((self.sink, end))
    }

    fn push_json(&mut self, line: &impl Serialize) -> Result<(), ManifestError> {
        serde_json::to_writer(&mut self.pending, line)
            .map_err(|error| ManifestError::Write(error.into()))
    }

    /// The check value of all bytes so far.
    fn check_value(&mut self) -> String {
        self.hasher.update(&self.pending[self.hashed..]);
        self.hashed = self.pending.len();
        check_value(&self.hasher.clone().finalize().into())
    }

    fn flush_pending(&mut self) -> Result<(), ManifestError> {
        self.hasher.update(&self.pending[self.hashed..]);
        self.sink.write_all(&self.pending).map_err(ManifestError::Write)?;
        self.bytes += u64::try_from(self.pending.len()).unwrap_or(u64::MAX);
        self.pending.clear();
        self.hashed = 0;
        Ok(())
    }
}

/// The first digits of a hash.
pub(super) fn check_value(digest: &[u8; 32]) -> String {
    hex::encode(&digest[..CHECK_DIGITS / 2])
}
