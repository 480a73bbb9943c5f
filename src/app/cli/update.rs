//! `fossilsafe update`: what runs, what is published, install, go back; and the service behind the engine.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::output::{Output, Table};
use super::{service, update_boot};
use crate::api::types::{HealthStatus, HealthView};
use crate::app::client::Client;
use crate::app::door::{Door, SOCKET_SYSTEM};
use crate::app::error::{AppError, Exit};
use crate::app::logging;
use crate::app::serve::{self, UpdateStart};
use crate::domain::SystemClock;
use crate::system::updates::{
    ChannelSettings, InstallOptions, PastUpdate, SlotCondition, SlotState, UpdateOutcome, Updater,
    UpdatesError, UpdatesState,
};
use crate::system::{SystemError, Version};

/// Where the boot state and the image's own files are.
pub(super) const ROOT: &str = "/";
/// Everything that is kept.
pub(super) const DATA: &str = "/var/lib/fossilsafe";
/// The service's own folder: the bundle at hand, the channel.
const FOLDER: &str = "/var/lib/fossilsafe/update";
/// Where the service answers the engine.
pub(super) const UPDATE_SOCKET: &str = "/run/fossilsafe-update/update.sock";

#[derive(Debug, Subcommand)]
pub(super) enum UpdateCommand {
    /// Show slots, versions, and what became of updates
    Status,
    /// Check a bundle and write it to the slot that does not run; the next start uses it
    Install(InstallArguments),
    /// Ask the channel whether something newer is published
    Check,
    /// Say where newer versions are looked for
    SetChannel(ChannelArguments),
    /// Look for newer versions nowhere
    RemoveChannel,
    /// Make the other slot the next to start
    Rollback,
    /// Do what the engine asks for: it may touch no slot itself
    #[command(hide = true)]
    Serve(ServeArguments),
    /// Before the engine: keep the databases for the version before, or bring them back
    #[command(hide = true)]
    Prepare,
    /// After the engine: say that this boot is good, or why not
    #[command(hide = true)]
    Confirm,
}

#[derive(Debug, Args)]
pub(super) struct InstallArguments {
    /// The bundle's file; without it, the one that was uploaded, or the one that the channel has published
    #[arg(value_name = "BUNDLE")]
    bundle: Option<PathBuf>,
    /// Also if it is not newer than what runs
    #[arg(long)]
    allow_older: bool,
    /// Also while a job has not ended; jobs go on from a safe point after the restart
    #[arg(long)]
    during_jobs: bool,
}

#[derive(Debug, Args)]
pub(super) struct ChannelArguments {
    /// The address of the channel file; the bundles that it names stand beside it
    #[arg(value_name = "URL")]
    address: String,
    /// The name of the channel
    #[arg(long, value_name = "NAME", default_value = "stable")]
    channel: String,
    /// The public key (Ed25519, PEM) that must have signed it
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Certificates (PEM) that vouch for the address, besides those of the public authorities
    #[arg(long, value_name = "FILE")]
    authorities: Option<PathBuf>,
    /// Install what is newer by itself, in a maintenance window in which no job is at work
    #[arg(long)]
    automatic: bool,
}

#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    /// The Unix socket on which the engine is answered
    #[arg(long, value_name = "PATH", default_value = UPDATE_SOCKET)]
    socket: PathBuf,
    /// Folder of the bundle at hand and of what is known of the channel
    #[arg(long, value_name = "DIR", default_value = FOLDER)]
    data: PathBuf,
    /// Where the engine leaves a bundle that was uploaded
    #[arg(long, value_name = "FILE")]
    inbox: PathBuf,
}

pub(super) fn run(command: UpdateCommand, output: &Output) -> Result<Exit, AppError> {
    match command {
        UpdateCommand::Status => status(output),
        UpdateCommand::Install(arguments) => install(&arguments, output),
        UpdateCommand::Check => check(output),
        UpdateCommand::SetChannel(arguments) => set_channel(&arguments, output),
        UpdateCommand::RemoveChannel => {
            updater().set_channel(None).map_err(refused)?;
            output.line("Newer versions are looked for nowhere.")?;
            Ok(Exit::Done)
        }
        UpdateCommand::Rollback => rollback(output),
        UpdateCommand::Serve(arguments) => run_service(&arguments),
        UpdateCommand::Prepare => update_boot::prepare(output),
        UpdateCommand::Confirm => update_boot::confirm(output),
    }
}

/// Slots and history, as text or JSON.
fn status(output: &Output) -> Result<Exit, AppError> {
    let state = updater().state().map_err(refused)?;
    if output.is_json {
        output.json(&state)?;
        return Ok(Exit::Done);
    }
    let slot = state.slot.map(|slot| slot.to_string()).unwrap_or_default();
    output.line(&format!("Version {} runs from slot {slot}.", state.version))?;
    for other in state.slots.iter().filter(|slot| !slot.is_booted) {
        output.line(&slot_sentence(other))?;
    }
    if let Some(bundle) = &state.bundle {
        output.line(&format!("A bundle of {} is at hand.", bundle.version))?;
    }
    channel_sentence(&state).map_or(Ok(()), |sentence| output.line(&sentence))?;
    let mut table = Table::new(&["WHEN", "VERSION", "BEFORE", "HOW IT ENDED"]);
    for past in &state.history {
        let cells = [past.at.to_string(), past.version.to_string(), past.before.to_string()];
        table.row(cells.into_iter().chain([ending(past)]).collect());
    }
    output.table(&table, "No update has been installed.")?;
    Ok(Exit::Done)
}

fn slot_sentence(slot: &SlotState) -> String {
    let unknown = || "something unknown".to_owned();
    let version = slot.version.as_ref().map_or_else(unknown, ToString::to_string);
    let name = slot.name;
    let next = if slot.is_next { " It starts next." } else { "" };
    match slot.condition {
        SlotCondition::Good => format!("{version} is in slot {name}.{next}"),
        SlotCondition::OnTrial => {
            format!("{version} is installed in slot {name} and not confirmed yet.{next}")
        }
        SlotCondition::BeingWritten => format!("{version} is being written to slot {name}."),
        SlotCondition::Bad => format!("Slot {name} cannot be started.{next}"),
    }
}

fn channel_sentence(state: &UpdatesState) -> Option<String> {
    let channel = state.channel.as_ref()?;
    let at = &channel.address;
    Some(match (&channel.problem, &channel.published) {
        (Some(problem), _) => format!("The channel at {at} cannot be used: {problem}."),
        (None, Some(published)) => format!("{} is published at {at}.", published.version),
        (None, None) => format!("Newer versions are looked for at {at}; it was not asked yet."),
    })
}

fn ending(past: &PastUpdate) -> String {
    let reason = past.reason.as_deref().unwrap_or_default();
    match past.outcome {
        UpdateOutcome::Good => "good".to_owned(),
        UpdateOutcome::WentBack => format!("went back: {reason}"),
        UpdateOutcome::Interrupted => format!("not installed: {reason}"),
        UpdateOutcome::RolledBack => "a person went back".to_owned(),
    }
}

fn install(arguments: &InstallArguments, output: &Output) -> Result<Exit, AppError> {
    let health = engine_health()?;
    if !arguments.during_jobs {
        ensure_idle(health.as_ref())?;
    }
    let options = InstallOptions {
        is_older_allowed: arguments.allow_older,
        was_sound: health.is_some_and(|health| health.status != HealthStatus::Failed),
    };
    let updater = updater();
    let installed = match &arguments.bundle {
        Some(bundle) => updater.install_from(bundle, options),
        None => updater.ensure_installable(options).and_then(|()| updater.install(options)),
    };
    let version: Version = installed.map_err(refused)?;
    output.line(&format!("{version} is in the other slot. Restart to use it: systemctl reboot"))?;
    Ok(Exit::Done)
}

/// What the engine says of itself; nothing if it does not run.
pub(super) fn engine_health() -> Result<Option<HealthView>, AppError> {
    let client = Client::new(Door::Socket(PathBuf::from(SOCKET_SYSTEM)))?;
    match client.get_any_status::<HealthView>("/api/healthz") {
        Ok(health) => Ok(Some(health)),
        // An engine that does not run writes nothing; an update may be what repairs it.
        Err(AppError::Unreachable { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn ensure_idle(health: Option<&HealthView>) -> Result<(), AppError> {
    match health.map_or(0, |health| health.jobs_active) {
        0 => Ok(()),
        active => Err(AppError::Offline {
            message: format!("{active} jobs have not ended"),
            next_step: "Wait for them, or use --during-jobs.".to_owned(),
        }),
    }
}

fn check(output: &Output) -> Result<Exit, AppError> {
    let state = updater().check().map_err(refused)?;
    if output.is_json {
        output.json(&state.channel)?;
    } else {
        channel_sentence(&state).map_or(Ok(()), |sentence| output.line(&sentence))?;
    }
    Ok(Exit::Done)
}

fn set_channel(arguments: &ChannelArguments, output: &Output) -> Result<Exit, AppError> {
    let read = |path: &Path| {
        let what = || format!("cannot read {}", path.display());
        fs::read_to_string(path).map_err(|source| AppError::Io { what: what(), source })
    };
    let settings = ChannelSettings {
        address: arguments.address.clone(),
        name: arguments.channel.clone(),
        key_pem: read(&arguments.key)?,
        is_automatic: arguments.automatic,
        ca_pem: arguments.authorities.as_deref().map(read).transpose()?,
    };
    updater().set_channel(Some(settings)).map_err(refused)?;
    output.line(&format!("Newer versions are looked for at {}.", arguments.address))?;
    Ok(Exit::Done)
}

/// Makes the other slot the next to start.
fn rollback(output: &Output) -> Result<Exit, AppError> {
    updater().roll_back().map_err(refused)?;
    output.line("The other slot is the next. Restart to use it: systemctl reboot")?;
    Ok(Exit::Done)
}

fn run_service(arguments: &ServeArguments) -> Result<Exit, AppError> {
    logging::start("info")?;
    let ServeArguments { socket, data, inbox } = arguments;
    let updater = Arc::new(Updater::new(Path::new(ROOT), data, Arc::new(SystemClock::new())));
    let start = UpdateStart { updater, inbox: inbox.clone() };
    service::runtime()?.block_on(serve::updates(start, socket))?;
    Ok(Exit::Done)
}

/// Of this machine.
fn updater() -> Updater {
    Updater::new(Path::new(ROOT), Path::new(FOLDER), Arc::new(SystemClock::new()))
}

fn refused(error: UpdatesError) -> AppError {
    let next_step = error.next_step().to_owned();
    AppError::Offline { message: AppError::chain_of(&error), next_step }
}

/// An error of the machine, as one of a command.
pub(super) fn offline(error: SystemError) -> AppError {
    let next_step = error.next_step().to_owned();
    AppError::Offline { message: AppError::chain_of(&error), next_step }
}
