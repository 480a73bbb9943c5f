//! From which slot this machine was started, and how often the boot loader has tried each.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::SystemError;
use super::version::Version;

/// One of the two places that an image can be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
        let name = format!("{slot}_TRY");
        let found = self.variables.iter().find(|(key, _)| *key == name);
        found.and_then(|(_, value)| value.parse().ok()).unwrap_or(0)
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
    fn lost_variables_are_no_tries_and_a_machine_without_slots_is_told_apart() {
        let boot = Boot::read(machine("rauc.slot=A").path()).unwrap();
        assert_eq!(boot.tries(Slot::A), 0);
        let other = Boot::read(machine("root=/dev/sda1").path());
        assert!(matches!(other, Err(SystemError::NoSlots)));
    }
}
