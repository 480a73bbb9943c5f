//! The watch: looks again and again whether everything is as it should be, and raises what is not.
//!
//! It wakes when something has changed, looks at most every [`LOOK_AGAIN`], and at least every
//! [`LOOK_LATEST`]; a look that takes long is followed by a longer pause, so that it never takes more than a
//! tenth of a core. What stands now is compared with what stood, and jobs that have ended since are told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::standing::{SetStanding, Standing};
use super::{Service, answers};
use crate::api::engine::EngineError;
use crate::api::types::{CartridgeState, SelfTestBrief};
use crate::catalog::alerts::AlertReport;
use crate::catalog::{JobRecord, JobState, RecordedEvent};
use crate::domain::worker::Worker;
use crate::domain::{Barcode, DriveSerial, Timestamp};
use crate::health::Kind;
use crate::jobs::context::{About, DRIVE_FAILED, SIGNATURE_BAD};
use crate::jobs::equipment::DriveReport;
use crate::jobs::identity::IdentityError;
use crate::jobs::runner::spec_of;
use crate::jobs::{JobEnd, JobSpec, Need};

/// Pause after a look, at least.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Pause after a look when nothing changes: what grows old does so by itself.
const LOOK_LATEST: Duration = Duration::from_secs(60);
/// A look is followed by a pause so many times as long as it took.
const PAUSE_FACTOR: u32 = 9;
/// Drives that nobody uses are asked so often how they are: what they raise is about their last use.
const ASK_DRIVES: Duration = Duration::from_secs(3600);
/// The audit log is gone through again so often.
const VERIFY_AUDIT: Duration = Duration::from_secs(3600);
/// How long a new set may be without proof before that is said. Chosen: a week has a quiet night for it.
const UNPROVEN_SECONDS_MAX: i64 = 7 * 86_400;
/// How old a proof may be. Chosen: two a year find a cartridge that ages before its copies do.
const PROOF_SECONDS_MAX: i64 = 183 * 86_400;
/// Events of jobs that are read together.
const EVENTS_READ: usize = 500;
/// Where the watch is in the list of events of jobs.
const PLACE: &str = "job_events";

/// What the watch keeps between its looks.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) worker: Worker,
    pub(super) standing: Mutex<Option<Arc<Standing>>>,
    /// Held while a look sums up.
    pub(super) summing: Mutex<()>,
    /// What each drive last said.
    pub(super) drives: Mutex<BTreeMap<DriveSerial, DriveReport>>,
    /// When jobs failed because of a drive, since the engine was started.
    pub(super) faults: Mutex<BTreeMap<DriveSerial, Vec<Timestamp>>>,
    /// The last self-test.
    pub(super) self_test: Mutex<Option<SelfTestBrief>>,
    /// A job has ended since the drives were asked.
    drives_were_used: AtomicBool,
}

/// Begins to look.
pub(super) fn start(service: &Arc<Service>) -> std::io::Result<()> {
    let looking = Arc::clone(service);
    let mut changes = service.changes.subscribe();
    let mut rest = Rest::default();
    let mut drives_asked = service.parts.clock.elapsed();
    service.watch.worker.start("watch", LOOK_AGAIN, move || {
        // An error of a receiver is an engine that ends.
        let has_changed = changes.has_changed().unwrap_or(false);
        let now = looking.parts.clock.elapsed();
        let were_used = looking.watch.drives_were_used.swap(false, Ordering::Relaxed);
        if were_used || now.saturating_sub(drives_asked) >= ASK_DRIVES {
            drives_asked = now;
            if let Err(error) = looking.ask_drives() {
                tracing::error!(%error, "the drives could not be asked");
            }
        }
        if rest.is_over(now, has_changed) {
            changes.mark_unchanged();
            if let Err(error) = looking.look() {
                tracing::error!(%error, "the watch could not look");
            }
            rest = Rest::after(now, looking.parts.clock.elapsed());
        }
        LOOK_AGAIN
    })
}

/// When the next look is.
#[derive(Debug, Default)]
struct Rest {
    earliest: Duration,
    latest: Duration,
}

impl Rest {
    fn after(began: Duration, ended: Duration) -> Self {
        let pause = LOOK_AGAIN.max(ended.saturating_sub(began) * PAUSE_FACTOR);
        Self { earliest: ended + pause, latest: ended + LOOK_LATEST.max(pause) }
    }

    fn is_over(&self, now: Duration, has_changed: bool) -> bool {
        now >= if has_changed { self.earliest } else { self.latest }
    }
}

impl Service {
    /// Looks once: sums up, raises what stands, tells of jobs that have ended.
    pub(super) fn look(&self) -> Result<(), EngineError> {
        let mut reports = self.library_reports();
        reports.extend(self.drive_reports());
        reports.extend(self.disk_report());
        reports.extend(self.audit_reports());
        reports.extend(self.staging_report());
        reports.extend(self.certificates.report(self.present()));
        match self.sum_up() {
            Ok(standing) => {
                let now = self.present();
                reports.extend(standing.sets.iter().filter_map(|set| set_report(set, now)));
                reports.extend(standing.sets.iter().filter_map(single_copy));
                reports.extend(cartridge_reports(&standing));
                reports.extend(self.key_reports()?);
                reports.extend(self.waiting_reports()?);
                reports.extend(self.backup_report(now)?);
                reports.extend(self.self_test_report()?);
            }
            Err(error) => reports.push(report(
                Kind::CatalogUnreadable,
                "catalog",
                format!("The catalog cannot be read: {error}"),
                "Run `fossilsafe catalog check`, and check the disk.",
            )),
        }
        self.health.stands(&reports).map_err(answers::health)?;
        self.tell_of_jobs()
    }

    fn library_reports(&self) -> Vec<AlertReport> {
        let error = self.parts.equipment.sight().error;
        let unreachable = error.map(|error| {
            let next_step = "Look at the library, then run `fossilsafe library inventory`.";
            let sentence = format!("The library does not answer: {error}.");
            report(Kind::LibraryUnreachable, "library", sentence, next_step)
        });
        unreachable.into_iter().collect()
    }

    fn audit_reports(&self) -> Option<AlertReport> {
        let next_step = "Keep a copy of audit.db as it is; see `fossilsafe audit verify`, and find out who was at it.";
        let sentence = match self.audit.verified_within(VERIFY_AUDIT) {
            Ok(found) if found.is_whole => return None,
            Ok(found) => format!(
                "The audit log is not what was written: {} findings in {} entries.",
                found.findings_total, found.entries
            ),
            Err(error) => format!("The audit log cannot be gone through: {error}."),
        };
        Some(report(Kind::AuditBroken, "audit", sentence, next_step))
    }

    fn key_reports(&self) -> Result<Vec<AlertReport>, EngineError> {
        let mut reports = Vec::new();
        for pool in self.pool_views()? {
            if let Some(blocked) = pool.blocked {
                let next_step = "See `fossilsafe pool list` and `fossilsafe kit list`.";
                let sentence = format!("Pool {} cannot be used: {blocked}", pool.name);
                reports.push(report(Kind::PoolBlocked, pool.name.as_str(), sentence, next_step));
            }
        }
        let life = self.parts.keys.ring().token_life();
        if let Some(sentence) = life.and_then(|life| life.warning(self.present())) {
            let next_step =
                "Make a new token there, or an app role, and set it: `fossilsafe kms set`.";
            reports.push(report(Kind::KeyServerToken, "key server", sentence, next_step));
        }
        let waiting = self.parts.keys.ring().waiting().len();
        if waiting > 0 {
            let sentence = format!("{waiting} data keys that were found on tapes wait for a kit.");
            let next_step = "Open them with the recovery kit: `fossilsafe kit open`.";
            reports.push(report(Kind::KeysWaiting, "keys", sentence, next_step));
        }
        Ok(reports)
    }

    fn waiting_reports(&self) -> Result<Vec<AlertReport>, EngineError> {
        let waiting = self.parts.catalog.jobs_in_state(JobState::Waiting);
        let waiting = waiting.map_err(answers::catalog)?;
        Ok(waiting
            .into_iter()
            .map(|job| {
                let end: JobEnd = job
                    .error
                    .clone()
                    .and_then(|end| serde_json::from_value(end).ok())
                    .unwrap_or_default();
                let id = job.id;
                if let Some(Need::KeyServer { message, .. }) = end.need {
                    let sentence = format!("Job {id} waits for the key server: {message}");
                    let next_step = "It goes on by itself when the key server gives the key.";
                    return report(Kind::JobWaiting, &id.to_string(), sentence, next_step);
                }
                let (sentence, next_step) = match end.failure {
                    Some(failure) => (
                        format!("Job {id} waits for a person: {}.", failure.message),
                        failure.next_step,
                    ),
                    None => (
                        format!("Job {id} waits for a person."),
                        format!("See what it needs: `fossilsafe job show {id}`."),
                    ),
                };
                report(Kind::JobWaiting, &id.to_string(), sentence, &next_step)
            })
            .collect())
    }

    /// Tells of every job that has ended since the last look.
    fn tell_of_jobs(&self) -> Result<(), EngineError> {
        let newest = self.parts.catalog.newest_event().map_err(answers::catalog)?;
        let mut place = self.health.place(PLACE).map_err(answers::health)?;
        if place > newest {
            // The catalog was moved aside or put back: its events are counted anew.
            place = 0;
        }
        loop {
            let events = self.parts.catalog.events_after(place, None, EVENTS_READ);
            let events = events.map_err(answers::catalog)?;
            let Some(last) = events.last().map(|event| event.id) else { return Ok(()) };
            for event in &events {
                self.tell_of(event)?;
            }
            place = last;
            self.health.set_place(PLACE, place).map_err(answers::health)?;
        }
    }

    fn tell_of(&self, event: &RecordedEvent) -> Result<(), EngineError> {
        let about = event.event.content.clone().and_then(|it| serde_json::from_value(it).ok());
        match (event.event.code.as_str(), about) {
            (SIGNATURE_BAD, Some(About::Cartridge(barcode))) => {
                return self.tell_of_signature(&barcode, &event.event.message);
            }
            (DRIVE_FAILED, Some(About::Drive(serial))) => {
                self.watch.faults.lock().entry(serial).or_default().push(event.at);
                return Ok(());
            }
            _ => {}
        }
        let kind = match event.event.code.parse() {
            Ok(JobState::Completed) => Kind::JobCompleted,
            Ok(JobState::Incomplete) => Kind::JobIncomplete,
            Ok(JobState::Failed) => Kind::JobFailed,
            _ => return Ok(()),
        };
        self.watch.drives_were_used.store(true, Ordering::Relaxed);
        let record = self.parts.catalog.job(event.job).map_err(answers::catalog)?;
        // What a self-test finds stands until another one finds it no more.
        if kind == Kind::JobIncomplete && record.kind == crate::jobs::self_test::KIND {
            return Ok(());
        }
        let title =
            spec_of(&record).map(|spec| spec.title()).unwrap_or_else(|_| record.kind.clone());
        let id = event.job;
        let forbidden_to = forbidden_to(&record);
        let next_step = match kind {
            Kind::JobCompleted => "Nothing has to be done.".to_owned(),
            _ => {
                let end: Option<JobEnd> =
                    record.error.and_then(|end| serde_json::from_value(end).ok());
                let advice = end.and_then(|end| end.failure).map(|failure| failure.next_step);
                advice
                    .unwrap_or_else(|| format!("See what is missing: `fossilsafe job show {id}`."))
            }
        };
        let sentence = format!("Job {id} ({title}): {}", event.event.message);
        if let Some(barcode) = forbidden_to {
            self.tell_of_forbidden(&barcode, &sentence);
        }
        let report = report(kind, &id.to_string(), sentence, &next_step);
        self.health.happened(kind, &report).map_err(answers::health)
    }
}

impl Service {
    /// What a tape says was signed and is not so: somebody or something has changed it.
    fn tell_of_signature(&self, barcode: &Barcode, what: &str) -> Result<(), EngineError> {
        let next_step =
            "Set the cartridge aside, and find out who had it; its files may still be good.";
        let sentence = format!("Cartridge {barcode} is not what was signed: {what}.");
        let report = report(Kind::SignatureBad, barcode.as_str(), sentence, next_step);
        self.health.happened(Kind::SignatureBad, &report).map_err(answers::health)
    }

    /// Something was to be written to or erased that must not be: whoever sees to compliance is told.
    pub(super) fn tell_of_forbidden(&self, barcode: &Barcode, what: &str) {
        let next_step = "Find out in the audit log who wanted this, and why.";
        let sentence = format!("Cartridge {barcode}: an attempt to change it was refused: {what}");
        let report = report(Kind::WriteRefused, barcode.as_str(), sentence, next_step);
        if let Err(error) = self.health.happened(Kind::WriteRefused, &report) {
            tracing::error!(%error, %barcode, "a refused change could not be told of");
        }
    }
}

/// The cartridge of a job that failed because it must not be changed.
fn forbidden_to(record: &JobRecord) -> Option<Barcode> {
    let end: JobEnd = serde_json::from_value(record.error.clone()?).ok()?;
    let code = end.failure?.code;
    let is_forbidden = IdentityError::FORBIDDEN.contains(&code.as_str());
    match spec_of(record).ok().filter(|_| is_forbidden)? {
        JobSpec::Format(spec) => Some(spec.barcode),
        _ => None,
    }
}

pub(super) fn report(kind: Kind, subject: &str, sentence: String, next_step: &str) -> AlertReport {
    AlertReport {
        kind: kind.as_str(),
        subject: subject.to_owned(),
        severity: kind.severity(),
        sentence,
        next_step: next_step.to_owned(),
    }
}

/// What is wrong with the evidence of a set: the worst of it, or nothing.
fn set_report(set: &SetStanding, now: Timestamp) -> Option<AlertReport> {
    let name = &set.name;
    let since = set.since?;
    let age = |from: Timestamp| now.seconds.saturating_sub(from.seconds);
    if set.is_running {
        return None;
    }
    if !set.is_complete {
        let next_step =
            format!("See `fossilsafe evidence --set {name}`, then back the set up again.");
        let sentence = format!("Set {name}: {}", set.sentence);
        return Some(report(Kind::SetIncomplete, name.as_str(), sentence, &next_step));
    }
    let next_step = format!("Read it again: `fossilsafe verify --set {name}`, or by a schedule.");
    match set.last_proof {
        _ if set.files() == 0 => None,
        None if age(since) > UNPROVEN_SECONDS_MAX => {
            let sentence = format!("Nothing of set {name} was ever read back from its tapes.");
            Some(report(Kind::SetNeverProven, name.as_str(), sentence, &next_step))
        }
        Some(proof) if age(proof) > PROOF_SECONDS_MAX => {
            let days = age(proof) / 86_400;
            let sentence = format!("Set {name} was last read back {days} days ago.");
            Some(report(Kind::EvidenceOld, name.as_str(), sentence, &next_step))
        }
        _ => None,
    }
}

fn single_copy(set: &SetStanding) -> Option<AlertReport> {
    let name = &set.name;
    let next_step = format!("Back it up with `--copies 2`: `fossilsafe backup --set {name}`.");
    let sentence = format!("Set {name} has one copy: if its cartridge is lost, so is the set.");
    (set.copies == 1).then(|| report(Kind::SingleCopy, name.as_str(), sentence, &next_step))
}

fn cartridge_reports(standing: &Standing) -> Vec<AlertReport> {
    let of = |view: &crate::api::types::CartridgeView| {
        let (kind, next_step) = match view.state {
            CartridgeState::NeedsRepair => (
                Kind::CartridgeNeedsRepair,
                "Run `fossilsafe ltfs check` on it; `fossilsafe ltfs repair` writes nothing over.",
            ),
            CartridgeState::Swapped => (
                Kind::CartridgeUnexpected,
                "Find out who changed it; then run `fossilsafe catalog rebuild` on it.",
            ),
            CartridgeState::Bad => {
                (Kind::CartridgeBad, "Copy what is on it to another cartridge and retire it.")
            }
            _ => return None,
        };
        let barcode = view.barcode.to_string();
        let sentence = format!("Cartridge {barcode}: {}.", view.sentence);
        Some(report(kind, &barcode, sentence, next_step))
    };
    standing.cartridges.iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_that_took_long_is_followed_by_a_longer_pause() {
        let second = Duration::from_secs(1);
        let rest = Rest::after(10 * second, 10 * second);
        assert!(!rest.is_over(14 * second, true) && rest.is_over(15 * second, true));
        assert!(!rest.is_over(69 * second, false) && rest.is_over(70 * second, false));
        let rest = Rest::after(10 * second, 30 * second);
        assert!(!rest.is_over(209 * second, true) && rest.is_over(210 * second, true));
        assert!(Rest::default().is_over(Duration::ZERO, false), "the first look is at once");
    }
}
