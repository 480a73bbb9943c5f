//! Live events of one job or of all, for as long as somebody listens: server-sent, or over a WebSocket.
//!
//! Two kinds of message go out. `message` is a kept event with its number as the stream's id, so a
//! follower that lost its connection goes on where it was. `job` is the job's view after something
//! moved; views are not kept, and a slow follower gets the newest and misses those between. A stream
//! of one job ends, with `end`, when the job has ended and all its events have gone out.
//!
//! One task a follower; it reads through the engine and never holds anything of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use serde::Serialize;
use tokio::sync::{mpsc, watch};

use super::engine::{Engine, EngineError, EngineErrorKind};
use super::types::{EventsRequest, JobEvent, JobFilter, JobView, LIMIT_MAX, PageRequest};
use crate::domain::JobId;

/// Messages waiting for a slow follower; then the task waits too.
const QUEUE_MESSAGES: usize = 16;
/// A silent connection is probed so often: proxies close theirs after 30 to 60 s.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Least time between two views: smooth for the eye, and the engine is asked at most this often.
const VIEW_INTERVAL: Duration = Duration::from_millis(200);

/// How a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Lines of a `text/event-stream`.
    ServerSent,
    /// One JSON document a message; the connection is kept alive by its own pings.
    WebSocket,
}

/// A message of a WebSocket.
#[derive(Serialize)]
struct Envelope<'a, T> {
    event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    data: &'a T,
}

/// Follows what `request` names until the follower goes, `stop` says so, or the job has ended.
pub(super) fn follow(
    engine: Arc<dyn Engine>,
    request: EventsRequest,
    format: Format,
    stop: watch::Receiver<bool>,
) -> mpsc::Receiver<Bytes> {
    let (sender, receiver) = mpsc::channel(QUEUE_MESSAGES);
    tokio::spawn(async move {
        let mut follower = Follower { engine, request, format, sender, seen: BTreeMap::new() };
        tokio::select! {
            () = stopped(stop) => {}
            // An error here is a follower that has gone.
            _ = follower.run() => {}
        }
    });
    receiver
}

/// Waits until the server stops.
pub(super) async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that the server is gone, which is a stop as well.
    let _ = stop.wait_for(|is_stopping| *is_stopping).await;
}

/// The follower has closed its connection.
#[derive(Debug)]
struct Gone;

#[derive(Debug)]
struct Follower {
    engine: Arc<dyn Engine>,
    request: EventsRequest,
    format: Format,
    sender: mpsc::Sender<Bytes>,
    /// The views that went out last.
    seen: BTreeMap<JobId, JobView>,
}

/// What is read from the engine at one time.
type Reading = (Vec<JobView>, Vec<JobEvent>);

impl Follower {
    async fn run(&mut self) -> Result<(), Gone> {
        let mut changes = self.engine.changes();
        loop {
            // Marked as seen before reading: what changes while we read wakes us again.
            changes.borrow_and_update();
            let (views, events) = match self.read().await {
                Ok(reading) => reading,
                Err(error) => return self.send("error", None, &error.message).await,
            };
            let is_more_waiting = events.len() >= self.request.limit;
            for event in events {
                self.request.after = event.id;
                self.send("message", Some(event.id), &event).await?;
            }
            let is_over = self.request.job.is_some()
                && !is_more_waiting
                && views.iter().all(|view| view.state.is_final());
            for view in views {
                if self.seen.get(&view.id) != Some(&view) {
                    self.send("job", None, &view).await?;
                }
                if view.state.is_final() {
                    self.seen.remove(&view.id);
                } else {
                    self.seen.insert(view.id, view);
                }
            }
            if is_over {
                return self.send("end", None, &()).await;
            }
            if !is_more_waiting {
                self.wait(&mut changes).await?;
            }
        }
    }

    /// Views first, events after: then a view that has ended is never ahead of its last event.
    async fn read(&self) -> Result<Reading, EngineError> {
        let (engine, request) = (Arc::clone(&self.engine), self.request);
        let known: Vec<JobId> = self.seen.keys().copied().collect();
        let reading = tokio::task::spawn_blocking(move || read(&*engine, &request, &known)).await;
        reading.unwrap_or_else(|error| {
            let step = "Follow the job again, or look at it with `fossilsafe job show`.";
            Err(EngineError::new(EngineErrorKind::Bug, "bug", error.to_string(), step))
        })
    }

    /// Waits for a change, and keeps the connection alive meanwhile.
    async fn wait(&self, changes: &mut watch::Receiver<u64>) -> Result<(), Gone> {
        tokio::time::sleep(VIEW_INTERVAL).await;
        loop {
            tokio::select! {
                changed = changes.changed() => return changed.map_err(|_| Gone),
                () = self.sender.closed() => return Err(Gone),
                () = tokio::time::sleep(KEEP_ALIVE), if self.format == Format::ServerSent => {
                    let probe = Bytes::from_static(b": still here\n\n");
                    self.sender.send(probe).await.map_err(|_| Gone)?;
                }
            }
        }
    }

    async fn send<T: Serialize>(&self, kind: &str, id: Option<i64>, of: &T) -> Result<(), Gone> {
        let text = match self.format {
            Format::ServerSent => {
                let json = serde_json::to_string(of).map_err(|_| Gone)?;
                let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
                format!("{id}event: {kind}\ndata: {json}\n\n")
            }
            Format::WebSocket => {
                let envelope = Envelope { event: kind, id, data: of };
                serde_json::to_string(&envelope).map_err(|_| Gone)?
            }
        };
        self.sender.send(Bytes::from(text)).await.map_err(|_| Gone)
    }
}

fn read(
    engine: &dyn Engine,
    request: &EventsRequest,
    known: &[JobId],
) -> Result<Reading, EngineError> {
    let mut views = Vec::new();
    if let Some(job) = request.job {
        views.push(engine.job(job)?);
    } else {
        let filter = JobFilter { is_active: true, ..JobFilter::default() };
        let page = PageRequest { after: None, limit: LIMIT_MAX };
        views = engine.jobs(&filter, &page)?.items;
        // Those that were active and are not listed any more have ended: show how.
        for id in known {
            if !views.iter().any(|view| view.id == *id) {
                views.push(engine.job(*id)?);
            }
        }
    }
    Ok((views, engine.events(request)?))
}
