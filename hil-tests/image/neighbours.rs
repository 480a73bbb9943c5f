//! Other machines, as the guest sees them: an SSH server, an object store and a receiver of webhooks run here, and the
//! emulated network has them at one address of its own. Nothing else of the world is in that network.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::machine::{free_port, run};
use crate::steps::ensure;

/// Where they are in the guest's network, which has no other machines.
pub(crate) const ADDRESS: &str = "10.0.2.100";
pub(crate) const SSH_PORT: u16 = 22;
pub(crate) const STORE_PORT: u16 = 9000;
pub(crate) const RECEIVER_PORT: u16 = 9100;
/// The object store's only bucket, and who may read it.
pub(crate) const BUCKET: &str = "films";
pub(crate) const ACCESS_KEY: &str = "fossil";
pub(crate) const ACCESS_SECRET: &str = "simple but long";
/// What notices are signed with.
pub(crate) const SIGNING_SECRET: &str = "sixteen or more characters";
/// How long a server may take to start.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long a notice may be on its way.
const NOTICE_LIMIT: Duration = Duration::from_secs(60);

/// All three; ended with the value.
pub(crate) struct Neighbours {
    folder: PathBuf,
    servers: Vec<Child>,
    ssh_port: u16,
    store_port: u16,
    receiver_port: u16,
    notices: Receiver<Notice>,
}

/// One POST that came.
struct Notice {
    headers: Vec<(String, String)>,
    body: String,
}

impl Neighbours {
    /// Starts them, with everything that they need in a folder.
    pub(crate) fn start(folder: &Path) -> Result<Self, String> {
        let receiver = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let receiver_port = receiver.local_addr().map_err(|error| error.to_string())?.port();
        let (sender, notices) = channel();
        std::thread::spawn(move || {
            for stream in receiver.incoming().flatten() {
                if let Some(notice) = taken(stream)
                    && sender.send(notice).is_err()
                {
                    return;
                }
            }
        });
        let (ssh_port, store_port) = (free_port(), free_port());
        let folder = folder.to_owned();
        let servers = Vec::new();
        let mut it = Self { folder, servers, ssh_port, store_port, receiver_port, notices };
        std::fs::create_dir_all(it.objects()).map_err(|error| error.to_string())?;
        it.serve_files()?;
        it.serve_objects()?;
        Ok(it)
    }

    /// What the guest's network has: a port there, and the one here that it leads to.
    pub(crate) fn ports(&self) -> [(u16, u16); 3] {
        [
            (SSH_PORT, self.ssh_port),
            (STORE_PORT, self.store_port),
            (RECEIVER_PORT, self.receiver_port),
        ]
    }

    /// The folder that is the bucket.
    pub(crate) fn objects(&self) -> PathBuf {
        self.folder.join("objects").join(BUCKET)
    }

    /// The fingerprint of the SSH server's key, as its owner reads it there.
    pub(crate) fn fingerprint(&self) -> Result<String, String> {
        let mut list = Command::new("ssh-keygen");
        let said = run(list.args(["-l", "-f"]).arg(self.folder.join("host.pub")))?;
        said.split(' ').nth(1).map(str::to_owned).ok_or(said)
    }

    /// Lets the owner of a key sign in.
    pub(crate) fn let_in(&self, line: &str) -> Result<(), String> {
        let written = std::fs::write(self.folder.join("authorized"), format!("{line}\n"));
        written.map_err(|error| error.to_string())
    }

    /// That a notice has come which is signed with the secret.
    pub(crate) fn has_signed_notice(&self) -> Result<(), String> {
        let notice = self.notices.recv_timeout(NOTICE_LIMIT);
        let Notice { headers, body } = notice.map_err(|_| "no notice has come".to_owned())?;
        let header = |wanted: &str| {
            let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map_or("", |(_, value)| value)
        };
        let mac = Hmac::<Sha256>::new_from_slice(SIGNING_SECRET.as_bytes());
        let mut mac = mac.map_err(|error| error.to_string())?;
        mac.update(header("X-Fossilsafe-Timestamp").as_bytes());
        mac.update(b".");
        mac.update(body.as_bytes());
        let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
        let is_signed = header("X-Fossilsafe-Signature") == signature;
        ensure(is_signed, || format!("{headers:?}\n{body}"))
    }

    fn serve_files(&mut self) -> Result<(), String> {
        let at = |name: &str| self.folder.join(name);
        run(Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(at("host")))?;
        let settings = format!(
            "ListenAddress 127.0.0.1\nPort {}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\n\
             Subsystem sftp internal-sftp\n",
            self.ssh_port,
            at("host").display(),
            at("authorized").display(),
        );
        std::fs::write(at("sshd_config"), settings).map_err(|error| error.to_string())?;
        // Where the server puts those who have not signed in yet.
        std::fs::create_dir_all("/run/sshd").map_err(|error| error.to_string())?;
        let mut server = Command::new("/usr/sbin/sshd");
        server.args(["-D", "-e", "-f"]).arg(at("sshd_config"));
        self.serve(&mut server, self.ssh_port)
    }

    fn serve_objects(&mut self) -> Result<(), String> {
        let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".to_owned());
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut server = Command::new(root.join(target).join("gate-python/bin/rclone"));
        server.args(["serve", "s3", "--config", "/dev/null"]);
        server.args(["--addr", &format!("127.0.0.1:{}", self.store_port)]);
        server.args(["--auth-key", &format!("{ACCESS_KEY},{ACCESS_SECRET}")]);
        self.serve(server.arg(self.folder.join("objects")), self.store_port)
    }

    fn serve(&mut self, server: &mut Command, port: u16) -> Result<(), String> {
        let name = server.get_program().to_string_lossy().into_owned();
        let server = server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = server.spawn().map_err(|error| format!("{name}: {error}"))?;
        self.servers.push(child);
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            ensure(begun.elapsed() < START_LIMIT, || format!("{name} does not start"))?;
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// Reads one POST and says yes to it.
fn taken(mut stream: TcpStream) -> Option<Notice> {
    stream.set_read_timeout(Some(NOTICE_LIMIT)).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim().split_once(": ") {
            Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
            None if line.trim().is_empty() => break,
            // The first line says what is asked for.
            None => {}
        }
    }
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let mut body = vec![0; length?.1.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").ok()?;
    Some(Notice { headers, body: String::from_utf8(body).ok()? })
}
