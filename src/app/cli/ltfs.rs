//! `fossilsafe ltfs`: LTFS volumes without an engine, on a drive or in a virtual library.
//!
//! Nothing here reads the catalog: what is shown is what the tape says. Extracted are files as any
//! LTFS software shows them; what `fossilsafe restore` adds (owners, joined parts, decompression,
//! hashes) stands in the manifests on the volume.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{ArgGroup, Args, Subcommand};
use serde_json::json;

use super::output::{Output, grouped, moment, size};
use super::{ltfs_check, ltfs_extract, vtl};
use crate::app::error::{AppError, Exit};
use crate::app::offline::{LoadedDrive, Target};
use crate::domain::{Barcode, Clock, SystemClock};
use crate::drive::Drive;
use crate::ltfs::error::{LtfsError, NotLtfs};
use crate::ltfs::format::{FormatOptions, format};
use crate::ltfs::index::IndexEvent;
use crate::ltfs::merge::TreeError;
use crate::ltfs::mount::{CheckEnds, MountOptions, MountedVolume, mount};

const REPAIR_NEXT: &str = "Look at it with `fossilsafe ltfs check`.";

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
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("place").required(true).args(["device", "cartridge"])))]
pub(super) struct TargetArguments {
    /// The cartridge in this drive, as /dev/sg3
    #[arg(long, value_name = "NODE")]
    device: Option<PathBuf>,
    /// This cartridge of a virtual library; its engine must not run
    #[arg(long, value_name = "BARCODE")]
    cartridge: Option<Barcode>,
    /// Folder of the virtual library [default: $FOSSILSAFE_LIBRARY, or the practice library]
    #[arg(long, value_name = "DIR", conflicts_with = "device")]
    library: Option<PathBuf>,
    /// Folder for indexes while they are read
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    work: PathBuf,
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
    /// Paths on the volume; folders with everything in them; without any, everything
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
}

pub(super) fn run(command: LtfsCommand, output: &Output) -> Result<Exit, AppError> {
    match command {
        LtfsCommand::Format(arguments) => {
            on_cartridge(&arguments.target, |mut loaded, clock, _| {
                let done = format_cartridge(&arguments, &mut loaded, clock, output);
                (loaded, done)
            })
        }
        LtfsCommand::Ls(target) => {
            on_volume(&target, CheckEnds::WhenInDoubt, |_, volume| list(volume, output))
        }
        LtfsCommand::Extract(arguments) => {
            on_volume(&arguments.target, CheckEnds::WhenInDoubt, |drive, volume| {
                ltfs_extract::extract(drive, volume, &arguments.to, &arguments.paths, output)
            })
        }
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

/// Does something with a loaded cartridge and puts it back, also when that failed.
fn on_cartridge(
    arguments: &TargetArguments,
    work: impl FnOnce(
        LoadedDrive,
        &Arc<dyn Clock>,
        &MountOptions,
    ) -> (LoadedDrive, Result<Exit, AppError>),
) -> Result<Exit, AppError> {
    let target = match (&arguments.device, &arguments.cartridge) {
        (Some(node), _) => Target::Device(node.clone()),
        (None, Some(barcode)) => {
            let library = vtl::folder_of(arguments.library.clone())?;
            Target::Virtual { library, barcode: barcode.clone() }
        }
        (None, None) => return Err(AppError::Usage("name a drive or a cartridge".to_owned())),
    };
    // A folder of its own, so that two commands never share an index file.
    let spool_dir = arguments.work.join(format!("fossilsafe-{}", uuid::Uuid::new_v4()));
    let what = || format!("cannot make {}", spool_dir.display());
    std::fs::create_dir_all(&spool_dir).map_err(|source| AppError::Io { what: what(), source })?;
    let options =
        MountOptions { spool_dir: spool_dir.clone(), known: None, ends: CheckEnds::Always };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let done = LoadedDrive::open(&target, &clock).and_then(|loaded| {
        let (loaded, done) = work(loaded, &clock, &options);
        let back = loaded.put_back();
        let exit = done?;
        back.map(|()| exit)
    });
    // What remains is in a folder for temporary files.
    let _ = std::fs::remove_dir_all(&spool_dir);
    done
}

/// Does something with a mounted volume.
fn on_volume(
    arguments: &TargetArguments,
    ends: CheckEnds,
    work: impl FnOnce(&mut Drive, &MountedVolume) -> Result<Exit, AppError>,
) -> Result<Exit, AppError> {
    on_cartridge(arguments, |mut loaded, _, options| {
        let options = MountOptions { ends, ..options.clone() };
        let volume = mount_volume(&mut loaded.drive, &options);
        let done = volume.and_then(|volume| work(&mut loaded.drive, &volume));
        (loaded, done)
    })
}

fn mount_volume(drive: &mut Drive, options: &MountOptions) -> Result<MountedVolume, AppError> {
    mount(drive, options)
        .map_err(|error| AppError::offline("cannot mount", &error, next_step(&error)))
}

pub(super) fn next_step(error: &LtfsError) -> &'static str {
    match error {
        LtfsError::NotLtfs(_) => {
            "If nothing on it is needed, format it with `fossilsafe ltfs format`."
        }
        LtfsError::Locked { .. } | LtfsError::WriteProtected(_) => {
            "Take the protection away if the volume may be written."
        }
        LtfsError::NotRepairable(_) => {
            "It can still be read: copy its files with `fossilsafe ltfs extract`."
        }
        LtfsError::NoCartridge => "Put a cartridge into the drive.",
        _ => "Clean the drive or try another one before the cartridge is given up.",
    }
}

fn format_cartridge(
    arguments: &FormatArguments,
    loaded: &mut LoadedDrive,
    clock: &Arc<dyn Clock>,
    output: &Output,
) -> Result<Exit, AppError> {
    const DOING: &str = "cannot format";
    let failed = |error: LtfsError| AppError::offline(DOING, &error, next_step(&error));
    let medium = loaded.drive.medium();
    let medium = medium.map_err(|error| AppError::offline(DOING, &error, REPAIR_NEXT))?;
    let stored = medium.and_then(|medium| medium.barcode);
    let barcode = loaded.barcode.clone().or_else(|| stored.clone());
    ensure_may_erase(arguments, loaded, barcode.as_ref())?;
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
    arguments: &FormatArguments,
    loaded: &mut LoadedDrive,
    barcode: Option<&Barcode>,
) -> Result<(), AppError> {
    match (&arguments.yes_erase, barcode) {
        // A cartridge that nobody gave a barcode takes the one that is typed.
        (Some(_), None) => return Ok(()),
        (Some(typed), Some(barcode)) if typed.is_same_label(barcode) => return Ok(()),
        (Some(typed), Some(barcode)) => {
            let why = format!("--yes-erase {typed} does not name cartridge {barcode}");
            return Err(AppError::Usage(format!("{why}: nothing was erased")));
        }
        (None, _) => {}
    }
    let options = MountOptions {
        spool_dir: arguments.target.work.clone(),
        known: None,
        ends: CheckEnds::WhenInDoubt,
    };
    let found = match mount(&mut loaded.drive, &options) {
        Err(LtfsError::NotLtfs(NotLtfs::Blank)) => return Ok(()),
        Ok(volume) => {
            let files = grouped(volume.index.file.counts().files);
            format!("it holds LTFS volume {} with {files} files", volume.label.uuid)
        }
        Err(error) => error.to_string(),
    };
    let typed = barcode.map_or_else(|| "BARCODE".to_owned(), ToString::to_string);
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
    replayed.map_err(|error| AppError::offline("cannot list the volume", &error, REPAIR_NEXT))?;
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
