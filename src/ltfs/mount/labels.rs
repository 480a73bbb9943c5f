//! From a cartridge to two labels that agree.

use super::Finding;
use crate::domain::{BlockNumber, Partition, Position};
use crate::drive::{Access, Drive, DriveError, Medium, ReadOutcome};
use crate::ltfs::error::{LtfsError, NotLtfs, is_damage};
use crate::ltfs::label::{LABEL_BYTES_MAX, LabelError, PartitionMap, UnverifiedLabel, VolumeLabel};
use crate::ltfs::tape::{LabelFound, describe_unlabelled, look_twice, read_label};

/// Partitions of an LTFS volume.
pub(super) const PARTITIONS: u8 = 2;
/// Unit attentions that may be waiting when a cartridge was just loaded.
const ATTENTIONS_MAX: usize = 8;

/// Makes sure that a cartridge is there and that the drive can go to its beginning.
///
/// What happened to the drive before does not matter to a mount, which assumes nothing: unit attentions and
/// errors of earlier writes are taken off here. The read-only access that is left is what a mount wants.
pub(super) fn ensure_cartridge(drive: &mut Drive) -> Result<Medium, LtfsError> {
    const DOING: &str = "go to the beginning of the cartridge";
    let mut attempts = 0;
    loop {
        let medium = drive.medium().map_err(LtfsError::drive("identify the cartridge"));
        let found = match medium {
            Ok(None) => return Err(LtfsError::NoCartridge),
            Ok(Some(medium)) if medium.is_cleaning => {
                return Err(LtfsError::NotLtfs(NotLtfs::Cleaning));
            }
            Ok(Some(medium)) => match drive.locate(Position::new(0, 0)) {
                Ok(()) | Err(DriveError::BeyondEndOfData { .. }) => return Ok(medium),
                Err(error) if is_damage(&error) => return Ok(medium),
                Err(error) => LtfsError::drive(DOING)(error),
            },
            Err(error) => error,
        };
        attempts += 1;
        if !(found.is_unit_attention() || found.is_deferred()) || attempts > ATTENTIONS_MAX {
            return Err(found);
        }
    }
}

/// Which volume is on the loaded cartridge, by its labels alone: enough to read blocks whose place
/// is known from elsewhere, also when no index of the volume can be read any more. Writes nothing.
///
/// # Errors
/// When there is no volume, or the drive fails.
pub fn identify(drive: &mut Drive) -> Result<(VolumeLabel, PartitionMap), LtfsError> {
    drive.permit(Access::ReadOnly);
    let medium = ensure_cartridge(drive)?;
    let Labels { first, contradiction } = read_labels(drive, medium.partition_count)?;
    if let Some((_, error)) = contradiction {
        return Err(error.into());
    }
    ensure_block_size(drive, &first.label)?;
    Ok((first.label, first.map))
}

/// Makes sure that the drive can read the volume's blocks.
pub(super) fn ensure_block_size(drive: &Drive, label: &VolumeLabel) -> Result<(), LtfsError> {
    let limit = drive.capabilities().block_bytes_max;
    if usize::try_from(label.block_size).map_or(true, |size| size > limit) {
        return Err(LtfsError::BlockSize { block_size: label.block_size, limit });
    }
    Ok(())
}

/// A volume as a label, or two that agree, describe it.
#[derive(Debug)]
pub(super) struct Labelled {
    pub(super) label: VolumeLabel,
    pub(super) map: PartitionMap,
    /// What is to be said of the labels.
    pub(super) finding: Option<Finding>,
}

/// What the labels make of the cartridge.
#[derive(Debug)]
pub(super) struct Labels {
    pub(super) first: Labelled,
    /// What the other label says, and in what it contradicts the first.
    pub(super) contradiction: Option<(Labelled, LabelError)>,
}

/// Reads and compares the labels. One label alone is believed, with a finding.
pub(super) fn read_labels(drive: &mut Drive, partition_count: u8) -> Result<Labels, LtfsError> {
    if partition_count != PARTITIONS {
        // What is called blank may be formatted.
        let is_written = |found: &NotLtfs| *found != NotLtfs::Blank;
        return Err(LtfsError::NotLtfs(look_twice(|| describe_single(drive), is_written)?));
    }
    let mut look = || Ok((read_label(drive, Partition(0))?, read_label(drive, Partition(1))?));
    let agree = |found: &(LabelFound, LabelFound)| match found {
        (LabelFound::Label(first), LabelFound::Label(second)) => {
            VolumeLabel::verify(first.clone(), second).is_ok()
        }
        _ => true,
    };
    let (label, partition, other) = match look_twice(&mut look, agree)? {
        (LabelFound::Label(first), LabelFound::Label(second)) => {
            return Ok(compare(first, second));
        }
        (LabelFound::Label(label), other) => (label, Partition(0), other),
        (other, LabelFound::Label(label)) => (label, Partition(1), other),
        (first, second) => {
            return Err(LtfsError::NotLtfs(describe_unlabelled([&first, &second])));
        }
    };
    let (label, map) = label.alone(partition);
    let missing = if map.index.1 == partition { map.data.0 } else { map.index.0 };
    let finding = Some(Finding::LabelUnusable { partition: missing, why: other.describe() });
    Ok(Labels { first: Labelled { label, map, finding }, contradiction: None })
}

fn compare(first: UnverifiedLabel, second: UnverifiedLabel) -> Labels {
    let contradiction = match VolumeLabel::verify(first.clone(), &second) {
        Ok((label, map)) => {
            let first = Labelled { label, map, finding: None };
            return Labels { first, contradiction: None };
        }
        Err(error) => error,
    };
    let alone = |label: UnverifiedLabel, partition| {
        let believed = label.location;
        let (label, map) = label.alone(partition);
        let why = contradiction.to_string();
        Labelled { label, map, finding: Some(Finding::LabelsContradict { believed, why }) }
    };
    let (first, second) = (alone(first, Partition(0)), alone(second, Partition(1)));
    Labels { first, contradiction: Some((second, contradiction)) }
}

/// What is on a cartridge with one partition.
fn describe_single(drive: &mut Drive) -> Result<NotLtfs, LtfsError> {
    const DOING: &str = "look at the beginning of the cartridge";
    const SHOWN_CHARS: usize = 24;
    match drive.locate(Position { partition: Partition(0), block: BlockNumber(0) }) {
        Ok(()) => {}
        Err(DriveError::BeyondEndOfData { .. }) => return Ok(NotLtfs::Blank),
        Err(error) => return Err(LtfsError::drive(DOING)(error)),
    }
    let mut buffer = vec![0; LABEL_BYTES_MAX];
    match drive.read_block(&mut buffer) {
        Ok(ReadOutcome::EndOfData) => Ok(NotLtfs::Blank),
        Ok(ReadOutcome::Filemark) => Ok(NotLtfs::OnePartition("a filemark".to_owned())),
        Ok(ReadOutcome::Block { len }) => {
            let text = String::from_utf8_lossy(&buffer[..len]);
            let shown: String = text.chars().take(SHOWN_CHARS).collect();
            Ok(NotLtfs::OnePartition(format!("a block of {len} bytes, {shown:?}")))
        }
        Err(DriveError::BlockTooLong { len, .. }) => {
            Ok(NotLtfs::OnePartition(format!("a block of {len} bytes")))
        }
        Err(error) if is_damage(&error) => {
            Ok(NotLtfs::OnePartition("something that cannot be read".to_owned()))
        }
        Err(error) => Err(LtfsError::drive(DOING)(error)),
    }
}
