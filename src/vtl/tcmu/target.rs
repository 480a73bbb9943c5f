//! The kernel's side: backstores and a loopback target, made in configfs and taken away again.
//!
//! ```text
//! core/user_0/<name>         a backstore: the kernel makes /dev/uioN for it, whose handler we are
//! loopback/naa.…/tpgt_1      a host adapter of this machine, with a link to each backstore as a LUN
//! ```

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::error::TcmuError;

/// Where configfs shows the target subsystem.
const TARGET: &str = "/sys/kernel/config/target";
const UIO: &str = "/sys/class/uio";
/// Tapes have no size; the kernel wants one for each backstore.
const DEVICE_BYTES: u64 = 1 << 20;

/// What was made, to be removed in the opposite order.
#[derive(Debug)]
enum Made {
    Folder(PathBuf),
    Link(PathBuf),
}

/// A target with its backstores. Dropping it takes the devices away.
#[derive(Debug)]
pub(super) struct Target {
    made: Vec<Made>,
}

/// A backstore's device.
#[derive(Debug)]
pub(super) struct Backstore {
    folder: PathBuf,
    /// `/dev/uioN`.
    pub(super) device: PathBuf,
    /// Bytes to map of it.
    pub(super) map_bytes: NonZeroUsize,
}

impl Target {
    pub(super) fn begin() -> Result<Self, TcmuError> {
        let path = Path::new(TARGET);
        if !path.is_dir() {
            return Err(TcmuError::NoTarget { path: path.to_owned() });
        }
        // The kernel notes reservations in a folder there, and refuses every one where it is missing.
        let notes = fs::read_to_string(path.join("dbroot"))
            .map_err(TcmuError::file("read", &path.join("dbroot")))?;
        let notes = Path::new(notes.trim()).join("pr");
        fs::create_dir_all(&notes).map_err(TcmuError::file("make", &notes))?;
        let mut target = Self { made: Vec::new() };
        target.folder(path.join("core/user_0"))?;
        Ok(target)
    }

    /// Makes a backstore; its ring must be served before it is linked.
    pub(super) fn backstore(&mut self, name: &str) -> Result<Backstore, TcmuError> {
        let folder = Path::new(TARGET).join("core/user_0").join(name);
        self.folder(folder.clone())?;
        let config =
            format!("dev_config=fossilsafe/{name},dev_size={DEVICE_BYTES},hw_block_size=512");
        write(&folder.join("control"), &config)?;
        write(&folder.join("enable"), "1")?;
        let (device, map_bytes) = find_device(name)?;
        Ok(Backstore { folder, device, map_bytes })
    }

    /// Makes the host adapter and gives it the backstores: the kernel looks at them at once.
    pub(super) fn link(&mut self, seed: u32, backstores: &[Backstore]) -> Result<(), TcmuError> {
        let fabric = Path::new(TARGET).join("loopback");
        let adapter = fabric.join(format!("naa.50014050{seed:08x}"));
        let group = adapter.join("tpgt_1");
        [fabric, adapter, group.clone()].into_iter().try_for_each(|path| self.folder(path))?;
        write(&group.join("nexus"), &format!("naa.60014050{seed:08x}"))?;
        for (number, backstore) in backstores.iter().enumerate() {
            let unit = group.join(format!("lun/lun_{number}"));
            self.folder(unit.clone())?;
            let link = unit.join("backstore");
            std::os::unix::fs::symlink(&backstore.folder, &link)
                .map_err(TcmuError::file("link", &link))?;
            self.made.push(Made::Link(link));
        }
        Ok(())
    }

    /// Makes a folder, unless it is there.
    fn folder(&mut self, path: PathBuf) -> Result<(), TcmuError> {
        match fs::create_dir(&path) {
            Ok(()) => self.made.push(Made::Folder(path)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(TcmuError::file("make", &path)(error)),
        }
        Ok(())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        for made in self.made.drain(..).rev() {
            let (path, removed) = match made {
                Made::Folder(path) => (path.clone(), fs::remove_dir(path)),
                Made::Link(path) => (path.clone(), fs::remove_file(path)),
            };
            if let Err(error) = removed {
                tracing::warn!(%error, "{} was not removed", path.display());
            }
        }
    }
}

fn write(path: &Path, text: &str) -> Result<(), TcmuError> {
    fs::write(path, text).map_err(TcmuError::file("write to", path))
}

/// The device that the kernel made for a backstore.
fn find_device(name: &str) -> Result<(PathBuf, NonZeroUsize), TcmuError> {
    let listed = fs::read_dir(UIO).map_err(TcmuError::file("list", Path::new(UIO)))?;
    for entry in listed.filter_map(Result::ok) {
        let text = |file: &str| fs::read_to_string(entry.path().join(file)).unwrap_or_default();
        if !text("name").trim_end().ends_with(&format!("/{name}")) {
            continue;
        }
        let size = text("maps/map0/size");
        let size = usize::from_str_radix(size.trim().trim_start_matches("0x"), 16).unwrap_or(0);
        if let Some(size) = NonZeroUsize::new(size) {
            return Ok((Path::new("/dev").join(entry.file_name()), size));
        }
    }
    Err(TcmuError::NoDevice { name: name.to_owned() })
}
