//! One point: the task of a scenario with something that happens in the middle, and what is true after.

use std::collections::BTreeMap;

use fossilsafe::catalog::JobState;
use fossilsafe::domain::{Barcode, JobId};
use fossilsafe::jobs::self_test::{Check, CheckResult, CheckSubject, SelfTestReport};
use fossilsafe::jobs::spec::{
    EraseConsent, Existing, FormatSpec, MoveSpec, Place, RestoreSpec, VerifyScope, VerifySpec,
};
use fossilsafe::jobs::{Failure, JobEnd, JobSpec, Need};
use fossilsafe::ltfs::mount::{CheckEnds, MountOptions, mount};
use fossilsafe::ltfs::repair::repair;
use fossilsafe::ltfs::writer::{Locked, WriteOptions, creator};
use fossilsafe::scsi::opcode;
use fossilsafe::vtl::log::CommandRecord;
use fossilsafe::vtl::{self, Device};

use crate::claims::{Claims, claims, forgotten, unproven};
use crate::faults::Harm;
use crate::goals::{self, Reached};
use crate::host::{Ended, Failed};
use crate::rig::{Keeping, Rig};
use crate::scenarios::{Goal, Prepared, Task};
use crate::tape::{TapeReader, Tapes};
use crate::wire::Strike;

/// A scenario that is ready to be disturbed.
pub(crate) struct Stage {
    pub(crate) folder: std::path::PathBuf,
    pub(crate) keeping: Keeping,
    pub(crate) prepared: Prepared,
    /// What was on the tapes before: nothing of it may be lost.
    pub(crate) floor: Claims,
    /// True if the catalog knows all of that.
    pub(crate) is_known: bool,
    /// The tapes before.
    pub(crate) tapes: Tapes,
    /// The last job that the base knows.
    pub(crate) last_job: JobId,
}

/// A task done once, undisturbed.
pub(crate) struct Counted {
    /// Its commands.
    pub(crate) commands: Vec<(Device, u8)>,
    /// How often the catalog was written.
    pub(crate) writes: u64,
    pub(crate) report: Report,
}

/// What became of a point.
#[derive(Default)]
pub(crate) struct Report {
    /// What should not be. Empty is good.
    pub(crate) findings: Vec<String>,
    /// How the task ended at first: for the summary.
    pub(crate) first_end: String,
    /// True if nothing happened: the task was over before.
    pub(crate) was_late: bool,
    /// What the commands were, where something was found.
    pub(crate) commands: String,
}

/// How often a task is begun again before it counts as stuck.
const BEGUN_AGAIN_MAX: usize = 2;
/// The first of the slots that no scenario uses.
const FREE_SLOT: u16 = 12;
/// Commands shown with a finding.
const COMMANDS_SHOWN: usize = 400;

impl Stage {
    /// The task once, undisturbed: every command, and the number of writes to the catalog.
    pub(crate) fn count(&self, reader: &mut TapeReader) -> Result<Counted, Failed> {
        let mut point = self.begin(Harm::None)?;
        point.rig.host()?.wire.arm(Vec::new());
        let ended = point.run_task()?;
        let seen = point.rig.host()?.wire.seen();
        point.after(ended, reader)?;
        Ok(Counted { commands: seen.0, writes: seen.1, report: point.report })
    }

    /// The task with all that.
    pub(crate) fn disturb(
        &self,
        lives: Vec<Vec<Strike>>,
        harm: Harm,
        reader: &mut TapeReader,
    ) -> Report {
        let mut report = Report::default();
        match self.try_disturb(lives, harm, reader) {
            Ok(found) => report = found,
            Err(error) => report.findings.push(format!("the sweep itself failed: {error}")),
        }
        report
    }

    fn try_disturb(
        &self,
        lives: Vec<Vec<Strike>>,
        harm: Harm,
        reader: &mut TapeReader,
    ) -> Result<Report, Failed> {
        let mut point = self.begin(harm)?;
        point.is_many = lives.iter().map(Vec::len).sum::<usize>() > 1;
        let mut lives = lives.into_iter();
        point.rig.host()?.wire.arm(lives.next().unwrap_or_default());
        let mut ended = point.run_task()?;
        point.report.was_late = point.rig.host()?.wire.happened() == 0;
        while point.rig.host()?.wire.is_dead() {
            point.next_life(lives.next().unwrap_or_default(), reader)?;
            ended = point.resumed()?;
            point.went_on(ended.as_ref())?;
        }
        point.rig.host()?.wire.disarm();
        point.after(ended, reader)?;
        Ok(point.report)
    }

    fn begin(&self, harm: Harm) -> Result<Point<'_>, Failed> {
        let mut rig = Rig::again(&self.folder, self.keeping)?;
        rig.host_mut()?.start()?;
        let (report, power_failures) = (Report::default(), Vec::new());
        Ok(Point { stage: self, rig, report, power_failures, harm, is_many: false })
    }
}

struct Point<'a> {
    stage: &'a Stage,
    rig: Rig,
    report: Report,
    /// Numbers of the last commands before the power failed.
    power_failures: Vec<u64>,
    harm: Harm,
    /// True if more than one thing happens: then a drive or every cartridge may be lost to the task.
    is_many: bool,
}

/// The end of a task that is no job.
fn end_of(result: Result<(), Failed>) -> Ended {
    let (state, failure) = match result {
        Ok(()) => (JobState::Completed, None),
        Err(error) => {
            let failure = Failure {
                code: "repair".to_owned(),
                message: error.to_string(),
                next_step: "run it again".to_owned(),
                causes: Vec::new(),
            };
            (JobState::Failed, Some(failure))
        }
    };
    Ended { state, end: JobEnd { failure, ..JobEnd::default() } }
}

impl Point<'_> {
    /// Runs the task; nothing comes back if the host died.
    fn run_task(&mut self) -> Result<Option<Ended>, Failed> {
        match self.stage.prepared.task.clone() {
            Task::Job(spec) => self.run_job(&spec),
            Task::Repair(barcode) => self.run_repair(&barcode),
        }
    }

    fn run_job(&mut self, spec: &JobSpec) -> Result<Option<Ended>, Failed> {
        let host = self.rig.host()?;
        let job = match host.submit(spec) {
            Err(_) if host.wire.is_dead() => return Ok(None),
            job => job?,
        };
        self.wait(job)
    }

    fn wait(&mut self, job: JobId) -> Result<Option<Ended>, Failed> {
        let host = self.rig.host()?;
        let ended = host.wait(job)?;
        if let Some(ended) = &ended {
            let told = host.told(job);
            self.be_honest(ended, &told);
        }
        Ok(ended)
    }

    fn run_repair(&mut self, barcode: &Barcode) -> Result<Option<Ended>, Failed> {
        let host = self.rig.host()?;
        let result = repair_cartridge(host, barcode);
        if host.wire.is_dead() {
            return Ok(None);
        }
        Ok(Some(end_of(result)))
    }

    /// A job that has not done everything says why.
    fn be_honest(&mut self, ended: &Ended, told: &str) {
        let end = &ended.end;
        let problems = end.outcome.as_ref().map_or(0, |outcome| outcome.problems_total);
        let complaint = match ended.state {
            JobState::Completed if problems > 0 => "completed with problems",
            // A self-test has its own report.
            JobState::Incomplete if problems == 0 && !self.is_self_test() => {
                "incomplete without a problem"
            }
            JobState::Waiting if end.need.is_none() => "waiting for nothing",
            JobState::Failed => match &end.failure {
                None => "failed without a reason",
                Some(failure) if failure.code == "bug" => "failed by a defect of the program",
                Some(failure) if failure.next_step.is_empty() => "failed without a next step",
                Some(_) => return,
            },
            _ => return,
        };
        self.find(format!("the job {complaint}: {ended:?}\n{told}"));
    }

    fn find(&mut self, finding: String) {
        self.report.findings.push(finding);
    }

    /// After a cut: the crash image and the tapes must agree before anything else is done.
    fn next_life(&mut self, strikes: Vec<Strike>, reader: &mut TapeReader) -> Result<(), Failed> {
        self.power_failures.extend(self.rig.reborn()?);
        let tapes = self.read_copy(reader)?;
        let claims = claims(self.rig.host()?.catalog())?;
        for what in unproven(&claims, &tapes) {
            self.find(format!("after the cut: {what}"));
        }
        self.keep_floor(&claims, &tapes, "after the cut");
        self.rig.host()?.wire.arm(strikes);
        match self.rig.host_mut()?.start() {
            // It dies again while it takes up what the last life left.
            Err(_) if self.rig.host()?.wire.is_dead() => Ok(()),
            started => started,
        }
    }

    fn read_copy(&mut self, reader: &mut TapeReader) -> Result<Tapes, Failed> {
        let copy = self.rig.copy_library()?;
        reader.read(&copy, &self.rig.scratch())
    }

    /// The job that the next life takes up, if the last one had written it down.
    fn resumed(&mut self) -> Result<Option<Ended>, Failed> {
        if matches!(self.stage.prepared.task, Task::Repair(_)) {
            return Ok(None);
        }
        let host = self.rig.host()?;
        let newest = match host.catalog().jobs(None, 1) {
            Err(_) if host.wire.is_dead() => return Ok(None),
            newest => newest?,
        };
        match newest.first() {
            Some(job) if job.id <= self.stage.last_job => Ok(None),
            Some(job) if !job.state.is_final() => self.wait(job.id),
            Some(job) => {
                let end = job.error.clone().map(serde_json::from_value).transpose()?;
                Ok(Some(Ended { state: job.state, end: end.unwrap_or_default() }))
            }
            None => Ok(None),
        }
    }

    fn is_self_test(&self) -> bool {
        matches!(self.stage.prepared.task, Task::Job(JobSpec::SelfTest(_)))
    }

    /// A job that is cut off and meets nothing else is taken up and does what it was asked. A format that finds
    /// half a label, in which no volume is named yet, asks a person: it could be anybody's.
    fn went_on(&mut self, ended: Option<&Ended>) -> Result<(), Failed> {
        let Some(ended) = ended else { return Ok(()) };
        if ended.state == JobState::Completed || self.is_many {
            return Ok(());
        }
        let code = ended.end.failure.as_ref().map(|failure| failure.code.as_str());
        let is_asking = match self.stage.prepared.goal {
            Goal::Formatted(_) if self.is_self_test() => self.is_cartridge_refused()?,
            Goal::Formatted(_) => code == Some("wrong_cartridge"),
            _ => false,
        };
        if !is_asking {
            self.find(format!("taken up after the cut, it ends with {ended:?}"));
        }
        Ok(())
    }

    /// True if the self-test has written nothing because something is on the cartridge.
    fn is_cartridge_refused(&self) -> Result<bool, Failed> {
        let newest = self.rig.host()?.catalog().jobs(None, 1)?;
        let Some(kept) = newest.into_iter().next().and_then(|job| job.checkpoint) else {
            return Ok(false);
        };
        // One that has ended without a report has kept what it was making.
        let report = serde_json::from_value::<SelfTestReport>(kept).unwrap_or_default();
        let is_it = |check: &Check| {
            check.subject == CheckSubject::Cartridge
                && check.result == CheckResult::Failed
                && check.sentence.contains("nothing was written")
        };
        Ok(report.checks.iter().any(is_it))
    }

    /// What was on the tapes before is there, and known.
    fn keep_floor(&mut self, claims: &Claims, tapes: &Tapes, when: &str) {
        for what in unproven(&self.stage.floor, tapes) {
            self.find(format!("{when}: from before, {what}"));
        }
        if self.stage.is_known {
            for what in forgotten(&self.stage.floor, claims) {
                self.find(format!("{when}: the catalog has forgotten: {what}"));
            }
        }
        self.keep_objects(tapes, when);
    }

    /// Nothing was written over: whatever stood on a data partition stands there still, and nothing at
    /// all was written to what is not ours.
    fn keep_objects(&mut self, tapes: &Tapes, when: &str) {
        let is_erased = |barcode: &Barcode| matches!(&self.stage.prepared.goal, Goal::Formatted(formatted) if formatted == barcode);
        let mut found = Vec::new();
        for (barcode, before) in &self.stage.tapes {
            let Some(after) = tapes.get(barcode) else {
                found.push(format!("{when}: cartridge {barcode} is gone"));
                continue;
            };
            if !self.stage.prepared.may_write.contains(barcode) {
                if before.objects != after.objects {
                    found.push(format!("{when}: cartridge {barcode} was written"));
                }
                continue;
            }
            if is_erased(barcode) {
                continue;
            }
            if let (Some(data), Some(now)) = (before.objects.get(1), after.objects.get(1))
                && !now.starts_with(data)
            {
                found.push(format!("{when}: data of {barcode} was written over"));
            }
            // Of the index partition the last index may be replaced: its label never is.
            if let (Some(index), Some(now)) = (before.objects.first(), after.objects.first()) {
                let label = index.len().min(4);
                if self.harm != Harm::Label && !now.starts_with(&index[..label]) {
                    found.push(format!("{when}: the label of {barcode} was written over"));
                }
            }
        }
        self.report.findings.extend(found);
    }

    /// The task again until it is done, then everything that must be true.
    fn after(&mut self, ended: Option<Ended>, reader: &mut TapeReader) -> Result<(), Failed> {
        self.report.first_end = ended
            .as_ref()
            .map_or_else(|| "begun anew".to_owned(), |ended| ended.state.as_str().to_owned());
        let is_done = |ended: &Option<Ended>| {
            ended.as_ref().is_some_and(|ended| ended.state == JobState::Completed)
        };
        let mut ended = ended;
        let mut begun_again = 0;
        while !is_done(&ended) && begun_again < BEGUN_AGAIN_MAX {
            begun_again += 1;
            ended = self.again(ended.as_ref())?;
        }
        // A volume that has lost a label is not repaired: repair only appends, and the other label reads it.
        let is_hopeless =
            self.harm == Harm::Label && matches!(self.stage.prepared.goal, Goal::Repaired(_));
        let has_reason = self.is_many && self.lacks_cartridges(ended.as_ref())?;
        if !is_done(&ended) && self.harm != Harm::Content && !is_hopeless && !has_reason {
            self.find(format!("begun again without a fault, it ends with {ended:?}"));
        }
        if self.harm == Harm::Content {
            self.read_back()?;
        }
        let claims = claims(self.rig.host()?.catalog())?;
        self.check_equipment()?;
        let mut reached = Reached::default();
        if is_done(&ended) && self.harm != Harm::Content {
            reached = goals::reached(&self.rig, self.stage, &claims)?;
            self.report.findings.append(&mut reached.findings);
        }
        self.rig.close_host();
        let log = self.rig.library()?.log().records();
        self.check_log(&log);
        self.rig.close();
        let tapes = reader.read(&self.rig.library_folder(), &self.rig.scratch())?;
        for what in unproven(&claims, &tapes) {
            self.find(format!("at the end: {what}"));
        }
        self.keep_floor(&claims, &tapes, "at the end");
        // A flipped bit of a label is known to nobody, and the other partition has another label.
        if is_done(&ended) && self.harm != Harm::Content {
            let found = goals::missed_on_tape(self.stage, &reached, &tapes);
            self.report.findings.extend(found);
        }
        if !self.report.findings.is_empty() {
            let shown = &log[log.len().saturating_sub(COMMANDS_SHOWN)..];
            self.report.commands =
                shown.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        }
        Ok(())
    }

    /// What is wrong on the tape and nobody could know comes out when it is read back: what is claimed
    /// after that is true again.
    fn read_back(&mut self) -> Result<(), Failed> {
        let catalog = self.rig.host()?.catalog();
        let volumes = catalog.volumes()?.into_iter().filter(|v| v.set.is_some());
        let barcodes: Vec<_> = volumes.filter_map(|volume| volume.volume.barcode).collect();
        for barcode in barcodes {
            let scope = VerifyScope::Cartridge(barcode);
            self.run_job(&JobSpec::Verify(VerifySpec::from(scope)))?;
        }
        Ok(())
    }

    /// What a person does about a task that has not ended well: goes on, or begins again.
    fn again(&mut self, ended: Option<&Ended>) -> Result<Option<Ended>, Failed> {
        if ended.is_some_and(|ended| ended.state == JobState::Waiting) {
            let newest = self.rig.host()?.catalog().jobs(None, 1)?;
            let job = newest.first().ok_or("a waiting job is not in the catalog")?.id;
            self.rig.host()?.resume(job)?;
            let mut ended = self.wait(job)?;
            if let Some(ended) = ended.as_mut().filter(|e| e.state == JobState::Waiting) {
                self.rig.host()?.cancel(job)?;
                ended.state = JobState::Cancelled;
            }
            return Ok(ended);
        }
        let task = match self.stage.prepared.task.clone() {
            // What was half done is not blank any more: a person has looked and consents.
            Task::Job(JobSpec::Format(mut spec)) if ended.is_some() => {
                spec.erase = EraseConsent::Everything { typed_barcode: spec.barcode.clone() };
                Task::Job(JobSpec::Format(spec))
            }
            // The same; it is formatted for that.
            Task::Job(JobSpec::SelfTest(spec)) if ended.is_some() => {
                if let Some(barcode) = spec.cartridge.clone() {
                    let erase = EraseConsent::Everything { typed_barcode: barcode.clone() };
                    let format = FormatSpec { barcode, volume_name: None, erase };
                    self.run_job(&JobSpec::Format(format))?;
                }
                Task::Job(JobSpec::SelfTest(spec))
            }
            // What was restored stands there, and is to be made again with the rest.
            Task::Job(JobSpec::Restore(spec)) if ended.is_some() => {
                Task::Job(JobSpec::Restore(RestoreSpec { existing: Existing::Replace, ..spec }))
            }
            Task::Job(JobSpec::Move(spec)) => {
                match goals::move_left(&self.rig, self.stage, spec)? {
                    Some(spec) => Task::Job(JobSpec::Move(spec)),
                    None => return Ok(Some(end_of(Ok(())))),
                }
            }
            task => task,
        };
        match task {
            Task::Job(spec) => self.run_job(&spec),
            Task::Repair(barcode) => self.run_repair(&barcode),
        }
    }

    /// Every cartridge that may be written was set aside for a reason that is told, or holds another copy:
    /// it waits for one more.
    fn lacks_cartridges(&self, ended: Option<&Ended>) -> Result<bool, Failed> {
        let need = ended.and_then(|ended| ended.end.need.as_ref());
        let Some(Need::FormattedCartridge { copy, passed_over, .. }) = need else {
            return Ok(false);
        };
        let told: Vec<_> = passed_over.iter().map(|(barcode, _)| barcode).collect();
        let volumes = self.rig.host()?.catalog().volumes()?;
        let is_others = |barcode: &Barcode| {
            let mut on_it = volumes.iter().filter(|v| v.volume.barcode.as_ref() == Some(barcode));
            on_it.any(|v| copy.is_some() && v.set.as_ref().is_some_and(|at| Some(at.copy) != *copy))
        };
        let mut ours = self.stage.prepared.may_write.iter();
        Ok(ours.all(|barcode| told.contains(&barcode) || is_others(barcode)))
    }

    /// Drives and robot are free.
    fn check_equipment(&mut self) -> Result<(), Failed> {
        // What a drive does not give back while it fails, a person has moved: it must let itself.
        for number in self.left_in_drives()? {
            let (from, to) = (Place::Drive(number), Place::Slot(FREE_SLOT + number));
            self.run_job(&JobSpec::Move(MoveSpec { from, to }))?;
        }
        let equipment = &self.rig.host()?.parts.equipment;
        let taken: Vec<_> =
            (0..equipment.bays().len()).filter(|n| equipment.is_taken(*n)).collect();
        if !taken.is_empty() {
            self.find(format!("drives {taken:?} are still taken"));
        }
        for cartridge in self.rig.library()?.cartridges()? {
            let (barcode, place) = (cartridge.barcode, cartridge.place);
            match place {
                vtl::Place::Robot => self.find(format!("{barcode} is in the robot's hand")),
                vtl::Place::Drive(_) => self.find(format!("{barcode} is still in {place}")),
                vtl::Place::Slot(_) | vtl::Place::MailSlot(_) | vtl::Place::Shelf => {}
            }
        }
        Ok(())
    }

    /// Drives that hold a cartridge after many faults; after one, none may.
    fn left_in_drives(&self) -> Result<Vec<u16>, Failed> {
        let cartridges = self.rig.library()?.cartridges()?;
        let full = cartridges.iter().filter_map(|it| match it.place {
            vtl::Place::Drive(number) if self.is_many => Some(number),
            _ => None,
        });
        Ok(full.collect())
    }

    /// No write-class command went to a cartridge that is not ours, and no drive is left locked.
    fn check_log(&mut self, log: &[CommandRecord]) {
        let mut found = Vec::new();
        let mut locked = BTreeMap::new();
        let mut failures = self.power_failures.iter().peekable();
        for record in log {
            while failures.next_if(|failed_at| record.number > **failed_at).is_some() {
                locked.clear();
            }
            if let Some(cartridge) = &record.cartridge
                && record.is_write_class()
                && !self.stage.prepared.may_write.contains(&cartridge.barcode)
            {
                found
                    .push(format!("a command that writes went to {}: {record}", cartridge.barcode));
            }
            if record.cdb.opcode() == opcode::PREVENT_ALLOW_MEDIUM_REMOVAL && record.is_good() {
                locked.insert(record.device, record.cdb.as_bytes()[4] & 1 == 1);
            }
        }
        let left = locked.iter().filter(|(_, is_locked)| **is_locked).map(|(device, _)| device);
        found.extend(left.map(|device| format!("{device} is still locked")));
        self.report.findings.extend(found);
    }
}

/// What `fossilsafe ltfs repair` does, with the cartridge brought by the robot.
fn repair_cartridge(host: &crate::host::Host, barcode: &Barcode) -> Result<(), Failed> {
    let mut loaded = host.parts.equipment.load(barcode, &|| false, &mut |_| {})?;
    let spool_dir = host.parts.folders.job(JobId(0));
    let repaired = std::fs::create_dir_all(&spool_dir).map_err(Failed::from).and_then(|()| {
        let options =
            MountOptions { spool_dir: spool_dir.clone(), known: None, ends: CheckEnds::Always };
        let mounted = mount(loaded.drive(), &options)?;
        let options = WriteOptions {
            spool_dir,
            creator: creator("repair"),
            clock: host.parts.clock.clone(),
            locked: Locked::Respect,
        };
        match repair(loaded.lend(), &mounted, options, None) {
            Ok((drive, _)) => {
                loaded.take_back(drive);
                Ok(())
            }
            Err(refused) => {
                let (drive, error) = (refused.drive, refused.error);
                loaded.take_back(drive);
                Err(error.into())
            }
        }
    });
    loaded.put_away()?;
    repaired
}
