//! Stage-ahead: blocks that wait for the drives, in memory first and in a folder behind it.
//!
//! ```text
//!   oldest ◀───────────────────────────────────────────────── newest
//!   [ RAM  RAM  RAM ][ disk  disk  disk  disk  disk ][ RAM  RAM ]
//!     ▲ drives take        ▲ read back ahead            ▲ saved when memory runs short
//! ```
//!
//! One queue for all sinks; a block leaves it when every sink took it, so a slow sink bounds the
//! rest. With a folder, the newest blocks in memory are saved there when slabs run short, and blocks
//! near the front are read back into slabs kept for that. Without one, full memory holds up the
//! source. One lock, held for the time of moving a few words.

mod folder;
mod intake;
#[cfg(test)]
pub(crate) mod rig;
mod spill;

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use super::buffers::Block;
use super::plan::FileRecord;
use super::rate::{Motion, PaceView, Pacer, SourceMeter, StageRoom, plan_water};
use super::run::{HALT_LOOK, Run};

pub(super) use folder::Folder;
pub(super) use intake::run_intake;
use spill::Saved;
pub(super) use spill::Spill;

/// Part of the memory that blocks can be staged in; files being read hold the rest.
const STAGED_TENTHS: u64 = 8;

/// The queue of blocks.
#[derive(Debug)]
pub(super) struct Stage {
    run: Arc<Run>,
    state: Mutex<State>,
    changed: Condvar,
    /// The folder behind the memory.
    spill: Option<Spill>,
}

#[derive(Debug)]
struct State {
    entries: VecDeque<Entry>,
    /// The number of the first entry still here; entries count from 0.
    first: u64,
    /// The sequence number of the next block.
    next_sequence: u64,
    is_ended: bool,
    sinks: Vec<SinkState>,
    source: SourceMeter,
    staged_in_bytes: u64,
    room: StageRoom,
    saves_out: usize,
    is_folder_broken: bool,
}

#[derive(Debug)]
struct Entry {
    sequence: u64,
    length: u64,
    body: Body,
    records: Arc<Vec<FileRecord>>,
}

/// Where a block's bytes are.
#[derive(Debug)]
enum Body {
    /// Only records.
    Empty,
    Ram(Block),
    /// Being saved; still readable.
    Saving(Block),
    Disk(Saved),
    /// Being read back.
    Loading,
}

#[derive(Debug, Default)]
struct SinkState {
    next: u64,
    taken_bytes: u64,
    /// True if a file ended in the entry taken last.
    is_between_files: bool,
    has_left: bool,
    pacer: Pacer,
}

/// What a sink is given.
#[derive(Debug)]
pub(super) enum Taken {
    /// A block (or none) and the files that end in it.
    Entry { block: Option<(u64, Block)>, records: Arc<Vec<FileRecord>> },
    /// There is nothing to take now; stand still, and ask again.
    Stand,
    /// Everything was taken.
    Ended,
    /// The stream was halted or is to pause: look why.
    Interrupted,
}

impl Stage {
    pub(super) fn new(run: Arc<Run>, sink_count: usize, spill: Option<Spill>) -> Self {
        let folder_bytes = spill.as_ref().map_or(0, |spill| spill.folder.reserved_bytes());
        let ram = run.slabs.slab_count() as u64 * run.slabs.slab_bytes() as u64;
        let memory_bytes = ram / 10 * STAGED_TENTHS;
        let state = State {
            entries: VecDeque::new(),
            first: 0,
            next_sequence: 0,
            is_ended: false,
            sinks: (0..sink_count).map(|_| SinkState::default()).collect(),
            source: SourceMeter::default(),
            staged_in_bytes: 0,
            room: StageRoom { memory_bytes, total_bytes: memory_bytes + folder_bytes },
            saves_out: 0,
            is_folder_broken: false,
        };
        Self { run, state: Mutex::new(state), changed: Condvar::new(), spill }
    }

    /// Adds a block and its records at the end.
    fn push(self: &Arc<Self>, block: Option<Block>, records: Vec<FileRecord>) {
        let mut state = self.state.lock();
        let length = block.as_ref().map_or(0, |block| block.len() as u64);
        let sequence = state.next_sequence;
        state.next_sequence += u64::from(block.is_some());
        state.staged_in_bytes += length;
        let total = state.staged_in_bytes;
        let gauges = &self.run.gauges;
        let now = self.run.config.clock.elapsed();
        state.source.observe(now, total, gauges.source_blocked_time());
        gauges.staged_bytes.add(length);
        let body = block.map_or(Body::Empty, Body::Ram);
        state.entries.push_back(Entry { sequence, length, body, records: Arc::new(records) });
        let saves = self.choose_saves(&mut state);
        drop(state);
        self.changed.notify_all();
        self.start(saves, Vec::new());
    }

    /// Nothing more comes.
    fn end(&self) {
        self.state.lock().is_ended = true;
        self.changed.notify_all();
    }

    /// Wakes everybody who waits here.
    pub(super) fn wake(&self) {
        let _state = self.state.lock();
        self.changed.notify_all();
    }

    /// The next entry for a sink. Waits as long as its drive may wait without standing still.
    pub(super) fn take(&self, sink: usize) -> Taken {
        let mut state = self.state.lock();
        loop {
            if self.run.is_halted() || self.run.control.request() != super::control::Request::Run {
                return Taken::Interrupted;
            }
            let at = state.sinks[sink].next;
            let index = usize::try_from(at - state.first).unwrap_or(usize::MAX);
            if state.is_ended && index >= state.entries.len() {
                return Taken::Ended;
            }
            // Records without bytes need no drive.
            let is_empty =
                matches!(state.entries.get(index), Some(Entry { body: Body::Empty, .. }));
            if !is_empty {
                match self.pace(&mut state, sink) {
                    Motion::Run => {}
                    Motion::Stand => return Taken::Stand,
                    Motion::Hold(time) => {
                        drop(state);
                        self.run.config.clock.wait(time);
                        state = self.state.lock();
                        continue;
                    }
                    Motion::Wait => {
                        self.changed.wait_for(&mut state, HALT_LOOK);
                        continue;
                    }
                }
            }
            let block = match state.entries.get(index).map(|entry| (&entry.body, entry.sequence)) {
                Some((Body::Empty, _)) => None,
                Some((Body::Ram(block) | Body::Saving(block), sequence)) => {
                    Some((sequence, block.clone()))
                }
                Some((Body::Disk(_) | Body::Loading, _)) | None => {
                    self.changed.wait_for(&mut state, HALT_LOOK);
                    continue;
                }
            };
            let records = Arc::clone(&state.entries[index].records);
            return Taken::Entry { block, records };
        }
    }

    /// Waits until a drive that stands may look again.
    pub(super) fn wait_for_change(&self) {
        let mut state = self.state.lock();
        if !state.is_ended && !self.run.is_halted() {
            self.changed.wait_for(&mut state, HALT_LOOK);
        }
    }

    /// A sink is done with the entry it took.
    pub(super) fn taken(self: &Arc<Self>, sink: usize) {
        let mut state = self.state.lock();
        let index = usize::try_from(state.sinks[sink].next - state.first).unwrap_or(usize::MAX);
        let now = self.run.config.clock.elapsed();
        let entry = state.entries.get(index);
        let (length, is_between_files) =
            entry.map_or((0, false), |entry| (entry.length, !entry.records.is_empty()));
        let sink_state = &mut state.sinks[sink];
        sink_state.next += 1;
        sink_state.taken_bytes += length;
        sink_state.is_between_files = is_between_files;
        sink_state.pacer.note_taken(now, length);
        self.release(&mut state);
        let loads = self.choose_loads(&mut state);
        drop(state);
        self.start(Vec::new(), loads);
    }

    /// A sink wants nothing more. The last one to leave halts the stream.
    pub(super) fn leave(self: &Arc<Self>, sink: usize) {
        let mut state = self.state.lock();
        state.sinks[sink].has_left = true;
        let is_last = state.sinks.iter().all(|sink| sink.has_left);
        self.release(&mut state);
        let loads = self.choose_loads(&mut state);
        drop(state);
        self.start(Vec::new(), loads);
        if is_last {
            self.run.halt();
            self.wake();
        }
    }

    /// Lets go of entries that every sink took.
    fn release(&self, state: &mut State) {
        let staying = state.sinks.iter().filter(|sink| !sink.has_left);
        let Some(done_to) = staying.map(|sink| sink.next).min() else {
            return;
        };
        let mut record_count = 0;
        while state.first < done_to {
            let Some(entry) = state.entries.pop_front() else { break };
            state.first += 1;
            record_count += entry.records.len();
            self.run.gauges.staged_bytes.subtract(entry.length);
        }
        self.run.return_records(record_count);
        self.changed.notify_all();
    }

    fn pace(&self, state: &mut State, sink: usize) -> Motion {
        let now = self.run.config.clock.elapsed();
        let staged = state.staged_in_bytes;
        let medium = self.run.config.medium;
        let water = plan_water(medium, state.source.view(now), state.room);
        let is_ended = state.is_ended;
        // With several drives the queue is held up by the one that is furthest behind.
        let is_last = state.sinks[sink].next == state.first;
        let is_full = is_last
            && (self.run.has_records_waiting()
                || (self.run.slabs.is_starved() && !self.can_save(state)));
        let sink_state = &mut state.sinks[sink];
        let view = PaceView {
            staged_bytes: staged - sink_state.taken_bytes,
            is_ended,
            is_full,
            is_between_files: sink_state.is_between_files,
            medium,
            water,
        };
        let motion = sink_state.pacer.decide(now, &view);
        let pacer = &sink_state.pacer;
        self.run.gauges.update_drive(sink, |drive| {
            drive.underruns = pacer.underrun_count();
            drive.back_hitches = pacer.hitch_count();
            drive.is_running = motion != Motion::Stand;
        });
        motion
    }
}
