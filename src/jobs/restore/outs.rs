//! The files that the data path writes: whole ones and parts.
//!
//! Called from the workers of the stream. What became of a file is left here for the job's own thread,
//! which takes it when the stream reports the item.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::assembly::{Assembly, AssemblyError};
use crate::catalog::{CopyId, ItemKey};
use crate::domain::{KIB, Sha256Digest, SourcePath};
use crate::jobs::description::Described;
use crate::source::destination::{Destination, RestoredFile, Shortfall};
use crate::stream::{EdgeError, FileOut, FileOuts};

/// A file of at most this many bytes is written without asking first whether its name is free.
const SMALL_BYTES_MAX: u64 = 64 * KIB;

/// An item that is being read.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) key: ItemKey,
    pub(super) copy: CopyId,
    /// Where it goes.
    pub(super) target: SourcePath,
    pub(super) described: Described,
    /// Size and hash of the whole file.
    pub(super) size_bytes: u64,
    pub(super) sha256: Option<Sha256Digest>,
    /// Offset and size, if it is a part.
    pub(super) part: Option<(u64, u64)>,
}

/// What a worker has done with an item.
#[derive(Debug)]
pub(super) enum Written {
    /// A file stands in its place; or a split one, with the items of its parts.
    Placed(Vec<Shortfall>, Vec<ItemKey>),
    /// All parts are there, but the file is not put in its place.
    Refused(AssemblyError, Vec<ItemKey>),
}

/// Where files go.
#[derive(Debug)]
pub(super) struct Outs {
    pub(super) destination: Destination,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    pending: Mutex<HashMap<u64, Arc<Pending>>>,
    written: Mutex<HashMap<u64, Written>>,
    /// Split files that are not whole yet.
    assemblies: Mutex<HashMap<SourcePath, Assembly>>,
}

impl Outs {
    /// Into `destination`.
    pub(super) fn new(destination: Destination) -> Self {
        Self { destination, shared: Arc::default() }
    }

    /// Tells of an item before it is read.
    pub(super) fn expect(&self, id: u64, pending: Pending) {
        self.shared.pending.lock().insert(id, Arc::new(pending));
    }

    /// The item, once the stream has reported it, and what a worker did with it.
    pub(super) fn take(&self, id: u64) -> (Option<Arc<Pending>>, Option<Written>) {
        let pending = self.shared.pending.lock().remove(&id);
        (pending, self.shared.written.lock().remove(&id))
    }

    /// Throws away what there is of a split file; returns the items of the parts that were in it.
    pub(super) fn give_up(&self, target: &SourcePath) -> Vec<ItemKey> {
        let assembly = self.shared.assemblies.lock().remove(target);
        assembly.map_or_else(Vec::new, Assembly::into_keys)
    }

    /// Throws away every split file that did not become whole; returns their items.
    pub(super) fn give_up_unfinished(&self) -> Vec<ItemKey> {
        let unfinished = std::mem::take(&mut *self.shared.assemblies.lock());
        unfinished.into_values().flat_map(Assembly::into_keys).collect()
    }
}

impl FileOuts for Outs {
    fn create(&self, id: u64) -> Result<Box<dyn FileOut>, EdgeError> {
        let pending = self.shared.pending.lock().get(&id).cloned();
        let pending = pending.ok_or("an item that nobody has told of")?;
        let segments = pending.described.data_segments.clone();
        let Some((offset, _)) = pending.part else {
            let (target, is_small) = (&pending.target, pending.size_bytes <= SMALL_BYTES_MAX);
            let file = if is_small {
                self.destination.small_file(target, segments)?
            } else {
                self.destination.file(target, segments)?
            };
            return Ok(Box::new(Whole { file, id, pending, shared: Arc::clone(&self.shared) }));
        };
        let mut assemblies = self.shared.assemblies.lock();
        if !assemblies.contains_key(&pending.target) {
            let file = self.destination.file(&pending.target, segments)?;
            let metadata = pending.described.metadata.clone();
            let assembly = Assembly::new(file, metadata, pending.size_bytes, pending.sha256);
            assemblies.insert(pending.target.clone(), assembly);
        }
        if let Some(assembly) = assemblies.get_mut(&pending.target) {
            assembly.begin_part(offset);
        }
        drop(assemblies);
        Ok(Box::new(PartOut { id, pending, shared: Arc::clone(&self.shared) }))
    }
}

/// A file that is on one volume.
struct Whole {
    file: RestoredFile,
    id: u64,
    pending: Arc<Pending>,
    shared: Arc<Shared>,
}

impl FileOut for Whole {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), EdgeError> {
        Ok(self.file.write_at(bytes, offset)?)
    }

    fn finish(self: Box<Self>, size_bytes: u64) -> Result<(), EdgeError> {
        let placed = self.file.commit(size_bytes, &self.pending.described.metadata)?;
        let written = Written::Placed(placed.shortfalls, vec![self.pending.key]);
        self.shared.written.lock().insert(self.id, written);
        Ok(())
    }
}

/// A part of a file that is on several.
struct PartOut {
    id: u64,
    pending: Arc<Pending>,
    shared: Arc<Shared>,
}

impl FileOut for PartOut {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), EdgeError> {
        let (start, _) = self.pending.part.unwrap_or_default();
        let mut assemblies = self.shared.assemblies.lock();
        let assembly = assemblies.get_mut(&self.pending.target).ok_or("it was given up")?;
        Ok(assembly.write_at(bytes, start.saturating_add(offset))?)
    }

    fn finish(self: Box<Self>, _size_bytes: u64) -> Result<(), EdgeError> {
        let (start, size) = self.pending.part.unwrap_or_default();
        let mut assemblies = self.shared.assemblies.lock();
        let target = &self.pending.target;
        let assembly = assemblies.get_mut(target).ok_or("it was given up")?;
        assembly.end_part(self.pending.key, start, size);
        if !assembly.is_complete() {
            return Ok(());
        }
        let assembly = assemblies.remove(target).ok_or("it was given up")?;
        drop(assemblies);
        let written = match assembly.place() {
            Ok((placed, keys)) => Written::Placed(placed.shortfalls, keys),
            Err((error, keys)) => Written::Refused(error, keys),
        };
        self.shared.written.lock().insert(self.id, written);
        Ok(())
    }
}
