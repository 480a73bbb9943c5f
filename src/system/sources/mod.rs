//! Shares of other machines, mounted by this one: SMB (Windows, Samba, most NAS) and NFS; folders over SFTP, and buckets.
//!
//! The kernel's own clients do the work, so a share is read as any file system is: with io_uring, with its
//! owners, times and attributes. Mounting takes a right that the engine does not have and should not have.
//! A service of its own has it, and does nothing else:
//!
//! ```text
//!  engine (may not mount)        ── a line of JSON on a Unix socket ──▶ fossilsafe sources (CAP_SYS_ADMIN)
//!     │ reads                                                                  │ mounts, and mounts again
//!     ▼                                                                        ▼
//!  /srv/sources/NAME  ◀──────────────── kernel: smb3, nfs ────────────────▶  the other machine
//! ```
//!
//! The kernel has no client for SFTP and S3: there this service is the client, and serves what it reads to the
//! kernel.
//!
//! Passwords are in the service's own file: no answer about sources has one, the engine and its catalog keep none.
//! Only for a catalog backup is it handed over, with the key for SSH, and sealed at once. Mounts are read-only unless a source is
//! made writable, and never run programs or devices.

mod definition;
mod error;
mod keeper;
mod mount;
mod options;
mod s3;
mod served;
mod sftp;
mod store;
#[cfg(test)]
mod tests;
mod wire;

pub use definition::{NfsExport, S3Bucket, SftpFolder, SmbShare, SourcePlace, SourceSpec};
pub use error::{SourcesError, SourcesErrorKind};
pub use keeper::{Keeper, SourceCondition, SourceState};
pub use sftp::{PASSWORD_VARIABLE, is_sftp_answer};
pub use store::{FILE as SOURCES_FILE, hold};
pub use wire::{Order, answer, ask};

/// The files of the sources in their folder, in the order in which they are put back: what is signed in with is there
/// when a source is.
pub const KEPT_FILES: [&str; 3] = [sftp::KEY_FILE, sftp::PUBLIC_KEY_FILE, SOURCES_FILE];
