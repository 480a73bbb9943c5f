//! A rig: which devices a test may use, where they are, and which cartridges it may erase.

use std::path::Path;

use serde::Deserialize;

/// What a rig file says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Rig {
    /// For people.
    pub(crate) name: String,
    pub(crate) place: PlaceKind,
    /// What makes the devices appear; a command of a shell. Iron needs none.
    pub(crate) prepare: Option<String>,
    pub(crate) drives: usize,
    pub(crate) drive: Identity,
    /// Nothing for a drive that stands alone.
    pub(crate) changer: Option<Identity>,
    /// Barcodes. No other cartridge is ever erased.
    pub(crate) erase: Vec<String>,
    /// The cartridges hold some hundred megabytes: one is filled, and a set spans two.
    #[serde(default, rename = "small-cartridges")]
    pub(crate) has_small_cartridges: bool,
    /// Only of our own library: its folder, which the program can read without the kernel.
    pub(crate) library: Option<String>,
    /// Only of a drive that stands alone and is a program: what is in it has no barcode and is nobody's.
    #[serde(default, rename = "erase-unnamed")]
    pub(crate) is_unnamed_erasable: bool,
}

/// Where the devices are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PlaceKind {
    /// In the bench image, which is booted for it.
    Bench,
    /// At this machine.
    Here,
}

/// How a device's answer to INQUIRY begins.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    pub(crate) vendor: String,
    pub(crate) product: String,
}

/// A cartridge that the rig lets be erased; made by nothing but [`Rig::erasable`].
#[derive(Debug)]
pub(crate) struct Erasable<'a>(&'a str);

impl Erasable<'_> {
    pub(crate) fn barcode(&self) -> &str {
        self.0
    }
}

impl Rig {
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| named(&error))?;
        toml::from_str(&text).map_err(|error| named(&error))
    }

    /// Whether a cartridge may be erased: only if the rig names it, to the letter.
    pub(crate) fn erasable(&self, barcode: &str) -> Result<Erasable<'_>, String> {
        let named = self.erase.iter().find(|it| *it == barcode && !it.is_empty());
        let named = named.ok_or(format!("the rig does not name {barcode}: it is not erased"))?;
        Ok(Erasable(named))
    }
}
