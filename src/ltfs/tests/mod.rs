//! Volumes on the virtual library: formatting, mounting, writing, reading, damage, power loss.
//!
//! Blocks are of 4096 bytes so that volumes stay small. A [`Rig`] has one cartridge in one drive;
//! [`Rig::raw`] changes the tape behind the back of everything that is tested.

mod carving;
mod damage;
mod power;
mod reading;
mod repairing;
mod states;
mod writing;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::error::LtfsError;
use super::extent::{Extent, PartitionId};
use super::format::{FormatOptions, format};
use super::index::{DirectoryEntry, FileEntry, Times};
use super::label::{PartitionMap, VolumeLabel};
use super::merge::{Existing, MergedIndex};
use super::mount::{CheckEnds, MountOptions, MountedVolume, mount};
use super::names::{Name, NameUse};
use super::reader::{FilePiece, VolumeReader};
use super::writer::{
    AppendOutcome, IndexPlacement, IndexWritten, Locked, OpenVolume, WriteOptions, creator,
};
use crate::domain::{
    Barcode, BlockNumber, ByteCount, Clock, LtoGeneration, MIB, Partition, Position, Timestamp,
    VirtualClock,
};
use crate::drive::{Access, Drive, Flush};
use crate::scsi::{Command, SenseKey, Transport};
use crate::vtl::{
    CartridgeKind, CartridgePlan, FaultPlan, LibraryPlan, LibraryRules, OpenOptions,
    VirtualLibrary, address,
};

pub(super) const BLOCK_SIZE: u32 = 4096;
pub(super) const BLOCK: usize = 4096;
const LIMIT: Duration = Duration::from_secs(100_000);
pub(super) const INDEX: Partition = Partition(0);
pub(super) const DATA: Partition = Partition(1);

/// A library with one cartridge in drive 0, and a folder for indexes.
pub(super) struct Rig {
    pub(super) library: VirtualLibrary,
    pub(super) clock: Arc<VirtualClock>,
    pub(super) spool: TempDir,
    pub(super) barcode: Barcode,
    _folder: TempDir,
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::of(CartridgeKind::Data, ByteCount(64 * MIB))
    }

    pub(super) fn of(kind: CartridgeKind, capacity: ByteCount) -> Self {
        let barcode: Barcode = "FSP001L9".parse().unwrap();
        let generation = LtoGeneration::Lto9;
        let plan = LibraryPlan {
            drives: vec![generation],
            slots: 2,
            mail_slots: 1,
            cartridges: vec![CartridgePlan {
                kind,
                ..CartridgePlan::data(barcode.clone(), generation, capacity)
            }],
            seed: 7,
            rules: LibraryRules::default(),
        };
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(VirtualClock::default());
        let options = OpenOptions::for_tests(clock.clone());
        let library = VirtualLibrary::create_with(folder.path(), &plan, options).unwrap();
        let spool = tempfile::tempdir().unwrap();
        let rig = Self { library, clock, spool, barcode, _folder: folder };
        rig.move_cartridge(address::slot(0), address::drive(0));
        rig
    }

    /// With an empty volume.
    pub(super) fn formatted() -> Self {
        let rig = Self::new();
        rig.format();
        rig
    }

    pub(super) fn move_cartridge(&self, from: u16, to: u16) {
        let mut changer = self.library.changer();
        let ([a, b], [c, d]) = (from.to_be_bytes(), to.to_be_bytes());
        loop {
            let cdb = [0xA5, 0, 0, 1, a, b, c, d, 0, 0, 0, 0];
            let done = changer.execute(Command::without_data(cdb, LIMIT)).unwrap();
            match done.sense {
                None => return,
                Some(sense) if sense.key == SenseKey::UnitAttention => {}
                Some(sense) => panic!("{sense:?}"),
            }
        }
    }

    /// A drive that is ready, opened anew: it knows nothing of what was before.
    pub(super) fn drive(&self) -> Drive {
        let transport = Box::new(self.library.drive(0));
        let mut drive = Drive::open(transport, self.clock.clone()).unwrap();
        drive.wait_ready(Duration::from_secs(36_000), &mut |_| {}).unwrap();
        drive
    }

    pub(super) fn format_options(&self) -> FormatOptions {
        let name = FormatOptions::volume_name("practice").unwrap();
        let usual = FormatOptions::usual(Some(self.barcode.clone()), name, self.clock.clone());
        FormatOptions { block_size: BLOCK_SIZE, ..usual }
    }

    pub(super) fn format(&self) -> VolumeLabel {
        format(&mut self.drive(), &self.format_options()).unwrap()
    }

    pub(super) fn mount_options(&self, ends: CheckEnds) -> MountOptions {
        MountOptions { spool_dir: self.spool.path().to_owned(), known: None, ends }
    }

    pub(super) fn try_mount(&self) -> Result<MountedVolume, LtfsError> {
        mount(&mut self.drive(), &self.mount_options(CheckEnds::Always))
    }

    /// Mounts, looking at the ends, and checks that nothing was written by it.
    pub(super) fn mount(&self) -> MountedVolume {
        self.mounting(CheckEnds::Always)
    }

    pub(super) fn mounting(&self, ends: CheckEnds) -> MountedVolume {
        let before = self.library.log().last_number();
        let mounted = mount(&mut self.drive(), &self.mount_options(ends));
        let log = self.library.log();
        let writes: Vec<_> = log.since(before).into_iter().filter(|r| r.is_write_class()).collect();
        assert!(writes.is_empty(), "a mount wrote: {writes:?}");
        mounted.unwrap_or_else(|error| panic!("{error:?}\n{}", log.to_text()))
    }

    pub(super) fn write_options(&self) -> WriteOptions {
        WriteOptions {
            spool_dir: self.spool.path().to_owned(),
            creator: creator("test"),
            clock: self.clock.clone(),
            locked: Locked::Respect,
        }
    }

    pub(super) fn open(&self) -> OpenVolume {
        let mounted = self.mount();
        OpenVolume::begin(self.drive(), &mounted, self.write_options())
            .unwrap_or_else(|refused| panic!("{:?}", refused.error))
    }

    /// Changes the tape with a drive that may write.
    pub(super) fn raw(&self, change: impl FnOnce(&mut Drive)) {
        let mut drive = self.drive();
        drive.permit(Access::Write);
        // An earlier writer may have left the cartridge guarded: `put` says what it means to replace.
        drive.append_only().unwrap();
        change(&mut drive);
    }

    pub(super) fn set_faults(&self, plan: FaultPlan) {
        self.library.set_faults(plan);
    }

    /// Reads a file of the mounted volume whole.
    pub(super) fn read(&self, mounted: &MountedVolume, path: &str) -> Vec<u8> {
        let entry = find(mounted, path).unwrap_or_else(|| panic!("{path} is not in the index"));
        read_entry(&mut self.drive(), mounted, &entry)
    }
}

/// What a raw tape gets.
pub(super) enum Raw<'a> {
    Block(&'a [u8]),
    Filemark,
}

/// Goes where something is replaced.
pub(super) fn go_and_replace(drive: &mut Drive, partition: Partition, block: u64) {
    let at = Position { partition, block: BlockNumber(block) };
    drive.locate(at).unwrap();
    drive.allow_overwrite(at).unwrap();
}

/// Writes records from a position on; everything behind is gone.
pub(super) fn put(drive: &mut Drive, partition: Partition, block: u64, records: &[Raw<'_>]) {
    go_and_replace(drive, partition, block);
    for record in records {
        match record {
            Raw::Block(bytes) => assert!(drive.write_block(bytes).unwrap().is_on_tape()),
            Raw::Filemark => {
                assert!(drive.write_filemarks(1, Flush::Immediate).unwrap().is_on_tape());
            }
        }
    }
    assert!(drive.write_filemarks(0, Flush::Synchronous).unwrap().is_on_tape());
}

pub(super) fn end_of(drive: &mut Drive, partition: Partition) -> u64 {
    drive.locate_end_of_data(partition).unwrap().block.0
}

pub(super) fn name(text: &str) -> Name {
    Name::new(text, NameUse::Entry).unwrap()
}

/// Bytes that differ from file to file and from block to block.
pub(super) fn content(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u8::try_from(state & 0xFF).unwrap()
    };
    (0..length).map(|_| next()).collect()
}

pub(super) fn file_entry(text: &str, uid: u64, extents: &[Extent], length: u64) -> FileEntry {
    FileEntry {
        name: name(text),
        uid,
        length,
        times: Times::all(Timestamp { seconds: 1_700_000_000, nanoseconds: 5 }),
        extents: extents.iter().copied().collect(),
        ..FileEntry::default()
    }
}

pub(super) fn extent(block: BlockNumber, byte_offset: u32, byte_count: usize) -> Extent {
    Extent {
        file_offset: 0,
        start_block: block,
        byte_offset,
        byte_count: u64::try_from(byte_count).unwrap(),
        partition: PartitionId::DATA,
    }
}

/// Appends the bytes of one file, in blocks of its own.
pub(super) fn append(volume: &mut OpenVolume, bytes: &[u8]) -> Result<Extent, LtfsError> {
    let first = volume.next_block();
    for block in bytes.chunks(BLOCK) {
        let AppendOutcome { outcome, .. } = volume.append_block(block)?;
        assert!(outcome.is_on_tape());
    }
    Ok(extent(first, 0, bytes.len()))
}

/// Appends files to the root and writes an index; the first uid is one above the highest.
pub(super) fn add_files(
    volume: &mut OpenVolume,
    files: &[(&str, Vec<u8>)],
    placement: IndexPlacement,
) -> Result<IndexWritten, LtfsError> {
    let mut tree = MergedIndex::over(Arc::clone(volume.current_index()));
    let mut uid = volume.current_index().header().highest_uid;
    for (path, bytes) in files {
        let extent = append(volume, bytes)?;
        uid += 1;
        let entry = file_entry(path, uid, &[extent], u64::try_from(bytes.len()).unwrap());
        tree.overlay_mut().put_file(&[], entry);
    }
    volume.write_index(&mut tree, placement)
}

/// A volume with `a` in generation 2 and `b` in generation 3, closed.
pub(super) fn closed_volume() -> Rig {
    let rig = Rig::formatted();
    let mut volume = rig.open();
    let written =
        add_files(&mut volume, &[("a", content(1, 10_000))], IndexPlacement::DataPartition);
    written.unwrap().coherency.unwrap();
    let written = add_files(&mut volume, &[("b", content(2, 4096))], IndexPlacement::Both);
    written.unwrap().coherency.unwrap();
    drop(volume.close().unwrap());
    rig
}

/// What [`closed_volume`] holds.
pub(super) fn assert_holds_closed(rig: &Rig, mounted: &MountedVolume) {
    assert_eq!(rig.read(mounted, "a"), content(1, 10_000));
    assert_eq!(rig.read(mounted, "b"), content(2, 4096));
}

/// Looks a path up in the index.
pub(super) fn find(mounted: &MountedVolume, path: &str) -> Option<FileEntry> {
    use super::index::IndexEvent;
    let mut found = None;
    let mut at: Vec<String> = Vec::new();
    mounted
        .index
        .file
        .replay(&mut |event| {
            match event {
                IndexEvent::EnterDirectory(entry) => at.push(entry.name.to_string()),
                IndexEvent::LeaveDirectory(_) => drop(at.pop()),
                IndexEvent::File(entry) => {
                    let mut here = at[1..].to_vec();
                    here.push(entry.name.to_string());
                    if here.join("/") == path {
                        found = Some(entry.clone());
                    }
                }
                _ => {}
            }
            Ok(())
        })
        .unwrap();
    found
}

pub(super) fn read_entry(drive: &mut Drive, mounted: &MountedVolume, entry: &FileEntry) -> Vec<u8> {
    let mut bytes = vec![0xEE; usize::try_from(entry.length).unwrap()];
    let mut reader = VolumeReader::new(drive, mounted);
    let flow = reader
        .read_file(entry, &mut |piece| {
            match piece {
                FilePiece::Bytes { offset, bytes: piece } => {
                    let at = usize::try_from(offset).unwrap();
                    bytes[at..at + piece.len()].copy_from_slice(piece);
                }
                FilePiece::Hole { offset, length } => {
                    let at = usize::try_from(offset).unwrap();
                    bytes[at..at + usize::try_from(length).unwrap()].fill(0);
                }
                FilePiece::Failed { problem, .. } => panic!("{problem}"),
            }
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert!(flow.is_continue());
    bytes
}

/// Replaces the coherency attributes of both partitions by nothing.
pub(super) fn forget_coherency(rig: &Rig) {
    use crate::drive::{Attribute, AttributeFormat, AttributeId};
    rig.raw(|drive| {
        drive.locate(Position::new(0, 0)).unwrap();
        for partition in [INDEX, DATA] {
            let attribute = Attribute {
                id: AttributeId::VOLUME_COHERENCY,
                format: AttributeFormat::Binary,
                value: Vec::new(),
            };
            drive.write_attributes(partition, &[attribute]).unwrap();
        }
    });
}

/// Makes the coherency attributes current again, whatever the tape looks like.
pub(super) fn refresh_coherency(rig: &Rig, map: &PartitionMap) {
    use super::coherency::{Coherency, change_reference};
    rig.raw(|drive| {
        drive.locate(Position::new(0, 0)).unwrap();
        let now = change_reference(drive).unwrap().unwrap();
        for partition in [map.index.1, map.data.1] {
            if let Some(known) = Coherency::read(drive, partition).unwrap() {
                let fresh = Coherency { change_reference: now, ..known };
                fresh.write(drive, partition).unwrap();
            }
        }
    });
}

pub(super) fn is_empty_folder(path: &Path) -> bool {
    std::fs::read_dir(path).unwrap().next().is_none()
}

pub(super) fn directory_entry(text: &str, uid: u64) -> DirectoryEntry {
    DirectoryEntry { name: name(text), uid, ..DirectoryEntry::default() }
}

pub(super) const KEEP: Existing = Existing::Keep;

#[test]
fn a_formatted_cartridge_is_an_empty_volume_on_both_partitions() {
    let rig = Rig::new();
    let label = rig.format();
    let mounted = rig.mounting(CheckEnds::WhenInDoubt);
    assert_eq!(mounted.label, label);
    assert_eq!(mounted.generation(), 1);
    assert_eq!(mounted.findings, []);
    assert_eq!(mounted.label.barcode().unwrap().as_str(), "FSP001");
    let mut seen = String::new();
    rig.raw(|drive| {
        for partition in [INDEX, DATA] {
            drive.locate(Position { partition, block: BlockNumber(0) }).unwrap();
            let mut buffer = vec![0; BLOCK];
            loop {
                match drive.read_block(&mut buffer).unwrap() {
                    crate::drive::ReadOutcome::Block { .. } => seen.push('R'),
                    crate::drive::ReadOutcome::Filemark => seen.push('F'),
                    crate::drive::ReadOutcome::EndOfData => break,
                }
            }
            seen.push(' ');
        }
    });
    assert_eq!(seen, "RFRFFRF RFRFFRF ");
    assert!(rig.clock.elapsed() < LIMIT);
}
