//! `fossilsafe library`: what is where, moves, and looking again.

use std::str::FromStr;

use clap::{Args, Subcommand};

use super::Context;
use super::follow::DetachOption;
use super::output::{Table, list, moment_or_dash, or_dash, size};
use crate::api::types::{
    CalibrationView, DriveHealthView, ElementKind, LibraryView, Page, ReservationHolder,
    ReservationView, TakeDriveRequest,
};
use crate::app::address::Address;
use crate::app::error::{AppError, Exit};
use crate::domain::Barcode;
use crate::jobs::spec::{CalibrateSpec, MoveSpec, Place};

#[derive(Debug, Subcommand)]
pub(super) enum LibraryCommand {
    /// Show slots, mail slots and drives with what is in them
    Show(ShowArguments),
    /// Move a cartridge
    Move(MoveArguments),
    /// Look at every element again
    Inventory(DetachOption),
    /// Ask a drive how it is: what it has raised, its errors, whether it asks to be cleaned
    Health(HealthArguments),
    /// Measure how long the library takes for what it does, with a cartridge; nothing is written
    Calibrate(CalibrateArguments),
    /// Show what was measured last
    Calibration,
    /// Clean a drive with a cleaning cartridge of the library
    Clean(CleanArguments),
    /// Show who has reserved a drive, or take it from another host
    Reservation(ReservationArguments),
}

#[derive(Debug, Args)]
pub(super) struct HealthArguments {
    /// The drive's serial number, as `library show` lists it
    serial: String,
}

#[derive(Debug, Args)]
pub(super) struct CleanArguments {
    /// The drive's serial number, as `library show` lists it
    serial: String,
    #[command(flatten)]
    wait: DetachOption,
}

#[derive(Debug, Args)]
pub(super) struct ReservationArguments {
    /// The drive's serial number, as `library show` lists it
    serial: String,
    /// Take the drive from the host with this key: what it is doing with the drive fails
    #[arg(long, value_name = "KEY")]
    yes_take_from: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ShowArguments {
    /// Also empty elements
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Args)]
pub(super) struct CalibrateArguments {
    /// The cartridge that is taken to each free drive and back; one that is full shows the longest way
    cartridge: Barcode,
    #[command(flatten)]
    wait: DetachOption,
}

#[derive(Debug, Args)]
pub(super) struct MoveArguments {
    /// The cartridge: its barcode, or slot:N, mail:N, drive:N, counted from 0
    from: End,
    /// Where it goes: slot:N, mail:N or drive:N
    to: PlaceArgument,
    #[command(flatten)]
    wait: DetachOption,
}

/// A place as people type it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PlaceArgument(Place);

impl FromStr for PlaceArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || format!("\"{text}\" is no place: write slot:N, mail:N or drive:N");
        let (kind, number) = text.split_once(':').ok_or_else(refuse)?;
        let number = number.parse().map_err(|_| refuse())?;
        match kind {
            "slot" => Ok(Self(Place::Slot(number))),
            "mail" => Ok(Self(Place::MailSlot(number))),
            "drive" => Ok(Self(Place::Drive(number))),
            _ => Err(refuse()),
        }
    }
}

/// Where a move begins.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    Place(Place),
    Barcode(Barcode),
}

impl FromStr for End {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains(':') {
            return PlaceArgument::from_str(text).map(|PlaceArgument(place)| Self::Place(place));
        }
        text.parse().map(Self::Barcode).map_err(|error: crate::domain::barcode::BarcodeError| {
            format!("{error}; a place is written slot:N, mail:N or drive:N")
        })
    }
}

pub(super) fn run(command: LibraryCommand, context: &Context) -> Result<Exit, AppError> {
    match command {
        LibraryCommand::Show(arguments) => show(&arguments, context),
        LibraryCommand::Move(arguments) => move_cartridge(arguments, context),
        LibraryCommand::Inventory(wait) => {
            let job = context.client.post_empty("/api/library/inventory")?;
            wait.apply(&job, context)
        }
        LibraryCommand::Health(arguments) => health(&arguments, context),
        LibraryCommand::Calibrate(CalibrateArguments { cartridge, wait }) => {
            let spec = CalibrateSpec { cartridge };
            let job = context.client.post("/api/library/calibration", &spec)?;
            wait.apply(&job, context)
        }
        LibraryCommand::Calibration => show_calibration(context),
        LibraryCommand::Clean(arguments) => {
            let drives = Address::new("/api/library/drives");
            let address = drives.part(&arguments.serial).part("clean");
            let job = context.client.post_empty(address.as_str())?;
            arguments.wait.apply(&job, context)
        }
        LibraryCommand::Reservation(arguments) => reservation(arguments, context),
    }
}

/// Fails with "needs a person" while the drive has raised something or asks to be cleaned.
fn health(arguments: &HealthArguments, context: &Context) -> Result<Exit, AppError> {
    let address = Address::new("/api/library/drives").part(&arguments.serial).part("health");
    let view: DriveHealthView = context.client.get(address.as_str())?;
    let output = &context.output;
    if output.is_json {
        output.json(&view)?;
    } else {
        output.line(&view.sentence)?;
        let mut table = Table::new(&["DIRECTION", "BYTES", "CORRECTED", "REPEATED", "LOST"]);
        for (name, counters) in [("write", view.write), ("read", view.read)] {
            table.row(vec![
                name.to_owned(),
                or_dash(counters.size_bytes.map(size).as_ref()),
                or_dash(counters.corrected.as_ref()),
                or_dash(counters.repeats.as_ref()),
                or_dash(counters.uncorrected.as_ref()),
            ]);
        }
        output.line(&table.text())?;
        let mut table = Table::new(&["TAPEALERT", "SEVERITY", "WHAT"]);
        for alert in &view.alerts {
            let severity = alert.severity.name().to_owned();
            table.row(vec![alert.number.to_string(), severity, alert.sentence.clone()]);
        }
        output.table(&table, "It has raised nothing.")?;
    }
    let is_quiet = !view.is_cleaning_due && view.alerts.is_empty();
    Ok(if is_quiet { Exit::Done } else { Exit::NeedsOperator })
}

/// Fails with "needs a person" while another host has the drive.
fn reservation(arguments: ReservationArguments, context: &Context) -> Result<Exit, AppError> {
    let address = Address::new("/api/library/drives").part(&arguments.serial).part("reservation");
    let view: ReservationView = match arguments.yes_take_from {
        Some(take_from) => {
            context.client.post(address.as_str(), &TakeDriveRequest { take_from })?
        }
        None => context.client.get(address.as_str())?,
    };
    let (drive, output) = (&view.drive, &context.output);
    if output.is_json {
        output.json(&view)?;
    } else {
        output.line(&match (view.holder, &view.key) {
            (ReservationHolder::Nobody, _) => format!("Nobody has reserved drive {drive}."),
            (ReservationHolder::ThisAppliance, _) => {
                format!("This appliance has reserved drive {drive}.")
            }
            (ReservationHolder::AnotherHost, key) => format!(
                "Another host has reserved drive {drive} with key {}.\nIf that host is gone or does \
                 not need it: fossilsafe library reservation {drive} --yes-take-from {}",
                or_dash(key.as_ref()),
                or_dash(key.as_ref()),
            ),
        })?;
    }
    let is_other = view.holder == ReservationHolder::AnotherHost;
    Ok(if is_other { Exit::NeedsOperator } else { Exit::Done })
}

fn show(arguments: &ShowArguments, context: &Context) -> Result<Exit, AppError> {
    let library: LibraryView = context.client.get("/api/library")?;
    let output = &context.output;
    if output.is_json {
        output.json(&library)?;
        return Ok(Exit::Done);
    }
    if let Some(changer) = &library.changer {
        let practice = if library.is_practice { "practice library" } else { "library" };
        let (vendor, product) = (&changer.vendor, &changer.product);
        output.line(&format!("{vendor} {product}, {practice}, serial {}", changer.serial))?;
    }
    output.line(&format!("Inventory of {}", moment_or_dash(library.inventory_taken)))?;
    let mut drives = Table::new(&[
        "DRIVE",
        "SERIAL",
        "MODEL",
        "KIND",
        "STATE",
        "CARTRIDGE",
        "JOB",
        "SINCE",
        "ALERTS",
    ]);
    for drive in &library.drives {
        drives.row(vec![
            or_dash(drive.number.as_ref()),
            drive.serial.to_string(),
            format!("{} {}", drive.vendor, drive.product),
            drive.generation.map_or("-", |generation| generation.name()).to_owned(),
            drive.state.name().to_owned(),
            or_dash(drive.barcode.as_ref()),
            or_dash(drive.job.as_ref()),
            moment_or_dash(drive.held_since),
            list(&drive.alerts),
        ]);
    }
    output.line("")?;
    output.table(&drives, "There is no drive.")?;
    let mut elements = Table::new(&["PLACE", "CARTRIDGE", "REMARK"]);
    for element in &library.elements {
        let is_shown = element.is_full || element.exception.is_some() || arguments.all;
        if !is_shown || element.kind == ElementKind::Robot && !element.is_full {
            continue;
        }
        let barcode = match &element.barcode {
            Some(barcode) => barcode.to_string(),
            None if element.is_full => "without a readable barcode".to_owned(),
            None => "-".to_owned(),
        };
        let place = format!("{} {}", element.kind.name(), element.number);
        let reach = (!element.is_accessible).then(|| "out of the robot's reach".to_owned());
        let remark = element.exception.clone().or(reach).unwrap_or_default();
        elements.row(vec![place, barcode, remark]);
    }
    output.line("")?;
    output.table(&elements, "There is no cartridge in the library.")?;
    Ok(Exit::Done)
}

/// The newest measurement that came to its end.
fn show_calibration(context: &Context) -> Result<Exit, AppError> {
    let page: Page<CalibrationView> = context.client.get("/api/library/calibration")?;
    let last = page.items.into_iter().find(|it| it.measured.is_some());
    if context.output.is_json {
        context.output.json(&last)?;
        return Ok(Exit::Done);
    }
    let measured = last.and_then(|last| Some((last.ended, last.measured?)));
    let Some((ended, measured)) = measured else {
        let sentence = "The library was not measured yet: fossilsafe library calibrate BARCODE";
        context.output.line(sentence)?;
        return Ok(Exit::Done);
    };
    let seconds = |ms: u64| format!("{}.{} s", ms / 1000, ms % 1000 / 100);
    let way = |ms: Option<u64>| ms.map_or_else(|| "-".to_owned(), seconds);
    let mut table = Table::new(&["DRIVE", "BRING", "READY", "TO THE END", "REWIND", "RETURN"]);
    for drive in &measured.drives {
        table.row(vec![
            drive.drive.to_string(),
            seconds(drive.bring_ms),
            seconds(drive.ready_ms),
            way(drive.locate_end_ms),
            way(drive.rewind_ms),
            seconds(drive.return_ms),
        ]);
    }
    let (cartridge, at) = (&measured.cartridge, moment_or_dash(ended));
    context.output.line(&format!("Measured with {cartridge}, {at}:"))?;
    context.output.table(&table, "")?;
    for left in &measured.left_out {
        context.output.line(&format!("Drive {} was left out: {}", left.drive, left.reason))?;
    }
    Ok(Exit::Done)
}

fn move_cartridge(arguments: MoveArguments, context: &Context) -> Result<Exit, AppError> {
    let from = match arguments.from {
        End::Place(place) => place,
        End::Barcode(barcode) => find(&barcode, &context.client.get("/api/library")?)?,
    };
    let spec = MoveSpec { from, to: arguments.to.0 };
    let job = context.client.post("/api/library/moves", &spec)?;
    arguments.wait.apply(&job, context)
}

fn find(barcode: &Barcode, library: &LibraryView) -> Result<Place, AppError> {
    let is_it = |other: &Barcode| other.is_same_label(barcode);
    let found: Vec<_> = library
        .elements
        .iter()
        .filter(|element| element.barcode.as_ref().is_some_and(is_it))
        .collect();
    let refuse = |why: &str| AppError::Offline {
        message: format!("{why} {barcode}"),
        next_step: "Look at `fossilsafe library show` and name the place instead.".to_owned(),
    };
    match found.as_slice() {
        [] => Err(refuse("there is no cartridge in the library with barcode")),
        [one] => match one.kind {
            ElementKind::Slot => Ok(Place::Slot(one.number)),
            ElementKind::MailSlot => Ok(Place::MailSlot(one.number)),
            ElementKind::Drive => Ok(Place::Drive(one.number)),
            ElementKind::Robot => Err(refuse("the robot still holds the cartridge with barcode")),
        },
        _ => Err(refuse("several cartridges have barcode")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_barcodes_are_told_apart() {
        assert_eq!("slot:3".parse(), Ok(End::Place(Place::Slot(3))));
        assert_eq!("mail:0".parse::<PlaceArgument>().unwrap().0, Place::MailSlot(0));
        assert_eq!("drive:1".parse::<PlaceArgument>().unwrap().0, Place::Drive(1));
        assert_eq!("fsp001l9".parse(), Ok(End::Barcode("FSP001L9".parse().unwrap())));
        for bad in ["slot:", "slot:-1", "slot:65536", "robot:0", "slot 3"] {
            assert!(bad.parse::<End>().is_err(), "{bad}");
        }
    }
}
