//! From which slot this machine was started, and how often the boot loader has tried each.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::SystemError;
use super::version::Version;

/// After so many tries the boot loader leaves a slot; see `grub.cfg`.
const TRIES_MAX: u32 = 3;

/// One of the two places that an image can be in.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Slot {
    /// The first.
    A,
    /// The second.
    B,
}

impl Slot {
    /// The one that an update goes to while this one runs.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

impl Slot {
    /// The update client's name for its root partition; see `system.conf`.
    pub(super) fn rauc_name(self) -> &'static str {
        match self {
            Self::A => "rootfs.0",
            Self::B => "rootfs.1",
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
        })
    }
}

/// What this boot is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boot {
    /// The slot that runs.
    pub slot: Slot,
    /// The version of the image in it.
    pub version: Version,
    /// The boot loader's variables.
    variables: Vec<(String, String)>,
}

impl Boot {
    /// Reads what the boot loader and the image say. `root` is `/` but in tests.
    ///
    /// # Errors
    /// This is no image with slots, or a file cannot be read.
    pub fn read(root: &Path) -> Result<Self, SystemError> {
        let text = |path: &str| {
            let path = root.join(path);
            fs::read_to_string(&path).map_err(|source| SystemError::file("read", &path, source))
        };
        let command_line = text("proc/cmdline")?;
        let slot = command_line.split_whitespace().find_map(|word| match word {
            "rauc.slot=A" => Some(Slot::A),
            "rauc.slot=B" => Some(Slot::B),
            _ => None,
        });
        let release = text("etc/os-release")?;
        let version = variables(&release).into_iter().find(|(name, _)| name == "VERSION_ID");
        let version = version.and_then(|(_, value)| value.trim_matches('"').parse().ok());
        // Lost to a power failure while it was written: the boot loader starts with its defaults too.
        let environment = fs::read_to_string(environment_path(root)).unwrap_or_default();
        Ok(Self {
            slot: slot.ok_or(SystemError::NoSlots)?,
            version: version.ok_or(SystemError::NoSlots)?,
            variables: variables(&environment),
        })
    }

    /// How often the boot loader has started a slot since it was last good.
    #[must_use]
    pub fn tries(&self, slot: Slot) -> u32 {
        self.variable(&format!("{slot}_TRY")).and_then(|value| value.parse().ok()).unwrap_or(0)
    }

    /// Whether the boot loader would start a slot at all: it is whole, and was not tried too often.
    #[must_use]
    pub fn is_startable(&self, slot: Slot) -> bool {
        let is_whole = self.variable(&format!("{slot}_OK")).is_none_or(|value| value == "1");
        is_whole && self.tries(slot) < TRIES_MAX
    }

    /// What the boot loader starts next.
    #[must_use]
    pub fn next(&self) -> Slot {
        let first = self.variable("ORDER").and_then(|order| order.split(' ').next());
        let first = if first == Some("B") { Slot::B } else { Slot::A };
        // The slot that runs is started again as long as it is first: that it was tried counts only if it
        // does not come up.
        if first == self.slot || self.is_startable(first) { first } else { first.other() }
    }

    fn variable(&self, name: &str) -> Option<&str> {
        let found = self.variables.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// The boot loader's variables.
fn environment_path(root: &Path) -> PathBuf {
    root.join("boot/grub/grubenv")
}

/// `NAME=value` lines; the padding and comments of the boot loader's file have no `=`.
fn variables(text: &str) -> Vec<(String, String)> {
    let pairs = text.lines().filter(|line| !line.starts_with('#'));
    let pairs = pairs.filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(command_line: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for folder in ["proc", "etc", "boot/grub"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        fs::write(root.path().join("proc/cmdline"), command_line).unwrap();
        fs::write(root.path().join("etc/os-release"), "ID=x\nVERSION_ID=\"1.2.3\"\n").unwrap();
        root
    }

    #[test]
    fn a_boot_knows_its_slot_its_version_and_the_tries_of_both() {
        let root = machine("root=/dev/dm-0 rauc.slot=B quiet\n");
        let text = "# GRUB Environment Block\nORDER=B A\nA_OK=1\nA_TRY=0\nB_TRY=2\n####";
        fs::write(environment_path(root.path()), text).unwrap();
        let boot = Boot::read(root.path()).unwrap();
        assert_eq!((boot.slot, boot.version.to_string().as_str()), (Slot::B, "1.2.3"));
        assert_eq!((boot.tries(Slot::A), boot.tries(Slot::B)), (0, 2));
    }

    #[test]
    fn the_next_slot_is_the_first_that_the_boot_loader_would_start() {
        let next = |text: &str| {
            let root = machine("rauc.slot=A");
            fs::write(environment_path(root.path()), text).unwrap();
            Boot::read(root.path()).unwrap().next()
        };
        assert_eq!(next("ORDER=A B\nA_OK=1\nA_TRY=3\n"), Slot::A);
        assert_eq!(next("ORDER=B A\nB_OK=1\nB_TRY=2\n"), Slot::B);
        assert_eq!(next("ORDER=B A\nB_OK=1\nB_TRY=3\n"), Slot::A);
        assert_eq!(next("ORDER=B A\nB_OK=0\n"), Slot::A);
        assert_eq!(next(""), Slot::A);
    }

    #[test]
    fn lost_variables_are_no_tries_and_a_machine_without_slots_is_told_apart() {
        let boot = Boot::read(machine("rauc.slot=A").path()).unwrap();
        assert_eq!(boot.tries(Slot::A), 0);
        let other = Boot::read(machine("root=/dev/sda1").path());
        assert!(matches!(other, Err(SystemError::NoSlots)));
    }
}
