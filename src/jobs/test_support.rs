//! What the tests of this folder share: an appliance in a temporary folder, on a virtual library.
//!
//! Everything is real but the devices and the clock: equipment, catalog, keys and runner are those of
//! the product. [`TestAppliance::restart`] is what a restart of the process is; the library, its cartridges and
//! the data folder outlive it. A wait that lasts too long ends the test and shows the commands.

use std::collections::BTreeMap;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use sha2::Digest as _;
use tempfile::TempDir;

use super::context::{JobContext, Live};
use super::equipment::{DriveBay, Equipment};
use super::pool;
use super::spec::{
    BackupMode, BackupSpec, Compression, EraseConsent, Existing, FormatSpec, Hooks,
    MissingCartridge, Priority, RestoreSelection, RestoreSpec,
};
use super::{Folders, JobEnd, JobSpec, JobState, Parts, Runner, Streaming, TakeUp};
use crate::catalog::{Catalog, OpenCheck};
use crate::changer::Changer;
use crate::domain::{
    Barcode, ByteCount, Clock, GIB, JobId, MIB, RunId, SetName, Sha256Digest, VirtualClock,
};
use crate::drive::ReservationKey;
use crate::keys::KeyStore;
use crate::pools::{Encryption, KeyPlace};
use crate::stream::StreamConfig;
use crate::vtl::{LibraryPlan, OpenOptions, VirtualLibrary};

/// A job that works longer than this hangs.
const WAIT_MAX: Duration = Duration::from_secs(120);
/// Commands shown when one hangs.
const COMMANDS_SHOWN: usize = 60;
/// An hour: no two jobs of a test begin at the same moment.
const BETWEEN_JOBS: Duration = Duration::from_secs(3600);

/// An appliance with a practice library.
pub(crate) struct TestAppliance {
    pub(crate) library: VirtualLibrary,
    pub(crate) clock: Arc<VirtualClock>,
    folder: TempDir,
    running: Option<Running>,
}

struct Running {
    parts: Arc<Parts>,
    runner: Arc<Runner>,
    changes: Arc<Changes>,
}

/// Counts what changed, so that a test can wait for the next change.
#[derive(Default)]
struct Changes {
    count: Mutex<u64>,
    changed: Condvar,
}

impl TestAppliance {
    /// `count` cartridges `FSP001L9` …, none of them formatted, of which the data partition has
    /// `data_mib` MiB and the index partition 32 MiB.
    pub(crate) fn new(count: u16, data_mib: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(VirtualClock::default());
        let plan = LibraryPlan::practice(count, ByteCount((data_mib + 32) * MIB));
        let options = OpenOptions::for_tests(clock.clone());
        let library =
            VirtualLibrary::create_with(&folder.path().join("library"), &plan, options).unwrap();
        let mut appliance = Self { library, clock, folder, running: None };
        appliance.start();
        appliance
    }

    /// As [`new`](Self::new), with every cartridge formatted.
    pub(crate) fn formatted(count: u16, data_mib: u64) -> Self {
        let appliance = Self::new(count, data_mib);
        for number in 1..=count {
            appliance.format(&barcode(number));
        }
        appliance
    }

    fn start(&mut self) {
        let clock: Arc<dyn Clock> = self.clock.clone();
        let data = self.folder.path().join("data");
        // Shown with a test that fails, and with no other.
        let log = tracing_subscriber::fmt().with_test_writer().with_ansi(false);
        let _ = log.try_init();
        std::fs::create_dir_all(&data).unwrap();
        let bays = (0..self.library.drive_count()).map(|index| {
            let library = self.library.clone();
            let connect = Box::new(move || Ok(Box::new(library.open_drive(index)?) as Box<_>));
            DriveBay::discover(connect, &clock).unwrap()
        });
        let changer = Changer::open(Box::new(self.library.changer())).unwrap();
        let stream = StreamConfig {
            ram_bytes: 16 * MIB,
            worker_count: 2,
            clock: clock.clone(),
            ..StreamConfig::default()
        };
        let keys = KeyStore::open_or_create(&data.join("keys"), self.clock.as_ref()).unwrap();
        let key = ReservationKey(keys.key_id().number());
        let parts = Arc::new(Parts {
            catalog: Catalog::open(&data.join("catalog.db"), OpenCheck::WhenDue).unwrap(),
            equipment: Equipment::new(Some(changer), bays.collect(), key, clock.clone()),
            keys: Arc::new(keys),
            clock,
            folders: Folders::below(&data),
            machine: std::sync::OnceLock::new(),
            streaming: Streaming::new(stream, BTreeMap::new()),
            host: "test".to_owned(),
            elsewhere: Vec::new(),
        });
        let changes = Arc::new(Changes::default());
        let changed = {
            let changes = Arc::clone(&changes);
            Arc::new(move || {
                *changes.count.lock() += 1;
                changes.changed.notify_all();
            })
        };
        let runner = Runner::start(Arc::clone(&parts), changed, TakeUp::Going).unwrap();
        self.running = Some(Running { parts, runner, changes });
    }

    /// Brings every job to its next safe point and ends the process, so to speak.
    pub(crate) fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.runner.stop();
        }
    }

    /// Ends and starts again; interrupted jobs go on.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.start();
    }

    /// As [`restart`](Self::restart), with everything in the data folder lost whose name begins with `lost`.
    pub(crate) fn restart_without(&mut self, lost: &str) {
        self.stop();
        for entry in std::fs::read_dir(self.folder.path().join("data")).unwrap() {
            let path = entry.unwrap().path();
            if !path.file_name().unwrap().to_string_lossy().starts_with(lost) {
                continue;
            }
            if path.is_dir() {
                std::fs::remove_dir_all(&path).unwrap();
            } else {
                std::fs::remove_file(&path).unwrap();
            }
        }
        self.start();
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("the appliance runs")
    }

    pub(crate) fn runner(&self) -> &Arc<Runner> {
        &self.running().runner
    }

    pub(crate) fn parts(&self) -> &Arc<Parts> {
        &self.running().parts
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.parts().catalog
    }

    /// A job at work outside of the runner.
    pub(crate) fn context(&self, job: JobId) -> JobContext {
        let live = Live::new(Arc::default(), false, Priority::default());
        JobContext { parts: Arc::clone(self.parts()), id: job, live, changed: Arc::new(|| {}) }
    }

    /// A folder of this test that the appliance does not use.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    pub(crate) fn submit(&self, spec: &JobSpec) -> JobId {
        self.clock.advance(BETWEEN_JOBS);
        self.runner().submit(spec).unwrap()
    }

    /// Waits until a job has ended, or waits itself for a person.
    pub(crate) fn wait(&self, job: JobId) -> (JobState, JobEnd) {
        self.wait_until(&format!("job {job} ends"), || {
            let record = self.catalog().job(job).unwrap();
            let is_at_rest = record.state.is_final() || record.state == JobState::Waiting;
            let is_at_work = self.runner().progress(job).is_some();
            (is_at_rest && !is_at_work).then(|| {
                let end = record.error.map(|value| serde_json::from_value(value).unwrap());
                (record.state, end.unwrap_or_default())
            })
        })
    }

    /// Waits until `look` finds something; it looks again after each change of a job.
    pub(crate) fn wait_until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let changes = &self.running().changes;
        let begun = Instant::now();
        loop {
            let seen = *changes.count.lock();
            if let Some(found) = look() {
                return found;
            }
            assert!(begun.elapsed() < WAIT_MAX, "waited too long until {what}\n{}", self.log());
            let mut count = changes.count.lock();
            if *count == seen {
                changes.changed.wait_for(&mut count, WAIT_MAX);
            }
        }
    }

    /// The last commands of all devices.
    pub(crate) fn log(&self) -> String {
        let text = self.library.log().to_text();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(COMMANDS_SHOWN)..].join("\n")
    }

    /// What a job told.
    pub(crate) fn told(&self, job: JobId) -> String {
        let events = self.catalog().events_after(0, Some(job), 1000).unwrap();
        let lines: Vec<String> = events
            .iter()
            .map(|event| format!("{} {}", event.event.code, event.event.message))
            .collect();
        lines.join("\n")
    }

    /// Runs a job that must complete.
    pub(crate) fn complete(&self, spec: &JobSpec) -> JobEnd {
        let job = self.submit(spec);
        let (state, end) = self.wait(job);
        let told = self.told(job);
        assert_eq!(state, JobState::Completed, "{spec:?}\n{end:#?}\n{told}\n{}", self.log());
        end
    }

    pub(crate) fn format(&self, barcode: &Barcode) {
        let spec = FormatSpec {
            barcode: barcode.clone(),
            volume_name: None,
            erase: EraseConsent::BlankOnly,
        };
        self.complete(&JobSpec::Format(spec));
    }

    /// Makes an encrypted pool, with a kit that was confirmed; returns the kit's text.
    pub(crate) fn encrypted_pool(&self, name: &str) -> String {
        self.encrypted_pool_by(name, Encryption::Sealed)
    }

    /// As [`encrypted_pool`](Self::encrypted_pool), encrypted in that way.
    pub(crate) fn encrypted_pool_by(&self, name: &str, encryption: Encryption) -> String {
        let parts = self.parts();
        let (ring, now) = (parts.keys.ring(), parts.clock.now());
        let kit = ring.kit_to_print(now).unwrap();
        let text = kit.text().to_string();
        let groups: Vec<&str> = text.split('-').collect();
        let asked = crate::keys::asked_groups(kit.public().id());
        let typed: Vec<String> = asked.map(|number| groups[number - 1].to_owned()).into();
        ring.confirm_kit(&typed, now).unwrap();
        pool::create(parts, name.parse().unwrap(), encryption, KeyPlace::Appliance).unwrap();
        text
    }

    /// Backs `path` up in full and returns the run.
    pub(crate) fn backup(&self, path: &Path, set: &str) -> RunId {
        let end = self.complete(&JobSpec::Backup(backup_spec(path, set)));
        end.outcome.unwrap().run.unwrap()
    }

    /// Takes a cartridge out of the library.
    pub(crate) fn take_out(&self, barcode: &Barcode) {
        self.library.eject(barcode.as_str()).unwrap();
    }

    /// Puts it back.
    pub(crate) fn put_in(&self, barcode: &Barcode) {
        self.library.insert(barcode.as_str(), crate::vtl::Entrance::Slot).unwrap();
    }
}

impl Drop for TestAppliance {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The barcode of the practice library's cartridge with that number, from 1.
pub(crate) fn barcode(number: u16) -> Barcode {
    format!("FSP{number:03}L9").parse().unwrap()
}

/// A full backup of one path, without compression.
pub(crate) fn backup_spec(path: &Path, set: &str) -> BackupSpec {
    BackupSpec {
        set: set.parse::<SetName>().unwrap(),
        paths: vec![path.to_owned()],
        mode: BackupMode::Full,
        exclude: Vec::new(),
        compression: Compression::None,
        cartridges: Vec::new(),
        copies: None,
        pool: None,
        index_interval: ByteCount(GIB),
        hooks: Hooks::default(),
        priority: Priority::default(),
    }
}

/// A restore of `paths` of a run, of everything if there are none.
pub(crate) fn restore_spec(run: &RunId, paths: &[&Path], destination: &Path) -> RestoreSpec {
    let paths = paths.iter().map(|path| path.to_path_buf()).collect();
    RestoreSpec {
        selection: RestoreSelection { run: run.clone(), paths },
        destination: destination.to_owned(),
        existing: Existing::Keep,
        missing: MissingCartridge::Wait,
        priority: Priority::default(),
    }
}

/// Bytes that do not compress, and differ by `seed`.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_be_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Writes a file, with the folders above it.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Everything that can be seen of what is below a folder, by path.
pub(crate) fn tree_of(top: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut first_names = BTreeMap::new();
    let mut waiting = vec![top.to_owned()];
    while let Some(folder) = waiting.pop() {
        let mut paths: Vec<PathBuf> =
            std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let below = path.strip_prefix(top).unwrap().to_owned();
            let metadata = path.symlink_metadata().unwrap();
            let kind = metadata.file_type();
            let content = if kind.is_symlink() {
                format!("-> {:?}", std::fs::read_link(&path).unwrap())
            } else if kind.is_dir() {
                waiting.push(path.clone());
                "folder".to_owned()
            } else if kind.is_fifo() || kind.is_socket() {
                format!("{kind:?}")
            } else {
                let bytes = std::fs::read(&path).unwrap();
                let digest = Sha256Digest(sha2::Sha256::digest(&bytes).into());
                format!("{} bytes {digest}", bytes.len())
            };
            let mut line = format!(
                "{content} {:o} {}:{} {}.{:09}",
                metadata.mode(),
                metadata.uid(),
                metadata.gid(),
                metadata.mtime(),
                metadata.mtime_nsec()
            );
            if metadata.nlink() > 1 && kind.is_file() {
                let inode = (metadata.dev(), metadata.ino());
                let first = first_names.entry(inode).or_insert_with(|| below.clone());
                line.push_str(&format!(" = {}", first.display()));
            }
            for name in xattr::list(&path).into_iter().flatten() {
                let value = xattr::get(&path, &name).unwrap().unwrap_or_default();
                line.push_str(&format!(" {name:?}={}", hex::encode(value)));
            }
            found.insert(below, line);
        }
    }
    found
}
