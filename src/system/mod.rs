//! The appliance around the engine: its two slots, updates, network, certificate, and what a boot proved.
//!
//! An update goes to the slot that does not run (RAUC checks and writes it), the boot loader counts the
//! tries of each slot, and a boot is confirmed here once the engine has answered. Before a new version
//! starts for the first time, [`snapshot`] keeps the databases that the old one can read; they come back
//! with the old slot. Nothing here reads a tape or asks an engine: what the engine said is an argument.

mod boot;
pub mod certificate;
pub mod channel;
mod error;
mod handover;
mod history;
mod line;
pub mod network;
mod rauc;
pub mod snapshot;
pub mod sources;
pub mod staging;
pub mod updates;
mod version;

pub use boot::{Boot, Slot};
pub use error::SystemError;
pub use handover::{HandoverError, KeptFile, answer_handover, ask_handover, is_handover};
pub use history::{Confirmation, History, Pending, Record, Stage, Verdict};
pub use line::LINE_BYTES_MAX;
pub use rauc::{Bundle, Rauc};
pub use version::{Version, VersionError};
