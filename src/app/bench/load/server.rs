//! The engine that is asked: a process of this program on one processor, with a practice library.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::signal::{Signal, kill};
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use serde::Serialize;
use serde_json::json;

use crate::api::types::{HealthView, JobView};
use crate::app::bench::tree::failed;
use crate::app::client::Client;
use crate::app::door::Door;
use crate::app::engine::PRACTICE_FOLDER;
use crate::app::error::AppError;
use crate::domain::{ByteCount, Clock as _, GIB, LtoGeneration, SystemClock};
use crate::jobs::JobState;
use crate::vtl::{CartridgePlan, LibraryPlan, VirtualLibrary};

const CARTRIDGE: &str = "FSP001L8";
const GENERATION: LtoGeneration = LtoGeneration::Lto8;
const SET: &str = "load";
/// More than backups and their indexes take: practice cartridges cost only what is written.
const CARTRIDGE_SPARE: u64 = 64 * GIB;
/// How often it is looked whether it has come up, or a job has ended. Seldom: looking is a question too.
const LOOK: Duration = Duration::from_millis(250);
/// Looks until it counts as not coming: a minute.
const LOOKS_MAX: u32 = 240;
const NEXT_STEP: &str = "Run it again; if it stays, report it with the line above.";

/// How fast the drive is that is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Drive {
    /// As fast as one of iron.
    TakesTime,
    /// As fast as the machine.
    TakesNone,
}

/// What a backup took, in seconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Took {
    /// From its start to its end.
    pub(super) seconds: f64,
    /// Of the processor, by everything that the engine did meanwhile.
    pub(super) cpu_seconds: f64,
}

/// The engine. Ended when this is dropped.
pub(super) struct Server {
    child: Child,
    socket: PathBuf,
    client: Client,
}

impl Server {
    /// Starts it on the catalog and the library in `data`. The asking side has the other processors.
    pub(super) fn start(data: &Path, drive: Drive) -> Result<Self, AppError> {
        let socket = data.join("load.sock");
        let missing = |what: &str| data.join(what);
        let program = std::env::current_exe().map_err(failed("find", data))?;
        let mut command = Command::new(program);
        command
            .args(["engine", "--practice-library", "--data"])
            .arg(data)
            .arg("--socket")
            .arg(&socket)
            // No other service takes part.
            .arg("--sources")
            .arg(missing("no-sources.sock"))
            .arg("--updates")
            .arg(missing("no-updates.sock"))
            .stdin(Stdio::null());
        if drive == Drive::TakesTime {
            command.args(["--practice-takes-time", "data"]);
        }
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

    /// Empties the cartridge that is written.
    pub(super) fn format(&self) -> Result<(), AppError> {
        let path = format!("/api/cartridges/{CARTRIDGE}/format");
        self.do_job(&path, &json!({ "typed_barcode": CARTRIDGE })).map(|_| ())
    }

    /// Backs every file up.
    pub(super) fn back_up(&self, source: &Path) -> Result<Took, AppError> {
        let spec = json!({ "set": SET, "paths": [source], "mode": "full", "copies": 1 });
        let before = self.cpu_time()?;
        let job = self.do_job("/api/backups", &spec)?;
        let cpu_seconds = self.cpu_time()?.saturating_sub(before).as_secs_f64();
        let seconds = job.started.zip(job.ended).map(|(started, ended)| {
            (ended.seconds - started.seconds) as f64
                + (f64::from(ended.nanoseconds) - f64::from(started.nanoseconds)) / 1e9
        });
        let seconds = seconds.ok_or_else(|| unlike("a job has ended and does not say when"))?;
        Ok(Took { seconds, cpu_seconds })
    }

    /// The processor time that it has had so far.
    fn cpu_time(&self) -> Result<Duration, AppError> {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX));
        let time = clock_getcpuclockid(pid).and_then(clock_gettime);
        Ok(time.map_err(|error| failed("read the time of", &self.socket)(error.into()))?.into())
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

/// Makes a library of one drive and one cartridge for `bytes` and their indexes, in the place of the one before.
pub(super) fn make_library(data: &Path, bytes: u64) -> Result<(), AppError> {
    let folder = &data.join(PRACTICE_FOLDER);
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(failed("remove", folder))?;
    }
    let capacity = ByteCount(bytes + CARTRIDGE_SPARE);
    let barcode = CARTRIDGE.parse().map_err(|_| unlike("no barcode for the cartridge"))?;
    let plan = LibraryPlan {
        drives: vec![GENERATION],
        cartridges: vec![CartridgePlan::data(barcode, GENERATION, capacity)],
        ..LibraryPlan::practice(0, capacity)
    };
    VirtualLibrary::create(folder, &plan)
        .map(|_| ())
        .map_err(|error| unlike(&format!("no library to write to: {error}")))
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
