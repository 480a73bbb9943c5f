//! What the tapes alone say: every cartridge of a library read with an empty catalog.
//!
//! Volumes are mounted and each file that the index lists is read and hashed, by the LTFS code of the
//! product and nothing above it. Beside that stands every object of every partition with its hash, by
//! which an overwritten block is found. What was read once is kept by the cartridge's own bytes.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use fossilsafe::changer::Changer;
use fossilsafe::domain::{
    Barcode, BlockNumber, Clock, Partition, Position, Sha256Digest, VirtualClock, VolumeUuid,
};
use fossilsafe::drive::{BlockKey, BlockKeys, Drive, DriveErrorKind, ReadOutcome, ReservationKey};
use fossilsafe::jobs::equipment::{DriveBay, Equipment};
use fossilsafe::keys::DriveKey;
use fossilsafe::ltfs::index::IndexEvent;
use fossilsafe::ltfs::mount::{CheckEnds, MountOptions, MountedVolume, mount};
use fossilsafe::ltfs::reader::{FilePiece, VolumeReader};
use fossilsafe::vtl::{LogMode, OpenOptions, VirtualLibrary};
use sha2::{Digest as _, Sha256};

use crate::host::Failed;
use crate::image;

/// The largest block that is read.
const BLOCK_BYTES_MAX: usize = 1024 * 1024;

/// Reserves the drive that is read with.
const READER: ReservationKey = ReservationKey(1);

/// One cartridge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tape {
    /// The volume; none if it cannot be mounted.
    pub(crate) volume: Option<VolumeUuid>,
    /// Why not.
    pub(crate) why_not: String,
    /// Files by path, with the hash of what was read or why it could not be.
    pub(crate) files: BTreeMap<String, Result<Sha256Digest, String>>,
    /// For each partition, the objects on it: a hash of each, filemarks as zeros.
    pub(crate) objects: Vec<Vec<[u8; 32]>>,
    /// The block at which the last index of the index partition begins.
    pub(crate) last_index: Option<u64>,
    /// True if both partitions end as after a clean close.
    pub(crate) is_clean: bool,
}

/// All cartridges by barcode.
pub(crate) type Tapes = BTreeMap<Barcode, Tape>;

/// Reads tapes, and remembers those that it has read.
#[derive(Default)]
pub(crate) struct TapeReader {
    known: HashMap<[u8; 32], Tape>,
    keys: Arc<Keys>,
}

/// Keys of tapes that a drive has encrypted: what a recovery kit would open.
#[derive(Clone, Debug, Default)]
struct Keys(Vec<BlockKey>);

impl BlockKeys for Keys {
    fn block_key(&self, name: &str) -> Option<BlockKey> {
        self.0.iter().find(|key| key.name == name).cloned()
    }
}

impl TapeReader {
    /// Reads with these keys from now on, too.
    pub(crate) fn trust(&mut self, keys: Vec<DriveKey>) {
        let keys = keys.into_iter().map(|DriveKey { name, secret }| BlockKey { name, secret });
        Arc::make_mut(&mut self.keys).0.extend(keys);
    }

    /// Reads every cartridge of the library in `folder`, which nobody has open. It is a copy that is
    /// thrown away: cartridges are moved.
    pub(crate) fn read(&mut self, folder: &Path, scratch: &Path) -> Result<Tapes, Failed> {
        let clock = Arc::new(VirtualClock::default());
        let options = OpenOptions { log: LogMode::Off, ..OpenOptions::for_tests(clock.clone()) };
        let library = VirtualLibrary::open(folder, options)?;
        let mut tapes = Tapes::new();
        let mut unread = Vec::new();
        for cartridge in library.cartridges()? {
            if cartridge.barcode.is_cleaning() {
                continue;
            }
            let digest = image::digest(&folder.join("cartridges").join(&cartridge.serial))?;
            match self.known.get(&digest) {
                Some(tape) => drop(tapes.insert(cartridge.barcode, tape.clone())),
                None => unread.push((cartridge.barcode, digest)),
            }
        }
        if unread.is_empty() {
            return Ok(tapes);
        }
        let clock: Arc<dyn Clock> = clock;
        let own = library.clone();
        let bay = DriveBay::discover(Box::new(move || Ok(Box::new(own.drive(0)))), &clock)?;
        let changer = Changer::open(Box::new(library.changer()))?;
        let equipment = Equipment::new(Some(changer), vec![bay], READER, clock);
        empty_other_drives(&equipment, &library)?;
        for (barcode, digest) in unread {
            let mut loaded = equipment.load(&barcode, &|| false, &mut |_| {})?;
            image::remove(scratch)?;
            std::fs::create_dir_all(scratch)?;
            loaded.drive().find_keys_in(self.keys.clone());
            let tape = read_tape(loaded.drive(), scratch)?;
            loaded.put_away()?;
            self.known.insert(digest, tape.clone());
            tapes.insert(barcode, tape);
        }
        Ok(tapes)
    }
}

/// The reader has one drive; what a crash left in another one is brought to a slot.
fn empty_other_drives(equipment: &Arc<Equipment>, library: &VirtualLibrary) -> Result<(), Failed> {
    let inventory = equipment.inventory()?;
    for index in 1..library.drive_count() {
        let address = fossilsafe::vtl::address::drive(index);
        let full = inventory.elements.iter().find(|e| e.address.0 == address && e.is_full);
        let Some(element) = full else { continue };
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::default());
        let mut drive = Drive::open(Box::new(library.drive(index)), clock)?;
        drive.unlock_medium()?;
        drive.unload()?;
        let slot = inventory.empty_slot(element.source).ok_or("no empty slot")?.address;
        equipment.move_cartridge(element.address, slot, None)?;
    }
    Ok(())
}

fn read_tape(drive: &mut Drive, scratch: &Path) -> Result<Tape, Failed> {
    let medium = drive.medium()?.ok_or("no cartridge is in the drive")?;
    let mut tape = Tape::default();
    for partition in 0..medium.partition_count.max(1) {
        tape.objects.push(read_objects(drive, Partition(partition))?);
    }
    let options =
        MountOptions { spool_dir: scratch.to_owned(), known: None, ends: CheckEnds::Always };
    match mount(drive, &options) {
        Ok(mounted) => {
            tape.volume = Some(mounted.label.uuid);
            tape.last_index = mounted.index_partition.last_index.map(|i| i.location.block.0);
            tape.is_clean = mounted.ensure_appendable().is_ok();
            read_files(drive, &mounted, &mut tape)?;
        }
        Err(error) => tape.why_not = error.to_string(),
    }
    Ok(tape)
}

fn read_objects(drive: &mut Drive, partition: Partition) -> Result<Vec<[u8; 32]>, Failed> {
    let mut objects = Vec::new();
    let mut block = vec![0; BLOCK_BYTES_MAX];
    match drive.locate(Position { partition, block: BlockNumber(0) }) {
        // A blank cartridge has no beginning to go to.
        Err(error) if error.kind() == DriveErrorKind::Corrupt => return Ok(objects),
        other => other?,
    }
    loop {
        match drive.read_block(&mut block)? {
            ReadOutcome::Block { len } => objects.push(Sha256::digest(&block[..len]).into()),
            ReadOutcome::Filemark => objects.push([0; 32]),
            ReadOutcome::EndOfData => return Ok(objects),
        }
    }
}

fn read_files(drive: &mut Drive, mounted: &MountedVolume, tape: &mut Tape) -> Result<(), Failed> {
    let mut entries = Vec::new();
    let mut folders: Vec<String> = Vec::new();
    mounted.index.file.replay(&mut |event| {
        match event {
            IndexEvent::EnterDirectory(entry) => folders.push(entry.name.as_str().to_owned()),
            IndexEvent::LeaveDirectory(_) => drop(folders.pop()),
            IndexEvent::File(entry) if entry.symlink.is_none() => {
                let mut path = folders[1..].join("/");
                path.push('/');
                path.push_str(entry.name.as_str());
                entries.push((path, entry.clone()));
            }
            _ => {}
        }
        Ok(())
    })?;
    let mut reader = VolumeReader::new(drive, mounted);
    for (path, entry) in entries {
        let mut hasher = Sha256::new();
        let mut problem = None;
        let _all = reader.read_file(&entry, &mut |piece| {
            match piece {
                FilePiece::Bytes { bytes, .. } => hasher.update(bytes),
                FilePiece::Hole { length, .. } => {
                    hasher.update(vec![0; usize::try_from(length).unwrap_or(0)]);
                }
                FilePiece::Failed { problem: why, .. } => problem = Some(why.to_string()),
            }
            ControlFlow::Continue(())
        })?;
        let content = match problem {
            Some(problem) => Err(problem),
            None => Ok(Sha256Digest(hasher.finalize().into())),
        };
        tape.files.insert(path, content);
    }
    Ok(())
}
