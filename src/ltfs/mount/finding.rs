//! What a mount finds, each with how bad it is and a sentence for a person.

use std::fmt;

use super::ends::Tail;
use crate::domain::BlockNumber;
use crate::ltfs::extent::PartitionId;
use crate::ltfs::index::IndexLocation;
use crate::ltfs::version::FormatVersion;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Normal; every LTFS implementation mounts the volume.
    Note,
    /// Others refuse the volume until it is repaired. Nothing that an index lists is lost.
    Repair,
    /// Something that was on the volume, or may have been, cannot be reached.
    Damage,
}

/// One thing about a volume that is not as after a clean close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The cartridge's memory says nothing of this volume for that partition.
    CoherencyAbsent(PartitionId),
    /// What the memory says was true before something was written.
    CoherencyStale,
    /// The memory is said to be current and is wrong.
    CoherencyWrong(PartitionId),
    /// A partition has a label and no index.
    NoIndex(PartitionId),
    /// The index partition's index is older than the data partition's.
    IndexPartitionBehind {
        /// Generation on the index partition.
        index: u64,
        /// Generation on the data partition.
        data: u64,
    },
    /// The index partition's index does not lead to the data partition's last one.
    BackPointer {
        /// Where it leads.
        found: Option<IndexLocation>,
        /// Where it should lead.
        expected: IndexLocation,
    },
    /// A partition is not complete behind its last index.
    Tail {
        /// Which partition.
        partition: PartitionId,
        /// What stands there.
        tail: Tail,
        /// Whether other implementations mount it all the same.
        severity: Severity,
    },
    /// The drive does not know where a partition's data ends.
    EndOfDataMissing(PartitionId),
    /// A label cannot be used; the other one was believed.
    LabelUnusable {
        /// Which partition's.
        partition: PartitionId,
        /// Why.
        why: String,
    },
    /// The labels of the partitions contradict each other; indexes prove one of them.
    LabelsContradict {
        /// The partition whose label was believed.
        believed: PartitionId,
        /// The first thing in which they differ.
        why: String,
    },
    /// The same generation stands on both partitions and is not the same: one copy was changed,
    /// and which cannot be said.
    CopiesDiffer {
        /// The generation.
        generation: u64,
        /// The copy on the index partition.
        index: IndexLocation,
        /// The copy on the data partition.
        data: IndexLocation,
        /// The first path at which they differ.
        at: String,
    },
    /// Label or index of a later version: there may be more than we understand.
    NewerFormat(FormatVersion),
    /// Files that need blocks behind the end of the data.
    ExtentsBeyondEnd {
        /// Where.
        partition: PartitionId,
        /// The block after the last that is needed.
        needed: BlockNumber,
        /// Where the data ends.
        end: BlockNumber,
    },
    /// Files on a partition that does not exist.
    ExtentsNowhere(PartitionId),
    /// The volume was known in a later state than the tape shows.
    OlderThanKnown {
        /// The generation that was known.
        known: u64,
        /// The newest on the tape.
        found: u64,
    },
}

impl Finding {
    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::CoherencyAbsent(_)
            | Self::CoherencyStale
            | Self::IndexPartitionBehind { .. }
            | Self::NoIndex(_)
            | Self::BackPointer { .. }
            | Self::NewerFormat(_) => Severity::Note,
            Self::CoherencyWrong(_) | Self::EndOfDataMissing(_) => Severity::Repair,
            Self::Tail { severity, .. } => *severity,
            Self::LabelUnusable { .. }
            | Self::LabelsContradict { .. }
            | Self::CopiesDiffer { .. }
            | Self::ExtentsBeyondEnd { .. }
            | Self::ExtentsNowhere(_)
            | Self::OlderThanKnown { .. } => Severity::Damage,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CoherencyAbsent(partition) => {
                write!(f, "the cartridge's memory does not describe partition {partition}")
            }
            Self::CoherencyStale => f.write_str(
                "something was written after the cartridge's memory was brought up to date",
            ),
            Self::CoherencyWrong(partition) => write!(
                f,
                "the cartridge's memory points to an index of partition {partition} that is not there"
            ),
            Self::NoIndex(partition) => write!(f, "partition {partition} has no index"),
            Self::IndexPartitionBehind { index, data } => {
                write!(f, "the index partition has generation {index}, the data partition {data}")
            }
            Self::BackPointer { found, expected } => match found {
                Some(found) => write!(
                    f,
                    "the index partition's index leads back to {found}, the last one is at {expected}"
                ),
                None => write!(
                    f,
                    "the index partition's index does not lead back to the last one at {expected}"
                ),
            },
            Self::Tail { partition, tail, .. } => write!(f, "partition {partition}: {tail}"),
            Self::EndOfDataMissing(partition) => {
                write!(f, "the drive does not know where the data of partition {partition} ends")
            }
            Self::LabelUnusable { partition, why } => {
                write!(f, "the label of partition {partition} cannot be used: {why}")
            }
            Self::LabelsContradict { believed, why } => {
                write!(f, "{why}; the indexes prove the label of partition {believed}")
            }
            Self::CopiesDiffer { generation, index, data, at } => write!(
                f,
                "generation {generation} at {index} and at {data} are not the same, first at {at}: \
                 one of them was changed"
            ),
            Self::NewerFormat(version) => {
                write!(
                    f,
                    "the volume is of format {version}; newer elements are kept, not understood"
                )
            }
            Self::ExtentsBeyondEnd { partition, needed, end } => write!(
                f,
                "files need blocks up to {needed} of partition {partition}, which ends at {end}"
            ),
            Self::ExtentsNowhere(partition) => {
                write!(f, "files lie on partition {partition}, which does not exist")
            }
            Self::OlderThanKnown { known, found } => write!(
                f,
                "the volume was known with generation {known}; the newest on the tape is {found}"
            ),
        }
    }
}

impl fmt::Display for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clean => f.write_str("complete"),
            Self::NotChecked => f.write_str("its end was not looked at"),
            Self::NoTrailingFilemark => {
                f.write_str("the filemark behind the last index is missing")
            }
            Self::ExtraFilemarks { count } => {
                write!(f, "{count} filemark(s) too many at the end")
            }
            Self::Data { from, to: Some(to) } => {
                write!(f, "blocks {from} to {to} are in no index")
            }
            Self::Data { from, to: None } => write!(f, "blocks from {from} on are in no index"),
            Self::DamagedIndex { at, why } => {
                write!(f, "the index at block {at} cannot be used ({why})")
            }
        }
    }
}
