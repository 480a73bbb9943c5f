//! The reading side of a restore: goes through the items' extents, reads each block once.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, unbounded};

use super::lanes::{Lane, LanePiece, work};
use super::tasks::{EndOfTasks, Task, Tasks};
use super::{
    BlockFault, BlockReader, ItemOutcome, ItemResult, ReadEnd, ReadEndReason, ReadItem, ReadRequest,
};
use crate::domain::BlockNumber;
use crate::ltfs::extent::{Extent, PartitionId};
use crate::stream::buffers::{Block, Filling};
use crate::stream::error::{EdgeError, StreamError};
use crate::stream::gauges::{Fixed, StagingState};
use crate::stream::run::Run;

/// Small files of one block in one task: enough to share the cost, few enough to share the work.
const SMALL_ITEMS_MAX: usize = 32;

/// Reads all items. Blocks until every one that was begun has its result.
///
/// # Errors
/// Only if it cannot begin. Everything later is in [`ReadEnd`] and the results.
pub fn restore(request: ReadRequest<'_>) -> Result<ReadEnd, StreamError> {
    let ReadRequest { items, reader, outs, on_result, config, control, gauges } = request;
    let run = Arc::new(Run::new(config, control, gauges)?);
    let worker_count = run.config.workers();
    let fixed =
        Fixed { engine: "tape", staging: StagingState::None, worker_count: worker_count as u64 };
    run.gauges.set_fixed(fixed, 1);
    let listener = listen(&run);
    let tasks = Tasks::new(worker_count);
    let (results, results_out) = unbounded();
    let (item_count, why) = std::thread::scope(|scope| {
        let ending = EndOfTasks(&tasks);
        for worker in 0..worker_count {
            let (run, tasks, results) = (&run, &tasks, results.clone());
            scope.spawn(move || work(run, (tasks, worker), &results, outs));
        }
        drop(results);
        let mut reading = Reading {
            run: &run,
            reader,
            tasks: &tasks,
            results: &results_out,
            on_result,
            last: None,
            small: None,
            item_count: 0,
        };
        let why = reading.read_all(items);
        let item_count = reading.item_count;
        let on_result = reading.finish();
        drop(ending);
        // The workers end once the tasks are done, and with them the results.
        for result in &results_out {
            on_result(result);
        }
        (item_count, why)
    });
    run.control.forget_listener(listener);
    let figures = run.gauges.snapshot(run.config.clock.elapsed());
    Ok(ReadEnd { item_count, why, failure: run.take_failure(), figures })
}

fn listen(run: &Arc<Run>) -> u64 {
    let woken = Arc::clone(run);
    let listener = run.control.listen(Box::new(move || {
        if woken.control.is_cancelled() {
            woken.halt();
        }
    }));
    if run.control.is_cancelled() {
        run.halt();
    }
    listener
}

/// The block read last, or why it could not be read.
struct LastBlock {
    partition: PartitionId,
    number: BlockNumber,
    bytes: Result<Block, Arc<EdgeError>>,
}

/// Items that lie wholly in one block, each with its bytes in it.
type SmallItems = (Block, Vec<(ReadItem, Range<usize>)>);

struct Reading<'a> {
    run: &'a Run,
    reader: &'a mut dyn BlockReader,
    tasks: &'a Tasks,
    results: &'a Receiver<ItemResult>,
    on_result: &'a mut dyn FnMut(ItemResult),
    last: Option<LastBlock>,
    /// Small items of one block that are not yet with a worker.
    small: Option<SmallItems>,
    item_count: u64,
}

/// Reading cannot go on.
enum Stop {
    Cancelled,
    VolumeLost(EdgeError),
}

/// Why one item cannot be read.
enum ItemStop {
    Item(ItemOutcome),
    All(Stop),
}

impl<'a> Reading<'a> {
    fn read_all(&mut self, items: impl Iterator<Item = ReadItem>) -> ReadEndReason {
        for item in items {
            if !self.run.control.checkpoint() || self.run.is_halted() {
                return ReadEndReason::Cancelled;
            }
            self.item_count += 1;
            match self.read_item(item) {
                Ok(()) => {}
                Err(Stop::Cancelled) => return ReadEndReason::Cancelled,
                Err(Stop::VolumeLost(error)) => return ReadEndReason::VolumeLost(error),
            }
            self.deliver();
        }
        ReadEndReason::Finished
    }

    /// Puts what is left; gives the listener for results back.
    fn finish(mut self) -> &'a mut dyn FnMut(ItemResult) {
        self.send_small();
        self.on_result
    }

    fn deliver(&mut self) {
        while let Ok(result) = self.results.try_recv() {
            (self.on_result)(result);
        }
    }

    fn read_item(&mut self, mut item: ReadItem) -> Result<(), Stop> {
        item.extents.sort_by_key(|extent| extent.file_offset);
        if item.stored_bytes == 0 {
            self.tasks.put(Task::Small { block: None, items: vec![(item, 0..0)] });
            return Ok(());
        }
        if let Some((partition, number, range)) = self.single_block(&item) {
            return self.read_small(item, partition, number, range);
        }
        let id_extents = item.extents.clone();
        let stored_bytes = item.stored_bytes;
        let lane = Lane::new(item, self.run.config.block_bytes);
        let stop = match self.read_extents(&id_extents, stored_bytes, &lane) {
            Ok(()) => None,
            Err(ItemStop::Item(outcome)) => {
                lane.give(LanePiece::Failed(outcome), self.tasks);
                None
            }
            Err(ItemStop::All(stop)) => {
                lane.give(LanePiece::Failed(ItemOutcome::NotRead), self.tasks);
                Some(stop)
            }
        };
        lane.give(LanePiece::End, self.tasks);
        stop.map_or(Ok(()), Err)
    }

    /// The place of an item that lies in one block from its first to its last byte.
    fn single_block(&self, item: &ReadItem) -> Option<(PartitionId, BlockNumber, Range<usize>)> {
        let [extent] = item.extents.as_slice() else { return None };
        let block_bytes = u64::from(self.run.config.block_bytes);
        let start = u64::from(extent.byte_offset) % block_bytes;
        let is_whole = extent.file_offset == 0 && extent.byte_count == item.stored_bytes;
        if !is_whole || extent.byte_count > block_bytes - start {
            return None;
        }
        let skipped = u64::from(extent.byte_offset) / block_bytes;
        let start_block = extent.start_block.0.saturating_add(skipped);
        let start = usize::try_from(start).ok()?;
        let range = start..start + usize::try_from(extent.byte_count).ok()?;
        Some((extent.partition, BlockNumber(start_block), range))
    }

    fn read_small(
        &mut self,
        item: ReadItem,
        partition: PartitionId,
        number: BlockNumber,
        range: Range<usize>,
    ) -> Result<(), Stop> {
        let is_same = self
            .last
            .as_ref()
            .is_some_and(|last| last.partition == partition && last.number == number);
        if !is_same || self.small.as_ref().is_some_and(|(_, all)| all.len() >= SMALL_ITEMS_MAX) {
            self.send_small();
        }
        match self.block(partition, number, &range) {
            Ok(block) => {
                self.small.get_or_insert_with(|| (block, Vec::new())).1.push((item, range));
                Ok(())
            }
            Err(ItemStop::Item(outcome)) => {
                (self.on_result)(ItemResult { id: item.id, outcome });
                Ok(())
            }
            Err(ItemStop::All(stop)) => {
                let outcome = ItemOutcome::NotRead;
                (self.on_result)(ItemResult { id: item.id, outcome });
                Err(stop)
            }
        }
    }

    fn read_extents(
        &mut self,
        extents: &[Extent],
        stored_bytes: u64,
        lane: &Arc<Lane>,
    ) -> Result<(), ItemStop> {
        let block_bytes = u64::from(self.run.config.block_bytes);
        let mut at = 0;
        for extent in extents {
            if extent.file_offset > at {
                lane.give(LanePiece::Hole(extent.file_offset - at), self.tasks);
            }
            let skipped = u64::from(extent.byte_offset) / block_bytes;
            let mut number = extent.start_block.0.saturating_add(skipped);
            let mut start = u64::from(extent.byte_offset) % block_bytes;
            let mut left = extent.byte_count;
            while left > 0 {
                let length = left.min(block_bytes - start);
                // Both are at most a block, which is at most 1 MiB.
                let range = usize::try_from(start).unwrap_or(0)
                    ..usize::try_from(start + length).unwrap_or(0);
                let block = self.block(extent.partition, BlockNumber(number), &range)?;
                lane.give(LanePiece::Bytes { block, range }, self.tasks);
                number = number.saturating_add(1);
                start = 0;
                left -= length;
                self.deliver();
            }
            at = extent.file_offset.saturating_add(extent.byte_count);
        }
        if at < stored_bytes {
            lane.give(LanePiece::Hole(stored_bytes - at), self.tasks);
        }
        Ok(())
    }

    /// The block, if it covers `range`. Reads it unless it was the one read last.
    fn block(
        &mut self,
        partition: PartitionId,
        number: BlockNumber,
        range: &Range<usize>,
    ) -> Result<Block, ItemStop> {
        let is_known = self
            .last
            .as_ref()
            .is_some_and(|last| last.partition == partition && last.number == number);
        if !is_known {
            let bytes = self.read_block(partition, number)?;
            self.last = Some(LastBlock { partition, number, bytes });
        }
        let refused = |error: Arc<EdgeError>| {
            ItemStop::Item(ItemOutcome::ReadError { partition, block: number, error })
        };
        match self.last.as_ref().map(|last| &last.bytes) {
            Some(Ok(block)) if block.len() >= range.end => Ok(block.clone()),
            Some(Ok(block)) => {
                let (has, wanted) = (block.len(), range.end);
                let text = format!("the block has {has} bytes; the file needs {wanted} of it");
                Err(refused(Arc::new(text.into())))
            }
            Some(Err(error)) => Err(refused(Arc::clone(error))),
            None => Err(ItemStop::All(Stop::Cancelled)),
        }
    }

    fn read_block(
        &mut self,
        partition: PartitionId,
        number: BlockNumber,
    ) -> Result<Result<Block, Arc<EdgeError>>, ItemStop> {
        if !self.run.control.checkpoint() {
            return Err(ItemStop::All(Stop::Cancelled));
        }
        // What is kept for a task or as the last block would be missing from the pool.
        self.last = None;
        self.send_small();
        let waiting_since = Instant::now();
        let lease = self.run.slabs.lease(self.run.halted());
        self.run.gauges.source_blocked.add_time(waiting_since.elapsed());
        let mut lease = lease.ok_or(ItemStop::All(Stop::Cancelled))?;
        let result = self.reader.read_block(partition, number, &mut lease);
        match result {
            Ok(length) => {
                let mut filling = Filling::new(lease);
                drop(filling.take(length.min(filling.remaining_bytes())));
                self.run.gauges.source_bytes.add(length as u64);
                self.run.gauges.update_drive(0, |drive| {
                    drive.bytes += length as u64;
                    drive.is_running = true;
                });
                Ok(Ok(filling.close().wait()))
            }
            Err(BlockFault::Block(error)) => Ok(Err(Arc::new(error))),
            Err(BlockFault::Volume(error)) => Err(ItemStop::All(Stop::VolumeLost(error))),
        }
    }

    fn send_small(&mut self) {
        if let Some((block, items)) = self.small.take() {
            self.tasks.put(Task::Small { block: Some(block), items });
        }
    }
}
