//! Mounting: from a cartridge in a drive to a volume whose newest provable index is known, and why.
//!
//! A mount never writes. It believes nothing that it has not compared: two labels make a volume; an
//! index counts when it is whole, belongs to the volume and stands where it says. When the
//! cartridge's memory is current it says where the newest index is and the mount is quick; else
//! both partitions are searched from their ends, further back than the reference goes, so a volume
//! that the reference refuses can still be read. What is not as after a clean close becomes a
//! [`Finding`].
//!
//! ```text
//!  labels ─▶ memory current? ─yes─▶ index where it points ─good─▶ mounted
//!                 │ no                        │ wrong (finding)
//!                 ▼                           ▼
//!           search both partitions from their ends ─▶ the newer index ─▶ mounted, with findings
//! ```

mod contradiction;
pub(super) mod ends;
mod finding;
mod labels;
mod memory;
mod newest;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use ends::{EndOfData, Tail};
pub use finding::{Finding, Severity};
pub use labels::identify;

use super::error::LtfsError;
use super::extent::PartitionId;
use super::index::{IndexHeader, IndexLocation, LockState};
use super::label::{PartitionMap, VolumeLabel};
use super::merge::IndexFile;
use super::tape::{IndexFound, IndexPlace, read_index};
use crate::domain::{Partition, VolumeUuid};
use crate::drive::{Access, Drive, Medium};
use labels::Labelled;
use memory::Memory;
use newest::Found;

/// How to mount.
#[derive(Clone, Debug)]
pub struct MountOptions {
    /// Where indexes are kept off the tape.
    pub spool_dir: PathBuf,
    /// What is known of the volume that should be on the cartridge.
    pub known: Option<KnownVolume>,
    /// Whether to look at the ends of both partitions even if the cartridge's memory is current.
    pub ends: CheckEnds,
}

/// What is known of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownVolume {
    /// Which volume.
    pub uuid: VolumeUuid,
    /// The last generation that was written to it, as far as it is known.
    pub generation: Option<u64>,
}

/// Whether to look at the ends of the partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckEnds {
    /// Only if the cartridge's memory is not current: quick, enough for reading.
    WhenInDoubt,
    /// Always: before writing.
    Always,
}

/// A volume, mounted. Holds no drive; it is true as long as the cartridge stays where it is.
#[derive(Clone, Debug)]
pub struct MountedVolume {
    /// What both labels say.
    pub label: VolumeLabel,
    /// Which physical partition is which.
    pub map: PartitionMap,
    /// The index that was chosen.
    pub index: ChosenIndex,
    /// What is not as after a clean close.
    pub findings: Vec<Finding>,
    /// The index partition.
    pub index_partition: PartitionState,
    /// The data partition.
    pub data_partition: PartitionState,
    /// Why the volume must not be written, if something says so.
    pub lock: Option<VolumeLock>,
    /// The drive will not write this cartridge.
    pub is_write_protected: bool,
    /// What was written can never be overwritten.
    pub is_worm: bool,
}

/// The newest provable index of a volume.
#[derive(Clone, Debug)]
pub struct ChosenIndex {
    /// The index, off the tape.
    pub file: Arc<IndexFile>,
    /// Where it stands.
    pub location: IndexLocation,
    /// Why this one.
    pub why: IndexChoice,
}

/// Why an index was chosen. `Display` is a sentence for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexChoice {
    /// The reason.
    pub reason: ChoiceReason,
    /// Its generation.
    pub generation: u64,
    /// Where it stands.
    pub location: IndexLocation,
    /// Newer ones that were found and cannot be used.
    pub passed_over: usize,
}

/// Reasons for choosing an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChoiceReason {
    /// The cartridge's memory is current and points to it.
    MemoryIsCurrent,
    /// Both partitions end in the same generation.
    SameOnBoth,
    /// It is newer than the other partition's.
    NewerThanOther {
        /// The other's generation.
        other: u64,
    },
    /// The other partition has none that can be used.
    OnlyOne,
}

/// The state of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionState {
    /// Its letter.
    pub id: PartitionId,
    /// Its number.
    pub partition: Partition,
    /// Where its data ends.
    pub end_of_data: EndOfData,
    /// Its last good index.
    pub last_index: Option<LastIndex>,
    /// What stands behind that.
    pub tail: Tail,
}

/// The last good index of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastIndex {
    /// Where it stands.
    pub location: IndexLocation,
    /// Its generation.
    pub generation: u64,
}

/// Why a volume must not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VolumeLock {
    /// Somebody locked it; it can be unlocked.
    Locked,
    /// It is locked for ever.
    PermanentlyLocked,
    /// Another LTFS writer met a permanent write error.
    WriteError,
}

impl fmt::Display for VolumeLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Locked => "it was locked",
            Self::PermanentlyLocked => "it was locked for ever",
            Self::WriteError => "a permanent write error was recorded on it",
        })
    }
}

impl fmt::Display for IndexChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "generation {} at {}: ", self.generation, self.location)?;
        match self.reason {
            ChoiceReason::MemoryIsCurrent => {
                f.write_str("the cartridge's memory is current and points to it")?;
            }
            ChoiceReason::SameOnBoth => f.write_str("both partitions end in this generation")?,
            ChoiceReason::NewerThanOther { other } => {
                write!(f, "it is newer than the other partition's generation {other}")?;
            }
            ChoiceReason::OnlyOne => {
                f.write_str("the other partition has no index that can be used")?;
            }
        }
        match self.passed_over {
            0 => Ok(()),
            count => write!(f, "; {count} behind it cannot be used"),
        }
    }
}

impl MountedVolume {
    /// What its index says of itself.
    #[must_use]
    pub fn header(&self) -> &IndexHeader {
        self.index.file.header()
    }

    /// The generation of its newest provable index.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.header().generation
    }

    /// True if other implementations refuse it until it is repaired.
    #[must_use]
    pub fn needs_repair(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity() >= Severity::Repair)
    }

    /// True if the ends of both partitions were looked at.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        [&self.index_partition, &self.data_partition]
            .iter()
            .all(|state| state.tail != Tail::NotChecked)
    }

    /// The same volume by the copy of its index that was not chosen, if the two are not the same
    /// ([`Finding::CopiesDiffer`]): what the one has lost may be found by the other.
    ///
    /// # Errors
    /// When the drive fails.
    pub fn other_copy(
        &self,
        drive: &mut Drive,
        spool_dir: &Path,
    ) -> Result<Option<Self>, LtfsError> {
        let place = IndexPlace { label: &self.label, map: &self.map, spool_dir };
        let other = self.findings.iter().find_map(|finding| match finding {
            Finding::CopiesDiffer { index, data, .. } => {
                Some(if *index == self.index.location { *data } else { *index })
            }
            _ => None,
        });
        let Some(location) = other else { return Ok(None) };
        let Some(partition) = self.map.physical(location.partition) else { return Ok(None) };
        let IndexFound::Good(found) = read_index(drive, place, partition, location.block)? else {
            return Ok(None);
        };
        let why = IndexChoice { location, ..self.index.why.clone() };
        let index = ChosenIndex { file: Arc::new(found.file), location, why };
        Ok(Some(Self { index, ..self.clone() }))
    }

    /// Whether data may be appended to it as it is.
    ///
    /// # Errors
    /// Says what stands against it.
    pub fn ensure_appendable(&self) -> Result<(), LtfsError> {
        self.ensure_unlocked()?;
        self.ensure_complete()
    }

    /// Whether anything forbids writing.
    pub(super) fn ensure_unlocked(&self) -> Result<(), LtfsError> {
        if self.is_write_protected {
            return Err(LtfsError::WriteProtected("its write protection is on"));
        }
        match self.lock {
            Some(lock) => {
                Err(LtfsError::Locked { volume: self.label.uuid, reason: lock.to_string() })
            }
            None => Ok(()),
        }
    }

    /// Whether both partitions end as after a clean close.
    pub(super) fn ensure_complete(&self) -> Result<(), LtfsError> {
        let volume = self.label.uuid;
        if !self.is_verified() {
            return Err(LtfsError::Misuse("the ends of the partitions were not looked at"));
        }
        let worst = self.findings.iter().find(|f| f.severity() >= Severity::Repair);
        if let Some(finding) = worst {
            return Err(LtfsError::NeedsRepair { volume, reason: finding.to_string() });
        }
        for state in [&self.index_partition, &self.data_partition] {
            if state.tail != Tail::Clean {
                let reason = format!("partition {}: {}", state.id, state.tail);
                return Err(LtfsError::NeedsRepair { volume, reason });
            }
        }
        Ok(())
    }
}

/// Mounts the volume on the loaded cartridge. Sends no command that writes, and leaves the drive's
/// access read-only.
///
/// # Errors
/// When there is no volume, another one than the known, or none of its indexes can be read.
pub fn mount(drive: &mut Drive, options: &MountOptions) -> Result<MountedVolume, LtfsError> {
    match mount_once(drive, options) {
        // A write that had failed before comes out now: what is on tape is looked at anew.
        Err(error) if error.is_deferred() => mount_once(drive, options),
        other => other,
    }
}

fn mount_once(drive: &mut Drive, options: &MountOptions) -> Result<MountedVolume, LtfsError> {
    drive.permit(Access::ReadOnly);
    let medium = labels::ensure_cartridge(drive)?;
    // A drive that has refused its page of partitions once is asked again before a volume counts as none.
    let partitions = match medium.partition_count {
        labels::PARTITIONS => labels::PARTITIONS,
        _ => drive
            .medium()
            .map_err(LtfsError::drive("ask how the cartridge is partitioned"))?
            .map_or(medium.partition_count, |medium| medium.partition_count),
    };
    let labels = labels::read_labels(drive, partitions)?;
    match labels.contradiction {
        None => mount_as(drive, options, &medium, labels.first),
        Some((second, error)) => {
            contradiction::mount(drive, options, &medium, [labels.first, second], error)
        }
    }
}

/// Mounts the volume that a label describes.
fn mount_as(
    drive: &mut Drive,
    options: &MountOptions,
    medium: &Medium,
    labelled: Labelled,
) -> Result<MountedVolume, LtfsError> {
    let Labelled { label, map, finding } = labelled;
    let mut findings: Vec<Finding> = finding.into_iter().collect();
    if let Some(known) = options.known.filter(|known| known.uuid != label.uuid) {
        return Err(LtfsError::WrongVolume { expected: known.uuid, found: label.uuid });
    }
    labels::ensure_block_size(drive, &label)?;
    if label.version.is_newer_than_written() {
        findings.push(Finding::NewerFormat(label.version));
    }
    let memory = Memory::read(drive, &map, label.uuid)?;
    let place = IndexPlace { label: &label, map: &map, spool_dir: &options.spool_dir };
    if memory.current().is_none() {
        findings.extend(memory.findings(&map));
    }
    let trusted = match options.ends {
        CheckEnds::WhenInDoubt => newest::by_memory(drive, place, &memory, &mut findings)?,
        CheckEnds::Always => None,
    };
    let found = match trusted {
        Some(found) => found,
        None => newest::by_search(drive, place, &memory, &mut findings)?,
    };
    let header = found.index.file.header();
    if header.version.is_newer_than_written() && header.version > label.version {
        findings.push(Finding::NewerFormat(header.version));
    }
    let lock = lock_of(header, memory.lock);
    if let Some(known) = options.known.and_then(|known| known.generation)
        && header.generation < known
    {
        findings.push(Finding::OlderThanKnown { known, found: header.generation });
    }
    check_extents(&found, &map, &mut findings);
    Ok(MountedVolume {
        index: ChosenIndex {
            location: found.index.location,
            why: IndexChoice {
                reason: found.reason,
                generation: header.generation,
                location: found.index.location,
                passed_over: found.passed_over,
            },
            file: Arc::new(found.index.file),
        },
        findings,
        index_partition: found.index_state,
        data_partition: found.data_state,
        lock,
        is_write_protected: medium.is_write_protected,
        is_worm: medium.is_worm,
        label,
        map,
    })
}

fn check_extents(found: &Found, map: &PartitionMap, findings: &mut Vec<Finding>) {
    for (id, needed) in found.index.file.data_ends() {
        let state = match map.physical(*id) {
            None => {
                findings.push(Finding::ExtentsNowhere(*id));
                continue;
            }
            Some(partition) if partition == found.index_state.partition => &found.index_state,
            Some(_) => &found.data_state,
        };
        if let EndOfData::At(end) = state.end_of_data
            && *needed > end
        {
            findings.push(Finding::ExtentsBeyondEnd { partition: *id, needed: *needed, end });
        }
    }
}

/// What forbids writing: the index's own word, or what is recorded in the cartridge's memory.
fn lock_of(header: &IndexHeader, recorded: Option<u8>) -> Option<VolumeLock> {
    match (header.lock, recorded) {
        (Some(LockState::PermanentlyLocked), _) | (_, Some(3)) => {
            Some(VolumeLock::PermanentlyLocked)
        }
        (_, Some(2 | 4 | 5 | 6)) => Some(VolumeLock::WriteError),
        (Some(LockState::Locked), _) => Some(VolumeLock::Locked),
        _ => None,
    }
}
