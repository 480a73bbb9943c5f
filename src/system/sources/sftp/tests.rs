//! Folders over SFTP from a real OpenSSH server on the loopback, and mounted by this kernel. Needs to be root.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::*;
use crate::domain::SourcePath;
use crate::source::conformance;
use crate::source::local::{FileSystems, LocalOptions, LocalSource};
use crate::system::sources::{Keeper, SourceCondition, SourcePlace, SourceSpec, SourcesErrorKind};

/// How long a server may take to start.
const START_TIME: Duration = Duration::from_secs(20);

/// A server that lets the owner of one key in, with everything it needs in a folder of its own.
struct Server {
    child: Option<Child>,
    folder: tempfile::TempDir,
    port: u16,
}

impl Server {
    /// Serves to whoever has the key of the appliance that keeps its sources in `data`.
    fn start(data: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { child: None, folder, port };
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(server.path("host"))
            .status()
            .unwrap();
        assert!(made.success());
        fs::write(server.path("authorized"), own_public_line(data).unwrap()).unwrap();
        let settings = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\n\
             Subsystem sftp internal-sftp\n",
            server.path("host").display(),
            server.path("authorized").display(),
        );
        fs::write(server.path("settings"), settings).unwrap();
        server.run();
        server
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&mut self) {
        // Where the server puts those who have not signed in yet.
        fs::create_dir_all("/run/sshd").unwrap();
        let settings = self.path("settings");
        let mut run = Command::new("/usr/sbin/sshd");
        run.args(["-D", "-e", "-f"]).arg(settings).stderr(Stdio::null());
        self.child = Some(run.spawn().unwrap());
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(began.elapsed() < START_TIME, "the SSH server does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends the server and every connection that it has.
    fn end(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // Each connection has a process of its own, which outlives the one that listens.
        let _ = Command::new("pkill").args(["-P", &child.id().to_string()]).status();
        let _ = child.kill();
        child.wait().unwrap();
    }

    fn place(&self, folder: &Path) -> SftpFolder {
        SftpFolder {
            host: "127.0.0.1".to_owned(),
            port: Some(self.port),
            user: "root".to_owned(),
            folder: folder.to_str().unwrap().to_owned(),
            host_key: None,
        }
    }

    /// The same, with the key that it shows.
    fn confirmed(&self, folder: &Path) -> SftpFolder {
        let mut place = self.place(folder);
        let keys = HostKey::shown_by(&place).unwrap();
        place.host_key = Some(keys[0].fingerprint().to_owned());
        place
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

fn spec(place: SftpFolder) -> SourceSpec {
    SourceSpec { place: SourcePlace::Sftp(place), is_writable: false }
}

fn writable(place: SftpFolder) -> SourceSpec {
    SourceSpec { is_writable: true, ..spec(place) }
}

/// Sources of a test, unmounted at its end.
struct Mounted {
    keeper: Keeper,
    folder: tempfile::TempDir,
}

impl Mounted {
    fn new(data: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { keeper: Keeper::open_below(data, folder.path()).unwrap(), folder }
    }

    fn put(&self, name: &str, place: SftpFolder) -> (SourceCondition, PathBuf) {
        self.put_spec(name, spec(place))
    }

    fn put_spec(&self, name: &str, spec: SourceSpec) -> (SourceCondition, PathBuf) {
        let state = self.keeper.put(&name.parse().unwrap(), spec, None).unwrap();
        assert_eq!(state.reason.is_some(), state.condition == SourceCondition::Away, "{state:?}");
        (state.condition, self.folder.path().join(name))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        self.keeper.end_served();
    }
}

#[test]
fn a_mounted_folder_keeps_the_contract_of_a_source() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let mounted = Mounted::new(data.path());
    conformance::check(|folder| {
        let (condition, path) = mounted.put("nas", server.confirmed(folder));
        assert_eq!(condition, SourceCondition::Mounted);
        let options = LocalOptions {
            roots: vec![path.clone()],
            excludes: Vec::new(),
            file_systems: FileSystems::OfRootsOnly,
        };
        let top = path.as_os_str().as_bytes().strip_prefix(b"/").unwrap();
        let source = LocalSource::open(&options).unwrap();
        (Box::new(source), SourcePath::from_bytes(top).unwrap())
    });
}

#[test]
fn a_large_file_arrives_whole_and_its_number_is_the_same_after_the_next_mount() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let files = tempfile::tempdir().unwrap();
    let content: Vec<u8> =
        (0..5_000_000_u32).flat_map(|at| at.wrapping_mul(at).to_be_bytes()).collect();
    fs::write(files.path().join("film"), &content).unwrap();
    let inode = || {
        let mounted = Mounted::new(data.path());
        let (_, path) = mounted.put("nas", server.confirmed(files.path()));
        assert!(fs::read(path.join("film")).unwrap() == content, "the content differs");
        let refused = fs::write(path.join("new"), "x").unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ReadOnlyFilesystem);
        path.join("film").metadata().unwrap().ino()
    };
    assert_eq!(inode(), inode());
}

#[test]
fn nothing_is_sent_to_a_server_whose_key_nobody_has_confirmed_or_that_has_another() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let files = tempfile::tempdir().unwrap();
    let keeper = Keeper::open_below(data.path(), files.path()).unwrap();
    let name = || "nas".parse().unwrap();
    let unknown = keeper.put(&name(), spec(server.place(files.path())), None).unwrap();
    assert_eq!(unknown.condition, SourceCondition::Away);
    assert_eq!(unknown.shown_host_keys.len(), 1, "{unknown:?}");
    assert!(unknown.public_key.unwrap().starts_with("ssh-ed25519 "));
    let mut other = server.place(files.path());
    other.host_key = Some("SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA".to_owned());
    keeper.put(&name(), spec(other), None).unwrap();
    let error = keeper.mount(&name()).unwrap_err();
    assert_eq!(error.kind(), SourcesErrorKind::HostKey);
    assert!(error.to_string().contains(&unknown.shown_host_keys[0]), "{error}");
}

#[test]
fn refusals_are_told_apart() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let files = tempfile::tempdir().unwrap();
    let connect = |place: &SftpFolder| Sftp::connect(place, None, data.path()).unwrap_err();
    let missing = server.confirmed(&files.path().join("nothing"));
    assert!(matches!(connect(&missing), SourcesError::NoSuchShare { .. }));
    fs::write(server.path("authorized"), "").unwrap();
    let place = server.confirmed(files.path());
    assert!(matches!(connect(&place), SourcesError::SignIn { .. }));
    let mut away = place;
    away.port = Some(1);
    assert!(matches!(connect(&away), SourcesError::NoAnswer { .. }));
}

#[test]
fn a_server_that_was_away_is_read_again_without_a_new_mount() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path());
    let files = tempfile::tempdir().unwrap();
    fs::write(files.path().join("photo"), "1999").unwrap();
    let mounted = Mounted::new(data.path());
    let (_, path) = mounted.put("nas", server.confirmed(files.path()));
    assert_eq!(fs::read(path.join("photo")).unwrap(), b"1999");
    server.end();
    let began = Instant::now();
    while fs::read_dir(&path).is_ok() {
        assert!(began.elapsed() < START_TIME, "a connection outlives its server");
        std::thread::sleep(Duration::from_millis(50));
    }
    server.run();
    let photo = fs::read(path.join("photo"));
    assert_eq!(photo.unwrap(), b"1999");
}

#[test]
fn what_is_written_into_a_folder_is_there_with_its_names_modes_and_times() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let files = tempfile::tempdir().unwrap();
    let there = files.path();
    let mounted = Mounted::new(data.path());
    let (_, here) = mounted.put_spec("nas", writable(server.confirmed(there)));
    let content: Vec<u8> =
        (0..1_000_003_u32).flat_map(|at| at.wrapping_mul(at).to_be_bytes()).collect();
    fs::create_dir(here.join("new")).unwrap();
    fs::write(here.join("new/film"), &content).unwrap();
    assert!(fs::read(there.join("new/film")).unwrap() == content, "the content differs");
    let again = fs::create_dir(here.join("new")).unwrap_err();
    assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    let file = fs::File::options().write(true).open(here.join("new/film")).unwrap();
    let time = std::time::UNIX_EPOCH + Duration::from_secs(900_000_000);
    file.set_modified(time).unwrap();
    file.set_permissions(fs::Permissions::from_mode(0o4640)).unwrap();
    file.set_len(7).unwrap();
    let status = there.join("new/film").metadata().unwrap();
    assert_eq!((status.permissions().mode() & 0o7777, status.len()), (0o4640, 7));
    drop(file);
    let (mine, theirs) = (rustix::fs::statvfs(&here).unwrap(), rustix::fs::statvfs(there).unwrap());
    assert_eq!(mine.f_blocks * mine.f_frsize, theirs.f_blocks * theirs.f_frsize);
    // A folder is renamed, and what is in it goes on being read and written.
    fs::rename(here.join("new"), here.join("old")).unwrap();
    assert_eq!(fs::read(here.join("old/film")).unwrap(), content[..7]);
    fs::write(here.join("old/photo"), "1999").unwrap();
    let taken = rustix::fs::renameat_with(
        rustix::fs::CWD,
        here.join("old/photo"),
        rustix::fs::CWD,
        here.join("old/film"),
        rustix::fs::RenameFlags::NOREPLACE,
    );
    assert_eq!(taken, Err(Errno::EXIST));
    fs::rename(here.join("old/photo"), here.join("old/film")).unwrap();
    assert_eq!(fs::read(there.join("old/film")).unwrap(), b"1999");
    std::os::unix::fs::symlink("film", here.join("old/link")).unwrap();
    fs::hard_link(here.join("old/film"), here.join("old/same")).unwrap();
    assert_eq!(fs::read_link(there.join("old/link")).unwrap(), Path::new("film"));
    assert_eq!(there.join("old/same").metadata().unwrap().nlink(), 2);
    let full = fs::remove_dir(here.join("old")).unwrap_err();
    assert_eq!(full.kind(), io::ErrorKind::DirectoryNotEmpty);
    fs::remove_dir_all(here.join("old")).unwrap();
    assert!(!there.join("old").exists());
}
