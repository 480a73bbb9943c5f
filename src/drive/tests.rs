//! Drive tests: on scripted answers for what only odd devices do, on the virtual library for the rest.

mod append_only;
mod conformance;
mod faults;
mod scripted;
mod services;

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::{Access, Drive, Flush, PartitionPlan, ReadOutcome, WriteOutcome};
use crate::domain::{ByteCount, LtoGeneration, MIB, Partition, Position, VirtualClock};
use crate::scsi::cdb::changer::{Move, move_medium};
use crate::scsi::cdb::primary;
use crate::scsi::{Cdb, Command, Status, Transport};
use crate::vtl::faults::{Effect, Fault};
use crate::vtl::{
    CartridgeKind, CartridgePlan, FaultPlan, InitiatorId, LibraryPlan, LibraryRules, OpenOptions,
    VirtualLibrary, address,
};

/// Length of the blocks that tests write.
const BLOCK: usize = 4096;

/// A virtual library, and drive 0 opened by the real `Drive`.
struct Rig {
    _folder: TempDir,
    clock: Arc<VirtualClock>,
    library: VirtualLibrary,
    drive: Drive,
}

fn plan_of(generation: LtoGeneration) -> LibraryPlan {
    let cartridge = |n: u16| {
        let barcode = format!("FSP{n:03}{}", generation.media_suffix()).parse().unwrap();
        CartridgePlan::data(barcode, generation, ByteCount(64 * MIB))
    };
    let mut worm = cartridge(3);
    worm.kind = CartridgeKind::Worm;
    let mut protected = cartridge(4);
    protected.write_protected = true;
    let mut cleaning = cartridge(5);
    cleaning.kind = CartridgeKind::Cleaning;
    LibraryPlan {
        drives: vec![generation; 2],
        slots: 8,
        mail_slots: 1,
        cartridges: vec![cartridge(1), cartridge(2), worm, protected, cleaning],
        seed: 3,
        rules: LibraryRules::default(),
    }
}

impl Rig {
    fn of(generation: LtoGeneration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(VirtualClock::default());
        let options = OpenOptions::for_tests(clock.clone());
        let library =
            VirtualLibrary::create_with(folder.path(), &plan_of(generation), options).unwrap();
        let drive = Drive::open(Box::new(library.drive(0)), clock.clone()).unwrap();
        Self { _folder: folder, clock, library, drive }
    }

    /// LTO-9 with the cartridge of a slot in the drive and ready, nothing permitted.
    fn with_slot(slot: u16) -> Self {
        Self::loaded(LtoGeneration::Lto9, slot)
    }

    fn loaded(generation: LtoGeneration, slot: u16) -> Self {
        let mut rig = Self::of(generation);
        rig.bring(slot);
        rig.drive.wait_ready(Duration::from_secs(7200), &mut |_| {}).unwrap();
        rig.drive.load().unwrap();
        rig
    }

    /// Puts the cartridge of a slot into the drive.
    fn bring(&mut self, slot: u16) {
        let elements =
            Move { robot: address::robot(), from: address::slot(slot), to: address::drive(0) };
        let mut changer = self.library.changer();
        let mut send =
            |cdb: Cdb| changer.execute(Command::without_data(cdb, Duration::MAX)).unwrap();
        while send(primary::test_unit_ready().into()).status != Status::Good {}
        assert_eq!(send(move_medium(elements).into()).status, Status::Good);
    }

    /// LTO-9, two partitions, at the beginning of partition 0, writing permitted.
    fn formatted() -> Self {
        Self::formatted_as(LtoGeneration::Lto9)
    }

    fn formatted_as(generation: LtoGeneration) -> Self {
        let mut rig = Self::loaded(generation, 0);
        rig.drive.permit(Access::Write);
        rig.drive
            .format_partitions(PartitionPlan::ltfs())
            .unwrap_or_else(|error| panic!("{error}: {}", rig.library.log().to_text()));
        rig
    }

    /// As [`Self::formatted`], with data in partition 1: three blocks, filemark, two blocks, filemark,
    /// flushed; at the end of it (block 7).
    fn recorded() -> Self {
        let mut rig = Self::formatted();
        rig.drive.locate(Position::new(1, 0)).unwrap();
        for (blocks, first) in [(3, 0), (2, 4)] {
            for n in 0..blocks {
                let outcome = rig.drive.write_block(&block(first + n)).unwrap();
                assert_eq!(outcome, WriteOutcome::Written);
            }
            let outcome = rig.drive.write_filemarks(1, Flush::Synchronous).unwrap();
            assert_eq!(outcome, WriteOutcome::Written);
        }
        assert_eq!(rig.drive.position(), Some(Position::new(1, 7)));
        rig
    }

    fn fault(&self, fault: Fault) {
        self.library.set_faults(FaultPlan::of(fault));
    }

    /// `effect` at the next command with `opcode`.
    fn fault_at(&self, opcode: u8, effect: Effect) {
        self.fault(Fault::at_opcode(opcode, 1, effect));
    }

    fn other_host(&self) -> Drive {
        let transport = self.library.drive_as(0, InitiatorId(7));
        Drive::open(Box::new(transport), self.clock.clone()).unwrap()
    }

    /// Commands with that opcode that were sent since `since`.
    fn count_since(&self, since: u64, opcode: u8) -> usize {
        self.library.log().since(since).iter().filter(|r| r.cdb.opcode() == opcode).count()
    }
}

/// A block that is told from every other one.
fn block(number: u8) -> Vec<u8> {
    vec![number.wrapping_mul(37).wrapping_add(1); BLOCK]
}

/// Reads one block and says what it was.
fn read(drive: &mut Drive) -> Result<Option<Vec<u8>>, super::DriveError> {
    let mut buffer = vec![0; BLOCK];
    Ok(match drive.read_block(&mut buffer)? {
        ReadOutcome::Block { len } => Some(buffer[..len].to_vec()),
        ReadOutcome::Filemark | ReadOutcome::EndOfData => None,
    })
}

/// The data partition.
const DATA: Partition = Partition(1);
