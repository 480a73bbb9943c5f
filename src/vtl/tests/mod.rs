//! The virtual library at the level of command blocks: literal bytes in, literal bytes out.

mod changer;
mod dump;
mod faults;
mod reading;
mod state;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::domain::{ByteCount, LtoGeneration, MIB, VirtualClock};
use crate::scsi::{Cdb, Command, Completion, Sense, SenseKey, Status, Transport, TransportError};

const LIMIT: Duration = Duration::from_secs(100_000);

/// A library of two drives in a folder of its own, and ways to its devices.
pub(super) struct Rig {
    pub(super) folder: TempDir,
    pub(super) clock: Arc<VirtualClock>,
    pub(super) library: VirtualLibrary,
    pub(super) drive: Host,
    pub(super) changer: Host,
}

/// One initiator's way to one device, with commands as bytes.
pub(super) struct Host {
    transport: VirtualTransport,
}

/// Four data cartridges of 64 MiB of one generation in slots 0 to 3.
pub(super) fn plan(generation: LtoGeneration) -> LibraryPlan {
    let cartridge = |n: u16| {
        let barcode = format!("FSP{n:03}{}", generation.media_suffix()).parse().unwrap();
        CartridgePlan::data(barcode, generation, ByteCount(64 * MIB))
    };
    LibraryPlan {
        drives: vec![generation; 2],
        slots: 8,
        mail_slots: 2,
        cartridges: (1..=4).map(cartridge).collect(),
        seed: 7,
        rules: LibraryRules::default(),
    }
}

impl Rig {
    /// LTO-9, empty drives, every unit attention taken.
    pub(super) fn new() -> Self {
        Self::of(&plan(LtoGeneration::Lto9))
    }

    pub(super) fn of(plan: &LibraryPlan) -> Self {
        Self::with(plan, |_| {})
    }

    pub(super) fn with(plan: &LibraryPlan, change: impl FnOnce(&mut OpenOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(VirtualClock::default());
        let mut options = OpenOptions::for_tests(clock.clone());
        change(&mut options);
        let library = VirtualLibrary::create_with(folder.path(), plan, options).unwrap();
        let mut rig = Self {
            drive: Host { transport: library.drive(0) },
            changer: Host { transport: library.changer() },
            folder,
            clock,
            library,
        };
        rig.drive.settle();
        rig.changer.settle();
        rig
    }

    /// With the cartridge of slot 0 in drive 0, ready.
    pub(super) fn loaded() -> Self {
        let mut rig = Self::new();
        rig.load(0);
        rig
    }

    pub(super) fn load(&mut self, slot: u16) {
        self.changer.moves(address::slot(slot), address::drive(0)).unwrap();
        self.drive.settle();
    }

    pub(super) fn unload(&mut self, slot: u16) {
        self.drive.none([0x1B, 0, 0, 0, 0, 0]).unwrap();
        self.changer.moves(address::drive(0), address::slot(slot)).unwrap();
    }

    /// As [`loaded`](Self::loaded), two partitions as LTFS makes them.
    pub(super) fn formatted() -> Self {
        let mut rig = Self::loaded();
        rig.drive.format_two_partitions();
        rig
    }

    /// The process dies and the library is opened again.
    pub(super) fn kill_and_reopen(self) -> Self {
        // Without power nothing reaches the tape any more when the library is dropped.
        self.library.power_off();
        let Self { folder, clock, library, drive, changer } = self;
        drop((library, drive, changer));
        let options = OpenOptions::for_tests(clock.clone());
        let library = VirtualLibrary::open(folder.path(), options).unwrap();
        let mut rig = Self {
            drive: Host { transport: library.drive(0) },
            changer: Host { transport: library.changer() },
            folder,
            clock,
            library,
        };
        rig.drive.settle();
        rig.changer.settle();
        rig
    }
}

impl Host {
    pub(super) fn to(transport: VirtualTransport) -> Self {
        Self { transport }
    }

    pub(super) fn try_none(&mut self, cdb: impl Into<Cdb>) -> Result<Completion, TransportError> {
        self.transport.execute(Command::without_data(cdb, LIMIT))
    }

    /// A command without data; its sense as the error.
    pub(super) fn none(&mut self, cdb: impl Into<Cdb>) -> Result<(), Sense> {
        verdict(&self.try_none(cdb).unwrap())
    }

    /// A command that reads; whatever came.
    pub(super) fn data_in(&mut self, cdb: impl Into<Cdb>, room: usize) -> (Vec<u8>, Completion) {
        let mut buffer = vec![0xEE; room];
        let completion = self.transport.execute(Command::reading(cdb, &mut buffer, LIMIT)).unwrap();
        buffer.truncate(completion.transferred);
        (buffer, completion)
    }

    /// A command that reads and succeeds.
    pub(super) fn get(&mut self, cdb: impl Into<Cdb>) -> Vec<u8> {
        let (bytes, completion) = self.data_in(cdb, 65536);
        assert_eq!(completion.status, Status::Good, "{completion:?}");
        bytes
    }

    pub(super) fn put(&mut self, cdb: impl Into<Cdb>, bytes: &[u8]) -> Result<(), Sense> {
        verdict(&self.transport.execute(Command::writing(cdb, bytes, LIMIT)).unwrap())
    }

    /// Takes unit attentions until there are none.
    pub(super) fn settle(&mut self) {
        while let Err(Sense { key: SenseKey::UnitAttention, .. }) = self.none([0; 6]) {}
    }

    pub(super) fn moves(&mut self, from: u16, to: u16) -> Result<(), Sense> {
        let ([a, b], [c, d]) = (from.to_be_bytes(), to.to_be_bytes());
        self.none([0xA5, 0, 0, 1, a, b, c, d, 0, 0, 0, 0])
    }

    pub(super) fn write(&mut self, block: &[u8]) -> Result<(), Sense> {
        let [_, a, b, c] = u32::try_from(block.len()).unwrap().to_be_bytes();
        self.put([0x0A, 0, a, b, c, 0], block)
    }

    /// READ(6), variable, with SILI.
    pub(super) fn read(&mut self, room: usize) -> Result<Vec<u8>, Sense> {
        let [_, a, b, c] = u32::try_from(room).unwrap().to_be_bytes();
        let (bytes, completion) = self.data_in([0x08, 2, a, b, c, 0], room);
        verdict(&completion).map(|()| bytes)
    }

    pub(super) fn filemarks(&mut self, count: u8) -> Result<(), Sense> {
        self.none([0x10, 0, 0, 0, count, 0])
    }

    pub(super) fn locate(&mut self, partition: u8, block: u64) -> Result<(), Sense> {
        let mut cdb = [0; 16];
        cdb[0] = 0x92;
        cdb[1] = 0x02;
        cdb[3] = partition;
        cdb[4..12].copy_from_slice(&block.to_be_bytes());
        self.none(cdb)
    }

    /// Partition, object number and filemarks, by the long form.
    pub(super) fn position(&mut self) -> (u32, u64, u64) {
        let page = self.get([0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(page.len(), 32);
        let number = |at: usize| u64::from_be_bytes(page[at..at + 8].try_into().unwrap());
        (u32::from_be_bytes(page[4..8].try_into().unwrap()), number(8), number(16))
    }

    /// What mkltfs does: MODE SENSE page 11h, MODE SELECT it back changed, FORMAT MEDIUM.
    pub(super) fn format_two_partitions(&mut self) {
        let mut page = self.get([0x5A, 0, 0x11, 0, 0, 0, 0, 0, 64, 0]);
        page[0] = 0;
        page[1] = 0;
        page[19] = 1;
        page[20] = 0x20 | (page[20] & 0x1F);
        page[22] = 9;
        page[24..28].copy_from_slice(&[0, 1, 0xFF, 0xFF]);
        let len = u8::try_from(page.len()).unwrap();
        self.put([0x55, 0x10, 0, 0, 0, 0, 0, 0, len, 0], &page).unwrap();
        self.none([0x04, 0, 1, 0, 0, 0]).unwrap();
    }

    /// READ ATTRIBUTE of one attribute: its value.
    pub(super) fn attribute(&mut self, partition: u8, id: u16) -> Result<Vec<u8>, Sense> {
        let [a, b] = id.to_be_bytes();
        let cdb = [0x8C, 0, 0, 0, 0, 0, 0, partition, a, b, 0, 0, 0x10, 0, 0, 0];
        let (page, completion) = self.data_in(cdb, 4096);
        verdict(&completion)?;
        let (id_sent, len) = (&page[4..6], u16::from_be_bytes([page[7], page[8]]));
        assert_eq!(id_sent, [a, b]);
        Ok(page[9..9 + usize::from(len)].to_vec())
    }

    pub(super) fn change_reference(&mut self) -> u32 {
        u32::from_be_bytes(self.attribute(0, 9).unwrap().try_into().unwrap())
    }

    pub(super) fn set_attribute(
        &mut self,
        partition: u8,
        id: u16,
        value: &[u8],
    ) -> Result<(), Sense> {
        let len = u16::try_from(value.len()).unwrap().to_be_bytes();
        let mut list = (u32::try_from(value.len()).unwrap() + 9).to_be_bytes().to_vec();
        list.extend_from_slice(&id.to_be_bytes());
        list.extend_from_slice(&[0, len[0], len[1]]);
        list.extend_from_slice(value);
        let [.., a, b] = u32::try_from(list.len()).unwrap().to_be_bytes();
        let cdb = [0x8D, 1, 0, 0, 0, 0, 0, partition, 0, 0, 0, 0, a, b, 0, 0];
        self.put(cdb, &list)
    }
}

pub(super) fn verdict(completion: &Completion) -> Result<(), Sense> {
    match (&completion.status, &completion.sense) {
        (Status::Good, None) => Ok(()),
        (_, Some(sense)) => Err(sense.clone()),
        other => panic!("{other:?}"),
    }
}

/// Key, code and qualifier of a refusal.
pub(super) fn numbers(result: Result<(), Sense>) -> (u8, u8, u8) {
    let sense = result.unwrap_err();
    (sense.key.code(), sense.code, sense.qualifier)
}
