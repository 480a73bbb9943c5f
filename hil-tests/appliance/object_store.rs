//! Buckets of SeaweedFS, a store with many machines in mind that here has one. It copies parts of objects, which
//! rclone does not, and signs, lists and answers in its own way.

use std::fs;
use std::io::{self, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::machine::{Machine, free_address};
use crate::sources::{Source, fill};

/// How long the store may take to start.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How often it is started anew, elsewhere: a store that does not start is no finding about us.
const STARTS_MAX: u32 = 3;
/// More than is copied in one go.
const LARGE_BYTES: u64 = (256 << 20) + 77;

/// The store, with one bucket `films`; ended with the value.
struct Store {
    process: Child,
    address: String,
    /// Where it listens besides, whatever TMPDIR says; it leaves them behind.
    sockets: Vec<PathBuf>,
}

fn program() -> PathBuf {
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".to_owned());
    Path::new(env!("CARGO_MANIFEST_DIR")).join(target).join("gate-python/bin/weed")
}

impl Store {
    fn start(folder: &Path) -> Self {
        for n in 1..=STARTS_MAX {
            match Self::start_once(&folder.join(n.to_string())) {
                Ok(store) => return store,
                Err(log) => eprintln!("the store does not start:\n{log}"),
            }
        }
        panic!("the store does not start");
    }

    /// Starts it, or gives what it said.
    fn start_once(folder: &Path) -> Result<Self, String> {
        fs::create_dir_all(folder).unwrap();
        let people = folder.join("people.json");
        let keys = json!([{ "accessKey": "fossil", "secretKey": "simple" }]);
        let ada = json!({ "name": "ada", "credentials": keys, "actions": ["Admin"] });
        fs::write(&people, json!({ "identities": [ada] }).to_string()).unwrap();
        let port = || free_address().rsplit_once(':').unwrap().1.to_owned();
        // Without a port of its own for its other protocol each service takes the one 10,000 above.
        let services = ["master", "volume", "filer", "s3"].map(|name| (name, port(), port()));
        let mut command = Command::new(program());
        command.arg(format!("-logdir={}", folder.display()));
        command.args(["server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3"]);
        for (name, http, grpc) in &services {
            command.arg(format!("-{name}.port={http}")).arg(format!("-{name}.port.grpc={grpc}"));
        }
        command.args(["-s3.port.iceberg=0", "-s3.port.lance=0", "-volume.preStopSeconds=0"]);
        command.args(["-master.electionTimeout=1s", "-master.volumeSizeLimitMB=512"]);
        command.arg("-master.telemetry=false");
        command.arg(format!("-s3.config={}", people.display()));
        command.arg(format!("-dir={}", folder.display()));
        let sockets = services.iter().flat_map(|(name, http, grpc)| {
            [format!("{name}-{http}"), format!("{name}-grpc-{grpc}")]
                .map(|name| PathBuf::from(format!("/tmp/seaweedfs-{name}.sock")))
        });
        let sockets = sockets.collect();
        let [(_, http, grpc), .., (_, s3, _)] = services;
        let (master, address) = (format!("127.0.0.1:{http}.{grpc}"), format!("127.0.0.1:{s3}"));
        let log = folder.join("store.log");
        command.stderr(fs::File::create(&log).unwrap());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let process = command.spawn().unwrap_or_else(|error| {
            panic!("there is no SeaweedFS, run scripts/gate-python: {error}")
        });
        let mut store = Self { process, address, sockets };
        let begun = Instant::now();
        while TcpStream::connect(&store.address).is_err() || !made_bucket(&master, folder) {
            if store.process.try_wait().unwrap().is_some() || begun.elapsed() > START_LIMIT {
                return Err(fs::read_to_string(&log).unwrap());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(store)
    }
}

fn made_bucket(master: &str, folder: &Path) -> bool {
    let mut shell = Command::new(program());
    shell.arg(format!("-logdir={}", folder.display()));
    shell.args(["shell", "-master", master]).stdin(Stdio::piped());
    let mut shell = shell.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let orders = b"s3.bucket.create -name films\ns3.bucket.list\n";
    let _ = shell.stdin.take().unwrap().write_all(orders);
    let said = shell.wait_with_output().unwrap();
    String::from_utf8_lossy(&said.stdout).contains("films")
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        for socket in &self.sockets {
            let _ = fs::remove_file(socket);
        }
    }
}

/// A program that is started while a file is written has its descriptor for a moment, and closes it.
fn written_while_programs_start(folder: &Path) {
    let path = folder.join("minutes.txt");
    let mut file = fs::File::create(&path).unwrap();
    for line in ["begun\n", "and ended\n"] {
        let started = Command::new("true").status().unwrap();
        assert!(started.success());
        file.write_all(line.as_bytes()).unwrap();
    }
    drop(file);
    assert_eq!(fs::read_to_string(&path).unwrap(), "begun\nand ended\n");
    let empty = folder.join("empty");
    drop(fs::File::create(&empty).unwrap());
    assert_eq!(fs::metadata(&empty).unwrap().len(), 0);
    let shell = "{ echo one; env echo two; } > by-shell; exec 3> gone; rm gone; exec 3>&-; ls";
    let said = Command::new("sh").args(["-c", shell]).current_dir(folder).output().unwrap();
    let listed = String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success() && !listed.contains("gone"), "{said:?}");
    assert_eq!(fs::read_to_string(folder.join("by-shell")).unwrap(), "one\ntwo\n");
    for name in ["minutes.txt", "empty", "by-shell"] {
        assert!(listed.contains(name), "no {name} in {listed}");
        fs::remove_file(folder.join(name)).unwrap();
    }
}

/// Goal: another maker's store is a source like any other, and an object that no store copies in one go is put into
/// place whole. Method: files are written through the source, a large one is renamed, all of it goes to tape.
#[test]
fn a_store_of_many_machines_takes_large_objects_and_gives_all_of_them_to_tape() {
    let machine = Machine::start("256MiB");
    let store = Store::start(&machine.folder().join("store"));
    let source = Source::new(&machine, "weed");
    let address = format!("http://{}/films", store.address);
    let place = ["--s3", &address, "--access-key", "fossil", "--writable"];
    let added = source.add(&place, "simple");
    assert_eq!(added.code, Some(0), "{added:?}");
    let original = machine.folder().join("original");
    fill(&original);
    let path = source.path();
    written_while_programs_start(&path);
    let copied = Command::new("cp").arg("-r").arg(&original).arg(path.join("all")).output();
    let copied = copied.unwrap();
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    let large = machine.folder().join("large");
    let file = fs::File::create(&large).unwrap();
    for (at, bytes) in [(0, "begin"), (LARGE_BYTES / 2, "middle"), (LARGE_BYTES - 3, "end")] {
        file.write_all_at(bytes.as_bytes(), at).unwrap();
    }
    let (part, whole) = (path.join("film.part"), path.join("film.mkv"));
    // Its bytes alone: a store keeps no mode, and refuses to be given one.
    let mut from = fs::File::open(&large).unwrap();
    io::copy(&mut from, &mut fs::File::create(&part).unwrap()).unwrap();
    fs::rename(&part, &whole).unwrap();
    assert!(!part.exists());
    let compared = Command::new("cmp").args([&large, &whole]).output().unwrap();
    assert!(compared.status.success(), "{}", String::from_utf8_lossy(&compared.stderr));
    assert!(!machine.log().contains("copied in one go"), "{}", machine.log());
    fs::remove_file(&whole).unwrap();
    let kept = machine.folder().join("kept");
    fs::create_dir(&kept).unwrap();
    fs::rename(&original, kept.join("all")).unwrap();
    source.round_trip("FSP001L9", &kept);
}
