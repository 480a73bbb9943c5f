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

    /// The number of `path`, which the kernel is told now. If another path has it, because it was renamed or by a
    /// chance that is not to be expected in this world, it is the next one.
    pub(super) fn tell(&self, path: &[u8]) -> u64 {
        let mut nodes = self.0.lock();
        let mut number = number_of(path);
        loop {
            match nodes.entry(number) {
                Entry::Occupied(mut known) if *known.get().path == *path => {
                    known.get_mut().told += 1;
                    return number;
                }
                Entry::Occupied(_) => number = number.wrapping_add(1).max(TOP + 1),
                Entry::Vacant(free) => {
                    free.insert(Node { path: path.into(), told: 1 });
                    return number;
                }
            }
        }
    }

    /// What the kernel knows at or below one path is at or below another now.
    pub(super) fn rename(&self, from: &[u8], to: &[u8]) {
        for node in self.0.lock().values_mut() {
            let rest = node.path.strip_prefix(from);
            if let Some(rest) = rest.filter(|rest| rest.is_empty() || rest[0] == b'/') {
                node.path = [to, rest].concat().into();
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

/// The name of what is at `path`, if it lies in the folder at `folder` itself.
pub(in crate::system::sources) fn name_in<'p>(folder: &[u8], path: &'p [u8]) -> Option<&'p [u8]> {
    let name = match folder.is_empty() {
        true => path,
        false => path.strip_prefix(folder)?.strip_prefix(b"/")?,
    };
    (!name.is_empty() && !name.contains(&b'/')).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_kept_until_all_that_was_told_is_forgotten() {
        let nodes = Nodes::default();
        let number = nodes.tell(b"photos/1999");
        assert_eq!(nodes.tell(b"photos/1999"), number);
        nodes.forget(number, 1);
        assert_eq!(nodes.path(number).unwrap(), b"photos/1999");
        nodes.forget(number, 1);
        assert_eq!(nodes.path(number), Err(Errno::STALE));
        assert_eq!(Nodes::default().tell(b"photos/1999"), number, "the same at each mount");
    }

    #[test]
    fn what_was_renamed_keeps_its_number_and_leaves_the_name_to_another() {
        let nodes = Nodes::default();
        let (folder, file, beside) =
            (nodes.tell(b"new"), nodes.tell(b"new/a"), nodes.tell(b"newer"));
        nodes.rename(b"new", b"old");
        assert_eq!(nodes.path(folder).unwrap(), b"old");
        assert_eq!(nodes.path(file).unwrap(), b"old/a");
        assert_eq!(nodes.path(beside).unwrap(), b"newer");
        let again = nodes.tell(b"new");
        assert!(again != folder && nodes.path(again).unwrap() == b"new");
    }

    #[test]
    fn the_top_is_always_known() {
        let nodes = Nodes::default();
        assert_eq!(nodes.path(TOP).unwrap(), b"");
        assert_eq!(number_of(&below(b"", b"a")), number_of(b"a"));
        assert_eq!(below(b"a", b"b"), b"a/b");
        for (folder, path, name) in
            [("", "a", Some("a")), ("a", "a/b", Some("b")), ("a", "ab/c", None)]
        {
            let found = name_in(folder.as_bytes(), path.as_bytes());
            assert_eq!(found, name.map(str::as_bytes));
        }
        assert_eq!(name_in(b"a", b"a/b/c"), None);
    }
}
