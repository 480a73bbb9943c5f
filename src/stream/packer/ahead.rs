//! What comes next, and large files that are begun before their turn.
//!
//! A file has one hash, and one processor computes it. While the packer waits for that, the other
//! processors hash the heads of the large files behind it, as far as nothing else wants them. A head
//! lies in slabs of its own and is copied when its turn comes, as only then is known where on tape it
//! goes. How long heads may be: [`ahead_bytes_max`](crate::stream::StreamConfig).

use std::collections::VecDeque;
use std::sync::Arc;

use crate::stream::buffers::{Filling, Pending};
use crate::stream::feeder::{Item, Opened, Supply};
use crate::stream::input::{Input, outcome_of};
use crate::stream::large::{Extent, LargeFile};
use crate::stream::plan::{Change, FileOutcome, PlannedFile};
use crate::stream::workers::Turn;

use super::Packer;

/// Items looked at before their turn: enough to find a large file behind some small ones.
const LOOKED_AT_MAX: usize = 16;

/// The supply, of which the next few items can be looked at.
pub(super) struct Upcoming {
    pub(super) supply: Supply,
    looked_at: VecDeque<Next>,
}

/// An item, as it came or begun.
pub(super) enum Next {
    Item(Item),
    Begun(Begun),
}

/// A large file of which it is known whether it is worth reading.
pub(super) struct Begun {
    pub(super) planned: PlannedFile,
    pub(super) input: Accepted,
    pub(super) head: Option<Head>,
}

/// The beginning of a large file, in slabs of its own. Dropped unless [taken](Head::take), it never was.
pub(super) struct Head {
    file: Option<Arc<LargeFile>>,
    slabs: Vec<Pending>,
    bytes: u64,
}

impl Upcoming {
    pub(super) fn new(supply: Supply) -> Self {
        Self { supply, looked_at: VecDeque::new() }
    }

    /// The next item; waits for it. Nothing if the feeder has left and all was taken.
    pub(super) fn take(&mut self) -> Option<Next> {
        let looked_at = self.looked_at.pop_front();
        looked_at.or_else(|| self.supply.items.recv().ok().map(Next::Item))
    }

    /// The item so far behind the next one, if it is there already. A large file that was opened is given as
    /// begun.
    fn look_at(&mut self, index: usize) -> Option<&mut Next> {
        if index == self.looked_at.len() {
            // The chunks of a file are not for looking at: there are few, and the feeder waits for them.
            let is_end = matches!(self.looked_at.back(), Some(Next::Item(Item::Chunked { .. })));
            if index == LOOKED_AT_MAX || is_end {
                return None;
            }
            self.looked_at.push_back(Next::Item(self.supply.items.try_recv().ok()?));
        }
        let next = self.looked_at.get_mut(index)?;
        if let Next::Item(Item::Large { planned, opened }) = next
            && let Ok(opened) = opened.try_recv()
        {
            *next = Next::Begun(Begun::new(planned.clone(), opened));
        }
        Some(next)
    }

    /// Bytes of all heads.
    fn head_bytes(&self) -> u64 {
        let heads = self.looked_at.iter().filter_map(|next| match next {
            Next::Begun(begun) => begun.head.as_ref(),
            Next::Item(_) => None,
        });
        heads.map(|head| head.bytes).sum()
    }
}

impl Begun {
    pub(super) fn new(planned: PlannedFile, opened: Opened) -> Self {
        let input = accepted(&planned, opened);
        Self { planned, input, head: None }
    }
}

/// The input of a file that is worth reading, else what is to be said of it.
pub(super) type Accepted = Result<Arc<Input>, Box<FileOutcome>>;

/// Whether a file that was opened is worth reading.
pub(super) fn accepted(planned: &PlannedFile, opened: Opened) -> Accepted {
    let (input, now) = opened.map_err(|error| outcome_of(&error))?;
    match Change::between(&planned.stamp, &now) {
        Some(how @ (Change::Shrank | Change::Replaced)) => {
            Err(Box::new(FileOutcome::Changed { how, fuzzy: None }))
        }
        Some(Change::Grew | Change::Touched) | None => Ok(input),
    }
}

impl Head {
    fn of(file: Arc<LargeFile>) -> Self {
        Self { file: Some(file), slabs: Vec::new(), bytes: 0 }
    }

    /// The file, whose turn has come, and the slabs of its head in order.
    pub(super) fn take(mut self) -> Option<(Arc<LargeFile>, Vec<Pending>)> {
        let file = self.file.take()?;
        file.have_turn();
        Some((file, std::mem::take(&mut self.slabs)))
    }
}

impl Drop for Head {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            file.abandon();
        }
    }
}

impl Packer<'_> {
    /// Has the heads of the files that come next read as far as processors and memory allow. Does not wait.
    pub(super) fn read_ahead(&self, upcoming: &mut Upcoming) {
        let gauges = &self.run.gauges;
        let staged = gauges.staged_bytes.get();
        let held = staged.saturating_sub(gauges.staged_on_disk_bytes.get()) + upcoming.head_bytes();
        let mut spare_bytes = self.run.config.ahead_bytes_max().saturating_sub(held);
        // One processor has the file whose turn it is.
        let mut spare_workers = self.run.config.workers().saturating_sub(1);
        let mut index = 0;
        while spare_workers > 0 && spare_bytes > 0 {
            match upcoming.look_at(index) {
                None => return,
                Some(Next::Item(_)) => {}
                Some(Next::Begun(begun)) => {
                    let is_busy = self.read_head(begun, &mut spare_bytes);
                    spare_workers -= usize::from(is_busy);
                }
            }
            index += 1;
        }
    }

    /// Has the head of a file read on; false if there is nothing of it to hash.
    fn read_head(&self, begun: &mut Begun, spare_bytes: &mut u64) -> bool {
        let (planned, Ok(input)) = (&begun.planned, &begun.input) else { return false };
        if planned.continuation.is_some() {
            return false;
        }
        let length = planned.stamp.size_bytes;
        let head = begun.head.get_or_insert_with(|| {
            // Whether the volume takes all of it is known at its turn; if not, the head is dropped.
            let extent = Extent { offset: 0, length, part: None, is_last: true };
            let (run, work) = (Arc::clone(&self.run), self.work.clone());
            let (planned, input) = (planned.clone(), Arc::clone(input));
            Head::of(LargeFile::new(planned, extent, input, run, work, Turn::Ahead))
        });
        let Some(file) = &head.file else { return false };
        while head.bytes < length && *spare_bytes > 0 && !file.has_failed() {
            if file.is_behind(head.bytes) {
                return true;
            }
            let Some(lease) = self.run.slabs.try_lease() else { break };
            let mut slab = Filling::new(lease);
            let room = slab.remaining_bytes();
            let wanted = usize::try_from(length - head.bytes).map_or(room, |left| left.min(room));
            let span = slab.take(wanted);
            head.slabs.push(slab.close());
            file.read(self.engine.as_ref(), head.bytes, span);
            head.bytes += wanted as u64;
            *spare_bytes = spare_bytes.saturating_sub(wanted as u64);
        }
        !file.is_hashed_to(head.bytes)
    }
}
