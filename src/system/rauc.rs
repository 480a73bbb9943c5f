//! The update client (RAUC), as a program: it checks the bundle's signature and writes the other slot.

use std::process::{Command, Stdio};

use serde::Deserialize;

use super::error::SystemError;
use super::version::Version;

const PROGRAM: &str = "rauc";

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

    /// Writes a bundle to the other slot and makes that one the next to start.
    ///
    /// # Errors
    /// The bundle is not trusted or damaged, or the slot cannot be written. What runs stays the next.
    pub fn install(self, bundle: &str) -> Result<(), SystemError> {
        run(&["install", bundle]).map(drop)
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
    let said = String::from_utf8_lossy(&said);
    let last = said.lines().rev().find(|line| !line.trim().is_empty());
    Err(SystemError::Refused { program: PROGRAM, why: last.unwrap_or("it failed").to_owned() })
}
