//! What the devices of the virtual library answer: the seeds of all that reads SCSI.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use fossilsafe::domain::{ByteCount, MIB, VirtualClock};
use fossilsafe::drive::Drive;
use fossilsafe::ltfs::format::{FormatOptions, format};
use fossilsafe::scsi::cdb::changer::{Move, move_medium};
use fossilsafe::scsi::{Cdb, Command, SenseKey, Transport};
use fossilsafe::vtl::{LibraryPlan, OpenOptions, VirtualLibrary, address};
use tempfile::TempDir;

/// Largest answer that is asked for.
pub(crate) const ANSWER_BYTES: u16 = 16 * 1024;
const LIMIT: Duration = Duration::from_secs(1000);

/// A library with a formatted volume in its first drive.
pub(crate) struct Devices {
    pub(crate) library: VirtualLibrary,
    _folder: TempDir,
}

impl Devices {
    pub(crate) fn new() -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let clock = Arc::new(VirtualClock::default());
        let plan = LibraryPlan::practice(2, ByteCount(64 * MIB));
        let options = OpenOptions::for_tests(clock.clone());
        let library = VirtualLibrary::create_with(folder.path(), &plan, options)?;
        let load = Move { robot: 0, from: address::slot(0), to: address::drive(0) };
        let mut changer = library.changer();
        while let Some(sense) =
            changer.execute(Command::without_data(move_medium(load), LIMIT))?.sense
        {
            if sense.key != SenseKey::UnitAttention {
                return Err(format!("{sense:?}").into());
            }
        }
        let mut drive = Drive::open(Box::new(library.drive(0)), clock.clone())?;
        drive.wait_ready(LIMIT, &mut |_| {})?;
        let barcode = Some("FSP001L9".parse()?);
        let name = FormatOptions::volume_name("seeds")?;
        let options =
            FormatOptions { block_size: 4096, ..FormatOptions::usual(barcode, name, clock) };
        format(&mut drive, &options)?;
        Ok(Self { library, _folder: folder })
    }

    /// What the drive sends for a command, if it sends anything.
    pub(crate) fn drive(&self, cdb: impl Into<Cdb>) -> Vec<u8> {
        answer(&mut self.library.drive(0), cdb.into())
    }

    /// What the changer sends for a command.
    pub(crate) fn changer(&self, cdb: impl Into<Cdb>) -> Vec<u8> {
        answer(&mut self.library.changer(), cdb.into())
    }
}

fn answer(device: &mut dyn Transport, cdb: Cdb) -> Vec<u8> {
    let mut buffer = vec![0; usize::from(ANSWER_BYTES)];
    let done = device.execute(Command::reading(cdb, &mut buffer, LIMIT));
    let length = done.map_or(0, |done| done.transferred);
    buffer.truncate(length);
    buffer
}
