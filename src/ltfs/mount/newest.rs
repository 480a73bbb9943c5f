//! Finding the newest index that proves itself: by the cartridge's memory, or by search.

use super::ends::{self, EndOfData, PartitionEnd, Tail};
use super::memory::{self, Memory};
use super::{ChoiceReason, Finding, LastIndex, PartitionState, Severity};
use crate::domain::{BlockNumber, Partition, Position};
use crate::drive::{Drive, DriveError, ReadOutcome};
use crate::ltfs::error::{LtfsError, is_damage};
use crate::ltfs::extent::PartitionId;
use crate::ltfs::index::IndexLocation;
use crate::ltfs::tape::{FIRST_INDEX_BLOCK, IndexFound, IndexOnTape, IndexPlace, read_index};

/// The outcome of either way to find the newest index.
pub(super) struct Found {
    pub(super) index: IndexOnTape,
    pub(super) reason: ChoiceReason,
    pub(super) passed_over: usize,
    pub(super) index_state: PartitionState,
    pub(super) data_state: PartitionState,
}

/// Goes where the cartridge's memory points, if it is current.
pub(super) fn by_memory(
    drive: &mut Drive,
    place: IndexPlace<'_>,
    memory: &Memory,
    findings: &mut Vec<Finding>,
) -> Result<Option<Found>, LtfsError> {
    let map = place.map;
    let Some((on_index, on_data)) = memory.current() else { return Ok(None) };
    let ((_, partition), newest) = if on_index.generation >= on_data.generation {
        (map.index, on_index)
    } else {
        findings.push(Finding::IndexPartitionBehind {
            index: on_index.generation,
            data: on_data.generation,
        });
        (map.data, on_data)
    };
    let index = match read_index(drive, place, partition, newest.block)? {
        IndexFound::Good(index)
            if index.file.header().generation == newest.generation
                && is_last(drive, partition, &index)? =>
        {
            *index
        }
        // The search that follows says what is wrong with it.
        IndexFound::Good(index) => {
            drop_file(Some(*index));
            return Ok(None);
        }
        IndexFound::Damaged(_) | IndexFound::NotAnIndex => return Ok(None),
    };
    let state =
        |(id, partition): (PartitionId, Partition), last: memory::LastKnown| PartitionState {
            id,
            partition,
            end_of_data: EndOfData::NotChecked,
            last_index: Some(LastIndex {
                location: IndexLocation { partition: id, block: last.block },
                generation: last.generation,
            }),
            tail: Tail::NotChecked,
        };
    Ok(Some(Found {
        index,
        reason: ChoiceReason::MemoryIsCurrent,
        passed_over: 0,
        index_state: state(map.index, on_index),
        data_state: state(map.data, on_data),
    }))
}

/// True if nothing stands behind an index that was just read: a memory that points to an older one
/// is wrong, whatever it says of itself.
fn is_last(
    drive: &mut Drive,
    partition: Partition,
    index: &IndexOnTape,
) -> Result<bool, LtfsError> {
    const DOING: &str = "look behind the index";
    let end = Position { partition, block: index.end() };
    let read = if drive.position() == Some(end) { Ok(()) } else { drive.locate(end) }
        .and_then(|()| drive.read_block(&mut [0; 1]));
    match read {
        Ok(ReadOutcome::EndOfData) | Err(DriveError::BeyondEndOfData { .. }) => Ok(true),
        Ok(ReadOutcome::Block { .. } | ReadOutcome::Filemark)
        | Err(DriveError::BlockTooLong { .. }) => Ok(false),
        Err(error) if is_damage(&error) || error.is_locked_content() => Ok(false),
        Err(error) => Err(LtfsError::drive(DOING)(error)),
    }
}

/// Searches both partitions from their ends and takes the newer index.
pub(super) fn by_search(
    drive: &mut Drive,
    place: IndexPlace<'_>,
    memory: &Memory,
    findings: &mut Vec<Finding>,
) -> Result<Found, LtfsError> {
    findings.retain(|finding| !matches!(finding, Finding::IndexPartitionBehind { .. }));
    let map = place.map;
    let mut on_index = ends::search(drive, place, map.index.1)?;
    let mut on_data = ends::search(drive, place, map.data.1)?;
    let leads_back = on_index.index.as_ref().and_then(|index| index.file.header().previous);
    let pointers =
        [memory.data.map(|known| known.block), leads_back.map(|previous| previous.block)];
    by_pointer(drive, place, map.data.1, &mut on_data, &pointers)?;
    by_pointer(drive, place, map.index.1, &mut on_index, &[memory.index.map(|known| known.block)])?;
    let is_current = memory.current().is_some();
    let index_state = describe(map.index, &on_index, is_current, findings);
    let data_state = describe(map.data, &on_data, is_current, findings);
    if let Some((index, data)) = memory.current() {
        for (state, known, damaged) in
            [(&index_state, index, &on_index.damaged), (&data_state, data, &on_data.damaged)]
        {
            // Where the index that it points to is damaged, the memory is right.
            if !known.is(state.last_index) && !damaged.contains(&known.block) {
                findings.push(Finding::CoherencyWrong(state.id));
            }
        }
    }
    let passed_over = on_index.damaged.len() + on_data.damaged.len();
    let (index, reason) = choose(on_index.index, on_data, findings)?
        .ok_or(LtfsError::NoIndex { volume: place.label.uuid, tried: passed_over })?;
    Ok(Found { index, reason, passed_over, index_state, data_state })
}

/// Where the end of data is missing or the way back from it is damaged, indexes can still be read
/// where something points to them.
fn by_pointer(
    drive: &mut Drive,
    place: IndexPlace<'_>,
    partition: Partition,
    end: &mut PartitionEnd,
    pointers: &[Option<BlockNumber>],
) -> Result<(), LtfsError> {
    if !end.may_hold_more() {
        return Ok(());
    }
    let first = Some(FIRST_INDEX_BLOCK);
    let mut tried = Vec::new();
    for block in pointers.iter().chain([&first]).flatten() {
        if tried.contains(block) {
            continue;
        }
        tried.push(*block);
        let IndexFound::Good(index) = read_index(drive, place, partition, *block)? else {
            continue;
        };
        let is_newer = end
            .index
            .as_ref()
            .is_none_or(|known| known.file.header().generation < index.file.header().generation);
        if is_newer {
            drop_file(end.found_by_pointer(*index));
        } else {
            drop_file(Some(*index));
        }
    }
    Ok(())
}

/// The state of a partition, and what is to be said of it.
fn describe(
    (id, partition): (PartitionId, Partition),
    end: &PartitionEnd,
    memory_is_current: bool,
    findings: &mut Vec<Finding>,
) -> PartitionState {
    if end.end_of_data == EndOfData::Missing {
        findings.push(Finding::EndOfDataMissing(id));
    }
    if end.index.is_none() {
        findings.push(Finding::NoIndex(id));
    }
    // The reference looks at the ends only when the memory is not current, and then repairs a
    // missing filemark by itself; when it is current, it stumbles over just that.
    let severity = match &end.tail {
        Tail::Clean | Tail::NotChecked => None,
        Tail::NoTrailingFilemark if memory_is_current => Some(Severity::Repair),
        Tail::NoTrailingFilemark => Some(Severity::Note),
        Tail::ExtraFilemarks { .. } | Tail::Data { .. } if memory_is_current => {
            Some(Severity::Note)
        }
        Tail::ExtraFilemarks { .. } | Tail::Data { .. } | Tail::DamagedIndex { .. } => {
            Some(Severity::Repair)
        }
    };
    if let Some(severity) = severity {
        findings.push(Finding::Tail { partition: id, tail: end.tail.clone(), severity });
    }
    PartitionState {
        id,
        partition,
        end_of_data: end.end_of_data,
        last_index: end.index.as_ref().map(|index| LastIndex {
            location: index.location,
            generation: index.file.header().generation,
        }),
        tail: end.tail.clone(),
    }
}

/// The newer of two; of the same generation the index partition's, if it leads back to the other.
fn choose(
    on_index: Option<IndexOnTape>,
    data_end: PartitionEnd,
    findings: &mut Vec<Finding>,
) -> Result<Option<(IndexOnTape, ChoiceReason)>, LtfsError> {
    let (on_index, on_data) = match (on_index, data_end.index) {
        (Some(index), Some(data)) => (index, data),
        (Some(only), None) | (None, Some(only)) => {
            return Ok(Some((only, ChoiceReason::OnlyOne)));
        }
        (None, None) => return Ok(None),
    };
    let (index_generation, data_generation) =
        (on_index.file.header().generation, on_data.file.header().generation);
    let found = on_index.file.header().previous;
    let leads_back = found == Some(on_data.location);
    if index_generation < data_generation {
        findings
            .push(Finding::IndexPartitionBehind { index: index_generation, data: data_generation });
    } else if !leads_back && !found.is_some_and(|found| data_end.damaged.contains(&found.block)) {
        // Where it leads to a damaged index it is right, and that one is the finding.
        findings.push(Finding::BackPointer { found, expected: on_data.location });
    }
    if index_generation == data_generation
        && let Some(at) = on_index.file.first_difference(&on_data.file)?
    {
        let (index, data) = (on_index.location, on_data.location);
        findings.push(Finding::CopiesDiffer { generation: index_generation, index, data, at });
    }
    let takes_index =
        index_generation > data_generation || (index_generation == data_generation && leads_back);
    let (taken, left) = if takes_index { (on_index, on_data) } else { (on_data, on_index) };
    let other = left.file.header().generation;
    let reason = if index_generation == data_generation {
        ChoiceReason::SameOnBoth
    } else {
        ChoiceReason::NewerThanOther { other }
    };
    drop_file(Some(left));
    Ok(Some((taken, reason)))
}

/// Takes the file of an index that was not chosen out of the spool folder.
fn drop_file(index: Option<IndexOnTape>) {
    if let Some(index) = index.filter(|index| index.is_new) {
        // It is only in the way; a mount does not fail over it.
        let _ = std::fs::remove_file(index.file.path());
    }
}
