//! A cartridge as a folder of files: what it is, its memory, and its partitions.
//!
//! ```text
//! cartridges/<medium serial>/
//!   cartridge.json      barcode, generation, kind, switch, layout      replaced as a whole
//!   memory.json         attributes and counters of the memory chip     replaced as a whole
//!   L<n>-P<p>.index     one fixed-size record an object                append, truncate
//!   L<n>-P<p>.data      the stored bytes of the blocks                 append, holes
//! ```
//!
//! `n` is the number of the layout: formatting makes new files and then names them in
//! `cartridge.json`, so a cut leaves the old layout or the new one. Nothing is synced to the disk:
//! what has to survive is the death of the process at any moment, not that of the machine.

mod files;
mod memory;
mod object;
mod partition;

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub(super) use files::{read_json, replace_json};
pub(super) use memory::{Attribute, AttributeFormat, Memory};
pub(super) use object::{Object, ObjectKind};
pub(super) use partition::{PartitionStore, Payload};

use super::VtlError;
use super::plan::{CartridgeKind, CartridgePlan, Storage};
use crate::domain::{Barcode, ByteCount, LtoGeneration, MIB};

/// File that makes a folder a cartridge.
const IDENTITY_FILE: &str = "cartridge.json";
const MEMORY_FILE: &str = "memory.json";
/// Extension of a cartridge's folder while it is being made.
pub(super) const UNFINISHED: &str = "unfinished";

/// What a cartridge is; content of `cartridge.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    /// Medium serial number: the key of a cartridge, also the name of its folder.
    pub(super) serial: String,
    pub(super) barcode: Barcode,
    pub(super) generation: LtoGeneration,
    pub(super) kind: CartridgeKind,
    pub(super) capacity: ByteCount,
    pub(super) write_protected: bool,
    /// LTO-9: whether it has been through its first load.
    pub(super) is_initialized: bool,
    /// SET CAPACITY: how many 65535ths of the tape are used.
    pub(super) proportion: u16,
    pub(super) layout: Layout,
}

/// How the tape is divided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Layout {
    /// Names the files of this layout; counts up with every format.
    number: u64,
    /// Bytes of each partition, from its beginning to its physical end.
    pub(super) partitions: Vec<ByteCount>,
}

/// One cartridge, its files open.
#[derive(Debug)]
pub(super) struct Cartridge {
    folder: PathBuf,
    pub(super) identity: Identity,
    pub(super) memory: Memory,
    pub(super) partitions: Vec<PartitionStore>,
    storage: Storage,
}

impl Identity {
    /// Reads what the cartridge in `folder` is.
    pub(super) fn read(folder: &Path) -> Result<Self, VtlError> {
        read_json(&folder.join(IDENTITY_FILE))
    }

    /// Bytes of the tape that are used.
    pub(super) fn usable(&self) -> ByteCount {
        let share =
            u128::from(self.capacity.0) * u128::from(self.proportion) / u128::from(u16::MAX);
        ByteCount(u64::try_from(share).unwrap_or(u64::MAX))
    }

    /// Replaces the file.
    pub(super) fn write(&self, folder: &Path) -> Result<(), VtlError> {
        replace_json(&folder.join(IDENTITY_FILE), self)
    }
}

impl Cartridge {
    /// Makes a blank cartridge in `cartridges/<serial>`.
    pub(super) fn create(
        cartridges: &Path,
        serial: &str,
        plan: &CartridgePlan,
    ) -> Result<(), VtlError> {
        plan.ensure_sensible()?;
        let whole = cartridges.join(serial);
        // A folder of another name until it is complete: a cut leaves no half cartridge.
        let folder = whole.with_extension(UNFINISHED);
        fs::create_dir_all(&folder).map_err(VtlError::file("make", &folder))?;
        let layout = Layout { number: 0, partitions: vec![plan.capacity] };
        layout.make_files(&folder)?;
        Memory::default().write(&folder.join(MEMORY_FILE))?;
        let identity = Identity {
            serial: serial.to_owned(),
            barcode: plan.barcode.clone(),
            generation: plan.generation,
            kind: plan.kind,
            capacity: plan.capacity,
            write_protected: plan.write_protected,
            is_initialized: plan.generation != LtoGeneration::Lto9,
            proportion: u16::MAX,
            layout,
        };
        identity.write(&folder)?;
        fs::rename(&folder, &whole).map_err(VtlError::file("name", &whole))
    }

    /// Opens the cartridge in `folder`. Bytes that no record names are dropped.
    pub(super) fn open(folder: &Path, storage: Storage) -> Result<Self, VtlError> {
        let identity = Identity::read(folder)?;
        let memory = Memory::read(&folder.join(MEMORY_FILE))?;
        let partitions = identity.layout.open_files(folder, storage)?;
        Ok(Self { folder: folder.to_owned(), identity, memory, partitions, storage })
    }

    /// Forgets everything that is not in the files: what a drive does when its power fails.
    pub(super) fn reload(&mut self) -> Result<(), VtlError> {
        *self = Self::open(&self.folder, self.storage)?;
        Ok(())
    }

    /// Puts the memory into its file.
    pub(super) fn write_memory(&self) -> Result<(), VtlError> {
        self.memory.write(&self.folder.join(MEMORY_FILE))
    }

    /// Puts the identity into its file.
    pub(super) fn write_identity(&self) -> Result<(), VtlError> {
        self.identity.write(&self.folder)
    }

    /// Divides the tape anew; all blocks and the coherency attributes are gone.
    pub(super) fn format(&mut self, partitions: Vec<ByteCount>) -> Result<(), VtlError> {
        let old = self.identity.layout.clone();
        let layout = Layout { number: old.number + 1, partitions };
        layout.make_files(&self.folder)?;
        self.memory.forget_partitions();
        self.memory.initializations += 1;
        self.write_memory()?;
        self.identity.layout = layout;
        self.write_identity()?;
        self.partitions = self.identity.layout.open_files(&self.folder, self.storage)?;
        old.remove_files(&self.folder);
        Ok(())
    }

    /// Bytes of the index partition that this cartridge gets: what LTO gives, 5 % where that is
    /// less, but at least 32 MiB, and never more than a quarter.
    pub(super) fn index_partition_bytes(&self) -> ByteCount {
        const MINIMUM: u64 = 32 * MIB;
        let native = self.identity.generation.native_capacity().0;
        let two_wraps = native / wraps(self.identity.generation) * 2;
        let capacity = self.identity.usable().0;
        ByteCount((capacity / 20).min(two_wraps).max(MINIMUM).min(capacity / 4))
    }
}

/// How often a generation's tape runs from end to end: wraps of all bands, from the format
/// descriptions; LTO-10's is not published and taken like LTO-9's.
pub(super) fn wraps(generation: LtoGeneration) -> u64 {
    match generation {
        LtoGeneration::Lto5 => 80,
        LtoGeneration::Lto6 => 136,
        LtoGeneration::Lto7 => 112,
        LtoGeneration::Lto8 => 208,
        LtoGeneration::Lto9 | LtoGeneration::Lto10 => 280,
    }
}

impl Layout {
    fn base(&self, folder: &Path, partition: usize) -> PathBuf {
        folder.join(format!("L{}-P{partition}", self.number))
    }

    fn make_files(&self, folder: &Path) -> Result<(), VtlError> {
        (0..self.partitions.len()).try_for_each(|n| PartitionStore::create(&self.base(folder, n)))
    }

    fn open_files(&self, folder: &Path, storage: Storage) -> Result<Vec<PartitionStore>, VtlError> {
        let open = |(number, capacity): (usize, &ByteCount)| {
            // The index partition is kept whole even when blocks are dropped, so it can be mounted.
            let storage =
                if number == 0 && self.partitions.len() > 1 { Storage::Files } else { storage };
            PartitionStore::open(&self.base(folder, number), *capacity, storage)
        };
        self.partitions.iter().enumerate().map(open).collect()
    }

    /// Best effort: files left over cost room and nothing else.
    fn remove_files(&self, folder: &Path) {
        for number in 0..self.partitions.len() {
            PartitionStore::remove(&self.base(folder, number));
        }
    }
}
