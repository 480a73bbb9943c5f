//! The memory chip of a cartridge: attributes that hosts and applications write, and counters that
//! drives keep in it.
//!
//! The medium's own attributes (0000h to 07FFh) are computed in `drive::attributes`; here are their
//! counters. Attributes of hosts are kept as bytes, by partition where they belong to one.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::files::{read_json, replace_json};
use crate::vtl::VtlError;

/// How an attribute's value is to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::vtl) enum AttributeFormat {
    Binary,
    Ascii,
    Text,
}

impl AttributeFormat {
    /// The two bits of the FORMAT field.
    pub(in crate::vtl) fn code(self) -> u8 {
        match self {
            Self::Binary => 0,
            Self::Ascii => 1,
            Self::Text => 2,
        }
    }

    /// The format of the two bits.
    pub(in crate::vtl) fn from_code(code: u8) -> Option<Self> {
        [Self::Binary, Self::Ascii, Self::Text].into_iter().find(|f| f.code() == code)
    }
}

/// An attribute's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::vtl) struct Attribute {
    pub(in crate::vtl) format: AttributeFormat,
    #[serde(with = "hex_text")]
    pub(in crate::vtl) value: Vec<u8>,
}

/// Everything in the chip.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::vtl) struct Memory {
    /// Volume change reference; counts up when the content begins to change.
    pub(in crate::vtl) change_reference: u32,
    pub(in crate::vtl) load_count: u64,
    pub(in crate::vtl) initializations: u64,
    pub(in crate::vtl) bytes_written: u64,
    pub(in crate::vtl) bytes_read: u64,
    pub(in crate::vtl) bytes_written_last_load: u64,
    pub(in crate::vtl) bytes_read_last_load: u64,
    /// TapeAlert flags of the last load, flag 1 as the highest bit.
    pub(in crate::vtl) tape_alerts: u64,
    /// Vendor and serial of the drives of the last four loads, newest first.
    pub(in crate::vtl) last_drives: Vec<String>,
    /// Uses of a cleaning cartridge.
    pub(in crate::vtl) cleanings: u64,
    /// Attributes written by hosts, by partition and identifier; those of the volume under 0.
    attributes: BTreeMap<u8, BTreeMap<u16, Attribute>>,
}

/// How many drives the chip remembers.
const LAST_DRIVES: usize = 4;

impl Memory {
    pub(super) fn read(path: &Path) -> Result<Self, VtlError> {
        read_json(path)
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), VtlError> {
        replace_json(path, self)
    }

    /// A host's attribute.
    pub(in crate::vtl) fn attribute(&self, partition: u8, id: u16) -> Option<&Attribute> {
        self.attributes.get(&partition)?.get(&id)
    }

    /// Identifiers of the hosts' attributes of a partition, ascending.
    pub(in crate::vtl) fn attribute_ids(&self, partition: u8) -> impl Iterator<Item = u16> + '_ {
        self.attributes.get(&partition).into_iter().flat_map(|all| all.keys().copied())
    }

    /// Writes a host's attribute; an empty value removes it.
    pub(in crate::vtl) fn set_attribute(&mut self, partition: u8, id: u16, attribute: Attribute) {
        let of_partition = self.attributes.entry(partition).or_default();
        if attribute.value.is_empty() {
            of_partition.remove(&id);
        } else {
            of_partition.insert(id, attribute);
        }
    }

    /// The volume was divided anew: what was said about its partitions no longer holds.
    pub(super) fn forget_partitions(&mut self) {
        const COHERENCY: u16 = 0x080C;
        self.attributes.retain(|partition, _| *partition == 0);
        self.attributes.values_mut().for_each(|all| drop(all.remove(&COHERENCY)));
    }

    /// A drive took the cartridge.
    pub(in crate::vtl) fn count_load(&mut self, drive: String) {
        self.load_count += 1;
        self.bytes_written_last_load = 0;
        self.bytes_read_last_load = 0;
        self.last_drives.insert(0, drive);
        self.last_drives.truncate(LAST_DRIVES);
    }
}

/// Bytes as hexadecimal text in JSON.
mod hex_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex::encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        hex::decode(String::deserialize(from)?).map_err(D::Error::custom)
    }
}
