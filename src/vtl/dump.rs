//! Export and import of a cartridge as a neutral dump, for other programs and for test images.
//!
//! ```text
//! <dir>/dump.jsonl   {"type":"cartridge","barcode":"FSP001L9","capacity_mb":64,"generation":"LTO-9"}
//!                    {"part":0,"type":"mam","id":2060,"format":0,"value":"<hex>"}
//!                    {"part":0,"type":"data","len":80,"off":0}
//!                    {"part":0,"type":"filemark"}
//! <dir>/data.bin     all blocks back to back; `off` and `len` point into it
//! ```
//!
//! One object a line; the records of a partition are in tape order. `capacity_mb` counts 2^20 bytes,
//! as the file backend of the LTFS reference does. Attributes are the hosts' and the volume change
//! reference (id 9); others of the drive and manufacturer are not taken over by an import.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::VtlError;
use super::bytes::{size, wide};
use super::library::VirtualLibrary;
use super::plan::{CAPACITY_MIN, CartridgePlan};
use super::shelf::{Place, place_of};
use super::store::{Attribute, AttributeFormat, Cartridge, ObjectKind, Payload};
use crate::domain::{Barcode, ByteCount, LtoGeneration, MIB};

const DUMP_FILE: &str = "dump.jsonl";
const DATA_FILE: &str = "data.bin";
const CHANGE_REFERENCE: u16 = 0x0009;
const FIRST_HOST_ATTRIBUTE: u16 = 0x0800;
/// More partitions than any LTO layout has.
const PARTITIONS_MAX: usize = 4;
/// Largest block of a dump that is taken: what a drive takes.
const BLOCK_BYTES_MAX: u32 = 8 * 1024 * 1024;

/// One line of `dump.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line {
    Cartridge { barcode: Barcode, capacity_mb: u64, generation: LtoGeneration },
    Mam { part: u8, id: u16, format: u8, value: String },
    Data { part: u8, len: u32, off: u64 },
    Filemark { part: u8 },
}

impl VirtualLibrary {
    /// Writes what is on a cartridge into `folder`, which is made if need be. A cartridge in a drive
    /// is flushed first.
    ///
    /// # Errors
    /// [`VtlError::NoSuchCartridge`], [`VtlError::NotExportable`] for a block that cannot be read in
    /// plain, or what the file system says.
    pub fn export_cartridge(&self, name: &str, folder: &Path) -> Result<(), VtlError> {
        let changer = self.inner.changer.lock();
        let card = self.find(&changer, name, "anywhere", |_| true)?;
        // The drive's lock is held to the end, so that nobody writes while it is read.
        let drive = match place_of(&changer, &card.serial) {
            Place::Drive(number) => self.inner.drives.get(usize::from(number)),
            _ => None,
        };
        let mut drive = drive.map(|drive| drive.lock());
        if let Some(drive) = drive.as_mut() {
            drive.settle();
        }
        let cartridge =
            Cartridge::open(&changer.folder_of(&card.serial), self.inner.environment.storage)?;
        fs::create_dir_all(folder).map_err(VtlError::file("make", folder))?;
        export(&cartridge, folder)
    }

    /// Makes a cartridge of the dump in `folder` and leaves it outside. Its serial number is the
    /// answer.
    ///
    /// # Errors
    /// [`VtlError::Dump`] names the line that is wrong; or what the file system says.
    pub fn import_cartridge(&self, folder: &Path) -> Result<String, VtlError> {
        let dump = Dump::read(folder)?;
        let serial = self.add_cartridge(&dump.plan)?;
        let place = self.cartridges_folder().join(&serial);
        let filled = Cartridge::open(&place, super::Storage::Files)
            .and_then(|mut cartridge| dump.fill(&mut cartridge));
        if let Err(error) = filled {
            // Half a cartridge is none; that it stays if this fails too is the smaller harm.
            drop(fs::remove_dir_all(&place));
            return Err(error);
        }
        Ok(serial)
    }
}

fn export(cartridge: &Cartridge, folder: &Path) -> Result<(), VtlError> {
    let (dump_path, data_path) = (folder.join(DUMP_FILE), folder.join(DATA_FILE));
    let create = |path: &Path| {
        let file = File::create(path).map_err(VtlError::file("make", path));
        file.map(BufWriter::new)
    };
    let (mut dump, mut data) = (create(&dump_path)?, create(&data_path)?);
    let mut say = |line: &Line| {
        let text = serde_json::to_string(line).map_err(std::io::Error::from);
        text.and_then(|text| writeln!(dump, "{text}")).map_err(VtlError::file("write", &dump_path))
    };
    let identity = &cartridge.identity;
    say(&Line::Cartridge {
        barcode: identity.barcode.clone(),
        capacity_mb: identity.capacity.0.div_ceil(MIB),
        generation: identity.generation,
    })?;
    let reference = cartridge.memory.change_reference.to_be_bytes();
    say(&mam_line(0, CHANGE_REFERENCE, 0, &reference))?;
    let mut off = 0;
    for (part, store) in (0_u8..).zip(&cartridge.partitions) {
        for id in cartridge.memory.attribute_ids(part) {
            if let Some(attribute) = cartridge.memory.attribute(part, id) {
                say(&mam_line(part, id, attribute.format.code(), &attribute.value))?;
            }
        }
        for number in 0..store.end_of_data() {
            let Some(object) = store.object(number) else { continue };
            if object.kind == ObjectKind::Filemark {
                say(&Line::Filemark { part })?;
                continue;
            }
            let refuse = |reason| VtlError::NotExportable {
                barcode: identity.barcode.clone(),
                partition: part,
                block: number,
                reason,
            };
            let bytes = match object.kind {
                ObjectKind::Block => store.read_whole(object).map_err(|_| refuse("is damaged"))?,
                ObjectKind::EncryptedBlock => return Err(refuse("is encrypted by the drive")),
                ObjectKind::DiscardedBlock => return Err(refuse("was counted and not kept")),
                ObjectKind::Damaged | ObjectKind::Filemark => return Err(refuse("is damaged")),
            };
            data.write_all(&bytes).map_err(VtlError::file("write", &data_path))?;
            say(&Line::Data { part, len: object.len, off })?;
            off += u64::from(object.len);
        }
    }
    dump.flush().map_err(VtlError::file("write", &dump_path))?;
    data.flush().map_err(VtlError::file("write", &data_path))
}

fn mam_line(part: u8, id: u16, format: u8, value: &[u8]) -> Line {
    Line::Mam { part, id, format, value: hex::encode(value) }
}

/// A dump that was read and makes sense.
struct Dump {
    plan: CartridgePlan,
    lines: Vec<Line>,
    /// Bytes of each partition.
    used: Vec<u64>,
    path: PathBuf,
    data: File,
}

impl Dump {
    fn read(folder: &Path) -> Result<Self, VtlError> {
        let (path, data_path) = (folder.join(DUMP_FILE), folder.join(DATA_FILE));
        let file = File::open(&path).map_err(VtlError::file("open", &path))?;
        let data = File::open(&data_path).map_err(VtlError::file("open", &data_path))?;
        let data_len = data.metadata().map_err(VtlError::file("look at", &data_path))?.len();
        let mut plan = None;
        let (mut lines, mut used) = (Vec::new(), vec![0; 1]);
        for (number, text) in (1_u64..).zip(BufReader::new(file).lines()) {
            let text = text.map_err(VtlError::file("read", &path))?;
            let wrong =
                |reason: String| VtlError::Dump { path: path.clone(), line: number, reason };
            if text.trim().is_empty() {
                continue;
            }
            let line: Line =
                serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
            match &line {
                Line::Cartridge { barcode, capacity_mb, generation } => {
                    let capacity = ByteCount(capacity_mb.saturating_mul(MIB)).max(CAPACITY_MIN);
                    plan = Some(CartridgePlan::data(barcode.clone(), *generation, capacity));
                    continue;
                }
                Line::Data { len, off, .. } if *len == 0 || *len > BLOCK_BYTES_MAX => {
                    return Err(wrong(format!("a block of {len} bytes at {off}")));
                }
                Line::Data { len, off, .. } if off.saturating_add((*len).into()) > data_len => {
                    return Err(wrong(format!("{DATA_FILE} ends at {data_len}, before the block")));
                }
                Line::Mam { value, format, .. } => {
                    let is_sound = hex::decode(value).is_ok_and(|v| v.len() <= 0xFFFF)
                        && AttributeFormat::from_code(*format).is_some();
                    if !is_sound {
                        return Err(wrong(
                            "an attribute's value is hexadecimal, its format 0 to 2".into(),
                        ));
                    }
                }
                Line::Data { .. } | Line::Filemark { .. } => {}
            }
            let (part, bytes) = line.partition_and_bytes();
            if part >= PARTITIONS_MAX {
                return Err(wrong(format!("partition {part}: there are at most {PARTITIONS_MAX}")));
            }
            if used.len() <= part {
                used.resize(part + 1, 0);
            }
            used[part] += bytes;
            lines.push(line);
        }
        let plan = plan.ok_or_else(|| VtlError::Dump {
            path: path.clone(),
            line: 0,
            reason: "no line of type \"cartridge\"".to_owned(),
        })?;
        Ok(Self { plan: enlarged(plan, &used), lines, used, path, data })
    }

    /// Puts everything onto a blank cartridge.
    fn fill(&self, cartridge: &mut Cartridge) -> Result<(), VtlError> {
        if self.used.len() > 1 {
            cartridge.format(self.layout(cartridge))?;
        }
        let mut block = Vec::new();
        for line in &self.lines {
            match line {
                Line::Data { part, len, off } => {
                    block.resize(size(*len), 0);
                    let read = self.data.read_exact_at(&mut block, *off);
                    read.map_err(VtlError::file("read", &self.path.with_file_name(DATA_FILE)))?;
                    append(cartridge, *part, Payload::Block(&block))?;
                }
                Line::Filemark { part } => append(cartridge, *part, Payload::Filemark)?,
                Line::Mam { part, id, format, value } => {
                    let value = hex::decode(value).unwrap_or_default();
                    let format =
                        AttributeFormat::from_code(*format).unwrap_or(AttributeFormat::Binary);
                    if *id == CHANGE_REFERENCE && value.len() == 4 {
                        cartridge.memory.change_reference = super::bytes::be32(&value, 0);
                    } else if *id >= FIRST_HOST_ATTRIBUTE {
                        cartridge.memory.set_attribute(*part, *id, Attribute { format, value });
                    }
                }
                Line::Cartridge { .. } => {}
            }
        }
        for store in &mut cartridge.partitions {
            store.commit(0)?;
        }
        cartridge.write_memory()
    }

    /// The first partitions as small as LTO makes them, or twice what they hold.
    fn layout(&self, cartridge: &Cartridge) -> Vec<ByteCount> {
        let smallest = cartridge.index_partition_bytes().0;
        let (_, first) = self.used.split_last().unwrap_or((&0, &[]));
        let mut sizes: Vec<u64> = first.iter().map(|used| smallest.max(used * 2)).collect();
        let rest = cartridge.identity.capacity.0.saturating_sub(sizes.iter().sum());
        sizes.push(rest);
        sizes.into_iter().map(ByteCount).collect()
    }
}

impl Line {
    fn partition_and_bytes(&self) -> (usize, u64) {
        match self {
            Self::Cartridge { .. } => (0, 0),
            Self::Mam { part, .. } | Self::Filemark { part } => (usize::from(*part), 0),
            Self::Data { part, len, .. } => (usize::from(*part), u64::from(*len)),
        }
    }
}

/// A dump of a cartridge that said less than it held still fits, with room behind it.
fn enlarged(plan: CartridgePlan, used: &[u64]) -> CartridgePlan {
    const ROOM: u64 = 64 * MIB;
    let needed = used.iter().sum::<u64>() * 2 + ROOM * wide(used.len().saturating_sub(1));
    let is_too_small = used.iter().sum::<u64>() > plan.capacity.0 / 2;
    let capacity = if is_too_small { plan.capacity.max(ByteCount(needed)) } else { plan.capacity };
    CartridgePlan { capacity, ..plan }
}

fn append(cartridge: &mut Cartridge, part: u8, payload: Payload<'_>) -> Result<(), VtlError> {
    match cartridge.partitions.get_mut(usize::from(part)) {
        Some(store) => store.put(store.end_of_data(), payload),
        None => Ok(()),
    }
}
