//! Lists the disks and makes one of them the staging disk.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use nix::libc;
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::StagingDiskError;
use super::disks::{LABEL, Root, StagingDisk};
use crate::domain::Clock;

/// Where the staging disk is mounted (`srv-staging.mount`).
pub const STAGING_FOLDER: &str = "/srv/staging";
/// Tables of partitions lie here at both ends of a disk; what mkfs leaves of one would make two claims.
const EDGE_BYTES: usize = 1 << 20;
/// udev looks at a disk within seconds after it was written.
const MOUNT_TIME: Duration = Duration::from_secs(30);
const MOUNT_LOOK: Duration = Duration::from_millis(200);

/// The disks of the machine, and which of them can be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StagingDisks {
    /// Whether one can be chosen here. Elsewhere a folder of any disk is named.
    pub is_managed_here: bool,
    /// Where it cannot: what to do instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
    /// Where the staging disk is mounted, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// Every disk, by name.
    pub disks: Vec<StagingDisk>,
}

impl StagingDisks {
    /// Where the machine's own tools prepare disks.
    #[must_use]
    pub fn elsewhere(instead: String) -> Self {
        Self { is_managed_here: false, instead: Some(instead), folder: None, disks: Vec::new() }
    }
}

/// See the module.
#[derive(Debug)]
pub struct StagingDiskKeeper {
    root: Root,
    make_file_system: &'static str,
    clock: Arc<dyn Clock>,
    /// One disk at a time.
    formatting: Mutex<()>,
}

impl StagingDiskKeeper {
    /// Of this machine.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::of(Path::new("/"), "mkfs.ext4", clock)
    }

    pub(super) fn of(root: &Path, make_file_system: &'static str, clock: Arc<dyn Clock>) -> Self {
        Self { root: Root::new(root), make_file_system, clock, formatting: Mutex::default() }
    }

    /// The disks as they are.
    #[must_use]
    pub fn disks(&self) -> StagingDisks {
        let folder = self.root.is_mounted().then(|| PathBuf::from(STAGING_FOLDER));
        StagingDisks { is_managed_here: true, instead: None, folder, disks: self.root.disks() }
    }

    /// Erases a disk and makes it the staging disk. `typed` is what a person has typed for it.
    ///
    /// # Errors
    /// It is in use, was not confirmed, or does not take it. Nothing was written then, but for the last.
    pub fn format(&self, name: &str, typed: &str) -> Result<(), StagingDiskError> {
        let _formatting = self.formatting.lock();
        let unknown = || StagingDiskError::Unknown(name.to_owned());
        let disk = self.root.disks().into_iter().find(|disk| disk.name == name);
        let disk = disk.ok_or_else(unknown)?;
        if let Some(why) = disk.why_not {
            return Err(StagingDiskError::InUse { name: disk.name, why });
        }
        if typed != format!("erase {name}") {
            return Err(StagingDiskError::NotConfirmed { name: disk.name });
        }
        let device = self.root.device(name);
        clear_edges(&device, disk.size_bytes)?;
        self.make(&device, name)?;
        tracing::info!(name, "a disk was formatted for staging");
        let began = self.clock.elapsed();
        while !self.root.is_mounted() {
            if self.clock.elapsed().saturating_sub(began) > MOUNT_TIME {
                return Err(StagingDiskError::NotMounted(name.to_owned()));
            }
            self.clock.wait(MOUNT_LOOK);
        }
        Ok(())
    }

    /// Nothing is kept for root alone: what is staged is one large file.
    fn make(&self, device: &Path, name: &str) -> Result<(), StagingDiskError> {
        let failed = |said: String| StagingDiskError::Format { name: name.to_owned(), said };
        let mut command = Command::new(self.make_file_system);
        command.args(["-q", "-F", "-m", "0", "-T", "largefile", "-L", LABEL]).arg(device);
        let ended = command.output().map_err(|error| failed(error.to_string()))?;
        if ended.status.success() {
            return Ok(());
        }
        Err(failed(String::from_utf8_lossy(&ended.stderr).trim().to_owned()))
    }
}

/// Opened alone: the kernel refuses a disk that anything uses, whatever was seen before.
fn clear_edges(device: &Path, size_bytes: u64) -> Result<(), StagingDiskError> {
    let failed = |verb| {
        move |source: io::Error| StagingDiskError::Device { verb, path: device.to_owned(), source }
    };
    let opened = OpenOptions::new().write(true).custom_flags(libc::O_EXCL).open(device);
    let mut file = opened.map_err(failed("open"))?;
    let clear = |file: &mut File| {
        let zeros = vec![0; EDGE_BYTES];
        file.write_all(&zeros)?;
        file.seek(SeekFrom::Start(size_bytes.saturating_sub(EDGE_BYTES as u64)))?;
        file.write_all(&zeros)?;
        file.sync_all()
    };
    clear(&mut file).map_err(failed("clear"))
}
