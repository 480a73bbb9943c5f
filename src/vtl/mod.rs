//! The virtual tape library: drives and a changer that answer SCSI commands, cartridges as files.
//!
//! It is the practice library of the product and what every test of `drive`, `changer`, `ltfs`,
//! `stream` and `jobs` runs on, so it is strict where iron is strict and can be made to fail in every
//! way in which iron fails ([`faults`]). It stands under `drive`, as a [`crate::scsi::Transport`]:
//! tests exercise our command blocks and parsers, not a mock of them.
//!
//! ```text
//!  VirtualTransport ─▶ faults ─▶ changer ──lock──▶ drive ─▶ cartridge files (store)
//!       │                             └───────────────┘ answers: pages/*
//!       └─▶ command log
//! ```
//!
//! # What survives what
//!
//! A block is on the tape once the drive's buffer was drained: by a synchronous filemark, by any
//! command that moves or reads, when the buffer is full, or when the library is closed. Killing the
//! process at any moment is a power failure: what was on the tape is there, what was in a buffer is
//! gone, nothing is torn. Files are not synced to the disk, so this does not hold for a crash of the
//! machine.
//!
//! # Not here
//!
//! Serving it to a Linux kernel as devices; READ REVERSE; more than logical unit 0; logical block
//! protection; element types beside the four that LTO libraries have.

mod bytes;
mod changer;
mod drive;
mod dump;
mod environment;
mod error;
pub mod faults;
mod library;
pub mod log;
mod pages;
mod plan;
mod reservation;
mod senses;
mod shelf;
mod store;
pub mod tcmu;
mod timing;
mod transport;
mod unit;

#[cfg(test)]
mod tests;

pub use error::{VtlError, VtlErrorKind};
pub use faults::FaultPlan;
pub use library::VirtualLibrary;
pub use log::{CommandLog, Device, InitiatorId, LogMode};
pub use plan::{
    CAPACITY_MIN, CartridgeKind, CartridgePlan, IncompatibleCartridgeMove, LibraryPlan,
    LibraryRules, LoadedCartridgeMove, OpenOptions, Storage, Timing,
};
pub use shelf::{CartridgeSummary, Entrance, Place, address};
pub use timing::{Motion, MotionCounters};
pub use transport::VirtualTransport;
