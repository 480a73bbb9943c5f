//! What every drive and every library has to do, whatever it is: the same scenarios on the virtual library in the
//! gate (`hil-tests/appliance`) and on a kernel's device nodes (`scripts/hil`, `scripts/guest`).
//!
//! A scenario panics where a device does not do it. They are run one after the other on one cartridge, which they
//! erase; each begins by writing what it needs, and none formats it, which takes iron minutes.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a scenario fails by panicking, and says what a stream of blocks reached"
)]

mod drive;
mod library;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use fossilsafe::changer::{Changer, ElementAddress, ElementKind};
use fossilsafe::domain::Barcode;
use fossilsafe::drive::{Access, Drive, PartitionPlan};

/// A new LTO-9 cartridge is initialised at its first load.
const READY_TIME: Duration = Duration::from_secs(3 * 3600);

/// How much a cartridge holds: one of terabytes is not filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cartridges {
    Small,
    Large,
}

/// A library with its drives, and the one cartridge that may be erased.
pub(crate) struct Equipment {
    pub(crate) changer: Changer,
    pub(crate) drives: Vec<Drive>,
    pub(crate) barcode: Barcode,
    pub(crate) cartridges: Cartridges,
}

/// A scenario of a library, by name.
type LibraryScenario = (&'static str, fn(&mut Equipment));

/// How a scenario ended: its name, and why it failed if it did.
pub(crate) type Ended = (String, Result<(), String>);

/// Runs everything. The cartridge is where it was at the end, unless the library does not move it.
pub(crate) fn run(equipment: &mut Equipment) -> Vec<Ended> {
    let mut ended = Vec::new();
    let in_slot = attempt(|| equipment.put_into_a_slot());
    ended.push(("library: the cartridge is in a slot, or is put into one".to_owned(), in_slot));
    for (name, scenario) in library::SCENARIOS {
        ended.push((format!("library: {name}"), attempt(|| scenario(equipment))));
    }
    let home = equipment.place_of_cartridge();
    let formatted = attempt(|| {
        equipment.bring(0);
        let drive = &mut equipment.drives[0];
        drive.permit(Access::Write);
        drive.format_partitions(PartitionPlan::ltfs()).unwrap();
        assert_eq!(drive.medium().unwrap().unwrap().partition_count, 2);
    });
    let is_formatted = formatted.is_ok();
    ended.push((
        "drive: a cartridge is formatted with the two partitions of LTFS".to_owned(),
        formatted,
    ));
    if is_formatted {
        let fits =
            |wanted: &Cartridges| *wanted == Cartridges::Large || equipment.cartridges == *wanted;
        let fitting: Vec<_> =
            drive::SCENARIOS.iter().filter(|(_, wanted, _)| fits(wanted)).collect();
        for (name, _, scenario) in fitting {
            let done = attempt(|| {
                let drive = &mut equipment.drives[0];
                drive.permit(Access::Write);
                scenario(drive);
            });
            ended.push((format!("drive: {name}"), done));
        }
    }
    let put_back = attempt(|| equipment.take_away(0, home));
    ended.push(("library: the cartridge goes back where it was".to_owned(), put_back));
    ended
}

/// What a panic says is why it failed.
fn attempt(work: impl FnOnce()) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        text.unwrap_or_else(|| "it panicked".to_owned())
    })
}

impl Equipment {
    /// Where the cartridge is now.
    fn place_of_cartridge(&mut self) -> ElementAddress {
        let inventory = self.changer.inventory().unwrap();
        let mut places = inventory.find_barcode(&self.barcode);
        let place = places.next().expect("the cartridge is in the library").address;
        assert!(places.next().is_none(), "two cartridges have the barcode {}", self.barcode);
        place
    }

    /// What was done before may have left it in a drive.
    fn put_into_a_slot(&mut self) {
        let place = self.place_of_cartridge();
        let inventory = self.changer.inventory().unwrap();
        let element = inventory.element(place).unwrap();
        if element.kind == ElementKind::Drive {
            let to = inventory.empty_slot(element.source).expect("a slot is free").address;
            let index = (0..self.drives.len()).find(|index| self.place_of_drive(*index) == place);
            self.take_away(index.expect("it is in a drive of the rig"), to);
        }
    }

    /// Where a drive is in the library, by its serial number.
    fn place_of_drive(&mut self, index: usize) -> ElementAddress {
        let inventory = self.changer.inventory().unwrap();
        let serial = &self.drives[index].identity().serial;
        inventory.drive_by_serial(serial).expect("the library knows its drive").address
    }

    /// Puts the cartridge into a drive and waits until it is ready.
    fn bring(&mut self, index: usize) {
        let (from, to) = (self.place_of_cartridge(), self.place_of_drive(index));
        self.changer.move_cartridge(from, to).unwrap();
        let drive = &mut self.drives[index];
        drive.wait_ready(READY_TIME, &mut |_| {}).unwrap();
        drive.load().unwrap();
    }

    /// Unloads a drive and puts its cartridge there.
    fn take_away(&mut self, index: usize, to: ElementAddress) {
        let from = self.place_of_drive(index);
        if self.place_of_cartridge() == from {
            self.drives[index].unload().unwrap();
            self.changer.move_cartridge(from, to).unwrap();
        }
    }
}
