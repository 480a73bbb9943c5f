//! One record of a partition's index file: a block or a filemark.
//!
//! ```text
//!  0  kind (1 block, 2 filemark)    16  tape end: bytes of tape used behind this object
//!  1  flags                         24  offset of the stored bytes in the data file
//!  2  zero                          32  number of the object in its partition
//!  4  length for the host           40  CRC-32 of the stored bytes
//!  8  stored length                 44  CRC-32 of bytes 0 to 43
//! 12  zero
//! ```
//!
//! A record is the commit of its object: bytes in the data file that no record names do not exist.
//! The object's own number is in it so that a record that was moved or is left from before is known.
//! Integers are big-endian, like everything on a tape.

use crate::vtl::bytes::{be32, be64};

/// Bytes of a record.
pub(in crate::vtl) const RECORD_BYTES: usize = 48;

const KIND_BLOCK: u8 = 1;
const KIND_FILEMARK: u8 = 2;
const FLAG_ENCRYPTED: u8 = 1;
const FLAG_DISCARDED: u8 = 2;
const CHECKED: usize = RECORD_BYTES - 4;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::vtl) enum ObjectKind {
    /// Data; its bytes are in the data file.
    Block,
    /// Data that was counted and dropped.
    DiscardedBlock,
    /// Data encrypted with a key; the stored bytes say which.
    EncryptedBlock,
    /// A filemark.
    Filemark,
    /// The record itself is unreadable.
    Damaged,
}

/// A block or filemark on the tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::vtl) struct Object {
    pub(in crate::vtl) kind: ObjectKind,
    /// Bytes the host wrote.
    pub(in crate::vtl) len: u32,
    /// Bytes in the data file.
    pub(in crate::vtl) stored: u32,
    pub(in crate::vtl) crc: u32,
    /// Bytes of tape used from the beginning of the partition to behind this object.
    pub(in crate::vtl) tape_end: u64,
    pub(in crate::vtl) file_offset: u64,
}

impl Object {
    /// The record of this object as number `number` of its partition.
    pub(in crate::vtl) fn encode(&self, number: u64) -> [u8; RECORD_BYTES] {
        let (kind, flags) = match self.kind {
            ObjectKind::Block => (KIND_BLOCK, 0),
            ObjectKind::DiscardedBlock => (KIND_BLOCK, FLAG_DISCARDED),
            ObjectKind::EncryptedBlock => (KIND_BLOCK, FLAG_ENCRYPTED),
            ObjectKind::Filemark => (KIND_FILEMARK, 0),
            ObjectKind::Damaged => (0, 0),
        };
        let mut record = [0; RECORD_BYTES];
        record[0] = kind;
        record[1] = flags;
        record[4..8].copy_from_slice(&self.len.to_be_bytes());
        record[8..12].copy_from_slice(&self.stored.to_be_bytes());
        record[16..24].copy_from_slice(&self.tape_end.to_be_bytes());
        record[24..32].copy_from_slice(&self.file_offset.to_be_bytes());
        record[32..40].copy_from_slice(&number.to_be_bytes());
        record[40..44].copy_from_slice(&self.crc.to_be_bytes());
        let check = crc32fast::hash(&record[..CHECKED]);
        record[CHECKED..].copy_from_slice(&check.to_be_bytes());
        record
    }

    /// Reads the record of object `number`; `None` if it is not one, or another's.
    pub(in crate::vtl) fn decode(record: &[u8], number: u64) -> Option<Self> {
        if record.len() != RECORD_BYTES
            || crc32fast::hash(&record[..CHECKED]) != be32(record, CHECKED)
            || be64(record, 32) != number
        {
            return None;
        }
        let kind = match (record[0], record[1]) {
            (KIND_BLOCK, 0) => ObjectKind::Block,
            (KIND_BLOCK, FLAG_DISCARDED) => ObjectKind::DiscardedBlock,
            (KIND_BLOCK, FLAG_ENCRYPTED) => ObjectKind::EncryptedBlock,
            (KIND_FILEMARK, 0) => ObjectKind::Filemark,
            _ => return None,
        };
        Some(Self {
            kind,
            len: be32(record, 4),
            stored: be32(record, 8),
            crc: be32(record, 40),
            tape_end: be64(record, 16),
            file_offset: be64(record, 24),
        })
    }

    /// An object whose record cannot be read, behind `previous`.
    pub(in crate::vtl) fn damaged(previous: Option<&Self>) -> Self {
        Self {
            kind: ObjectKind::Damaged,
            len: 0,
            stored: 0,
            crc: 0,
            tape_end: previous.map_or(0, |p| p.tape_end),
            file_offset: previous.map_or(0, Self::file_end),
        }
    }

    /// Where its stored bytes end in the data file.
    pub(in crate::vtl) fn file_end(&self) -> u64 {
        self.file_offset + u64::from(self.stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_known_whole_and_in_its_place_only() {
        let object = Object {
            kind: ObjectKind::EncryptedBlock,
            len: 5,
            stored: 70,
            crc: 0xDEAD_BEEF,
            tape_end: 1 << 40,
            file_offset: 77,
        };
        let record = object.encode(9);
        assert_eq!(Object::decode(&record, 9), Some(object));
        assert_eq!(Object::decode(&record, 8), None);
        for len in 0..RECORD_BYTES {
            assert_eq!(Object::decode(&record[..len], 9), None);
        }
        for at in 0..RECORD_BYTES {
            let mut torn = record;
            torn[at] ^= 0x10;
            assert_eq!(Object::decode(&torn, 9), None, "byte {at}");
        }
    }
}
