//! Between memory and staging folder: which blocks are saved, which are read back, and checked how.
//!
//! A block's CRC-32 is taken before it leaves memory and compared when it is back. Bytes that
//! changed on the disk are read once more and then end the stream: the files in them were not told
//! to any sink, so they are planned again.

use std::sync::Arc;

use super::folder::{Folder, Slot};
use super::{Body, Stage, State};
use crate::stream::buffers::{Block, BufferPool, Filling, Span};
use crate::stream::config::READ_BACK_SLABS;
use crate::stream::engine::{Engine, LoadOp, Op, SaveOp};
use crate::stream::error::StreamError;
use crate::stream::gauges::StagingState;

/// Blocks being saved at once: enough for a fast disk's queue.
const SAVES_MAX: usize = 8;

/// The folder behind the memory, and what reads and writes it.
#[derive(Debug)]
pub(in crate::stream) struct Spill {
    pub(in crate::stream) folder: Folder,
    pub(in crate::stream) engine: Arc<dyn Engine>,
    /// Slabs for what is read back; apart from the others, so that reading back never waits.
    pub(in crate::stream) read_back: BufferPool,
    pub(in crate::stream) path: std::path::PathBuf,
}

/// A block on disk.
#[derive(Debug)]
pub(super) struct Saved {
    slot: Slot,
    crc: u32,
}

/// A block that is to be saved.
pub(super) struct Save {
    number: u64,
    block: Block,
    slot: Slot,
}

/// A block that is to be read back.
pub(super) struct Load {
    number: u64,
    sequence: u64,
    length: usize,
    saved: Saved,
    filling: Filling,
    is_retry: bool,
}

impl Stage {
    /// True if saving can still make room in memory.
    pub(super) fn can_save(&self, state: &State) -> bool {
        let Some(spill) = &self.spill else { return false };
        !state.is_folder_broken && !spill.folder.is_full()
    }

    /// Marks the newest blocks for saving while memory is short.
    pub(super) fn choose_saves(&self, state: &mut State) -> Vec<Save> {
        let Some(spill) = &self.spill else { return Vec::new() };
        if state.is_folder_broken {
            return Vec::new();
        }
        let reserve = (self.run.slabs.slab_count() / 4).max(2);
        let mut wanted = reserve
            .saturating_sub(self.run.slabs.free_count() + state.saves_out)
            .min(SAVES_MAX.saturating_sub(state.saves_out));
        let mut saves = Vec::new();
        let first = state.first;
        let far = READ_BACK_SLABS.min(self.run.slabs.slab_count() / 4);
        // What is in memory at the end of the queue cannot be further back than this, however much
        // is on disk.
        let tail = state.entries.len().saturating_sub(2 * self.run.slabs.slab_count());
        for (index, entry) in state.entries.iter_mut().enumerate().skip(far.max(tail)).rev() {
            if wanted == 0 {
                break;
            }
            let Body::Ram(block) = &entry.body else { continue };
            if block.is_of(&spill.read_back) {
                continue;
            }
            let Some(slot) = spill.folder.take_slot() else { break };
            let block = block.clone();
            entry.body = Body::Saving(block.clone());
            saves.push(Save { number: first + index as u64, block, slot });
            wanted -= 1;
        }
        state.saves_out += saves.len();
        saves
    }

    /// Marks blocks on disk near the front for reading back.
    pub(super) fn choose_loads(&self, state: &mut State) -> Vec<Load> {
        let Some(spill) = &self.spill else { return Vec::new() };
        let mut loads = Vec::new();
        let first = state.first;
        for (index, entry) in state.entries.iter_mut().enumerate().take(READ_BACK_SLABS) {
            if !matches!(entry.body, Body::Disk(_)) {
                continue;
            }
            let Some(lease) = spill.read_back.try_lease() else { break };
            if let Body::Disk(saved) = std::mem::replace(&mut entry.body, Body::Loading) {
                loads.push(Load {
                    number: first + index as u64,
                    sequence: entry.sequence,
                    length: usize::try_from(entry.length).unwrap_or(0),
                    saved,
                    filling: Filling::new(lease),
                    is_retry: false,
                });
            }
        }
        loads
    }

    pub(super) fn start(self: &Arc<Self>, saves: Vec<Save>, loads: Vec<Load>) {
        for save in saves {
            self.start_save(save);
        }
        for load in loads {
            self.start_load(load);
        }
    }

    fn start_save(self: &Arc<Self>, save: Save) {
        let Some(spill) = &self.spill else { return };
        let Save { number, block, slot } = save;
        let crc = crc32fast::hash(block.whole_slab());
        let stage = Arc::clone(self);
        spill.engine.submit(Op::Save(SaveOp {
            file: Arc::clone(&spill.folder.file),
            offset: slot.offset(),
            block,
            done: Box::new(move |result| stage.finish_save(number, Saved { slot, crc }, result)),
        }));
    }

    fn finish_save(self: &Arc<Self>, number: u64, saved: Saved, result: std::io::Result<()>) {
        let Some(spill) = &self.spill else { return };
        let mut state = self.state.lock();
        state.saves_out -= 1;
        let is_saved = result.is_ok();
        if let Err(error) = result {
            state.is_folder_broken = true;
            let reason = format!("cannot write to {}: {error}", spill.path.display());
            tracing::warn!(%reason, "staging goes on in memory alone");
            self.run.gauges.set_staging(StagingState::Bypassed { reason });
        }
        // A drive may have taken the block while it was being saved.
        let entry = number
            .checked_sub(state.first)
            .and_then(|index| usize::try_from(index).ok())
            .and_then(|index| state.entries.get_mut(index));
        let mut freed = None;
        match entry {
            Some(entry) => {
                let body = std::mem::replace(&mut entry.body, Body::Loading);
                entry.body = match body {
                    Body::Saving(block) if is_saved => {
                        self.run.gauges.staged_on_disk_bytes.add(entry.length);
                        self.run.gauges.staging_written_bytes.add(entry.length);
                        freed = Some(block);
                        Body::Disk(saved)
                    }
                    Body::Saving(block) => {
                        spill.folder.give_back(&saved.slot);
                        Body::Ram(block)
                    }
                    body => body,
                };
            }
            None => spill.folder.give_back(&saved.slot),
        }
        let loads = self.choose_loads(&mut state);
        drop(state);
        drop(freed);
        let saves = self.choose_saves(&mut self.state.lock());
        self.start(saves, loads);
        self.changed.notify_all();
    }

    fn start_load(self: &Arc<Self>, mut load: Load) {
        let Some(spill) = &self.spill else { return };
        let span = load.filling.take(load.filling.remaining_bytes());
        self.submit_load(spill, load, span);
    }

    fn submit_load(self: &Arc<Self>, spill: &Spill, load: Load, span: Span) {
        let stage = Arc::clone(self);
        spill.engine.submit(Op::Load(LoadOp {
            file: Arc::clone(&spill.folder.file),
            offset: load.saved.slot.offset(),
            span,
            done: Box::new(move |span, result| stage.finish_load(load, span, result)),
        }));
    }

    fn finish_load(self: &Arc<Self>, mut load: Load, span: Span, result: std::io::Result<()>) {
        let Some(spill) = &self.spill else { return };
        let is_same = result.is_ok() && crc32fast::hash(&span) == load.saved.crc;
        if !is_same && !load.is_retry {
            load.is_retry = true;
            return self.submit_load(spill, load, span);
        }
        spill.folder.give_back(&load.saved.slot);
        if !is_same {
            let folder = spill.path.clone();
            self.run.fail(match result {
                Ok(()) => StreamError::StagingCorrupt { folder, block: load.sequence },
                Err(source) => StreamError::StagingUnreadable { folder, source },
            });
            return self.wake();
        }
        drop(span);
        let block = load.filling.close().wait().truncated(load.length);
        self.run.gauges.staged_on_disk_bytes.subtract(load.length as u64);
        let mut state = self.state.lock();
        let index = load.number.checked_sub(state.first).and_then(|at| usize::try_from(at).ok());
        if let Some(entry) = index.and_then(|index| state.entries.get_mut(index)) {
            entry.body = Body::Ram(block);
        }
        drop(state);
        self.changed.notify_all();
    }
}
