//! What can go wrong with a virtual library as a folder of files.
//!
//! What goes wrong with its devices is told as sense, like a real device does.

use std::io;
use std::path::{Path, PathBuf};

use crate::domain::Barcode;

/// A virtual library or one of its cartridges could not be made, opened or changed.
#[derive(Debug, thiserror::Error)]
pub enum VtlError {
    /// A file or folder could not be used.
    #[error("virtual library: cannot {action} {}", path.display())]
    File {
        /// What was being done.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process holds the library.
    #[error(
        "the virtual library in {} is in use by another process: stop it, or use its own commands (`fossilsafe library …`)",
        .0.display()
    )]
    InUse(PathBuf),
    /// There is already something where a library is to be made.
    #[error("{} already holds a virtual library or other files", .0.display())]
    NotEmpty(PathBuf),
    /// The folder holds no library.
    #[error("{} holds no virtual library: make one with `fossilsafe vtl create`", .0.display())]
    NotALibrary(PathBuf),
    /// A file of the library has wrong content.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The plan of a library or cartridge makes no sense.
    #[error("this cannot be built: {0}")]
    Plan(String),
    /// No cartridge of that barcode or serial number, where it was looked for.
    #[error("no cartridge {name} {place}")]
    NoSuchCartridge {
        /// Barcode or medium serial number.
        name: String,
        /// Where it was looked for.
        place: &'static str,
    },
    /// Several cartridges carry that barcode.
    #[error("several cartridges carry the barcode {barcode}: name one of {serials:?}")]
    AmbiguousBarcode {
        /// The barcode.
        barcode: Barcode,
        /// Their medium serial numbers.
        serials: Vec<String>,
    },
    /// The cartridge is in a drive, where it cannot be reached by hand.
    #[error("cartridge {0} is in a drive: unload it and move it to a slot first")]
    InDrive(String),
    /// No free element of the kind asked for, or no such element.
    #[error("{0}")]
    NoRoom(String),
    /// A block cannot stand in a dump.
    #[error("cartridge {barcode}: block {block} of partition {partition} {reason}")]
    NotExportable {
        /// The cartridge.
        barcode: Barcode,
        /// The partition.
        partition: u8,
        /// The number of the block.
        block: u64,
        /// Why.
        reason: &'static str,
    },
    /// A dump that is imported is wrong.
    #[error("{} line {line}: {reason}", path.display())]
    Dump {
        /// The file.
        path: PathBuf,
        /// Its line, from 1; 0 for the file as a whole.
        line: u64,
        /// What is wrong.
        reason: String,
    },
}

/// What to do about a [`VtlError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VtlErrorKind {
    /// The files cannot be used: permissions, space, disk.
    Files,
    /// Somebody else uses the library.
    InUse,
    /// The content is damaged.
    Corrupt,
    /// What was asked for makes no sense.
    Request,
}

impl VtlError {
    /// What to do about it.
    #[must_use]
    pub fn kind(&self) -> VtlErrorKind {
        match self {
            Self::File { .. } => VtlErrorKind::Files,
            Self::InUse(_) => VtlErrorKind::InUse,
            Self::Damaged { .. } | Self::Dump { .. } | Self::NotExportable { .. } => {
                VtlErrorKind::Corrupt
            }
            Self::NotEmpty(_)
            | Self::NotALibrary(_)
            | Self::Plan(_)
            | Self::NoSuchCartridge { .. }
            | Self::AmbiguousBarcode { .. }
            | Self::InDrive(_)
            | Self::NoRoom(_) => VtlErrorKind::Request,
        }
    }

    /// Wraps a system error with what was being done to which file.
    pub(super) fn file<'a>(
        action: &'static str,
        path: &'a Path,
    ) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::File { action, path: path.to_owned(), source }
    }
}
