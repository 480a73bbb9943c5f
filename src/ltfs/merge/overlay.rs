//! What changes in a tree, and laying it over the old one.

use std::collections::{BTreeMap, BTreeSet};

use super::TreeError;
use crate::ltfs::index::{DirectoryEntry, FileEntry, IndexEvent};
use crate::ltfs::names::Name;
use crate::ltfs::spool::{SpoolCounts, SpoolSnapshot};

/// What to do with a directory that the old index has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Leave its times and attributes; the entry given is for when it is missing.
    Keep,
    /// Put the entry's times and attributes there; its number stays.
    Replace,
}

/// Changes to a tree: small, in memory.
#[derive(Clone, Debug, Default)]
pub struct Overlay {
    root: Folder,
    root_entry: Option<DirectoryEntry>,
}

/// What changes in one directory.
#[derive(Clone, Debug, Default)]
struct Folder {
    nodes: BTreeMap<Name, Node>,
    bulk: Vec<SpoolSnapshot>,
}

#[derive(Clone, Debug)]
enum Node {
    Removed,
    File(Box<FileEntry>),
    Directory { entry: Option<(Box<DirectoryEntry>, Existing)>, folder: Folder },
}

impl Overlay {
    /// Puts a file into the directory `parent`, replacing what has its name.
    pub fn put_file(&mut self, parent: &[Name], entry: FileEntry) {
        let folder = self.folder(parent);
        folder.nodes.insert(entry.name.clone(), Node::File(Box::new(entry)));
    }

    /// Puts a directory into the directory `parent`. What was put into it stays.
    pub fn put_directory(&mut self, parent: &[Name], entry: DirectoryEntry, existing: Existing) {
        let name = entry.name.clone();
        let folder = self.folder(parent);
        let node = folder.nodes.entry(name).or_insert(Node::Removed);
        let kept = match std::mem::replace(node, Node::Removed) {
            Node::Directory { folder, .. } => folder,
            Node::Removed | Node::File(_) => Folder::default(),
        };
        *node = Node::Directory { entry: Some((Box::new(entry), existing)), folder: kept };
    }

    /// Takes a file, or a directory with everything in it, out of the tree.
    pub fn remove(&mut self, parent: &[Name], name: &Name) {
        self.folder(parent).nodes.insert(name.clone(), Node::Removed);
    }

    /// Changes the root's name, times and attributes; its number is always 1.
    pub fn set_root(&mut self, entry: DirectoryEntry) {
        self.root_entry = Some(entry);
    }

    pub(super) fn attach(&mut self, parent: &[Name], bulk: SpoolSnapshot) {
        self.folder(parent).bulk.push(bulk);
    }

    fn folder(&mut self, path: &[Name]) -> &mut Folder {
        let mut folder = &mut self.root;
        for name in path {
            let node = folder
                .nodes
                .entry(name.clone())
                .or_insert_with(|| Node::Directory { entry: None, folder: Folder::default() });
            if !matches!(node, Node::Directory { .. }) {
                *node = Node::Directory { entry: None, folder: Folder::default() };
            }
            folder = match node {
                Node::Directory { folder, .. } => folder,
                Node::Removed | Node::File(_) => unreachable!("made a directory just above"),
            };
        }
        folder
    }

    pub(super) fn highest_uid(&self) -> u64 {
        self.counts().highest_uid
    }

    /// What it adds at most.
    pub(super) fn counts(&self) -> SpoolCounts {
        let mut total = SpoolCounts::default();
        self.root.count(&mut total);
        total
    }

    /// Gives the overlay as a tree of its own; it must have a root.
    pub(super) fn replay_alone(
        &self,
        visit: &mut dyn FnMut(IndexEvent<'_>) -> Result<(), TreeError>,
    ) -> Result<(), TreeError> {
        let root =
            self.root_entry.as_ref().ok_or_else(|| TreeError::NoDirectory("/".to_owned()))?;
        visit(IndexEvent::EnterDirectory(root))?;
        self.root.replay_rest(&BTreeSet::new(), visit)?;
        visit(IndexEvent::LeaveDirectory(b""))
    }
}

impl Folder {
    fn count(&self, total: &mut SpoolCounts) {
        for bulk in &self.bulk {
            let counts = bulk.counts();
            total.files += counts.files;
            total.directories += counts.directories;
            total.name_bytes += counts.name_bytes;
            total.highest_uid = total.highest_uid.max(counts.highest_uid);
        }
        for (name, node) in &self.nodes {
            let bytes = u64::try_from(name.as_str().len()).unwrap_or(0);
            total.name_bytes += bytes;
            match node {
                Node::Removed => {}
                Node::File(entry) => {
                    total.files += 1;
                    total.highest_uid = total.highest_uid.max(entry.uid);
                }
                Node::Directory { entry, folder } => {
                    total.directories += 1;
                    let uid = entry.as_ref().map_or(0, |(entry, _)| entry.uid);
                    total.highest_uid = total.highest_uid.max(uid);
                    folder.count(total);
                }
            }
        }
    }

    /// Gives what the old index did not have, then the spooled additions.
    fn replay_rest(
        &self,
        seen: &BTreeSet<&Name>,
        visit: &mut dyn FnMut(IndexEvent<'_>) -> Result<(), TreeError>,
    ) -> Result<(), TreeError> {
        for (name, node) in self.nodes.iter().filter(|(name, _)| !seen.contains(name)) {
            match node {
                Node::Removed => {}
                Node::File(entry) => visit(IndexEvent::File(entry))?,
                Node::Directory { entry: Some((entry, _)), folder } => {
                    visit(IndexEvent::EnterDirectory(entry))?;
                    folder.replay_rest(&BTreeSet::new(), visit)?;
                    visit(IndexEvent::LeaveDirectory(b""))?;
                }
                Node::Directory { entry: None, folder } => {
                    if folder.has_additions() {
                        return Err(TreeError::NoDirectory(name.to_string()));
                    }
                }
            }
        }
        for bulk in &self.bulk {
            bulk.replay(visit)?;
        }
        Ok(())
    }

    fn has_additions(&self) -> bool {
        !self.bulk.is_empty()
            || self.nodes.values().any(|node| match node {
                Node::Removed => false,
                Node::File(_) | Node::Directory { entry: Some(_), .. } => true,
                Node::Directory { entry: None, folder } => folder.has_additions(),
            })
    }
}

/// Lays an overlay over the events of the old index.
pub(super) struct Merge<'o, 'v> {
    overlay: &'o Overlay,
    visit: &'v mut dyn FnMut(IndexEvent<'_>) -> Result<(), TreeError>,
    open: Vec<Open<'o>>,
    /// How many directories deep we are in something that is not taken over.
    skipping: u64,
}

/// An open directory of the old index.
struct Open<'o> {
    folder: Option<&'o Folder>,
    seen: BTreeSet<&'o Name>,
}

impl<'o, 'v> Merge<'o, 'v> {
    pub(super) fn new(
        overlay: &'o Overlay,
        visit: &'v mut dyn FnMut(IndexEvent<'_>) -> Result<(), TreeError>,
    ) -> Self {
        Self { overlay, visit, open: Vec::new(), skipping: 0 }
    }

    pub(super) fn base_event(&mut self, event: IndexEvent<'_>) -> Result<(), TreeError> {
        match event {
            IndexEvent::EnterDirectory(_) if self.skipping > 0 => {
                self.skipping += 1;
                Ok(())
            }
            IndexEvent::LeaveDirectory(_) if self.skipping > 0 => {
                self.skipping -= 1;
                Ok(())
            }
            IndexEvent::File(_) if self.skipping > 0 => Ok(()),
            IndexEvent::EnterDirectory(entry) => self.enter(entry),
            IndexEvent::File(entry) => self.file(entry),
            IndexEvent::LeaveDirectory(trailing) => {
                if let Some(Open { folder: Some(folder), seen }) = self.open.pop() {
                    folder.replay_rest(&seen, self.visit)?;
                }
                (self.visit)(IndexEvent::LeaveDirectory(trailing))
            }
            IndexEvent::Header(_) | IndexEvent::End(_) => Ok(()),
        }
    }

    fn enter(&mut self, entry: &DirectoryEntry) -> Result<(), TreeError> {
        let overlay = self.overlay;
        if self.open.is_empty() {
            self.open.push(Open { folder: Some(&overlay.root), seen: BTreeSet::new() });
            return match &overlay.root_entry {
                Some(root) => self.enter_as(root, entry),
                None => (self.visit)(IndexEvent::EnterDirectory(entry)),
            };
        }
        match self.node(&entry.name) {
            Some((name, Node::Directory { entry: own, folder })) => {
                self.note(name);
                self.open.push(Open { folder: Some(folder), seen: BTreeSet::new() });
                match own {
                    Some((own, Existing::Replace)) => self.enter_as(own, entry),
                    _ => (self.visit)(IndexEvent::EnterDirectory(entry)),
                }
            }
            Some(_) => {
                self.skipping = 1;
                Ok(())
            }
            None => {
                self.open.push(Open { folder: None, seen: BTreeSet::new() });
                (self.visit)(IndexEvent::EnterDirectory(entry))
            }
        }
    }

    /// The number of a directory never changes while it exists.
    fn enter_as(&mut self, own: &DirectoryEntry, old: &DirectoryEntry) -> Result<(), TreeError> {
        let entry = DirectoryEntry { uid: old.uid, ..own.clone() };
        (self.visit)(IndexEvent::EnterDirectory(&entry))
    }

    fn file(&mut self, entry: &FileEntry) -> Result<(), TreeError> {
        match self.node(&entry.name) {
            None => (self.visit)(IndexEvent::File(entry)),
            Some((name, Node::File(own))) => {
                // A name that stands twice in the old index is written once.
                if self.note(name) { (self.visit)(IndexEvent::File(own)) } else { Ok(()) }
            }
            Some(_) => Ok(()),
        }
    }

    fn node(&self, name: &Name) -> Option<(&'o Name, &'o Node)> {
        self.open.last()?.folder?.nodes.get_key_value(name)
    }

    fn note(&mut self, name: &'o Name) -> bool {
        self.open.last_mut().is_some_and(|open| open.seen.insert(name))
    }
}
