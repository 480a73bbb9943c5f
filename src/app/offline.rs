//! One cartridge in one drive, without an engine: what the `ltfs` commands work on.
//!
//! Either a drive of this machine with the cartridge that is in it, or a cartridge of a virtual library
//! that is brought to a drive first and put back where it was. There is no robot for the former: who
//! works without an engine loads the drive by hand.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::error::AppError;
use crate::changer::{Changer, ElementAddress, Inventory};
use crate::domain::{Barcode, Clock};
use crate::drive::Drive;
use crate::scsi::Transport;
use crate::scsi::sg::SgDevice;
use crate::vtl::{OpenOptions, VirtualLibrary};

/// How long a cartridge may take to become ready: an LTO-9 cartridge that is new takes up to two
/// hours for its initialisation.
const READY_TIME: Duration = Duration::from_secs(3 * 3600);

const LOOK_NEXT: &str = "Look whether another program uses the drive, and at its display.";

/// Which cartridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The one in the drive at this node.
    Device(PathBuf),
    /// One of a virtual library.
    Virtual {
        /// The library's folder.
        library: PathBuf,
        /// The cartridge.
        barcode: Barcode,
    },
}

/// A drive that is ready, and how its cartridge gets back.
pub(super) struct LoadedDrive {
    pub(super) drive: Drive,
    /// The barcode that the library reads; a drive alone cannot see the label.
    pub(super) barcode: Option<Barcode>,
    home: Option<Home>,
}

struct Home {
    changer: Changer,
    drive: ElementAddress,
    /// Where the cartridge was; `None` if it was in the drive and stays there.
    slot: Option<ElementAddress>,
}

impl LoadedDrive {
    /// Brings the cartridge into a drive and waits until it is ready.
    pub(super) fn open(target: &Target, clock: &Arc<dyn Clock>) -> Result<Self, AppError> {
        let (transport, barcode, home): (Box<dyn Transport>, _, _) = match target {
            Target::Device(node) => {
                let device = SgDevice::open(node).map_err(|error| {
                    let doing = format!("cannot open {}", node.display());
                    AppError::offline(&doing, &error, "Name a tape drive's node, as /dev/sg3.")
                })?;
                (Box::new(device), None, None)
            }
            Target::Virtual { library, barcode } => {
                let options = OpenOptions { clock: Arc::clone(clock), ..OpenOptions::default() };
                let opened = VirtualLibrary::open(library, options).map_err(|error| {
                    let doing = format!("cannot open the library in {}", library.display());
                    AppError::offline(
                        &doing,
                        &error,
                        "Name a library's folder, and stop its engine.",
                    )
                })?;
                let (index, home) = bring(&opened, barcode)?;
                (Box::new(opened.drive(index)), Some(barcode.clone()), Some(home))
            }
        };
        let failed = |error| AppError::offline("cannot use the drive", &error, LOOK_NEXT);
        let mut drive = Drive::open(transport, Arc::clone(clock)).map_err(failed)?;
        drive.load().map_err(failed)?;
        drive.wait_ready(READY_TIME, &mut |_| {}).map_err(failed)?;
        drive.ensure_plain().map_err(failed)?;
        Ok(Self { drive, barcode, home })
    }

    /// The drive alone; the cartridge stays in it.
    pub(super) fn into_drive(self) -> Drive {
        self.drive
    }

    /// Does something with the drive that takes it and gives it back.
    pub(super) fn with_drive<R>(self, work: impl FnOnce(Drive) -> (Drive, R)) -> (Self, R) {
        let Self { drive, barcode, home } = self;
        let (drive, result) = work(drive);
        (Self { drive, barcode, home }, result)
    }

    /// Puts the cartridge back where it was. A drive without a robot keeps it.
    pub(super) fn put_back(self) -> Result<(), AppError> {
        let Self { mut drive, home, .. } = self;
        let Some(Home { mut changer, drive: from, slot: Some(slot) }) = home else {
            return Ok(());
        };
        let failed = |error: &dyn std::error::Error| {
            AppError::offline("cannot put the cartridge back", error, LOOK_NEXT)
        };
        drive.unload().map_err(|error| failed(&error))?;
        drop(drive);
        changer.move_cartridge(from, slot).map_err(|error| failed(&error))?;
        Ok(())
    }
}

/// Moves a cartridge of a virtual library to a drive that can take it, and says which.
fn bring(library: &VirtualLibrary, barcode: &Barcode) -> Result<(usize, Home), AppError> {
    let failed = |error: &dyn std::error::Error| {
        let doing = format!("cannot bring cartridge {barcode} to a drive");
        AppError::offline(&doing, error, LOOK_NEXT)
    };
    let mut changer = Changer::open(Box::new(library.changer())).map_err(|error| failed(&error))?;
    let inventory = changer.inventory().map_err(|error| failed(&error))?;
    let refuse = |message: String, next_step: &str| {
        Err(AppError::Offline { message, next_step: next_step.to_owned() })
    };
    let Some(element) = inventory.find_barcode(barcode).next() else {
        let message = format!("there is no cartridge {barcode} in {}", library.folder().display());
        return refuse(message, "Look at `fossilsafe vtl list`.");
    };
    let (from, is_loaded) =
        (element.address, inventory.drives().any(|drive| drive.address == element.address));
    if is_loaded && let Some(index) = drive_index(library, &inventory, from) {
        return Ok((index, Home { changer, drive: from, slot: None }));
    }
    // A drive of the cartridge's own generation writes it for certain; older ones may only read it.
    let wanted = barcode.generation();
    let free = inventory.drives().filter(|drive| !drive.is_full && drive.is_accessible);
    let fitting = free
        .filter_map(|drive| Some((drive.address, drive_index(library, &inventory, drive.address)?)))
        .find(|(_, index)| wanted.is_none() || library.drive_generation(*index) == wanted);
    let Some((to, index)) = fitting else {
        let message = format!("no drive is free for cartridge {barcode}");
        return refuse(message, "Take a cartridge out of a drive first.");
    };
    changer.move_cartridge(from, to).map_err(|error| failed(&error))?;
    Ok((index, Home { changer, drive: to, slot: Some(from) }))
}

/// The library's own number of the drive at an element, by its serial.
fn drive_index(
    library: &VirtualLibrary,
    inventory: &Inventory,
    address: ElementAddress,
) -> Option<usize> {
    let serial = inventory.element(address)?.drive_serial.as_ref()?;
    (0..library.drive_count()).find(|index| library.drive_serial(*index).as_ref() == Some(serial))
}
