//! Recognises a manifest in bytes of which nobody says what they are: a tape without an index.
//!
//! Only the outer form of each line is looked at, so that nothing has to be kept; whether a manifest is
//! whole says [`super::ManifestReader`], which reads what was found.

use super::header::FORMAT;
use super::reader::{ENTRY_START, LINE_BYTES_MAX, TRAILER_START};

/// Bytes of a line that tell what it is: as many as the longer of the two beginnings.
const HEAD_BYTES: usize = TRAILER_START.len();

/// What the bytes at hand are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The manifest goes on behind them.
    More,
    /// The manifest ends after that many of them.
    Complete {
        /// Bytes that belong to it.
        used: usize,
    },
    /// It is none, or it is damaged.
    Rejected,
}

/// Follows one manifest at a time.
#[derive(Debug, Default)]
pub struct ManifestFinder {
    /// Lines that are complete.
    lines: u64,
    /// The beginning of the current line.
    head: Vec<u8>,
    line_bytes: u64,
}

impl ManifestFinder {
    /// Where in `bytes`, from `from` on, a manifest may begin. Forgets the one before.
    pub fn begins(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        *self = Self::default();
        let first = format!("{{\"format\":\"{FORMAT}\"");
        let rest = bytes.get(from..)?;
        memchr::memmem::find(rest, first.as_bytes()).map(|at| from + at)
    }

    /// Takes the next bytes, beginning where [`ManifestFinder::begins`] has said.
    pub fn feed(&mut self, bytes: &[u8]) -> Step {
        let mut used = 0;
        loop {
            let rest = &bytes[used..];
            let end = memchr::memchr(b'\n', rest);
            let line = &rest[..end.unwrap_or(rest.len())];
            let room = HEAD_BYTES - self.head.len();
            self.head.extend_from_slice(&line[..line.len().min(room)]);
            self.line_bytes += u64::try_from(line.len()).unwrap_or(u64::MAX);
            let is_known = self.lines == 0
                || [ENTRY_START, TRAILER_START].iter().any(|start| {
                    let common = start.len().min(self.head.len());
                    self.head[..common] == start[..common]
                });
            if !is_known || self.line_bytes > LINE_BYTES_MAX {
                return Step::Rejected;
            }
            let Some(end) = end else { return Step::More };
            used += end + 1;
            if self.lines > 0 && self.head == TRAILER_START {
                return Step::Complete { used };
            }
            self.lines += 1;
            self.head.clear();
            self.line_bytes = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &[u8] = b"{\"format\":\"fossilsafe-manifest\",\"version\":1}\n\
        {\"prev\":\"00000000\",\"path\":\"a\"}\n{\"trailer\":1,\"check\":\"\"}\n";

    #[test]
    fn a_manifest_is_found_between_other_bytes_however_they_are_cut() {
        let bytes = [&b"photo\n"[..], MANIFEST, b"more"].concat();
        for piece in 1..bytes.len() {
            let mut finder = ManifestFinder::default();
            assert_eq!(finder.begins(&bytes, 0), Some(6));
            let mut fed = 6;
            let end = loop {
                let piece = &bytes[fed..bytes.len().min(fed + piece)];
                match finder.feed(piece) {
                    Step::More => fed += piece.len(),
                    Step::Complete { used } => break fed + used,
                    Step::Rejected => panic!("rejected in pieces of {}", piece.len()),
                }
            };
            assert_eq!(end, 6 + MANIFEST.len());
        }
    }

    #[test]
    fn what_goes_on_otherwise_is_rejected_and_the_next_is_found() {
        let broken = b"{\"format\":\"fossilsafe-manifest\"}\n{\"prev\":\"00\"}\nphoto";
        let bytes = [&broken[..], MANIFEST].concat();
        let mut finder = ManifestFinder::default();
        assert_eq!(finder.begins(&bytes, 0), Some(0));
        assert_eq!(finder.feed(&bytes), Step::Rejected);
        assert_eq!(finder.begins(&bytes, 1), Some(broken.len()));
        assert_eq!(finder.feed(&bytes[broken.len()..]), Step::Complete { used: MANIFEST.len() });
    }
}
