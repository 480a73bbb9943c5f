//! Whether the disk of the data folder takes what has to be kept.
//!
//! A catalog that cannot be written is found out by the next job; a person should know before.

use std::path::Path;

use rustix::fs::StatVfsMountFlags;

use super::Service;
use crate::catalog::alerts::AlertReport;
use crate::domain::MIB;
use crate::health::Kind;

use super::watch::report;

/// Below this a backup of a large tree may fill the rest with its catalog; chosen, no data yet.
const ROOM_BYTES_MIN: u64 = 64 * MIB;

/// What is wrong with a disk, and what to do.
pub(super) type Trouble = (String, &'static str);

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

fn trouble(folder: &Path) -> Option<Trouble> {
    let at = folder.display();
    let said = match rustix::fs::statvfs(folder) {
        Ok(said) => said,
        Err(error) => {
            let sentence = format!("the disk of {at} cannot be asked: {error}");
            return Some((sentence, "Look whether it is connected and healthy."));
        }
    };
    if said.f_flag.contains(StatVfsMountFlags::RDONLY) {
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
}
