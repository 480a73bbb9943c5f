//! A catalog backup: everything that an appliance knows and no tape tells, as one folder that a kit opens.
//!
//! Tapes give back what is on them. They do not give back who may sign in, what was done by whom, schedules,
//! pools, settings, and the keys that tapes were signed and sealed with. A catalog backup has all of that and
//! the catalog itself, so that a new machine is the old one again within minutes:
//!
//! ```text
//! fossilsafe-<host>-<time>/
//!   README.txt                   what this is, and how to open it without this program
//!   description.json             when, of which machine, which kits open it, the hash of each file
//!   description.sig              Ed25519 signature of description.json, of the purpose "catalog"
//!   state.tar.zst.sealed         the files: tar, zstd, then the sealed format of `keys/FORMAT.md`
//!   .fossilsafe/keys/<id>.json   its data key, wrapped for each confirmed kit
//!   .fossilsafe/unseal.py        opens it with Python and the kit
//! ```
//!
//! Other services keep files of the appliance too, with rights of their own: the passwords of network sources, the
//! gateway's certificate. They hand them over ([`KeptElsewhere`]); such files go from memory into the sealed file
//! and lie nowhere else.
//!
//! Each backup has a data key of its own, which the appliance forgets at once: only a kit opens it. So none
//! is made before a kit was confirmed. What a kit's holder cannot do is make one: whoever restores names the
//! key that must have signed it, and that key stands on the paper of the kit.
//!
//! A backup is written under a hidden name, synced, and renamed when it is whole. Removing old ones touches
//! only folders that this appliance has signed.

mod description;
mod elsewhere;
mod error;
mod kept;
mod make;
mod read;
mod tar;
#[cfg(test)]
mod tests;

pub use description::{Description, StateFile};
pub use elsewhere::{HandedFile, KeptElsewhere, NotHandedOver};
pub use error::CatalogBackupError;
pub use kept::{Found, find, remove_older};
pub use make::{Content, Making, Place, make};
pub use read::{OpenedBackup, SignedBackup};

/// Names inside the folder of a backup.
mod names {
    pub(super) const README: &str = "README.txt";
    pub(super) const DESCRIPTION: &str = "description.json";
    pub(super) const SIGNATURE: &str = "description.sig";
    pub(super) const STATE: &str = "state.tar.zst.sealed";
    pub(super) const OWN_FOLDER: &str = ".fossilsafe";
    pub(super) const KEYS_FOLDER: &str = ".fossilsafe/keys";
    pub(super) const UNSEAL: &str = ".fossilsafe/unseal.py";
    /// Folders of backups begin with it.
    pub(super) const PREFIX: &str = "fossilsafe-";
}
