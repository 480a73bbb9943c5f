//! `fossilsafe cartridge`: list, show, format; the rest is in `cartridge_book`.

use clap::{Args, Subcommand};

use super::Context;
use super::cartridge_book::{
    self as book, ContentsArguments, HistoryArguments, KeepArguments, LockArguments, LossArguments,
    ManifestArguments, WordsArguments,
};
use super::follow::DetachOption;
use super::output::{Table, grouped, moment_or_dash, or_dash, size};
use crate::api::types::{CartridgeView, FormatRequest, Page};
use crate::app::address::Address;
use crate::app::error::{AppError, Exit};
use crate::domain::{Barcode, SetName};

/// More than any library holds.
const CARTRIDGES_MAX: usize = 100_000;

#[derive(Debug, Subcommand)]
pub(super) enum CartridgeCommand {
    /// List the cartridges that are in the library or known from before
    List(ListArguments),
    /// Show what is known of one cartridge
    Show(ShowArguments),
    /// Make an empty LTFS volume on one cartridge
    Format(FormatArguments),
    /// List a folder of what is on one cartridge, and where else it is
    Contents(ContentsArguments),
    /// Show what happened to one cartridge
    History(HistoryArguments),
    /// Say what would be lost without one cartridge
    Loss(LossArguments),
    /// List the manifests of the runs on one cartridge, or save one with its signature
    Manifest(ManifestArguments),
    /// Give one cartridge another name, or take it away
    Name(WordsArguments),
    /// Say where one cartridge was put, or that nobody knows
    Put(WordsArguments),
    /// Write nothing to one cartridge until it is unlocked
    Lock(LockArguments),
    /// Let one cartridge be written again
    Unlock(ShowArguments),
    /// Keep what is on one cartridge: it is not formatted before a day
    Keep(KeepArguments),
    /// End the retention of one cartridge; before its time this raises an alarm
    Release(ShowArguments),
}

#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// Only cartridges in this state, as blank, open or foreign
    #[arg(long)]
    state: Option<String>,
    /// Only cartridges of this set
    #[arg(long)]
    set: Option<SetName>,
}

#[derive(Debug, Args)]
pub(super) struct ShowArguments {
    barcode: Barcode,
}

#[derive(Debug, Args)]
pub(super) struct FormatArguments {
    barcode: Barcode,
    /// Name of the volume for people; the barcode, if not given
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Lose everything that is on the cartridge: type its barcode again. Without this only a blank
    /// cartridge is formatted
    #[arg(long, value_name = "BARCODE")]
    yes_erase: Option<Barcode>,
    #[command(flatten)]
    wait: DetachOption,
}

pub(super) fn run(command: CartridgeCommand, context: &Context) -> Result<Exit, AppError> {
    match command {
        CartridgeCommand::List(arguments) => list(&arguments, context),
        CartridgeCommand::Show(arguments) => show(&arguments, context),
        CartridgeCommand::Format(arguments) => format(arguments, context),
        CartridgeCommand::Contents(arguments) => book::contents(&arguments, context),
        CartridgeCommand::History(arguments) => book::history(&arguments, context),
        CartridgeCommand::Loss(arguments) => book::loss(&arguments, context),
        CartridgeCommand::Manifest(arguments) => book::manifest(&arguments, context),
        CartridgeCommand::Name(arguments) => book::name(arguments, context),
        CartridgeCommand::Put(arguments) => book::put(arguments, context),
        CartridgeCommand::Lock(arguments) => book::lock(arguments, context),
        CartridgeCommand::Unlock(ShowArguments { barcode }) => {
            book::take_back(&barcode, "lock", context)
        }
        CartridgeCommand::Keep(arguments) => book::keep(&arguments, context),
        CartridgeCommand::Release(ShowArguments { barcode }) => {
            book::take_back(&barcode, "retention", context)
        }
    }
}

fn list(arguments: &ListArguments, context: &Context) -> Result<Exit, AppError> {
    let address = Address::new("/api/cartridges")
        .query_if("state", arguments.state.as_ref())
        .query_if("set", arguments.set.as_ref());
    let cartridges: Page<CartridgeView> = context.client.list(&address, CARTRIDGES_MAX)?;
    if context.output.is_json {
        context.output.json(&cartridges)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&[
        "BARCODE", "KIND", "PLACE", "STATE", "SET", "COPY", "FILES", "STORED", "ROOM",
    ]);
    for cartridge in &cartridges.items {
        let volume = cartridge.volume.as_ref();
        let dash = || "-".to_owned();
        table.row(vec![
            cartridge.barcode.to_string(),
            cartridge.generation.map_or("-", |generation| generation.name()).to_owned(),
            cartridge.place.map_or_else(|| "not here".to_owned(), |place| place.to_string()),
            cartridge.state.name().replace('_', " "),
            or_dash(volume.and_then(|volume| volume.set.as_ref())),
            or_dash(volume.and_then(|volume| volume.copy.as_ref())),
            volume.map_or_else(dash, |volume| grouped(volume.files)),
            volume.map_or_else(dash, |volume| size(volume.bytes)),
            volume.and_then(|volume| volume.remaining_bytes).map_or_else(dash, size),
        ]);
    }
    context.output.table(&table, "There are no cartridges.")?;
    Ok(Exit::Done)
}

fn show(arguments: &ShowArguments, context: &Context) -> Result<Exit, AppError> {
    let address = Address::new("/api/cartridges").part(arguments.barcode.as_str());
    let cartridge: CartridgeView = context.client.get(address.as_str())?;
    let output = &context.output;
    if output.is_json {
        output.json(&cartridge)?;
        return Ok(Exit::Done);
    }
    let place =
        cartridge.place.map_or_else(|| "not in the library".to_owned(), |it| it.to_string());
    output.line(&format!("Cartridge {}, {place}", cartridge.barcode))?;
    output.line(&cartridge.sentence)?;
    if cartridge.is_worm {
        output.line("It can be written once only (WORM).")?;
    }
    if cartridge.is_write_protected {
        output.line("Its write protection is on.")?;
    }
    for line in book::said(&cartridge) {
        output.line(&line)?;
    }
    output.line(&format!("Last seen: {}", moment_or_dash(cartridge.last_seen)))?;
    let Some(volume) = &cartridge.volume else { return Ok(Exit::Done) };
    output.line(&format!("Volume: {}", volume.uuid))?;
    output.line(&format!("Name: {}", or_dash(volume.name.as_ref())))?;
    let set = or_dash(volume.set.as_ref());
    let (copy, sequence) = (or_dash(volume.copy.as_ref()), or_dash(volume.sequence.as_ref()));
    output.line(&format!("Set: {set}, copy {copy}, volume {sequence} of it"))?;
    output.line(&format!("Formatted: {}", moment_or_dash(volume.formatted)))?;
    output.line(&format!("Index generation: {}", or_dash(volume.index_generation.as_ref())))?;
    output.line(&format!("Stored: {} files, {}", grouped(volume.files), size(volume.bytes)))?;
    if let (Some(capacity), Some(room)) = (volume.capacity_bytes, volume.remaining_bytes) {
        output.line(&format!("Room: {} of {}", size(room), size(capacity)))?;
    }
    Ok(Exit::Done)
}

fn format(arguments: FormatArguments, context: &Context) -> Result<Exit, AppError> {
    let barcode = arguments.barcode;
    if let Some(typed) = arguments.yes_erase.as_ref().filter(|typed| **typed != barcode) {
        return Err(AppError::Usage(format!(
            "--yes-erase {typed} does not name cartridge {barcode}: nothing was erased"
        )));
    }
    let request = FormatRequest { volume_name: arguments.name, typed_barcode: arguments.yes_erase };
    let address = Address::new("/api/cartridges").part(barcode.as_str()).part("format");
    let job = context.client.post(address.as_str(), &request)?;
    arguments.wait.apply(&job, context)
}
