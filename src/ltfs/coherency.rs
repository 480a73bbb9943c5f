//! The volume coherency attribute (080Ch): what the cartridge's memory says of the indexes.
//!
//! Written on both partitions after each index, with the volume change reference (VCR) as it is
//! then. As long as the drive's VCR (0009h) is still that number nothing was written since, and a
//! mount may go straight to the index. It makes a mount quick; none of it is needed to mount.
//!
//! ```text
//!  0      length of the VCR, 8        25..27  length of the rest, 43 (42 is read too)
//!  1..9   VCR                         27..32  "LTFS" NUL
//!  9..17  generation of the index     32..69  volume UUID as text, NUL
//!  17..25 its block                   69      version, 1 (0 is old and proves nothing)
//! ```

use uuid::Uuid;

use super::error::LtfsError;
use crate::domain::{BlockNumber, Partition, VolumeUuid};
use crate::drive::{Attribute, AttributeFormat, AttributeId, Drive};

const VALUE_BYTES: usize = 70;
const VCR_BYTES: u8 = 8;
const REST_BYTES: u16 = 43;
const REST_BYTES_OLD: u16 = 42;
const VERSION: u8 = 1;
const UUID_CHARS: usize = 36;

/// One partition's coherency attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coherency {
    /// The volume change reference when it was written.
    pub change_reference: u64,
    /// Generation of this partition's last index.
    pub generation: u64,
    /// Where that index is.
    pub block: BlockNumber,
    /// The volume.
    pub uuid: VolumeUuid,
    /// 0 proves nothing.
    pub version: u8,
}

impl Coherency {
    /// Reads the value of the attribute. `None` if it is some other program's or malformed.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let value: &[u8; VALUE_BYTES] = value.try_into().ok()?;
        let number = |at: usize| value[at..].first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
        let rest = u16::from_be_bytes([value[25], value[26]]);
        let is_ours = value[0] == VCR_BYTES
            && matches!(rest, REST_BYTES | REST_BYTES_OLD)
            && &value[27..32] == b"LTFS\0";
        let uuid = std::str::from_utf8(&value[32..32 + UUID_CHARS]).ok();
        let uuid = uuid.filter(|_| is_ours).and_then(|text| Uuid::try_parse(text).ok())?;
        Some(Self {
            change_reference: number(1)?,
            generation: number(9)?,
            block: BlockNumber(number(17)?),
            uuid: VolumeUuid(uuid),
            version: value[69],
        })
    }

    /// The value of the attribute.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut value = Vec::with_capacity(VALUE_BYTES);
        value.push(VCR_BYTES);
        value.extend_from_slice(&self.change_reference.to_be_bytes());
        value.extend_from_slice(&self.generation.to_be_bytes());
        value.extend_from_slice(&self.block.0.to_be_bytes());
        value.extend_from_slice(&REST_BYTES.to_be_bytes());
        value.extend_from_slice(b"LTFS\0");
        value.extend_from_slice(self.uuid.0.hyphenated().to_string().as_bytes());
        value.push(0);
        value.push(self.version);
        value
    }

    /// Reads a partition's attribute.
    pub(super) fn read(drive: &mut Drive, partition: Partition) -> Result<Option<Self>, LtfsError> {
        let attribute = drive
            .read_attribute(partition, AttributeId::VOLUME_COHERENCY)
            .map_err(LtfsError::drive("read what the cartridge's memory says of the volume"))?;
        Ok(attribute.and_then(|attribute| Self::parse(&attribute.value)))
    }

    /// Writes a partition's attribute.
    pub(super) fn write(&self, drive: &mut Drive, partition: Partition) -> Result<(), LtfsError> {
        let attribute = Attribute {
            id: AttributeId::VOLUME_COHERENCY,
            format: AttributeFormat::Binary,
            value: self.encode(),
        };
        drive
            .write_attributes(partition, &[attribute])
            .map_err(LtfsError::drive("write the state of the volume to the cartridge's memory"))
    }

    /// An attribute that is true now.
    pub(super) fn now(
        change_reference: u64,
        generation: u64,
        block: BlockNumber,
        uuid: VolumeUuid,
    ) -> Self {
        Self { change_reference, generation, block, uuid, version: VERSION }
    }
}

/// The drive's volume change reference; `None` if it keeps none or does not know it.
pub(super) fn change_reference(drive: &mut Drive) -> Result<Option<u64>, LtfsError> {
    const UNKNOWN: u64 = 0xFFFF_FFFF;
    let attribute = drive
        .read_attribute(Partition(0), AttributeId::VOLUME_CHANGE_REFERENCE)
        .map_err(LtfsError::drive("read the volume change reference"))?;
    let number = attribute.and_then(|attribute| attribute.number());
    Ok(number.filter(|number| !matches!(*number, 0 | UNKNOWN | u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Coherency {
        let uuid = "0d3c7db2-ffcf-4ff6-9c97-5ca342851a21".parse().unwrap();
        Coherency::now(0x1122, 3, BlockNumber(16), VolumeUuid(uuid))
    }

    #[test]
    fn the_value_has_the_layout_of_the_reference() {
        let value = sample().encode();
        assert_eq!(value.len(), VALUE_BYTES);
        assert_eq!(value[..9], [8, 0, 0, 0, 0, 0, 0, 0x11, 0x22]);
        assert_eq!(value[16], 3);
        assert_eq!(value[24], 16);
        assert_eq!(value[25..32], *b"\x00\x2BLTFS\0");
        assert_eq!(value[32..69], *b"0d3c7db2-ffcf-4ff6-9c97-5ca342851a21\0");
        assert_eq!(value[69], 1);
        assert_eq!(Coherency::parse(&value), Some(sample()));
    }

    #[test]
    fn what_is_malformed_is_treated_as_absent() {
        let value = sample().encode();
        for length in 0..value.len() {
            assert_eq!(Coherency::parse(&value[..length]), None);
        }
        for at in [0, 25, 27, 40] {
            let mut damaged = value.clone();
            damaged[at] = 0xFF;
            assert_eq!(Coherency::parse(&damaged), None, "byte {at}");
        }
        let mut older = value;
        older[26] = 42;
        assert!(Coherency::parse(&older).is_some());
    }
}
