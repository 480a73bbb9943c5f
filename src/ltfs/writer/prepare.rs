//! What must be true before the first command that writes: the right volume, its ends where the
//! mount found them, nothing that forbids it.

use super::Locked;
use super::room::RoomState;
use crate::domain::{BlockNumber, Position, VolumeUuid};
use crate::drive::{Access, Compression, Drive, Flush, WriteOutcome};
use crate::ltfs::error::{LtfsError, NotLtfs};
use crate::ltfs::index::LockState;
use crate::ltfs::label::PartitionMap;
use crate::ltfs::mount::{EndOfData, Finding, MountedVolume, PartitionState, Tail, VolumeLock};
use crate::ltfs::tape::{FIRST_BLOCK_BEHIND_LABEL, LabelFound, read_label};

/// Unit attentions that may be waiting: they are what brought us here.
const ATTENTIONS_MAX: usize = 8;

/// Highest generation that an index can have: every reader keeps 32 bits. Damage alone comes near
/// it.
const GENERATION_MAX: u64 = u32::MAX as u64;
/// Highest number in use that leaves room for a run of 2^40 files.
const HIGHEST_UID_MAX: u64 = u64::MAX - (1 << 40);

/// What a volume is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ltfs) enum Purpose {
    /// Data: the volume must be complete.
    Append,
    /// An index that makes it complete again.
    Repair,
}

/// Where writing begins.
pub(super) struct Start {
    pub(super) end: BlockNumber,
    pub(super) index_append_at: BlockNumber,
    pub(super) generation: u64,
    pub(super) lock: Option<LockState>,
    pub(super) room: RoomState,
}

pub(super) fn prepare(
    drive: &mut Drive,
    mounted: &MountedVolume,
    locked: Locked,
    purpose: Purpose,
) -> Result<Start, LtfsError> {
    let mut lock = mounted.header().lock;
    let may_unlock = mounted.lock == Some(VolumeLock::Locked) && locked == Locked::Unlock;
    if may_unlock {
        lock = Some(LockState::Unlocked);
    } else {
        mounted.ensure_unlocked()?;
    }
    if purpose == Purpose::Append {
        mounted.ensure_complete()?;
        if mounted.header().highest_uid > HIGHEST_UID_MAX {
            return Err(LtfsError::WriteProtected("its index has no numbers left for new files"));
        }
    }
    let generation = highest_generation(mounted);
    if generation >= GENERATION_MAX {
        return Err(LtfsError::WriteProtected("its index has no generations left"));
    }
    let uuid = labelled_volume(drive, &mounted.map)?;
    if uuid != mounted.label.uuid {
        return Err(LtfsError::WrongVolume { expected: mounted.label.uuid, found: uuid });
    }
    let index_append_at = index_append_at(drive, mounted)?;
    let end = ensure_end(drive, &mounted.data_partition)?;
    drive.permit(Access::Write);
    guard(drive, mounted.is_worm)?;
    let compression = if mounted.label.compression { Compression::On } else { Compression::Off };
    drive.set_compression(compression).map_err(LtfsError::drive("set compression"))?;
    let room = RoomState::begin(drive, &mounted.map)?;
    let end = complete_last_index(drive, mounted, end)?;
    Ok(Start { end, index_append_at, generation, lock, room })
}

/// Lets the drive guard what is on the tape, which for a WORM cartridge it does anyway.
pub(super) fn guard(drive: &mut Drive, is_worm: bool) -> Result<(), LtfsError> {
    if !is_worm {
        drive.append_only().map_err(LtfsError::drive("guard what is on the tape"))?;
    }
    Ok(())
}

/// The index partition's index is replaced: its leading filemark becomes the next one's. What can
/// be written once only, does not end in its own good index, or has a copy that nobody can tell
/// the right one of, is appended to.
fn index_append_at(drive: &mut Drive, mounted: &MountedVolume) -> Result<BlockNumber, LtfsError> {
    let state = &mounted.index_partition;
    let replaced = state.last_index.map(|last| BlockNumber(last.location.block.0 - 1));
    if state.end_of_data == EndOfData::Missing {
        let holds_files = mounted.index.file.data_ends().iter().any(|(id, _)| *id == state.id);
        if mounted.is_worm || holds_files {
            return Err(LtfsError::NotRepairable(
                "the drive does not know where the index partition ends: copy the files to another cartridge",
            ));
        }
        return Ok(replaced.unwrap_or(FIRST_BLOCK_BEHIND_LABEL));
    }
    let end = ensure_end(drive, state)?;
    let is_doubtful = |finding: &Finding| matches!(finding, Finding::CopiesDiffer { .. });
    let ends_in_index = matches!(state.tail, Tail::Clean | Tail::NoTrailingFilemark)
        && !mounted.findings.iter().any(is_doubtful);
    Ok(match replaced {
        Some(leading_filemark) if ends_in_index && !mounted.is_worm => leading_filemark,
        _ => end,
    })
}

/// Goes to the end of a partition, which must be where the mount found it.
fn ensure_end(drive: &mut Drive, state: &PartitionState) -> Result<BlockNumber, LtfsError> {
    let partition = state.partition;
    let EndOfData::At(expected) = state.end_of_data else {
        return Err(LtfsError::Misuse("the ends of the partitions were not looked at"));
    };
    let found = drive
        .locate_end_of_data(partition)
        .map_err(LtfsError::drive("find the end of the partition"))?
        .block;
    if found == expected {
        return Ok(found);
    }
    Err(LtfsError::Changed { partition, expected, found })
}

/// Puts the filemark behind an index of the data partition that was cut off just before it, so that
/// every index stands between two filemarks. The tape stands at `end`.
fn complete_last_index(
    drive: &mut Drive,
    mounted: &MountedVolume,
    end: BlockNumber,
) -> Result<BlockNumber, LtfsError> {
    const DOING: &str = "write the missing filemark";
    if mounted.data_partition.tail != Tail::NoTrailingFilemark {
        return Ok(end);
    }
    let partition = mounted.data_partition.partition;
    drive.ensure_position(Position { partition, block: end }).map_err(LtfsError::drive(DOING))?;
    match drive.write_filemarks(1, Flush::Synchronous).map_err(LtfsError::drive(DOING))? {
        WriteOutcome::Full => Err(LtfsError::Full { what: "a filemark", partition }),
        _ => Ok(BlockNumber(end.0 + 1)),
    }
}

/// Also of what cannot be read any more: a number is never given twice.
fn highest_generation(mounted: &MountedVolume) -> u64 {
    let passed_over = u64::try_from(mounted.index.why.passed_over).unwrap_or(0);
    let known = mounted.findings.iter().map(|finding| match finding {
        Finding::OlderThanKnown { known, .. } => *known,
        _ => 0,
    });
    known.max().unwrap_or(0).max(mounted.generation().saturating_add(passed_over))
}

/// Reads the label of the data partition and says which volume it names.
pub(super) fn labelled_volume(
    drive: &mut Drive,
    map: &PartitionMap,
) -> Result<VolumeUuid, LtfsError> {
    let mut attempts = 0;
    loop {
        match read_label(drive, map.data.1) {
            Ok(LabelFound::Label(label)) => return Ok(label.uuid),
            Ok(other) => return Err(LtfsError::NotLtfs(NotLtfs::NoLabel(other.describe()))),
            Err(error) if error.is_unit_attention() && attempts < ATTENTIONS_MAX => {
                attempts += 1;
            }
            Err(error) => return Err(error),
        }
    }
}
