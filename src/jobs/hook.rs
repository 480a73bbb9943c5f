//! Hooks: scripts of the machine's owner that run before and after a backup.
//!
//! A database is dumped before it is read, a snapshot made and taken away again. A hook is a shell script in
//! the folder `hooks` of the data folder; a request only names it, and no restore writes there. So who may
//! start a backup chooses among scripts and cannot bring one, and the data partition of an appliance need not
//! let programs run. It has what the engine's user has, but none of the engine's further rights, and of the
//! environment only this:
//!
//! ```text
//! FOSSILSAFE_HOOK     before | after
//! FOSSILSAFE_JOB      the number of the job
//! FOSSILSAFE_SET      the set
//! FOSSILSAFE_OUTCOME  after: completed | incomplete | cancelled | failed
//! FOSSILSAFE_RUN      after: the run, if one was begun
//! PATH                the usual folders
//! ```
//!
//! If the first one fails, the backup does not begin; the other one runs however the backup has ended, also if
//! it has not begun, so that it can take back what was done before. A job that waits for a person has not
//! ended. One that is taken up again does not run the first hook a second time, unless it had not come
//! further than that: a hook must bear to find what it has made before.

use std::io::{self, PipeReader, Read as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use super::context::JobContext;
use super::error::JobError;
use super::outcome::Ending;
use super::spec::{BackupSpec, Hooks, JobSpec};
use crate::catalog::{EventLevel, JobRecord};

/// Milliseconds between two looks whether the hook has ended, or has to.
const LOOK_MS: u16 = 100;
/// From being asked to end until being ended.
const GRACE: Duration = Duration::from_secs(5);
/// What is kept of the output: its end, a screen of text.
const SAID_MAX: usize = 4096;
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Permissions of group and others to write.
const WRITE_BY_OTHERS: u32 = 0o022;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Before,
    After,
}

impl Moment {
    fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

/// Why a hook counts as failed.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// It is not there, or others could have written it.
    #[error("hook {name} cannot be used: {why}")]
    Unusable {
        /// Its name.
        name: String,
        /// Why not.
        why: String,
    },
    /// It has ended badly.
    #[error("hook {name}, which runs {moment} the backup, failed: {why}; {}", quoted(.said))]
    Failed {
        /// Its name.
        name: String,
        /// `before` or `after`.
        moment: &'static str,
        /// How it has ended.
        why: String,
        /// The end of what it has said.
        said: String,
    },
    /// The job was told to stop meanwhile.
    #[error("stopped while a hook ran")]
    Stopped,
}

impl HookError {
    /// A stable name, and what to do.
    pub(super) fn advice(&self) -> (&'static str, &'static str) {
        match self {
            Self::Unusable { .. } => (
                "hook_unusable",
                "Put the script into the folder `hooks` of the data folder, owned by root or the engine's user and \
                 writable by nobody else.",
            ),
            Self::Failed { .. } | Self::Stopped => {
                ("hook_failed", "Correct what the hook says, then start the backup again.")
            }
        }
    }
}

fn quoted(text: &str) -> String {
    if text.is_empty() { "it said nothing".to_owned() } else { format!("it said: {text}") }
}

/// Runs the hook before a backup, unless the job goes on after it had come further.
///
/// # Errors
/// If it cannot be used or fails, or the job is told to stop: the backup does not begin.
pub(super) fn before(
    context: &JobContext,
    spec: &BackupSpec,
    checkpoint: Option<&serde_json::Value>,
) -> Result<(), HookError> {
    match &spec.hooks.before {
        Some(name) if checkpoint.is_none() => run(context, spec, Moment::Before, name, &[]),
        _ => Ok(()),
    }
}

/// Runs the hook after a backup that is over. If it fails, the outcome says so; what is on tape stays there.
pub(super) fn after(
    context: &JobContext,
    ended: Result<Ending, JobError>,
) -> Result<Ending, JobError> {
    let word = match &ended {
        Ok(Ending::Completed(_)) => "completed",
        Ok(Ending::Incomplete(_)) => "incomplete",
        Ok(Ending::Cancelled(_)) => "cancelled",
        Err(_) => "failed",
        // The job is not over.
        Ok(Ending::Waiting(..) | Ending::Interrupted) => return ended,
    };
    // What could not be read was no reason to run anything before either.
    let Ok(record) = context.parts.catalog.job(context.id) else { return ended };
    let Some((spec, name)) = hook_after(&record) else { return ended };
    let outcome = ended.as_ref().ok().and_then(Ending::outcome);
    let run_name = outcome.and_then(|outcome| outcome.run.as_ref());
    let run_name = run_name.map(|run| run.0.as_str()).unwrap_or_default();
    let more = [("FOSSILSAFE_OUTCOME", word), ("FOSSILSAFE_RUN", run_name)];
    let Err(error) = run(context, &spec, Moment::After, &name, &more) else { return ended };
    let message = error.to_string();
    let mut ended = ended;
    if let Ok(
        Ending::Completed(outcome) | Ending::Incomplete(outcome) | Ending::Cancelled(outcome),
    ) = &mut ended
    {
        outcome.sentence = format!("{}; {message}", outcome.sentence);
    }
    context.tell(EventLevel::Warning, "hook_failed", message);
    ended
}

/// True if a job that is cancelled while it does not work has a hook to run all the same.
pub(super) fn is_owed(record: &JobRecord) -> bool {
    record.started.is_some() && hook_after(record).is_some()
}

fn hook_after(record: &JobRecord) -> Option<(BackupSpec, String)> {
    match super::runner::spec_of(record) {
        Ok(JobSpec::Backup(spec)) => spec.hooks.after.clone().map(|name| (spec, name)),
        _ => None,
    }
}

/// Both hooks of a request can be used as things stand.
///
/// # Errors
/// [`HookError::Unusable`].
pub fn ensure_usable(folder: &Path, hooks: &Hooks) -> Result<(), HookError> {
    hooks.before.iter().chain(&hooks.after).try_for_each(|name| find(folder, name).map(drop))
}

/// The script of a name, if it is one that only the machine's owner can have written.
fn find(folder: &Path, name: &str) -> Result<PathBuf, HookError> {
    let unusable = |why: String| HookError::Unusable { name: name.to_owned(), why };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(is_plain) {
        return Err(unusable("a name has letters, digits, '-', '_' and '.'".to_owned()));
    }
    let path = folder.join(name);
    for (part, wanted) in [(folder, "folder"), (path.as_path(), "file")] {
        let shown = part.display();
        let status =
            part.symlink_metadata().map_err(|error| unusable(format!("{shown}: {error}")))?;
        let is_right = if wanted == "folder" { status.is_dir() } else { status.is_file() };
        if !is_right {
            return Err(unusable(format!("{shown} is no {wanted}")));
        }
        let owner = status.uid();
        if owner != 0 && owner != nix::unistd::geteuid().as_raw() {
            return Err(unusable(format!("{shown} belongs to user {owner}")));
        }
        if status.mode() & WRITE_BY_OTHERS != 0 {
            return Err(unusable(format!("others than its owner may write {shown}")));
        }
    }
    Ok(path)
}

fn run(
    context: &JobContext,
    spec: &BackupSpec,
    moment: Moment,
    name: &str,
    more: &[(&str, &str)],
) -> Result<(), HookError> {
    let folder = context.parts.folders.hooks();
    let script = find(&folder, name)?;
    context.stage(&format!("running hook {name}"), None);
    let message = format!("hook {name} runs {} the backup", moment.word());
    context.tell(EventLevel::Info, "hook", message);
    let mut command = Command::new("/bin/sh");
    command.arg(script).current_dir(&folder).process_group(0).stdin(Stdio::null());
    command.env_clear().env("PATH", PATH).env("FOSSILSAFE_HOOK", moment.word());
    command.env("FOSSILSAFE_JOB", context.id.to_string()).env("FOSSILSAFE_SET", spec.set.as_str());
    command.envs(more.iter().copied());
    let limit = Duration::from_secs(u64::from(spec.hooks.seconds_max));
    let mut output = Vec::new();
    let ended =
        Hook::begin(command).and_then(|hook| hook.wait(context, moment, limit, &mut output));
    let said = one_line(&output);
    let why = match ended {
        Ok(Ended::ByItself(status)) if status.success() => {
            if !said.is_empty() {
                context.tell(EventLevel::Info, "hook_said", format!("hook {name} said: {said}"));
            }
            return Ok(());
        }
        Ok(Ended::Stopped) if moment == Moment::Before => return Err(HookError::Stopped),
        Ok(Ended::ByItself(status)) => format!("it ended with {status}"),
        Ok(Ended::TooLong) => format!("it was ended after {} seconds", limit.as_secs()),
        Ok(Ended::Stopped) => "it was ended because the appliance stops".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(HookError::Failed { name: name.to_owned(), moment: moment.word(), why, said })
}

/// How a hook has come to its end.
#[derive(Clone, Copy, Debug)]
enum Ended {
    ByItself(ExitStatus),
    TooLong,
    Stopped,
}

/// A hook at work.
struct Hook {
    child: Child,
    group: Pid,
    /// Nothing once nobody can say anything any more.
    output: Option<PipeReader>,
}

impl Hook {
    fn begin(mut command: Command) -> io::Result<Self> {
        // One pipe for both: errors stand among the output, as a person would see them.
        let (output, input) = io::pipe()?;
        command.stdout(input.try_clone()?).stderr(input);
        // Rights are of a thread, and so are those that its programs get: this one gives up the engine's.
        let beginning = std::thread::Builder::new().name("hook".to_owned()).spawn(move || {
            rustix::thread::clear_ambient_capability_set().map_err(io::Error::from)?;
            command.spawn()
        })?;
        let gone = |_| io::Error::other("the thread that begins the hook has failed");
        let child = beginning.join().map_err(gone)??;
        let group = Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?);
        Ok(Self { child, group, output: Some(output) })
    }

    /// Waits until it has ended, or ends it when its time is over or the job has to stop. A hook that takes
    /// back what was done is not stopped with the job, only with the appliance.
    fn wait(
        mut self,
        context: &JobContext,
        moment: Moment,
        limit: Duration,
        said: &mut Vec<u8>,
    ) -> io::Result<Ended> {
        let clock = &context.parts.clock;
        let begun = clock.elapsed();
        let mut told: Option<(Ended, Instant)> = None;
        loop {
            self.listen(LOOK_MS, said)?;
            if self.has_ended()? {
                break;
            }
            // Asked each time: it is also the job's sign of life.
            let is_stopped = context.is_stopped();
            let has_to_stop = match moment {
                Moment::Before => is_stopped,
                Moment::After => context.is_interrupted(),
            };
            match told {
                None if has_to_stop => told = Some((Ended::Stopped, Instant::now())),
                None if clock.elapsed().saturating_sub(begun) > limit => {
                    told = Some((Ended::TooLong, Instant::now()));
                }
                None => continue,
                Some((_, at)) if at.elapsed() > GRACE => {
                    self.signal(Signal::SIGKILL);
                    continue;
                }
                Some(_) => continue,
            }
            self.signal(Signal::SIGTERM);
        }
        if told.is_some() {
            // Not yet waited for, so the group is still its own: nothing that it has begun goes on.
            self.signal(Signal::SIGKILL);
        }
        let status = self.child.wait()?;
        while self.listen(0, said)? {}
        Ok(told.map_or(Ended::ByItself(status), |(why, _)| why))
    }

    /// To it and to all that it has begun; one that has just ended needs no signal.
    fn signal(&self, signal: Signal) {
        let _ = killpg(self.group, signal);
    }

    /// True once it has ended, without taking note of it: its number stays its own.
    fn has_ended(&self) -> io::Result<bool> {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        match waitid(Id::Pid(self.group), flags) {
            Ok(WaitStatus::StillAlive) | Err(Errno::EINTR) => Ok(false),
            Ok(_) => Ok(true),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Waits that long for something to be said and keeps its end. False if nothing was.
    fn listen(&mut self, wait_ms: u16, said: &mut Vec<u8>) -> io::Result<bool> {
        let output = self.output.as_ref().map(|o| PollFd::new(o.as_fd(), PollFlags::POLLIN));
        let mut waited_for: Vec<PollFd<'_>> = output.into_iter().collect();
        match poll(&mut waited_for, PollTimeout::from(wait_ms)) {
            Ok(1..) => {}
            Ok(_) | Err(Errno::EINTR) => return Ok(false),
            Err(errno) => return Err(errno.into()),
        }
        let mut piece = [0; 1024];
        let count = self.output.as_mut().map_or(Ok(0), |output| output.read(&mut piece))?;
        if count == 0 {
            self.output = None;
            return Ok(false);
        }
        said.extend_from_slice(&piece[..count]);
        said.drain(..said.len().saturating_sub(SAID_MAX));
        Ok(true)
    }
}

fn one_line(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
mod tests;
