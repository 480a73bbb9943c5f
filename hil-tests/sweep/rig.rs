//! A library and a host in a folder, before anything is disturbed and while it is.
//!
//! ```text
//! <folder>/files/           what is backed up; the same for every point
//! <folder>/base/            library and host as prepared
//! <folder>/case/library     the library of this point
//! <folder>/case/host        everything that this host has on its disk, restored files too
//! <folder>/case/image       the crash image, from the cut until the next life
//! <folder>/disks/           with --disk: the host's disk, which is mounted at case/host, and its crash image
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fossilsafe::catalog::JobState;
use fossilsafe::domain::{ByteCount, JobId, MIB, VirtualClock};
use fossilsafe::jobs::{JobEnd, JobSpec};
use fossilsafe::keys::DriveKey;
use fossilsafe::vtl::{LibraryPlan, OpenOptions, VirtualLibrary};

use crate::claims::{Claims, claims};
use crate::disk::Disk;
use crate::host::{Ended, Failed, Host, at};
use crate::image;
use crate::scenarios::CARTRIDGES;
use crate::wire::{Strike, Wire};

/// MiB of a cartridge's index partition.
const INDEX_MIB: u64 = 32;

pub(crate) struct Rig {
    folder: PathBuf,
    clock: Arc<VirtualClock>,
    library: Option<VirtualLibrary>,
    host: Option<Host>,
    /// What a catalog claimed that was thrown away on purpose.
    pub(crate) disowned: Claims,
    /// What drives need to read tapes that a drive has encrypted.
    pub(crate) drive_keys: Vec<DriveKey>,
    /// The disk that is the host's alone.
    disk: Option<Disk>,
}

/// What the host keeps its files on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// A folder of the machine's own file system.
    Folder,
    /// A disk of its own.
    Disk,
}

impl Keeping {
    /// What a power cut takes, for a report.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Folder => "a power cut takes nothing that the host has written",
            Self::Disk => "a power cut takes what the host has not synced",
        }
    }
}

impl Rig {
    /// A new library and a host that runs.
    pub(crate) fn new(folder: &Path, data_mib: u64, keeping: Keeping) -> Result<Self, Failed> {
        image::remove(folder).map_err(at(folder))?;
        let mut rig = Self::closed(folder, keeping);
        std::fs::create_dir_all(rig.host_folder())?;
        rig.disk.as_ref().map_or(Ok(()), Disk::make)?;
        let plan = LibraryPlan::practice(CARTRIDGES, ByteCount((data_mib + INDEX_MIB) * MIB));
        let options = OpenOptions::for_tests(rig.clock.clone());
        rig.library = Some(VirtualLibrary::create_with(&rig.library_folder(), &plan, options)?);
        rig.boot()?;
        Ok(rig)
    }

    fn closed(folder: &Path, keeping: Keeping) -> Self {
        let disk = Disk::new(&folder.join("disks"), &folder.join("case/host"));
        Self {
            folder: folder.to_owned(),
            clock: Arc::new(VirtualClock::default()),
            library: None,
            host: None,
            disowned: Claims::new(),
            drive_keys: Vec::new(),
            disk: (keeping == Keeping::Disk).then_some(disk),
        }
    }

    /// Puts what is there away as the base of all points.
    pub(crate) fn keep_as_base(mut self) -> Result<(), Failed> {
        self.close();
        self.disk.as_ref().map_or(Ok(()), Disk::keep_as_base)?;
        image::copy(&self.folder.join("case"), &self.folder.join("base"))?;
        Ok(())
    }

    /// The base again, with a host that is open and takes no job up yet.
    pub(crate) fn again(folder: &Path, keeping: Keeping) -> Result<Self, Failed> {
        let mut rig = Self::closed(folder, keeping);
        let case = folder.join("case");
        image::remove(&case).map_err(at(&case))?;
        image::copy(&folder.join("base"), &case)?;
        rig.disk.as_ref().map_or(Ok(()), Disk::again)?;
        let options = OpenOptions::for_tests(rig.clock.clone());
        rig.library = Some(VirtualLibrary::open(&rig.library_folder(), options)?);
        // No two points live at the same moment, and none of them when the base was made.
        rig.clock.advance(std::time::Duration::from_secs(30 * 86_400));
        rig.open_host()?;
        Ok(rig)
    }

    /// A folder that is neither the host's nor the library's.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf, Failed> {
        let path = self.folder.join("files").join(name);
        std::fs::create_dir_all(&path)?;
        Ok(path)
    }

    pub(crate) fn host_folder(&self) -> PathBuf {
        self.folder.join("case/host")
    }

    pub(crate) fn library_folder(&self) -> PathBuf {
        self.folder.join("case/library")
    }

    fn image_folder(&self) -> PathBuf {
        self.folder.join("case/image")
    }

    /// A folder for what is soon thrown away.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.folder.join("case/scratch")
    }

    pub(crate) fn host(&self) -> Result<&Host, Failed> {
        self.host.as_ref().ok_or_else(|| "there is no host".into())
    }

    pub(crate) fn host_mut(&mut self) -> Result<&mut Host, Failed> {
        self.host.as_mut().ok_or_else(|| "there is no host".into())
    }

    pub(crate) fn library(&self) -> Result<&VirtualLibrary, Failed> {
        self.library.as_ref().ok_or_else(|| "there is no library".into())
    }

    fn open_host(&mut self) -> Result<(), Failed> {
        let library = self.library()?.clone();
        let (host, image) = (self.host_folder(), self.image_folder());
        let wire = Wire::new(library.clone(), host, image, self.disk.clone());
        self.host = Some(Host::open(&self.host_folder(), &library, wire, &self.clock)?);
        Ok(())
    }

    fn boot(&mut self) -> Result<(), Failed> {
        self.open_host()?;
        self.host_mut()?.start()
    }

    /// Ends the host in an orderly way.
    pub(crate) fn close_host(&mut self) {
        self.host = None;
    }

    /// Ends host and library in an orderly way: what drives have buffered is on tape.
    pub(crate) fn close(&mut self) {
        self.host = None;
        self.library = None;
    }

    /// After a cut: what is left of the old life ends, and a host is opened on the crash image. It takes
    /// no job up yet. The number of the last command before a power failure comes back.
    pub(crate) fn reborn(&mut self) -> Result<Option<u64>, Failed> {
        let dead = self.host.take().ok_or("there is no host")?;
        let power_failed_at = dead.wire.power_failed_at();
        drop(dead);
        let (image, host) = (self.image_folder(), self.host_folder());
        match &self.disk {
            None => {
                image::remove(&host).map_err(at(&host))?;
                std::fs::rename(&image, &host).map_err(at(&image))?;
            }
            Some(disk) => {
                if !disk.begin_anew()? {
                    image::empty(&host).map_err(at(&host))?;
                    image::copy(&image, &host).map_err(at(&image))?;
                    // What the dead process had written is not lost with the power of a later life.
                    disk.sync().map_err(at(&host))?;
                    image::remove(&image).map_err(at(&image))?;
                }
            }
        }
        self.library()?.power_on();
        self.open_host()?;
        Ok(power_failed_at)
    }

    /// Copies the cartridges as they are at this moment, drives' buffers lost, for somebody to read.
    pub(crate) fn copy_library(&self) -> Result<PathBuf, Failed> {
        let copy = self.folder.join("case/copy");
        image::remove(&copy).map_err(at(&copy))?;
        image::copy(&self.library_folder(), &copy)?;
        Ok(copy)
    }

    /// Runs a job that must complete.
    pub(crate) fn complete(&mut self, spec: &JobSpec) -> Result<JobEnd, Failed> {
        let (job, ended) = self.run(spec)?;
        match ended {
            Some(Ended { state: JobState::Completed, end }) => Ok(end),
            other => {
                let told = self.host()?.told(job);
                Err(format!("{} ended with {other:?}\n{told}", spec.title()).into())
            }
        }
    }

    fn run(&mut self, spec: &JobSpec) -> Result<(JobId, Option<Ended>), Failed> {
        let host = self.host()?;
        let job = host.submit(spec)?;
        Ok((job, host.wait(job)?))
    }

    /// Runs a job during which the host is cut off, and begins the next life.
    pub(crate) fn lose_host(&mut self, spec: &JobSpec, strike: Strike) -> Result<(), Failed> {
        self.host()?.wire.arm(vec![strike]);
        match self.run(spec)? {
            (_, None) => self.reborn().map(|_| ()),
            (_, Some(ended)) => Err(format!("the host was not lost: {ended:?}").into()),
        }
    }

    /// The host's disk is lost: a new appliance, with keys of its own.
    pub(crate) fn forget_everything(&mut self) -> Result<(), Failed> {
        self.disown()?;
        image::empty(&self.host_folder())?;
        self.boot()
    }

    /// All but the keys is lost.
    pub(crate) fn forget_catalog(&mut self) -> Result<(), Failed> {
        self.disown()?;
        let (data, kept) = (self.host_folder().join("data"), self.host_folder().join("keys"));
        std::fs::rename(data.join("keys"), &kept)?;
        image::empty(&data)?;
        std::fs::rename(&kept, data.join("keys"))?;
        self.boot()
    }

    fn disown(&mut self) -> Result<(), Failed> {
        self.disowned.extend(claims(self.host()?.catalog())?);
        self.close_host();
        Ok(())
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.close();
        if let Some(Err(error)) = self.disk.as_ref().map(Disk::unmount) {
            eprintln!("sweep: {error}");
        }
    }
}
