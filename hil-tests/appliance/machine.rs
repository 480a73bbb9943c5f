//! The real program as a process: started on a folder, told things by its own command line, killed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use fossilsafe::domain::{ByteCount, LtoGeneration};
use fossilsafe::vtl::{
    CartridgePlan, CartridgeSummary, Entrance, LibraryPlan, OpenOptions, Place, VirtualLibrary,
};
use serde_json::Value;

/// How long a start may take on a busy machine before it counts as failed.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long any one command may take.
const COMMAND_LIMIT_SECONDS: u32 = 600;

/// An appliance with a practice library in a folder of its own.
pub(crate) struct Machine {
    folder: tempfile::TempDir,
    capacity: &'static str,
    /// Options of every start beside those that all machines have.
    options: Vec<String>,
    rights: Rights,
    address: String,
    process: Option<Child>,
}

/// What the engine may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rights {
    /// All that who runs the tests may.
    Ours,
    /// As a plain user: permissions of files hold, also if root runs the tests.
    PermissionsHold,
}

/// What a command of the program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// The output of a command that had `--json`.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {}\n{}", self.out, self.err))
    }
}

impl Machine {
    /// A new appliance whose practice cartridges hold `capacity`, started.
    pub(crate) fn start(capacity: &'static str) -> Self {
        Self::start_with(capacity, &[], Rights::Ours)
    }

    /// The same with further options of `fossilsafe run`, and perhaps fewer rights.
    pub(crate) fn start_with(capacity: &'static str, options: &[&str], rights: Rights) -> Self {
        let folder = tempfile::Builder::new().prefix("fossilsafe-").tempdir().unwrap();
        let options = options.iter().map(|&option| option.to_owned()).collect();
        let address = free_address();
        let mut machine = Self { folder, capacity, options, rights, address, process: None };
        machine.boot();
        machine
    }

    /// Where test data can be put.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where its API answers.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where the appliance keeps everything.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts the process and waits until it answers.
    pub(crate) fn boot(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("engine.log"))
            .unwrap();
        let program = env!("CARGO_BIN_EXE_fossilsafe");
        let mut command = match self.rights {
            Rights::PermissionsHold if nix::unistd::geteuid().is_root() => {
                let mut command = Command::new("setpriv");
                command.args(["--bounding-set", "-dac_override,-dac_read_search", program]);
                command
            }
            Rights::PermissionsHold | Rights::Ours => Command::new(program),
        };
        command.arg("run").arg("--data").arg(self.data());
        command.args(["--listen", &self.address, "--practice-capacity", self.capacity]);
        command.args(&self.options).env("XDG_RUNTIME_DIR", self.folder.path());
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.process = Some(command.spawn().unwrap());
        let begun = Instant::now();
        while self.ask(&["job", "list", "--json"]).code != Some(0) {
            let process = self.process.as_mut().unwrap();
            if let Some(status) = process.try_wait().unwrap() {
                panic!("the engine ended with {status}:\n{}", self.log());
            }
            assert!(begun.elapsed() < START_LIMIT, "the engine does not answer:\n{}", self.log());
        }
    }

    /// Ends the process as a power failure does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Ends the process as an administrator does.
    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let pid = nix::unistd::Pid::from_raw(i32::try_from(process.id()).unwrap());
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
            let status = process.wait().unwrap();
            assert!(status.success(), "{status}:\n{}", self.log());
        }
    }

    /// What the engine wrote into its log.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("engine.log")).unwrap_or_default()
    }

    /// Runs one command of the program against the appliance.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Said {
        self.ask_with(arguments, "")
    }

    /// The same with something on its standard input.
    pub(crate) fn ask_with(&self, arguments: &[&str], input: &str) -> Said {
        let mut command = Command::new("timeout");
        command.arg(COMMAND_LIMIT_SECONDS.to_string()).arg(env!("CARGO_BIN_EXE_fossilsafe"));
        command.args(arguments).env("FOSSILSAFE_ENGINE", self.url());
        command.env("XDG_RUNTIME_DIR", self.folder.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        // A command that does not read it has ended before.
        let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
        said(process.wait_with_output().unwrap())
    }

    /// Runs a command that must succeed, and returns its JSON.
    pub(crate) fn tell(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        let said = self.ask(&all);
        assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}\n{}", self.log());
        said.json()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of the engine\n{}", self.log());
        }
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Runs an offline command of the program.
pub(crate) fn offline(arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fossilsafe"));
    said(command.args(arguments).stdin(Stdio::null()).output().unwrap())
}

fn said(output: Output) -> Said {
    Said {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A loopback address that nobody uses now, another one each time. The kernel gives no connection its port: it takes
/// those from 32,768 on, and a server that is slow to start would find it taken.
pub(crate) fn free_address() -> String {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    loop {
        let beside_other_processes = std::process::id().wrapping_mul(64);
        let asked = ASKED.fetch_add(1, Ordering::Relaxed);
        let port = 12_000 + beside_other_processes.wrapping_add(asked) % 20_000;
        let address = format!("127.0.0.1:{port}");
        if TcpListener::bind(&address).is_ok() {
            return address;
        }
    }
}

/// What is proven of the newest run of a set.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// Nothing is missing.
    pub(crate) is_complete: bool,
    /// Files of the table.
    pub(crate) files: u64,
    /// State and how many files have reached just that, weakest first.
    pub(crate) rows: Vec<(String, u64)>,
}

impl Evidence {
    /// Files that have reached `state` or more.
    pub(crate) fn at_least(&self, state: &str) -> u64 {
        let from = self.rows.iter().position(|(name, _)| name == state).unwrap();
        self.rows[from..].iter().map(|(_, files)| files).sum()
    }
}

impl Machine {
    /// Makes an empty volume on a practice cartridge.
    pub(crate) fn format(&self, barcode: &str) {
        let job = self.tell(&["cartridge", "format", barcode]);
        assert_eq!(job["state"], "completed", "{job:#}");
    }

    /// Restores a whole set and insists that all of it came back.
    pub(crate) fn restore(&self, set: &str, to: &Path) {
        let job = self.tell(&["restore", "--set", set, "--to", to.to_str().unwrap()]);
        assert_eq!(job["state"], "completed", "{job:#}");
    }

    /// The evidence table of a set.
    pub(crate) fn evidence(&self, set: &str) -> Evidence {
        let table = self.tell(&["evidence", "--set", set]);
        let row = |row: &Value| {
            (row["state"].as_str().unwrap().to_owned(), row["files"].as_u64().unwrap())
        };
        Evidence {
            is_complete: table["is_complete"].as_bool().unwrap(),
            files: table["files"].as_u64().unwrap(),
            rows: table["rows"].as_array().unwrap().iter().map(row).collect(),
        }
    }

    /// The folder of the practice library.
    pub(crate) fn library_folder(&self) -> PathBuf {
        self.data().join("practice-library")
    }

    /// The practice library, while no engine has it.
    fn library(&self) -> VirtualLibrary {
        assert!(self.process.is_none(), "the engine has the library");
        VirtualLibrary::open(&self.library_folder(), OpenOptions::default()).unwrap()
    }

    /// An LTFS volume made by somebody else on a cartridge with that label, as a dump.
    pub(crate) fn foreign_volume(&self, barcode: &str) -> PathBuf {
        let library = self.folder().join(format!("elsewhere-{barcode}"));
        let plan = LibraryPlan {
            cartridges: vec![CartridgePlan::data(
                barcode.parse().unwrap(),
                LtoGeneration::Lto9,
                ByteCount(256 << 20),
            )],
            seed: 77,
            ..LibraryPlan::practice(0, ByteCount(256 << 20))
        };
        drop(VirtualLibrary::create(&library, &plan).unwrap());
        let folder = library.to_str().unwrap();
        let said = offline(&["ltfs", "format", "--cartridge", barcode, "--library", folder]);
        assert_eq!(said.code, Some(0), "{said:?}");
        let dump = self.folder().join(format!("foreign-{barcode}"));
        let library = VirtualLibrary::open(&library, OpenOptions::default()).unwrap();
        library.export_cartridge(barcode, &dump).unwrap();
        dump
    }

    /// Stops the engine and puts the cartridge of a dump where the one with that label was.
    pub(crate) fn replace(&mut self, barcode: &str, dump: &Path) {
        self.stop();
        let library = self.library();
        library.eject(barcode).unwrap();
        let serial = library.import_cartridge(dump).unwrap();
        library.insert(&serial, Entrance::Slot).unwrap();
    }

    /// Moves the write-protect switch of a cartridge; the engine must be stopped.
    pub(crate) fn protect(&self, barcode: &str) {
        self.library().set_write_protected(barcode, true).unwrap();
    }

    /// Puts a new WORM cartridge into a slot; the engine must be stopped.
    pub(crate) fn add_worm(&self, barcode: &str) {
        let folder = self.library_folder();
        let folder = folder.to_str().unwrap();
        let kind = ["--generation", "LTO-9", "--kind", "worm", "--capacity", "256MiB", "--door"];
        let said = offline(&[&["vtl", "--library", folder, "insert", barcode], &kind[..]].concat());
        assert_eq!(said.code, Some(0), "{said:?}");
    }

    /// Takes a cartridge out of the library, with the engine stopped meanwhile.
    pub(crate) fn take_out(&mut self, barcode: &str) {
        self.stop();
        self.library().eject(barcode).unwrap();
        self.boot();
    }

    /// Puts it back, in the same way.
    pub(crate) fn put_in(&mut self, barcode: &str) {
        self.stop();
        self.library().insert(barcode, Entrance::Slot).unwrap();
        self.boot();
    }

    /// The files that a cartridge is; the engine must be stopped.
    fn cartridge_folder(&self, barcode: &str) -> PathBuf {
        let serial = serial_of(&self.library(), barcode);
        self.library_folder().join("cartridges").join(serial)
    }

    /// Cuts the largest file of a cartridge to half; the engine must be stopped.
    pub(crate) fn cut_cartridge(&self, barcode: &str) {
        let folder = self.cartridge_folder(barcode);
        let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let size = |path: &PathBuf| std::fs::metadata(path).unwrap().len();
        let largest = files.max_by_key(size).unwrap();
        let file = File::options().write(true).open(&largest).unwrap();
        file.set_len(size(&largest) / 2).unwrap();
    }

    /// The partitions of a cartridge as they lie on the disk, also where they are damaged; the engine
    /// must be stopped.
    pub(crate) fn partition_files(&self, barcode: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let files = std::fs::read_dir(self.cartridge_folder(barcode)).unwrap();
        let paths = files.map(|entry| entry.unwrap().path());
        let is_partition = |path: &PathBuf| {
            path.extension().is_some_and(|extension| extension == "data" || extension == "index")
        };
        paths
            .filter(is_partition)
            .map(|path| (path.clone(), std::fs::read(path).unwrap()))
            .collect()
    }

    /// Spoils every index on both partitions of a cartridge; the engine must be stopped.
    pub(crate) fn damage_indexes(&self, barcode: &str) {
        const BEGIN: &[u8] = b"<ltfsindex";
        let folder = self.cartridge_folder(barcode);
        let mut damaged = 0;
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let mut bytes = std::fs::read(&path).unwrap();
            let found: Vec<_> = memchr::memmem::find_iter(&bytes, BEGIN).collect();
            for at in &found {
                bytes[at + 1..at + BEGIN.len()].fill(b'?');
            }
            if !found.is_empty() {
                std::fs::write(&path, bytes).unwrap();
            }
            damaged += found.len();
        }
        assert!(damaged >= 2, "there were {damaged} indexes in {}", folder.display());
    }

    /// Everything on a cartridge as a neutral dump; the engine must be stopped.
    pub(crate) fn export(&self, barcode: &str, folder: &Path) {
        let library = self.library();
        library.export_cartridge(&serial_of(&library, barcode), folder).unwrap();
    }

    /// Checks a volume without the engine: both partitions must end as after a clean close.
    pub(crate) fn assert_consistent(&self, barcode: &str) {
        let library = self.library_folder();
        let said = offline(&[
            "ltfs",
            "check",
            "--cartridge",
            barcode,
            "--library",
            library.to_str().unwrap(),
        ]);
        assert_eq!(said.code, Some(0), "{barcode}: {said:?}");
    }
}

/// The serial number of the cartridge with that label that is in the library.
fn serial_of(library: &VirtualLibrary, barcode: &str) -> String {
    let all = library.cartridges().unwrap();
    let is_it = |c: &&CartridgeSummary| c.barcode.as_str() == barcode && c.place != Place::Shelf;
    all.iter().find(is_it).unwrap().serial.clone()
}
