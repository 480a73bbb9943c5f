//! The staging disk: a whole disk of the machine that takes what the memory of the data path cannot.
//!
//! ```text
//!  engine ──order──▶ keeper ──▶ lists disks (/sys), writes a file system with our label on one
//!                                   │
//!  udev sees the label ──▶ srv-staging.mount ──▶ /srv/staging, for as long as the disk is there
//! ```
//!
//! Only disks that nothing uses are offered, never one of the system's, and one that is taken is named in
//! full by whoever takes it. Mounting is systemd's: the disk that is pulled out is unmounted, and mounted
//! again when it is back. Nothing here knows what is staged.

mod disks;
mod error;
mod keeper;
#[cfg(test)]
mod tests;
mod wire;

pub use disks::StagingDisk;
pub use error::{StagingDiskError, StagingDiskErrorKind};
pub use keeper::{STAGING_FOLDER, StagingDiskKeeper, StagingDisks};
pub use wire::{StagingDiskOrder, answer_staging_disk, ask_staging_disk};
