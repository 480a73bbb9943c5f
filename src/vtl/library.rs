//! The virtual library as a whole: its folder, its devices, and what a person does by hand.
//!
//! ```text
//! <folder>/library.json            the plan, and which cartridge is in which element
//! <folder>/faults.json             a fault plan that somebody has put there
//! <folder>/lock                    locked while a process has the library open
//! <folder>/cartridges/<serial>/    one folder a cartridge, see `store`
//! ```
//!
//! Locks: the changer's is taken before a drive's, never after it. The log and the faults have
//! their own, taken last and for a moment.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::VtlError;
use super::changer::{Card, ChangerUnit, Elements};
use super::drive::DriveUnit;
use super::environment::Environment;
use super::faults::{FaultPlan, Faults};
use super::log::{CommandLog, Device, InitiatorId};
use super::plan::{LibraryPlan, OpenOptions, Timing};
use super::store::{Cartridge, Identity, UNFINISHED, read_json, replace_json};
use super::timing::MotionCounters;
use super::transport::VirtualTransport;
use crate::domain::{DriveSerial, LibrarySerial, LtoGeneration, lock_alone};
use crate::scsi::{Transport as _, TransportError};

const RECORD_FILE: &str = "library.json";
/// Faults that a library is opened with, if somebody has put some there.
const FAULTS_FILE: &str = "faults.json";
const LOCK_FILE: &str = "lock";
const CARTRIDGES_FOLDER: &str = "cartridges";

/// An open virtual library. Cheap to clone; it is closed when the last clone and transport is gone.
#[derive(Clone, Debug)]
pub struct VirtualLibrary {
    pub(super) inner: Arc<Library>,
}

/// What the clones and transports share.
#[derive(Debug)]
pub(super) struct Library {
    pub(super) folder: PathBuf,
    pub(super) environment: Arc<Environment>,
    pub(super) drives: Arc<Vec<Mutex<DriveUnit>>>,
    pub(super) changer: Mutex<ChangerUnit>,
    pub(super) log: CommandLog,
    pub(super) has_power: AtomicBool,
    /// Drives that somebody has [opened](VirtualLibrary::open_drive).
    pub(super) opened: Mutex<BTreeSet<usize>>,
    /// Holds the lock while it is open.
    _lock: File,
}

/// Content of `library.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LibraryRecord {
    /// The library as it was made, without its cartridges.
    pub(super) plan: LibraryPlan,
    /// Serial number of the cartridge in each element that has one.
    pub(super) places: BTreeMap<u16, String>,
    /// Number of the next cartridge that is made.
    pub(super) next_cartridge: u32,
    /// Cartridges whose label the scanner cannot read.
    #[serde(default)]
    pub(super) unreadable_labels: BTreeSet<String>,
}

impl LibraryRecord {
    /// Serial number of the changer.
    pub(super) fn serial(&self) -> String {
        format!("FSL{:07X}", self.seed_digits())
    }

    fn drive_serial(&self, index: usize) -> String {
        format!("FS{:06X}{index:02}", self.seed_digits() & 0xFF_FFFF)
    }

    pub(super) fn take_cartridge_serial(&mut self) -> String {
        let number = self.next_cartridge;
        self.next_cartridge += 1;
        format!("{:06X}{number:04}", self.seed_digits() & 0xFF_FFFF)
    }

    /// 28 bits that differ between seeds.
    fn seed_digits(&self) -> u32 {
        crc32fast::hash(&self.plan.seed.to_be_bytes()) & 0x0FFF_FFFF
    }
}

impl VirtualLibrary {
    /// Makes a library in `folder`, which is empty or does not exist, and opens it with the
    /// default options.
    ///
    /// # Errors
    /// [`VtlError::NotEmpty`], [`VtlError::Plan`], or what the file system says.
    pub fn create(folder: &Path, plan: &LibraryPlan) -> Result<Self, VtlError> {
        Self::lay_down(folder, plan)?;
        Self::open(folder, OpenOptions::default())
    }

    /// Makes a library like [`create`](Self::create) and opens it with `options`.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_with(
        folder: &Path,
        plan: &LibraryPlan,
        options: OpenOptions,
    ) -> Result<Self, VtlError> {
        Self::lay_down(folder, plan)?;
        Self::open(folder, options)
    }

    fn lay_down(folder: &Path, plan: &LibraryPlan) -> Result<(), VtlError> {
        plan.ensure_sensible()?;
        fs::create_dir_all(folder).map_err(VtlError::file("make", folder))?;
        let mut entries = fs::read_dir(folder).map_err(VtlError::file("read", folder))?;
        if entries.next().is_some() {
            return Err(VtlError::NotEmpty(folder.to_owned()));
        }
        let cartridges = folder.join(CARTRIDGES_FOLDER);
        fs::create_dir(&cartridges).map_err(VtlError::file("make", &cartridges))?;
        let mut record = LibraryRecord {
            plan: LibraryPlan { cartridges: Vec::new(), ..plan.clone() },
            places: BTreeMap::new(),
            next_cartridge: 1,
            unreadable_labels: BTreeSet::new(),
        };
        for (number, cartridge) in (0_u16..).zip(&plan.cartridges) {
            let serial = record.take_cartridge_serial();
            Cartridge::create(&cartridges, &serial, cartridge)?;
            if number < plan.slots {
                record.places.insert(Elements::slot_address(number), serial);
            }
        }
        // Last: a folder without it is no library, so a cut leaves nothing that looks like one.
        replace_json(&folder.join(RECORD_FILE), &record)
    }

    /// Opens the library in `folder`. Cartridges that were in drives are loaded, as after a power
    /// cycle.
    ///
    /// # Errors
    /// [`VtlError::NotALibrary`], [`VtlError::InUse`], [`VtlError::Damaged`], or what the file
    /// system says.
    pub fn open(folder: &Path, options: OpenOptions) -> Result<Self, VtlError> {
        let file = folder.join(RECORD_FILE);
        if !file.is_file() {
            return Err(VtlError::NotALibrary(folder.to_owned()));
        }
        let lock = take_lock(folder)?;
        let record: LibraryRecord = read_json(&file)?;
        let environment = Arc::new(Environment {
            clock: options.clock,
            timing: options.timing,
            storage: options.storage,
            buffer: options.buffer,
            rules: record.plan.rules,
            faults: Faults::default(),
        });
        let drive = |(index, generation): (usize, &LtoGeneration)| {
            let serial = record.drive_serial(index);
            Mutex::new(DriveUnit::new(Arc::clone(&environment), index, *generation, serial))
        };
        let drives: Vec<_> = record.plan.drives.iter().enumerate().map(drive).collect();
        let drives = Arc::new(drives);
        let cards = read_cards(&folder.join(CARTRIDGES_FOLDER))?;
        let elements = Elements::new(&record.plan, &record.places, &cards);
        let changer =
            ChangerUnit::new(Arc::clone(&environment), Arc::clone(&drives), file, record, elements);
        for (index, drive) in drives.iter().enumerate() {
            let element = changer.elements.get(Elements::drive_address(index));
            if let Some(card) = element.and_then(|element| element.card.as_ref()) {
                drive.lock().insert(&changer.folder_of(&card.serial), Duration::ZERO)?;
            }
        }
        let faults = folder.join(FAULTS_FILE);
        if faults.is_file() {
            environment.faults.set(read_json(&faults)?);
        }
        let inner = Library {
            folder: folder.to_owned(),
            environment,
            drives,
            changer: Mutex::new(changer),
            log: CommandLog::new(options.log),
            has_power: AtomicBool::new(true),
            opened: Mutex::new(BTreeSet::new()),
            _lock: lock,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.inner.folder
    }

    /// A way to the changer.
    #[must_use]
    pub fn changer(&self) -> VirtualTransport {
        self.changer_as(InitiatorId::default())
    }

    /// A way to the changer for one of several initiators.
    #[must_use]
    pub fn changer_as(&self, initiator: InitiatorId) -> VirtualTransport {
        VirtualTransport::new(Arc::clone(&self.inner), Device::Changer, initiator)
    }

    /// A way to a drive, counted from 0.
    ///
    /// # Panics
    /// If there is no such drive; see [`drive_count`](Self::drive_count).
    #[must_use]
    pub fn drive(&self, index: usize) -> VirtualTransport {
        self.drive_as(index, InitiatorId::default())
    }

    /// Opens a drive as its device node is opened on iron: by one at a time.
    ///
    /// # Errors
    /// [`TransportError::System`] while somebody else has it open.
    ///
    /// # Panics
    /// If there is no such drive.
    pub fn open_drive(&self, index: usize) -> Result<VirtualTransport, TransportError> {
        let transport = self.drive(index);
        if self.inner.opened.lock().insert(index) {
            return Ok(transport.closing_at_end());
        }
        Err(TransportError::System {
            device: transport.name().to_owned(),
            command: "open",
            source: std::io::ErrorKind::ResourceBusy.into(),
        })
    }

    /// A way to a drive for one of several initiators.
    ///
    /// # Panics
    /// If there is no such drive.
    #[must_use]
    pub fn drive_as(&self, index: usize, initiator: InitiatorId) -> VirtualTransport {
        assert!(index < self.drive_count(), "virtual library: no drive {index}");
        VirtualTransport::new(Arc::clone(&self.inner), Device::Drive(index), initiator)
    }

    /// Whether commands take time.
    #[must_use]
    pub fn timing(&self) -> Timing {
        self.inner.environment.timing
    }

    /// How many drives there are.
    #[must_use]
    pub fn drive_count(&self) -> usize {
        self.inner.drives.len()
    }

    /// The serial number that a drive reports.
    #[must_use]
    pub fn drive_serial(&self, index: usize) -> Option<DriveSerial> {
        self.inner.drives.get(index).map(|drive| DriveSerial(drive.lock().serial.clone()))
    }

    /// The generation of a drive.
    #[must_use]
    pub fn drive_generation(&self, index: usize) -> Option<LtoGeneration> {
        self.inner.drives.get(index).map(|drive| drive.lock().generation)
    }

    /// The serial number that the changer reports.
    #[must_use]
    pub fn serial(&self) -> LibrarySerial {
        LibrarySerial(self.inner.changer.lock().serial.clone())
    }

    /// The command log.
    #[must_use]
    pub fn log(&self) -> CommandLog {
        self.inner.log.clone()
    }

    /// Replaces the fault plan; its counting begins with the next command.
    pub fn set_faults(&self, plan: FaultPlan) {
        self.inner.environment.faults.set(plan);
    }

    /// Keeps a fault plan in the library's folder: it is at work now and whenever the library is
    /// opened. `None` removes it.
    ///
    /// # Errors
    /// What the file system says.
    pub fn keep_faults(&self, plan: Option<FaultPlan>) -> Result<(), VtlError> {
        let file = self.inner.folder.join(FAULTS_FILE);
        match &plan {
            Some(plan) => replace_json(&file, plan)?,
            None if file.exists() => {
                fs::remove_file(&file).map_err(VtlError::file("remove", &file))?;
            }
            None => {}
        }
        self.set_faults(plan.unwrap_or_default());
        Ok(())
    }

    /// What motion has cost a drive so far.
    #[must_use]
    pub fn motion(&self, index: usize) -> Option<MotionCounters> {
        self.inner.drives.get(index).map(|drive| drive.lock().counters())
    }

    /// Has a drive ask for a cleaning cartridge, until one was in it.
    pub fn request_cleaning(&self, index: usize) {
        if let Some(drive) = self.inner.drives.get(index) {
            drive.lock().request_cleaning();
        }
    }

    /// Puts a TapeAlert flag (1 to 64) of a drive up, until the page is read.
    pub fn raise_tape_alert(&self, index: usize, flag: u8) {
        if let Some(drive) = self.inner.drives.get(index) {
            drive.lock().raise_alert(flag);
        }
    }

    /// The power goes: drives lose what they have buffered, every command finds nobody.
    pub fn power_off(&self) {
        self.inner.power_off();
    }

    /// The power comes back: cartridges in drives are loaded, and initiators are told by a unit
    /// attention unless the fault plan says otherwise.
    pub fn power_on(&self) {
        self.inner.power_on();
    }

    /// The power goes and comes back at once.
    pub fn power_fail(&self) {
        self.inner.power_off();
        self.inner.power_on();
    }

    /// False between [`power_off`](Self::power_off), or a planned power failure, and
    /// [`power_on`](Self::power_on).
    #[must_use]
    pub fn has_power(&self) -> bool {
        self.inner.has_power.load(Ordering::SeqCst)
    }
}

impl Library {
    pub(super) fn power_off(&self) {
        self.has_power.store(false, Ordering::SeqCst);
        // Whoever was in the middle of a command has ended it when its lock is free, and whoever waited
        // for the lock finds no power.
        let is_told = !self.environment.faults.is_power_on_silent();
        self.changer.lock().state.reset(is_told, true);
        self.drives.iter().for_each(|drive| drive.lock().reset(is_told, true));
    }

    fn power_on(&self) {
        self.has_power.store(true, Ordering::SeqCst);
    }
}

impl Drop for Library {
    /// The host is gone, the drives are not: what they have buffered reaches the tape.
    fn drop(&mut self) {
        if self.has_power.load(Ordering::SeqCst) {
            self.drives.iter().for_each(|drive| drive.lock().settle());
        }
    }
}

fn take_lock(folder: &Path) -> Result<File, VtlError> {
    let path = folder.join(LOCK_FILE);
    let lock = File::create(&path).map_err(VtlError::file("open", &path))?;
    match lock_alone(&lock).map_err(VtlError::file("lock", &path))? {
        true => Ok(lock),
        false => Err(VtlError::InUse(folder.to_owned())),
    }
}

/// What all cartridges of a library are, by serial number.
pub(super) fn read_cards(cartridges: &Path) -> Result<BTreeMap<String, Card>, VtlError> {
    let entries = fs::read_dir(cartridges).map_err(VtlError::file("read", cartridges))?;
    let mut cards = BTreeMap::new();
    for entry in entries {
        let folder = entry.map_err(VtlError::file("read", cartridges))?.path();
        if folder.extension().is_some_and(|extension| extension == UNFINISHED) {
            continue;
        }
        let card = Card::from(&Identity::read(&folder)?);
        cards.insert(card.serial.clone(), card);
    }
    Ok(cards)
}
