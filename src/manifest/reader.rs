//! Reads a manifest line by line and finds the line that is not as it was written.

use std::io::{BufRead, Read as _};

use sha2::{Digest as _, Sha256};

use super::decode::Decoder;
use super::entry::ManifestEntry;
use super::error::ManifestError;
use super::header::{
    Counts, FORMAT, HeaderLine, HeaderProbe, ManifestHeader, TrailerLine, VERSION,
};
use super::writer::{CHECK_DIGITS, check_value};
use crate::domain::{Sha256Digest, Timestamp};

/// Longest line taken. A file with the most attributes and holes that are kept stays below it.
pub(super) const LINE_BYTES_MAX: u64 = 64 * 1024 * 1024;
pub(super) const ENTRY_START: &[u8] = b"{\"prev\":\"";
pub(super) const TRAILER_START: &[u8] = b"{\"trailer\":";

/// What is known at the end of a manifest that is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManifestEnd {
    /// How many entries ended how.
    pub counts: Counts,
    /// When the last line was written.
    pub finished: Timestamp,
    /// SHA-256 of the whole file: what the signature is about.
    pub sha256: Sha256Digest,
    /// Size of the whole file in bytes.
    pub size_bytes: u64,
}

/// A manifest being read from `R`.
///
/// Entries come before the end is known, so nothing irrevocable may be done with them until
/// [`ManifestReader::next_entry`] has returned `None`.
#[derive(Debug)]
pub struct ManifestReader<R> {
    source: R,
    header: ManifestHeader,
    decoder: Decoder,
    hasher: Sha256,
    line: Vec<u8>,
    lines: u64,
    bytes: u64,
    counts: Counts,
    end: Option<ManifestEnd>,
}

impl<R: BufRead> ManifestReader<R> {
    /// Reads the first line.
    ///
    /// # Errors
    /// When it is no manifest, or one of a newer release.
    pub fn open(mut source: R) -> Result<Self, ManifestError> {
        let mut line = Vec::new();
        let is_whole = read_line(&mut source, &mut line)
            .map_err(|source| ManifestError::Read { line: 0, source })?;
        let not =
            |error: serde_json::Error| ManifestError::NotAManifest { reason: error.to_string() };
        if !is_whole && line.is_empty() {
            return Err(ManifestError::NotAManifest { reason: "it is empty".to_owned() });
        }
        let probe: HeaderProbe = serde_json::from_slice(&line).map_err(not)?;
        if probe.format != FORMAT {
            let reason = format!("its format is \"{}\"", probe.format);
            return Err(ManifestError::NotAManifest { reason });
        }
        if probe.version > VERSION {
            return Err(ManifestError::Unsupported { version: probe.version, known: VERSION });
        }
        let HeaderLine { header, .. } = serde_json::from_slice(&line).map_err(not)?;
        let mut hasher = Sha256::new();
        hasher.update(&line);
        Ok(Self {
            source,
            header,
            decoder: Decoder::default(),
            hasher,
            bytes: u64::try_from(line.len()).unwrap_or(u64::MAX),
            line,
            lines: 1,
            counts: Counts::default(),
            end: None,
        })
    }

    /// The first line.
    #[must_use]
    pub fn header(&self) -> &ManifestHeader {
        &self.header
    }

    /// The end, after [`ManifestReader::next_entry`] has returned `None`.
    #[must_use]
    pub fn end(&self) -> Option<&ManifestEnd> {
        self.end.as_ref()
    }

    /// The next entry; `None` after a good last line.
    ///
    /// # Errors
    /// When the manifest is cut or damaged, naming the line.
    pub fn next_entry(&mut self) -> Result<Option<ManifestEntry>, ManifestError> {
        if self.end.is_some() {
            return Ok(None);
        }
        let before: [u8; 32] = self.hasher.clone().finalize().into();
        let is_whole = read_line(&mut self.source, &mut self.line)
            .map_err(|source| ManifestError::Read { line: self.lines, source })?;
        if !is_whole {
            return Err(match self.line.len() {
                long if u64::try_from(long).is_ok_and(|long| long >= LINE_BYTES_MAX) => {
                    self.damaged(self.lines + 1, "it is too long")
                }
                _ => ManifestError::Truncated { line: self.lines },
            });
        }
        self.lines += 1;
        self.hasher.update(&self.line);
        self.bytes += u64::try_from(self.line.len()).unwrap_or(u64::MAX);
        if self.line.starts_with(TRAILER_START) {
            self.end = Some(self.read_trailer(&before)?);
            return Ok(None);
        }
        let Some(rest) = self.line.strip_prefix(ENTRY_START) else {
            return Err(self.damaged(self.lines, "it is neither an entry nor the last line"));
        };
        if rest.get(..CHECK_DIGITS) != Some(check_value(&before).as_bytes()) {
            // Either this line's own check value is damaged, or what stands before it is; the
            // latter is what happens when something was edited.
            return Err(self.damaged(self.lines - 1, "it, or what followed it, was changed"));
        }
        let entry = self.decoder.decode(&self.line);
        let entry = entry.map_err(|reason| self.damaged(self.lines, &reason))?;
        self.counts.add(&entry);
        Ok(Some(entry))
    }

    fn read_trailer(&mut self, before: &[u8; 32]) -> Result<ManifestEnd, ManifestError> {
        let wrong = |reason: &str| self.damaged(self.lines, reason);
        let trailer: TrailerLine =
            serde_json::from_slice(&self.line).map_err(|error| wrong(&error.to_string()))?;
        // `,"check":"xxxxxxxx"}` and the newline
        let check_start = self.line.len().checked_sub(CHECK_DIGITS + 13);
        let (start, rest) = self.line.split_at(check_start.ok_or_else(|| wrong("it is cut"))?);
        let check = check_value(&Sha256::digest(start).into());
        if rest != format!(",\"check\":\"{check}\"}}\n").as_bytes() {
            return Err(wrong("it was changed"));
        }
        if trailer.prev != check_value(before) {
            return Err(self.damaged(self.lines - 1, "it, or what followed it, was changed"));
        }
        if trailer.sha256.0 != *before || trailer.counts != self.counts {
            return Err(wrong("it does not fit what stands before it"));
        }
        let follows = self.source.fill_buf().map(|rest| !rest.is_empty());
        if follows.map_err(|source| ManifestError::Read { line: self.lines, source })? {
            return Err(self.damaged(self.lines + 1, "something follows the last line"));
        }
        Ok(ManifestEnd {
            counts: trailer.counts,
            finished: trailer.finished,
            sha256: Sha256Digest(self.hasher.clone().finalize().into()),
            size_bytes: self.bytes,
        })
    }

    fn damaged(&self, line: u64, reason: &str) -> ManifestError {
        ManifestError::Damaged { line, reason: reason.to_owned() }
    }
}

/// Reads a line with its newline; false when the file ends or the limit comes before the newline.
fn read_line(source: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    source.take(LINE_BYTES_MAX).read_until(b'\n', line)?;
    Ok(line.last() == Some(&b'\n'))
}
