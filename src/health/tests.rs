//! Notices reach real receivers: a web server over TLS, a mail server process, a UDP socket; and the
//! secrets that go with them are nowhere to be read.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

use super::channel::{ChannelSpec, MailSecurity, Target};
use super::webhook::{REPLAY_WINDOW, signature};
use super::{Health, HealthError, Kind};
use crate::catalog::alerts::{AlertReport, AlertSeverity, DeliveryState};
use crate::domain::{Clock, Secret, VirtualClock};
use crate::keys::KeyRing;

const SECRET: &str = "a secret that nobody may see";

struct Rig {
    health: Arc<Health>,
    clock: Arc<VirtualClock>,
    runtime: Runtime,
    folder: TempDir,
}

impl Rig {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(VirtualClock::default());
        let ring = Arc::new(KeyRing::open_or_create(&folder.path().join("keys")).unwrap());
        let health = Health::open(folder.path(), ring, Arc::clone(&clock) as _, "ark").unwrap();
        let runtime = Runtime::new().unwrap();
        Self { health: Arc::new(health), clock, runtime, folder }
    }

    fn channel(&self, name: &str, target: Target) -> Result<super::Channel, HealthError> {
        let spec =
            ChannelSpec { target, severity_min: AlertSeverity::Warning, events: BTreeSet::new() };
        let secret = Secret::new(SECRET.to_owned());
        self.health.put_channel(name, &spec, Some(&secret), true)
    }

    fn fail(&self, subject: &str) {
        let report = AlertReport {
            kind: Kind::JobFailed.as_str(),
            subject: subject.to_owned(),
            severity: Kind::JobFailed.severity(),
            sentence: format!("Job {subject} failed: the drive is on fire — truly.\r\nBcc: x@y.z"),
            next_step: "Call the fire brigade.".to_owned(),
        };
        self.health.happened(Kind::JobFailed, &report).unwrap();
    }

    fn deliver(&self) -> Duration {
        self.health.deliver_due(&self.runtime)
    }

    /// State and error of each delivery, newest first.
    fn log(&self) -> Vec<(DeliveryState, u32, String)> {
        let all = self.health.deliveries(None, None, 100).unwrap();
        all.into_iter().map(|it| (it.state, it.attempts, it.error.unwrap_or_default())).collect()
    }
}

/// A certificate for 127.0.0.1 that signs itself: certificate and key as PEM.
fn certificate() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let parameters = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    (parameters.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

/// What a receiver does: checks age and signature, and takes no delivery twice.
#[derive(Default)]
struct Receiver {
    taken: Mutex<Vec<(i64, String)>>,
    refused: Mutex<Vec<&'static str>>,
    /// Answers this many with 503 first.
    is_busy_for: Mutex<u32>,
}

impl Receiver {
    fn judge(&self, header: impl Fn(&str) -> String, body: &str, now: i64) -> u16 {
        let mut busy = self.is_busy_for.lock();
        if *busy > 0 {
            *busy -= 1;
            return 503;
        }
        let timestamp: i64 = header("x-fossilsafe-timestamp").parse().unwrap();
        let delivery: i64 = header("x-fossilsafe-delivery").parse().unwrap();
        let window = i64::try_from(REPLAY_WINDOW.as_secs()).unwrap();
        let refusal = if (now - timestamp).abs() > window {
            Some("old")
        } else if signature(SECRET, timestamp, body) != header("x-fossilsafe-signature") {
            Some("forged")
        } else {
            let known = self.taken.lock().iter().any(|(known, _)| *known == delivery);
            known.then_some("again")
        };
        if let Some(refusal) = refusal {
            self.refused.lock().push(refusal);
            return 403;
        }
        self.taken.lock().push((delivery, body.to_owned()));
        204
    }
}

type Recorded = Arc<Mutex<Vec<(Vec<(String, String)>, String)>>>;

/// A web server over TLS; what it was sent, for playing it again; its address and certificate.
fn web_server(rig: &Rig, receiver: &Arc<Receiver>) -> (String, String, Recorded) {
    let (pem, key) = certificate();
    let chain = vec![CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let bound = rig.runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("https://{}/hook?a=b", bound.local_addr().unwrap());
    let (receiver, clock) = (Arc::clone(receiver), Arc::clone(&rig.clock));
    let recorded = Recorded::default();
    let recording = Arc::clone(&recorded);
    rig.runtime.spawn(async move {
        while let Ok((stream, _)) = bound.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let (receiver, clock) = (Arc::clone(&receiver), Arc::clone(&clock));
            let recording = Arc::clone(&recording);
            let service = service_fn(move |request: Request<Incoming>| {
                let (receiver, clock) = (Arc::clone(&receiver), Arc::clone(&clock));
                let recording = Arc::clone(&recording);
                async move {
                    let (head, body) = request.into_parts();
                    assert_eq!(head.uri, "/hook?a=b");
                    let body = body.collect().await.unwrap().to_bytes();
                    let body = String::from_utf8(body.to_vec()).unwrap();
                    let headers: Vec<(String, String)> = head
                        .headers
                        .iter()
                        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                        .collect();
                    let header = |name: &str| head.headers[name].to_str().unwrap().to_owned();
                    let status = receiver.judge(header, &body, clock.now().seconds);
                    recording.lock().push((headers, body));
                    let empty = Full::new(Bytes::new());
                    Ok::<_, std::convert::Infallible>(
                        Response::builder().status(status).body(empty).unwrap(),
                    )
                }
            });
            let server = hyper::server::conn::http1::Builder::new();
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        }
    });
    (url, pem, recorded)
}

#[test]
fn a_webhook_is_signed_is_tried_again_with_longer_pauses_and_is_taken_once() {
    let rig = Rig::new();
    let receiver = Arc::new(Receiver { is_busy_for: Mutex::new(2), ..Receiver::default() });
    let (url, ca_pem, _) = web_server(&rig, &receiver);
    rig.channel("ops", Target::Webhook { url, ca_pem: Some(ca_pem) }).unwrap();
    rig.fail("7");
    assert_eq!(rig.deliver(), Duration::from_secs(30));
    assert!(rig.log()[0].2.contains("503"), "{:?}", rig.log());
    rig.clock.advance(Duration::from_secs(30));
    assert_eq!(rig.deliver(), Duration::from_secs(120));
    rig.clock.advance(Duration::from_secs(120));
    rig.deliver();
    assert_eq!(rig.log(), [(DeliveryState::Delivered, 3, String::new())]);
    let taken = receiver.taken.lock();
    let notice: serde_json::Value = serde_json::from_str(&taken[0].1).unwrap();
    assert_eq!(
        (taken.len(), &notice["event"], &notice["subject"]),
        (1, &"job_failed".into(), &"7".into())
    );
    assert!(receiver.refused.lock().is_empty());
}

#[test]
fn what_was_recorded_on_the_way_is_refused_when_it_is_played_again_late_or_changed() {
    let rig = Rig::new();
    let receiver = Arc::new(Receiver::default());
    let (url, ca_pem, recorded) = web_server(&rig, &receiver);
    rig.channel("ops", Target::Webhook { url, ca_pem: Some(ca_pem) }).unwrap();
    rig.fail("7");
    rig.deliver();
    let (headers, body) = recorded.lock()[0].clone();
    let header = |name: &str| {
        headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap()
    };
    let now = rig.clock.now().seconds;
    assert_eq!(receiver.judge(header, &body, now), 403);
    assert_eq!(receiver.judge(header, &body.replace("fire", "hire"), now), 403);
    let renumbered = |name: &str| match name {
        "x-fossilsafe-timestamp" => (now + 4000).to_string(),
        "x-fossilsafe-delivery" => "99".to_owned(),
        other => header(other),
    };
    assert_eq!(receiver.judge(renumbered, &body, now + 4000), 403);
    assert_eq!(receiver.judge(header, &body, now + 301), 403);
    assert_eq!(*receiver.refused.lock(), ["again", "forged", "forged", "old"]);
}

#[test]
fn a_receiver_that_cannot_be_trusted_gets_nothing_and_is_given_up_after_a_day() {
    let rig = Rig::new();
    let receiver = Arc::new(Receiver::default());
    let (url, _, recorded) = web_server(&rig, &receiver);
    rig.channel("ops", Target::Webhook { url, ca_pem: None }).unwrap();
    rig.fail("7");
    let mut waited = Duration::ZERO;
    while rig.log()[0].0 == DeliveryState::Waiting {
        let pause = rig.deliver();
        waited += pause;
        rig.clock.advance(pause);
    }
    let (state, attempts, error) = rig.log().remove(0);
    assert_eq!((state, attempts), (DeliveryState::GivenUp, 8));
    assert!(error.contains("cannot be trusted") && !error.contains(SECRET), "{error}");
    assert!(waited > Duration::from_secs(24 * 3600), "{waited:?}");
    assert!(recorded.lock().is_empty());
}

/// A mail server process; ended with the value.
struct MailServer {
    process: Child,
    output: BufReader<std::process::ChildStdout>,
    port: u16,
    ca_pem: String,
}

impl MailServer {
    fn start(rig: &Rig, security: &str) -> Self {
        let (certificate, key) = certificate();
        let file = |name: &str, text: &str| {
            let path = rig.folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let script =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("hil-tests/appliance/mail_server.py");
        let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".to_owned());
        let python =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(target).join("gate-python/bin/python3");
        let mut process = Command::new(python)
            .args(["-W", "ignore"])
            .arg(script)
            .args([file("mail.pem", &certificate), file("mail.key", &key)])
            .args([SECRET, security])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("there is no gate-python: run scripts/gate-python");
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let port =
            line.trim().parse().expect("the mail server did not start: run scripts/gate-python");
        Self { process, output, port, ca_pem: certificate }
    }

    fn target(&self, security: MailSecurity, user: Option<&str>) -> Target {
        Target::Mail {
            server: "127.0.0.1".to_owned(),
            port: Some(self.port),
            security,
            user: user.map(str::to_owned),
            from: "FossilSafe <tape@example.org>".to_owned(),
            to: vec!["Ann <ann@example.org>".to_owned(), "ops@example.org".to_owned()],
            ca_pem: Some(self.ca_pem.clone()),
        }
    }

    fn message(&mut self) -> serde_json::Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn mail_reaches_a_real_server_over_tls_signed_in_and_whole() {
    for (security, word) in [(MailSecurity::Tls, "tls"), (MailSecurity::Starttls, "starttls")] {
        let rig = Rig::new();
        let mut server = MailServer::start(&rig, word);
        rig.channel("mail", server.target(security, Some("fossil"))).unwrap();
        rig.fail("7");
        rig.deliver();
        assert_eq!(rig.log()[0].0, DeliveryState::Delivered, "{:?}", rig.log());
        let message = server.message();
        assert_eq!(message["from"], "tape@example.org");
        assert_eq!(message["to"], serde_json::json!(["ann@example.org", "ops@example.org"]));
        assert_eq!(
            (&message["is_tls"], &message["is_authenticated"]),
            (&true.into(), &true.into())
        );
        let text = message["text"].as_str().unwrap();
        assert!(text.contains("Auto-Submitted: auto-generated"), "{text}");
        assert!(text.contains("Call the fire brigade."), "{text}");
        // A line of the sentence is no header of the mail.
        assert!(!text.lines().any(|line| line.starts_with("Bcc:") && !text.contains("\r\n\r\n")));
        let head = text.split("\r\n\r\n").next().unwrap();
        assert!(!head.contains("\nBcc"), "{head}");
    }
}

#[test]
fn a_mail_server_without_tls_gets_no_password_and_a_strange_one_no_mail() {
    let rig = Rig::new();
    let server = MailServer::start(&rig, "plain");
    let refused = rig.channel("mail", server.target(MailSecurity::None, Some("fossil")));
    assert!(refused.unwrap_err().to_string().contains("without TLS"));
    // It was asked for STARTTLS, and the server has none: nothing is sent then.
    rig.channel("mail", server.target(MailSecurity::Starttls, Some("fossil"))).unwrap();
    let failed = rig.health.test_channel("mail").unwrap_err().to_string();
    assert!(!failed.contains(SECRET), "{failed}");
    drop(server);
    let mut server = MailServer::start(&rig, "tls");
    server.ca_pem = certificate().0;
    rig.channel("mail", server.target(MailSecurity::Tls, Some("fossil"))).unwrap();
    let failed = rig.health.test_channel("mail").unwrap_err().to_string();
    assert!(failed.contains("certificate"), "{failed}");
}

#[test]
fn a_trap_reaches_its_manager_and_is_what_the_standard_says() {
    let rig = Rig::new();
    let manager = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = Some(manager.local_addr().unwrap().port());
    rig.channel("nms", Target::Snmp { server: "127.0.0.1".to_owned(), port }).unwrap();
    rig.fail("7");
    rig.deliver();
    let mut trap = [0; 2000];
    let length = manager.recv(&mut trap).unwrap();
    // SEQUENCE with a length of two bytes, INTEGER 1, OCTET STRING with the community, PDU [7].
    assert_eq!(trap[..2], [0x30, 0x82]);
    assert_eq!(usize::from(trap[2]) * 256 + usize::from(trap[3]), length - 4);
    assert_eq!(trap[4..7], [2, 1, 1]);
    let community = 9 + SECRET.len();
    assert_eq!(&trap[9..community], SECRET.as_bytes());
    assert_eq!(trap[community], 0xA7);
    assert!(length < 1400, "it fits any network: {length}");
}

#[test]
fn a_channel_that_could_never_deliver_is_refused_and_a_secret_does_not_follow_elsewhere() {
    let rig = Rig::new();
    let webhook = |url: &str| Target::Webhook { url: url.to_owned(), ca_pem: None };
    for (target, named) in [
        (webhook("ftp://x/"), "http"),
        (webhook("https://user:pass@x/"), "user"),
        (webhook("nonsense"), "http"),
        (Target::Webhook { url: "https://x/".to_owned(), ca_pem: Some("x".to_owned()) }, "ca_pem"),
        (Target::Snmp { server: String::new(), port: None }, "name"),
    ] {
        let refused = rig.channel("ops", target).unwrap_err().to_string();
        assert!(refused.contains(named), "{refused}");
    }
    assert!(rig.channel("a b", webhook("https://x/")).is_err());
    rig.channel("ops", webhook("https://x/")).unwrap();
    let moved = ChannelSpec {
        target: webhook("https://y/"),
        severity_min: AlertSeverity::Info,
        events: BTreeSet::new(),
    };
    let refused = rig.health.put_channel("ops", &moved, None, true).unwrap_err().to_string();
    assert!(refused.contains("elsewhere"), "{refused}");
    let quieter = ChannelSpec { target: webhook("https://x/"), ..moved.clone() };
    rig.health.put_channel("ops", &quieter, None, true).unwrap();
    let unknown = ChannelSpec { events: ["fire".to_owned()].into(), ..quieter };
    assert!(rig.health.put_channel("ops", &unknown, None, true).is_err());
    let short = Secret::new("short".to_owned());
    assert!(rig.health.put_channel("ops", &moved, Some(&short), true).is_err());
}

#[test]
fn a_channels_secret_is_in_no_file_and_in_nothing_that_is_shown() {
    let rig = Rig::new();
    let channel = rig
        .channel("ops", Target::Webhook { url: "http://127.0.0.1:9/".to_owned(), ca_pem: None })
        .unwrap();
    assert!(!format!("{channel:?} {:?}", rig.health).contains(SECRET));
    for name in ["alerts.db", "alerts.db-wal"] {
        let bytes = std::fs::read(rig.folder.path().join(name)).unwrap();
        let has = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
        assert!(!has, "{name} holds the secret");
    }
}

#[test]
fn a_filter_lets_through_what_is_urgent_enough_and_named() {
    let rig = Rig::new();
    let target = Target::Webhook { url: "http://127.0.0.1:9/".to_owned(), ca_pem: None };
    let spec = ChannelSpec {
        target,
        severity_min: AlertSeverity::Warning,
        events: ["job_incomplete".to_owned()].into(),
    };
    let secret = Secret::new(SECRET.to_owned());
    rig.health.put_channel("ops", &spec, Some(&secret), true).unwrap();
    rig.fail("7");
    assert!(rig.log().is_empty());
    let report = AlertReport {
        kind: Kind::JobIncomplete.as_str(),
        subject: "8".to_owned(),
        severity: AlertSeverity::Warning,
        sentence: "x".to_owned(),
        next_step: "y".to_owned(),
    };
    rig.health.happened(Kind::JobIncomplete, &report).unwrap();
    assert_eq!(rig.log().len(), 1);
}
