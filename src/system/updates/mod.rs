//! Updates of a machine with two slots: what there is, what is running, and the service that does it.
//!
//! ```text
//!  engine (may not touch a slot) ── a line of JSON on a Unix socket ──▶ fossilsafe update serve (root)
//!     │ writes an uploaded bundle                                          │ checks, installs, restarts
//!     ▼                                                                     ▼
//!  engine/update-inbox/bundle.raucb ───────── taken over ──────────▶  update/bundle.raucb ──▶ other slot
//! ```
//!
//! Whether a bundle is trusted is decided by its signature alone (RAUC), never by who brought it. The command
//! line does the same with the same code where it is root, so a machine whose engine does not start can be
//! updated; a lock keeps the two apart.

mod channel_store;
mod error;
mod fetch;
mod state;
#[cfg(test)]
mod tests;
mod updater;
mod wire;

pub use channel_store::ChannelSettings;
pub use error::{UpdatesError, UpdatesErrorKind};
pub use fetch::{BUNDLE_BYTES_MAX, has_room};
pub use state::{
    BundleState, ChannelState, Installation, InstallationStep, PastUpdate, Published,
    SlotCondition, SlotState, UpdateAction, UpdateOutcome, UpdatesState,
};
pub use updater::{InstallOptions, Updater};
pub use wire::{UpdateOrder, answer_update, ask_update};
