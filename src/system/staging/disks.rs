//! The disks of the machine as the kernel and udev list them, and why one cannot be taken.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::STAGING_FOLDER;

/// The file system's label by which udev knows the disk: 16 characters at most on ext4.
pub(super) const LABEL: &str = "fossil-staging";
/// Not what is made of disks, and not what is read only by a drive of its own.
const NO_DISKS: &[&str] = &["loop", "ram", "zram", "dm-", "sr", "md", "fd", "nbd", "zd"];
/// The kernel counts sizes in these, whatever the disk has.
const SECTOR_BYTES: u64 = 512;
/// Less than this stages seconds of a drive: memory does that.
const BYTES_MIN: u64 = 8_000_000_000;

/// A disk of the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StagingDisk {
    /// Its name in the system: `sdb`.
    pub name: String,
    /// Its size.
    pub size_bytes: u64,
    /// What its maker calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What is on it, as far as that is seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Whether it is the staging disk.
    pub is_staging: bool,
    /// Why it cannot be taken; absent if it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
}

/// Where the system is read: `/` but in tests.
#[derive(Clone, Debug)]
pub(super) struct Root(PathBuf);

impl Root {
    pub(super) fn new(root: &Path) -> Self {
        Self(root.to_owned())
    }

    /// Every disk, by name.
    pub(super) fn disks(&self) -> Vec<StagingDisk> {
        let mounts = fs::read_to_string(self.0.join("proc/self/mountinfo")).unwrap_or_default();
        let mut names: Vec<String> = children(&self.0.join("sys/block"))
            .into_iter()
            .filter(|name| !NO_DISKS.iter().any(|other| name.starts_with(other)))
            .collect();
        names.sort_unstable();
        let mut disks: Vec<_> = names.iter().map(|name| self.disk(name, &mounts)).collect();
        let taken = disks.iter().find(|disk| disk.is_staging).map(|disk| disk.name.clone());
        for disk in &mut disks {
            if let (None, Some(taken)) = (&disk.why_not, &taken) {
                disk.why_not = Some(format!("{taken} is the staging disk; take that out first"));
            }
        }
        disks
    }

    fn disk(&self, name: &str, mounts: &str) -> StagingDisk {
        let folder = self.0.join("sys/block").join(name);
        let text = |name: &str| {
            let text = fs::read_to_string(folder.join(name)).unwrap_or_default();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let size_bytes = text("size").parse::<u64>().unwrap_or(0).saturating_mul(SECTOR_BYTES);
        let model = Some(text("device/model")).filter(|model| !model.is_empty());
        let partitions = self.partitions(&folder);
        let udev = self.udev(&text("dev"));
        let is_staging = udev_value(&udev, "ID_FS_LABEL") == Some(LABEL);
        let why_not = self.why_not(&folder, &partitions, size_bytes, mounts);
        let content = content(&partitions, udev_value(&udev, "ID_FS_TYPE"));
        let why_not = if is_staging { Some("it is the staging disk".to_owned()) } else { why_not };
        StagingDisk { name: name.to_owned(), size_bytes, model, content, is_staging, why_not }
    }

    fn why_not(
        &self,
        folder: &Path,
        partitions: &[Partition],
        size_bytes: u64,
        mounts: &str,
    ) -> Option<String> {
        let text = |path: &Path| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let all =
            [folder.to_owned()].into_iter().chain(partitions.iter().map(|it| it.path.clone()));
        let all: Vec<PathBuf> = all.collect();
        let mounted = mounted_numbers(mounts);
        let why = if size_bytes == 0 {
            "nothing is in it"
        } else if text(&folder.join("ro")) != "0" {
            "it is write-protected"
        } else if partitions.iter().any(|partition| partition.name.starts_with("fossilsafe-")) {
            "it has a FossilSafe system on it"
        } else if all.iter().any(|path| mounted.contains(text(&path.join("dev")).as_str())) {
            "it is mounted"
        } else if all.iter().any(|path| !children(&path.join("holders")).is_empty()) {
            "something is built upon it"
        } else if size_bytes < BYTES_MIN {
            "it is smaller than 8 GB"
        } else {
            return None;
        };
        Some(why.to_owned())
    }

    fn partitions(&self, folder: &Path) -> Vec<Partition> {
        let paths = children(folder).into_iter().map(|name| folder.join(name));
        let partitions = paths.filter(|path| path.join("partition").exists());
        let named = |path: PathBuf| {
            let uevent = fs::read_to_string(path.join("uevent")).unwrap_or_default();
            let name = uevent.lines().find_map(|line| line.strip_prefix("PARTNAME="));
            Partition { name: name.unwrap_or_default().to_owned(), path }
        };
        partitions.map(named).collect()
    }

    /// What udev has found on the disk of that number (`8:16`).
    fn udev(&self, number: &str) -> String {
        let path = self.0.join("run/udev/data").join(format!("b{number}"));
        fs::read_to_string(path).unwrap_or_default()
    }

    /// Whether something is mounted where the staging disk belongs.
    pub(super) fn is_mounted(&self) -> bool {
        let mounts = fs::read_to_string(self.0.join("proc/self/mountinfo")).unwrap_or_default();
        mounts.lines().any(|line| line.split(' ').nth(4) == Some(STAGING_FOLDER))
    }

    pub(super) fn device(&self, name: &str) -> PathBuf {
        self.0.join("dev").join(name)
    }
}

struct Partition {
    name: String,
    path: PathBuf,
}

fn content(partitions: &[Partition], file_system: Option<&str>) -> Option<String> {
    match (partitions.len(), file_system) {
        (0, None) => None,
        (0, Some(kind)) => Some(format!("a file system ({kind})")),
        (1, _) => Some("a partition".to_owned()),
        (count, _) => Some(format!("{count} partitions")),
    }
}

fn udev_value<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix("E:")?.strip_prefix(key)?.strip_prefix('='))
}

/// Numbers of the devices that are mounted: the third word of each line.
fn mounted_numbers(mounts: &str) -> BTreeSet<&str> {
    mounts.lines().filter_map(|line| line.split(' ').nth(2)).collect()
}

fn children(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}
