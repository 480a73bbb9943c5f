//! `fossilsafe vtl`: virtual libraries as folders, without an engine.
//!
//! What a person does by hand with a library: build one, put cartridges in and take them out, copy
//! them to and from neutral dumps, break things on purpose. A folder that a running engine holds
//! open is refused; cartridges of such a library are moved with `fossilsafe library`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::output::{Output, Table, size};
use super::size::parse_size;
use super::vtl_serve::serve;
use crate::app::engine::PRACTICE_FOLDER;
use crate::app::error::{AppError, Exit};
use crate::domain::{Barcode, ByteCount, GIB, LtoGeneration};
use crate::vtl::{
    CartridgeKind, CartridgePlan, CartridgeSummary, Entrance, FaultPlan, LibraryPlan, OpenOptions,
    VirtualLibrary, VtlError, VtlErrorKind,
};

/// Environment variable that stands for `--library`.
const LIBRARY_VARIABLE: &str = "FOSSILSAFE_LIBRARY";
/// Capacity of a cartridge unless somebody says otherwise.
const CAPACITY_DEFAULT: ByteCount = ByteCount(GIB);

/// What a dump is, for `--help`.
const DUMP_HELP: &str = r#"DIR/dump.jsonl has one object a line, the records of a partition in tape order:
  {"type":"cartridge","barcode":"FSP001L9","capacity_mb":64,"generation":"LTO-9"}
  {"part":0,"type":"mam","id":2060,"format":0,"value":"<hex, without the 5-byte header>"}
  {"part":0,"type":"data","len":80,"off":0}
  {"part":0,"type":"filemark"}
DIR/data.bin has all blocks back to back; off and len point into it. capacity_mb counts 2^20 bytes."#;

/// What a fault plan is, for `--help`.
const FAULT_HELP: &str = r#"A plan, with a medium error at one block and a power failure at the 40th command of drive 0:
  {"seed": 1, "faults": [
    {"trigger": {"block": {"access": "read", "partition": 1, "block": 9}},
     "effect": "medium_error", "times": "always"},
    {"device": {"drive": 0}, "trigger": {"command": {"nth": 40}},
     "effect": {"power_failure": {"moment": "before"}}}
  ]}
device   {"drive": N}, "changer"; any, if left out
trigger  command (nth), opcode (opcode, nth), block (access read or write, barcode, partition, block),
         random (one_in, opcode)
effect   sense, deferred_error, medium_error, flipped_bit, lying_residual, silent_rewind, reset, busy,
         reservation_conflict, transport_timeout, transport_gone, power_failure, move
         (src/vtl/faults.rs says what each takes)
times    "once", {"count": N}, "always""#;

/// Arguments of `fossilsafe vtl`.
#[derive(Debug, Args)]
pub(super) struct VtlCommand {
    /// Folder of the virtual library [default: $FOSSILSAFE_LIBRARY, or the practice library]
    #[arg(long, global = true, value_name = "DIR")]
    library: Option<PathBuf>,
    #[command(subcommand)]
    action: VtlAction,
}

#[derive(Debug, Subcommand)]
enum VtlAction {
    /// Build a library in a new folder
    Create(CreateArguments),
    /// List the cartridges and where they are
    List,
    /// Put a cartridge in from outside; with --generation make a new one first
    Insert(InsertArguments),
    /// Take a cartridge out of the library
    Eject {
        /// Barcode, or medium serial number
        cartridge: String,
    },
    /// Write what is on a cartridge as a neutral dump
    #[command(after_help = DUMP_HELP)]
    Export {
        /// Barcode, or medium serial number
        cartridge: String,
        /// Folder for dump.jsonl and data.bin
        dir: PathBuf,
    },
    /// Make a cartridge of a neutral dump; it is left outside
    #[command(after_help = DUMP_HELP)]
    Import {
        /// Folder with dump.jsonl and data.bin
        dir: PathBuf,
    },
    /// Let devices fail by a plan, from the next opening on
    #[command(after_help = FAULT_HELP)]
    Fault(FaultArguments),
    /// Let the kernel see the library as real SCSI devices, until Ctrl-C
    Serve,
}

#[derive(Debug, Args)]
struct CreateArguments {
    /// Generations of the drives, as LTO-8,LTO-9
    #[arg(long, value_delimiter = ',', default_value = "LTO-9,LTO-9", value_parser = generation)]
    drives: Vec<LtoGeneration>,
    /// Number of slots
    #[arg(long, default_value_t = 24)]
    slots: u16,
    /// Number of mail slots
    #[arg(long, default_value_t = 2)]
    mail_slots: u16,
    /// Number of data cartridges FSP001L9 …, of the first drive's generation
    #[arg(long, default_value_t = 20)]
    cartridges: u16,
    /// Capacity of each cartridge [default: 1GiB]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    capacity: Option<ByteCount>,
    /// Serial numbers are derived from it: libraries that meet should differ
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, Args)]
struct InsertArguments {
    /// Barcode, or medium serial number
    cartridge: String,
    /// Through the door into a free slot, not through a mail slot
    #[arg(long)]
    door: bool,
    /// Make a new cartridge of this generation, with the barcode given
    #[arg(long, value_name = "LTO-n", value_parser = generation)]
    generation: Option<LtoGeneration>,
    /// Capacity of the new cartridge [default: 1GiB]
    #[arg(long, value_name = "SIZE", value_parser = parse_size, requires = "generation")]
    capacity: Option<ByteCount>,
    /// What the new cartridge is for
    #[arg(long, value_enum, default_value_t, requires = "generation")]
    kind: KindArgument,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum KindArgument {
    #[default]
    Data,
    Worm,
    Cleaning,
}

#[derive(Debug, Args)]
struct FaultArguments {
    /// JSON file with the plan
    #[arg(required_unless_present = "clear")]
    plan: Option<PathBuf>,
    /// Remove the plan that is there
    #[arg(long, conflicts_with = "plan")]
    clear: bool,
}

/// One cartridge in `--json`.
#[derive(Debug, Serialize)]
struct CartridgeRow {
    barcode: Barcode,
    serial: String,
    generation: LtoGeneration,
    kind: CartridgeKind,
    capacity_bytes: u64,
    write_protected: bool,
    place: String,
}

impl From<CartridgeSummary> for CartridgeRow {
    fn from(cartridge: CartridgeSummary) -> Self {
        Self {
            place: cartridge.place.to_string(),
            barcode: cartridge.barcode,
            serial: cartridge.serial,
            generation: cartridge.generation,
            kind: cartridge.kind,
            capacity_bytes: cartridge.capacity.0,
            write_protected: cartridge.write_protected,
        }
    }
}

pub(super) fn run(command: VtlCommand, output: &Output) -> Result<Exit, AppError> {
    let folder = folder_of(command.library)?;
    let done = match command.action {
        VtlAction::Create(arguments) => create(&folder, &arguments)?,
        VtlAction::List => return list(&folder, output),
        VtlAction::Insert(arguments) => insert(&folder, &arguments)?,
        VtlAction::Eject { cartridge } => {
            open(&folder)?.eject(&cartridge).map_err(|error| failed(&error))?;
            format!("{cartridge} is outside now")
        }
        VtlAction::Export { cartridge, dir } => {
            let library = open(&folder)?;
            library.export_cartridge(&cartridge, &dir).map_err(|error| failed(&error))?;
            format!("{cartridge} is in {}", dir.display())
        }
        VtlAction::Import { dir } => {
            let serial = open(&folder)?.import_cartridge(&dir).map_err(|error| failed(&error))?;
            format!("made cartridge {serial}, outside: put it in with `vtl insert {serial}`")
        }
        VtlAction::Fault(arguments) => fault(&folder, &arguments)?,
        VtlAction::Serve => return serve(&open(&folder)?, output),
    };
    if output.is_json {
        output.json(&serde_json::json!({ "done": done }))?;
    } else {
        output.line(&done)?;
    }
    Ok(Exit::Done)
}

fn create(folder: &Path, arguments: &CreateArguments) -> Result<String, AppError> {
    let capacity = arguments.capacity.unwrap_or(CAPACITY_DEFAULT);
    let made_for = arguments.drives.first().copied().unwrap_or(LtoGeneration::Lto9);
    let mut plan = LibraryPlan::practice(arguments.cartridges, capacity);
    for cartridge in plan.cartridges.iter_mut().filter(|c| c.kind == CartridgeKind::Data) {
        cartridge.generation = made_for;
        let relabelled = format!("{}{}", cartridge.barcode.serial(), made_for.media_suffix());
        cartridge.barcode = relabelled.parse().unwrap_or_else(|_| cartridge.barcode.clone());
    }
    plan.drives.clone_from(&arguments.drives);
    plan.slots = arguments.slots;
    plan.mail_slots = arguments.mail_slots;
    plan.seed = arguments.seed;
    let library = VirtualLibrary::create(folder, &plan).map_err(|error| failed(&error))?;
    let drives = library.drive_count();
    Ok(format!(
        "made a library of {drives} drives and {} slots with {} cartridges in {}",
        plan.slots,
        plan.cartridges.len(),
        folder.display()
    ))
}

fn list(folder: &Path, output: &Output) -> Result<Exit, AppError> {
    let cartridges = open(folder)?.cartridges().map_err(|error| failed(&error))?;
    let rows: Vec<CartridgeRow> = cartridges.into_iter().map(CartridgeRow::from).collect();
    if output.is_json {
        output.json(&rows)?;
        return Ok(Exit::Done);
    }
    let mut table =
        Table::new(&["BARCODE", "SERIAL", "KIND", "FOR", "CAPACITY", "SWITCH", "PLACE"]);
    for row in &rows {
        let switch = if row.write_protected { "protected" } else { "-" };
        let purpose = match row.kind {
            CartridgeKind::Data => "data",
            CartridgeKind::Worm => "write once",
            CartridgeKind::Cleaning => "cleaning",
        };
        table.row(vec![
            row.barcode.to_string(),
            row.serial.clone(),
            row.generation.name().to_owned(),
            purpose.to_owned(),
            size(row.capacity_bytes),
            switch.to_owned(),
            row.place.clone(),
        ]);
    }
    output.table(&table, "The library has no cartridges.")?;
    Ok(Exit::Done)
}

fn insert(folder: &Path, arguments: &InsertArguments) -> Result<String, AppError> {
    let library = open(folder)?;
    let name = match arguments.generation {
        None => arguments.cartridge.clone(),
        Some(generation) => {
            let barcode: Barcode = (arguments.cartridge.parse())
                .map_err(|error| AppError::Usage(format!("{error}")))?;
            let capacity = arguments.capacity.unwrap_or(CAPACITY_DEFAULT);
            let kind = match arguments.kind {
                KindArgument::Data => CartridgeKind::Data,
                KindArgument::Worm => CartridgeKind::Worm,
                KindArgument::Cleaning => CartridgeKind::Cleaning,
            };
            let plan = CartridgePlan { kind, ..CartridgePlan::data(barcode, generation, capacity) };
            library.add_cartridge(&plan).map_err(|error| failed(&error))?
        }
    };
    let entrance = if arguments.door { Entrance::Slot } else { Entrance::MailSlot };
    let place = library.insert(&name, entrance).map_err(|error| failed(&error))?;
    Ok(format!("{} is in {place}", arguments.cartridge))
}

fn fault(folder: &Path, arguments: &FaultArguments) -> Result<String, AppError> {
    let plan = match &arguments.plan {
        None => None,
        Some(path) => {
            let text = std::fs::read(path).map_err(|source| AppError::Io {
                what: format!("cannot read {}", path.display()),
                source,
            })?;
            let plan: FaultPlan = serde_json::from_slice(&text).map_err(|error| {
                AppError::Usage(format!("{} is no fault plan: {error}", path.display()))
            })?;
            Some(plan)
        }
    };
    let count = plan.as_ref().map_or(0, |plan| plan.faults.len());
    open(folder)?.keep_faults(plan).map_err(|error| failed(&error))?;
    Ok(format!("{count} faults are planned for {}", folder.display()))
}

fn open(folder: &Path) -> Result<VirtualLibrary, AppError> {
    VirtualLibrary::open(folder, OpenOptions::default()).map_err(|error| failed(&error))
}

/// The folder that was named, else that of the variable, else the practice library's.
pub(super) fn folder_of(named: Option<PathBuf>) -> Result<PathBuf, AppError> {
    let by_variable = || std::env::var_os(LIBRARY_VARIABLE).map(PathBuf::from);
    match named.or_else(by_variable) {
        Some(folder) => Ok(folder),
        None => Ok(super::service::data_default()?.join(PRACTICE_FOLDER)),
    }
}

fn failed(error: &VtlError) -> AppError {
    let next_step = match error.kind() {
        VtlErrorKind::Files => "Look at the permissions and the free space of that folder.",
        VtlErrorKind::InUse => {
            "Stop the engine, or move cartridges with `fossilsafe library move`."
        }
        VtlErrorKind::Corrupt => "Take the file from a copy, or make the library anew.",
        VtlErrorKind::Request => {
            "Look at `fossilsafe vtl list`, and name the folder with --library."
        }
    };
    let mut message = error.to_string();
    if let Some(source) = std::error::Error::source(error) {
        message.push_str(&format!(": {source}"));
    }
    AppError::Offline { message, next_step: next_step.to_owned() }
}

/// `LTO-9`, `lto9` or `9`.
fn generation(text: &str) -> Result<LtoGeneration, String> {
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    LtoGeneration::from_name(&format!("LTO-{digits}"))
        .ok_or_else(|| format!("\"{text}\" is no generation: write LTO-5 to LTO-10"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        command: VtlCommand,
    }

    /// Runs `vtl` with a library folder; what it printed.
    fn vtl(library: &Path, line: &str) -> Result<String, AppError> {
        let words = ["vtl", "--library", library.to_str().unwrap()];
        let arguments = Line::try_parse_from(words.into_iter().chain(line.split(' '))).unwrap();
        let (output, text) = Output::captured(false);
        run(arguments.command, &output)?;
        let text = text.lock().clone();
        Ok(text)
    }

    #[test]
    fn a_library_is_made_filled_emptied_and_copied_by_hand() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("library");
        vtl(&library, "create --drives LTO-8 --slots 4 --cartridges 2 --capacity 32MiB").unwrap();
        let listed = vtl(&library, "list").unwrap();
        assert!(listed.contains("FSP001L8") && listed.contains("slot 2"), "{listed}");
        vtl(&library, "insert NEW001L8 --generation 8 --capacity 32MiB --door").unwrap();
        assert!(vtl(&library, "list").unwrap().contains("slot 4"));
        vtl(&library, "eject NEW001L8").unwrap();
        assert!(vtl(&library, "list").unwrap().contains("outside"));
        let dump = folder.path().join("dump");
        vtl(&library, &format!("export FSP001L8 {}", dump.display())).unwrap();
        vtl(&library, &format!("import {}", dump.display())).unwrap();
        let held = VirtualLibrary::open(&library, OpenOptions::default()).unwrap();
        let error = vtl(&library, "eject FSP001L8").unwrap_err();
        assert!(error.to_string().contains("in use by another process"), "{error}");
        assert!(error.next_step().unwrap().contains("library move"));
        drop(held);
        let error = vtl(&library, "eject NONE01L8").unwrap_err();
        assert!(error.to_string().contains("no cartridge NONE01L8 in the library"), "{error}");
    }

    #[test]
    fn the_plan_that_the_help_shows_is_one() {
        let (from, to) = (FAULT_HELP.find('{').unwrap(), FAULT_HELP.find("]}").unwrap());
        let plan: FaultPlan = serde_json::from_str(&FAULT_HELP[from..to + 2]).unwrap();
        assert_eq!(plan.faults.len(), 2);
    }

    #[test]
    fn a_fault_plan_is_kept_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("library");
        vtl(&library, "create --cartridges 1 --capacity 32MiB").unwrap();
        let plan = folder.path().join("plan.json");
        std::fs::write(&plan, r#"{"faults":[{"trigger":{"command":{"nth":1}},"effect":"busy"}]}"#)
            .unwrap();
        let said = vtl(&library, &format!("fault {}", plan.display())).unwrap();
        assert!(said.starts_with("1 faults"), "{said}");
        vtl(&library, "fault --clear").unwrap();
        std::fs::write(&plan, "{").unwrap();
        assert!(vtl(&library, &format!("fault {}", plan.display())).is_err());
    }
}
