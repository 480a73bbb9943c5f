//! The gateway over real connections, in front of a small HTTP server on a Unix socket: what passes, what
//! is refused, what slow, greedy and broken clients get. The real engine stands behind it in
//! `hil-tests/appliance`.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixListener};
use tokio::sync::oneshot;

use super::{Config, Gateway, Limits};
use crate::domain::SystemClock;

/// A gateway that runs, and a folder with the socket that it looks for.
struct Running {
    address: std::net::SocketAddr,
    folder: tempfile::TempDir,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

async fn start(limits: Limits) -> Running {
    let http = "127.0.0.1:0".parse().unwrap();
    let config = Config { http, https: None, limits };
    let gateway = Gateway::bind(config, Arc::new(SystemClock::new())).await.unwrap();
    let (address, folder) = (gateway.http(), tempfile::tempdir().unwrap());
    let (stop, stopping) = oneshot::channel::<()>();
    let task = tokio::spawn(gateway.serve(folder.path().join("engine.sock"), async {
        let _ = stopping.await;
    }));
    Running { address, folder, stop, task }
}

impl Running {
    /// Starts the server behind it: `/api/echo` answers with what it got and from whom, `/api/break`
    /// hangs up, `/ws` becomes a connection that sends everything back.
    fn start_engine(&self) {
        let listener = UnixListener::bind(self.folder.path().join("engine.sock")).unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service_fn(engine))
                    .with_upgrades();
                tokio::spawn(connection);
            }
        });
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes and reads until the gateway closes.
    async fn raw(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = Vec::new();
        // A connection that is reset after its answer has been read is closed all the same.
        let _ = stream.read_to_end(&mut text).await;
        String::from_utf8(text).unwrap()
    }

    async fn get(&self, path: &str) -> String {
        self.raw(&format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await
    }
}

async fn engine(mut request: Request<Incoming>) -> Result<Response<Full<Bytes>>, std::io::Error> {
    match request.uri().path() {
        "/api/break" => Err(std::io::ErrorKind::BrokenPipe.into()),
        "/ws" => {
            let upgrade = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                let mut switched = TokioIo::new(upgrade.await.unwrap());
                let mut piece = [0; 64];
                while let Ok(length @ 1..) = switched.read(&mut piece).await {
                    switched.write_all(&piece[..length]).await.unwrap();
                }
            });
            let response = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
            let response = response.header("connection", "upgrade").header("upgrade", "websocket");
            Ok(response.body(Full::default()).unwrap())
        }
        _ => {
            let mut text = String::new();
            for (name, value) in request.headers() {
                text.push_str(&format!("{name}={}\n", value.to_str().unwrap()));
            }
            match request.into_body().collect().await {
                Ok(body) => text.push_str(&format!("bytes={}\n", body.to_bytes().len())),
                Err(_) => return Err(std::io::ErrorKind::BrokenPipe.into()),
            }
            Ok(Response::new(Full::from(text)))
        }
    }
}

fn code(answer: &str) -> (u16, String) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let status = head.split(' ').nth(1).unwrap_or_default().parse().unwrap_or_default();
    let problem: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    for field in ["message", "next_step", "request_id"] {
        assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{answer}");
    }
    (status, problem["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_passes_with_the_gateways_word_for_who_asks_and_the_answer_is_made_safe() {
    let running = start(Limits::default()).await;
    running.start_engine();
    let answer = running
        .raw(
            "POST /api/echo HTTP/1.1\r\nHost: tape.example\r\nConnection: close, X-Odd\r\nX-Odd: 1\r\n\
             X-Fossilsafe-Peer: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.1\r\nX-Request-Id: a-1\r\n\
             Content-Length: 5\r\n\r\nhello",
        )
        .await;
    for line in [
        "HTTP/1.1 200 OK",
        "x-request-id: a-1",
        "content-security-policy: default-src 'self';",
        "x-content-type-options: nosniff",
        "host=tape.example",
        "x-fossilsafe-peer=127.0.0.1",
        "x-fossilsafe-scheme=http",
        "x-request-id=a-1",
        "bytes=5",
    ] {
        assert!(answer.contains(line), "{line} is not in\n{answer}");
    }
    assert!(!answer.contains("x-odd=") && !answer.contains("192.0.2.1"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_engine_is_away_or_breaks_off_the_refusal_says_so() {
    let running = start(Limits::default()).await;
    let away = running.get("/api/echo").await;
    assert_eq!(code(&away), (503, "engine_away".to_owned()));
    assert!(away.contains("retry-after: 3"), "{away}");
    running.start_engine();
    assert_eq!(code(&running.get("/api/break").await), (502, "engine_broke_off".to_owned()));
    assert!(running.get("/api/echo").await.starts_with("HTTP/1.1 200"));
    assert_eq!(code(&running.get("/else.where").await), (404, "route_unknown".to_owned()));
    let odd = running.raw("BREW /api/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert_eq!(code(&odd), (405, "method_not_allowed".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_but_the_api_is_the_console_and_is_sent_once() {
    let running = start(Limits::default()).await;
    let page = running.get("/jobs/7").await;
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("content-type: text/html"), "{page}");
    assert!(page.contains("content-security-policy: default-src 'self'"), "{page}");
    let tag = page.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let head = "HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    let again = running.raw(&format!("GET / {head}If-None-Match: {tag}\r\n\r\n")).await;
    assert!(again.starts_with("HTTP/1.1 304") && again.ends_with("\r\n\r\n"), "{again}");
    let posted = running.raw(&format!("POST / {head}Content-Length: 0\r\n\r\n")).await;
    assert_eq!(code(&posted), (405, "method_not_allowed".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused_by_its_length_and_by_its_bytes() {
    let running = start(Limits { body_bytes_max: 100, ..Limits::default() }).await;
    running.start_engine();
    let head = "POST /api/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    let announced = running.raw(&format!("{head}Content-Length: 101\r\n\r\n")).await;
    assert_eq!(code(&announced), (413, "request_too_large".to_owned()));
    let chunk = format!("32\r\n{}\r\n", "x".repeat(50));
    let chunked =
        |count| format!("{head}Transfer-Encoding: chunked\r\n\r\n{}", chunk.repeat(count));
    let refused = running.raw(&chunked(3)).await;
    assert_eq!(code(&refused), (413, "request_too_large".to_owned()));
    let passed = running.raw(&(chunked(2) + "0\r\n\r\n")).await;
    assert!(passed.contains("bytes=100"), "{passed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_requests_and_connections_of_one_address_are_refused() {
    let limits = Limits {
        requests_per_second: 0.001,
        requests_burst: 3.0,
        connections_per_address: 2,
        ..Limits::default()
    };
    let running = start(limits).await;
    running.start_engine();
    for _ in 0..3 {
        assert!(running.get("/api/echo").await.starts_with("HTTP/1.1 200"));
    }
    let refused = running.get("/api/echo").await;
    assert_eq!(code(&refused), (429, "too_many_requests".to_owned()));
    // Both are connected once the gateway has answered them.
    let (mut first, mut second) = (running.connect().await, running.connect().await);
    for stream in [&mut first, &mut second] {
        stream.write_all(b"GET /api/echo HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        stream.read_u8().await.unwrap();
    }
    assert_eq!(running.get("/api/echo").await, "", "a third is closed without an answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_its_head_or_its_body_too_slowly_is_let_go() {
    let short = Duration::from_millis(200);
    let running = start(Limits { head_time: short, stall_time: short, ..Limits::default() }).await;
    running.start_engine();
    let head = running.raw("GET /api/echo HTTP/1.1\r\nHos").await;
    assert!(head.is_empty() || head.starts_with("HTTP/1.1 408"), "{head}");
    let body = running
        .raw("POST /api/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 9\r\n\r\nabc")
        .await;
    assert_eq!(code(&body), (408, "request_too_slow".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_is_carried_both_ways_and_ends_with_the_gateway() {
    let running = start(Limits::default()).await;
    running.start_engine();
    let mut stream = running.connect().await;
    let request =
        "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        head.push(char::from(stream.read_u8().await.unwrap()));
    }
    assert!(head.starts_with("HTTP/1.1 101") && head.contains("upgrade: websocket"), "{head}");
    for word in ["one", "two"] {
        stream.write_all(word.as_bytes()).await.unwrap();
        let mut back = vec![0; word.len()];
        stream.read_exact(&mut back).await.unwrap();
        assert_eq!(back, word.as_bytes());
    }
    running.stop.send(()).unwrap();
    running.task.await.unwrap();
    assert_eq!(stream.read(&mut [0; 8]).await.unwrap_or(0), 0, "the tunnel is closed");
}
