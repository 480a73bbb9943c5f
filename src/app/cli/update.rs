//! `fossilsafe update`: what runs, what is published, install, go back; and the two steps of a boot.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::DecodePublicKey as _;

use super::output::{Output, Table};
use crate::api::types::{HealthStatus, HealthView};
use crate::app::client::Client;
use crate::app::door::{Door, SOCKET_SYSTEM};
use crate::app::error::{AppError, Exit};
use crate::domain::{Clock, SystemClock};
use crate::system::channel::{self, Seen};
use crate::system::snapshot::{Prepared, Snapshots};
use crate::system::{
    Boot, Confirmation, History, Pending, Rauc, Stage, SystemError, Verdict, Version,
};

/// Where the boot state and the image's own files are.
const ROOT: &str = "/";
const DATA: &str = "/var/lib/fossilsafe";
const COMPATIBLE: &str = "fossilsafe-x86_64";
/// Longer than the engine's unit gives it to open a large catalog.
const SELF_TEST_TIME: Duration = Duration::from_secs(35 * 60);
/// How long an engine that answers may find something wrong: libraries take minutes to switch on.
const SOUND_TIME: Duration = Duration::from_secs(10 * 60);
const SELF_TEST_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Subcommand)]
pub(super) enum UpdateCommand {
    /// Show slots, versions, and what became of updates
    Status,
    /// Check a bundle and write it to the slot that does not run; the next start uses it
    Install(InstallArguments),
    /// Check a signed channel file and say whether it has something newer
    Check(CheckArguments),
    /// Make the other slot the next to start
    Rollback,
    /// Before the engine: keep the databases for the version before, or bring them back
    #[command(hide = true)]
    Prepare,
    /// After the engine: say that this boot is good, or why not
    #[command(hide = true)]
    Confirm,
}

#[derive(Debug, Args)]
pub(super) struct InstallArguments {
    /// The bundle: a file, or an address
    #[arg(value_name = "BUNDLE")]
    bundle: String,
    /// Also if it is not newer than what runs
    #[arg(long)]
    allow_older: bool,
    /// Also while a job has not ended; jobs go on from a safe point after the restart
    #[arg(long)]
    during_jobs: bool,
}

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// The channel file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Which channel it must be
    #[arg(long, value_name = "NAME", default_value = "stable")]
    channel: String,
    /// The public key (PEM) that must have signed it
    #[arg(long, value_name = "FILE", default_value = "/etc/fossilsafe/channel.pub")]
    key: PathBuf,
    /// Where it is kept what has been seen
    #[arg(long, value_name = "FILE", default_value = "/var/lib/fossilsafe/update/channel.json")]
    seen: PathBuf,
}

pub(super) fn run(command: UpdateCommand, output: &Output) -> Result<Exit, AppError> {
    match command {
        UpdateCommand::Status => status(output),
        UpdateCommand::Install(arguments) => install(&arguments, output),
        UpdateCommand::Check(arguments) => check(&arguments, output),
        UpdateCommand::Rollback => rollback(output),
        UpdateCommand::Prepare => prepare(output),
        UpdateCommand::Confirm => confirm(output),
    }
}

/// Slots and history, as text or JSON.
pub(super) fn status(output: &Output) -> Result<Exit, AppError> {
    let root = Path::new(ROOT);
    let boot = Boot::read(root).map_err(offline)?;
    let history = History::read(root).map_err(offline)?;
    if output.is_json {
        let document = serde_json::json!({
            "slot": boot.slot, "version": boot.version, "tries": boot.tries(boot.slot),
            "pending": history.pending, "history": history.records,
        });
        output.json(&document)?;
        return Ok(Exit::Done);
    }
    output.line(&format!("Version {} runs from slot {}.", boot.version, boot.slot))?;
    match &history.pending {
        Some(Pending { slot, version, stage: Stage::Installed, .. }) => {
            output
                .line(&format!("{version} is installed in slot {slot} and not confirmed yet."))?;
        }
        Some(Pending { slot, version, stage: Stage::Installing, .. }) => {
            output.line(&format!("{version} is being written to slot {slot}."))?;
        }
        None => {}
    }
    let mut table = Table::new(&["WHEN", "VERSION", "BEFORE", "HOW IT ENDED"]);
    for record in history.records.iter().rev() {
        let ended = match &record.verdict {
            Verdict::Good => "good".to_owned(),
            Verdict::WentBack(why) => format!("went back: {why}"),
            Verdict::Interrupted => "not installed: the machine was restarted meanwhile".to_owned(),
        };
        let cells = [&record.at, &record.version.to_string(), &record.before.to_string(), &ended];
        table.row(cells.map(String::clone).to_vec());
    }
    output.table(&table, "No update has been installed.")?;
    Ok(Exit::Done)
}

fn install(arguments: &InstallArguments, output: &Output) -> Result<Exit, AppError> {
    let root = Path::new(ROOT);
    let boot = Boot::read(root).map_err(offline)?;
    let mut history = History::read(root).map_err(offline)?;
    let bundle = Rauc.inspect(&arguments.bundle).map_err(offline)?;
    ensure_wanted(&bundle.compatible, &bundle.version, &boot.version, arguments.allow_older)?;
    let health = health()?;
    if !arguments.during_jobs {
        ensure_idle(health.as_ref())?;
    }
    // Written first: if power fails after the slot was switched, the next boot knows that it is on trial.
    let (slot, version) = (boot.slot.other(), bundle.version);
    let was_sound = health.is_some_and(|health| health.status != HealthStatus::Failed);
    let stage = Stage::Installing;
    let mut pending = Pending {
        slot,
        version: version.clone(),
        before: boot.version,
        stage,
        was_sound,
        reason: None,
    };
    history.pending = Some(pending.clone());
    history.write(root).map_err(offline)?;
    if let Err(error) = Rauc.install(&arguments.bundle) {
        history.pending = None;
        history.write(root).map_err(offline)?;
        return Err(offline(error));
    }
    pending.stage = Stage::Installed;
    history.pending = Some(pending);
    history.write(root).map_err(offline)?;
    output.line(&format!("{version} is in slot {slot}. Restart to use it: systemctl reboot"))?;
    Ok(Exit::Done)
}

/// A bundle for this kind of machine that is newer than what runs.
fn ensure_wanted(
    compatible: &str,
    offered: &Version,
    running: &Version,
    allow_older: bool,
) -> Result<(), AppError> {
    let refuse = |message: String, next_step: &str| {
        Err(AppError::Offline { message, next_step: next_step.to_owned() })
    };
    if compatible != COMPATIBLE {
        let message = format!("the bundle is for {compatible}, this machine is {COMPATIBLE}");
        return refuse(message, "Fetch the bundle for this kind of machine.");
    }
    if offered <= running && !allow_older {
        let message = format!("the bundle brings {offered}, and {running} runs");
        return refuse(message, "To go back on purpose, use --allow-older.");
    }
    Ok(())
}

/// What the engine says of itself; nothing if it does not run.
fn health() -> Result<Option<HealthView>, AppError> {
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

fn check(arguments: &CheckArguments, output: &Output) -> Result<Exit, AppError> {
    let read = |path: &Path| {
        let what = || format!("cannot read {}", path.display());
        fs::read(path).map_err(|source| AppError::Io { what: what(), source })
    };
    let pem = String::from_utf8_lossy(&read(&arguments.key)?).into_owned();
    let key = VerifyingKey::from_public_key_pem(&pem).map_err(|error| AppError::Offline {
        message: format!("{} is no Ed25519 key: {error}", arguments.key.display()),
        next_step: "Name the public key of the channel, in PEM.".to_owned(),
    })?;
    let seen = match fs::read(&arguments.seen) {
        Ok(text) => serde_json::from_slice(&text).map_err(std::io::Error::from)?,
        Err(_) => Seen::default(),
    };
    let file = read(&arguments.file)?;
    let now = SystemClock::new().now();
    let (found, seen) =
        channel::check(&file, &key, &arguments.channel, seen, now).map_err(|error| {
            AppError::Offline {
                message: error.to_string(),
                next_step: "Fetch the channel file again from where it is published.".to_owned(),
            }
        })?;
    let text = serde_json::to_vec(&seen).map_err(std::io::Error::from)?;
    let new = arguments.seen.with_extension("new");
    let kept = fs::write(&new, text).and_then(|()| fs::rename(&new, &arguments.seen));
    let what = || format!("cannot write {}", arguments.seen.display());
    kept.map_err(|source| AppError::Io { what: what(), source })?;
    if output.is_json {
        output.json(&found)?;
    } else {
        output.line(&format!("{} is published: {}", found.version, found.bundle))?;
    }
    Ok(Exit::Done)
}

/// Makes the other slot the next to start.
pub(super) fn rollback(output: &Output) -> Result<Exit, AppError> {
    Boot::read(Path::new(ROOT)).map_err(offline)?;
    Rauc.go_to_other().map_err(offline)?;
    output.line("The other slot is the next. Restart to use it: systemctl reboot")?;
    Ok(Exit::Done)
}

fn prepare(output: &Output) -> Result<Exit, AppError> {
    let root = Path::new(ROOT);
    let boot = Boot::read(root).map_err(offline)?;
    // A history that cannot be read is told of by `confirm`, and keeps no engine from starting.
    let history = History::read(root).unwrap_or_default();
    let went_back = matches!(history.judge(&boot), Confirmation::WentBack(_));
    let snapshots = Snapshots::new(Path::new(DATA));
    match snapshots.prepare(&boot.version, went_back).map_err(offline)? {
        Prepared::Same => output.line("The version is the same as before.")?,
        Prepared::Kept(version) => output.line(&format!("Kept the databases of {version}."))?,
        Prepared::Restored => output.line("The databases are as this version left them.")?,
    }
    Ok(Exit::Done)
}

fn confirm(output: &Output) -> Result<Exit, AppError> {
    let root = Path::new(ROOT);
    let boot = Boot::read(root).map_err(offline)?;
    let mut history = History::read(root).map_err(offline)?;
    match history.judge(&boot) {
        Confirmation::Known | Confirmation::NotStarted => {
            Rauc.mark_good().map_err(offline)?;
            output.line(&format!("Slot {} is good.", boot.slot))?;
        }
        Confirmation::WentBack(why) => {
            output.line(&format!("The update failed: {why}"))?;
            history.decide(now_text(), Verdict::WentBack(why));
            history.write(root).map_err(offline)?;
            Rauc.stay().map_err(offline)?;
            Rauc.mark_good().map_err(offline)?;
        }
        Confirmation::Interrupted => {
            history.decide(now_text(), Verdict::Interrupted);
            history.write(root).map_err(offline)?;
            Rauc.stay().map_err(offline)?;
            Rauc.mark_good().map_err(offline)?;
            output.line("The update was not written whole. This version goes on.")?;
        }
        Confirmation::OnTrial => {
            let was_sound = history.pending.as_ref().is_some_and(|pending| pending.was_sound);
            if let Err(why) = self_test(was_sound) {
                return restart_on_trial(&boot, history, why);
            }
            Rauc.mark_good().map_err(offline)?;
            history.decide(now_text(), Verdict::Good);
            history.write(root).map_err(offline)?;
            output.line(&format!("{} works.", boot.version))?;
        }
    }
    Ok(Exit::Done)
}

/// Keeps the reason and restarts: the boot loader counts the try, and goes back after the third. Only a
/// version on trial comes here, so a machine never restarts again and again for a library that is away.
fn restart_on_trial(boot: &Boot, mut history: History, why: String) -> Result<Exit, AppError> {
    let message = format!("{} does not work: {why}", boot.version);
    if let Some(pending) = &mut history.pending {
        pending.reason = Some(why);
    }
    history.write(Path::new(ROOT)).map_err(offline)?;
    let what = || "cannot restart the machine".to_owned();
    let restart = std::process::Command::new("systemctl").args(["--no-block", "reboot"]).status();
    restart.map_err(|source| AppError::Io { what: what(), source })?;
    let next_step = "The machine restarts; after three tries it goes back.".to_owned();
    Err(AppError::Offline { message, next_step })
}

/// Waits until the engine answers; the reason if it does not, or if it is not as sound as it was.
fn self_test(was_sound: bool) -> Result<(), String> {
    let clock = SystemClock::new();
    let client = Client::new(Door::Socket(PathBuf::from(SOCKET_SYSTEM)));
    let client = client.map_err(|error| error.chain())?;
    loop {
        let health = client.get_any_status::<HealthView>("/api/healthz");
        match health {
            // A library that is switched on with the machine is found a little later.
            Ok(HealthView { status: HealthStatus::Failed, sentence, .. }) if was_sound => {
                if clock.elapsed() > SOUND_TIME {
                    return Err(sentence);
                }
            }
            Ok(_) => return Ok(()),
            Err(AppError::Unreachable { .. }) if is_prepare_failed() => {
                return Err("the databases could not be prepared".to_owned());
            }
            Err(AppError::Unreachable { .. }) if engine_is_given_up() => {
                return Err("the engine does not start".to_owned());
            }
            Err(AppError::Unreachable { .. }) if clock.elapsed() < SELF_TEST_TIME => {}
            Err(error) => return Err(error.chain()),
        }
        clock.wait(SELF_TEST_PAUSE);
    }
}

/// How often the engine may fail to start before its version is held for broken.
const ENGINE_STARTS_MAX: u32 = 5;

/// True if systemd has started the engine again and again.
fn engine_is_given_up() -> bool {
    let mut command = std::process::Command::new("systemctl");
    command.args(["show", "--value", "--property=NRestarts", "fossilsafe-engine.service"]);
    let printed = command.output().map(|output| output.stdout).unwrap_or_default();
    let restarts = String::from_utf8_lossy(&printed).trim().parse::<u32>();
    restarts.is_ok_and(|restarts| restarts >= ENGINE_STARTS_MAX)
}

/// True if the step before the engine has failed: then the engine is never started.
fn is_prepare_failed() -> bool {
    let mut command = std::process::Command::new("systemctl");
    command.args(["--quiet", "is-failed", "fossilsafe-update-prepare.service"]);
    command.status().is_ok_and(|status| status.success())
}

fn now_text() -> String {
    String::from_utf8_lossy(&SystemClock::new().now().text()).into_owned()
}

/// An error of the machine, as one of a command.
fn offline(error: SystemError) -> AppError {
    let next_step = error.next_step().to_owned();
    AppError::Offline { message: AppError::chain_of(&error), next_step }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_newer_bundle_for_this_machine_is_wanted() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        let wanted = |compatible, offered, allow_older| {
            ensure_wanted(compatible, &version(offered), &version("1.2.0"), allow_older).is_ok()
        };
        assert!(wanted(COMPATIBLE, "1.3.0", false));
        assert!(!wanted(COMPATIBLE, "1.2.0", false));
        assert!(!wanted(COMPATIBLE, "1.1.9", false));
        assert!(wanted(COMPATIBLE, "1.1.9", true));
        assert!(!wanted("other", "1.3.0", true));
    }
}
