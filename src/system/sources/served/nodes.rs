//! The things of a served tree that the kernel knows of, by their numbers.
//!
//! The kernel asks by number, the other machine by path. A number is kept as long as the kernel may use it:
//! it counts how often it was told of each, and says how many of them it forgets.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use parking_lot::Mutex;
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

/// The top of the tree.
pub(super) const TOP: u64 = 1;

/// What the kernel knows.
#[derive(Debug, Default)]
pub(super) struct Nodes(Mutex<HashMap<u64, Node>>);

#[derive(Debug)]
struct Node {
    path: Box<[u8]>,
    /// How often the kernel was told of it, less what it forgot.
    told: u64,
}

impl Nodes {
    /// The path of a number that the kernel was told.
    pub(super) fn path(&self, number: u64) -> Result<Vec<u8>, Errno> {
        if number == TOP {
            return Ok(Vec::new());
        }
        self.0.lock().get(&number).map(|node| node.path.to_vec()).ok_or(Errno::STALE)
    }

    /// The number of `path`, which the kernel is told now.
    ///
    /// Two paths with the same number are not to be expected in this world. Should they meet, the second
    /// is refused: a wrong file would be worse.
    pub(super) fn tell(&self, path: &[u8]) -> Result<u64, Errno> {
        let number = number_of(path);
        match self.0.lock().entry(number) {
            Entry::Occupied(known) if *known.get().path != *path => Err(Errno::IO),
            Entry::Occupied(mut known) => {
                known.get_mut().told += 1;
                Ok(number)
            }
            Entry::Vacant(free) => {
                free.insert(Node { path: path.into(), told: 1 });
                Ok(number)
            }
        }
    }

    /// The kernel forgets `times` of what it was told.
    pub(super) fn forget(&self, number: u64, times: u64) {
        let mut nodes = self.0.lock();
        if let Entry::Occupied(mut known) = nodes.entry(number) {
            known.get_mut().told = known.get().told.saturating_sub(times);
            if known.get().told == 0 {
                known.remove();
            }
        }
    }
}

/// The number of a path: the same at each mount, and never one that means something else.
pub(super) fn number_of(path: &[u8]) -> u64 {
    if path.is_empty() {
        return TOP;
    }
    let digest: [u8; 32] = Sha256::digest(path).into();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(first).max(TOP + 1)
}

/// The path of `name` in the folder at `path`.
pub(in crate::system::sources) fn below(path: &[u8], name: &[u8]) -> Vec<u8> {
    if path.is_empty() { name.to_vec() } else { [path, b"/", name].concat() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_kept_until_all_that_was_told_is_forgotten() {
        let nodes = Nodes::default();
        let number = nodes.tell(b"photos/1999").unwrap();
        assert_eq!(nodes.tell(b"photos/1999"), Ok(number));
        nodes.forget(number, 1);
        assert_eq!(nodes.path(number).unwrap(), b"photos/1999");
        nodes.forget(number, 1);
        assert_eq!(nodes.path(number), Err(Errno::STALE));
        assert_eq!(Nodes::default().tell(b"photos/1999"), Ok(number), "the same at each mount");
    }

    #[test]
    fn the_top_is_always_known() {
        let nodes = Nodes::default();
        assert_eq!(nodes.path(TOP).unwrap(), b"");
        assert_eq!(number_of(&below(b"", b"a")), number_of(b"a"));
        assert_eq!(below(b"a", b"b"), b"a/b");
    }
}
