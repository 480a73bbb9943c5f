//! `fossilsafe ltfs`: LTFS volumes without an engine, on a drive or in a virtual library.
//!
//! Nothing here reads the catalog: what is shown is what the tape says. Extracted are files as any
//! LTFS software shows them; what `fossilsafe restore` adds (owners, joined parts, decompression,
//! hashes) stands in the manifests on the volume.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::json;

use super::ltfs_target::{
    Consent, TargetArguments, mount_volume, next_step, on_cartridge, on_volume,
};
use super::output::{Output, grouped, moment, size};
use super::{ltfs_carve, ltfs_check, ltfs_extract, ltfs_keys, ltfs_rollback};
use crate::app::error::{AppError, Exit};
use crate::app::offline::LoadedDrive;
use crate::domain::{Barcode, Clock};
use crate::ltfs::error::{LtfsError, NotLtfs};
use crate::ltfs::format::{FormatOptions, format};
use crate::ltfs::index::IndexEvent;
use crate::ltfs::merge::TreeError;
use crate::ltfs::mount::{CheckEnds, MountOptions, MountedVolume, mount};

const CHECK_NEXT: &str = "Look at it with `fossilsafe ltfs check`.";

#[derive(Debug, Subcommand)]
pub(super) enum LtfsCommand {
    /// Make an empty volume
    Format(FormatArguments),
    /// List what the newest index of the volume lists
    Ls(TargetArguments),
    /// Copy files from the volume into a folder
    Extract(ExtractArguments),
    /// Look at the whole state of the volume, and write nothing
    Check(TargetArguments),
    /// Bring the volume into the state of a clean close, by appending and nothing else
    Repair(TargetArguments),
    /// Copy files from a volume of which no index can be read
    Carve(CarveArguments),
    /// List the older states that the volume still holds
    Generations(TargetArguments),
    /// Make an older state of the volume the newest again, by appending; nothing is erased
    Rollback(RollbackArguments),
}

#[derive(Debug, Args)]
pub(super) struct FormatArguments {
    #[command(flatten)]
    target: TargetArguments,
    /// Name of the volume for people; the barcode, if not given
    #[arg(long, value_name = "NAME")]
    volume_name: Option<String>,
    /// Lose everything that is on the cartridge: type its barcode, as its label and its memory have it.
    /// Without this only a blank cartridge is formatted
    #[arg(long, value_name = "BARCODE")]
    yes_erase: Option<Barcode>,
}

#[derive(Debug, Args)]
pub(super) struct ExtractArguments {
    #[command(flatten)]
    target: TargetArguments,
    /// The folder they go to; nothing in it is overwritten
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// A file with the groups of the recovery kit, for a volume that its drive has encrypted. Files that
    /// were sealed before they reached a drive come out sealed: `fossilsafe kit verify` opens them
    #[arg(long, value_name = "FILE")]
    kit: Option<PathBuf>,
    /// Paths on the volume; folders with everything in them; without any, everything
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct CarveArguments {
    #[command(flatten)]
    target: TargetArguments,
    /// The folder they go to; nothing in it is overwritten
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// A journal, an index or a manifest of this volume that was kept off the tape, from the data folder
    /// of an appliance; without it the whole tape is read for its manifests
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// A file with the groups of the recovery kit: sealed files are opened with it
    #[arg(long, value_name = "FILE")]
    kit: Option<PathBuf>,
    /// A folder with key files of the pool: .fossilsafe/keys of another tape, or keys/data of the appliance;
    /// without it they are looked for on this tape
    #[arg(long, value_name = "DIR", requires = "kit")]
    keys: Option<PathBuf>,
    /// Paths on the volume; folders with everything in them; without any, everything
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct RollbackArguments {
    #[command(flatten)]
    target: TargetArguments,
    /// The state to go back to, as `fossilsafe ltfs generations` lists it
    #[arg(long, value_name = "GENERATION")]
    to: u64,
    /// Agree, after having seen what it hides: type the cartridge's barcode
    #[arg(long, value_name = "BARCODE")]
    yes_roll_back: Option<Barcode>,
}

pub(super) fn run(command: LtfsCommand, output: &Output) -> Result<Exit, AppError> {
    match command {
        LtfsCommand::Format(arguments) => {
            on_cartridge(&arguments.target, |mut loaded, clock, options| {
                let looking = MountOptions { ends: CheckEnds::WhenInDoubt, ..options.clone() };
                let done = format_cartridge(&arguments, &mut loaded, &looking, clock, output);
                (loaded, done)
            })
        }
        LtfsCommand::Ls(target) => {
            on_volume(&target, CheckEnds::WhenInDoubt, |_, volume| list(volume, output))
        }
        LtfsCommand::Extract(arguments) => {
            on_volume(&arguments.target, CheckEnds::WhenInDoubt, |drive, volume| {
                if let Some(kit) = &arguments.kit {
                    ltfs_keys::open_with(kit, drive, volume)?;
                }
                ltfs_extract::extract(drive, volume, &arguments.to, &arguments.paths, output)
            })
        }
        LtfsCommand::Carve(arguments) => {
            on_cartridge(&arguments.target, |mut loaded, _, options| {
                let task =
                    ltfs_extract::Task { to: &arguments.to, paths: &arguments.paths, output };
                let plan = ltfs_carve::Plan {
                    from: arguments.from.as_deref(),
                    work: &options.spool_dir,
                    kit: arguments.kit.as_deref(),
                    keys: arguments.keys.as_deref(),
                };
                let done = ltfs_carve::carve(&mut loaded.drive, &plan, task);
                (loaded, done)
            })
        }
        LtfsCommand::Generations(target) => {
            on_volume(&target, CheckEnds::WhenInDoubt, |drive, volume| {
                ltfs_rollback::list(drive, volume, output)
            })
        }
        LtfsCommand::Rollback(arguments) => roll_back(&arguments, output),
        LtfsCommand::Check(target) => on_volume(&target, CheckEnds::Always, |drive, volume| {
            ltfs_check::check(drive, volume, output)
        }),
        LtfsCommand::Repair(target) => on_cartridge(&target, |mut loaded, clock, options| {
            match mount_volume(&mut loaded.drive, options) {
                Ok(volume) => loaded.with_drive(|drive| {
                    ltfs_check::repair(drive, &volume, &options.spool_dir, clock, output)
                }),
                Err(error) => (loaded, Err(error)),
            }
        }),
    }
}

fn roll_back(arguments: &RollbackArguments, output: &Output) -> Result<Exit, AppError> {
    on_cartridge(&arguments.target, |mut loaded, clock, options| {
        let typed = arguments.yes_roll_back.as_ref();
        let ready = Consent::of(typed, "--yes-roll-back", &mut loaded)
            .and_then(|consent| Ok((consent, mount_volume(&mut loaded.drive, options)?)));
        match ready {
            Ok((consent, volume)) => loaded.with_drive(|drive| {
                let to = arguments.to;
                ltfs_rollback::back(drive, &volume, to, &consent, options, clock, output)
            }),
            Err(error) => (loaded, Err(error)),
        }
    })
}

fn format_cartridge(
    arguments: &FormatArguments,
    loaded: &mut LoadedDrive,
    looking: &MountOptions,
    clock: &Arc<dyn Clock>,
    output: &Output,
) -> Result<Exit, AppError> {
    const DOING: &str = "cannot format";
    let failed = |error: LtfsError| AppError::offline(DOING, &error, next_step(&error));
    let consent = Consent::of(arguments.yes_erase.as_ref(), "--yes-erase", loaded)?;
    ensure_may_erase(looking, loaded, &consent)?;
    let barcode = consent.barcode;
    let name = arguments.volume_name.clone();
    let name = name.or_else(|| barcode.as_ref().map(ToString::to_string)).unwrap_or_default();
    let name =
        FormatOptions::volume_name(&name).map_err(|error| AppError::Usage(error.to_string()))?;
    let barcode = barcode.or_else(|| arguments.yes_erase.clone());
    let options = FormatOptions::usual(barcode, name, Arc::clone(clock));
    let label = format(&mut loaded.drive, &options).map_err(failed)?;
    if output.is_json {
        output.json(&json!({ "volume": label.uuid, "block_size_bytes": label.block_size }))?;
    } else {
        output.line(&format!("Volume {} is formatted and empty.", label.uuid))?;
    }
    Ok(Exit::Done)
}

/// Only a blank cartridge is formatted without its barcode typed.
fn ensure_may_erase(
    looking: &MountOptions,
    loaded: &mut LoadedDrive,
    consent: &Consent,
) -> Result<(), AppError> {
    if consent.is_given() {
        return Ok(());
    }
    let found = match mount(&mut loaded.drive, looking) {
        Err(LtfsError::NotLtfs(NotLtfs::Blank)) => return Ok(()),
        Ok(volume) => {
            let files = grouped(volume.index.file.counts().files);
            format!("it holds LTFS volume {} with {files} files", volume.label.uuid)
        }
        Err(error) => error.to_string(),
    };
    let typed = consent.example();
    Err(AppError::Offline {
        message: format!("the cartridge is not blank: {found}; nothing was erased"),
        next_step: format!("If all of it may be lost, add --yes-erase {typed}."),
    })
}

fn list(volume: &MountedVolume, output: &Output) -> Result<Exit, AppError> {
    let mut folder = ltfs_extract::Folder::default();
    let mut is_first = true;
    let mut failure = None;
    if output.is_json {
        output.line("[")?;
    }
    let replayed = volume.index.file.replay(&mut |event| {
        let line = match event {
            IndexEvent::EnterDirectory(directory) => {
                let is_root = folder.is_outside();
                folder.enter(directory.name.as_str());
                (!is_root)
                    .then(|| row(output, &folder.path(), "directory", 0, directory.times.modify))
            }
            IndexEvent::File(file) => {
                let kind = if file.symlink.is_some() { "symlink" } else { "file" };
                let path = folder.path_of(file.name.as_str());
                Some(row(output, &path, kind, file.length, file.times.modify))
            }
            IndexEvent::LeaveDirectory(_) => {
                folder.leave();
                None
            }
            IndexEvent::Header(_) | IndexEvent::End(_) => None,
        };
        if let Some(line) = line {
            let comma = if output.is_json && !is_first { "," } else { "" };
            is_first = false;
            // A reader of a pipe that has enough ends the listing.
            if let Err(error) = output.line(&format!("{comma}{line}")) {
                failure = Some(error);
                return Err(TreeError::NoDirectory(String::new()));
            }
        }
        Ok(())
    });
    if let Some(error) = failure {
        return Err(error);
    }
    replayed.map_err(|error| AppError::offline("cannot list the volume", &error, CHECK_NEXT))?;
    if output.is_json {
        output.line("]")?;
    }
    Ok(Exit::Done)
}

fn row(
    output: &Output,
    path: &str,
    kind: &str,
    bytes: u64,
    modified: crate::domain::Timestamp,
) -> String {
    if output.is_json {
        let value =
            json!({ "path": path, "kind": kind, "size_bytes": bytes, "modified": modified });
        return value.to_string();
    }
    let shown = if kind == "file" { size(bytes) } else { kind.to_owned() };
    format!("{shown:>11}  {}  {path}", moment(modified))
}
