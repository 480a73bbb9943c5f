//! Engine and gateway as two processes, as an appliance runs them: either is killed, the other goes on.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use crate::tree::{noise, write};

/// How often each service is killed. `FOSSILSAFE_KILLS` asks for more.
const KILLS: u32 = 10;
/// How long an answer may take on a busy machine.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// A service that runs, and what it said when it was ready.
pub(crate) struct Service {
    process: Child,
    said: Value,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Service {
    /// A connection over TLS of a client that believes this certificate (PEM) and no other.
    pub(crate) fn https(
        &self,
        name: &'static str,
        believed: &[u8],
    ) -> StreamOwned<ClientConnection, TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(believed).unwrap()).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(name).unwrap();
        let stream = connect(self.said["https"].as_str().unwrap());
        StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), stream)
    }

    fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.process.id()).unwrap());
        nix::sys::signal::kill(pid, signal).unwrap();
    }
}

/// A folder for both services.
pub(crate) struct Place(tempfile::TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::Builder::new().prefix("fossilsafe-").tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Starts a service and waits until it says that it is ready.
    fn start(&self, arguments: &[&str], environment: &[(&str, &Path)]) -> Service {
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_fossilsafe"))
            .args(arguments)
            .arg("--json")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut text = String::new();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        while !text.ends_with('}') {
            let line = lines.next().unwrap_or_else(|| panic!("it ended:\n{}", self.log()));
            text.push_str(&line.unwrap());
        }
        Service { process, said: serde_json::from_str(&text).unwrap() }
    }

    pub(crate) fn engine(&self) -> Service {
        self.engine_with(&[])
    }

    pub(crate) fn engine_with(&self, environment: &[(&str, &Path)]) -> Service {
        let (data, socket) = (self.path("engine"), self.path("engine.sock"));
        let options = ["--practice-library", "--practice-capacity", "1GiB", "--socket"];
        let data = ["engine", "--data", data.to_str().unwrap()];
        let (sources, gateway) = (self.path("sources.sock"), self.path("gateway.sock"));
        let sources = ["--sources", sources.to_str().unwrap()];
        let gateway = ["--gateway", gateway.to_str().unwrap()];
        let sockets = [&[socket.to_str().unwrap()][..], &sources, &gateway].concat();
        self.start(&[&data[..], &options, &sockets].concat(), environment)
    }

    /// The service that mounts network sources; here it may not, or finds no server.
    pub(crate) fn sources(&self) -> Service {
        let (data, socket) = (self.path("sources"), self.path("sources.sock"));
        let fixed = ["source", "serve", "--data", data.to_str().unwrap(), "--socket"];
        self.start(&[&fixed[..], &[socket.to_str().unwrap()]].concat(), &[])
    }

    pub(crate) fn gateway(&self, options: &[&str]) -> Service {
        let (data, socket) = (self.path("gateway"), self.path("engine.sock"));
        let own = self.path("gateway.sock");
        let fixed = [
            "gateway",
            "--data",
            data.to_str().unwrap(),
            "--engine",
            socket.to_str().unwrap(),
            "--socket",
            own.to_str().unwrap(),
            "--http",
            "127.0.0.1:0",
            "--https",
            "127.0.0.1:0",
        ];
        self.start(&[&fixed[..], options].concat(), &[])
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Runs a command over the engine's own socket; it must succeed.
    pub(crate) fn tell(&self, arguments: &[&str]) -> Value {
        let socket = self.path("engine.sock");
        let said = Command::new(env!("CARGO_BIN_EXE_fossilsafe"))
            .args(arguments)
            .args(["--json", "--server", socket.to_str().unwrap()])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let (out, err) = (&said.stdout, String::from_utf8_lossy(&said.stderr));
        assert!(said.status.success(), "{arguments:?}: {err}\n{}", self.log());
        serde_json::from_slice(out).unwrap()
    }

    /// An API key that opens everything; made over the engine's own socket, so the engine must run.
    fn key(&self) -> String {
        let made = self.tell(&["key", "create", "tests", "--role", "admin"]);
        made["secret"].as_str().unwrap_or_else(|| panic!("no key: {made}")).to_owned()
    }

    /// Makes the first admin over the network; returns the session's cookie.
    fn sign_in(&self, http: &str) -> String {
        let code = std::fs::read_to_string(self.path("engine/setup-code")).unwrap();
        let body =
            json!({ "code": code.trim(), "user": "ada", "password": "four small words together" });
        let (body, head) = (body.to_string(), head(""));
        let request = format!(
            "POST /api/setup HTTP/1.1\r\n{head}Content-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let (status, head, body) = exchange(connect(http), &request);
        assert_eq!(status, 200, "{body}");
        let line = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        line.split(';').next().unwrap().to_owned()
    }

    /// Makes files of these many bytes in all and begins to back them up.
    pub(crate) fn begin_backup(&self, megabytes: u64) -> Value {
        let source = self.path("source");
        for number in 0..megabytes {
            write(&source.join(format!("f{number}")), &noise(number, 1_000_000));
        }
        self.tell(&["cartridge", "format", "FSP001L9"]);
        self.tell(&["backup", source.to_str().unwrap(), "--set", "s", "--detach"])
    }

    pub(crate) fn follow(&self, job: &Value) -> Value {
        self.tell(&["job", "follow", &job["id"].to_string()])
    }
}

pub(crate) fn address(service: &Service) -> String {
    service.said["http"].as_str().unwrap().to_owned()
}

/// Sends a request and reads to the end: status, head, body.
pub(crate) fn exchange(
    mut stream: impl std::io::Read + std::io::Write,
    request: &str,
) -> (u16, String, Value) {
    let mut bytes = Vec::new();
    // One that was refused early, or whose gateway is killed, breaks; what it answered before counts.
    let _ = stream.write_all(request.as_bytes());
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).unwrap_or_default().parse().unwrap_or_default();
    (status, head.to_owned(), serde_json::from_str(body).unwrap_or_default())
}

pub(crate) fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(ANSWER_LIMIT)).unwrap();
    stream
}

fn get(address: &str, path: &str) -> (u16, String, Value) {
    get_as("", address, path)
}

/// The same with an API key.
fn get_as(key: &str, address: &str, path: &str) -> (u16, String, Value) {
    exchange(connect(address), &format!("GET {path} HTTP/1.1\r\n{}\r\n", head(key)))
}

fn head(key: &str) -> String {
    let host = "Host: localhost\r\nConnection: close\r\n";
    match key {
        "" => host.to_owned(),
        key => format!("{host}Authorization: Bearer {key}\r\n"),
    }
}

/// Asks over HTTPS, trusting this certificate alone.
fn version_over_tls(gateway: &Service, trusted: &[u8]) -> (u16, String, Value) {
    let request = "GET /api/version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    exchange(gateway.https("localhost", trusted), request)
}

/// Whether the gateway shows that certificate.
pub(crate) fn is_trusted(gateway: &Service, certificate: &Path) -> bool {
    version_over_tls(gateway, &std::fs::read(certificate).unwrap()).0 == 200
}

#[test]
fn a_gateway_killed_in_the_middle_of_a_backup_leaves_the_job_alone_and_a_new_one_shows_it() {
    let place = Place::new();
    let _engine = place.engine();
    let gateway = place.gateway(&[]);
    let key = place.key();
    let job = place.begin_backup(60);
    let path = format!("/api/jobs/{}", job["id"]);
    let before = get_as(&key, &address(&gateway), &path);
    assert_eq!((before.0, &before.2["id"]), (200, &job["id"]), "{before:?}");
    drop(gateway);
    let gateway = place.gateway(&[]);
    let after = get_as(&key, &address(&gateway), &path);
    assert_eq!((after.0, &after.2["id"]), (200, &job["id"]), "{after:?}");
    assert_eq!(place.follow(&job)["state"], "completed");
    let events = get_as(&key, &address(&gateway), &format!("{path}/history")).2;
    let text = events.to_string();
    assert!(!text.contains("interrupted") && !text.contains("warning"), "{events:#}");
    assert_eq!(text.matches("the job is running").count(), 1, "{events:#}");
}

#[test]
fn https_works_with_the_certificate_that_was_made_and_it_outlives_the_gateway() {
    let place = Place::new();
    let _engine = place.engine();
    drop(place.gateway(&[]));
    let made = std::fs::read(place.path("gateway/tls/certificate.pem")).unwrap();
    let gateway = place.gateway(&["--hsts"]);
    let (status, head, body) = version_over_tls(&gateway, &made);
    assert_eq!((status, &body["product"]), (200, &json!("fossilsafe")), "{head}");
    assert!(head.contains("strict-transport-security: max-age=31536000"), "{head}");
    let plain = get(&address(&gateway), "/api/version").1;
    assert!(!plain.contains("strict-transport"), "{plain}");
}

#[test]
fn a_gateway_says_when_the_engine_is_away_and_when_a_client_asks_too_much() {
    let place = Place::new();
    let gateway = place.gateway(&["--body-max", "1KB", "--stall-seconds", "1"]);
    let http = address(&gateway);
    let (status, _, problem) = get(&http, "/api/jobs");
    assert_eq!((status, &problem["code"]), (503, &json!("engine_away")));
    let engine = place.engine();
    assert_eq!(get(&http, "/api/jobs").2["code"], "not_signed_in");
    let key = place.key();
    assert_eq!(get_as(&key, &http, "/api/jobs").0, 200);
    let head = head(&key);
    let head = format!("POST /api/backups HTTP/1.1\r\n{head}Content-Type: application/json\r\n");
    let large = exchange(connect(&http), &format!("{head}Content-Length: 5000\r\n\r\n"));
    assert_eq!((large.0, &large.2["code"]), (413, &json!("request_too_large")));
    let slow = exchange(connect(&http), &format!("{head}Content-Length: 50\r\n\r\n{{"));
    assert_eq!((slow.0, &slow.2["code"]), (408, &json!("request_too_slow")), "{slow:?}");
    drop(engine);
    assert_eq!(get(&http, "/api/jobs").2["code"], "engine_away");
    let _engine = place.engine();
    assert_eq!(get_as(&key, &http, "/api/jobs").0, 200, "the key outlives the engine");
    let strict = place.gateway(&["--requests-per-second", "1"]);
    let answers = [(); 8].map(|()| get(&address(&strict), "/api/version").0);
    assert!(answers[..2] == [200, 200] && answers.contains(&429), "{answers:?}");
}

#[test]
fn live_events_go_on_over_a_new_gateway_from_the_last_one_seen() {
    let place = Place::new();
    let _engine = place.engine();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bearer: HeaderValue = format!("Bearer {}", place.key()).parse().unwrap();
    let job = place.tell(&["library", "inventory"]);
    let events = |gateway: &Service, after: i64, until: &str| {
        let http = address(gateway);
        runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(&http).await.unwrap();
            let url = format!("ws://{http}/ws?after={after}");
            let mut request = url.into_client_request().unwrap();
            request.headers_mut().insert("authorization", bearer.clone());
            let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
            let mut ids = Vec::new();
            while let Some(Ok(message)) = socket.next().await {
                let Ok(text) = message.to_text() else { continue };
                let Ok(event) = serde_json::from_str::<Value>(text) else { continue };
                ids.extend(event["id"].as_i64());
                if event["data"]["state"] == until {
                    break;
                }
            }
            ids
        })
    };
    let first = place.gateway(&[]);
    let seen = events(&first, 0, "running");
    assert_eq!(seen.len(), 1, "{seen:?}");
    drop(first);
    let second = place.gateway(&[]);
    let rest = events(&second, seen[0], "completed");
    let history = place.tell(&["job", "show", &job["id"].to_string()]);
    assert!(rest.iter().all(|id| *id > seen[0]) && !rest.is_empty(), "{rest:?} {history:#}");
}

#[test]
fn systemd_is_told_ready_fed_and_told_the_stop() {
    let place = Place::new();
    let told = UnixDatagram::bind(place.path("notify")).unwrap();
    told.set_read_timeout(Some(ANSWER_LIMIT)).unwrap();
    let next = || {
        let mut bytes = [0; 4096];
        let length = told.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let (notify, limit) = (place.path("notify"), PathBuf::from("1500000"));
    let engine =
        place.engine_with(&[("NOTIFY_SOCKET", &notify), ("WATCHDOG_USEC", limit.as_path())]);
    assert_eq!(next(), "STATUS=opening catalog and library\n");
    assert!(next().starts_with("READY=1\n"));
    assert_eq!(next(), "WATCHDOG=1\n");
    let status = next();
    assert!(status.starts_with("STATUS=") && status.contains("0 jobs at work"), "{status}");
    engine.signal(nix::sys::signal::Signal::SIGTERM);
    while next() != "STOPPING=1\n" {}
    while next() != "STATUS=waiting for jobs to reach a safe point\n" {}
}

#[test]
fn an_engine_asks_another_service_to_mount_and_says_when_that_is_away() {
    let place = Place::new();
    let _engine = place.engine();
    let add = |password: &str| {
        let line = format!(
            "echo '{password}' | \"$0\" source add nas --smb //127.0.0.1/photos --port 1 --user ada"
        );
        let socket = place.path("engine.sock");
        let said = Command::new("sh")
            .args([
                "-c",
                &format!("{line} --json --server \"$1\""),
                env!("CARGO_BIN_EXE_fossilsafe"),
            ])
            .arg(socket)
            .output()
            .unwrap();
        String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).into_owned()
    };
    assert!(add("secret words").contains("sources_unavailable"));
    let sources = place.sources();
    let said = add("secret words");
    assert!(said.contains("\"away\"") && said.contains("\"has_password\": true"), "{said}");
    assert!(!said.contains("secret words") && !place.log().contains("secret words"), "{said}");
    let listed = place.tell(&["source", "list"]);
    assert_eq!(listed["items"][0]["path"], "/srv/sources/nas", "{listed}");
    drop(sources);
    let _sources = place.sources();
    assert_eq!(place.tell(&["source", "list"])["items"][0]["has_password"], true, "it is kept");
    place.tell(&["source", "remove", "nas"]);
    assert_eq!(place.tell(&["source", "list"])["items"].as_array().unwrap().len(), 0);
}

#[test]
fn engine_and_gateway_killed_at_random_lose_no_job_and_invent_no_state() {
    let kills = std::env::var("FOSSILSAFE_KILLS").ok().and_then(|text| text.parse().ok());
    let place = Place::new();
    let (mut engine, mut gateway) = (Some(place.engine()), Some(place.gateway(&[])));
    place.tell(&["cartridge", "format", "FSP002L9"]);
    let key = place.key();
    let cookie = place.sign_in(&address(gateway.as_ref().unwrap()));
    let first = place.begin_backup(20);
    let mut accepted = vec![first["id"].as_i64().unwrap()];
    for kill in 0..kills.unwrap_or(KILLS) {
        let http = address(gateway.as_ref().unwrap());
        // A set has one backup at a time, and these sets wait for a cartridge once the only one is taken.
        let set = format!("t{kill}");
        let task = match kill % 2 {
            0 => vec!["library", "inventory", "--detach"],
            _ => vec!["backup", "/usr/share/common-licenses", "--set", &set, "--detach"],
        };
        accepted.push(place.tell(&task)["id"].as_i64().unwrap());
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    // Whatever is killed under it, an answer is whole or none.
                    if let Ok(stream) = TcpStream::connect(&http) {
                        let head = head(&key);
                        exchange(stream, &format!("GET /api/jobs HTTP/1.1\r\n{head}\r\n"));
                    }
                }
            });
            let fraction = (f64::from(kill) * 0.618_033_988_75).fract();
            std::thread::sleep(Duration::from_millis(400).mul_f64(fraction));
            drop(gateway.take());
            drop(engine.take());
            is_over.store(true, Ordering::Relaxed);
        });
        engine = Some(place.engine());
        gateway = Some(place.gateway(&[]));
    }
    let http = address(gateway.as_ref().unwrap());
    for id in &accepted {
        let (status, _, job) = get_as(&key, &http, &format!("/api/jobs/{id}"));
        assert_eq!((status, job["id"].as_i64()), (200, Some(*id)), "job {id} is lost: {job}");
    }
    let listed = get_as(&key, &http, "/api/jobs?limit=1000").2["items"].as_array().unwrap().len();
    // The two formats are jobs too; nothing else was asked for.
    assert_eq!(listed, accepted.len() + 2);
    assert_eq!(place.follow(&first)["state"], "completed");
    let request = format!("GET /api/auth/session HTTP/1.1\r\n{}Cookie: {cookie}\r\n\r\n", head(""));
    let session = exchange(connect(&http), &request);
    assert_eq!((session.0, &session.2["user"]), (200, &json!("ada")), "{session:?}");
    assert_eq!(place.tell(&["audit", "verify"])["is_whole"], true);
    assert_eq!(place.tell(&["catalog", "check"])["is_sound"], true);
    assert_eq!(place.tell(&["evidence", "--set", "s"])["is_complete"], true);
    drop(engine);
}
