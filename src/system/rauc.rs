//! The update client (RAUC), as a program: it checks the bundle's signature and writes the other slot.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::boot::Slot;
use super::error::SystemError;
use super::version::Version;
use crate::domain::Timestamp;

const PROGRAM: &str = "rauc";
/// Below the root; see `system.conf`.
const STATUS_FILE: &str = "boot/rauc.status";

/// The update client of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rauc;

/// What a bundle says about itself. Its signature has been checked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Bundle {
    /// The kind of machine that it is for.
    pub compatible: String,
    /// What it brings.
    pub version: Version,
}

impl Rauc {
    /// Checks a bundle's signature and reads what it says. `bundle` is a path or an address.
    ///
    /// # Errors
    /// The signature is not by a certificate that this machine trusts, or the bundle is damaged.
    pub fn inspect(self, bundle: &str) -> Result<Bundle, SystemError> {
        let printed = run(&["info", "--output-format=json", bundle])?;
        serde_json::from_str(&printed).map_err(|error| SystemError::Refused {
            program: PROGRAM,
            why: format!("what it says about {bundle} cannot be read: {error}"),
        })
    }

    /// Writes a bundle to the other slot and makes that one the next to start. `on_percent` hears how much
    /// is done.
    ///
    /// # Errors
    /// The bundle is not trusted or damaged, or the slot cannot be written. What runs stays the next.
    pub fn install(self, bundle: &str, on_percent: &dyn Fn(u8)) -> Result<(), SystemError> {
        let mut command = Command::new(PROGRAM);
        command.args(["install", bundle]).stdin(Stdio::null());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let failed = |source| SystemError::Program { program: PROGRAM, source };
        let mut child = child.map_err(failed)?;
        let mut said = Vec::new();
        if let Some(output) = child.stdout.take() {
            for line in BufReader::new(output).lines() {
                let line = line.map_err(failed)?;
                percent_in(&line).into_iter().for_each(on_percent);
                said.push(line);
            }
        }
        let ended = child.wait_with_output().map_err(failed)?;
        if ended.status.success() {
            return Ok(());
        }
        let errors = String::from_utf8_lossy(&ended.stderr).into_owned();
        said.extend(errors.lines().map(str::to_owned));
        Err(refused(&said.join("\n")))
    }

    /// This boot is good: its tries are forgotten.
    ///
    /// # Errors
    /// The boot loader's variables cannot be written.
    pub fn mark_good(self) -> Result<(), SystemError> {
        run(&["status", "mark-good", "booted"]).map(drop)
    }

    /// The slot that runs is the next, too.
    ///
    /// # Errors
    /// The boot loader's variables cannot be written.
    pub fn stay(self) -> Result<(), SystemError> {
        run(&["status", "mark-active", "booted"]).map(drop)
    }

    /// The other slot is the next.
    ///
    /// # Errors
    /// The boot loader's variables cannot be written.
    pub fn go_to_other(self) -> Result<(), SystemError> {
        run(&["status", "mark-active", "other"]).map(drop)
    }
}

fn run(arguments: &[&str]) -> Result<String, SystemError> {
    let output = Command::new(PROGRAM).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|source| SystemError::Program { program: PROGRAM, source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(refused(&String::from_utf8_lossy(&said)))
}

/// The client says why in a line of its own; of a program that says none, the last line is the reason.
fn refused(said: &str) -> SystemError {
    let named = said.lines().find_map(|line| line.trim().strip_prefix("LastError: "));
    let last = named.or_else(|| said.lines().rev().find(|line| !line.trim().is_empty()));
    SystemError::Refused { program: PROGRAM, why: last.unwrap_or("it failed").trim().to_owned() }
}

/// The figure of a line like ` 40% Copying image to rootfs.1`.
fn percent_in(line: &str) -> Option<u8> {
    let (figure, _) = line.trim_start().split_once('%')?;
    figure.parse().ok().filter(|percent| *percent <= 100)
}

/// What the update client has noted of a slot's content: the version and when it was written. Nothing for
/// what the disk was flashed with.
pub(super) fn noted(root: &Path, slot: Slot) -> Option<(Version, Option<Timestamp>)> {
    let text = std::fs::read_to_string(root.join(STATUS_FILE)).ok()?;
    let section = format!("[slot.{}]", slot.rauc_name());
    let lines = text.lines().skip_while(|line| *line != section).skip(1);
    let lines: Vec<&str> = lines.take_while(|line| !line.starts_with('[')).collect();
    let value =
        |name: &str| lines.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let version = value("bundle.version")?.parse().ok()?;
    // As 2026-11-28T09:08:07Z.
    let at = value("installed.timestamp").and_then(|text| text.strip_suffix('Z'));
    let at = at.and_then(|text| Timestamp::parse_text(format!("{text}.000000000Z").as_bytes()));
    Some((version, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_read_from_what_the_update_client_prints() {
        assert_eq!(percent_in("  0% Installing"), Some(0));
        assert_eq!(percent_in(" 99% Copying image to rootfs.1"), Some(99));
        assert_eq!(percent_in("Installing /x/50%.raucb succeeded"), None);
        assert_eq!(percent_in("400% x"), None);
    }

    #[test]
    fn the_reason_of_a_failure_is_the_clients_last_error_and_not_that_it_failed() {
        let why = |said: &str| refused(said).to_string();
        let said = "100% Installing failed.\nLastError: no room\nInstalling `x` failed\n";
        assert_eq!(why(said), "rauc: no room");
        assert_eq!(
            why("a\nsignature verification failed\n\n"),
            "rauc: signature verification failed"
        );
        assert_eq!(why(""), "rauc: it failed");
    }

    #[test]
    fn what_is_in_a_slot_is_read_from_the_update_clients_own_notes() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("boot")).unwrap();
        assert_eq!(noted(root.path(), Slot::B), None);
        let text = "[slot.kernel.1]\nbundle.version=9.9.9\n\n[slot.rootfs.1]\n\
            bundle.compatible=fossilsafe-x86_64\nbundle.version=1.1.0\nstatus=ok\n\
            installed.timestamp=2026-11-28T09:08:07Z\ninstalled.count=1\n";
        std::fs::write(root.path().join(STATUS_FILE), text).unwrap();
        let (version, at) = noted(root.path(), Slot::B).unwrap();
        assert_eq!(version.to_string(), "1.1.0");
        assert_eq!(at.unwrap().to_string(), "2026-11-28T09:08:07.000000000Z");
        assert_eq!(noted(root.path(), Slot::A), None);
    }
}
