//! Looks at files before the walk comes to them, several at a time.
//!
//! ```text
//! walk   names of a directory, sorted ──▶ pieces of a run of files ──▶ threads ──▶ in the names' order
//! ```
//!
//! One thread that asks for a million files one after the other waits for each answer: a share of another
//! machine takes half a millisecond for it, a disk as long for an inode that is not in memory. Directories
//! are not looked at before their turn: what is in them can take hours, and what is known of the files behind
//! them would be as old.

use std::collections::VecDeque;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::inspect::Inspector;
use super::listing::{ListedKind, Listing};
use crate::source::{Entry, SourceError, SourcePath};

/// Threads that ask. Chosen for a share's answer time; on a disk in memory two are as fast.
const THREADS: usize = 8;
/// Files that one thread looks at in one go.
const PIECE_FILES: usize = 64;
/// Pieces on their way: each thread has the next one when it is through with one.
const PIECES: usize = 2 * THREADS;
/// Shorter runs of files are looked at where they are met.
const RUN_FILES_MIN: usize = 32;

/// What was seen of a name.
#[derive(Debug)]
pub(super) struct Seen {
    /// As [`Inspector::inspect`] says it.
    pub(super) entry: Result<Entry, SourceError>,
    /// What is missing of it.
    pub(super) problems: Vec<SourceError>,
}

/// A directory whose files are looked at.
pub(super) struct Folder<'a> {
    pub(super) directory: &'a Arc<OwnedFd>,
    pub(super) path: &'a SourcePath,
    pub(super) listing: &'a Listing,
    /// False for names that are left out, of which nobody need know more.
    pub(super) is_wanted: &'a dyn Fn(&[u8]) -> bool,
}

impl Folder<'_> {
    /// The name at `index`; nothing if it is that of a directory, or there is none.
    fn file(&self, index: usize) -> Option<&[u8]> {
        let (name, kind) = self.listing.get(index)?;
        (kind == ListedKind::Other).then_some(name)
    }
}

/// Some names of a directory, with their indexes in it.
struct Piece {
    directory: Arc<OwnedFd>,
    path: SourcePath,
    names: Vec<(usize, Vec<u8>)>,
    seen: Sender<Vec<(usize, Seen)>>,
}

/// The threads, and what they have been asked.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// Started with the first long run of files.
    threads: Option<Threads>,
    /// In the order of the names.
    coming: VecDeque<Receiver<Vec<(usize, Seen)>>>,
    seen: VecDeque<(usize, Seen)>,
    /// Up to where names were asked for.
    asked_to: usize,
}

impl Ahead {
    /// What was seen of the file at `index`; nothing if it is to be looked at now.
    pub(super) fn take(&mut self, index: usize, folder: &Folder<'_>) -> Option<Seen> {
        if self.seen.is_empty() && self.coming.is_empty() {
            if !(index..index + RUN_FILES_MIN).all(|at| folder.file(at).is_some()) {
                return None;
            }
            self.asked_to = index;
        }
        if self.seen.is_empty() {
            self.ask(folder);
            self.seen = self.coming.pop_front()?.recv().ok()?.into();
        }
        let (at, seen) = self.seen.pop_front()?;
        if at == index {
            return Some(seen);
        }
        self.forget();
        None
    }

    /// Nothing is known any more: the walk is in another directory.
    pub(super) fn forget(&mut self) {
        self.coming.clear();
        self.seen.clear();
    }

    /// Keeps the threads at work.
    fn ask(&mut self, folder: &Folder<'_>) {
        while self.coming.len() < PIECES {
            let mut names = Vec::with_capacity(PIECE_FILES);
            while names.len() < PIECE_FILES
                && let Some(name) = folder.file(self.asked_to)
            {
                if (folder.is_wanted)(name) {
                    names.push((self.asked_to, name.to_vec()));
                }
                self.asked_to += 1;
            }
            if names.is_empty() {
                return;
            }
            let (sender, seen) = bounded(1);
            let (directory, path) = (Arc::clone(folder.directory), folder.path.clone());
            let piece = Piece { directory, path, names, seen: sender };
            let threads = self.threads.get_or_insert_with(Threads::start);
            threads.give(piece);
            self.coming.push_back(seen);
        }
    }
}

#[derive(Debug)]
struct Threads {
    pieces: Option<Sender<Piece>>,
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Threads {
    fn start() -> Self {
        let (sender, pieces) = unbounded();
        let is_over = Arc::new(AtomicBool::new(false));
        let start = |_| {
            let (pieces, is_over) = (pieces.clone(), Arc::clone(&is_over));
            let named = std::thread::Builder::new().name("look-ahead".to_owned());
            // As many as the system allows; without any, nothing comes and the walk looks itself.
            named.spawn(move || look(&pieces, &is_over)).ok()
        };
        let threads = (0..THREADS).filter_map(start).collect();
        drop(pieces);
        Self { pieces: Some(sender), is_over, threads }
    }

    fn give(&self, piece: Piece) {
        if let Some(pieces) = &self.pieces {
            // Refused only if there is no thread: then nothing comes of it.
            let _ = pieces.send(piece);
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.pieces = None;
        for thread in self.threads.drain(..) {
            // Whoever waits for a piece of a thread that panicked looks itself.
            let _ = thread.join();
        }
    }
}

/// One thread.
fn look(pieces: &Receiver<Piece>, is_over: &AtomicBool) {
    let mut inspector = Inspector::of_own_thread();
    for Piece { directory, path, names, seen } in pieces {
        inspector.enter(directory.as_fd());
        let mut found = Vec::with_capacity(names.len());
        for (index, name) in names {
            if is_over.load(Ordering::Relaxed) {
                return;
            }
            // A name that makes no path is nothing that the walk would ask for.
            let Ok(path) = path.join(&name) else { continue };
            let mut problems = Vec::new();
            let entry = inspector.inspect(directory.as_fd(), &name, path, &mut problems);
            found.push((index, Seen { entry, problems }));
        }
        // Refused only if the walk has gone elsewhere.
        let _ = seen.send(found);
    }
}
