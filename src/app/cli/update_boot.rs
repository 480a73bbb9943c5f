//! `fossilsafe update prepare` and `confirm`: the two steps of a boot, before the engine and after it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::output::Output;
use super::update::{DATA, ROOT, offline};
use crate::api::types::{HealthStatus, HealthView};
use crate::app::client::Client;
use crate::app::door::{Door, SOCKET_SYSTEM};
use crate::app::error::{AppError, Exit};
use crate::domain::{Clock, SystemClock};
use crate::system::snapshot::{Prepared, Snapshots};
use crate::system::{Boot, Confirmation, History, Rauc, Verdict};

/// Longer than the engine's unit gives it to open a large catalog.
const SELF_TEST_TIME: Duration = Duration::from_secs(35 * 60);
/// How long an engine that answers may find something wrong: libraries take minutes to switch on.
const SOUND_TIME: Duration = Duration::from_secs(10 * 60);
const SELF_TEST_PAUSE: Duration = Duration::from_secs(1);

pub(super) fn prepare(output: &Output) -> Result<Exit, AppError> {
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

pub(super) fn confirm(output: &Output) -> Result<Exit, AppError> {
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
            history.decide(SystemClock::new().now(), Verdict::WentBack(why));
            history.write(root).map_err(offline)?;
            Rauc.stay().map_err(offline)?;
            Rauc.mark_good().map_err(offline)?;
        }
        Confirmation::Interrupted => {
            history.decide(SystemClock::new().now(), Verdict::Interrupted);
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
            history.decide(SystemClock::new().now(), Verdict::Good);
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
