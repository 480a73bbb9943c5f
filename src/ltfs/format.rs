//! Formatting: two partitions, labels, the first index on both, and the cartridge's memory.
//!
//! The order is the reference's: the data partition first, complete with its index, then the index
//! partition. Cut off in the middle, the cartridge is blank, or has one label: never a volume that looks
//! whole and is not. **Everything on the cartridge is lost.** Who may do that to which cartridge is
//! decided above.

use std::sync::Arc;

use super::coherency::{Coherency, change_reference};
use super::error::LtfsError;
use super::extent::PartitionId;
use super::index::{
    DirectoryEntry, IndexEvent, IndexHeader, IndexLocation, IndexWriter, ROOT_UID, Times,
    empty_header,
};
use super::label::{
    BLOCK_SIZE_MAX_PORTABLE, BLOCK_SIZE_MIN, PartitionMap, VolumeLabel, label_serial,
};
use super::names::{Name, NameError, NameUse};
use super::tape::{FIRST_BLOCK_BEHIND_LABEL, FIRST_INDEX_BLOCK, write_index, write_label};
use super::version::FormatVersion;
use crate::domain::{Barcode, ByteCount, Clock, Position, VolumeUuid};
use crate::drive::{
    Access, Attribute, AttributeFormat, AttributeId, Compression, Drive, DriveErrorKind,
    PartitionPlan,
};

/// The block size that everybody uses.
pub const BLOCK_SIZE_DEFAULT: u32 = 524_288;
/// The generation of the index of a volume that holds nothing yet.
pub const FIRST_GENERATION: u64 = 1;

/// How to format.
#[derive(Clone, Debug)]
pub struct FormatOptions {
    /// The cartridge's bar code; six characters of it go into the labels.
    pub barcode: Option<Barcode>,
    /// The name that file managers show; may be empty. Checked by [`FormatOptions::volume_name`].
    pub volume_name: Name,
    /// Length of every block but a file's last: 4096 to 1,048,572.
    pub block_size: u32,
    /// Whether the drive compresses.
    pub compression: bool,
    /// Gives the format time.
    pub clock: Arc<dyn Clock>,
    /// `vendor version - OS - program`; see [`super::writer::creator`].
    pub creator: String,
    /// How thoroughly the partitions are made.
    pub plan: PartitionPlan,
    /// The new volume's.
    pub uuid: VolumeUuid,
}

impl FormatOptions {
    /// What is usual: 512 KiB blocks, the drive's compression on, a quick format, a new UUID.
    #[must_use]
    pub fn usual(barcode: Option<Barcode>, volume_name: Name, clock: Arc<dyn Clock>) -> Self {
        Self {
            barcode,
            volume_name,
            block_size: BLOCK_SIZE_DEFAULT,
            compression: true,
            clock,
            creator: super::writer::creator("format"),
            plan: PartitionPlan::ltfs(),
            uuid: VolumeUuid::random(),
        }
    }

    /// Reads a volume name.
    ///
    /// # Errors
    /// When LTFS cannot hold it.
    pub fn volume_name(text: &str) -> Result<Name, NameError> {
        Name::new(text, NameUse::Volume)
    }
}

/// Makes an empty volume on the loaded cartridge. The drive's access is read-only afterwards.
///
/// # Errors
/// Before anything is written: impossible options, a protected cartridge. After that the cartridge is
/// in no defined state and is formatted again.
pub fn format(drive: &mut Drive, options: &FormatOptions) -> Result<VolumeLabel, LtfsError> {
    let limit = usize::try_from(options.block_size).unwrap_or(usize::MAX);
    if !(BLOCK_SIZE_MIN..=BLOCK_SIZE_MAX_PORTABLE).contains(&options.block_size)
        || limit > drive.capabilities().block_bytes_max
    {
        return Err(LtfsError::Misuse("a block size has 4096 to 1,048,572 bytes"));
    }
    if options.plan.partition_count() != 2 {
        return Err(LtfsError::Misuse("an LTFS volume has two partitions"));
    }
    let medium = drive.medium().map_err(LtfsError::drive("identify the cartridge"))?;
    let medium = medium.ok_or(LtfsError::NoCartridge)?;
    if medium.is_write_protected {
        return Err(LtfsError::WriteProtected("its write protection is on"));
    }
    drive.permit(Access::Write);
    let formatted = write_volume(drive, options);
    drive.permit(Access::ReadOnly);
    formatted
}

fn write_volume(drive: &mut Drive, options: &FormatOptions) -> Result<VolumeLabel, LtfsError> {
    const DOING: &str = "partition the cartridge";
    let map = PartitionMap::FORMATTED;
    let now = options.clock.now();
    let label = VolumeLabel {
        uuid: options.uuid,
        format_time: now,
        block_size: options.block_size,
        compression: options.compression,
        index_partition: PartitionId::INDEX,
        data_partition: PartitionId::DATA,
        creator: options.creator.clone(),
        version: FormatVersion::WRITTEN,
        serial: label_serial(options.barcode.as_ref()),
    };
    drive.format_partitions(options.plan).map_err(LtfsError::drive(DOING))?;
    let compression = if options.compression { Compression::On } else { Compression::Off };
    drive.set_compression(compression).map_err(LtfsError::drive("set compression"))?;
    match drive.set_programmable_early_warning(ByteCount(0)) {
        Err(error) if error.kind() != DriveErrorKind::Unsupported => {
            return Err(LtfsError::drive("set programmable early warning")(error));
        }
        _ => {}
    }
    let on_data = IndexLocation { partition: map.data.0, block: FIRST_INDEX_BLOCK };
    let on_index = IndexLocation { partition: map.index.0, block: FIRST_INDEX_BLOCK };
    for (location, previous) in [(on_data, None), (on_index, Some(on_data))] {
        let partition = map
            .physical(location.partition)
            .ok_or(LtfsError::Misuse("an index for no partition"))?;
        write_label(drive, partition, &label, &map)?;
        let index = first_index(&label, options, location, previous)?;
        let at = Position { partition, block: FIRST_BLOCK_BEHIND_LABEL };
        write_index(drive, at, options.block_size, &mut index.as_slice())?;
    }
    describe_in_memory(drive, &label, &map, options)?;
    Ok(label)
}

/// An empty root.
fn first_index(
    label: &VolumeLabel,
    options: &FormatOptions,
    location: IndexLocation,
    previous: Option<IndexLocation>,
) -> Result<Vec<u8>, LtfsError> {
    let header = IndexHeader {
        creator: format!("{} - Format", label.creator),
        volume_uuid: label.uuid,
        generation: FIRST_GENERATION,
        update_time: label.format_time,
        location,
        previous,
        allow_policy_update: true,
        highest_uid: ROOT_UID,
        ..empty_header()
    };
    let root = DirectoryEntry {
        name: options.volume_name.clone(),
        times: Times::all(label.format_time),
        uid: ROOT_UID,
        ..DirectoryEntry::default()
    };
    let mut writer = IndexWriter::new(Vec::new());
    [
        IndexEvent::Header(&header),
        IndexEvent::EnterDirectory(&root),
        IndexEvent::LeaveDirectory(b""),
        IndexEvent::End(&header),
    ]
    .into_iter()
    .try_for_each(|event| writer.write(event))
    .and_then(|()| writer.finish())
    .map_err(|source| LtfsError::File {
        doing: "make",
        path: std::path::PathBuf::from("the first index"),
        source,
    })
}

/// What the cartridge's memory says of the volume. Nothing of it is needed to mount, so a drive that
/// refuses an attribute does not spoil the format.
fn describe_in_memory(
    drive: &mut Drive,
    label: &VolumeLabel,
    map: &PartitionMap,
    options: &FormatOptions,
) -> Result<(), LtfsError> {
    const DOING: &str = "describe the volume in the cartridge's memory";
    const UTF8: u8 = 0x81;
    const UNLOCKED: u8 = 0;
    let ascii = |id, text: &str, bytes: usize| Attribute {
        id,
        format: AttributeFormat::Ascii,
        value: padded(text, bytes, b' '),
    };
    let text = |id, text: &str| Attribute {
        id,
        format: AttributeFormat::Text,
        // The last byte stays NUL, as in the reference.
        value: padded(cut_at_character(text, 159), 160, 0),
    };
    let binary =
        |id, value: u8| Attribute { id, format: AttributeFormat::Binary, value: vec![value] };
    let barcode = options.barcode.as_ref().map_or("", Barcode::as_str);
    let attributes = [
        ascii(AttributeId::APPLICATION_VENDOR, "FOSSIL", 8),
        ascii(AttributeId::APPLICATION_NAME, "LTFS", 32),
        ascii(AttributeId::APPLICATION_VERSION, env!("CARGO_PKG_VERSION"), 8),
        text(AttributeId::USER_MEDIUM_LABEL, options.volume_name.as_str()),
        binary(AttributeId::TEXT_LOCALIZATION, UTF8),
        ascii(AttributeId::BARCODE, barcode, 32),
        text(AttributeId::MEDIA_POOL, ""),
        ascii(AttributeId::FORMAT_VERSION, &label.version.to_string(), 16),
        binary(AttributeId::VOLUME_LOCK, UNLOCKED),
    ];
    for attribute in attributes {
        match drive.write_attributes(map.index.1, &[attribute]) {
            Ok(()) => {}
            Err(error) if error.kind() == DriveErrorKind::Unsupported => {}
            Err(error) => return Err(LtfsError::drive(DOING)(error)),
        }
    }
    let Some(reference) = change_reference(drive)? else { return Ok(()) };
    for partition in [map.data.1, map.index.1] {
        Coherency::now(reference, 1, FIRST_INDEX_BLOCK, label.uuid).write(drive, partition)?;
    }
    Ok(())
}

fn padded(text: &str, bytes: usize, padding: u8) -> Vec<u8> {
    let mut value = cut_at_character(text, bytes).as_bytes().to_vec();
    value.resize(bytes, padding);
    value
}

/// As much of `text` as fits, whole characters only.
fn cut_at_character(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attribute_texts_are_cut_between_characters() {
        assert_eq!(cut_at_character("\u{E9}\u{E9}", 3), "\u{E9}");
        assert_eq!(padded("ab", 4, b' '), b"ab  ");
    }
}
