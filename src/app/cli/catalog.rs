//! `fossilsafe catalog`: check it, back it up and bring it back, fill it from tapes.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::Context;
use super::audit::{named_key, read};
use super::follow::DetachOption;
use super::output::{Output, Table, list, moment, size};
use super::service::DATA_SYSTEM;
use crate::api::types::{CatalogBackupView, CatalogCheck, Page, Signed};
use crate::app::address::Address;
use crate::app::catalog_restore::{Data, Occupied, Restored, ServiceFolders, restore};
use crate::app::engine::Keeping;
use crate::app::error::{AppError, Exit};
use crate::catalog_backup::SignedBackup;
use crate::domain::{Barcode, Timestamp};
use crate::jobs::spec::{CatalogBackupSpec, RebuildSpec};
use crate::keys::{KeyId, Kit, PinnedKey, PinnedKeys, PublicKey};

const BACKUPS: &str = "/api/catalog/backups";
/// The engine's folder among those of an appliance's services.
const ENGINE_FOLDER: &str = "engine";
/// What is typed to move away what stands in a data folder.
const WORD: &str = "replace";

#[derive(Debug, Subcommand)]
pub(super) enum CatalogCommand {
    /// Read what cartridges say about themselves into the catalog
    Rebuild(RebuildArguments),
    /// Check the catalog's file and its sums
    Check,
    /// Write catalog, users, settings and keys into a folder, sealed for the recovery kits
    Backup(BackupArguments),
    /// List the catalog backups in a folder of the engine's machine
    Backups {
        /// The folder
        folder: PathBuf,
    },
    /// Make an appliance of a catalog backup and a kit, without an engine
    Restore(RestoreArguments),
}

#[derive(Debug, Args)]
pub(super) struct RebuildArguments {
    /// Only these cartridges; without any, every cartridge in the library
    #[arg(value_name = "BARCODE")]
    barcodes: Vec<Barcode>,
    #[command(flatten)]
    wait: DetachOption,
}

#[derive(Debug, Args)]
pub(super) struct BackupArguments {
    #[command(flatten)]
    task: BackupTask,
    #[command(flatten)]
    wait: DetachOption,
}

/// Where a backup goes, also by a schedule.
#[derive(Debug, Args)]
pub(super) struct BackupTask {
    /// A folder that is there: on another disk, or a share that was added with --writable
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// How many backups of this appliance are kept in it
    #[arg(long, value_name = "N", default_value_t = CatalogBackupSpec::default_keep(),
        value_parser = clap::value_parser!(u32).range(1..))]
    keep: u32,
}

#[derive(Debug, Args)]
pub(super) struct RestoreArguments {
    /// The folder of the backup: fossilsafe-HOST-TIME
    backup: PathBuf,
    /// The data folder of the new appliance. Its engine must not run
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where network sources are kept with their passwords; the service that mounts them must not run
    /// [default: the service's own folder for the engine of an appliance, DIR/sources for another]
    #[arg(long, value_name = "DIR")]
    sources: Option<PathBuf>,
    /// Where the gateway keeps its certificate [default: likewise, or DIR/gateway]
    #[arg(long, value_name = "DIR")]
    gateway: Option<PathBuf>,
    /// The key that must have signed the backup, as it stands on the paper of the kit
    #[arg(long, value_name = "ID", required_unless_present = "key", conflicts_with = "key")]
    signing_key: Option<KeyId>,
    /// The same as a public key (PEM) that was kept
    #[arg(long, value_name = "PEM")]
    key: Option<PathBuf>,
    /// A file with the groups of the kit; without it they are typed
    #[arg(long, value_name = "FILE")]
    kit: Option<PathBuf>,
}

impl BackupTask {
    pub(super) fn spec(self) -> Result<CatalogBackupSpec, AppError> {
        let what = format!("cannot use {}", self.to.display());
        let folder =
            std::path::absolute(&self.to).map_err(|source| AppError::Io { what, source })?;
        Ok(CatalogBackupSpec { folder, keep: self.keep })
    }
}

impl RestoreArguments {
    /// The folders of the other services: on an appliance each has one beside the engine's.
    fn folders(&self) -> ServiceFolders {
        let is_appliance = self.data == Path::new(DATA_SYSTEM).join(ENGINE_FOLDER);
        let base = if is_appliance { Path::new(DATA_SYSTEM) } else { self.data.as_path() };
        let of = |named: &Option<PathBuf>, keeping: Keeping| {
            named.clone().unwrap_or_else(|| base.join(keeping.folder()))
        };
        ServiceFolders {
            sources: of(&self.sources, Keeping::Sources),
            gateway: of(&self.gateway, Keeping::Gateway),
        }
    }
}

/// Whether the command needs no engine.
pub(super) fn is_offline(command: &CatalogCommand) -> bool {
    matches!(command, CatalogCommand::Restore(_))
}

/// A command that needs no engine.
pub(super) fn run_offline(command: &CatalogCommand, output: &Output) -> Result<Exit, AppError> {
    match command {
        CatalogCommand::Restore(arguments) => bring_back(arguments, output),
        _ => Err(AppError::Usage("this needs an engine".to_owned())),
    }
}

pub(super) fn run(command: CatalogCommand, context: &Context) -> Result<Exit, AppError> {
    match command {
        CatalogCommand::Rebuild(arguments) => {
            let spec = RebuildSpec { barcodes: arguments.barcodes };
            let job = context.client.post("/api/catalog/rebuild", &spec)?;
            arguments.wait.apply(&job, context)
        }
        CatalogCommand::Check => check(context),
        CatalogCommand::Backup(BackupArguments { task, wait }) => {
            let job = context.client.post(BACKUPS, &task.spec()?)?;
            wait.apply(&job, context)
        }
        CatalogCommand::Backups { folder } => backups(&folder, context),
        CatalogCommand::Restore(arguments) => bring_back(&arguments, &context.output),
    }
}

fn check(context: &Context) -> Result<Exit, AppError> {
    let found: CatalogCheck = context.client.get("/api/catalog/check")?;
    if context.output.is_json {
        context.output.json(&found)?;
    } else {
        context.output.line(&found.sentence)?;
        for problem in &found.problems {
            context.output.line(&format!("  {problem}"))?;
        }
    }
    Ok(if found.is_sound { Exit::Done } else { Exit::Failed })
}

fn backups(folder: &Path, context: &Context) -> Result<Exit, AppError> {
    let what = || format!("cannot use {}", folder.display());
    let folder =
        std::path::absolute(folder).map_err(|source| AppError::Io { what: what(), source })?;
    let address = Address::new(BACKUPS).query_if("folder", Some(&folder.display()));
    let found: Page<CatalogBackupView> = context.client.get(address.as_str())?;
    if context.output.is_json {
        context.output.json(&found)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["MADE", "MACHINE", "SIZE", "KITS", "SIGNED BY", "PATH"]);
    for backup in &found.items {
        let whose = match backup.signed {
            Signed::Own => "this appliance",
            Signed::Trusted => "a trusted one",
            Signed::Foreign => "nobody known",
            Signed::Bad => "WRONG: it was changed",
        };
        table.row(vec![
            moment(backup.made),
            backup.host.clone(),
            size(backup.sealed_bytes.0),
            list(&backup.kits),
            format!("{} ({whose})", backup.signed_by),
            backup.path.clone(),
        ]);
    }
    context.output.table(&table, "There is no catalog backup in this folder.")?;
    Ok(Exit::Done)
}

fn bring_back(arguments: &RestoreArguments, output: &Output) -> Result<Exit, AppError> {
    let failed = |error: crate::catalog_backup::CatalogBackupError| {
        AppError::offline("the backup cannot be restored", &error, error.next_step())
    };
    let backup = &arguments.backup;
    let trusted = match (&arguments.key, arguments.signing_key) {
        (Some(pem), _) => named_key(pem)?,
        (None, Some(id)) => key_of(backup, id)?,
        (None, None) => PinnedKeys::default(),
    };
    let signed = SignedBackup::read(backup, &trusted).map_err(failed)?;
    let data = Data::examine(&arguments.data)?;
    let kit = match &arguments.kit {
        Some(path) => String::from_utf8_lossy(&read(path)?).into_owned(),
        None => output.ask("The kit, all 14 groups in one line: ")?,
    };
    let kit: Kit = kit.trim().parse().map_err(|error| {
        AppError::offline("this is no recovery kit", &error, "Compare it with the paper.")
    })?;
    let opened = signed.open(&kit).map_err(failed)?;
    let occupied = match data.is_empty() {
        true => Occupied::Refuse,
        false => {
            let names = list(data.entries());
            let typed = output.ask(&format!(
                "{} holds {names}. Type \"{WORD}\" to move that aside: ",
                arguments.data.display()
            ))?;
            if typed == WORD { Occupied::MoveAside } else { Occupied::Refuse }
        }
    };
    let restored = restore(opened, &data, &arguments.folders(), occupied)?;
    output.report(&restored, &sentence(&restored, &arguments.data))
}

/// The key beside the signature, if it is the one that was named.
fn key_of(backup: &Path, id: KeyId) -> Result<PinnedKeys, AppError> {
    let mut trusted = PinnedKeys::default();
    let pem = SignedBackup::claimed_key(backup).map_err(|error| {
        AppError::offline("the backup cannot be restored", &error, error.next_step())
    })?;
    if let Ok(public_key) = PublicKey::from_pem(&pem)
        && public_key.id() == id
    {
        let label = "named on the command line".to_owned();
        trusted.pin(PinnedKey { public_key, label, since: Timestamp::default() });
    }
    Ok(trusted)
}

fn sentence(restored: &Restored, data: &Path) -> String {
    let Restored { host, made, files, jobs_ended, moved_to, beside } = restored;
    let mut text = format!(
        "{} is the appliance \"{host}\" as it was {}: {files} files.",
        data.display(),
        moment(*made)
    );
    if let Some(moved) = moved_to {
        text.push_str(&format!("\nWhat was there before is in {}.", moved.display()));
    }
    if !beside.is_empty() {
        let placed: Vec<_> = beside.iter().map(|path| path.display().to_string()).collect();
        text.push_str(&format!(
            "\nFor the services beside the engine: {}. Restart them.",
            list(&placed)
        ));
    }
    if *jobs_ended > 0 {
        text.push_str(&format!("\n{jobs_ended} jobs that had not ended then are cancelled."));
    }
    text.push_str(
        "\nEverybody has to sign in again. Start the engine, then run `fossilsafe catalog rebuild`: it reads what \
         was written to tapes since.",
    );
    text
}
