//! One library's changer: what is where, and moving it, each move verified by a fresh look.
//!
//! An [`Inventory`] is what the changer said at one moment and is never kept up by arithmetic: after a
//! move the changer is asked again, because robots drop, swap and report moves that did not happen. A
//! failed move ends with a look too, and its error says where the cartridge was found; what to do about
//! it is decided above.
//!
//! Identity: the changer by its serial number, its drives by the identifiers it reports, cartridges by
//! barcode. Element addresses and device nodes are never keys.
//!
//! Locks, threads: none; a `Changer` is `Send` and belongs to one thread at a time.

mod attached;
mod command;
mod error;
pub mod inventory;
mod look;
mod moves;

use std::fmt;

pub use error::{ChangerError, ChangerErrorKind, Found};
pub use inventory::{Element, ElementAddress, ElementException, ElementKind, Inventory};
pub use moves::{Moved, Removal};

use crate::domain::LibrarySerial;
use crate::scsi::Transport;
use crate::scsi::timeouts::Timeouts;

/// Who a changer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangerIdentity {
    /// Vendor.
    pub vendor: String,
    /// Product.
    pub product: String,
    /// Firmware.
    pub revision: String,
    /// The only key by which a library is known.
    pub serial: LibrarySerial,
}

/// One changer.
pub struct Changer {
    transport: Box<dyn Transport>,
    identity: ChangerIdentity,
    timeouts: Timeouts,
    /// What of READ ELEMENT STATUS the changer takes, found out by asking.
    asks: look::Asks,
}

impl Changer {
    /// Who it is.
    #[must_use]
    pub fn identity(&self) -> &ChangerIdentity {
        &self.identity
    }
}

impl fmt::Debug for Changer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changer")
            .field("transport", &self.transport.name())
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
