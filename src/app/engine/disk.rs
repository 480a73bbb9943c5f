//! Whether the disk of the data folder takes what has to be kept.
//!
//! A catalog that cannot be written is found out by the next job; a person should know before.

use std::fs;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, StatVfsMountFlags, StatxFlags};

use super::Service;
use crate::catalog::alerts::AlertReport;
use crate::domain::MIB;
use crate::health::Kind;

use super::watch::report;

/// Below this a backup of a large tree may fill the rest with its catalog; chosen, no data yet.
const ROOM_BYTES_MIN: u64 = 64 * MIB;

/// The kernel's list of what is mounted: a line each, the mount's number first, the file system's own words last.
const MOUNTS: &str = "/proc/self/mountinfo";
/// What ext4 says of itself after an error since Linux 6.15; the mount does not count as read-only then.
const AFTER_ERROR: &[&str] = &["emergency_ro", "shutdown"];

/// What is wrong with a disk, and what to do.
pub(in crate::app) type Trouble = (String, &'static str);

impl Service {
    /// What is wrong with the data folder's disk.
    pub(super) fn disk_trouble(&self) -> Option<Trouble> {
        trouble(&self.data)
    }

    pub(super) fn disk_report(&self) -> Option<AlertReport> {
        let (sentence, next_step) = self.disk_trouble()?;
        Some(report(Kind::DataUnwritable, "data", sentence, next_step))
    }
}

/// What is wrong with the disk of a folder, also while no engine runs.
pub(in crate::app) fn trouble(folder: &Path) -> Option<Trouble> {
    let at = folder.display();
    let said = match rustix::fs::statvfs(folder) {
        Ok(said) => said,
        Err(error) => {
            let sentence = format!("the disk of {at} cannot be asked: {error}");
            return Some((sentence, "Look whether it is connected and healthy."));
        }
    };
    if said.f_flag.contains(StatVfsMountFlags::RDONLY) || has_failed(folder) {
        let sentence = format!("the disk of {at} is read-only: nothing can be kept");
        let next_step = "It becomes so after an error of the disk: save the log, restart, and replace the disk \
            if it comes again.";
        return Some((sentence, next_step));
    }
    let free_bytes = said.f_bavail.saturating_mul(said.f_frsize);
    if free_bytes >= ROOM_BYTES_MIN {
        return None;
    }
    let sentence = format!("the disk of {at} is full: {} MiB are free", free_bytes / MIB);
    Some((sentence, "Remove restored files and practice cartridges, or use a larger disk."))
}

/// Whether the file system takes nothing more since an error. What cannot be asked has not.
fn has_failed(folder: &Path) -> bool {
    let asked = rustix::fs::statx(CWD, folder, AtFlags::empty(), StatxFlags::MNT_ID);
    let mounts = fs::read_to_string(MOUNTS).unwrap_or_default();
    asked.is_ok_and(|found| is_after_error(&mounts, found.stx_mnt_id))
}

fn is_after_error(mounts: &str, mount: u64) -> bool {
    let number = mount.to_string();
    let line = mounts.lines().find(|line| line.split(' ').next() == Some(number.as_str()));
    let words = line.and_then(|line| line.rsplit(' ').next()).unwrap_or_default();
    words.split(',').any(|word| AFTER_ERROR.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_with_room_is_no_trouble_and_one_that_is_away_or_read_only_is_named() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(trouble(folder.path()), None);
        let (away, _) = trouble(&folder.path().join("none")).unwrap();
        assert!(away.contains("cannot be asked"), "{away}");
        // What the kernel mounts read-only on every machine.
        let full_or_closed = trouble(Path::new("/proc")).unwrap().0;
        assert!(full_or_closed.contains("is full"), "{full_or_closed}");
    }

    #[test]
    fn a_file_system_that_stopped_after_an_error_is_told_from_its_neighbours() {
        let mounts = "36 1 254:7 / /data rw,noatime - ext4 /dev/vda7 rw,errors=remount-ro\n\
            361 1 254:8 / /srv rw - ext4 /dev/vda8 rw,errors=remount-ro,emergency_ro\n";
        assert_eq!([36, 361, 3].map(|mount| is_after_error(mounts, mount)), [false, true, false]);
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_failed(folder.path()));
    }
}
