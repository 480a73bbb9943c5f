//! Sources that the program reads itself: a bucket and an SFTP folder of a real server on the loopback go to tape and
//! come back. The server is rclone's; what OpenSSH serves is in `system::sources::sftp`.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::catalog_backup;
use crate::machine::{Machine, Said, free_address};
use crate::tree;

/// How long the server may take to start.
const START_LIMIT: Duration = Duration::from_secs(60);
const SECRET: &str = "so, a \"comma\"";

/// A server of a folder; ended with the value.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(protocol: &str, folder: &Path, options: &[&str]) -> Self {
        let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".to_owned());
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let address = free_address();
        let process = Command::new(root.join(target).join("gate-python/bin/rclone"))
            .args(["serve", protocol, "--config", "/dev/null", "--addr", &address])
            .args(options)
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("there is no rclone, run scripts/gate-python: {error}"));
        let server = Self { process, address };
        let begun = Instant::now();
        while TcpStream::connect(&server.address).is_err() {
            assert!(begun.elapsed() < START_LIMIT, "the server does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    fn port(&self) -> &str {
        self.address.rsplit_once(':').unwrap().1
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A source of this test alone, forgotten with the value: sources of one machine share a folder.
pub(crate) struct Source<'m> {
    machine: &'m Machine,
    name: String,
}

impl<'m> Source<'m> {
    pub(crate) fn new(machine: &'m Machine, kind: &str) -> Self {
        Self { machine, name: format!("test-{kind}-{}", std::process::id()) }
    }

    pub(crate) fn path(&self) -> PathBuf {
        Path::new("/srv/sources").join(&self.name)
    }

    pub(crate) fn add(&self, place: &[&str], secret: &str) -> Said {
        let all = [&["source", "add", &self.name][..], place].concat();
        self.machine.ask_with(&all, secret)
    }

    /// All of it to tape and back: the content is the same.
    pub(crate) fn round_trip(&self, barcode: &str, original: &Path) {
        let machine = self.machine;
        machine.format(barcode);
        let path = self.path();
        let job = machine.tell(&["backup", path.to_str().unwrap(), "--set", "away"]);
        assert_eq!(job["state"], "completed", "{job:#}");
        let evidence = machine.evidence("away");
        assert!(evidence.is_complete, "{evidence:?}");
        let back = machine.folder().join("back");
        machine.restore("away", &back);
        same(original, &back.join(path.strip_prefix("/").unwrap()));
        // Nothing has changed: nothing is written again, also after a new mount.
        let unmounted = Command::new("umount").arg("--lazy").arg(&path).status().unwrap();
        assert!(unmounted.success());
        machine.tell(&["source", "mount", &self.name]);
        let job = machine.tell(&["backup", path.to_str().unwrap(), "--set", "away"]);
        assert_eq!(job["outcome"]["files"], 0, "{job:#}");
        let sentence = job["outcome"]["sentence"].as_str().unwrap();
        assert!(sentence.contains("32 unchanged"), "{job:#}");
    }
}

impl Drop for Source<'_> {
    fn drop(&mut self) {
        let said = self.machine.ask(&["source", "remove", &self.name]);
        if !std::thread::panicking() {
            assert_eq!(said.code, Some(0), "{said:?}");
        }
    }
}

pub(crate) fn same(original: &Path, back: &Path) {
    let differs = Command::new("diff").arg("-r").args([original, back]).output().unwrap();
    assert!(differs.status.success(), "{}", String::from_utf8_lossy(&differs.stdout));
}

pub(crate) fn fill(folder: &Path) {
    for number in 0..30_u64 {
        let size = usize::try_from(number * 997).unwrap();
        let name = format!("dir {}/Größe {number}.jpg", number % 3);
        tree::write(&folder.join(name), &tree::noise(number, size));
    }
    tree::write(&folder.join("film.mkv"), &tree::noise(99, 9 * 1024 * 1024 + 17));
    tree::write(&folder.join("50%.txt"), b"half");
}

/// An object store over TLS whose only bucket is `films`, and how it is described.
struct Store {
    server: Server,
    certificate: String,
}

impl Store {
    fn start(machine: &Machine, served: &Path) -> Self {
        let names = vec!["127.0.0.1".to_owned()];
        let certified = rcgen::generate_simple_self_signed(names).unwrap();
        let file = |name: &str, text: String| {
            let path = machine.folder().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let certificate = file("store.pem", certified.cert.pem());
        let key = file("store.key", certified.signing_key.serialize_pem());
        let options = ["--auth-key", "fossil,simple", "--cert", &certificate, "--key", &key];
        let server = Server::start("s3", served, &options);
        Self { server, certificate }
    }

    fn address(&self) -> String {
        format!("https://{}/films", self.server.address)
    }

    fn add(&self, source: &Source<'_>, address: &str, secret: &str, options: &[&str]) -> Said {
        let place = ["--s3", address, "--access-key", "fossil", "--ca", &self.certificate];
        source.add(&[&place[..], options].concat(), secret)
    }
}

#[test]
fn a_bucket_goes_to_tape_and_comes_back() {
    let machine = Machine::start("256MiB");
    let served = machine.folder().join("served");
    let films = served.join("films");
    fill(&films);
    let store = Store::start(&machine, &served);
    let source = Source::new(&machine, "s3");
    let address = store.address();
    let unknown = source.add(&["--s3", &address, "--access-key", "fossil"], "simple");
    assert!(unknown.out.contains("cannot be trusted"), "{unknown:?}");
    let wrong = store.add(&source, &address, "wrong", &[]);
    assert!(wrong.code != Some(0) && wrong.out.contains("does not let"), "{wrong:?}");
    let none = store.add(&source, &format!("{address}-none"), "simple", &[]);
    assert!(none.code != Some(0) && none.out.contains("there is no"), "{none:?}");
    let added = store.add(&source, &address, "simple", &[]);
    assert_eq!(added.code, Some(0), "{added:?}");
    source.round_trip("FSP001L9", &films);
}

#[test]
fn catalog_backups_and_restored_files_go_to_a_bucket() {
    let machine = Machine::start("256MiB");
    let served = machine.folder().join("served");
    std::fs::create_dir_all(served.join("films")).unwrap();
    let store = Store::start(&machine, &served);
    let source = Source::new(&machine, "s3-target");
    let added = store.add(&source, &store.address(), "simple", &["--writable"]);
    assert_eq!(added.code, Some(0), "{added:?}");
    let code = std::fs::read_to_string(machine.data().join("setup-code")).unwrap();
    let setup = json!({ "code": code.trim(), "user": "ada", "password": catalog_backup::PASSWORD });
    let url = machine.url();
    let address = url.strip_prefix("http://").unwrap();
    let answer = catalog_backup::send(address, "/api/setup", "", "", &setup);
    let (cookie, csrf) = catalog_backup::signed_in(&answer);
    let (groups, key) = catalog_backup::kit(address, &cookie, &csrf);
    let path = source.path();
    let to = path.to_str().unwrap();
    let original = machine.folder().join("original");
    fill(&original);
    // More than a part, so that it is put together of several.
    tree::write(&original.join("long film.mkv"), &tree::noise(7, 40 * 1024 * 1024 + 3));
    machine.format("FSP001L9");
    machine.tell(&["backup", original.to_str().unwrap(), "--set", "films"]);
    let mut backup = String::new();
    for _ in 0..2 {
        let job = machine.tell(&["catalog", "backup", "--to", to, "--keep", "1"]);
        assert_eq!(job["state"], "completed", "{job:#}");
        job["outcome"]["destination"].as_str().unwrap().clone_into(&mut backup);
    }
    let listed = machine.tell(&["catalog", "backups", to]);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed:#}");
    assert_eq!(listed["items"][0]["signed"], "own", "{listed:#}");
    let data = machine.folder().join("another");
    let said = catalog_backup::restore(Path::new(&backup), &data, &key, &groups.join(" "));
    assert_eq!(said.code, Some(0), "{said:?}");
    // A store keeps content and names, and the job says what it does not keep.
    let back = path.join("back");
    let job = machine.ask(&["restore", "--set", "films", "--to", back.to_str().unwrap(), "--json"]);
    assert_eq!(job.json()["outcome"]["problems"][0]["state"], "not_exact", "{job:?}");
    let there = served.join("films/back").join(original.strip_prefix("/").unwrap());
    same(&original, &there);
    // What is not there is not taken for an empty folder.
    drop(source);
    let refused = machine.ask(&["restore", "--set", "films", "--to", to, "--json"]);
    assert!(refused.code != Some(0) && refused.err.contains("source_unknown"), "{refused:?}");
    assert!(!path.exists());
}

#[test]
fn a_folder_over_sftp_with_a_password_goes_to_tape_and_comes_back() {
    let machine = Machine::start("256MiB");
    let served = machine.folder().join("served");
    fill(&served.join("photos"));
    let server = Server::start("sftp", &served, &["--user", "ada", "--pass", SECRET]);
    let source = Source::new(&machine, "sftp");
    let place = ["--sftp", "ada@127.0.0.1:/photos", "--port", server.port(), "--with-password"];
    let unknown = source.add(&place, SECRET);
    assert_ne!(unknown.code, Some(0), "{unknown:?}");
    let (_, rest) = unknown.out.split_once("Compare ").expect("it shows the server's key");
    let (key, _) = rest.split_once(' ').unwrap();
    let place = [&place[..], &["--host-key", key]].concat();
    let wrong = source.add(&place, "wrong");
    assert!(wrong.code != Some(0) && wrong.out.contains("does not let"), "{wrong:?}");
    let added = source.add(&place, SECRET);
    assert_eq!(added.code, Some(0), "{added:?}");
    source.round_trip("FSP001L9", &served.join("photos"));
    // Into it too, where that is allowed; its password stays.
    let refused =
        machine.ask(&["restore", "--set", "away", "--to", source.path().to_str().unwrap()]);
    assert_ne!(refused.code, Some(0), "{refused:?}");
    let writable = source.add(&[&place[..], &["--writable", "--keep-password"]].concat(), "");
    assert_eq!(writable.code, Some(0), "{writable:?}");
    let back = source.path().join("back");
    machine.restore("away", &back);
    let below = source.path().strip_prefix("/").unwrap().to_owned();
    std::fs::rename(served.join("photos/back").join(below), machine.folder().join("there"))
        .unwrap();
    std::fs::remove_dir_all(served.join("photos/back")).unwrap();
    same(&served.join("photos"), &machine.folder().join("there"));
    assert!(!machine.log().contains(SECRET), "the password is in the log");
}
