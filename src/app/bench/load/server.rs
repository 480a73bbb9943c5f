//! The engine that is asked: a process of this program on one processor, with a practice library.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::api::types::{HealthView, JobView};
use crate::app::bench::tree::failed;
use crate::app::client::Client;
use crate::app::door::Door;
use crate::app::error::AppError;
use crate::domain::{Clock as _, GIB, SystemClock};
use crate::jobs::JobState;

const CARTRIDGE: &str = "FSP001L9";
const SET: &str = "load";
/// More than backups and their indexes take: practice cartridges cost only what is written.
const CARTRIDGE_SPARE: u64 = 64 * GIB;
/// How often it is looked whether it has come up, or a job has ended. Seldom: looking is a question too.
const LOOK: Duration = Duration::from_millis(250);
/// Looks until it counts as not coming: a minute.
const LOOKS_MAX: u32 = 240;
const NEXT_STEP: &str = "Run it again; if it stays, report it with the line above.";

/// The engine. Ended when this is dropped.
pub(super) struct Server {
    child: Child,
    socket: PathBuf,
    client: Client,
}

impl Server {
    /// Starts it on the catalog in `data`, with cartridges of `capacity` bytes. The asking side has the other
    /// processors.
    pub(super) fn start(data: &Path, capacity: u64) -> Result<Self, AppError> {
        let socket = data.join("load.sock");
        let missing = |what: &str| data.join(what);
        let program = std::env::current_exe().map_err(failed("find", data))?;
        let mut command = Command::new(program);
        command
            .args(["engine", "--practice-library", "--practice-capacity"])
            .arg((capacity + CARTRIDGE_SPARE).to_string())
            .arg("--data")
            .arg(data)
            .arg("--socket")
            .arg(&socket)
            // No other service takes part.
            .arg("--sources")
            .arg(missing("no-sources.sock"))
            .arg("--updates")
            .arg(missing("no-updates.sock"))
            .stdin(Stdio::null());
        let log = fs::File::create(data.join("load.log")).map_err(failed("write", data))?;
        command.stdout(Stdio::null()).stderr(log);
        let child = on_one_processor(|| command.spawn())?;
        let client = Client::new(Door::Socket(socket.clone()))?;
        let server = Self { child, socket, client };
        server
            .wait_for(|| Ok(server.client.get_any_status::<HealthView>("/api/healthz").is_ok()))?;
        Ok(server)
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Makes the cartridge that is written.
    pub(super) fn format(&self) -> Result<(), AppError> {
        let path = format!("/api/cartridges/{CARTRIDGE}/format");
        self.do_job(&path, &json!({})).map(|_| ())
    }

    /// Backs every file up; how long the job took, in seconds.
    pub(super) fn back_up(&self, source: &Path) -> Result<f64, AppError> {
        let spec = json!({ "set": SET, "paths": [source], "mode": "full", "copies": 1 });
        let job = self.do_job("/api/backups", &spec)?;
        let took = job.started.zip(job.ended).map(|(started, ended)| {
            (ended.seconds - started.seconds) as f64
                + (f64::from(ended.nanoseconds) - f64::from(started.nanoseconds)) / 1e9
        });
        took.ok_or_else(|| unlike("a job has ended and does not say when"))
    }

    fn do_job(&self, path: &str, body: &serde_json::Value) -> Result<JobView, AppError> {
        let job: JobView = self.client.post(path, body)?;
        let path = format!("/api/jobs/{}", job.id);
        loop {
            SystemClock::new().wait(LOOK);
            let job: JobView = self.client.get(&path)?;
            match job.state {
                JobState::Completed => return Ok(job),
                JobState::Queued | JobState::Running => {}
                _ => {
                    let need = job.need.map(|need| need.sentence);
                    let why = need.or(job.error.map(|error| error.message)).unwrap_or_default();
                    return Err(unlike(&format!("job {} is {:?}: {why}", job.id, job.state)));
                }
            }
        }
    }

    fn wait_for(&self, is_there: impl Fn() -> Result<bool, AppError>) -> Result<(), AppError> {
        for _ in 0..LOOKS_MAX {
            if is_there()? {
                return Ok(());
            }
            SystemClock::new().wait(LOOK);
        }
        Err(unlike("the engine does not come up"))
    }

    /// Ends it in order.
    pub(super) fn stop(mut self) -> Result<(), AppError> {
        self.end();
        let status = self.child.wait().map_err(failed("wait for", &self.socket))?;
        if status.success() { Ok(()) } else { Err(unlike(&format!("the engine ended: {status}"))) }
    }

    fn end(&self) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            // Refused only if it has ended.
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
        let _ = self.child.wait();
    }
}

/// Starts a process that may use the first processor only, and leaves the others to this one.
fn on_one_processor(start: impl FnOnce() -> std::io::Result<Child>) -> Result<Child, AppError> {
    let own = Pid::from_raw(0);
    let allowed =
        |error: nix::Error| failed("choose processors for", Path::new("it"))(error.into());
    let all = sched_getaffinity(own).map_err(allowed)?;
    let (mut first, mut others) = (CpuSet::new(), CpuSet::new());
    let mut used = (0..CpuSet::count()).filter(|at| all.is_set(*at).unwrap_or(false));
    if let Some(at) = used.next() {
        first.set(at).map_err(allowed)?;
    }
    let mut is_any = false;
    for at in used {
        others.set(at).map_err(allowed)?;
        is_any = true;
    }
    sched_setaffinity(own, &first).map_err(allowed)?;
    let started = start();
    sched_setaffinity(own, if is_any { &others } else { &all }).map_err(allowed)?;
    started.map_err(failed("start", Path::new("the engine")))
}

fn unlike(message: &str) -> AppError {
    AppError::Offline { message: message.to_owned(), next_step: NEXT_STEP.to_owned() }
}
