//! The labels of a volume: what stands at the start of both partitions and makes it LTFS.
//!
//! A partition begins with a record of 80 bytes (`VOL1…`), a filemark, the label XML in one block, and
//! a filemark. One label alone proves nothing: a [`VolumeLabel`] exists only when two
//! [`UnverifiedLabel`]s agree in everything that must be equal and name different partitions. Every
//! refusal says which rule is broken, because the next step of the operator depends on it.

use std::fmt;

use super::elements::{Child, DocumentError, Element, Elements, Problem, Seen};
use super::extent::PartitionId;
use super::index;
use super::version::FormatVersion;
use super::xml::push_escaped;
use crate::domain::{Barcode, Partition, Timestamp, VolumeUuid};

/// Bytes of the first record.
pub const VOL1_BYTES: usize = 80;
/// Longest label record that the reference reads; ours are far shorter.
pub const LABEL_BYTES_MAX: usize = 4096;
/// Smallest block size that may be formatted.
pub const BLOCK_SIZE_MIN: u32 = 4096;
/// Largest block size that every reader takes (1 MiB less a CRC of logical block protection).
pub const BLOCK_SIZE_MAX_PORTABLE: u32 = 1_048_572;
/// Largest block size that is read: what READ(6) can ask for.
pub const BLOCK_SIZE_MAX: u32 = 0x00FF_FFFF;

const SERIAL_AT: usize = 4;
const SERIAL_BYTES: usize = 6;
const ACCESSIBILITY_AT: usize = 10;
const IMPLEMENTATION_AT: usize = 24;
const IMPLEMENTATION: &[u8; 4] = b"LTFS";

/// Why records are no LTFS label, or two labels no volume.
#[derive(Debug, thiserror::Error)]
pub enum LabelError {
    /// The first record is too short to be one.
    #[error("the first record has {0} bytes; a VOL1 label has {VOL1_BYTES}")]
    Short(usize),
    /// The first record is some other system's.
    #[error("the first record is not an LTFS label (it begins with {0:?})")]
    NotLtfs(String),
    /// A bar code in the label that no LTFS writer would put there.
    #[error("the bar code {0:?} in the label has characters other than A-Z and 0-9")]
    Barcode(String),
    /// The XML label cannot be read.
    #[error("the XML label cannot be read")]
    Xml(#[from] DocumentError),
    /// A block size out of range.
    #[error("the label says blocks of {0} bytes")]
    BlockSize(u64),
    /// The partition that a label names is not one of the volume's two.
    #[error("the label is for partition {location}, the volume has {index} and {data}")]
    Location {
        /// Where the label says it is.
        location: PartitionId,
        /// The index partition it names.
        index: PartitionId,
        /// The data partition it names.
        data: PartitionId,
    },
    /// The two labels contradict each other.
    #[error("the labels of the two partitions differ in {field}: {first} and {second}")]
    Differ {
        /// What differs.
        field: &'static str,
        /// On physical partition 0.
        first: String,
        /// On physical partition 1.
        second: String,
    },
    /// Both partitions carry the label of the same one.
    #[error("both partitions carry the label of partition {0}")]
    SamePartition(PartitionId),
}

/// One partition's label, read but not compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedLabel {
    /// Six characters, spaces if the cartridge had no bar code.
    pub serial: [u8; SERIAL_BYTES],
    /// Version of the label.
    pub version: FormatVersion,
    /// Who formatted the volume.
    pub creator: String,
    /// When.
    pub format_time: Timestamp,
    /// The volume.
    pub uuid: VolumeUuid,
    /// The partition this label stands on.
    pub location: PartitionId,
    /// Which partition holds indexes.
    pub index_partition: PartitionId,
    /// Which partition holds data.
    pub data_partition: PartitionId,
    /// Length of every block of a file or index but its last.
    pub block_size: u32,
    /// Whether the drive compresses.
    pub compression: bool,
}

/// What both labels of a volume say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeLabel {
    /// The volume.
    pub uuid: VolumeUuid,
    /// When it was formatted.
    pub format_time: Timestamp,
    /// Length of every block of a file or index but its last.
    pub block_size: u32,
    /// Whether the drive compresses.
    pub compression: bool,
    /// The letter of the partition that holds indexes.
    pub index_partition: PartitionId,
    /// The letter of the partition that holds data.
    pub data_partition: PartitionId,
    /// Who formatted it.
    pub creator: String,
    /// Version of the labels.
    pub version: FormatVersion,
    /// Six characters of bar code, spaces if there was none.
    pub serial: [u8; SERIAL_BYTES],
}

/// Which physical partition is which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionMap {
    /// The index partition's letter and number.
    pub index: (PartitionId, Partition),
    /// The data partition's letter and number.
    pub data: (PartitionId, Partition),
}

impl PartitionMap {
    /// What a format makes: index `a` on 0, data `b` on 1.
    pub const FORMATTED: Self =
        Self { index: (PartitionId::INDEX, Partition(0)), data: (PartitionId::DATA, Partition(1)) };

    /// The physical partition of a letter, if the volume has one of it.
    #[must_use]
    pub fn physical(&self, id: PartitionId) -> Option<Partition> {
        [self.index, self.data].into_iter().find(|(own, _)| *own == id).map(|(_, number)| number)
    }

    /// The letter of a physical partition.
    #[must_use]
    pub fn id(&self, partition: Partition) -> Option<PartitionId> {
        [self.index, self.data].into_iter().find(|(_, own)| *own == partition).map(|(id, _)| id)
    }
}

impl UnverifiedLabel {
    /// Reads the two records of one partition.
    ///
    /// # Errors
    /// Names the rule of the format that is broken.
    pub fn parse(vol1: &[u8], xml: &[u8]) -> Result<Self, LabelError> {
        if vol1.len() < VOL1_BYTES {
            return Err(LabelError::Short(vol1.len()));
        }
        if &vol1[IMPLEMENTATION_AT..IMPLEMENTATION_AT + IMPLEMENTATION.len()] != IMPLEMENTATION {
            let start = String::from_utf8_lossy(&vol1[..VOL1_BYTES]);
            return Err(LabelError::NotLtfs(start.chars().take(28).collect()));
        }
        let mut serial = [b' '; SERIAL_BYTES];
        serial.copy_from_slice(&vol1[SERIAL_AT..SERIAL_AT + SERIAL_BYTES]);
        let is_barcode =
            serial.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if serial[0] != b' ' && !is_barcode {
            return Err(LabelError::Barcode(String::from_utf8_lossy(&serial).into_owned()));
        }
        let mut label = Self {
            serial,
            version: FormatVersion::WRITTEN,
            creator: String::new(),
            format_time: Timestamp::default(),
            uuid: VolumeUuid(uuid::Uuid::nil()),
            location: PartitionId::INDEX,
            index_partition: PartitionId::INDEX,
            data_partition: PartitionId::DATA,
            block_size: 0,
            compression: false,
        };
        let (mut elements, version) = Elements::open(xml, Element::LtfsLabel).map_err(at_start)?;
        label.version = version;
        let block_size = label.read_xml(&mut elements).map_err(|problem| DocumentError {
            offset: elements.offset(),
            element: Element::LtfsLabel.name(),
            problem,
        })?;
        label.block_size = u32::try_from(block_size)
            .ok()
            .filter(|size| (1..=BLOCK_SIZE_MAX).contains(size))
            .ok_or(LabelError::BlockSize(block_size))?;
        let (index, data, location) = (label.index_partition, label.data_partition, label.location);
        if index == data || (location != index && location != data) {
            return Err(LabelError::Location { location, index, data });
        }
        Ok(label)
    }

    /// Returns the block size, whose range is another kind of refusal.
    fn read_xml(&mut self, elements: &mut Elements<&[u8]>) -> Result<u64, Problem> {
        let mut seen = Seen::default();
        let mut block_size = 0;
        while let Child::Start(start) = elements.child_of(Element::LtfsLabel)? {
            match start.element {
                Element::Creator => self.creator = elements.text(&start)?.into_owned(),
                Element::FormatTime => self.format_time = elements.time(&start)?,
                Element::VolumeUuid => self.uuid = index::volume_uuid(elements, &start)?,
                Element::Location => {
                    self.location = one_partition(elements, start.element, Element::Partition)?;
                }
                Element::Partitions => {
                    let found = two_partitions(elements)?;
                    (self.index_partition, self.data_partition) = found;
                }
                Element::BlockSize => block_size = elements.number(&start)?,
                Element::Compression => self.compression = elements.boolean(&start)?,
                _ => {
                    elements.pass_over(&start, None)?;
                    continue;
                }
            }
            seen.add(start.element)?;
        }
        elements.finish()?;
        seen.require(&[
            Element::Creator,
            Element::FormatTime,
            Element::VolumeUuid,
            Element::Location,
            Element::Partitions,
            Element::BlockSize,
            Element::Compression,
        ])?;
        Ok(block_size)
    }

    /// What this label alone says of the volume, when the other cannot be read.
    #[must_use]
    pub fn alone(self, partition: Partition) -> (VolumeLabel, PartitionMap) {
        let other = Partition(1 - partition.0.min(1));
        let (index, data) = if self.location == self.index_partition {
            (partition, other)
        } else {
            (other, partition)
        };
        let map = PartitionMap {
            index: (self.index_partition, index),
            data: (self.data_partition, data),
        };
        (self.into_volume(), map)
    }

    fn into_volume(self) -> VolumeLabel {
        VolumeLabel {
            uuid: self.uuid,
            format_time: self.format_time,
            block_size: self.block_size,
            compression: self.compression,
            index_partition: self.index_partition,
            data_partition: self.data_partition,
            creator: self.creator,
            version: self.version,
            serial: self.serial,
        }
    }
}

fn at_start(problem: Problem) -> DocumentError {
    DocumentError { offset: 0, element: Element::LtfsLabel.name(), problem }
}

fn one_partition(
    elements: &mut Elements<&[u8]>,
    parent: Element,
    wanted: Element,
) -> Result<PartitionId, Problem> {
    let mut found = None;
    while let Child::Start(start) = elements.child_of(parent)? {
        if start.element != wanted {
            elements.pass_over(&start, None)?;
        } else if found.is_some() {
            return Err(Problem::Duplicate(wanted.name()));
        } else {
            found = Some(elements.partition(&start)?);
        }
    }
    found.ok_or(Problem::Missing(wanted.name()))
}

fn two_partitions(elements: &mut Elements<&[u8]>) -> Result<(PartitionId, PartitionId), Problem> {
    let (mut index, mut data) = (None, None);
    while let Child::Start(start) = elements.child_of(Element::Partitions)? {
        let place = match start.element {
            Element::Index => &mut index,
            Element::Data => &mut data,
            _ => {
                elements.pass_over(&start, None)?;
                continue;
            }
        };
        if place.replace(elements.partition(&start)?).is_some() {
            return Err(Problem::Duplicate(start.element.name()));
        }
    }
    let index = index.ok_or(Problem::Missing(Element::Index.name()))?;
    Ok((index, data.ok_or(Problem::Missing(Element::Data.name()))?))
}

impl VolumeLabel {
    /// Compares the labels of physical partitions 0 and 1.
    ///
    /// # Errors
    /// Names the first thing in which they differ and must not, or that they are for one partition.
    pub fn verify(
        first: UnverifiedLabel,
        second: &UnverifiedLabel,
    ) -> Result<(Self, PartitionMap), LabelError> {
        fn same<T: PartialEq>(
            field: &'static str,
            first: &T,
            second: &T,
            show: impl Fn(&T) -> String,
        ) -> Result<(), LabelError> {
            if first == second {
                return Ok(());
            }
            Err(LabelError::Differ { field, first: show(first), second: show(second) })
        }
        let text = |bytes: &[u8; SERIAL_BYTES]| String::from_utf8_lossy(bytes).into_owned();
        same("bar code", &first.serial, &second.serial, text)?;
        same("volume UUID", &first.uuid, &second.uuid, ToString::to_string)?;
        same("format time", &first.format_time, &second.format_time, ToString::to_string)?;
        same("block size", &first.block_size, &second.block_size, ToString::to_string)?;
        same("compression", &first.compression, &second.compression, ToString::to_string)?;
        let map = |label: &UnverifiedLabel| (label.index_partition, label.data_partition);
        let shown = |map: &(PartitionId, PartitionId)| format!("index {}, data {}", map.0, map.1);
        same("partition map", &map(&first), &map(second), shown)?;
        same("version", &first.version, &second.version, ToString::to_string)?;
        if first.location == second.location {
            return Err(LabelError::SamePartition(first.location));
        }
        Ok(first.alone(Partition(0)))
    }

    /// The bar code in the label, if the cartridge had one when it was formatted.
    #[must_use]
    pub fn barcode(&self) -> Option<Barcode> {
        std::str::from_utf8(&self.serial).ok()?.parse().ok()
    }

    /// The first record of either partition.
    #[must_use]
    pub fn encode_vol1(&self) -> [u8; VOL1_BYTES] {
        let mut record = [b' '; VOL1_BYTES];
        record[..SERIAL_AT].copy_from_slice(b"VOL1");
        record[SERIAL_AT..SERIAL_AT + SERIAL_BYTES].copy_from_slice(&self.serial);
        record[ACCESSIBILITY_AT] = b'L';
        record[IMPLEMENTATION_AT..IMPLEMENTATION_AT + IMPLEMENTATION.len()]
            .copy_from_slice(IMPLEMENTATION);
        record[VOL1_BYTES - 1] = b'4';
        record
    }

    /// The XML label of the partition `location`.
    #[must_use]
    pub fn encode_xml(&self, location: PartitionId) -> Vec<u8> {
        let mut creator = Vec::new();
        push_escaped(&mut creator, self.creator.as_bytes());
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <ltfslabel version=\"{version}\">\n\
             \x20   <creator>{creator}</creator>\n\
             \x20   <formattime>{time}</formattime>\n\
             \x20   <volumeuuid>{uuid}</volumeuuid>\n\
             \x20   <location>\n\
             \x20       <partition>{location}</partition>\n\
             \x20   </location>\n\
             \x20   <partitions>\n\
             \x20       <index>{index}</index>\n\
             \x20       <data>{data}</data>\n\
             \x20   </partitions>\n\
             \x20   <blocksize>{block_size}</blocksize>\n\
             \x20   <compression>{compression}</compression>\n\
             </ltfslabel>\n",
            version = self.version,
            creator = String::from_utf8_lossy(&creator),
            time = self.format_time,
            uuid = self.uuid,
            index = self.index_partition,
            data = self.data_partition,
            block_size = self.block_size,
            compression = self.compression,
        )
        .into_bytes()
    }
}

/// The six characters that a label holds of a bar code.
#[must_use]
pub fn label_serial(barcode: Option<&Barcode>) -> [u8; SERIAL_BYTES] {
    let mut serial = [b' '; SERIAL_BYTES];
    if let Some(barcode) = barcode {
        let text = barcode.serial().as_bytes();
        let count = text.len().min(SERIAL_BYTES);
        serial[..count].copy_from_slice(&text[..count]);
        // The reference wants all six or none.
        if count < SERIAL_BYTES {
            serial = [b' '; SERIAL_BYTES];
        }
    }
    serial
}

impl fmt::Display for VolumeLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.barcode() {
            Some(barcode) => write!(f, "volume {} ({barcode})", self.uuid),
            None => write!(f, "volume {}", self.uuid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ltfslabel version="2.4.0">
    <creator>IBM LTFS 2.4.8.4 (Prelim) - Linux - mkltfs</creator>
    <formattime>2026-11-23T04:54:18.505722554Z</formattime>
    <volumeuuid>0d3c7db2-ffcf-4ff6-9c97-5ca342851a21</volumeuuid>
    <location>
        <partition>a</partition>
    </location>
    <partitions>
        <index>a</index>
        <data>b</data>
    </partitions>
    <blocksize>524288</blocksize>
    <compression>true</compression>
</ltfslabel>
"#;

    fn vol1() -> Vec<u8> {
        let mut record = format!("VOL1FSL001L{:13}LTFS", "").into_bytes();
        record.resize(79, b' ');
        record.push(b'4');
        record
    }

    fn on(location: char) -> String {
        XML.replace("<partition>a", &format!("<partition>{location}"))
    }

    fn read(xml: &str) -> Result<UnverifiedLabel, LabelError> {
        UnverifiedLabel::parse(&vol1(), xml.as_bytes())
    }

    #[test]
    fn labels_of_the_reference_are_read_and_written_back_byte_for_byte() {
        let (first, second) = (read(XML).unwrap(), read(&on('b')).unwrap());
        let (label, map) = VolumeLabel::verify(first, &second).unwrap();
        assert_eq!(map, PartitionMap::FORMATTED);
        assert_eq!(label.encode_vol1().as_slice(), vol1());
        assert_eq!(String::from_utf8(label.encode_xml(PartitionId::INDEX)).unwrap(), XML);
        assert_eq!(String::from_utf8(label.encode_xml(PartitionId::DATA)).unwrap(), on('b'));
        assert_eq!(label.barcode().unwrap().as_str(), "FSL001");
    }

    #[test]
    fn the_partition_map_comes_from_the_labels() {
        let (label, map) =
            VolumeLabel::verify(read(&on('b')).unwrap(), &read(XML).unwrap()).unwrap();
        assert_eq!(label.index_partition, PartitionId::INDEX);
        assert_eq!(map.index, (PartitionId::INDEX, Partition(1)));
        assert_eq!(map.physical(PartitionId::DATA), Some(Partition(0)));
        assert_eq!(map.id(Partition(0)), Some(PartitionId::DATA));
        assert_eq!(map.physical(PartitionId::from_letter(b'c').unwrap()), None);
    }

    #[test]
    fn labels_that_differ_are_refused_with_the_field() {
        let cases = [
            ("0d3c7db2", "1d3c7db2", "volume UUID"),
            ("505722554Z", "505722553Z", "format time"),
            ("524288", "65536", "block size"),
            ("true", "false", "compression"),
            ("<data>b", "<data>a", ""),
            ("2.4.0", "2.3.0", "version"),
        ];
        for (from, to, field) in cases {
            let Ok(second) = read(&on('b').replace(from, to)) else {
                assert_eq!(field, "");
                continue;
            };
            let refused = VolumeLabel::verify(read(XML).unwrap(), &second).unwrap_err();
            assert!(matches!(refused, LabelError::Differ { field: f, .. } if f == field));
        }
        let swapped = on('b').replace("<index>a", "<index>b").replace("<data>b", "<data>a");
        let refused = VolumeLabel::verify(read(XML).unwrap(), &read(&swapped).unwrap());
        assert!(matches!(refused, Err(LabelError::Differ { field: "partition map", .. })));
        let refused = VolumeLabel::verify(read(XML).unwrap(), &read(XML).unwrap());
        assert!(matches!(refused, Err(LabelError::SamePartition(_))));
    }

    #[test]
    fn records_that_are_no_label_are_refused_with_the_reason() {
        let parse = |vol1: &[u8], xml: &str| UnverifiedLabel::parse(vol1, xml.as_bytes());
        assert!(matches!(parse(b"VOL1", XML), Err(LabelError::Short(4))));
        assert!(matches!(parse(&[0; 80], XML), Err(LabelError::NotLtfs(_))));
        let lower = String::from_utf8(vol1()).unwrap().replace("FSL", "fsl");
        assert!(matches!(parse(lower.as_bytes(), XML), Err(LabelError::Barcode(_))));
        for (from, to) in [
            ("<blocksize>524288</blocksize>", ""),
            ("<compression>true</compression>", "<compression>maybe</compression>"),
            ("<index>a</index>", "<index>a</index><index>a</index>"),
            ("5ca342851a21", "5ca342851a2"),
        ] {
            assert!(matches!(read(&XML.replace(from, to)), Err(LabelError::Xml(_))), "{from}");
        }
        assert!(matches!(read(&XML.replace("524288", "0")), Err(LabelError::BlockSize(0))));
        assert!(matches!(read(&on('c')), Err(LabelError::Location { .. })));
    }

    #[test]
    fn what_the_reference_tolerates_is_tolerated() {
        let mut long = vol1();
        long.extend_from_slice(b"L9");
        assert!(UnverifiedLabel::parse(&long, XML.as_bytes()).is_ok());
        assert!(read(&XML.replace("2.4.0", "2.5.0")).is_ok());
        assert!(read(&XML.replace("<location>", "<unknown/><location>")).is_ok());
        let mut blank = vol1();
        blank[4..10].fill(b' ');
        assert!(UnverifiedLabel::parse(&blank, XML.as_bytes()).is_ok());
    }

    #[test]
    fn every_truncation_is_refused_without_a_panic() {
        for length in 0..XML.len() - 1 {
            assert!(read(&XML[..length]).is_err(), "{length}");
        }
        for length in 0..VOL1_BYTES {
            assert!(UnverifiedLabel::parse(&vol1()[..length], XML.as_bytes()).is_err());
        }
    }
}
