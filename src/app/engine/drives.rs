//! Drives: how they are, asked when no job has them, and what of it needs a person.

use std::cmp::Reverse;

use super::reservation::refused;
use super::watch::report;
use super::{Service, answers};
use crate::api::engine::{EngineError, EngineErrorKind};
use crate::api::types::{
    CartridgeCounters, DriveAlertView, DriveHealthView, ErrorCounters, Severity,
};
use crate::catalog::alerts::{AlertReport, AlertSeverity};
use crate::domain::{DriveSerial, Timestamp};
use crate::drive::{AlertSeverity as Raised, ErrorStatistics};
use crate::health::Kind;
use crate::jobs::cleaning::{self, Candidate};
use crate::jobs::equipment::DriveReport;

/// So many jobs that failed because of a drive within [`FAULTS_SECONDS`] make it one that is not to be
/// used. Chosen: one can be a cable that was touched, two the cartridge.
const FAULTS_MAX: usize = 3;
const FAULTS_SECONDS: i64 = 86_400;
/// TapeAlert flags that say that the drive itself is broken: hardware A, hardware B, interface.
const BROKEN: [u8; 3] = [30, 31, 32];

/// What is the matter with a drive that no job has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ailment {
    /// It asks to be cleaned.
    NeedsCleaning,
    /// It is not to be used, for this reason.
    Failed(String),
}

fn ailment(known: Option<&DriveReport>, faults: &[Timestamp], now: Timestamp) -> Option<Ailment> {
    let alerts = known.map(|report| report.alerts.as_slice()).unwrap_or_default();
    if let Some(broken) = alerts.iter().find(|alert| BROKEN.contains(&alert.0)) {
        return Some(Ailment::Failed(broken.sentence().to_owned()));
    }
    let is_recent = |at: &&Timestamp| now.seconds.saturating_sub(at.seconds) <= FAULTS_SECONDS;
    let recent = faults.iter().filter(is_recent).count();
    if recent >= FAULTS_MAX {
        return Some(Ailment::Failed(format!("{recent} jobs have failed in it within a day.")));
    }
    let is_due = known.is_some_and(is_cleaning_due);
    is_due.then_some(Ailment::NeedsCleaning)
}

fn is_cleaning_due(report: &DriveReport) -> bool {
    report.statistics.cleaning_required
        || report.alerts.iter().any(|alert| alert.asks_for_cleaning())
}

impl Service {
    /// What is the matter with a drive, as far as it was asked and used.
    pub(super) fn ailment_of(&self, serial: &DriveSerial) -> Option<Ailment> {
        let known = self.watch.drives.lock().get(serial).cloned();
        let faults = self.watch.faults.lock().get(serial).cloned().unwrap_or_default();
        ailment(known.as_ref(), &faults, self.present())
    }

    /// How a drive is: asked now, or as it last said if a job has it.
    pub(super) fn asked_drive(&self, serial: &DriveSerial) -> Result<DriveHealthView, EngineError> {
        let asked = self.parts.equipment.drive_report(serial).map_err(|error| refused(&error))?;
        let mut kept = self.watch.drives.lock();
        if let Some(asked) = asked {
            kept.insert(serial.clone(), asked);
        }
        let known = kept.get(serial).map(|report| view(serial, report));
        known.ok_or_else(|| {
            EngineError::new(
                EngineErrorKind::Conflict,
                "drive_in_use",
                format!("A job has drive {serial}, and it was not asked before."),
                "Wait for the job that uses it.",
            )
        })
    }

    /// Asks every drive that no job has, unless there is anything to do for them.
    pub(super) fn ask_drives(&self) -> Result<(), EngineError> {
        for state in super::jobs::ACTIVE {
            if !self.parts.catalog.jobs_in_state(state).map_err(answers::catalog)?.is_empty() {
                return Ok(());
            }
        }
        for bay in self.parts.equipment.bays() {
            match self.parts.equipment.drive_report(&bay.serial) {
                Ok(Some(report)) => {
                    self.watch.drives.lock().insert(bay.serial.clone(), report);
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(drive = %bay.serial, %error, "a drive does not tell"),
            }
        }
        Ok(())
    }

    /// What a drive had raised when it was last asked, as sentences.
    pub(super) fn raised_by(&self, serial: &DriveSerial) -> Vec<String> {
        let mut sentences: Vec<String> = {
            let kept = self.watch.drives.lock();
            let raised = kept.get(serial).map(|report| &report.alerts);
            raised.into_iter().flatten().map(|alert| alert.sentence().to_owned()).collect()
        };
        if let Some(Ailment::Failed(why)) = self.ailment_of(serial)
            && !sentences.contains(&why)
        {
            sentences.insert(0, why);
        }
        sentences
    }

    /// Cleaning cartridges of the library that are good for another use, as it was last seen.
    pub(super) fn cleaning_cartridges(&self) -> Vec<Candidate> {
        let Some(inventory) = self.parts.equipment.sight().inventory else { return Vec::new() };
        cleaning::candidates(&self.parts, &inventory).unwrap_or_else(|error| {
            tracing::error!(%error, "cleaning cartridges could not be looked up");
            Vec::new()
        })
    }

    fn how_to_clean(&self, serial: &DriveSerial) -> String {
        match self.cleaning_cartridges().first() {
            Some(Candidate { barcode, uses_left, .. }) => format!(
                "Clean it with {barcode}, which has about {uses_left} uses left: \
                 `fossilsafe library clean {serial}`."
            ),
            None if self.parts.equipment.changer_identity().is_none() => {
                "Put a cleaning cartridge into it when no job has it.".to_owned()
            }
            None => format!(
                "Put a cleaning cartridge into a slot, then run `fossilsafe library inventory` and \
                 `fossilsafe library clean {serial}`."
            ),
        }
    }

    /// What drives have raised and not taken back.
    pub(super) fn drive_reports(&self) -> Vec<AlertReport> {
        let mut reports = Vec::new();
        let kept = self.watch.drives.lock().clone();
        for (serial, known) in &kept {
            let view = view(serial, known);
            if view.is_cleaning_due {
                let next_step = self.how_to_clean(serial);
                let sentence = format!("Drive {serial} asks to be cleaned.");
                reports.push(report(Kind::CleaningDue, &serial.to_string(), sentence, &next_step));
            }
            if let Some(Ailment::Failed(why)) = self.ailment_of(serial) {
                let sentence = format!("Drive {serial} is not to be used: {why}");
                let next_step = "Have it looked at, or use another drive.";
                let mut report = report(Kind::DriveAlert, &serial.to_string(), sentence, next_step);
                report.severity = AlertSeverity::Critical;
                reports.push(report);
                continue;
            }
            let worst = view.alerts.first().filter(|it| it.severity > Severity::Info);
            if let Some(worst) = worst {
                let sentence = format!("Drive {serial}: {}", worst.sentence);
                let next_step = format!("See `fossilsafe library health {serial}`.");
                let mut report =
                    report(Kind::DriveAlert, &serial.to_string(), sentence, &next_step);
                if worst.severity == Severity::Critical {
                    report.severity = AlertSeverity::Critical;
                }
                reports.push(report);
            }
        }
        reports
    }
}

fn view(serial: &DriveSerial, report: &DriveReport) -> DriveHealthView {
    let DriveReport { at, alerts, statistics } = report;
    let is_cleaning_due = is_cleaning_due(report);
    let mut alerts: Vec<DriveAlertView> = alerts
        .iter()
        .map(|alert| DriveAlertView {
            number: alert.0,
            severity: match alert.severity() {
                Raised::Information => Severity::Info,
                Raised::Warning => Severity::Warning,
                Raised::Critical => Severity::Critical,
            },
            sentence: alert.sentence().to_owned(),
        })
        .collect();
    alerts.sort_by_key(|alert| (Reverse(alert.severity), alert.number));
    let sentence = match alerts.first() {
        Some(worst) => worst.sentence.clone(),
        None if is_cleaning_due => "The drive asks to be cleaned.".to_owned(),
        None => "The drive has nothing to report.".to_owned(),
    };
    let life = &statistics.cartridge;
    DriveHealthView {
        serial: serial.clone(),
        at: *at,
        sentence,
        is_cleaning_due,
        alerts,
        write: counters(&statistics.write),
        read: counters(&statistics.read),
        write_compression_percent: statistics.write_compression_percent,
        cartridge: CartridgeCounters {
            loads: life.loads,
            written_bytes: life.written_bytes,
            read_bytes: life.read_bytes,
            unrecovered_write_errors: life.unrecovered_write_errors,
            unrecovered_read_errors: life.unrecovered_read_errors,
        },
    }
}

fn counters(statistics: &ErrorStatistics) -> ErrorCounters {
    ErrorCounters {
        corrected: statistics.corrected,
        repeats: statistics.repeats,
        uncorrected: statistics.uncorrected,
        size_bytes: statistics.size_bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::{DriveStatistics, TapeAlert};

    #[test]
    fn the_worst_of_what_a_drive_has_raised_comes_first_and_cleaning_is_said() {
        let serial: DriveSerial = DriveSerial("SN1".to_owned());
        let report = |flags: &[u8]| DriveReport {
            at: Timestamp::default(),
            alerts: flags.iter().copied().map(TapeAlert).collect(),
            statistics: DriveStatistics::default(),
        };
        let quiet = view(&serial, &report(&[]));
        assert_eq!((quiet.is_cleaning_due, quiet.alerts.len()), (false, 0));
        let loud = view(&serial, &report(&[19, 21, 38]));
        assert!(loud.is_cleaning_due && loud.sentence.contains("expects to fail"), "{loud:?}");
        let numbers: Vec<u8> = loud.alerts.iter().map(|alert| alert.number).collect();
        assert_eq!(numbers, [38, 21, 19]);
    }

    #[test]
    fn a_drive_asks_to_be_cleaned_or_is_not_to_be_used_by_its_flags_or_by_what_failed_in_it() {
        let at = |seconds| Timestamp { seconds, nanoseconds: 0 };
        let report = |flags: &[u8]| DriveReport {
            at: at(0),
            alerts: flags.iter().copied().map(TapeAlert).collect(),
            statistics: DriveStatistics::default(),
        };
        let of =
            |flags: &[u8], faults: &[Timestamp]| ailment(Some(&report(flags)), faults, at(100_000));
        assert_eq!(of(&[3, 22], &[]), None);
        assert_eq!(of(&[20], &[]), Some(Ailment::NeedsCleaning));
        assert_eq!(of(&[21], &[]), Some(Ailment::NeedsCleaning));
        assert!(matches!(of(&[20, 30], &[]), Some(Ailment::Failed(_))));
        // Two within a day and one before it are not three.
        assert_eq!(of(&[], &[at(1), at(50_000), at(60_000)]), None);
        let three = [at(50_000), at(60_000), at(70_000)];
        assert_eq!(
            of(&[], &three),
            Some(Ailment::Failed("3 jobs have failed in it within a day.".to_owned()))
        );
        assert!(ailment(None, &three, at(100_000)).is_some());
    }
}
