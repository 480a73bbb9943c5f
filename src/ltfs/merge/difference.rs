//! Whether two copies of an index list the same tree, and where they do not.
//!
//! The copies of a generation on the two partitions differ in their heads (each says where it stands) and
//! in nothing else. Their trees are summed while they are read, so that comparing copies that are
//! the same costs nothing more; only where the sums differ both are read again, side by side.

use std::io::{self, Read};

use crate::ltfs::elements::DocumentError;
use crate::ltfs::index::{IndexEvent, IndexHeader, IndexReader};

/// Where the tree begins. A root with attributes is not found, and such copies are read side by side.
const ROOT: &[u8] = b"<directory>";

/// Sums what is read through it, from the root directory on.
#[derive(Debug)]
pub(super) struct TreeSum<R> {
    input: R,
    sum: Option<crc32fast::Hasher>,
    /// The last bytes read before the root: it may be cut by a read.
    before: Vec<u8>,
}

impl<R: Read> TreeSum<R> {
    pub(super) fn over(input: R) -> Self {
        Self { input, sum: None, before: Vec::new() }
    }

    /// The sum; `None` if no root was met.
    pub(super) fn value(self) -> Option<u32> {
        self.sum.map(crc32fast::Hasher::finalize)
    }

    fn add(&mut self, bytes: &[u8]) {
        if let Some(sum) = &mut self.sum {
            sum.update(bytes);
            return;
        }
        self.before.extend_from_slice(bytes);
        if let Some(at) = memchr::memmem::find(&self.before, ROOT) {
            let mut sum = crc32fast::Hasher::new();
            sum.update(&self.before[at..]);
            self.sum = Some(sum);
            self.before = Vec::new();
        } else {
            let done = self.before.len().saturating_sub(ROOT.len() - 1);
            self.before.drain(..done);
        }
    }
}

impl<R: Read> Read for TreeSum<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.add(&buffer[..count]);
        Ok(count)
    }
}

/// True if both heads say the same of the volume. Place, writer, time and lock are each copy's own.
pub(super) fn same_head(one: &IndexHeader, other: &IndexHeader) -> bool {
    let of = |header: &IndexHeader| IndexHeader {
        creator: String::new(),
        location: other.location,
        previous: None,
        update_time: other.update_time,
        lock: None,
        ..header.clone()
    };
    of(one) == of(other)
}

/// The path of the first entry that the readers give differently. An error says whose it is.
pub(super) fn first<R: Read>(
    readers: &mut [IndexReader<R>; 2],
) -> Result<Option<String>, (usize, DocumentError)> {
    let [one, other] = readers;
    let mut path: Vec<String> = Vec::new();
    loop {
        let first = one.next().map_err(|error| (0, error))?;
        let second = other.next().map_err(|error| (1, error))?;
        let is_same = match (first, second) {
            (IndexEvent::Header(_), IndexEvent::Header(_)) => true,
            (IndexEvent::End(_), IndexEvent::End(_)) => return Ok(None),
            (first, second) => first == second,
        };
        let name = match (first, second) {
            (IndexEvent::EnterDirectory(entry), _) => {
                path.push(entry.name.to_string());
                None
            }
            (IndexEvent::File(entry), _) | (_, IndexEvent::File(entry)) => {
                Some(entry.name.to_string())
            }
            (_, IndexEvent::EnterDirectory(entry)) => Some(entry.name.to_string()),
            (IndexEvent::LeaveDirectory(_), _) if is_same => {
                path.pop();
                None
            }
            _ => None,
        };
        if !is_same {
            path.extend(name);
            // The root's own name is the volume's and no part of a path.
            let below = path.get(1..).unwrap_or_default().join("/");
            return Ok(Some(format!("/{below}")));
        }
    }
}
