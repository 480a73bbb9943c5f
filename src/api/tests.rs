//! The API over a real connection: shapes, statuses, limits, live events, orderly stop.
//!
//! The engine behind it is a few lines of memory, so that what is tested here is HTTP; the commands of
//! `app` are tested over the real engine.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

use super::engine::Engine;
use super::memory::{Memory, serving};
use super::server::Server;
use super::socket::ServerError;
use crate::domain::VirtualClock;
use crate::jobs::{JobSpec, JobState};

/// A running server over [`Memory`].
struct Running {
    engine: Arc<Memory>,
    folder: tempfile::TempDir,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

const SOCKET: &str = "engine.sock";

async fn start() -> Running {
    let engine = Memory::new();
    let clock = Arc::new(VirtualClock::default());
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join(SOCKET);
    let server = Server::bind(&socket, serving(&engine, folder.path(), &clock)).await.unwrap();
    let (stop, stopping) = oneshot::channel::<()>();
    let task = tokio::spawn(server.serve(async {
        let _ = stopping.await;
    }));
    Running { engine, folder, stop, task }
}

struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{}\n{}", self.head, self.body))
    }

    fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl Running {
    async fn connect(&self) -> UnixStream {
        UnixStream::connect(self.folder.path().join(SOCKET)).await.unwrap()
    }

    /// Sends bytes and reads until the server closes.
    async fn raw(&self, request: &str) -> Reply {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Reply { status, head: head.to_owned(), body: body.to_owned() }
    }

    async fn get(&self, path: &str) -> Reply {
        let head = "Host: localhost\r\nConnection: close\r\n";
        self.raw(&format!("GET {path} HTTP/1.1\r\n{head}\r\n")).await
    }

    async fn post(&self, path: &str, body: &str) -> Reply {
        let length = body.len();
        self.raw(&format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
        .await
    }
}

/// Larger than any other request may be, so it cannot have been read whole first.
#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_handed_on_as_it_comes_and_only_as_bytes() {
    const BYTES: usize = 3 * 1024 * 1024;
    let running = start().await;
    let send = async |media_type: &str, sent: usize| {
        let body = "x".repeat(sent);
        let request = format!(
            "POST /api/updates/bundle HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: {media_type}\r\nContent-Length: {sent}\r\n\r\n{body}"
        );
        running.raw(&request).await
    };
    let taken = send("application/octet-stream", BYTES).await.json();
    assert_eq!(taken["message"], format!("bundle of {BYTES} bytes"), "{taken}");
    let form = send("multipart/form-data", 10).await;
    assert_eq!((form.status, form.code()), (415, "not_json".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_has_the_one_shape_and_its_status() {
    let running = start().await;
    let cases = [
        (running.get("/api/nothing").await, 404, "route_unknown"),
        (running.post("/api/version", "").await, 405, "method_not_allowed"),
        (running.get("/api/jobs?colour=red").await, 400, "request_invalid"),
        (running.get("/api/jobs?state=melted").await, 400, "request_invalid"),
        (running.get("/api/jobs/abc").await, 400, "request_invalid"),
        (running.get("/api/jobs/7").await, 404, "unknown"),
        (running.get("/api/jobs/7/events").await, 404, "unknown"),
        (running.get("/api/cartridges/FSP-01").await, 400, "request_invalid"),
        (running.get("/api/cartridges/FSP001L9").await, 404, "unknown"),
        (running.get("/api/evidence?set=a&run=b").await, 400, "request_invalid"),
        (running.get("/api/evidence").await, 412, "cartridge_absent"),
        (running.get("/api/catalog/check").await, 500, "catalog_corrupt"),
        (running.post("/api/backups", "{").await, 400, "request_invalid"),
        (running.post("/api/backups", r#"{"set":"a b","paths":[]}"#).await, 400, "request_invalid"),
        (running.get("/api/files/versions").await, 400, "request_invalid"),
    ];
    for (reply, status, code) in cases {
        let problem = reply.json();
        assert_eq!((reply.status, reply.code()), (status, code.to_owned()), "{problem}");
        assert_eq!(problem["status"], status);
        for field in ["message", "next_step", "request_id"] {
            assert!(!problem[field].as_str().unwrap().is_empty(), "{field} in {problem}");
        }
        let request_id = problem["request_id"].as_str().unwrap();
        assert!(reply.head.contains(request_id), "{}", reply.head);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_panics_fails_its_request_and_nothing_else() {
    let running = start().await;
    let reply = running.get("/api/library").await;
    assert_eq!((reply.status, reply.code().as_str()), (500, "bug"));
    assert!(!reply.body.contains("fell over"), "internal text left: {}", reply.body);
    assert_eq!(running.get("/api/version").await.json()["product"], "fossilsafe");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_says_by_its_status_whether_it_works() {
    let reply = start().await.get("/api/healthz").await;
    assert_eq!((reply.status, reply.json()["status"].as_str().unwrap()), (503, "failed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_pass_their_page_through_and_searches_their_conditions() {
    let running = start().await;
    let list = running.get("/api/cartridges?limit=2&state=foreign").await.json();
    assert_eq!(list, json!({"items": [], "next": "2+"}));
    let path = "/api/files/search?q=holiday+photos&extension=.raw&under=%2Fsrv%2F%FF&\
                modified_after=2026-01-01T00:00:00.0Z&size_bytes_min=5";
    assert_eq!(running.get(path).await.status, 200);
    let request = running.engine.searched.lock().clone().unwrap();
    assert_eq!(request.text, "holiday photos");
    assert_eq!(request.extension.as_deref(), Some("raw"));
    assert_eq!(request.under.as_deref(), Some(b"/srv/\xFF".as_slice()));
    assert_eq!(request.modified_after.unwrap().seconds, 1_767_225_600);
    assert_eq!((request.size_bytes_min, request.size_bytes_max), (Some(5), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn starting_a_job_answers_accepted_with_its_view() {
    let running = start().await;
    let reply = running.post("/api/backups", r#"{"set":"etc","paths":["/etc"]}"#).await;
    assert_eq!(reply.status, 202);
    let job = reply.json();
    assert_eq!((job["id"].as_i64(), job["kind"].as_str()), (Some(1), Some("backup")));
    assert_eq!(running.get("/api/jobs/1").await.json(), job);
    assert_eq!(running.post("/api/library/inventory", "").await.status, 202);
    let moved = r#"{"from":{"place":"slot","number":3},"to":{"place":"drive","number":0}}"#;
    let reply = running.post("/api/library/moves", moved).await.json();
    assert_eq!(reply["title"], "Move slot 3 to drive 0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_format_needs_the_barcode_of_that_very_cartridge() {
    let running = start().await;
    let path = "/api/cartridges/FSP001L9/format";
    let reply = running.post(path, r#"{"typed_barcode":"FSP002L9"}"#).await;
    assert_eq!(reply.status, 400);
    assert!(running.engine.jobs.lock().is_empty());
    assert_eq!(running.post(path, r#"{"typed_barcod":"FSP001L9"}"#).await.status, 400);
    let blank = running.post(path, "").await.json();
    assert_eq!(blank["spec"]["erase"], "blank_only");
    let all = running.post(path, r#"{"typed_barcode":"FSP001L9"}"#).await.json();
    assert_eq!(all["spec"]["erase"]["everything"]["typed_barcode"], "FSP001L9");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_foreign_page_could_send_is_refused() {
    let running = start().await;
    let through_gateway = |host: &str, more: &str| {
        let gateway =
            format!("X-Fossilsafe-Peer: 192.0.2.7\r\nX-Fossilsafe-Scheme: http\r\n{more}\r\n");
        format!("GET /api/jobs HTTP/1.1\r\nHost: {host}\r\n{gateway}Connection: close\r\n\r\n")
    };
    let page = "Origin: http://evil.example\r\nAccept: */*";
    assert_eq!(running.raw(&through_gateway("tape.example", page)).await.code(), "origin_refused");
    let ours = "Origin: http://tape.example";
    assert_eq!(running.raw(&through_gateway("tape.example", ours)).await.code(), "not_signed_in");
    let form = running.raw(
        "POST /api/backups HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
    );
    assert_eq!(form.await.code(), "not_json");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused_with_what_to_do() {
    let running = start().await;
    let body = " ".repeat(1024 * 1024 + 1);
    let reply = running.post("/api/backups", &body).await;
    assert_eq!((reply.status, reply.code().as_str()), (413, "request_too_large"));
}

#[tokio::test(flavor = "multi_thread")]
async fn followers_get_every_event_once_and_the_stream_ends_with_the_job() {
    let running = start().await;
    let job = running.engine.start(JobSpec::Inventory).unwrap().id;
    running.engine.enter(job, JobState::Running);
    let engine = Arc::clone(&running.engine);
    let mut stream = running.connect().await;
    let request = "GET /api/jobs/1/events?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    let mut piece = [0; 4096];
    while !text.contains("event: end") {
        let length = stream.read(&mut piece).await.unwrap();
        assert_ne!(length, 0, "closed before the end: {text}");
        text.push_str(std::str::from_utf8(&piece[..length]).unwrap());
        // The job moves on only after the follower has seen where it is.
        if text.contains("job 1 is running") && engine.job(job).unwrap().state == JobState::Running
        {
            engine.enter(job, JobState::Completed);
        }
    }
    assert!(text.contains("content-type: text/event-stream"), "{text}");
    assert_eq!(text.matches("id: 1\n").count(), 1, "{text}");
    assert_eq!(text.matches("id: 2\n").count(), 1, "{text}");
    let (last_event, last_view) =
        (text.find("job 1 is completed"), text.rfind(r#""state":"completed","title""#));
    assert!(last_event.is_some() && last_event < last_view, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_comes_back_goes_on_where_it_was() {
    let running = start().await;
    let job = running.engine.start(JobSpec::Inventory).unwrap().id;
    for state in [JobState::Running, JobState::Waiting, JobState::Failed] {
        running.engine.enter(job, state);
    }
    let reply = running.raw(
        "GET /api/jobs/1/events?after=0 HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 2\r\n\
         Connection: close\r\n\r\n",
    );
    let text = reply.await.body;
    assert!(!text.contains("id: 2\n") && text.contains("id: 3\n"), "{text}");
    let page = running.get("/api/jobs/1/history?limit=2").await.json();
    assert_eq!((page["items"].as_array().unwrap().len(), &page["next"]), (2, &json!("2")));
    let rest = running.get("/api/jobs/1/history?limit=2&after=2").await.json();
    assert_eq!(rest["items"][0]["id"], 3);
    assert_eq!(rest.get("next"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_brings_the_same_events_and_goes_on_where_it_was() {
    let running = start().await;
    let job = running.engine.start(JobSpec::Inventory).unwrap().id;
    for state in [JobState::Running, JobState::Waiting] {
        running.engine.enter(job, state);
    }
    let stream = running.connect().await;
    let opened = tokio_tungstenite::client_async("ws://localhost/ws?after=1", stream).await;
    let (mut socket, _) = opened.unwrap();
    let mut next = async || loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str::<Value>(&text).unwrap(),
            Message::Close(_) => return Value::Null,
            _ => {}
        }
    };
    let event = next().await;
    assert_eq!((&event["event"], &event["id"]), (&json!("message"), &json!(2)), "{event}");
    assert_eq!(event["data"]["message"], "job 1 is waiting");
    let view = next().await;
    assert_eq!((&view["event"], &view["data"]["state"]), (&json!("job"), &json!("waiting")));
    running.engine.enter(job, JobState::Failed);
    assert_eq!(next().await["id"], 3);
    running.stop.send(()).unwrap();
    while next().await != Value::Null {}
    running.task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_request_and_a_foreign_page_get_no_websocket() {
    let running = start().await;
    let plain = running.get("/ws").await;
    assert_eq!((plain.status, plain.code().as_str()), (426, "websocket_required"));
    let request = "GET /ws HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\
         X-Fossilsafe-Peer: 127.0.0.1\r\nX-Fossilsafe-Scheme: http\r\nUpgrade: websocket\r\n\
         Connection: upgrade, close\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    assert_eq!(running.raw(request).await.code(), "origin_refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_followers_and_open_connections_at_once() {
    let running = start().await;
    let job = running.engine.start(JobSpec::Inventory).unwrap().id;
    running.engine.enter(job, JobState::Running);
    let mut follower = running.connect().await;
    let request = b"GET /api/jobs/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    follower.write_all(request).await.unwrap();
    let mut first = [0; 16];
    follower.read_exact(&mut first).await.unwrap();
    let idle = running.connect().await;
    running.stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(4), running.task).await.unwrap().unwrap();
    let mut rest = Vec::new();
    follower.read_to_end(&mut rest).await.unwrap();
    drop(idle);
    assert!(!running.folder.path().join(SOCKET).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_show_the_engine_and_count_requests_by_route() {
    let running = start().await;
    running.get("/api/jobs/7").await;
    let reply = running.get("/api/system/metrics/prometheus").await;
    assert!(reply.head.contains("text/plain"), "{}", reply.head);
    for line in [
        "fossilsafe_jobs{state=\"running\"} 2",
        "fossilsafe_tape_written_bytes_total 7",
        "fossilsafe_http_requests_total{method=\"GET\",path=\"/api/jobs/{id}\",status=\"404\"} 1",
    ] {
        assert!(reply.body.contains(line), "{line} is not in\n{}", reply.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateways_name_for_a_request_is_kept_unless_it_could_forge_a_log_line() {
    let running = start().await;
    let named = |id: &str| {
        let head = format!("Host: localhost\r\nConnection: close\r\nX-Request-Id: {id}\r\n");
        format!("GET /api/nothing HTTP/1.1\r\n{head}\r\n")
    };
    let kept = running.raw(&named("gw-42")).await;
    assert_eq!(kept.json()["request_id"], "gw-42");
    let forged = running.raw(&named("x\" level=ERROR")).await.json();
    assert_eq!(forged["request_id"].as_str().unwrap().len(), 36, "{forged}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_a_killed_engine_left_is_replaced_and_one_in_use_is_not() {
    let running = start().await;
    let clock = Arc::new(VirtualClock::default());
    let bind = || serving(&Memory::new(), running.folder.path(), &clock);
    let socket = running.folder.path().join(SOCKET);
    let second = Server::bind(&socket, bind()).await;
    assert!(matches!(second, Err(ServerError::InUse(_))), "{second:?}");
    assert_eq!(running.get("/api/version").await.status, 200);
    let left = running.folder.path().join("left.sock");
    drop(std::os::unix::net::UnixListener::bind(&left).unwrap());
    let replaced = Server::bind(&left, bind()).await;
    assert!(replaced.is_ok(), "{replaced:?}");
    let file = running.folder.path().join("a file");
    std::fs::write(&file, "somebody's").unwrap();
    assert!(Server::bind(&file, bind()).await.is_err());
    assert_eq!(std::fs::read(&file).unwrap(), b"somebody's");
}
