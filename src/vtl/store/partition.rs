//! One partition: an index file of fixed-size records and a data file of stored bytes.
//!
//! Why it survives a kill at any moment: a block's bytes go to the data file when the drive takes
//! them, always behind everything else; the block exists once its record is in the index file
//! ([`PartitionStore::commit`]). What has no record yet is the drive's buffer: it is gone with the
//! process, as it is gone with a drive's power. So nothing is copied and nothing can be torn.
//! Overwriting never touches bytes that a record names: new bytes go to the end of the file, the
//! commit cuts the index first, then appends, then gives the dead bytes back to the file system.
//!
//! All objects are in memory too, 32 bytes each, so that spacing and locating are look-ups.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{FallocateFlags, fallocate};

use super::object::{Object, ObjectKind, RECORD_BYTES};
use crate::domain::{ByteCount, MIB};
use crate::vtl::VtlError;
use crate::vtl::bytes::{size, wide};
use crate::vtl::plan::Storage;

/// Blocks from this size on are dropped by [`Storage::Discard`]: labels and small indexes stay.
const DISCARD_BYTES_MIN: usize = size_kib(64);
/// Between early warning and the physical end: a 64th of the partition, within these limits. At
/// least a few blocks must fit; real drives give about 50 blocks (ltfs issue 331) and more.
const WARNING_ZONE_MIN: u64 = 2 * MIB;
const WARNING_ZONE_MAX: u64 = 64 * MIB;

const fn size_kib(kib: usize) -> usize {
    kib * 1024
}

/// One partition, its files open.
#[derive(Debug)]
pub(in crate::vtl) struct PartitionStore {
    base: PathBuf,
    index: File,
    data: File,
    storage: Storage,
    capacity: ByteCount,
    /// What is on the tape and, behind `committed`, what is in the drive's buffer.
    objects: Vec<Object>,
    /// How many of `objects` are in the index file.
    committed: usize,
    /// How many records the index file holds; more than `committed` while an overwrite is pending.
    records_in_file: usize,
    /// Numbers of the filemarks among `objects`, ascending.
    filemarks: Vec<u64>,
    /// Where the next stored bytes go.
    file_end: u64,
    /// Bytes in the data file that no record names once the pending overwrite is committed.
    dead: Option<(u64, u64)>,
}

/// What is written as one object.
#[derive(Clone, Copy, Debug)]
pub(in crate::vtl) enum Payload<'a> {
    /// A block as the host sent it.
    Block(&'a [u8]),
    /// A block that the drive encrypted; the host's length beside it.
    Encrypted { len: u32, stored: &'a [u8] },
    /// A filemark.
    Filemark,
}

/// A block cannot be given back: the files are damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::vtl) struct BlockFault;

impl PartitionStore {
    /// Makes the files of an empty partition, or empties them.
    pub(super) fn create(base: &Path) -> Result<(), VtlError> {
        for path in [index_path(base), data_path(base)] {
            File::create(&path).map_err(VtlError::file("make", &path))?;
        }
        Ok(())
    }

    /// Removes the files, as far as they are there.
    pub(super) fn remove(base: &Path) {
        for path in [index_path(base), data_path(base)] {
            // A file that stays costs room only; the layout no longer names it.
            drop(fs::remove_file(path));
        }
    }

    /// Opens the files and takes the records in.
    pub(super) fn open(
        base: &Path,
        capacity: ByteCount,
        storage: Storage,
    ) -> Result<Self, VtlError> {
        let (index_path, data_path) = (index_path(base), data_path(base));
        let open = |path: &Path| {
            let file = File::options().read(true).write(true).open(path);
            file.map_err(VtlError::file("open", path))
        };
        let (index, data) = (open(&index_path)?, open(&data_path)?);
        let records = fs::read(&index_path).map_err(VtlError::file("read", &index_path))?;
        let objects = take_records(&records);
        let file_end = objects.iter().map(Object::file_end).max().unwrap_or(0);
        let filemark = |(number, object): (usize, &Object)| {
            (object.kind == ObjectKind::Filemark).then(|| wide(number))
        };
        let in_file = data.metadata().map_err(VtlError::file("look at", &data_path))?.len();
        if in_file > file_end {
            data.set_len(file_end).map_err(VtlError::file("cut", &data_path))?;
        }
        Ok(Self {
            base: base.to_owned(),
            index,
            data,
            storage,
            capacity,
            committed: objects.len(),
            records_in_file: records.len().div_ceil(RECORD_BYTES),
            filemarks: objects.iter().enumerate().filter_map(filemark).collect(),
            objects,
            file_end,
            dead: None,
        })
    }

    /// Number of objects, also those still in the buffer: the block number of end of data.
    pub(in crate::vtl) fn end_of_data(&self) -> u64 {
        wide(self.objects.len())
    }

    /// Number of objects that are on the tape.
    pub(in crate::vtl) fn committed(&self) -> u64 {
        wide(self.committed)
    }

    /// Bytes of the blocks in the buffer.
    pub(in crate::vtl) fn buffered_bytes(&self) -> u64 {
        self.used_before(self.end_of_data()) - self.used_before(self.committed())
    }

    /// True if an overwrite or an append is waiting for [`commit`](Self::commit).
    pub(in crate::vtl) fn is_dirty(&self) -> bool {
        self.objects.len() != self.records_in_file || self.committed != self.records_in_file
    }

    /// The object `number`.
    pub(in crate::vtl) fn object(&self, number: u64) -> Option<&Object> {
        self.objects.get(size(number))
    }

    /// How many filemarks stand before object `number`.
    pub(in crate::vtl) fn filemarks_before(&self, number: u64) -> u64 {
        wide(self.filemarks.partition_point(|&filemark| filemark < number))
    }

    /// The number of the filemark with that ordinal.
    pub(in crate::vtl) fn filemark(&self, ordinal: u64) -> Option<u64> {
        self.filemarks.get(size(ordinal)).copied()
    }

    /// Bytes of tape before object `number`.
    pub(in crate::vtl) fn used_before(&self, number: u64) -> u64 {
        let before = number.min(self.end_of_data()).checked_sub(1);
        before.and_then(|n| self.object(n)).map_or(0, |object| object.tape_end)
    }

    /// Number of objects that end within the first `bytes` of tape.
    pub(in crate::vtl) fn objects_within(&self, bytes: u64) -> u64 {
        wide(self.objects.partition_point(|object| object.tape_end <= bytes))
    }

    /// Bytes of tape to the physical end.
    pub(in crate::vtl) fn capacity_to_end(&self) -> ByteCount {
        self.capacity
    }

    /// Bytes of tape to early warning: what is reported as the capacity.
    pub(in crate::vtl) fn capacity_to_early_warning(&self) -> ByteCount {
        let zone = (self.capacity.0 / 64).clamp(WARNING_ZONE_MIN, WARNING_ZONE_MAX);
        ByteCount(self.capacity.0.saturating_sub(zone))
    }

    /// True if an object of `stored` bytes written as `number` would not fit.
    pub(in crate::vtl) fn is_full(&self, number: u64, stored: u64) -> bool {
        self.used_before(number).saturating_add(stored) > self.capacity.0
    }

    /// Writes an object as `number`, into the buffer; everything from there on is gone.
    pub(in crate::vtl) fn put(
        &mut self,
        number: u64,
        payload: Payload<'_>,
    ) -> Result<(), VtlError> {
        self.truncate(number);
        let (kind, len, stored): (_, usize, &[u8]) = match payload {
            Payload::Block(bytes)
                if self.storage == Storage::Discard && bytes.len() >= DISCARD_BYTES_MIN =>
            {
                (ObjectKind::DiscardedBlock, bytes.len(), &[])
            }
            Payload::Block(bytes) => (ObjectKind::Block, bytes.len(), bytes),
            Payload::Encrypted { len, stored } => (ObjectKind::EncryptedBlock, size(len), stored),
            Payload::Filemark => (ObjectKind::Filemark, 0, &[]),
        };
        if !stored.is_empty() {
            let written = self.data.write_all_at(stored, self.file_end);
            written.map_err(VtlError::file("write", &data_path(&self.base)))?;
        }
        let on_tape = wide(len.max(stored.len()));
        if kind == ObjectKind::Filemark {
            self.filemarks.push(self.end_of_data());
        }
        let object = Object {
            kind,
            len: u32::try_from(len).unwrap_or(u32::MAX),
            stored: u32::try_from(stored.len()).unwrap_or(u32::MAX),
            crc: crc32fast::hash(stored),
            tape_end: self.used_before(self.end_of_data()) + on_tape,
            file_offset: self.file_end,
        };
        self.file_end = object.file_end();
        self.objects.push(object);
        Ok(())
    }

    /// Drops object `number` and everything behind it, in the buffer; see
    /// [`commit`](Self::commit).
    pub(in crate::vtl) fn truncate(&mut self, number: u64) {
        let Some(first) = self.objects.get(size(number)) else { return };
        let from = self.dead.map_or(first.file_offset, |(from, _)| from.min(first.file_offset));
        self.dead = Some((from, self.file_end));
        self.objects.truncate(size(number));
        self.committed = self.committed.min(self.objects.len());
        self.filemarks.truncate(self.filemarks.partition_point(|&mark| mark < number));
    }

    /// Puts objects into the index file, oldest first, until `rest_bytes` are left in the buffer.
    pub(in crate::vtl) fn commit(&mut self, rest_bytes: u64) -> Result<(), VtlError> {
        let index_path = index_path(&self.base);
        if self.records_in_file > self.committed {
            let cut = self.index.set_len(wide(self.committed * RECORD_BYTES));
            cut.map_err(VtlError::file("cut", &index_path))?;
            self.records_in_file = self.committed;
        }
        let keep = self.used_before(self.end_of_data()).saturating_sub(rest_bytes);
        let pending = &self.objects[self.committed..];
        let count = match rest_bytes {
            0 => pending.len(),
            _ => pending.partition_point(|object| object.tape_end <= keep),
        };
        let mut records = Vec::with_capacity(count * RECORD_BYTES);
        for (number, object) in (self.committed()..).zip(&pending[..count]) {
            records.extend_from_slice(&object.encode(number));
        }
        let at = wide(self.committed * RECORD_BYTES);
        self.index.write_all_at(&records, at).map_err(VtlError::file("write", &index_path))?;
        self.committed += count;
        self.records_in_file = self.committed;
        self.bury_dead_bytes();
        Ok(())
    }

    /// Gives bytes that nothing names any more back to the file system, where it can take them.
    fn bury_dead_bytes(&mut self) {
        let Some((from, to)) = self.dead.take() else { return };
        let punch = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        let offsets = (i64::try_from(from), i64::try_from(to.saturating_sub(from)));
        if let (Ok(offset), Ok(len @ 1..)) = offsets {
            // Refused by some file systems; then the file stays larger than it needs to be.
            let _ = fallocate(&self.data, punch, offset, len);
        }
    }

    /// Reads the start of a block into `buffer`, as stored: the whole block if it fits.
    pub(in crate::vtl) fn read(
        &self,
        object: &Object,
        buffer: &mut [u8],
    ) -> Result<(), BlockFault> {
        match object.kind {
            ObjectKind::Block if buffer.len() >= size(object.len) => {
                self.read_stored(object, &mut buffer[..size(object.len)])
            }
            ObjectKind::Block => {
                let whole = self.read_whole(object)?;
                buffer.copy_from_slice(&whole[..buffer.len()]);
                Ok(())
            }
            ObjectKind::DiscardedBlock => {
                let count = buffer.len().min(size(object.len));
                buffer[..count].fill(0);
                Ok(())
            }
            ObjectKind::EncryptedBlock | ObjectKind::Filemark | ObjectKind::Damaged => {
                Err(BlockFault)
            }
        }
    }

    /// Reads the stored bytes of a block, encrypted or not.
    pub(in crate::vtl) fn read_whole(&self, object: &Object) -> Result<Vec<u8>, BlockFault> {
        let mut stored = vec![0; size(object.stored)];
        self.read_stored(object, &mut stored)?;
        Ok(stored)
    }

    fn read_stored(&self, object: &Object, stored: &mut [u8]) -> Result<(), BlockFault> {
        self.data.read_exact_at(stored, object.file_offset).map_err(|_| BlockFault)?;
        if crc32fast::hash(stored) == object.crc { Ok(()) } else { Err(BlockFault) }
    }
}

fn index_path(base: &Path) -> PathBuf {
    base.with_extension("index")
}

fn data_path(base: &Path) -> PathBuf {
    base.with_extension("data")
}

/// Takes the records of an index file in. What a cut left half written at the end does not exist;
/// a record that is damaged with good ones behind it is an object that cannot be read.
fn take_records(records: &[u8]) -> Vec<Object> {
    let mut objects: Vec<Object> = Vec::with_capacity(records.len() / RECORD_BYTES);
    let mut good = 0;
    for (number, record) in records.chunks(RECORD_BYTES).enumerate() {
        if let Some(object) = Object::decode(record, wide(number)) {
            objects.push(object);
            good = objects.len();
        } else {
            let damaged = Object::damaged(objects.last());
            objects.push(damaged);
        }
    }
    objects.truncate(good);
    objects
}
